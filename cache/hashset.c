/* SPDX-License-Identifier: MIT */
/* A set of 32-bit values with open addressing and linear probing. */
#include "hashset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

/* More than this part of the places is never used; beyond it the set grows by half. */
#define LOAD_PERCENT 85

void hashset_init(struct hashset *h, hashset_key_fn *key, const void *ctx)
{
	*h = (struct hashset){.key = key, .ctx = ctx};
	random_bytes(&h->seed, sizeof(h->seed));
}

void hashset_finish(struct hashset *h)
{
	free(h->values);
	free(h->tags);
	h->values = NULL;
	h->tags = NULL;
	h->places = 0;
	h->used = 0;
}

static uint64_t stir(uint64_t h)
{
	h *= 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static uint64_t hash_bytes(uint64_t seed, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = stir(seed ^ len), word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = stir(h ^ word);
	}
	word = 0;
	memcpy(&word, p, len);
	return stir(stir(h ^ word));
}

/* The upper half of the hash chooses the place, the lower one the tag. */
static uint32_t hash_place(const struct hashset *h, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * h->places >> 32);
}

static uint8_t hash_tag(uint64_t hash)
{
	return (uint8_t)(1 + (uint32_t)hash % 255);
}

static uint32_t next_place(const struct hashset *h, uint32_t place)
{
	return place + 1 == h->places ? 0 : place + 1;
}

uint32_t hashset_find(const struct hashset *h, const void *data, size_t len)
{
	uint64_t hash;
	uint8_t tag;

	if (!h->places)
		return HASHSET_NONE;
	hash = hash_bytes(h->seed, data, len);
	tag = hash_tag(hash);
	/* Ends: a set is never full. */
	for (uint32_t at = hash_place(h, hash); h->tags[at]; at = next_place(h, at)) {
		const void *key;
		size_t key_len;

		if (h->tags[at] != tag)
			continue;
		key = h->key(h->ctx, h->values[at], &key_len);
		if (key_len == len && memcmp(key, data, len) == 0)
			return h->values[at];
	}
	return HASHSET_NONE;
}

static uint64_t hash_value(const struct hashset *h, uint32_t value)
{
	size_t len;
	const void *key = h->key(h->ctx, value, &len);

	return hash_bytes(h->seed, key, len);
}

static void hashset_place(struct hashset *h, uint32_t value)
{
	uint64_t hash = hash_value(h, value);
	uint32_t at = hash_place(h, hash);

	while (h->tags[at])
		at = next_place(h, at);
	h->values[at] = value;
	h->tags[at] = hash_tag(hash);
	h->used++;
}

static int hashset_grow(struct hashset *h, uint32_t places)
{
	struct hashset bigger = *h;

	bigger.places = places;
	if (bigger.places < h->places)
		return -ENOMEM;
	bigger.used = 0;
	bigger.values = malloc(bigger.places * sizeof(*bigger.values));
	bigger.tags = calloc(bigger.places, sizeof(*bigger.tags));
	if (!bigger.values || !bigger.tags) {
		hashset_finish(&bigger);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < h->places; i++) {
		if (h->tags[i])
			hashset_place(&bigger, h->values[i]);
	}
	hashset_finish(h);
	*h = bigger;
	return 0;
}

int hashset_add(struct hashset *h, uint32_t value)
{
	if ((uint64_t)(h->used + 1) * 100 > (uint64_t)h->places * LOAD_PERCENT &&
		hashset_grow(h, h->places ? h->places + h->places / 2 : 16) < 0)
		return -ENOMEM;
	hashset_place(h, value);
	return 0;
}

static uint32_t steps(const struct hashset *h, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + (h->places - from);
}

void hashset_remove(struct hashset *h, uint32_t value)
{
	uint32_t hole = hash_place(h, hash_value(h, value));

	while (h->values[hole] != value || !h->tags[hole])
		hole = next_place(h, hole);
	/* Whoever was put further on because this place was taken moves up, so that no search ends
	 * at a gap before it. */
	for (uint32_t at = next_place(h, hole); h->tags[at]; at = next_place(h, at)) {
		uint32_t home = hash_place(h, hash_value(h, h->values[at]));

		if (steps(h, home, at) < steps(h, hole, at))
			continue;
		h->values[hole] = h->values[at];
		h->tags[hole] = h->tags[at];
		hole = at;
	}
	h->tags[hole] = 0;
	h->used--;
}

void hashset_reserve(struct hashset *h, uint32_t n)
{
	uint64_t places = ((uint64_t)h->used + n) * 100 / LOAD_PERCENT + 16;

	if (places > h->places && places <= UINT32_MAX)
		(void)hashset_grow(h, (uint32_t)places);
}

size_t hashset_memory(const struct hashset *h)
{
	return h->places * (sizeof(*h->values) + sizeof(*h->tags));
}
