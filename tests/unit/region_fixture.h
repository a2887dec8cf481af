/* SPDX-License-Identifier: MIT */
/* A region whose EC2 and clock are fakes: requests are answered by the test, when and as it likes.
 */
#ifndef EBSFS_TEST_REGION_FIXTURE_H
#define EBSFS_TEST_REGION_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "ec2.h"
#include "region.h"
#include "view.h"

extern int64_t now_ms; /* the monotonic clock */
extern bool no_memory; /* no request can be made */

/* A request that EC2 has not answered yet. */
struct aws_call {
	char region[40], owner[20], restorable_by[20], token[40];
	char ids[EC2_FILTER_VALUES_MAX][72];
	size_t n_ids;
	char filter[40]; /* the first other one, as name=value; "": none */
	int max_results;
	void (*on_part)(void *arg, struct ec2_page *part);
	ec2_page_done *done;
	void *arg;
	bool answered, cancelled;
};

/* In the order in which they were made. */
#define CALLS_MAX 400
extern struct aws_call *calls[CALLS_MAX];
extern size_t n_calls;

#define IDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define A        "snap-0000000a"
#define B        "snap-0000000b"
#define C        "snap-0000000c"
#define US       "111122223333"

/* A page with these ids (NULL ends), all of one owner. */
struct ec2_page *page_of(const char *owner, const char *token, const char *const *ids);
struct aws_call *call_at(size_t i); /* must not be answered yet */
/* Answers the i-th request. */
void answer(size_t i, const char *owner, const char *token, const char *const *ids);
/* A part of the i-th request's page, which is not answered yet. */
void answer_some(size_t i, const char *owner, const char *const *ids);
void refuse(size_t i, int errnum, const char *code);

/* One who waits. */
struct caller {
	struct region *region;
	struct region_waiter *waiter;
	unsigned called;
	int errnum;
	bool ready;
	void (*then)(struct caller *c);
};

void called(void *arg, const struct err *err);
/* Asks; the answer may have come only when it said so. c->then stays as it is. */
void ensure(struct caller *c, struct region *r, bool anew);
void ensure_id(struct caller *c, struct region *r, const char *id, bool anew);

#define assert_called(c, error)                                                                    \
	do {                                                                                       \
		assert_int_equal((c)->called, 1);                                                  \
		assert_int_equal((c)->errnum, error);                                              \
	} while (0)

#define TTL 30000

struct fixture {
	uv_loop_t loop;
	struct region *region;
};

/* For cmocka. */
int region_fixture_set_up(void **state);
int region_fixture_tear_down(void **state);

void turn(struct fixture *f); /* the loop's */
/* The region's record of an id. */
enum presence {
	GONE,
	LISTED,   /* one of the account's own */
	UNLISTED, /* another's */
};
enum presence presence(struct fixture *f, const char *id);
enum presence presence_of(struct region *r, catalogue_slot slot);
/* The region's first listing, of one page. */
void list(struct fixture *f, const char *const *ids);

#endif
