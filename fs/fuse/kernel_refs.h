/* SPDX-License-Identifier: MIT */
/* Counts the kernel's references to nodes whose numbers are used again. While the kernel has a
 * reference, any request may name the node, so its number must keep its meaning. */
#ifndef EBSFS_KERNEL_REFS_H
#define EBSFS_KERNEL_REFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node.h"
#include "slot_set.h"

struct fs;
struct kernel_refs_chunk;

/* Every reply that gives the kernel a node (lookup, create, mkdir, symlink, an entry of
 * readdirplus) adds one reference; FORGET returns any number of references. The kernel keeps at
 * least one for an open file, a working directory and a cached name, and for the parent of each
 * node that it knows.
 *
 * Only nodes whose node_ops.counted is set are counted. It is the kind of node that holds the
 * count: the node's own kind (then each node has a count), or the kind of a folder above with the
 * same slot (then all nodes with the folder's region and slot share one count).
 *
 * All zero: no references. No FORGET arrives for the references that exist when the mount ends. */
struct kernel_refs {
	struct kernel_refs_chunk *chunks;
	struct kernel_refs_chunk *latest; /* the chunk that was used last; NULL: none */
	bool incomplete; /* memory ran out: every node counts as referenced from then on */
};

void kernel_refs_finish(struct kernel_refs *refs);

/* Adds one reference to n. Call it after the reply was delivered. */
void kernel_refs_add(struct fs *fs, struct node n);
/* Adds one reference for each entry of a delivered reply to READDIRPLUS. */
void kernel_refs_add_entries(struct fs *fs, const void *entries, size_t len);
/* FORGET: removes `count` references. After the last one, calls node_ops.forgotten() of the counted
 * node, if it has this function. */
void kernel_refs_forget(struct fs *fs, struct node n, uint64_t count);
/* Returns whether the kernel has a reference to this node, or to a node that shares its count.
 * Always false for kinds that are not counted. */
bool kernel_refs_has(struct fs *fs, struct node n);
/* Marks the slots of a region whose nodes of this counted kind (with sub 0) have references.
 * Returns 0, or -ENOMEM: some slots with references are not marked. */
int kernel_refs_mark(const struct kernel_refs *refs, enum node_kind counted, uint32_t region,
	struct slot_set *slots);
size_t kernel_refs_memory(const struct kernel_refs *refs); /* bytes */

#endif
