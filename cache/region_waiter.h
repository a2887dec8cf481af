/* SPDX-License-Identifier: MIT */
/* Lists of callers that wait for a listing or for the lookup of an id of a region. */
#ifndef EBSFS_REGION_WAITER_H
#define EBSFS_REGION_WAITER_H

#include <stdint.h>

#include "region.h"
#include "waiters.h"

struct region_waiter {
	struct waiter base;
	region_done *done;
	void *arg;
	/* Set and read by the owner of the list. */
	uint64_t number; /* of the listing that the caller waits for */
	bool force;      /* a failure of that listing is an error, even if an older one is known */
	bool records_only; /* the caller waits only for the first records of the listing */
	char id[72];       /* the snapshot that the caller waits for; "": a listing */
};

/* Appends a new waiter to the list. NULL on ENOMEM. */
struct region_waiter *region_waiter_add(struct waiters *list, region_done *done, void *arg);
/* As waiters_deliver(); err NULL: success. */
bool region_waiters_deliver(struct waiters *list, const struct err *err);

#endif
