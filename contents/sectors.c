/* SPDX-License-Identifier: MIT */
/* The bytes of a partition, through a cache of the disk's blocks. */
#include "sectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECTORS_CACHED   (SECTORS_BATCH + 64) /* blocks: 64 MiB */
#define SECTORS_NO_BLOCK UINT64_MAX

struct cached_block {
	uint64_t index; /* SECTORS_NO_BLOCK: none */
	uint64_t used;
	uint8_t *data;
};

struct sectors {
	struct sectors_source source;
	uint64_t start, size;
	struct cached_block blocks[SECTORS_CACHED], *last;
	uint64_t wanted[SECTORS_BATCH]; /* numbers of blocks to fetch; some may be cached by now */
	unsigned wanted_count;
	uint64_t clock, fetched;
};

struct sectors *sectors_create(const struct sectors_source *source, uint64_t start, uint64_t size)
{
	struct sectors *s;

	if (size > INT64_MAX || start > INT64_MAX - size)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->source = *source;
	s->start = start;
	s->size = size;
	s->last = s->blocks;
	for (unsigned i = 0; i < SECTORS_CACHED; i++)
		s->blocks[i].index = SECTORS_NO_BLOCK;
	return s;
}

void sectors_destroy(struct sectors *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < SECTORS_CACHED; i++)
		free(s->blocks[i].data);
	free(s);
}

uint64_t sectors_size(const struct sectors *s)
{
	return s->size;
}

uint64_t sectors_fetched(const struct sectors *s)
{
	return s->fetched;
}

static struct cached_block *cached_block_find(struct sectors *s, uint64_t index)
{
	if (s->last->index == index)
		return s->last;
	for (unsigned i = 0; i < SECTORS_CACHED; i++)
		if (s->blocks[i].index == index)
			return s->last = &s->blocks[i];
	return NULL;
}

/* Empties the least recently used place and returns it. NULL on ENOMEM. */
static struct cached_block *cached_block_reuse(struct sectors *s)
{
	struct cached_block *oldest = &s->blocks[0];

	for (unsigned i = 1; i < SECTORS_CACHED; i++)
		if (s->blocks[i].used < oldest->used)
			oldest = &s->blocks[i];
	if (!oldest->data && !(oldest->data = malloc(SECTORS_BLOCK)))
		return NULL;
	oldest->index = SECTORS_NO_BLOCK;
	oldest->used = ++s->clock;
	return oldest;
}

/* Notes a block to fetch, unless it is noted already. Returns whether there was room. */
static bool sectors_note(struct sectors *s, uint64_t index)
{
	for (unsigned i = 0; i < s->wanted_count; i++)
		if (s->wanted[i] == index)
			return true;
	if (s->wanted_count == SECTORS_BATCH)
		return false;
	s->wanted[s->wanted_count++] = index;
	return true;
}

bool sectors_want(struct sectors *s, uint64_t offset, uint64_t len)
{
	uint64_t index, last;

	if (offset >= s->size || !len)
		return true;
	if (len > s->size - offset)
		len = s->size - offset;
	index = (s->start + offset) / SECTORS_BLOCK;
	last = (s->start + offset + len - 1) / SECTORS_BLOCK;
	while (index <= last && sectors_note(s, index))
		index++;
	return index > last;
}

int sectors_fetch(struct sectors *s)
{
	struct cached_block *places[SECTORS_BATCH];
	uint64_t index[SECTORS_BATCH];
	void *out[SECTORS_BATCH];
	unsigned n = 0, wanted = s->wanted_count;
	int r;

	s->wanted_count = 0;
	for (unsigned i = 0; i < wanted; i++) {
		struct cached_block *cached = cached_block_find(s, s->wanted[i]);

		if (cached)
			cached->used = ++s->clock;
		else
			index[n++] = s->wanted[i];
	}
	for (unsigned i = 0; i < n; i++) {
		places[i] = cached_block_reuse(s);
		if (!places[i])
			return -ENOMEM;
		out[i] = places[i]->data;
	}
	r = n ? s->source.fetch(s->source.ctx, index, out, n) : 0;
	if (r)
		return r;
	s->fetched += n;
	for (unsigned i = 0; i < n; i++)
		places[i]->index = index[i];
	return 0;
}

/* Returns a block; if it is not cached, fetches it together with the noted blocks. */
static int sectors_block(struct sectors *s, uint64_t index, struct cached_block **out)
{
	int r = 0;

	*out = cached_block_find(s, index);
	if (!*out) {
		if (!sectors_note(s, index))
			s->wanted[SECTORS_BATCH - 1] = index;
		r = sectors_fetch(s);
		*out = cached_block_find(s, index);
	}
	if (!r)
		(*out)->used = ++s->clock;
	return r;
}

int sectors_read(struct sectors *s, uint64_t offset, void *out, size_t len)
{
	uint8_t *p = out;

	if (offset > s->size || len > s->size - offset)
		return -EIO;
	for (offset += s->start; len;) {
		size_t at = offset % SECTORS_BLOCK;
		size_t n = len < SECTORS_BLOCK - at ? len : SECTORS_BLOCK - at;
		struct cached_block *block;
		int r = sectors_block(s, offset / SECTORS_BLOCK, &block);

		if (r)
			return r;
		memcpy(p, block->data + at, n);
		p += n;
		offset += n;
		len -= n;
	}
	return 0;
}
