/* SPDX-License-Identifier: MIT */
/* A region's snapshots: finding, adding, changing and deleting them, and how their work goes on in
 * time. */
#ifndef EBSFS_SIM_REGION_H
#define EBSFS_SIM_REGION_H

#include "sim_world.h"

/* Reading needs the world's lock shared, changing needs it exclusively. */

size_t sim_region_slots(const struct sim_region *r);
/* What is in a slot (a deleted one too); it may lie in *scratch and be overwritten with it. */
const struct sim_snapshot *sim_region_at(
	const struct sim_region *r, size_t slot, struct sim_bulk_scratch *scratch);
/* By id, deleted ones too; NULL if there never was one. */
const struct sim_snapshot *sim_region_find(
	const struct sim_region *r, const char *id, struct sim_bulk_scratch *scratch);
/* The same, to be changed; deleted ones are not found. NULL on ENOMEM too. */
struct sim_snapshot *sim_region_edit(struct sim_region *r, const char *id);

/* Takes s over. Returns 0 or -ENOMEM (then s is destroyed). */
int sim_region_add(struct sim_region *r, struct sim_snapshot *s);
/* Deleted now; DescribeSnapshots shows it until gone_at (monotonic). */
void sim_region_delete(struct sim_region *r, struct sim_snapshot *s, int64_t gone_at);
/* Gives s another state, and a progress that goes with it. Returns 0 or -ENOMEM. */
int sim_region_restate(struct sim_region *r, struct sim_snapshot *s, const char *state);
/* Writes down what has ended by now. Call before anything is changed or counted. */
void sim_region_settle(struct sim_region *r, struct sim_time now);
/* An id of that kind ("snap", "vol") that the region does not have. */
void sim_region_new_id(
	struct sim_world *w, const struct sim_region *r, const char *kind, char out[32]);

/* Work stands still while frozen. */
void sim_region_freeze(struct sim_region *r, bool frozen, struct sim_time now);
/* The time by which work is measured. */
int64_t sim_region_work_ms(const struct sim_region *r, int64_t mono);
/* Begins work on s, which must be pending already. */
void sim_region_start(
	struct sim_region *r, struct sim_snapshot *s, int64_t for_ms, struct sim_time now);
/* Pending copies of one owner; needs sim_region_settle(). */
size_t sim_region_copies(const struct sim_region *r, const char *owner);
/* All that is pending now. */
size_t sim_region_pending(const struct sim_region *r, struct sim_time now);

/* What a snapshot looks like at one moment. Borrowed from it. */
struct sim_view {
	const char *state;
	const char *message;
	char progress[16];
	bool has_progress;
	int64_t completion_ms;
};
void sim_region_view(const struct sim_region *r, const struct sim_snapshot *s,
	const struct sim_behaviour *b, struct sim_time now, struct sim_view *out);

/* The KMS key by id, ARN, alias or alias ARN, usable or not; NULL if the region has none such. */
const struct sim_kms_key *sim_region_kms(const struct sim_region *r, const char *name);

#endif
