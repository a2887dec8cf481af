/* SPDX-License-Identifier: MIT */
/* Finds, adds, changes and deletes a region's snapshots, and makes the pending ones progress. */
#ifndef EBSFS_SIM_REGION_H
#define EBSFS_SIM_REGION_H

#include "sim_world.h"

/* Functions with a const region need the world's lock shared, all others exclusively. */

size_t sim_region_slots(const struct sim_region *r);
/* Returns the snapshot in a slot, deleted or not; valid while *scratch is. */
const struct sim_snapshot *sim_region_at(
	const struct sim_region *r, size_t slot, struct sim_bulk_scratch *scratch);
/* Finds a snapshot by id, deleted or not; NULL if it never existed. */
const struct sim_snapshot *sim_region_find(
	const struct sim_region *r, const char *id, struct sim_bulk_scratch *scratch);
/* Finds a snapshot to be changed; NULL if it does not exist, is deleted, or on ENOMEM. */
struct sim_snapshot *sim_region_edit(struct sim_region *r, const char *id);

/* Adds s, which the region owns from now on. Returns 0 or -ENOMEM (then s is destroyed). */
int sim_region_add(struct sim_region *r, struct sim_snapshot *s);
/* Deletes s; DescribeSnapshots shows it until gone_at (monotonic). */
void sim_region_delete(struct sim_region *r, struct sim_snapshot *s, int64_t gone_at);
/* Sets the state of s and resets its progress. Returns 0 or -ENOMEM. */
int sim_region_restate(struct sim_region *r, struct sim_snapshot *s, const char *state);
/* Records the end of every pending snapshot whose time is over. Call it before snapshots are
 * changed or counted. */
void sim_region_settle(struct sim_region *r, struct sim_time now);
/* Writes a new id of this kind ("snap", "vol"). */
void sim_region_new_id(
	struct sim_world *w, const struct sim_region *r, const char *kind, char out[32]);

/* Stops or resumes the progress of all pending snapshots. */
void sim_region_freeze(struct sim_region *r, bool frozen, struct sim_time now);
/* Returns the work clock: the monotonic time less the time for which the region was frozen. */
int64_t sim_region_work_ms(const struct sim_region *r, int64_t mono);
/* Starts work that takes for_ms; sim_region_run_is_over() returns whether it is over. */
void sim_region_start_run(
	const struct sim_region *r, struct sim_run *run, int64_t for_ms, struct sim_time now);
bool sim_region_run_is_over(
	const struct sim_region *r, const struct sim_run *run, struct sim_time now);
/* Starts the progress of s, which must be pending. */
void sim_region_start(
	struct sim_region *r, struct sim_snapshot *s, int64_t for_ms, struct sim_time now);
/* Returns the number of an owner's pending copies; call sim_region_settle() before. */
size_t sim_region_copies(const struct sim_region *r, const char *owner);
/* Returns the number of pending snapshots. */
size_t sim_region_pending(const struct sim_region *r, struct sim_time now);

/* The state of a snapshot as it is visible at one time. The strings are borrowed. */
struct sim_view {
	const char *state;
	const char *message;
	char progress[16];
	bool has_progress;
	int64_t completion_ms;
};
void sim_region_view(const struct sim_region *r, const struct sim_snapshot *s,
	const struct sim_behaviour *b, struct sim_time now, struct sim_view *out);

/* Finds a KMS key by id, ARN, alias or alias ARN, usable or not; NULL if unknown. */
const struct sim_kms_key *sim_region_kms(const struct sim_region *r, const char *name);

#endif
