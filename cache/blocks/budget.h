/* SPDX-License-Identifier: MIT */
/* The daily limit of costs for reading disks. The price of each GetSnapshotBlock is taken from the
 * budget, and recorded on disk as spent, before the request is sent: after a crash the recorded sum
 * is too high, never too low. */
#ifndef EBSFS_BUDGET_H
#define EBSFS_BUDGET_H

#include <stdint.h>
#include <uv.h>

#include "buf.h"
#include "err.h"

struct budget;

/* Sums are in units of $0.0000001. Prices of the EBS direct APIs as AWS's example has them,
 * us-east-1: $0.003 per 1,000 GetSnapshotBlock, $0.0006 per 1,000 lists. (AWS, "Amazon EBS
 * pricing") */
#define BUDGET_GET         30
#define BUDGET_LIST        6
#define BUDGET_DOLLAR      INT64_C(10000000)
#define BUDGET_DOLLARS_MAX 1000000.0

struct budget_options {
	uv_loop_t *loop;
	const char *dir; /* the state folder, with the file "budget"; NULL: the record is kept in
			    memory */
	double dollars;  /* the limit of each day */
	/* Called after BUDGET_WAIT, when budget_take() may succeed. */
	void (*ready)(void *arg);
	void *arg;
};

/* Creates the budget. A damaged file counts as a day whose limit is spent, with a warning in the
 * log. */
int budget_create(const struct budget_options *options, struct budget **out, struct err *err);
/* Writes the exact sum and frees the budget. NULL is permitted. */
void budget_destroy(struct budget *b);

enum budget_result {
	BUDGET_TAKEN,
	BUDGET_WAIT, /* a larger reservation is being written to disk; ready() will be called */
	/* The day's limit is reached (EDQUOT), or the sum cannot be written to disk; with *err. */
	BUDGET_REFUSED,
};
/* Takes the price of one call (BUDGET_GET, BUDGET_LIST). now_ms: wall clock; days are UTC's. */
enum budget_result budget_take(struct budget *b, int price, int64_t now_ms, struct err *err);
/* Returns the price of a GetSnapshotBlock that AWS certainly did not bill. taken_ms: when the price
 * was taken; if a new day has begun since, nothing is returned. */
void budget_return(struct budget *b, int64_t taken_ms);
/* Counts a billed call whose price was not taken before: a block that was fetched again. */
void budget_add(struct budget *b, int price, int64_t now_ms);

/* Sets today's limit; tomorrow the limit of the options applies again. */
void budget_set_limit(struct budget *b, double dollars, int64_t now_ms);
/* Appends the text of .ebsfs/budget. */
void budget_text(struct budget *b, int64_t now_ms, struct buf *out);

struct budget_sums {
	int64_t spent, limit; /* today's sums, in units */
	uint64_t gets, lists; /* calls counted since the mount began */
};
struct budget_sums budget_sums(struct budget *b, int64_t now_ms);

#endif
