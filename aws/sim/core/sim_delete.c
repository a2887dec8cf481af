/* SPDX-License-Identifier: MIT */
/* DeleteSnapshot, and what it does to a pending snapshot and to copies that are being made of it.
 */
#include "sim_delete.h"

#include <string.h>

const char *const sim_delete_params[] = {"SnapshotId", NULL};

/* A copy needs its source to its end. */
static int fail_copies_of(struct sim_call *c, const struct sim_snapshot *source)
{
	for (size_t i = 0; i < c->world->n_regions; i++) {
		struct sim_region *r = c->world->regions[i];

		for (size_t j = 0; j < r->n_pending;) {
			struct sim_snapshot *s = r->pending[j];

			if (!s->source_id || !s->source_region ||
				strcmp(s->source_id, source->id) ||
				strcmp(s->source_region, c->region->name)) {
				j++;
				continue;
			}
			if (sim_snapshot_set(&s->message, "Source snapshot is not found") < 0 ||
				sim_region_restate(r, s, "error") < 0)
				return sim_fail_memory(c);
		}
	}
	return 0;
}

int sim_delete_snapshot(struct sim_call *c)
{
	const char *id = sim_call_required(c, "SnapshotId");
	struct sim_snapshot *s;

	if (!id || sim_call_check_id(c, "snap", "snapshotId", id) < 0)
		return -1;
	for (size_t i = 0; i < c->world->n_regions; i++)
		sim_region_settle(c->world->regions[i], c->now);
	s = sim_call_own_snapshot(c, id);
	if (!s)
		return -1;
	if (s->in_use)
		return sim_fail(c, 400, "InvalidSnapshot.InUse",
			"The snapshot %s is currently in use by ami-0123456789abcdef0", id);
	if (s->locked)
		return sim_fail(c, 400, "SnapshotLocked", "The snapshot '%s' is locked.", id);
	if (sim_call_dry_run(c) < 0)
		return -1;
	/* A snapshot in the making is deleted when it is made; a copy is cancelled. */
	if (sim_snapshot_is(s, "pending") && (!s->is_copy || c->world->behaviour.deleting_waits))
		s->delete_at_end = true;
	else
		sim_region_delete(c->region, s, sim_call_shown_at(c));
	return fail_copies_of(c, s) < 0 ? -1 : sim_call_true(c);
}
