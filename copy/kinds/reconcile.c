/* SPDX-License-Identifier: MIT */
/* What EC2's listings show of copies. */
#include "reconcile.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "endpoint.h"
#include "region_queue.h"
#include "job.h"
#include "log.h"
#include "poller.h"
#include "lost_requests.h"
#include "copy_source.h"
#include "expire.h"

#define FOREIGN_MAX                                                                                \
	10000 /* of one region; EC2 carries out some dozens at once, the rest ended lately */

/* --- our own --- */

static void update(struct entry *e, const struct catalogue_snapshot *s)
{
	struct journal_copy *row = &e->pub.row;
	int64_t now = clock_wall_ms(), eta;

	if (s->start_ms)
		row->started_ms = s->start_ms;
	row->bytes = s->full_size >= 0 ? s->full_size : (int64_t)s->volume_gib << 30;
	if (s->state != EC2_SNAPSHOT_PENDING)
		return;
	eta = estimate_end(row->started_ms, s->progress, now,
		estimate_length(e->all->estimate, row->source_region, row->region, row->bytes),
		row->completion_minutes);
	if (e->pub.progress == s->progress && e->pub.eta_ms)
		return; /* the estimate of the moment when EC2 first said this percent is the best
			   one */
	e->pub.eta_ms = eta;
	if (e->pub.progress != s->progress) {
		e->pub.progress = s->progress;
		life_changed(e);
	}
}

static void completed(struct entry *e, const struct catalogue_snapshot *s)
{
	struct journal_copy *row = &e->pub.row;
	int64_t ended = s->completion_ms ? s->completion_ms : clock_wall_ms();

	e->pub.progress = 100;
	estimate_learn(e->all->estimate, row->source_region, row->region, row->bytes,
		ended - row->started_ms);
	life_end(e, COPY_COMPLETED, ended, NULL);
}

static void own(struct entry *e, const struct catalogue_snapshot *s)
{
	if (e->pub.state != COPY_PENDING || s->presence == CATALOGUE_GONE)
		return; /* that it is gone is for the poller to judge */
	e->work->absences = 0;
	update(e, s);
	switch (s->state) {
	case EC2_SNAPSHOT_COMPLETED:
		completed(e, s);
		break;
	case EC2_SNAPSHOT_ERROR:
		life_end(e, COPY_ERROR, clock_wall_ms(),
			*s->state_message ? s->state_message : "EC2 gave no reason");
		break;
	case EC2_SNAPSHOT_RECOVERABLE:
	case EC2_SNAPSHOT_RECOVERING:
		life_end(e, COPY_CANCELLED, clock_wall_ms(),
			"the snapshot was moved into the recycle bin");
		break;
	case EC2_SNAPSHOT_PENDING:
	case EC2_SNAPSHOT_UNKNOWN:
		break;
	}
}

void observe_entry(struct entry *e)
{
	struct catalogue *catalogue = region_catalogue(e->lane->region);
	catalogue_slot slot =
		e->pub.row.copy_id ? catalogue_find(catalogue, e->pub.row.copy_id) : CATALOGUE_NONE;
	struct catalogue_snapshot s;

	if (slot != CATALOGUE_NONE && catalogue_get(catalogue, slot, &s))
		own(e, &s);
}

/* --- those of others --- */

bool observe_source_tag(const char *value, char **region, char **id)
{
	const char *slash = value ? strchr(value, '/') : NULL;

	*region = *id = NULL;
	if (!slash)
		return false;
	*region = strndup(value, (size_t)(slash - value));
	*id = strdup(slash + 1);
	if (*region && *id && endpoint_is_region(*region) && ec2_is_snapshot_id(*id))
		return true;
	free(steal(region));
	free(steal(id));
	return false;
}

static void tell(struct copies *c, const struct copy *copy)
{
	for (struct watcher *w = c->watchers; w; w = w->next)
		w->fn(w->arg, copy);
}

void observe_foreign_drop(struct foreign *f)
{
	if (f->pub.state == COPY_PENDING)
		f->lane->foreigners--;
	HASH_DEL(f->lane->foreign, f);
	journal_copy_finish(&f->pub.row);
	free(f);
}

void observe_adopted(struct entry *e)
{
	struct foreign *f;

	HASH_FIND_STR(e->lane->foreign, e->pub.row.copy_id, f);
	if (f)
		observe_foreign_drop(f);
}

void observe_forget(struct lane *lane)
{
	struct foreign *f, *next;

	HASH_ITER (hh, lane->foreign, f, next)
		observe_foreign_drop(f);
}

void observe_foreign_end(
	struct foreign *f, enum copy_state state, int64_t ended_ms, const char *message)
{
	if (f->pub.state != COPY_PENDING)
		return;
	f->pub.state = state;
	f->pub.row.ended_ms = ended_ms;
	f->pub.eta_ms = 0;
	if (state == COPY_COMPLETED)
		f->pub.progress = 100;
	if (message && *message)
		f->pub.row.message = strdup(message);
	f->lane->foreigners--;
	gate_freed(&f->lane->gate);
	lane_wake(f->lane);
	sweep_soon(f->lane->all);
	tell(f->lane->all, &f->pub);
}

static bool has_our_tags(struct lane *lane, catalogue_slot slot)
{
	struct catalogue *catalogue = region_catalogue(lane->region);

	return catalogue_tag_value(catalogue, slot, TAG_SOURCE) ||
	       catalogue_tag_value(catalogue, slot, TAG_REQUEST);
}

