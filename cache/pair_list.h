/* SPDX-License-Identifier: MIT */
/* A short list of pairs of numbers packed into bytes: a snapshot's tags, and its rarer fields. */
#ifndef EBSFS_PAIR_LIST_H
#define EBSFS_PAIR_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* EC2 gives at most 50 tags of the user's and a few of its own. What is beyond this is left out. */
#define PAIR_LIST_MAX 128

/* `key` is small as a rule and takes as few bytes as it can (below 2^28), `value` always takes
 * four. */
struct pair {
	uint32_t key;
	uint32_t value;
};

struct pair_list {
	struct pair pairs[PAIR_LIST_MAX];
	size_t n;
};

/* The pair with this key; NULL if there is none. */
struct pair *pair_list_find(struct pair_list *p, uint32_t key);
/* Appends; nothing happens if the key is there already or the pack is full. */
void pair_list_add(struct pair_list *p, uint32_t key, uint32_t value);
void pair_list_remove(struct pair_list *p, uint32_t key);
/* The same pairs, in any order. */
bool pair_list_same(const struct pair_list *a, const struct pair_list *b);

#define PAIR_LIST_BYTES_MAX (PAIR_LIST_MAX * (size_t)8)
size_t pair_list_encode(
	const struct pair_list *p, uint8_t out[PAIR_LIST_BYTES_MAX]); /* bytes written */

/* Reads the next pair of encoded bytes and moves *at behind it. False at the end. */
bool pair_list_next(const uint8_t **at, const uint8_t *end, struct pair *out);
void pair_list_decode(const void *data, size_t len, struct pair_list *out);

#endif
