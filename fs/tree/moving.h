/* SPDX-License-Identifier: MIT */
/* Snapshots whose names the kernel may move. */
#ifndef EBSFS_MOVING_H
#define EBSFS_MOVING_H

#include <stdbool.h>
#include <stdint.h>

#include "hash.h"
#include "node.h"

/*
 * After a successful rename the kernel moves the name that it has cached, with the node that the
 * name stood for. But the new name stands for a receipt, and the snapshot stays where it was. So
 * the moved name must have no timeout: the kernel then looks it up again before it uses it.
 *
 * A rename is therefore refused once with ESTALE. The kernel, never the user's program, repeats it
 * and looks the source up again on the way; this time the name gets no timeout.
 */

/* All zero: no rename yet. */
struct moving {
	struct moving_node *by_number;
};

/* A rename of this node is about to be carried out. 1: the first one, answer ESTALE; 0: the name
 * has no timeout, go on; -ENOMEM. */
int moving_begin(struct moving *m, struct node n);
/* Whether a rename of this node was asked for in this mount. */
bool moving_has(const struct moving *m, struct node n);
void moving_finish(struct moving *m);

#endif
