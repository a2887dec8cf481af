/* SPDX-License-Identifier: MIT */
/* A mount while AWS cannot be reached. */
#include "offline.h"

#include <errno.h>
#include <string.h>

#include "account_cache.h"
#include "backoff.h"
#include "clock.h"
#include "ec2.h"
#include "endpoint.h"
#include "isotime.h"
#include "last_error.h"
#include "log.h"
#include "loop.h"
#include "random.h"
#include "session.h"

#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 30000

/*
 *   waiting   AWS has not confirmed the account; it is asked again after a pause
 *   met       AWS confirmed the account: the mount is an ordinary one. Only the list of regions is
 *             still requested
 *   barred    the credentials are another account's: nothing is shown and nothing is sent any more
 */
struct offline {
	struct fs *fs;
	char home[ENDPOINT_REGION_SIZE];
	const char *cache_path;
	int64_t since_ms;  /* wall clock */
	unsigned failures; /* requests in a row that got no response */
	struct err why;
	bool barred, met;
	struct loop_timer *again;
	struct aws_call *call;
};

bool offline_is_cause(const struct err *err)
{
	if (err->http_status || err->code[0])
		return false;
	return err->errnum == ETIMEDOUT || (err->errnum == EHOSTUNREACH && err->retryable);
}

static void offline_ask(void *arg);

static void offline_ask_later(struct offline *o)
{
	loop_timer_start(
		o->again, backoff_pause(PAUSE_MIN_MS, PAUSE_MAX_MS, ++o->failures, random_unit()));
}

static void offline_hold_requests(struct offline *o)
{
	struct err err;

	err_set(&err, o->why.errnum == ETIMEDOUT ? ETIMEDOUT : EHOSTUNREACH,
		"the mount is offline: %s", o->why.message);
	aws_hold(o->fs->aws, &err);
}

/* --- the regions, once the account is confirmed --- */

static void offline_regions_done(
	void *arg, const char *const *names, size_t n, const struct err *err)
{
	struct offline *o = arg;
	struct fs *fs = o->fs;
	struct err unwritten;
	bool more = false;

	o->call = NULL;
	if (err)
		log_info("the regions cannot be listed; showing those known from disk: %s",
			err->message);
	for (size_t i = 0; i < n && !err && !fs->options->regions; i++) {
		if (regions_index(fs->regions, names[i]) < 0)
			more |= regions_show(fs->regions, names[i]) >= 0;
	}
	if (!err)
		fs_keep_enabled(fs, names, n);
	if (!err && account_cache_write(o->cache_path, fs->account, fs->enabled, &unwritten) < 0)
		log_info("the account is not remembered: %s", unwritten.message);
	if (more)
		session_invalidate(fs, (struct node){.kind = NODE_REGIONS});
}

static void offline_confirm(struct offline *o)
{
	struct fs *fs = o->fs;

	log_info("AWS can be reached again, and the account is still %s: refreshing what is shown",
		fs->account);
	o->met = true;
	aws_hold(fs->aws, NULL);
	for (size_t i = 0; regions_at(fs->regions, i); i++)
		region_retry(regions_at(fs->regions, i));
	o->call = ec2_describe_regions(fs->aws, o->home, offline_regions_done, o);
}

/* --- the account --- */

static void offline_bar(struct offline *o, const char *account)
{
	struct fs *fs = o->fs;

	o->barred = true;
	err_set(&o->why, EACCES,
		"the credentials are account %s's now, and the mount shows account %s, which they "
		"reached last: unmount and mount again",
		account, fs->account);
	last_error_report(fs->last_error, fs->uid, "ask AWS who this is", &o->why);
	aws_hold(fs->aws, &o->why);
	session_invalidate(fs, (struct node){.kind = NODE_COPIES});
	session_invalidate(fs, (struct node){.kind = NODE_COPIES_JSON});
	session_invalidate(fs, (struct node){.kind = NODE_REGIONS});
	for (uint32_t i = 0; regions_at(fs->regions, i); i++) {
		session_invalidate(fs, (struct node){.kind = NODE_REGION, .region = i});
		session_invalidate(fs, (struct node){.kind = NODE_SNAPSHOTS, .region = i});
	}
}

static void offline_identity_done(
	void *arg, const char *account, const char *arn, const struct err *err)
{
	struct offline *o = arg;

	(void)arn;
	o->call = NULL;
	if (err) {
		o->why = *err;
		offline_hold_requests(o);
		offline_ask_later(o);
	} else if (strcmp(account, o->fs->account) != 0) {
		offline_bar(o, account);
	} else {
		offline_confirm(o);
	}
}

static void offline_ask(void *arg)
{
	struct offline *o = arg;

	o->call = sts_get_caller_identity(o->fs->aws, o->home, offline_identity_done, o);
	if (!o->call)
		offline_ask_later(o);
}

int offline_begin(struct fs *fs, const char *home, const char *cache_path, const struct err *why)
{
	struct offline *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->fs = fs;
	o->cache_path = cache_path;
	o->since_ms = clock_wall_ms();
	o->why = *why;
	snprintf(o->home, sizeof(o->home), "%s", home);
	o->again = loop_timer_create(fs->loop, offline_ask, o);
	if (!o->again) {
		free(o);
		return -ENOMEM;
	}
	fs->offline = o;
	offline_hold_requests(o);
	offline_ask_later(o);
	return 0;
}

void offline_destroy(struct offline *o)
{
	if (!o)
		return;
	if (o->call)
		aws_cancel(o->call);
	loop_timer_destroy(o->again);
	free(o);
}

bool offline_refuses(const struct fs *fs, struct err *err)
{
	const struct offline *o = fs->offline;

	if (!o || o->met)
		return false;
	if (o->barred)
		*err = o->why;
	else
		err_set(err, o->why.errnum == ETIMEDOUT ? ETIMEDOUT : EHOSTUNREACH,
			"the mount is offline, so nothing can be changed: %s", o->why.message);
	return true;
}

bool offline_bars(const struct fs *fs)
{
	return fs->offline && fs->offline->barred;
}

void offline_text(const struct fs *fs, struct buf *out)
{
	const struct offline *o = fs->offline;
	char stamp[ISOTIME_SIZE];

	if (!o || o->met)
		return;
	if (o->barred)
		buf_printf(out, "offline: %s\n", o->why.message);
	else
		buf_printf(out,
			"offline: since %s; what is shown is from disk, and nothing can be changed "
			"until AWS answers: %s\n",
			isotime_format(o->since_ms, stamp), o->why.message);
}
