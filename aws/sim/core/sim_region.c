/* SPDX-License-Identifier: MIT */
/* Finds, adds, changes and deletes a region's snapshots, and makes the pending ones progress. */
#include "sim_region.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

size_t sim_region_slots(const struct sim_region *r)
{
	return r->n_bulk + r->n_stored;
}

static struct sim_snapshot *lookup(const struct sim_region *r, const char *id)
{
	struct sim_snapshot *s = NULL;

	HASH_FIND(by_id, r->by_id, id, strlen(id), s);
	return s;
}

/* A hostile world may have several snapshots with one id: lookups find the first.
 * Returns 0 or -ENOMEM. */
static int index_snapshot(struct sim_region *r, struct sim_snapshot *s)
{
	if (lookup(r, s->id))
		return 0;
	HASH_ADD_KEYPTR(by_id, r->by_id, s->id, strlen(s->id), s);
	return s->by_id.tbl ? 0 : -ENOMEM;
}

const struct sim_snapshot *sim_region_at(
	const struct sim_region *r, size_t slot, struct sim_bulk_scratch *scratch)
{
	const struct sim_snapshot *changed;

	if (slot >= r->n_bulk)
		return r->stored[slot - r->n_bulk];
	sim_bulk_make(r->name, slot, scratch);
	changed = r->n_changed ? lookup(r, scratch->id) : NULL;
	return changed ? changed : &scratch->snapshot;
}

const struct sim_snapshot *sim_region_find(
	const struct sim_region *r, const char *id, struct sim_bulk_scratch *scratch)
{
	struct sim_snapshot *s = lookup(r, id);
	size_t slot;

	if (s)
		return s;
	if (!sim_bulk_find(r->name, r->n_bulk, id, &slot))
		return NULL;
	sim_bulk_make(r->name, slot, scratch);
	return &scratch->snapshot;
}

/* Makes room for one more pointer in *items. */
static int make_room(struct sim_snapshot ***items, size_t n, size_t *capacity)
{
	size_t more = *capacity ? *capacity * 2 : 16;
	struct sim_snapshot **grown;

	if (n < *capacity)
		return 0;
	grown = realloc(*items, more * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*items = grown;
	*capacity = more;
	return 0;
}

struct sim_snapshot *sim_region_edit(struct sim_region *r, const char *id)
{
	struct sim_bulk_scratch scratch;
	struct sim_snapshot *s = lookup(r, id), **grown;
	size_t slot;

	if (s)
		return s->deleted ? NULL : s;
	if (!sim_bulk_find(r->name, r->n_bulk, id, &slot))
		return NULL;
	sim_bulk_make(r->name, slot, &scratch);
	grown = realloc(r->changed, (r->n_changed + 1) * sizeof(*grown));
	if (grown)
		r->changed = grown;
	s = grown ? sim_snapshot_copy(&scratch.snapshot) : NULL;
	if (!s)
		return NULL;
	if (index_snapshot(r, s) < 0) {
		sim_snapshot_destroy(s);
		return NULL;
	}
	r->changed[r->n_changed++] = s;
	return s;
}

static int remember_pending(struct sim_region *r, struct sim_snapshot *s)
{
	if (make_room(&r->pending, r->n_pending, &r->pending_capacity) < 0)
		return -ENOMEM;
	r->pending[r->n_pending++] = s;
	return 0;
}

static void forget_pending(struct sim_region *r, const struct sim_snapshot *s)
{
	for (size_t i = 0; i < r->n_pending; i++) {
		if (r->pending[i] != s)
			continue;
		memmove(&r->pending[i], &r->pending[i + 1],
			(--r->n_pending - i) * sizeof(*r->pending));
		return;
	}
}

int sim_region_add(struct sim_region *r, struct sim_snapshot *s)
{
	if (make_room(&r->stored, r->n_stored, &r->stored_capacity) < 0 ||
		make_room(&r->pending, r->n_pending, &r->pending_capacity) < 0 ||
		index_snapshot(r, s) < 0) {
		sim_snapshot_destroy(s);
		return -ENOMEM;
	}
	if (sim_snapshot_is(s, "pending"))
		r->pending[r->n_pending++] = s;
	s->slot = r->n_bulk + r->n_stored;
	r->stored[r->n_stored++] = s;
	r->n_alive++;
	return 0;
}

void sim_region_delete(struct sim_region *r, struct sim_snapshot *s, int64_t gone_at)
{
	if (s->deleted)
		return;
	forget_pending(r, s);
	s->deleted = true;
	s->gone_at = gone_at;
	r->n_alive--;
}

int sim_region_restate(struct sim_region *r, struct sim_snapshot *s, const char *state)
{
	int result = sim_snapshot_set(&s->state, state);

	if (result < 0)
		return result;
	sim_snapshot_set(&s->progress, NULL);
	forget_pending(r, s);
	if (!strcmp(state, "pending"))
		return remember_pending(r, s);
	s->run.on = false;
	return 0;
}

int64_t sim_region_work_ms(const struct sim_region *r, int64_t mono)
{
	return (r->frozen ? r->frozen_at : mono) - r->paused_ms;
}

bool sim_region_run_is_over(
	const struct sim_region *r, const struct sim_run *run, struct sim_time now)
{
	return run->on && sim_region_work_ms(r, now.mono) - run->from_ms >= run->for_ms;
}

static bool has_ended(const struct sim_region *r, const struct sim_snapshot *s, struct sim_time now)
{
	return sim_region_run_is_over(r, &s->run, now);
}

/* Computed from the start instead of read from a clock, so that it never changes.
 */
static int64_t end_of(const struct sim_region *r, const struct sim_snapshot *s)
{
	return s->start_ms + s->run.for_ms + r->paused_ms - s->run.paused_ms;
}

void sim_region_settle(struct sim_region *r, struct sim_time now)
{
	for (size_t i = 0; i < r->n_pending;) {
		struct sim_snapshot *s = r->pending[i];
		const char *state = s->run.failure ? "error" : "completed";

		if (!has_ended(r, s, now)) {
			i++;
			continue;
		}
		if (!s->run.failure)
			s->completion_ms = end_of(r, s);
		/* On ENOMEM the record stays pending; sim_region_view() shows it as ended all the
		 * same.
		 */
		if (sim_snapshot_set(&s->message, s->run.failure) < 0 ||
			sim_region_restate(r, s, state) < 0) {
			i++;
			continue;
		}
		if (s->delete_at_end)
			sim_region_delete(r, s, now.mono);
	}
}

void sim_region_freeze(struct sim_region *r, bool frozen, struct sim_time now)
{
	if (frozen == r->frozen)
		return;
	sim_region_settle(r, now);
	if (frozen)
		r->frozen_at = now.mono;
	else
		r->paused_ms += now.mono - r->frozen_at;
	r->frozen = frozen;
}

void sim_region_start_run(
	const struct sim_region *r, struct sim_run *run, int64_t for_ms, struct sim_time now)
{
	run->on = true;
	run->from_ms = sim_region_work_ms(r, now.mono);
	run->for_ms = for_ms;
	run->paused_ms = r->paused_ms;
}

void sim_region_start(
	struct sim_region *r, struct sim_snapshot *s, int64_t for_ms, struct sim_time now)
{
	sim_region_start_run(r, &s->run, for_ms, now);
}

size_t sim_region_copies(const struct sim_region *r, const char *owner)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_pending; i++)
		n += r->pending[i]->is_copy && !strcmp(r->pending[i]->owner_id, owner);
	return n;
}

