/* SPDX-License-Identifier: MIT */
/* Numbers texts in the order of their arrival. */
#include "numbering.h"

#include <stdlib.h>
#include <string.h>

static const void *numbering_key(const void *ctx, uint32_t value, size_t *len)
{
	const char *text = numbering_text(ctx, value);

	*len = strlen(text);
	return text;
}

void numbering_init(struct numbering *n, uint32_t max)
{
	*n = (struct numbering){.max = max};
	hashset_init(&n->set, numbering_key, n);
}

void numbering_finish(struct numbering *n)
{
	arena_finish(&n->arena);
	hashset_finish(&n->set);
	free(n->refs);
	n->refs = NULL;
	n->count = n->room = 0;
}

uint32_t numbering_find(const struct numbering *n, const char *text)
{
	return hashset_find(&n->set, text, strlen(text));
}

uint32_t numbering_add(struct numbering *n, const char *text)
{
	size_t len = strlen(text);
	uint32_t number = hashset_find(&n->set, text, len);
	void *piece;

	if (number != HASHSET_NONE)
		return number;
	if (n->count >= n->max)
		return NUMBERING_NONE;
	if (n->count == n->room) {
		/* By a quarter, not by half: that would waste too much with 100,000 ids. */
		uint32_t room = n->room + n->room / 4 + 16;
		uint32_t *refs = realloc(n->refs, room * sizeof(*refs));

		if (!refs)
			return NUMBERING_NONE;
		n->refs = refs;
		n->room = room;
	}
	piece = arena_add(&n->arena, len + 1, &n->refs[n->count]);
	if (!piece)
		return NUMBERING_NONE;
	memcpy(piece, text, len + 1);
	if (hashset_add(&n->set, n->count) < 0)
		return NUMBERING_NONE;
	return n->count++;
}

const char *numbering_text(const struct numbering *n, uint32_t number)
{
	return arena_at(&n->arena, n->refs[number]);
}

size_t numbering_memory(const struct numbering *n)
{
	return arena_memory(&n->arena) + hashset_memory(&n->set) + n->room * sizeof(*n->refs);
}
