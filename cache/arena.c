/* SPDX-License-Identifier: MIT */
/* Allocates bytes from chunks. */
#include "arena.h"

#include <stdlib.h>

void arena_finish(struct arena *a)
{
	for (uint32_t i = 0; i < a->n_chunks; i++)
		free(a->chunks[i]);
	free(a->chunks);
	*a = (struct arena){0};
}

static int arena_grow(struct arena *a)
{
	char *chunk;

	if (a->n_chunks >= UINT32_MAX / ARENA_CHUNK)
		return -1;
	if (a->n_chunks == a->room) {
		uint32_t room = a->room ? a->room * 2 : 8;
		char **chunks = realloc(a->chunks, room * sizeof(*chunks));

		if (!chunks)
			return -1;
		a->chunks = chunks;
		a->room = room;
	}
	chunk = malloc(ARENA_CHUNK);
	if (!chunk)
		return -1;
	/* The very first byte stays unused, so that no piece has the reference 0. */
	a->used = a->n_chunks == 0;
	a->chunks[a->n_chunks++] = chunk;
	return 0;
}

void *arena_add(struct arena *a, size_t len, uint32_t *ref)
{
	if (len > ARENA_MAX)
		return NULL;
	if ((!a->n_chunks || a->used + len > ARENA_CHUNK) && arena_grow(a) < 0)
		return NULL;
	*ref = (a->n_chunks - 1) * (uint32_t)ARENA_CHUNK + a->used;
	a->used += (uint32_t)len;
	a->bytes += len;
	return arena_at(a, *ref);
}

size_t arena_memory(const struct arena *a)
{
	return a->n_chunks * ARENA_CHUNK + a->room * sizeof(*a->chunks);
}
