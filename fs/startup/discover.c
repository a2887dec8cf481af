/* SPDX-License-Identifier: MIT */
/* The first requests of a mount: the account's number and its regions. If AWS cannot be reached,
 * but this configuration reached an account before, the mount starts offline instead. */
#include <errno.h>
#include <string.h>

#include "aws_error.h"
#include "backoff.h"
#include "clock.h"
#include "ec2.h"
#include "log.h"
#include "mount.h"
#include "notify.h"
#include "offline.h"
#include "random.h"
#include "spelling.h"

/* How long the start waits for the account's number once the regions are known. A cloud may lack
 * STS. */
#define IDENTITY_MS    5000
/* The most other regions that are tried at the start if the first one of regions= may be mistyped;
 * the home region is the last of them. */
#define HOMES_MAX      3
/* If an account is known from disk, the mount starts offline when AWS sends no response for this
 * time. */
#define REACH_MS       3000
#define REACH_LOOK_MS  50
/* With wait=: the longest pause between two attempts to start. */
#define RETRY_PAUSE_MS 1000

const char *discover_home_region(const struct mount *m)
{
	char **wanted = m->fs.options->regions;

	return wanted ? wanted[0] : endpoint_home_region(m->profiles, m->fs.profile);
}

/* --- the account's number and its regions --- */

/* Ends the loop after an error, or once the regions are known and the start no longer waits for the
 * account's number. */
static void discover_check_end(struct mount *m)
{
	if (m->err.errnum || (m->regions_known && !m->identity_call))
		uv_stop(&m->loop);
}

static void discover_identity_timeout(void *arg)
{
	struct mount *m = arg;

	if (m->identity_call && m->regions_known) {
		aws_cancel(m->identity_call);
		m->identity_call = NULL;
	}
	discover_check_end(m);
}

static void discover_identity_done(
	void *arg, const char *account, const char *arn, const struct err *err)
{
	struct mount *m = arg;

	m->identity_call = NULL;
	if (err)
		log_info("the account's number is not known: %s", err->message);
	else
		snprintf(m->fs.account, sizeof(m->fs.account), "%s", account);
	if (arn)
		log_info("acting as %s", arn);
	discover_check_end(m);
}

static int discover_by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Shows the regions sorted by name, the order in which a shell expands `*`: so ebsfs can list
 * regions ahead of a program that walks through them. */
static void discover_show_regions(struct mount *m, const char *const *names, size_t n)
{
	_cleanup_free_ const char **sorted = calloc(n + 1, sizeof(*sorted));

	if (!sorted) {
		err_set(&m->err, ENOMEM, "out of memory");
		return;
	}
	memcpy(sorted, names, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), discover_by_name);
	for (size_t i = 0; i < n && !m->err.errnum; i++) {
		int r = regions_show(m->fs.regions, sorted[i]);

		if (r < 0)
			err_set(&m->err, -r, "cannot show region %s: %s", sorted[i], strerror(-r));
	}
}

/* Returns whether regions= may be used although DescribeRegions failed: the reason is a missing
 * permission, or a cloud that does not support the call or returns no region. */
static bool discover_may_trust_option(const struct err *err)
{
	return aws_error_is_permission(err->code) || err->errnum == EOPNOTSUPP ||
	       err->errnum == ENODATA;
}

static void discover_regions_done(
	void *arg, const char *const *names, size_t n, const struct err *err)
{
	struct mount *m = arg;
	char **wanted = m->fs.options->regions;
	size_t n_wanted = 0;

	m->regions_call = NULL;
	m->regions_known = true;
	if (!err)
		fs_keep_enabled(&m->fs, names, n);
	if (err && !(wanted && discover_may_trust_option(err))) {
		m->err = *err;
		err_context(&m->err, "asking AWS for the account's regions");
	} else if (err) {
		log_warning("the account's regions cannot be listed; trusting regions=: %s",
			err->message);
	}
	if (!err && wanted && !m->err.errnum)
		spelling_check_regions(wanted, names, n, &m->err);
	while (wanted && wanted[n_wanted])
		n_wanted++;
	if (!m->err.errnum)
		discover_show_regions(
			m, wanted ? (const char *const *)wanted : names, wanted ? n_wanted : n);
	if (m->identity_call)
		loop_timer_start(m->identity_timer, IDENTITY_MS);
	discover_check_end(m);
}

