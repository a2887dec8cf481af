/* SPDX-License-Identifier: MIT */
/* A short list of pairs of numbers packed into bytes: a snapshot's tags, and its rarer fields. */
#ifndef EBSFS_PAIR_LIST_H
#define EBSFS_PAIR_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* EC2 gives at most 50 tags of the user's and a few of its own. What is beyond this is left out. */
#define PACK_PAIRS_MAX 128

/* `key` is small as a rule and takes as few bytes as it can (below 2^28), `value` always takes
 * four. */
struct pack_pair {
	uint32_t key;
	uint32_t value;
};

struct pack {
	struct pack_pair pairs[PACK_PAIRS_MAX];
	size_t n;
};

/* The pair with this key; NULL if there is none. */
struct pack_pair *pack_find(struct pack *p, uint32_t key);
/* Appends; nothing happens if the key is there already or the pack is full. */
void pack_add(struct pack *p, uint32_t key, uint32_t value);
void pack_remove(struct pack *p, uint32_t key);
/* The same pairs, in any order. */
bool pack_same(const struct pack *a, const struct pack *b);

#define PACK_BYTES_MAX (PACK_PAIRS_MAX * (size_t)8)
size_t pack_encode(const struct pack *p, uint8_t out[PACK_BYTES_MAX]); /* bytes written */

/* Reads the next pair of encoded bytes and moves *at behind it. False at the end. */
bool pack_next(const uint8_t **at, const uint8_t *end, struct pack_pair *out);
void pack_decode(const void *data, size_t len, struct pack *out);

#endif
