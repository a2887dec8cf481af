/* SPDX-License-Identifier: MIT */
/* Tells the kernel what its caches must forget. */
#ifndef EBSFS_INVALIDATE_H
#define EBSFS_INVALIDATE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct fuse_session;
struct invalidate;

/* Invalidations run in the thread pool: the kernel takes locks for them that a request may hold
 * which waits for the loop. They are told soon, in order, never from within the call. */
struct invalidate *invalidate_create(
	uv_loop_t *loop, struct fuse_session *session); /* NULL on ENOMEM */
/* Nothing more is told; what is being told goes on while invalidate_running(). NULL is permitted
 * for both. */
void invalidate_stop(struct invalidate *i);
bool invalidate_running(const struct invalidate *i);
/* After the loop has ended. NULL is permitted. */
void invalidate_destroy(struct invalidate *i);

/* The attributes and the pages (text, or cached directory listing) of a node. */
void invalidate_node(struct invalidate *i, uint64_t number);
/* A name in a folder. */
void invalidate_name(struct invalidate *i, uint64_t folder, const char *name);

/* How many so far. NULL is permitted. */
uint64_t invalidate_told(const struct invalidate *i);

#endif
