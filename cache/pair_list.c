/* SPDX-License-Identifier: MIT */
/* A short list of pairs of numbers, encoded as bytes. */
#include "pair_list.h"

#include <string.h>

struct pair *pair_list_find(struct pair_list *p, uint32_t key)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->pairs[i].key == key)
			return &p->pairs[i];
	}
	return NULL;
}

void pair_list_add(struct pair_list *p, uint32_t key, uint32_t value)
{
	if (p->n < PAIR_LIST_MAX && !pair_list_find(p, key))
		p->pairs[p->n++] = (struct pair){key, value};
}

void pair_list_remove(struct pair_list *p, uint32_t key)
{
	struct pair *pair = pair_list_find(p, key);

	if (!pair)
		return;
	p->n--;
	memmove(pair, pair + 1, (size_t)(p->pairs + p->n - pair) * sizeof(*pair));
}

bool pair_list_same(const struct pair_list *a, const struct pair_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct pair *want = &a->pairs[i];
		/* Nearly always at the same index. */
		const struct pair *have = &b->pairs[i];

		for (size_t j = 0; have->key != want->key && j < b->n; j++)
			have = &b->pairs[j];
		if (have->key != want->key || have->value != want->value)
			return false;
	}
	return true;
}

/* A key has seven bits per byte, lowest first; a set top bit means that more follow. */
size_t pair_list_encode(const struct pair_list *p, uint8_t out[PAIR_LIST_BYTES_MAX])
{
	uint8_t *at = out;

	for (size_t i = 0; i < p->n; i++) {
		uint32_t key = p->pairs[i].key & ((1u << 28) - 1);

		for (; key >= 128; key >>= 7)
			*at++ = (uint8_t)(key | 128);
		*at++ = (uint8_t)key;
		memcpy(at, &p->pairs[i].value, 4);
		at += 4;
	}
	return (size_t)(at - out);
}

bool pair_list_next(const uint8_t **at, const uint8_t *end, struct pair *out)
{
	unsigned shift = 0;

	if (*at == end)
		return false;
	out->key = 0;
	for (; **at & 128; shift += 7)
		out->key |= (uint32_t)(*(*at)++ & 127) << shift;
	out->key |= (uint32_t) * (*at)++ << shift;
	memcpy(&out->value, *at, 4);
	*at += 4;
	return true;
}

void pair_list_decode(const void *data, size_t len, struct pair_list *out)
{
	const uint8_t *at = data, *end = at + len;

	out->n = 0;
	while (out->n < PAIR_LIST_MAX && pair_list_next(&at, end, &out->pairs[out->n]))
		out->n++;
}
