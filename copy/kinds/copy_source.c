/* SPDX-License-Identifier: MIT */
/* The source of a copy. */
#include "copy_source.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "isotime.h"
#include "region_queue.h"
#include "job.h"
#include "poll_backoff.h"
#include "preflight.h"
#include "random.h"

int source_unknown(const char *region, const char *id, struct err *err)
{
	return err_set(err, ENOENT,
		"EC2 knows no snapshot %s in %s, or this account may not see it", id, region);
}

static bool is_archived(const struct catalogue *catalogue, catalogue_slot slot)
{
	const char *tier = NULL;
	struct ec2_field f;
	int64_t expiry = 0;

	for (unsigned n = 0; catalogue_field(catalogue, slot, n, &f); n++) {
		if (!strcmp(f.name, "StorageTier"))
			tier = f.value;
		else if (!strcmp(f.name, "RestoreExpiryTime") &&
			 isotime_parse(f.value, strlen(f.value), &expiry) < 0)
			expiry = 0;
	}
	return preflight_is_archived(tier, expiry, clock_wall_ms());
}

enum source_word source_word(
	struct region *region, const char *id, catalogue_slot *slot, struct err *err)
{
	struct catalogue *catalogue = region_catalogue(region);
	catalogue_slot at = catalogue_find(catalogue, id);
	struct catalogue_snapshot s;

	if (slot)
		*slot = at;
	if (at == CATALOGUE_NONE || !catalogue_get(catalogue, at, &s) ||
		s.presence == CATALOGUE_GONE)
		return SOURCE_UNKNOWN;
	switch (s.state) {
	case EC2_SNAPSHOT_PENDING:
		return SOURCE_PENDING;
	case EC2_SNAPSHOT_ERROR:
		err_set(err, EINVAL, "source %s is in state error%s%s", id,
			*s.state_message ? ": " : "", s.state_message);
		return SOURCE_UNFIT;
	case EC2_SNAPSHOT_RECOVERABLE:
	case EC2_SNAPSHOT_RECOVERING:
		err_set(err, EINVAL, "source %s is in the recycle bin (%s)", id, s.state_text);
		return SOURCE_UNFIT;
	case EC2_SNAPSHOT_COMPLETED:
	case EC2_SNAPSHOT_UNKNOWN: /* EC2 judges */
		break;
	}
	if (is_archived(catalogue, at)) {
		err_set(err, EOPNOTSUPP,
			"source %s is in the archive tier; restore it first (aws ec2 "
			"restore-snapshot-tier), which takes up to 72 hours",
			id);
		return SOURCE_UNFIT;
	}
	return SOURCE_READY;
}

static void explain(struct entry *e)
{
	const struct journal_copy *row = &e->pub.row;
	struct catalogue *catalogue = region_catalogue(e->work->source->region);
	catalogue_slot slot = catalogue_find(catalogue, row->source_id);
	struct catalogue_snapshot s;

	if (slot != CATALOGUE_NONE && catalogue_get(catalogue, slot, &s) &&
		s.progress != EC2_PROGRESS_UNKNOWN)
		life_reason(e, "source %s is still pending (%d%%)", row->source_id, s.progress);
	else
		life_reason(e, "source %s is still pending", row->source_id);
}

int source_wait(struct entry *e)
{
	struct lane *lane = lane_get(e->all, e->pub.row.source_region);

	if (!lane || lane_hold(lane, e->pub.row.source_id) < 0)
		return -ENOMEM;
	e->work->source = lane;
	explain(e);
	return 0;
}

static void later(struct entry *e, const char *why)
{
	int64_t pause = pace_retry(e->all->options.retry_ms, ++e->work->failures, random_unit());

	e->work->retry_at = clock_mono_ms() + pause;
	life_reason(e, "the source cannot be looked up: %s", why);
	lane_wake(e->lane);
}

/* EC2 was asked; the catalogue has its answer. */
static void decide(struct entry *e)
{
	const struct journal_copy *row = &e->pub.row;
	struct region *region = regions_get(e->all->options.regions, row->source_region);
	struct err err;

	if (!region) {
		later(e, "out of memory");
		return;
	}
	switch (source_word(region, row->source_id, NULL, &err)) {
	case SOURCE_READY:
		e->work->failures = 0;
		e->work->retry_at = 0;
		life_no_reason(e);
		lane_wake(e->lane);
		break;
	case SOURCE_PENDING:
		if (source_wait(e) < 0)
			later(e, "out of memory");
		break;
	case SOURCE_UNKNOWN:
		source_unknown(row->source_region, row->source_id, &err);
		life_fail(e, &err);
		break;
	case SOURCE_UNFIT:
		life_fail(e, &err);
		break;
	}
}

static void asked(void *arg, const struct err *err)
{
	struct work *w = arg;

	w->waiter = NULL;
	w->phase = PHASE_REST;
	if (err)
		later(w->entry, err->message);
	else
		decide(w->entry);
}

bool source_check(struct entry *e)
{
	const struct journal_copy *row = &e->pub.row;
	struct region *region = regions_get(e->all->options.regions, row->source_region);
	bool ready = false;
	struct err err;

	if (!region) {
		later(e, "out of memory");
		return false;
	}
	switch (source_word(region, row->source_id, NULL, &err)) {
	case SOURCE_READY:
		return true;
	case SOURCE_UNKNOWN:
		e->work->waiter =
			region_ensure_id(region, row->source_id, true, asked, e->work, &ready);
		if (e->work->waiter)
			e->work->phase = PHASE_CHECKING;
		else if (ready)
			decide(e);
		else
			later(e, "out of memory");
		return false;
	default:
		decide(e);
		return false;
	}
}

static void look_again(struct entry *e)
{
	struct lane *lane = e->work->source;
	struct err err;

	if (source_word(lane->region, e->pub.row.source_id, NULL, &err) == SOURCE_PENDING) {
		explain(e);
		return;
	}
	/* Whatever it is now, the lane's pump finds out when its turn comes. */
	e->work->source = NULL;
	lane_release(lane, e->pub.row.source_id);
	life_no_reason(e);
	life_changed(e);
	lane_wake(e->lane);
}

void source_seen(struct lane *lane, const char *id)
{
	struct lane *l;
	struct entry *e, *next;
	struct held *h;

	HASH_FIND_STR(lane->held, id, h);
	if (!h || !h->holds)
		return;
	for (l = lane->all->lanes; l; l = l->hh.next)
		for (e = l->queue; e; e = next) {
			next = e->next;
			if (e->work->source == lane && !strcmp(e->pub.row.source_id, id))
				look_again(e);
		}
}
