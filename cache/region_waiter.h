/* SPDX-License-Identifier: MIT */
/* The callers that wait for something of a region. */
#ifndef EBSFS_REGION_WAITER_H
#define EBSFS_REGION_WAITER_H

#include <stdint.h>

#include "region.h"
#include "waiters.h"

struct region_waiter {
	struct waiter base;
	region_done *done;
	void *arg;
	/* For the list's owner. */
	uint64_t number;   /* the listing that it waits for */
	bool force;        /* a failure of that listing is an error, whatever is known */
	bool records_only; /* the first records of a listing are enough */
	char id[72];       /* the snapshot that it waits for; "": all */
};

/* Appends a new one. NULL on ENOMEM. */
struct region_waiter *region_waiter_add(struct waiters *list, region_done *done, void *arg);
/* As waiters_deliver(); err NULL: success. */
bool region_waiters_deliver(struct waiters *list, const struct err *err);

#endif
