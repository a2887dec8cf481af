/* SPDX-License-Identifier: MIT */
/* The snapshots that a listing leaves out, since their ids are not of EC2's form: each counted
 * once, however often it comes. */
#ifndef EBSFS_LEFT_OUT_H
#define EBSFS_LEFT_OUT_H

#include <stddef.h>

struct left_out_id;

/* All zero: none. */
struct left_out {
	struct left_out_id *ids; /* the first is the one that came first */
	size_t n;
};

/* Without memory to know it again, an id counts each time. */
void left_out_add(struct left_out *l, const char *id);
size_t left_out_count(const struct left_out *l);
const char *left_out_first(const struct left_out *l); /* "" if none is known */
/* Forgets all. */
void left_out_clear(struct left_out *l);

#endif
