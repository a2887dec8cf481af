/* SPDX-License-Identifier: MIT */
/* Stores each text once, in an arena, preceded by its length and found by a hash set. */
#include "textpool.h"

#include <string.h>

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