/* --- one attempt --- */

/* Ends the attempt early if an account is known from disk and AWS cannot be reached; otherwise the
 * start would wait for all retries of the first requests. */
static void discover_look_for_reach(void *arg)
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

static int discover_watch_reach(struct mount *m)
{
	if (!*m->cached.account)
		return 0;
	if (!m->reach_timer)
		m->reach_timer = loop_timer_create(&m->loop, discover_look_for_reach, m);
	if (!m->reach_timer)
		return -ENOMEM;
	m->asked_ms = clock_wall_ms();
	m->reach_until = clock_mono_ms() + REACH_MS;
	loop_timer_start(m->reach_timer, REACH_LOOK_MS);
	return 0;
}

static int discover_from(struct mount *m, const char *home, struct err *err)
{
	m->err = (struct err){0};
	m->regions_known = false;
	if (!m->identity_timer)
		m->identity_timer = loop_timer_create(&m->loop, discover_identity_timeout, m);
	m->identity_call = m->identity_timer ? sts_get_caller_identity(
						       m->fs.aws, home, discover_identity_done, m)
					     : NULL;
	m->regions_call = ec2_describe_regions(m->fs.aws, home, discover_regions_done, m);
	if (!m->regions_call || !m->identity_call || discover_watch_reach(m) < 0)
		return err_set(err, ENOMEM, "out of memory");
	uv_run(&m->loop, UV_RUN_DEFAULT);
	/* If this timer still ran, its callback would end the loop while the loop serves the mount.
	 */
	loop_timer_stop(m->identity_timer);
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

/* Returns whether the failure is typical of a region that does not exist: there is no such
 * endpoint, or the endpoint knows no access key. */
static bool discover_is_no_region(const struct err *err)
{
	return err->errnum == EHOSTUNREACH || aws_error_may_be_region(err->code);
}

/* Returns the same, and also true if the region's name does not make a valid URL. */
static bool discover_may_be_name(const struct err *err)
{
	return discover_is_no_region(err) || (err->errnum == EINVAL && !err->http_status);
}

/* Sends the requests to the home region. If they fail because the first name in regions= may be
 * mistyped, sends them to other regions. */
static int discover_from_any(struct mount *m, struct err *err)
{
	char **wanted = m->fs.options->regions;
	const char *home = endpoint_home_region(m->profiles, m->fs.profile);
	int r = discover_from(m, discover_home_region(m), err);
	struct err other;

	/* *err stays the first region's error if the others, too, fail like regions that do not
	 * exist. */
	for (int i = 1;
		r < 0 && wanted && discover_may_be_name(err) && !m->ending && i <= HOMES_MAX; i++) {
		bool last = i == HOMES_MAX || !wanted[i];

		r = discover_from(m, last ? home : wanted[i], &other);
		if (r < 0 && !discover_is_no_region(&other))
			*err = other;
		if (last)
			break;
	}
	return r;
}

/* --- retries: wait= --- */

struct startup_retry {
	int64_t until_ms; /* monotonic */
	bool reported;
};

/* Returns whether a later attempt may succeed: at boot the network, the name server, the metadata
 * service, a role or a credentials file may be available late. Refusals by AWS and wrong settings
 * are permanent. */
static bool startup_retry_helps(const struct err *err)
{
	if (err->code[0])
		return err->retryable;
	return err->errnum != EINVAL && err->errnum != ENOMEM && err->errnum != EINTR;
}

static void startup_retry_fired(void *arg)
{
	*(bool *)arg = true;
}

static void startup_retry_pause(struct mount *m)
{
	bool fired = false;
	struct loop_timer *timer = loop_timer_create(&m->loop, startup_retry_fired, &fired);

	if (!timer)
		return;
	loop_timer_start(timer, backoff_pause(RETRY_PAUSE_MS, RETRY_PAUSE_MS, 1, random_unit()));
	while (!fired && !m->ending)
		uv_run(&m->loop, UV_RUN_ONCE);
	loop_timer_destroy(timer);
}

/* Returns whether to make another attempt after one that failed with *err. If so, waits first, and
 * reports the reason to the log (once) and to the service manager. */
static bool startup_retry_again(struct startup_retry *retry, struct mount *m, struct err *err)
{
	int64_t left = retry->until_ms - clock_mono_ms();

	if (left <= 0 || !startup_retry_helps(err))
		return false;
	if (!retry->reported)
		log_warning("waiting up to %lld s more: %s", (long long)(left + 999) / 1000,
			err->message);
	retry->reported = true;
	notify_manager("STATUS=waiting: %s", err->message);
	startup_retry_pause(m);
	if (m->ending)
		err_set(err, EINTR, "ended by a signal before the mount stood");
	return !m->ending;
}

/* --- offline --- */

/* Reads the account cache. Fails only if the folder is not safe from other users; after any other
 * failure no account is known from disk. */
static int discover_read_cache(struct mount *m, struct err *err)
{
	struct err why = {0};
	int r;

	if (m->fs.options->simulate)
		return 0;
	m->cache_path = account_cache_path(m->fs.options, &m->endpoints, &why);
	r = m->cache_path ? account_cache_read(m->cache_path, &m->cached, &why) : -why.errnum;
	if (r < 0)
		account_cache_finish(&m->cached);
	/* Not EPERM: it would end the command with the exit status of refused credentials. */
	return r == -EPERM ? err_set(err, EIO, "%s", why.message) : 0;
}

static void discover_write_cache(const struct mount *m)
{
	struct err err;

	if (m->cache_path && *m->fs.account &&
		account_cache_write(m->cache_path, m->fs.account, m->fs.enabled, &err) < 0)
		log_info("the account is not remembered: %s", err.message);
}

static bool discover_may_go_offline(const struct mount *m, const struct err *why)
{
	return *m->cached.account && offline_is_cause(why) &&
	       (m->fs.options->regions || m->cached.regions) &&
	       (!*m->fs.account || !strcmp(m->fs.account, m->cached.account));
}

static int discover_go_offline(struct mount *m, struct err *why)
{
	char **cached = m->cached.regions, **names = m->fs.options->regions;
	size_t n = 0, n_names = 0;

	m->err = (struct err){0};
	while (cached && cached[n])
		n++;
	if (cached)
		fs_keep_enabled(&m->fs, (const char *const *)cached, n);
	names = names ? names : cached;
	while (names[n_names])
		n_names++;
	discover_show_regions(m, (const char *const *)names, n_names);
	snprintf(m->fs.account, sizeof(m->fs.account), "%s", m->cached.account);
	if (!m->err.errnum &&
		offline_begin(&m->fs, discover_home_region(m), m->cache_path, why) < 0)
		err_set(&m->err, ENOMEM, "out of memory");
	if (!m->err.errnum)
		fprintf(stderr,
			"ebsfs: AWS cannot be reached, so the mount shows what is on disk of "
			"account "
			"%s: %s\n",
			m->fs.account, why->message);
	*why = m->err;
	return -why->errnum;
}

int discover(struct mount *m, struct err *err)
{
	struct startup_retry retry = {.until_ms = clock_mono_ms() + m->fs.options->wait_ms};
	int r;

	r = discover_read_cache(m, err);
	if (r < 0)
		return r;
	do
		r = discover_from_any(m, err);
	while (r < 0 && startup_retry_again(&retry, m, err));
	if (r < 0 && discover_may_go_offline(m, err))
		return discover_go_offline(m, err);
	if (r == 0)
		discover_write_cache(m);
	return r;
}
