/* SPDX-License-Identifier: MIT */
/* The snapshots that a listing leaves out. */
#include "left_out.h"

#include <stdlib.h>
#include <string.h>

/* Out of memory, the hash adds nothing instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* More ids than these are counted without being known again. */
#define IDS_MAX 100000

struct left_out_id {
	UT_hash_handle hh;
	char id[];
};

void left_out_add(struct left_out *l, const char *id)
{
	size_t len = strlen(id);
	struct left_out_id *known;

	HASH_FIND(hh, l->ids, id, len, known);
	if (known)
		return;
	l->n++;
	known = HASH_COUNT(l->ids) < IDS_MAX ? calloc(1, sizeof(*known) + len + 1) : NULL;
	if (!known)
		return;
	memcpy(known->id, id, len);
	HASH_ADD(hh, l->ids, id, len, known);
	if (!known->hh.tbl)
		free(known);
}

size_t left_out_count(const struct left_out *l)
{
	return l->n;
}

const char *left_out_first(const struct left_out *l)
{
	return l->ids ? l->ids->id : "";
}

void left_out_clear(struct left_out *l)
{
	struct left_out_id *known, *next;

	HASH_ITER (hh, l->ids, known, next) {
		HASH_DEL(l->ids, known);
		free(known);
	}
	l->n = 0;
}
