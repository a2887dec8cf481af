/* SPDX-License-Identifier: MIT */
/* The snapshots whose names the kernel must not cache, because a rename of them is about to be
 * carried out. */
#include "uncached_names.h"

#include <errno.h>
#include <stdlib.h>

struct uncached_name {
	uint64_t number;
	UT_hash_handle hh;
};

bool uncached_names_has(const struct uncached_names *u, struct node n)
{
	uint64_t number = node_number(n);
	const struct uncached_name *found;

	HASH_FIND(hh, u->by_number, &number, sizeof(number), found);
	return found;
}

int uncached_names_add(struct uncached_names *u, struct node n)
{
	struct uncached_name *added;

	if (uncached_names_has(u, n))
		return 0;
	added = calloc(1, sizeof(*added));
	if (!added)
		return -ENOMEM;
	added->number = node_number(n);
	HASH_ADD(hh, u->by_number, number, sizeof(added->number), added);
	if (!added->hh.tbl) {
		free(added);
		return -ENOMEM;
	}
	return 1;
}

void uncached_names_finish(struct uncached_names *u)
{
	struct uncached_name *node, *next;

	HASH_ITER (hh, u->by_number, node, next) {
		HASH_DEL(u->by_number, node);
		free(node);
	}
}
