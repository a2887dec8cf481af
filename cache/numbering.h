/* SPDX-License-Identifier: MIT */
/* Texts numbered from 0 in the order in which they came, for ever: a snapshot's slot is the number
 * of its id. */
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

/* Numbers stay below max. The numbering must stay where it is. */
void numbering_init(struct numbering *n, uint32_t max);
void numbering_finish(struct numbering *n);
uint32_t numbering_find(const struct numbering *n, const char *text); /* NUMBERING_NONE */
/* The text's number, a new one if it has none. NUMBERING_NONE on ENOMEM or when all are given out.
 */
uint32_t numbering_add(struct numbering *n, const char *text);
const char *numbering_text(
	const struct numbering *n, uint32_t number); /* a number that was given out */
size_t numbering_memory(const struct numbering *n);

#endif
