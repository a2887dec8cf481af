/* SPDX-License-Identifier: MIT */
/* Stores texts for any number of references of 32 bits: a pool stores each text once, a numbering
 * gives each text a number. */
#ifndef EBSFS_TEXTPOOL_H
#define EBSFS_TEXTPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hashset.h"

/* Bytes in chunks that never move, named by references; only textpool.c looks inside. All zero is
 * an empty arena. No piece has the reference 0. */
struct arena {
	char **chunks;
	uint32_t n_chunks;
	uint32_t room; /* for pointers in chunks */
	uint32_t used; /* bytes of the last chunk */
	size_t bytes;  /* allocated in all */
};

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
 * past 16 KiB less five bytes. */
uint32_t textpool_put(struct textpool *p, const void *data, size_t len);
/* The bytes, NUL-terminated; borrowed until textpool_finish(). */
const void *textpool_data(const struct textpool *p, uint32_t ref, size_t *len);
const char *textpool_text(const struct textpool *p, uint32_t ref);
/* A text's share of textpool_bytes(); 0 for "". */
size_t textpool_size(const struct textpool *p, uint32_t ref);
size_t textpool_bytes(const struct textpool *p);
size_t textpool_memory(const struct textpool *p);

/* Numbers texts from 0 in the order of their arrival. A number never changes, and is not used again
 * before its text was removed. A snapshot's slot is the number of its id. */

#define NUMBERING_NONE UINT32_MAX

struct numbering {
	struct arena arena;
	struct hashset set;
	uint32_t *refs; /* by number; 0: free */
	uint32_t count; /* no number is as high as this */
	uint32_t room, max;
	uint32_t free;   /* how many numbers below count */
	uint32_t cursor; /* the search for a free one goes on here */
	size_t garbage;  /* bytes of removed texts in the arena */
};

/* Numbers stay below max. The struct must not move in memory. */
void numbering_init(struct numbering *n, uint32_t max);
void numbering_finish(struct numbering *n);
uint32_t numbering_find(const struct numbering *n, const char *text); /* NUMBERING_NONE */
/* The text's number, a new one if it has none. NUMBERING_NONE on ENOMEM or if all numbers are used.
 */
uint32_t numbering_add(struct numbering *n, const char *text);
/* The number that the next new text gets, and giving it: the text must have none. Free numbers are
 * used in a circle, as process numbers are: each as late as possible. */
uint32_t numbering_next(struct numbering *n);
uint32_t numbering_add_new(struct numbering *n, const char *text);
static inline bool numbering_has(const struct numbering *n, uint32_t number)
{
	return number < n->count && n->refs[number];
}
const char *numbering_text(const struct numbering *n, uint32_t number); /* an existing number */
/* Frees an existing number. Its memory is given back by numbering_tidy(), which invalidates
 * borrowed texts; without memory for its work it does less. */
void numbering_remove(struct numbering *n, uint32_t number);
void numbering_tidy(struct numbering *n);
size_t numbering_memory(const struct numbering *n);

#endif
