/* SPDX-License-Identifier: MIT */
/* How many references the kernel has to nodes whose numbers are used again. While it has one, it
 * may name the node in any request: the number must keep its meaning. */
#ifndef EBSFS_KERNEL_REFS_H
#define EBSFS_KERNEL_REFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node.h"
#include "slot_set.h"

struct fs;
struct kernel_refs_chunk;

/*
 * Every reply that tells the kernel of a node (lookup, create, mkdir, symlink, an entry of
 * readdirplus) gives it one reference; FORGET takes back any number. An open file, a working
 * directory and a cached name keep at least one, and a node keeps its parent's.
 *
 * Only kinds with node_ops.counted are counted. That is the kind of node whose count it is: a
 * kind's own (then each node has a count), or that of a folder above with the same slot (then all
 * nodes with the folder's region and slot share one count).
 *
 * All zero: no references. It ends with the mount: the kernel then forgets all without FORGET.
 */
struct kernel_refs {
	struct kernel_refs_chunk *chunks;
	struct kernel_refs_chunk *latest; /* used last; NULL */
	bool incomplete; /* memory ran out: every node counts as referenced from then on */
};

void kernel_refs_finish(struct kernel_refs *refs);

/* The kernel has got one reference more: call it after the reply was delivered. */
void kernel_refs_add(struct fs *fs, struct node n);
/* The same for each entry of a delivered reply to READDIRPLUS. */
void kernel_refs_add_entries(struct fs *fs, const void *entries, size_t len);
/* FORGET: the kernel has given back so many. With the last one, calls node_ops.forgotten() of the
 * counted node, if there is one. */
void kernel_refs_forget(struct fs *fs, struct node n, uint64_t count);
/* Whether the kernel has any reference to this node, or to one that shares its count. Always false
 * for kinds that are not counted. */
bool kernel_refs_has(struct fs *fs, struct node n);
/* Adds the slots of a region that have references of this counted kind, whose sub is 0. Returns 0,
 * or -ENOMEM: some are not known. */
int kernel_refs_mark(const struct kernel_refs *refs, enum node_kind counted, uint32_t region,
	struct slot_set *slots);
size_t kernel_refs_memory(const struct kernel_refs *refs); /* bytes */

#endif
