/* SPDX-License-Identifier: MIT */
/* What ebsfs itself changed lately, by slot: EC2's answers may lag behind, and must not undo it on
 * the screen. */
#ifndef EBSFS_LOCAL_OVERRIDES_H
#define EBSFS_LOCAL_OVERRIDES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Out of memory, the hash adds nothing instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* Tags held for one snapshot; past this the oldest is let go. */
#define LOCAL_OVERRIDES_TAGS_MAX 64

struct local_override_tag {
	char *key;
	char *value;      /* NULL: the tag was deleted */
	int64_t until_ms; /* monotonic, as all times here */
};

struct local_override {
	uint32_t slot;
	int64_t created_until_ms; /* until then it is not gone, whatever a listing lacks; 0: no such
				     hold */
	int64_t deleted_until_ms; /* until then it is gone, whatever a listing shows; 0: no such
				     hold */
	struct local_override_tag *tags;
	size_t n_tags;
	UT_hash_handle hh;
};

/* All zero holds nothing. */
struct local_overrides {
	struct local_override *by_slot;
};

void local_overrides_finish(struct local_overrides *h);

const struct local_override *local_overrides_find(
	const struct local_overrides *h, uint32_t slot); /* NULL if nothing is held */
/* Whether it holds now. hold may be NULL. */
bool local_overrides_created(const struct local_override *hold, int64_t now_ms);
bool local_overrides_deleted(const struct local_override *hold, int64_t now_ms);
/* The tag's hold, if it holds now. hold may be NULL. */
const struct local_override_tag *local_overrides_tag(
	const struct local_override *hold, const char *key, int64_t now_ms);

/* The later act wins: a creation ends the hold of a deletion and the other way round. Return 0 or
 * -ENOMEM. */
int local_overrides_set_created(struct local_overrides *h, uint32_t slot, int64_t until_ms);
int local_overrides_set_deleted(struct local_overrides *h, uint32_t slot, int64_t until_ms);
int local_overrides_set_tag(struct local_overrides *h, uint32_t slot, const char *key,
	const char *value, int64_t until_ms);

size_t local_overrides_count(const struct local_overrides *h); /* slots of which anything is held */
/* Forgets what holds no more. */
void local_overrides_expire(struct local_overrides *h, int64_t now_ms);
size_t local_overrides_memory(const struct local_overrides *h);

#endif
