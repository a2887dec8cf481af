/* SPDX-License-Identifier: MIT */
/* A set of 32-bit values found by the bytes that they stand for: eight bytes a place, whatever the
 * key's length. */
#ifndef EBSFS_HASHSET_H
#define EBSFS_HASHSET_H

#include <stddef.h>
#include <stdint.h>

#define HASHSET_NONE UINT32_MAX

/* The bytes for which a value stands. */
typedef const void *hashset_key_fn(const void *ctx, uint32_t value, size_t *len);

struct hashset {
	hashset_key_fn *key;
	const void *ctx;
	uint64_t seed; /* random: nobody can choose texts that collide */
	/* hash: half of the key's, 0 where the place is free. So the set grows, and keys are told
	 * apart, without being read; and a look is one line of the processor's cache. */
	struct hashset_place {
		uint32_t hash, value;
	} * table;
	uint32_t places, used;
};

/* ctx is passed to key and must stay where it is as long as the set lives. */
void hashset_init(struct hashset *h, hashset_key_fn *key, const void *ctx);
void hashset_finish(struct hashset *h);
/* The value that stands for these bytes, or HASHSET_NONE. */
uint32_t hashset_find(const struct hashset *h, const void *data, size_t len);
/* Adds a value whose key is not in the set. Returns 0 or -ENOMEM. */
int hashset_add(struct hashset *h, uint32_t value);
/* Takes out a value that is in the set; its key must still be what it was. The next hashset_add()
 * cannot fail. */
void hashset_remove(struct hashset *h, uint32_t value);
/* Room for n more, if there is the memory: many are added faster then. */
void hashset_reserve(struct hashset *h, uint32_t n);
size_t hashset_memory(const struct hashset *h);

#endif
