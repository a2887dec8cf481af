/* SPDX-License-Identifier: MIT */
/* Single ids asked for in one region: many in a request, each once, and what was found or missed is
 * remembered for a while. */
#ifndef EBSFS_LOOKUP_H
#define EBSFS_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "aws.h"
#include "ec2.h"
#include "waiters.h"

/* How long it is remembered that EC2 knows no such snapshot: one that somebody just made shows up
 * soon. */
#define LOOKUP_MISS_MS    5000
/* Answers remembered in a region; past this the oldest is forgotten. */
#define LOOKUP_REMEMBERED 1024
/* Requests under way at once. */
#define LOOKUP_PARALLEL   4

struct lookup;

/* What EC2 says of an id that was asked for. Returns 0 or -ENOMEM. Must not destroy the lookup. */
typedef int lookup_found(void *arg, const struct ec2_snapshot *s);
typedef void lookup_absent(void *arg, const char *id);

struct lookup_options {
	uv_loop_t *loop; /* all pointers are borrowed */
	struct aws *aws;
	const char *region;
	int64_t found_ms; /* how long an answer may serve */
	lookup_found *found;
	lookup_absent *absent;
	void *arg;
};

struct lookup *lookup_create(const struct lookup_options *options); /* NULL on ENOMEM */
void lookup_destroy(struct lookup *l); /* waiters are dropped without a call. NULL is permitted */

/* Requests made so far. */
uint64_t lookup_requests(const struct lookup *l);

/* Whether EC2 answered for this id so lately that it need not be asked again. */
bool lookup_remembers(const struct lookup *l, const char *id, int64_t now_ms);

/* Waits for EC2's answer about `id` (of EC2's form); anew: for one to a request that is sent after
 * this call. Ids asked for in one turn of the loop travel together. done comes after found or
 * absent, with err NULL; never before this returned. NULL on ENOMEM. */
struct region_waiter *lookup_ask(
	struct lookup *l, const char *id, bool anew, region_done *done, void *arg);

/* The same for one who waits already, in another list. Returns 0 or -ENOMEM (then w stays). */
int lookup_take(struct lookup *l, const char *id, struct region_waiter *w);

#endif
