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
#define HOLDS_TAGS_MAX 64

struct hold_tag {
	char *key;
	char *value;      /* NULL: the tag was deleted */
	int64_t until_ms; /* monotonic, as all times here */
};

struct hold {
	uint32_t slot;
	int64_t created_until_ms; /* until then it is not gone, whatever a listing lacks; 0: no such
				     hold */
	int64_t deleted_until_ms; /* until then it is gone, whatever a listing shows; 0: no such
				     hold */
	struct hold_tag *tags;
	size_t n_tags;
	UT_hash_handle hh;
};

/* All zero holds nothing. */
struct holds {
	struct hold *by_slot;
};

void holds_finish(struct holds *h);

const struct hold *holds_find(const struct holds *h, uint32_t slot); /* NULL if nothing is held */
/* Whether it holds now. hold may be NULL. */
bool holds_created(const struct hold *hold, int64_t now_ms);
bool holds_deleted(const struct hold *hold, int64_t now_ms);
/* The tag's hold, if it holds now. hold may be NULL. */
const struct hold_tag *holds_tag(const struct hold *hold, const char *key, int64_t now_ms);

/* The later act wins: a creation ends the hold of a deletion and the other way round. Return 0 or
 * -ENOMEM. */
int holds_set_created(struct holds *h, uint32_t slot, int64_t until_ms);
int holds_set_deleted(struct holds *h, uint32_t slot, int64_t until_ms);
int holds_set_tag(
	struct holds *h, uint32_t slot, const char *key, const char *value, int64_t until_ms);

size_t holds_count(const struct holds *h); /* slots of which anything is held */
/* Forgets what holds no more. */
void holds_expire(struct holds *h, int64_t now_ms);
size_t holds_memory(const struct holds *h);

#endif
