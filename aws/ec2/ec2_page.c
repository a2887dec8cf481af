/* SPDX-License-Identifier: MIT */
/* A page of snapshots and its memory. */
#include "ec2_page.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Size of a chunk of memory. It is below the size from which malloc() maps memory separately
 * (main_limit_memory()): such memory would have to be zeroed again for each part of a page. */
#define PAGE_CHUNK   ((size_t)32 << 10)
#define PAGE_RECORDS 64 /* room for records in a new page */

struct page_chunk {
	struct page_chunk *next;
	size_t used;
	size_t size;
	max_align_t data[];
};

/* The struct that holds a page. `page` must be the first member, because ec2_page_destroy() gets
 * its address. */
struct ec2_page_build {
	struct ec2_page page;
	struct page_chunk *chunks; /* the first chunk is the one being filled */
	size_t cap;
	bool failed;
};

struct ec2_page_build *ec2_page_start(void)
{
	return calloc(1, sizeof(struct ec2_page_build));
}

void ec2_page_abandon(struct ec2_page_build *b)
{
	if (!b)
		return;
	while (b->chunks) {
		struct page_chunk *next = b->chunks->next;

		free(b->chunks);
		b->chunks = next;
	}
	free(b->page.snapshots);
	free(b->page.refused);
	free(b->page.next_token);
	free(b);
}

void ec2_page_destroy(struct ec2_page *page)
{
	ec2_page_abandon((struct ec2_page_build *)page);
}

/* Returns memory of the page, aligned to `align`, a power of two. */
static void *ec2_page_reserve(struct ec2_page_build *b, size_t size, size_t align)
{
	struct page_chunk *c = b->chunks;
	size_t at = c ? (c->used + align - 1) & ~(align - 1) : 0;

	if (!c || c->size < size || at > c->size - size) {
		size_t room = size > PAGE_CHUNK ? size : PAGE_CHUNK;

		c = malloc(sizeof(*c) + room);
		if (!c) {
			b->failed = true;
			return NULL;
		}
		*c = (struct page_chunk){.next = b->chunks, .size = room};
		b->chunks = c;
		at = 0;
	}
	c->used = at + size;
	return (char *)c->data + at;
}

const char *ec2_page_string(struct ec2_page_build *b, const char *text, size_t len)
{
	char *s = ec2_page_reserve(b, len + 1, 1);

	if (!s)
		return NULL;
	memcpy(s, text, len);
	s[len] = '\0';
	return s;
}

void *ec2_page_memory(struct ec2_page_build *b, const void *data, size_t size)
{
	void *p = ec2_page_reserve(b, size, _Alignof(max_align_t));

	if (p)
		memcpy(p, data, size);
	return p;
}

void ec2_page_add(struct ec2_page_build *b, const struct ec2_snapshot *snapshot)
{
	struct ec2_page *page = &b->page;

	if (page->n_snapshots == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : PAGE_RECORDS;
		struct ec2_snapshot *grown = realloc(page->snapshots, cap * sizeof(*grown));

		if (!grown) {
			b->failed = true;
			return;
		}
		page->snapshots = grown;
		b->cap = cap;
	}
	page->snapshots[page->n_snapshots++] = *snapshot;
}

void ec2_page_set_token(struct ec2_page_build *b, char *token)
{
	free(b->page.next_token);
	b->page.next_token = token;
}

size_t ec2_page_count(const struct ec2_page_build *b)
{
	return b->page.n_snapshots + b->page.n_refused;
}

void ec2_page_refuse(struct ec2_page_build *b, const char *id)
{
	struct ec2_page *page = &b->page;
	const char *copy = ec2_page_string(b, id, strlen(id));
	const char **grown;

	/* The array grows whenever its length is a power of two. */
	if (copy && (page->n_refused & (page->n_refused - 1)) == 0) {
		grown = realloc(page->refused,
			(page->n_refused ? 2 * page->n_refused : 1) * sizeof(*grown));
		if (!grown)
			b->failed = true;
		else
			page->refused = grown;
	}
	if (!b->failed)
		page->refused[page->n_refused++] = copy;
}

struct ec2_page *ec2_page_end(struct ec2_page_build *b)
{
	if (!b->failed)
		return &b->page;
	ec2_page_abandon(b);
	return NULL;
}
