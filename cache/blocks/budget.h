/* SPDX-License-Identifier: MIT */
/* The daily limit of costs for reading disks. Each GetSnapshotBlock is taken from the budget before
 * it is sent, and is on disk as spent before that: a crash counts too much, never too little. */
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
	const char *dir; /* of the state, which keeps the file "budget"; NULL: kept in memory */
	double dollars;  /* the limit of each day */
	/* Called after BUDGET_WAIT: budget_take() may succeed now. */
	void (*ready)(void *arg);
	void *arg;
};

/* A damaged file counts as a day whose limit is spent, with a warning. */
int budget_create(const struct budget_options *options, struct budget **out, struct err *err);
/* Writes what was spent exactly. NULL is permitted. */
void budget_destroy(struct budget *b);

enum budget_result {
	BUDGET_TAKEN,
	BUDGET_WAIT, /* more is being reserved on disk: ready() will be called */
	/* The day's limit is reached (EDQUOT), or what was spent cannot be written; with *err. */
	BUDGET_REFUSED,
};
/* Takes the price of one call (BUDGET_GET, BUDGET_LIST). now_ms: wall clock; days are UTC's. */
enum budget_result budget_take(struct budget *b, int price, int64_t now_ms, struct err *err);
/* Gives back the price of a GetSnapshotBlock that was surely not billed. taken_ms: when it was
 * taken; a day that has begun since then has not counted it. */
void budget_return(struct budget *b, int64_t taken_ms);
/* Counts a call that was billed without having been taken: a block that was fetched again. */
void budget_add(struct budget *b, int price, int64_t now_ms);

/* Sets the limit of today; tomorrow's is that of the options again. */
void budget_set_limit(struct budget *b, double dollars, int64_t now_ms);
/* Appends the text of .ebsfs/budget. */
void budget_text(struct budget *b, int64_t now_ms, struct buf *out);

struct budget_sums {
	int64_t spent, limit; /* of today, in units */
	uint64_t gets, lists; /* of this mount */
};
struct budget_sums budget_sums(struct budget *b, int64_t now_ms);

#endif
