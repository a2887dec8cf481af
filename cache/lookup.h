/* SPDX-License-Identifier: MIT */
/* Lookups of single snapshots by id in one region: batched, each id in one request at a time, the
 * results remembered for a while. */
#ifndef EBSFS_LOOKUP_H
#define EBSFS_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "aws.h"
#include "ec2.h"
#include "region_waiter.h"

/* How long a miss is remembered: short, because a new snapshot appears within seconds. */
#define LOOKUP_MISS_MS    5000
/* Results remembered per region; beyond that the oldest is forgotten. */
#define LOOKUP_REMEMBERED 1024
/* Requests in flight at once. */
#define LOOKUP_PARALLEL   4

struct lookup;

/* The result for one id. found returns 0 or -ENOMEM. Must not destroy the lookup. */
typedef int lookup_found(void *arg, const struct ec2_snapshot *s);
typedef void lookup_absent(void *arg, const char *id);

struct lookup_options {
	uv_loop_t *loop; /* all pointers are borrowed */
	struct aws *aws;
	const char *region;
	int64_t found_ms; /* how long a hit is remembered */
	lookup_found *found;
	lookup_absent *absent;
	void *arg;
};

struct lookup *lookup_create(const struct lookup_options *options); /* NULL on ENOMEM */
void lookup_destroy(struct lookup *l); /* does not call the waiters. NULL is permitted */

/* Requests sent so far. */
uint64_t lookup_requests(const struct lookup *l);

/* Whether the result for this id is remembered. */
bool lookup_remembers(const struct lookup *l, const char *id, int64_t now_ms);

/* Calls fn with each id whose hit is remembered. */
void lookup_each_found(
	const struct lookup *l, int64_t now_ms, void (*fn)(void *arg, const char *id), void *arg);

/* Looks up `id`, which has EC2's form. force: sends a new request even if one for this id is in
 * flight. Ids of one loop iteration share a request. Calls done after found() or absent(), with err
 * NULL on success, never before lookup_ask() has returned. Returns NULL on ENOMEM. */
struct region_waiter *lookup_ask(
	struct lookup *l, const char *id, bool force, region_done *done, void *arg);

/* Like lookup_ask() without force, for an existing waiter w, which moves from its list into the
 * lookup's. Returns 0 or -ENOMEM (then w stays in its list). */
int lookup_take(struct lookup *l, const char *id, struct region_waiter *w);

#endif
