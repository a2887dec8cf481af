/* SPDX-License-Identifier: MIT */
/* Node numbers. */
#include "node.h"

#include <assert.h>

/* From the top: 1 bit zero (some tools read inode numbers as signed), 7 kind, 8 region, 25 slot, 23
 * sub. The root is number 1, as FUSE requires: kind 0 and sub 1. */
#define KIND_BITS   7
#define REGION_BITS 8
#define SLOT_BITS   25
#define SUB_BITS    23

static_assert(1 + KIND_BITS + REGION_BITS + SLOT_BITS + SUB_BITS == 64, "a node number's bits");
static_assert(NODE_KINDS <= 1 << KIND_BITS, "the kind fits into its bits");
static_assert(NODE_SLOT_MAX == (1u << SLOT_BITS) - 1, "the slot fits into its bits");
static_assert(NODE_SUB_MAX == (1u << SUB_BITS) - 1, "the sub fits into its bits");

uint64_t node_number(struct node n)
{
	if (n.kind == NODE_ROOT)
		return 1;
	return (((uint64_t)n.kind << REGION_BITS | n.region) << SLOT_BITS | n.slot) << SUB_BITS |
	       n.sub;
}

struct node node_of(uint64_t number)
{
	return (struct node){
		.kind = (enum node_kind)(
			number >> (SUB_BITS + SLOT_BITS + REGION_BITS) & ((1u << KIND_BITS) - 1)),
		.region = number >> (SUB_BITS + SLOT_BITS) & ((1u << REGION_BITS) - 1),
		.slot = number >> SUB_BITS & ((1u << SLOT_BITS) - 1),
		.sub = number & ((1u << SUB_BITS) - 1),
	};
}
