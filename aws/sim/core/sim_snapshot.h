/* SPDX-License-Identifier: MIT */
/* One snapshot: its fields, its tags, and the accounts that it is shared with. */
#ifndef EBSFS_SIM_SNAPSHOT_H
#define EBSFS_SIM_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash.h"
#include "sim.h"

struct sim_tag {
	const char *key;
	const char *value;
};

struct sim_tags {
	struct sim_tag *items;
	size_t n;
};

/* Both copy the strings; return 0 or -ENOMEM. */
int sim_tags_set(struct sim_tags *tags, const char *key, const char *value);
int sim_tags_copy(struct sim_tags *to, const struct sim_tags *from); /* *to must be empty */
/* Returns the value of a tag; NULL if absent. */
const char *sim_tags_get(const struct sim_tags *tags, const char *key);
void sim_tags_finish(struct sim_tags *tags);

/* The progress of a pending snapshot. Times are of the region's work clock (sim_region_work_ms()).
 */
struct sim_run {
	bool on;
	int64_t from_ms;
	int64_t for_ms;
	int64_t paused_ms; /* the region's total of pauses at the start */
	const char
		*failure; /* the status message of the failure at the end; NULL: it will succeed */
};

/* The strings of a stored snapshot are on the heap, those of a generated one (sim_bulk.h) in its
 * scratch memory. NULL: the field is absent. */
struct sim_snapshot {
	UT_hash_handle by_id;
	size_t slot; /* its place in the region, which never changes */
	const char *id;
	const char *volume_id;
	const char *owner_id;
	const char *owner_alias;
	const char *description;
	const char *state; /* a text, so that a world may have states that EC2 does not have */
	const char *message;
	const char *progress; /* NULL: computed from `state` and `run` */
	const char *kms_key_id;
	const char *data_key_id;
	const char *outpost_arn;
	const char *zone;
	const char *storage_tier;
	const char *sse_type;
	const char *transfer_type;
	const char *disk;          /* selects the contents, see sim_disk.h */
	const char *source_region; /* of a copy */
	const char *source_id;
	int64_t start_ms;
	int64_t completion_ms;     /* 0: absent */
	int64_t restore_expiry_ms; /* 0: absent */
	int64_t full_size;         /* bytes; -1: absent */
	uint32_t volume_gib;
	int completion_minutes; /* 0: absent */
	bool encrypted;
	bool is_public;
	bool in_use; /* by an AMI: cannot be deleted */
	bool locked;
	bool is_copy;        /* counts for the destination's limit while pending */
	bool delete_at_end;  /* DeleteSnapshot came while pending: is deleted when it ends */
	const char **shared; /* account ids that may create volumes */
	size_t n_shared;
	struct sim_run run;
	struct sim_tags tags;
	/* Eventual consistency: the fields above are visible from these times (monotonic ms) on. */
	struct sim_tags old_tags; /* visible before tags_at */
	int64_t tags_at;
	int64_t visible_at;
	bool deleted;
	int64_t gone_at; /* if deleted: no response shows the snapshot from this time on */
};

struct sim_snapshot *sim_snapshot_create(void);    /* NULL on ENOMEM */
void sim_snapshot_destroy(struct sim_snapshot *s); /* NULL is permitted */
/* Replaces a field by a copy of value (NULL: by nothing). Returns 0 or -ENOMEM. */
int sim_snapshot_set(const char **field, const char *value);
/* Returns a stored copy of a generated snapshot. NULL on ENOMEM. */
struct sim_snapshot *sim_snapshot_copy(const struct sim_snapshot *from);
int sim_snapshot_share(struct sim_snapshot *s, const char *account); /* 0 or -ENOMEM */
void sim_snapshot_unshare(struct sim_snapshot *s, const char *account);
bool sim_snapshot_is_shared_with(const struct sim_snapshot *s, const char *account);
bool sim_snapshot_is(const struct sim_snapshot *s, const char *state);

#endif
