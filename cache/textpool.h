/* SPDX-License-Identifier: MIT */
/* Stores each text once, for any number of references of 32 bits. */
#ifndef EBSFS_TEXTPOOL_H
#define EBSFS_TEXTPOOL_H

#include "arena.h"
#include "hashset.h"

#define TEXTPOOL_NONE  UINT32_MAX
#define TEXTPOOL_EMPTY 0u /* the reference of "" in every pool */

struct textpool {
	struct arena arena;
	struct hashset set;
};

/* The pool must not move in memory. */
void textpool_init(struct textpool *p);
void textpool_finish(struct textpool *p);
/* Moves the content of `from` to `to`, which is finished or new; references stay valid. */
void textpool_move(struct textpool *from, struct textpool *to);

/* Returns the reference of these bytes, adding them if they are new. TEXTPOOL_NONE on ENOMEM or
 * past ARENA_MAX - 4 bytes. */
uint32_t textpool_put(struct textpool *p, const void *data, size_t len);
/* The bytes, NUL-terminated; borrowed until textpool_finish(). */
const void *textpool_data(const struct textpool *p, uint32_t ref, size_t *len);
const char *textpool_text(const struct textpool *p, uint32_t ref);
/* A text's share of textpool_bytes(); 0 for "". */
size_t textpool_size(const struct textpool *p, uint32_t ref);
size_t textpool_bytes(const struct textpool *p);
size_t textpool_memory(const struct textpool *p);

#endif