/* Who asked for it, and for what. EC2 may show the tags later than the snapshot. */
static void recognise(struct foreign *f, catalogue_slot slot)
{
	struct journal_copy *row = &f->pub.row;

	if (row->source_id || !has_our_tags(f->lane, slot))
		return;
	f->pub.origin = COPY_MACHINE;
	if (observe_source_tag(
		    catalogue_tag_value(region_catalogue(f->lane->region), slot, TAG_SOURCE),
		    &row->source_region, &row->source_id))
		f->pub.eta_ms = 0; /* what is known of such copies makes another estimate */
}

static struct foreign *take_up(
	struct lane *lane, catalogue_slot slot, const struct catalogue_snapshot *s)
{
	struct foreign *f;

	if ((!s->is_copy && !has_our_tags(lane, slot)) || HASH_COUNT(lane->foreign) >= FOREIGN_MAX)
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->lane = lane;
	f->pub = (struct copy){.state = COPY_PENDING,
		.origin = COPY_TOOL,
		.reason = "",
		.progress = EC2_PROGRESS_UNKNOWN};
	f->pub.row.started_ms = s->start_ms;
	f->pub.row.requested_ms = s->start_ms;
	f->pub.row.region = strdup(lane->name);
	f->pub.row.copy_id = strdup(s->id);
	f->pub.row.description = strdup(s->description);
	if (!f->pub.row.region || !f->pub.row.copy_id || !f->pub.row.description) {
		journal_copy_finish(&f->pub.row);
		free(f);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, lane->foreign, f->pub.row.copy_id, strlen(f->pub.row.copy_id), f);
	if (!f->hh.tbl) {
		journal_copy_finish(&f->pub.row);
		free(f);
		return NULL;
	}
	lane->foreigners++;
	gate_seen(&lane->gate, lane->foreigners + lane->pending);
	poller_schedule(lane);
	return f;
}

static void foreign_pending(struct foreign *f, const struct catalogue_snapshot *s)
{
	const struct journal_copy *row = &f->pub.row;
	int64_t bytes = s->full_size >= 0 ? s->full_size : (int64_t)s->volume_gib << 30;
	int64_t length = row->source_region ? estimate_length(f->lane->all->estimate,
						      row->source_region, row->region, bytes)
					    : -1;

	if (f->pub.eta_ms && f->pub.progress == s->progress)
		return;
	f->pub.progress = s->progress;
	f->pub.eta_ms = estimate_end(row->started_ms, s->progress, clock_wall_ms(), length, 0);
	tell(f->lane->all, &f->pub);
}

static void foreign(struct lane *lane, catalogue_slot slot, const struct catalogue_snapshot *s)
{
	int64_t ended = s->completion_ms ? s->completion_ms : clock_wall_ms();
	bool pending = s->presence != CATALOGUE_GONE && s->state == EC2_SNAPSHOT_PENDING;
	struct foreign *f;

	HASH_FIND_STR(lane->foreign, s->id, f);
	if (!f && pending)
		f = take_up(lane, slot, s);
	if (!f)
		return;
	recognise(f, slot);
	if (pending)
		foreign_pending(f, s);
	else if (s->presence != CATALOGUE_GONE && s->state == EC2_SNAPSHOT_COMPLETED)
		observe_foreign_end(f, COPY_COMPLETED, ended, NULL);
	else if (s->presence != CATALOGUE_GONE && s->state == EC2_SNAPSHOT_ERROR)
		observe_foreign_end(f, COPY_ERROR, ended, s->state_message);
	else if (s->presence == CATALOGUE_GONE || s->state != EC2_SNAPSHOT_UNKNOWN)
		observe_foreign_end(f, COPY_CANCELLED, clock_wall_ms(), NULL);
}

/* --- the catalogue's changes --- */

/* Whether the snapshot bears the token of a request of ours. If its answer was lost, here it is. */
static bool is_ours(struct lane *lane, catalogue_slot slot, const struct catalogue_snapshot *s)
{
	const char *token;
	struct entry *e;
	struct work *w;

	if (!lane->all->tokens)
		return false;
	token = catalogue_tag_value(region_catalogue(lane->region), slot, TAG_REQUEST);
	if (!token)
		return false;
	HASH_FIND_STR(lane->all->tokens, token, w);
	if (!w || w->entry->lane != lane || w->entry->pub.row.copy_id)
		return false;
	e = w->entry;
	if (e->pub.state == COPY_FAILED)
		log_warning("copy %lld: %s appeared after all, long after its answer was lost",
			(long long)e->pub.row.id, s->id);
	else if (e->pub.state != COPY_SUBMITTING || w->phase != PHASE_SEARCHING)
		return true; /* its answer is on its way */
	search_found(e, s->id);
	return true;
}

static void changed(void *arg, enum catalogue_change change, catalogue_slot slot)
{
	struct lane *lane = arg;
	struct catalogue_snapshot s;
	struct entry *e;

	(void)change;
	if (!catalogue_get(region_catalogue(lane->region), slot, &s))
		return;
	HASH_FIND(hh_id, lane->ids, s.id, strlen(s.id), e);
	if (e)
		own(e, &s);
	else if (s.presence == CATALOGUE_GONE || !is_ours(lane, slot, &s))
		foreign(lane, slot, &s);
	if (lane->held)
		source_seen(lane, s.id);
}

int observe_lane(struct lane *lane)
{
	struct catalogue *catalogue = region_catalogue(lane->region);
	catalogue_slot slots = catalogue_slots(catalogue);

	/* What is known from disk comes once EC2 has confirmed it. */
	for (catalogue_slot slot = 0; slot < slots; slot++)
		if (!catalogue_from_disk(catalogue, slot))
			changed(lane, CATALOGUE_ADDED, slot);
	return catalogue_watch(catalogue, changed, lane);
}