size_t sim_region_pending(const struct sim_region *r, struct sim_time now)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_pending; i++)
		n += !has_ended(r, r->pending[i], now);
	return n;
}

void sim_region_new_id(
	struct sim_world *w, const struct sim_region *r, const char *kind, char out[32])
{
	struct sim_bulk_scratch scratch;

	do
		snprintf(out, 32, "%s-0%016llx", kind, (unsigned long long)sim_world_random(w));
	while (sim_region_find(r, out, &scratch));
}

static void write_progress(const struct sim_behaviour *b, int64_t percent, struct sim_view *v)
{
	int step = b->progress_step > 0 ? b->progress_step : 1;

	v->has_progress = true;
	switch (b->progress) {
	case SIM_PROGRESS_JUMP:
		percent = 0;
		break;
	case SIM_PROGRESS_EMPTY:
		v->progress[0] = '\0';
		return;
	case SIM_PROGRESS_EARLY:
		percent = percent >= 60 ? 100 : percent * 100 / 60;
		break;
	case SIM_PROGRESS_STEPS:
	case SIM_PROGRESS_BARE:
		break;
	}
	if (percent < 100)
		percent -= percent % step;
	snprintf(v->progress, sizeof(v->progress), b->progress == SIM_PROGRESS_BARE ? "%d" : "%d%%",
		(int)percent);
}

void sim_region_view(const struct sim_region *r, const struct sim_snapshot *s,
	const struct sim_behaviour *b, struct sim_time now, struct sim_view *out)
{
	int64_t percent = 0;

	*out = (struct sim_view){
		.state = s->state, .message = s->message, .completion_ms = s->completion_ms};
	if (s->run.on && s->run.for_ms > 0) {
		percent = (sim_region_work_ms(r, now.mono) - s->run.from_ms) * 100 / s->run.for_ms;
		percent = percent > 99 ? 99 : percent;
	}
	if (has_ended(r, s, now)) {
		out->state = s->run.failure ? "error" : "completed";
		out->message = s->run.failure;
		out->completion_ms = s->run.failure ? 0 : end_of(r, s);
		percent = 0; /* of a failed snapshot, settled or not */
	}
	if (s->progress && !has_ended(r, s, now)) {
		out->has_progress = true;
		snprintf(out->progress, sizeof(out->progress), "%s", s->progress);
	} else if (!strcmp(out->state, "completed")) {
		out->has_progress = true;
		strcpy(out->progress, "100%");
	} else {
		write_progress(b, percent, out);
	}
}

const struct sim_kms_key *sim_region_kms(const struct sim_region *r, const char *name)
{
	for (size_t i = 0; i < r->n_keys; i++) {
		const struct sim_kms_key *k = &r->keys[i];
		const char *key = strstr(k->arn, ":key/");

		if (!strcmp(name, k->id) || !strcmp(name, k->arn) ||
			(k->alias && !strcmp(name, k->alias)))
			return k;
		/* "arn:aws:kms:eu-west-1:123456789012:alias/dr" */
		if (k->alias && key && !strncmp(name, k->arn, (size_t)(key + 1 - k->arn)) &&
			!strcmp(name + (key + 1 - k->arn), k->alias))
			return k;
	}
	return NULL;
}
