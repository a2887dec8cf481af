/* SPDX-License-Identifier: MIT */
/* A short list of pairs of numbers, encoded as bytes: a snapshot's tags, and its rarer fields. */
#ifndef EBSFS_PAIR_LIST_H
#define EBSFS_PAIR_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* EC2 permits 50 user tags and adds a few of its own. Further pairs are left out. */
#define PAIR_LIST_MAX 128

/* Encoded, `key` (below 2^28, usually small) takes as few bytes as possible, `value` always four.
 */
struct pair {
	uint32_t key;
	uint32_t value;
};

struct pair_list {
	struct pair pairs[PAIR_LIST_MAX];
	size_t n;
};

/* Returns the pair with this key, NULL if there is none. */
struct pair *pair_list_find(struct pair_list *p, uint32_t key);
/* Appends a pair, unless the key is there already or the list is full. */
void pair_list_add(struct pair_list *p, uint32_t key, uint32_t value);
void pair_list_remove(struct pair_list *p, uint32_t key);
/* Whether both have the same pairs, in any order. */
bool pair_list_same(const struct pair_list *a, const struct pair_list *b);

#define PAIR_LIST_BYTES_MAX (PAIR_LIST_MAX * (size_t)8)
size_t pair_list_encode(
	const struct pair_list *p, uint8_t out[PAIR_LIST_BYTES_MAX]); /* returns the length */

/* Decodes the next pair and moves *at past it. Returns false at the end. */
bool pair_list_next(const uint8_t **at, const uint8_t *end, struct pair *out);
void pair_list_decode(const void *data, size_t len, struct pair_list *out);

#endif
