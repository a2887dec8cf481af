/* SPDX-License-Identifier: MIT */
/* Recent changes by ebsfs itself, by slot. EC2's eventually consistent responses may lag, and must
 * not undo these changes in the tree. */
#ifndef EBSFS_LOCAL_OVERRIDES_H
#define EBSFS_LOCAL_OVERRIDES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash.h"
#include "slot_set.h"

/* Tags overridden per snapshot; beyond that the oldest override is dropped. */
#define LOCAL_OVERRIDES_TAGS_MAX 64

struct local_override_tag {
	char *key;
	char *value;      /* NULL: the tag was deleted */
	int64_t until_ms; /* monotonic, as all times here */
};

struct local_override {
	uint32_t slot;
	int64_t created_until_ms; /* until then it exists, even if a listing lacks it; 0: no such
				     override */
	int64_t deleted_until_ms; /* until then it is gone, even if a listing has it; 0: no such
				     override */
	struct local_override_tag *tags;
	size_t n_tags;
	UT_hash_handle hh;
};

/* All zero: empty. */
struct local_overrides {
	struct local_override *by_slot;
};

void local_overrides_finish(struct local_overrides *h);

const struct local_override *local_overrides_find(
	const struct local_overrides *h, uint32_t slot); /* NULL: none */
/* Whether the override is in force. o may be NULL. */
bool local_overrides_created(const struct local_override *o, int64_t now_ms);
bool local_overrides_deleted(const struct local_override *o, int64_t now_ms);
/* The tag's override if it is in force. o may be NULL. */
const struct local_override_tag *local_overrides_tag(
	const struct local_override *o, const char *key, int64_t now_ms);

/* The later one wins: a creation ends the override of a deletion and vice versa. Return 0 or
 * -ENOMEM. */
int local_overrides_set_created(struct local_overrides *h, uint32_t slot, int64_t until_ms);
int local_overrides_set_deleted(struct local_overrides *h, uint32_t slot, int64_t until_ms);
int local_overrides_set_tag(struct local_overrides *h, uint32_t slot, const char *key,
	const char *value, int64_t until_ms);

size_t local_overrides_count(const struct local_overrides *h); /* slots with overrides */
/* Adds the slots that have overrides, expired ones included. Returns 0 or -ENOMEM. */
int local_overrides_mark(const struct local_overrides *h, struct slot_set *named);
/* Frees expired overrides. */
void local_overrides_expire(struct local_overrides *h, int64_t now_ms);
size_t local_overrides_memory(const struct local_overrides *h);

#endif
