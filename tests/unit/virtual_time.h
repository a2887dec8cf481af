/* SPDX-License-Identifier: MIT */
/* Time that passes when the test says so: linked in the place of base/clock.c and base/loop.c's
 * timers. */
#ifndef EBSFS_TEST_VIRTUAL_TIME_H
#define EBSFS_TEST_VIRTUAL_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

struct loop_timer {
	loop_timer_fn *fn;
	void *arg;
	int64_t due; /* -1: not armed */
	uint64_t order;
	struct loop_timer *next;
};

extern const int64_t virtual_start_ms; /* the wall clock's; each world defines it */
extern int64_t virtual_ms;             /* since the start */
extern unsigned virtual_turns;         /* timers that have fired */
extern struct loop_timer *virtual_timers;

/* Lets time pass to the first timer that is due by `end`, and calls it. False: there is none. */
bool virtual_time_step(int64_t end);

#endif
