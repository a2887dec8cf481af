/* SPDX-License-Identifier: MIT */
/* A set of 32-bit values, each found by its key, a byte string stored elsewhere: eight bytes per
 * place for keys of any length. */
#ifndef EBSFS_HASHSET_H
#define EBSFS_HASHSET_H

#include <stddef.h>
#include <stdint.h>

#define HASHSET_NONE UINT32_MAX

/* Returns the key of a value. */
typedef const void *hashset_key_fn(const void *ctx, uint32_t value, size_t *len);

struct hashset {
	hashset_key_fn *key;
	const void *ctx;
	uint64_t seed; /* random, so that colliding keys cannot be chosen */
	/* hash: half of the key's hash, 0 if the place is free. So growing reads no keys, different
	 * keys are nearly always told apart without reading them, and a lookup touches one cache
	 * line. */
	struct hashset_place {
		uint32_t hash, value;
	} * table;
	uint32_t places, used;
};

/* ctx is passed to key and must not move while the set exists. */
void hashset_init(struct hashset *h, hashset_key_fn *key, const void *ctx);
void hashset_finish(struct hashset *h);
/* The value with this key, or HASHSET_NONE. */
uint32_t hashset_find(const struct hashset *h, const void *data, size_t len);
/* Adds a value whose key is not in the set. Returns 0 or -ENOMEM. */
int hashset_add(struct hashset *h, uint32_t value);
/* Removes a value that is in the set; its key must not have changed. The next hashset_add() cannot
 * fail. */
void hashset_remove(struct hashset *h, uint32_t value);
/* Makes room for n more values if there is memory, which speeds up adding them. */
void hashset_reserve(struct hashset *h, uint32_t n);
/* Gives back memory, if there is much more than the values need. */
void hashset_shrink(struct hashset *h);
size_t hashset_memory(const struct hashset *h);

#endif
