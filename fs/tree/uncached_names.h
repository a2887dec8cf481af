/* SPDX-License-Identifier: MIT */
/* The snapshots whose names the kernel must not cache, because a rename of them is about to be
 * carried out. */
#ifndef EBSFS_UNCACHED_NAMES_H
#define EBSFS_UNCACHED_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "hash.h"
#include "node.h"

/*
 * After a successful rename the kernel moves the cached name together with its node. But the new
 * name belongs to a receipt, and the snapshot stays where it was. So the moved name must have no
 * timeout: the kernel then looks it up again before it uses it.
 *
 * So the first rename fails with ESTALE. The kernel itself, not the user's program, looks the
 * source up again, which now gets no timeout, and repeats the rename.
 */

/* All zero: no rename yet. */
struct uncached_names {
	struct uncached_name *by_number;
};

/* Notes that a rename of this node is about to be carried out. Returns 1 for the first one (reply
 * ESTALE), 0 if the name has no timeout already (carry it out), or -ENOMEM. */
int uncached_names_add(struct uncached_names *u, struct node n);
/* Whether uncached_names_add() was called for this node in this mount. */
bool uncached_names_has(const struct uncached_names *u, struct node n);
void uncached_names_finish(struct uncached_names *u);

#endif
