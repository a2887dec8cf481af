/* SPDX-License-Identifier: MIT */
/* The snapshots whose names have no timeout, because a rename of them is about to be carried out.
 */
#include "moving.h"

#include <errno.h>
#include <stdlib.h>

struct moving_node {
	uint64_t number;
	UT_hash_handle hh;
};

bool moving_has(const struct moving *m, struct node n)
{
	uint64_t number = node_number(n);
	const struct moving_node *found;

	HASH_FIND(hh, m->by_number, &number, sizeof(number), found);
	return found;
}

int moving_begin(struct moving *m, struct node n)
{
	struct moving_node *added;

	if (moving_has(m, n))
		return 0;
	added = calloc(1, sizeof(*added));
	if (!added)
		return -ENOMEM;
	added->number = node_number(n);
	HASH_ADD(hh, m->by_number, number, sizeof(added->number), added);
	if (!added->hh.tbl) {
		free(added);
		return -ENOMEM;
	}
	return 1;
}

void moving_finish(struct moving *m)
{
	struct moving_node *node, *next;

	HASH_ITER (hh, m->by_number, node, next) {
		HASH_DEL(m->by_number, node);
		free(node);
	}
}
