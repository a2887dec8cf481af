/* SPDX-License-Identifier: MIT */
/* A set of 32-bit values with open addressing and linear probing. */
#include "hashset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

/* The highest load; beyond it the table grows by half. */
#define LOAD_PERCENT 85

void hashset_init(struct hashset *h, hashset_key_fn *key, const void *ctx)
{
	*h = (struct hashset){.key = key, .ctx = ctx};
	random_bytes(&h->seed, sizeof(h->seed));
}

void hashset_finish(struct hashset *h)
{
	free(h->table);
	h->table = NULL;
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

static uint32_t hash_key(const struct hashset *h, const void *data, size_t len)
{
	uint32_t hash = (uint32_t)(hash_bytes(h->seed, data, len) >> 32);

	return hash ? hash : 1;
}

static uint32_t first_place(const struct hashset *h, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash * h->places >> 32);
}

static uint32_t next_place(const struct hashset *h, uint32_t place)
{
	return place + 1 == h->places ? 0 : place + 1;
}

uint32_t hashset_find(const struct hashset *h, const void *data, size_t len)
{
	uint32_t hash;

	if (!h->places)
		return HASHSET_NONE;
	hash = hash_key(h, data, len);
	/* The loop ends, because the table always has a free place. */
	for (uint32_t at = first_place(h, hash); h->table[at].hash; at = next_place(h, at)) {
		const void *key;
		size_t key_len;

		if (h->table[at].hash != hash)
			continue;
		key = h->key(h->ctx, h->table[at].value, &key_len);
		if (key_len == len && memcmp(key, data, len) == 0)
			return h->table[at].value;
	}
	return HASHSET_NONE;
}

static void place_value(struct hashset *h, uint32_t hash, uint32_t value)
{
	uint32_t at = first_place(h, hash);

	while (h->table[at].hash)
		at = next_place(h, at);
	h->table[at] = (struct hashset_place){hash, value};
	h->used++;
}

/* Moves the values to a table with this many places, more than there are values. Returns 0 or
 * -ENOMEM. */
static int hashset_resize(struct hashset *h, uint32_t places)
{
	struct hashset resized = *h;

	resized.places = places;
	resized.used = 0;
	resized.table = calloc(places, sizeof(*resized.table));
	if (!resized.table)
		return -ENOMEM;
	for (uint32_t i = 0; i < h->places; i++)
		if (h->table[i].hash)
			place_value(&resized, h->table[i].hash, h->table[i].value);
	hashset_finish(h);
	*h = resized;
	return 0;
}

/* Grows the table by half. Returns 0 or -ENOMEM. */
static int hashset_grow(struct hashset *h)
{
	uint32_t places = h->places ? h->places + h->places / 2 : 16;

	return places > h->places ? hashset_resize(h, places) : -ENOMEM;
}

static uint32_t hash_value(const struct hashset *h, uint32_t value)
{
	size_t len;
	const void *key = h->key(h->ctx, value, &len);

	return hash_key(h, key, len);
}

int hashset_add(struct hashset *h, uint32_t value)
{
	if ((uint64_t)(h->used + 1) * 100 > (uint64_t)h->places * LOAD_PERCENT &&
		hashset_grow(h) < 0)
		return -ENOMEM;
	place_value(h, hash_value(h, value), value);
	return 0;
}

static uint32_t steps(const struct hashset *h, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + (h->places - from);
}

void hashset_remove(struct hashset *h, uint32_t value)
{
	uint32_t hole = first_place(h, hash_value(h, value));

	while (h->table[hole].value != value || !h->table[hole].hash)
		hole = next_place(h, hole);
	/* Backward-shift deletion: move displaced entries into the hole so that probes never stop
	 * early. */
	for (uint32_t at = next_place(h, hole); h->table[at].hash; at = next_place(h, at)) {
		uint32_t home = first_place(h, h->table[at].hash);

		if (steps(h, home, at) < steps(h, hole, at))
			continue;
		h->table[hole] = h->table[at];
		hole = at;
	}
	h->table[hole].hash = 0;
	h->used--;
}

/* Returns the number of places that the present values and n more need. */
static uint64_t places_for(const struct hashset *h, uint32_t n)
{
	return ((uint64_t)h->used + n) * 100 / LOAD_PERCENT + 16;
}

void hashset_reserve(struct hashset *h, uint32_t n)
{
	uint64_t places = places_for(h, n);

	if (places > h->places && places <= UINT32_MAX)
		(void)hashset_resize(h, (uint32_t)places);
}

void hashset_shrink(struct hashset *h)
{
	uint64_t places = places_for(h, h->used / 4);

	if (places < h->places / 2)
		(void)hashset_resize(h, (uint32_t)places);
}

size_t hashset_memory(const struct hashset *h)
{
	return h->places * sizeof(*h->table);
}
