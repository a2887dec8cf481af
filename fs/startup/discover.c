/* SPDX-License-Identifier: MIT */
/* The first words with AWS, and what becomes of a mount to which AWS says nothing. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "ec2.h"
#include "log.h"
#include "mount.h"
#include "offline.h"
#include "patience.h"
#include "region_names.h"

/* Who the account is matters less than being there: a cloud without STS answers nothing to wait
 * for. */
#define IDENTITY_MS   5000
/* How many other regions are asked at the start if one of regions= does not answer. */
#define HOMES_MAX     3
/* An account that is known from disk is mounted without AWS if that has not said a word for so
 * long.
 */
#define REACH_MS      3000
#define REACH_LOOK_MS 50

/* The identity has been asked for long enough, or has come: go on once the regions are known. */
static void maybe_go_on(struct mount *m)
{
	if (m->err.errnum || (m->regions_known && !m->identity_call))
		uv_stop(&m->loop);
}

static void identity_late(void *arg)
{
	struct mount *m = arg;

	if (m->identity_call && m->regions_known) {
		aws_cancel(m->identity_call);
		m->identity_call = NULL;
	}
	maybe_go_on(m);
}

static void identity_known(void *arg, const char *account, const char *arn, const struct err *err)
{
	struct mount *m = arg;

	m->identity_call = NULL;
	if (err)
		log_info("the account's number is not known: %s", err->message);
	else
		snprintf(m->fs.account, sizeof(m->fs.account), "%s", account);
	if (arn)
		log_info("acting as %s", arn);
	maybe_go_on(m);
}

