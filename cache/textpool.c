/* SPDX-License-Identifier: MIT */
/* Stores texts by references of 32 bits: in chunks, each text once, or numbered. */
#include "textpool.h"

#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

/* --- the arena: bytes in chunks that never move, no malloc per text --- */

#define ARENA_CHUNK ((size_t)16 << 10)
#define ARENA_MAX   (ARENA_CHUNK - 1) /* per piece */

/* Frees everything; the arena is empty. */
static void arena_finish(struct arena *a)
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

static void *arena_at(const struct arena *a, uint32_t ref)
{
	return a->chunks[ref / ARENA_CHUNK] + ref % ARENA_CHUNK;
}

/* Allocates len bytes, unaligned and uninitialised; *ref names them. Returns NULL on ENOMEM, past
 * ARENA_MAX, or when 4 GiB are used up. */
static void *arena_add(struct arena *a, size_t len, uint32_t *ref)
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

static size_t arena_memory(const struct arena *a)
{
	return a->n_chunks * ARENA_CHUNK + a->room * sizeof(*a->chunks);
}

/* --- the pool: each text once --- */

/* A piece: the length in one byte, or in two from 128 on (the first with its top bit set), the
 * bytes, a NUL. */
static const unsigned char *piece_split(const void *piece, size_t *len)
{
	const unsigned char *p = piece;

	if (p[0] < 128) {
		*len = p[0];
		return p + 1;
	}
	*len = (size_t)(p[0] & 127) << 8 | p[1];
	return p + 2;
}

static size_t piece_size(size_t len)
{
	return len + (len < 128 ? 2 : 3);
}

static const void *pool_key(const void *ctx, uint32_t value, size_t *len)
{
	return textpool_data(ctx, value, len);
}

void textpool_init(struct textpool *p)
{
	p->arena = (struct arena){0};
	hashset_init(&p->set, pool_key, p);
}

void textpool_finish(struct textpool *p)
{
	arena_finish(&p->arena);
	hashset_finish(&p->set);
}

void textpool_move(struct textpool *from, struct textpool *to)
{
	*to = *from;
	to->set.ctx = to;
	textpool_init(from);
}

uint32_t textpool_put(struct textpool *p, const void *data, size_t len)
{
	unsigned char *piece;
	uint32_t ref;

	if (!len)
		return TEXTPOOL_EMPTY;
	if (len > ARENA_MAX - 4)
		return TEXTPOOL_NONE;
	ref = hashset_find(&p->set, data, len);
	if (ref != HASHSET_NONE)
		return ref;
	piece = arena_add(&p->arena, piece_size(len), &ref);
	if (!piece)
		return TEXTPOOL_NONE;
	if (len >= 128)
		*piece++ = (unsigned char)(128 | len >> 8);
	*piece++ = (unsigned char)len;
	memcpy(piece, data, len);
	piece[len] = '\0';
	return hashset_add(&p->set, ref) < 0 ? TEXTPOOL_NONE : ref;
}

const void *textpool_data(const struct textpool *p, uint32_t ref, size_t *len)
{
	if (ref == TEXTPOOL_EMPTY) {
		*len = 0;
		return "";
	}
	return piece_split(arena_at(&p->arena, ref), len);
}

const char *textpool_text(const struct textpool *p, uint32_t ref)
{
	size_t len;

	return textpool_data(p, ref, &len);
}

size_t textpool_size(const struct textpool *p, uint32_t ref)
{
	size_t len;

	if (ref == TEXTPOOL_EMPTY)
		return 0;
	textpool_data(p, ref, &len);
	return piece_size(len);
}

size_t textpool_bytes(const struct textpool *p)
{
	return p->arena.bytes;
}

size_t textpool_memory(const struct textpool *p)
{
	return arena_memory(&p->arena) + hashset_memory(&p->set);
}

/* --- the numbering --- */

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
	n->count = n->room = n->free = n->cursor = 0;
	n->garbage = 0;
}

uint32_t numbering_find(const struct numbering *n, const char *text)
{
	return hashset_find(&n->set, text, strlen(text));
}

uint32_t numbering_next(struct numbering *n)
{
	if (!n->free)
		return n->count;
	if (n->cursor >= n->count)
		n->cursor = 0;
	while (n->refs[n->cursor])
		n->cursor = n->cursor + 1 == n->count ? 0 : n->cursor + 1;
	return n->cursor;
}

/* Room for one number more. */
static int numbering_reserve(struct numbering *n)
{
	/* By a quarter, not by half: that would waste too much with 100,000 ids. */
	uint32_t room = n->room + n->room / 4 + 16;
	uint32_t *refs = n->count == n->room ? realloc(n->refs, room * sizeof(*refs)) : n->refs;

	if (!refs)
		return -1;
	n->room = n->count == n->room ? room : n->room;
	n->refs = refs;
	return 0;
}

uint32_t numbering_add_new(struct numbering *n, const char *text)
{
	size_t len = strlen(text);
	uint32_t number = numbering_next(n), ref;
	void *piece;

	if (number >= n->max || (number == n->count && numbering_reserve(n) < 0))
		return NUMBERING_NONE;
	piece = arena_add(&n->arena, len + 1, &ref);
	if (!piece)
		return NUMBERING_NONE;
	memcpy(piece, text, len + 1);
	n->refs[number] = ref;
	if (hashset_add(&n->set, number) < 0) {
		n->refs[number] = 0;
		n->garbage += len + 1;
		return NUMBERING_NONE;
	}
	if (number == n->count)
		n->count++;
	else
		n->free--;
	return number;
}

uint32_t numbering_add(struct numbering *n, const char *text)
{
	uint32_t number = numbering_find(n, text);

	return number == HASHSET_NONE ? numbering_add_new(n, text) : number;
}

const char *numbering_text(const struct numbering *n, uint32_t number)
{
	return arena_at(&n->arena, n->refs[number]);
}

void numbering_remove(struct numbering *n, uint32_t number)
{
	n->garbage += strlen(numbering_text(n, number)) + 1;
	hashset_remove(&n->set, number);
	n->refs[number] = 0;
	n->free++;
}

/* Copies the texts into an arena of their own size. Out of memory, changes nothing. */
static void numbering_compact(struct numbering *n)
{
	struct arena fresh = {0};
	uint32_t *refs = calloc(n->count + 1, sizeof(*refs));

	for (uint32_t i = 0; refs && i < n->count; i++) {
		const char *text = n->refs[i] ? numbering_text(n, i) : NULL;
		void *piece = text ? arena_add(&fresh, strlen(text) + 1, &refs[i]) : NULL;

		if (piece) {
			memcpy(piece, text, strlen(text) + 1);
		} else if (text) {
			free(steal(&refs));
			arena_finish(&fresh);
		}
	}
	if (!refs)
		return;
	arena_finish(&n->arena);
	free(n->refs);
	n->arena = fresh;
	n->refs = refs;
	n->room = n->count + 1;
	n->garbage = 0;
}

void numbering_tidy(struct numbering *n)
{
	for (; n->count && !n->refs[n->count - 1]; n->count--)
		n->free--;
	if (n->garbage > ARENA_CHUNK && n->garbage > n->arena.bytes / 2)
		numbering_compact(n);
	hashset_shrink(&n->set);
}

size_t numbering_memory(const struct numbering *n)
{
	return arena_memory(&n->arena) + hashset_memory(&n->set) + n->room * sizeof(*n->refs);
}
