/* SPDX-License-Identifier: MIT */
/* Counts of the kernel's references: four bytes a node, in chunks of neighbouring slots. */
#include "kernel_refs.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>

#include "hash.h"
#include "tree.h"

/* The bits of a place within its chunk. */
#define CHUNK_BITS 8

struct kernel_refs_chunk {
	uint64_t key;
	uint32_t counts[1 << CHUNK_BITS];
	unsigned used; /* counts that are not 0 */
	UT_hash_handle hh;
};

/* The highest value of a count. A count that reaches it stays there: that node is never forgotten.
 */
#define COUNT_MAX UINT32_MAX

/* Returns the node that holds the count of n; of kind NODE_ROOT if n is not counted. */
static struct node counted_node(struct node n)
{
	enum node_kind kind = tree_ops(n)->counted;

	if (n.kind == NODE_INODE)
		return (struct node){.kind = kind, .slot = n.region};
	if (kind != n.kind)
		n.sub = 0;
	n.kind = kind;
	return n;
}

/* Returns the count's place: neighbouring slots have neighbouring places, and so have the nodes of
 * one slot with different subs. */
static uint64_t place_of(struct node n)
{
	return ((((uint64_t)n.kind << 8 | n.region) << 23 | n.sub) << 25) | n.slot;
}

static struct kernel_refs_chunk *find_chunk(struct kernel_refs *refs, uint64_t key)
{
	struct kernel_refs_chunk *chunk;

	if (refs->latest && refs->latest->key == key)
		return refs->latest;
	HASH_FIND(hh, refs->chunks, &key, sizeof(key), chunk);
	if (chunk)
		refs->latest = chunk;
	return chunk;
}

static struct kernel_refs_chunk *need_chunk(struct kernel_refs *refs, uint64_t key)
{
	struct kernel_refs_chunk *chunk = find_chunk(refs, key);

	if (chunk)
		return chunk;
	chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return NULL;
	chunk->key = key;
	HASH_ADD(hh, refs->chunks, key, sizeof(chunk->key), chunk);
	if (!chunk->hh.tbl) {
		free(chunk);
		return NULL;
	}
	return refs->latest = chunk;
}

static void drop_chunk(struct kernel_refs *refs, struct kernel_refs_chunk *chunk)
{
	if (refs->latest == chunk)
		refs->latest = NULL;
	HASH_DEL(refs->chunks, chunk);
	free(chunk);
}

static uint32_t *count_in(struct kernel_refs_chunk *chunk, uint64_t place)
{
	return &chunk->counts[place & ((1u << CHUNK_BITS) - 1)];
}

void kernel_refs_finish(struct kernel_refs *refs)
{
	struct kernel_refs_chunk *chunk, *next;

	HASH_ITER (hh, refs->chunks, chunk, next)
		drop_chunk(refs, chunk);
}

void kernel_refs_add(struct fs *fs, struct node n)
{
	struct node counted = counted_node(n);
	uint64_t place = place_of(counted);
	struct kernel_refs_chunk *chunk;
	uint32_t *count;

	if (counted.kind == NODE_ROOT)
		return;
	chunk = need_chunk(&fs->kernel_refs, place >> CHUNK_BITS);
	if (!chunk) {
		fs->kernel_refs.incomplete = true;
		return;
	}
	count = count_in(chunk, place);
	chunk->used += *count == 0;
	*count += *count < COUNT_MAX;
}

void kernel_refs_add_entries(struct fs *fs, const void *entries, size_t len)
{
	const char *at = entries, *end = at + len;

	while (at < end) {
		const struct fuse_direntplus *entry = (const void *)at;

		/* "." and ".." have number 0, to which the kernel takes no reference. */
		if (entry->entry_out.nodeid)
			kernel_refs_add(fs, node_of(entry->entry_out.nodeid));
		at += FUSE_DIRENTPLUS_SIZE(entry);
	}
}

void kernel_refs_forget(struct fs *fs, struct node n, uint64_t count)
{
	struct node counted = counted_node(n);
	uint64_t place = place_of(counted);
	struct kernel_refs *refs = &fs->kernel_refs;
	struct kernel_refs_chunk *chunk;
	uint32_t *have;

	if (counted.kind == NODE_ROOT || refs->incomplete)
		return;
	chunk = find_chunk(refs, place >> CHUNK_BITS);
	have = chunk ? count_in(chunk, place) : NULL;
	if (!have || !*have || *have == COUNT_MAX)
		return;
	*have -= count < *have ? (uint32_t)count : *have;
	if (*have)
		return;
	if (--chunk->used == 0)
		drop_chunk(refs, chunk);
	if (tree_ops(counted)->forgotten)
		tree_ops(counted)->forgotten(fs, counted);
}

bool kernel_refs_has(struct fs *fs, struct node n)
{
	struct node counted = counted_node(n);
	uint64_t place = place_of(counted);
	struct kernel_refs_chunk *chunk;

	if (counted.kind == NODE_ROOT)
		return false;
	if (fs->kernel_refs.incomplete)
		return true;
	chunk = find_chunk(&fs->kernel_refs, place >> CHUNK_BITS);
	return chunk && *count_in(chunk, place);
}

int kernel_refs_mark(const struct kernel_refs *refs, enum node_kind counted, uint32_t region,
	struct slot_set *slots)
{
	uint64_t first = place_of((struct node){.kind = counted, .region = region});

	if (refs->incomplete)
		return -ENOMEM;
	for (const struct kernel_refs_chunk *chunk = refs->chunks; chunk; chunk = chunk->hh.next) {
		uint64_t place = chunk->key << CHUNK_BITS;

		if (place < first || place - first > NODE_SLOT_MAX)
			continue;
		for (uint32_t i = 0; i < 1u << CHUNK_BITS; i++)
			if (chunk->counts[i] &&
				slot_set_add(slots, (uint32_t)(place - first) + i) < 0)
				return -ENOMEM;
	}
	return 0;
}

size_t kernel_refs_memory(const struct kernel_refs *refs)
{
	return HASH_COUNT(refs->chunks) * sizeof(struct kernel_refs_chunk) +
	       HASH_OVERHEAD(hh, refs->chunks);
}
