/* SPDX-License-Identifier: MIT */
/* The snapshots whose names have no timeout, because a rename of them is about to be carried out.
 */
#ifndef EBSFS_MOVING_H
#define EBSFS_MOVING_H

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
struct moving {
	struct moving_node *by_number;
};

/* Notes that a rename of this node is about to be carried out. Returns 1 for the first one (reply
 * ESTALE), 0 if the name has no timeout already (carry it out), or -ENOMEM. */
int moving_begin(struct moving *m, struct node n);
/* Whether moving_begin() was called for this node in this mount. */
bool moving_has(const struct moving *m, struct node n);
void moving_finish(struct moving *m);

#endif
