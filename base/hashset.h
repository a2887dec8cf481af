/* SPDX-License-Identifier: MIT */
/* A hash set of 32-bit values, each found by its key. Keys are byte strings that the set does not
 * store (a callback returns them), so a place of the table takes eight bytes for keys of any
 * length. */
#ifndef EBSFS_HASHSET_H
#define EBSFS_HASHSET_H

#include <stddef.h>
#include <stdint.h>

#define HASHSET_NONE UINT32_MAX

/* Returns the key of a value, and writes its length to *len. */
typedef const void *hashset_key_fn(const void *ctx, uint32_t value, size_t *len);

struct hashset {
	hashset_key_fn *key;
	const void *ctx;
	uint64_t seed; /* random, so that colliding keys cannot be chosen */
	/* hash: half of the key's hash, 0 if the place is free. With it, growing the table reads no
	 * keys, a lookup rarely reads a key that differs from the one sought, and it touches one
	 * cache line of the table. */
	struct hashset_place {
		uint32_t hash, value;
	} * table;
	uint32_t places, used;
};

/* ctx is passed to key and must not move while the set exists. */
void hashset_init(struct hashset *h, hashset_key_fn *key, const void *ctx);
void hashset_finish(struct hashset *h);
/* Returns the value with this key, or HASHSET_NONE. */
uint32_t hashset_find(const struct hashset *h, const void *data, size_t len);
/* Adds a value whose key is not in the set. Returns 0 or -ENOMEM. */
int hashset_add(struct hashset *h, uint32_t value);
/* Removes a value that is in the set; its key must not have changed. The next hashset_add() cannot
 * fail. */
void hashset_remove(struct hashset *h, uint32_t value);
/* Makes room for n more values, so that adding them is faster; does nothing if memory is short. */
void hashset_reserve(struct hashset *h, uint32_t n);
/* Shrinks the table if it is much larger than its values need. */
void hashset_shrink(struct hashset *h);
/* Returns the size of the table in bytes. */
size_t hashset_memory(const struct hashset *h);

#endif
