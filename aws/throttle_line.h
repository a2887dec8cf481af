/* SPDX-License-Identifier: MIT */
/* Those who wait in line for a token of one bucket: first come, first served, no thread. */
#ifndef EBSFS_THROTTLE_LINE_H
#define EBSFS_THROTTLE_LINE_H

#include <uv.h>

#include "throttle.h"

struct loop_timer;

/* A place in the line; lives in whoever waits. */
struct throttle_place {
	struct throttle_place *prev, *next;
	void (*turn)(void *arg); /* a token was taken for it, and it has left the line */
	void *arg;
	int64_t since_ms;
};

struct throttle_line {
	struct throttle throttle;
	bool on; /* false: tokens are counted, but nobody waits for one */
	struct throttle_place *places;
	struct loop_timer *timer;
	unsigned n_waiting;
	uint64_t n_waited; /* all who ever did */
	int64_t waited_ms; /* of those who wait no more */
};

/* Returns 0 or -ENOMEM. */
int throttle_line_init(
	struct throttle_line *line, uv_loop_t *loop, struct throttle_rate rate, bool on);
/* Nobody may be in line. A line of zeros is permitted. */
void throttle_line_finish(struct throttle_line *line);

/* Whether a request may go out at once. If not, the place is in line, and turn is called from the
 * loop once it may. */
bool throttle_line_enter(struct throttle_line *line, struct throttle_place *place);
void throttle_line_leave(struct throttle_line *line, struct throttle_place *place);
/* EC2 refused a request that was sent at sent_ms: from now on there is a bucket in any case. */
void throttle_line_refused(struct throttle_line *line, int64_t sent_ms);

/* How many requests may go out now without waiting; UINT_MAX where there is no bucket. */
unsigned throttle_line_free(const struct throttle_line *line);

#endif