static void show(struct mount *m, const char *name)
{
	int r = regions_show(m->fs.regions, name);

	if (r < 0 && !m->err.errnum)
		err_set(&m->err, -r, "cannot show region %s: %s", name, strerror(-r));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* By name, as a shell expands a `*`: who goes through them one way or the other goes the same way,
 * and the next ones can be listed ahead. */
static void show_in_order(struct mount *m, const char *const *names, size_t n)
{
	_cleanup_free_ const char **sorted = calloc(n + 1, sizeof(*sorted));

	if (!sorted) {
		err_set(&m->err, ENOMEM, "out of memory");
		return;
	}
	memcpy(sorted, names, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < n && !m->err.errnum; i++)
		show(m, sorted[i]);
}

/* Whether the list of regions is not to be had here for a reason that says nothing of the regions
 * that were named: no permission, a cloud without the question, or one without an answer. */
static bool may_trust_option(const struct err *err)
{
	return !strcmp(err->code, "UnauthorizedOperation") || err->errnum == EOPNOTSUPP ||
	       err->errnum == ENODATA;
}

static void regions_come(void *arg, const char *const *names, size_t n, const struct err *err)
{
	struct mount *m = arg;
	char **wanted = m->fs.options->regions;
	size_t n_wanted = 0;

	m->regions_call = NULL;
	m->regions_known = true;
	if (!err)
		fs_keep_enabled(&m->fs, names, n);
	if (err && !(wanted && may_trust_option(err))) {
		m->err = *err;
		err_context(&m->err, "asking AWS for the account's regions");
	} else if (err) {
		log_warning("the account's regions cannot be listed; trusting regions=: %s",
			err->message);
	}
	if (!err && wanted && !m->err.errnum)
		region_names_check(wanted, names, n, &m->err);
	while (wanted && wanted[n_wanted])
		n_wanted++;
	if (!m->err.errnum)
		show_in_order(
			m, wanted ? (const char *const *)wanted : names, wanted ? n_wanted : n);
	/* The account's number is not waited for much longer than the regions. */
	if (m->identity_call)
		loop_timer_start(m->identity_timer, IDENTITY_MS);
	maybe_go_on(m);
}

const char *start_home_region(const struct mount *m)
{
	char **wanted = m->fs.options->regions;

	return wanted ? wanted[0] : endpoint_home_region(m->profiles, m->fs.profile);
}

/* Whoever is known from disk need not wait for all the tries of the first requests. */
static void look_for_reach(void *arg)
{
	struct mount *m = arg;
	struct aws_health health = aws_health(m->fs.aws, NULL);

	if (health.last_answer_ms >= m->asked_ms)
		return;
	if (health.last_failure_ms >= m->asked_ms && offline_is_cause(&health.last_failure)) {
		m->err = health.last_failure;
	} else if (clock_mono_ms() >= m->reach_until) {
		err_set(&m->err, ETIMEDOUT, "AWS has not answered within %d s", REACH_MS / 1000);
	} else {
		loop_timer_start(m->reach_timer, REACH_LOOK_MS);
		return;
	}
	uv_stop(&m->loop);
}

static int watch_reach(struct mount *m)
{
	if (!*m->known.account)
		return 0;
	if (!m->reach_timer)
		m->reach_timer = loop_timer_create(&m->loop, look_for_reach, m);
	if (!m->reach_timer)
		return -ENOMEM;
	m->asked_ms = clock_wall_ms();
	m->reach_until = clock_mono_ms() + REACH_MS;
	loop_timer_start(m->reach_timer, REACH_LOOK_MS);
	return 0;
}

static int ask_aws(struct mount *m, const char *home, struct err *err)
{
	m->err = (struct err){0};
	m->regions_known = false;
	if (!m->identity_timer)
		m->identity_timer = loop_timer_create(&m->loop, identity_late, m);
	m->identity_call = m->identity_timer
				   ? sts_get_caller_identity(m->fs.aws, home, identity_known, m)
				   : NULL;
	m->regions_call = ec2_describe_regions(m->fs.aws, home, regions_come, m);
	if (!m->regions_call || !m->identity_call || watch_reach(m) < 0)
		return err_set(err, ENOMEM, "out of memory");
	uv_run(&m->loop, UV_RUN_DEFAULT);
	loop_timer_stop(
		m->identity_timer); /* it ends the loop, which from now on serves the mount */
	if (m->reach_timer)
		loop_timer_stop(m->reach_timer);
	if (m->identity_call)
		aws_cancel(m->identity_call);
	if (m->regions_call)
		aws_cancel(m->regions_call);
	m->identity_call = m->regions_call = NULL;
	if (m->ending)
		return err_set(err, EINTR, "ended by a signal before the mount stood");
	if (!m->err.errnum)
		return 0;
	*err = m->err;
	return -err->errnum;
}

static bool is_no_region(const struct err *err)
{
	return err->errnum == EHOSTUNREACH || !strcmp(err->code, "AuthFailure");
}

/* Without an endpoint, or not even of the form that one can be made of. */
static bool may_be_name(const struct err *err)
{
	return is_no_region(err) || (err->errnum == EINVAL && !err->http_status);
}

/* The region that regions= names first may be the mistyped one, which has no endpoint or one that
 * knows nobody: then another one is asked which there are. */
static int ask_aws_somewhere(struct mount *m, struct err *err)
{
	char **wanted = m->fs.options->regions;
	const char *home = endpoint_home_region(m->profiles, m->fs.profile);
	int r = ask_aws(m, start_home_region(m), err);
	struct err other;

	/* If nobody answers, the first one's reason is told; else what the answer says of the list.
	 */
	for (int i = 1; r < 0 && wanted && may_be_name(err) && !m->ending && i <= HOMES_MAX; i++) {
		bool last = i == HOMES_MAX || !wanted[i];

		r = ask_aws(m, last ? home : wanted[i], &other);
		if (r < 0 && !is_no_region(&other))
			*err = other;
		if (last)
			break;
	}
	return r;
}

/* --- without AWS --- */

/* A folder that is not safe from other users is refused before AWS is asked. Any other failure only
 * means that nothing is known. */
static int read_known(struct mount *m, struct err *err)
{
	struct err why = {0};
	int r;

	if (m->fs.options->simulate)
		return 0;
	m->known_path = account_cache_path(m->fs.options, &m->endpoints, &why);
	r = m->known_path ? account_cache_read(m->known_path, &m->known, &why) : -why.errnum;
	if (r < 0)
		account_cache_finish(&m->known);
	return r == -EPERM ? err_set(err, EPERM, "%s", why.message) : 0;
}

static void write_known(const struct mount *m)
{
	struct err err;

	if (m->known_path && *m->fs.account &&
		account_cache_write(m->known_path, m->fs.account, m->fs.enabled, &err) < 0)
		log_info("the account is not remembered: %s", err.message);
}

/* Whether this failure need not keep from mounting what is on disk. */
static bool can_go_offline(const struct mount *m, const struct err *why)
{
	return *m->known.account && offline_is_cause(why) &&
	       (m->fs.options->regions || m->known.regions) &&
	       (!*m->fs.account || !strcmp(m->fs.account, m->known.account));
}

static int go_offline(struct mount *m, struct err *why)
{
	char **known = m->known.regions, **names = m->fs.options->regions;
	size_t n = 0, n_names = 0;

	m->err = (struct err){0};
	while (known && known[n])
		n++;
	if (known)
		fs_keep_enabled(&m->fs, (const char *const *)known, n);
	names = names ? names : known;
	while (names[n_names])
		n_names++;
	show_in_order(m, (const char *const *)names, n_names);
	snprintf(m->fs.account, sizeof(m->fs.account), "%s", m->known.account);
	if (!m->err.errnum && offline_begin(&m->fs, start_home_region(m), m->known_path, why) < 0)
		err_set(&m->err, ENOMEM, "out of memory");
	if (!m->err.errnum)
		fprintf(stderr,
			"ebsfs: AWS cannot be reached, so what is known of account %s from disk is "
			"mounted: %s\n",
			m->fs.account, why->message);
	*why = m->err;
	return -why->errnum;
}

int start_speak(struct mount *m, struct err *err)
{
	struct patience patience = {.loop = &m->loop,
		.until_ms = clock_mono_ms() + m->fs.options->wait_ms,
		.ended = &m->ending};
	int r;

	r = read_known(m, err);
	if (r < 0)
		return r;
	do
		r = ask_aws_somewhere(m, err);
	while (r < 0 && patience_lasts(&patience, err));
	if (r < 0 && can_go_offline(m, err))
		return go_offline(m, err);
	if (r == 0)
		write_known(m);
	return r;
}
