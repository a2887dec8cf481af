/* SPDX-License-Identifier: MIT */
/* Allocates bytes from chunks that never move, named by 32-bit references: no malloc per text. */
#ifndef EBSFS_ARENA_H
#define EBSFS_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define ARENA_CHUNK ((size_t)16 << 10)
#define ARENA_MAX   (ARENA_CHUNK - 1) /* per piece */
#define ARENA_NONE  UINT32_MAX

/* All zero is an empty arena. No piece has the reference 0. */
struct arena {
	char **chunks;
	uint32_t n_chunks;
	uint32_t room; /* for pointers in chunks */
	uint32_t used; /* bytes of the last chunk */
	size_t bytes;  /* allocated in all */
};

void arena_finish(struct arena *a); /* frees everything; the arena is empty */
/* Allocates len bytes, unaligned and uninitialised; *ref names them. NULL on ENOMEM, past
 * ARENA_MAX, or when 4 GiB are used up. */
void *arena_add(struct arena *a, size_t len, uint32_t *ref);
size_t arena_memory(const struct arena *a);

static inline void *arena_at(const struct arena *a, uint32_t ref)
{
	return a->chunks[ref / ARENA_CHUNK] + ref % ARENA_CHUNK;
}

#endif
