/* SPDX-License-Identifier: MIT */
/* Numbers texts from 0 in the order of their arrival; a number never changes. A snapshot's slot is
 * the number of its id. */
#ifndef EBSFS_NUMBERING_H
#define EBSFS_NUMBERING_H

#include "arena.h"
#include "hashset.h"

#define NUMBERING_NONE UINT32_MAX

struct numbering {
	struct arena arena;
	struct hashset set;
	uint32_t *refs;
	uint32_t count, room, max;
};

/* Numbers stay below max. The struct must not move in memory. */
void numbering_init(struct numbering *n, uint32_t max);
void numbering_finish(struct numbering *n);
uint32_t numbering_find(const struct numbering *n, const char *text); /* NUMBERING_NONE */
/* The text's number, a new one if it has none. NUMBERING_NONE on ENOMEM or if all numbers are used.
 */
uint32_t numbering_add(struct numbering *n, const char *text);
const char *numbering_text(const struct numbering *n, uint32_t number); /* an existing number */
size_t numbering_memory(const struct numbering *n);

#endif
