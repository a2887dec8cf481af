/* SPDX-License-Identifier: MIT */
/* Time that passes when the test says so. */
#include "virtual_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clock.h"

int64_t virtual_ms;
unsigned virtual_turns;
struct loop_timer *virtual_timers;

int64_t clock_wall_ms(void)
{
	return virtual_start_ms + virtual_ms;
}

int64_t clock_mono_ms(void)
{
	return 1000000 + virtual_ms;
}

struct loop_timer *loop_timer_create(uv_loop_t *loop, loop_timer_fn *fn, void *arg)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	*t = (struct loop_timer){.fn = fn, .arg = arg, .due = -1, .next = virtual_timers};
	virtual_timers = t;
	return t;
}

void loop_timer_start(struct loop_timer *t, int64_t delay_ms)
{
	static uint64_t armed;

	t->due = virtual_ms + (delay_ms > 0 ? delay_ms : 0);
	t->order = armed++;
}

void loop_timer_stop(struct loop_timer *t)
{
	t->due = -1;
}

bool loop_timer_armed(const struct loop_timer *t)
{
	return t->due >= 0;
}

void loop_timer_destroy(struct loop_timer *t)
{
	if (!t)
		return;
	for (struct loop_timer **at = &virtual_timers; *at; at = &(*at)->next)
		if (*at == t) {
			*at = t->next;
			free(t);
			return;
		}
	fail_msg("a timer destroyed twice");
}

bool virtual_time_step(int64_t end)
{
	struct loop_timer *first = NULL;

	for (struct loop_timer *t = virtual_timers; t; t = t->next)
		if (t->due >= 0 && t->due <= end &&
			(!first || t->due < first->due ||
				(t->due == first->due && t->order < first->order)))
			first = t;
	if (!first)
		return false;
	virtual_ms = first->due > virtual_ms ? first->due : virtual_ms;
	first->due = -1;
	virtual_turns++;
	first->fn(first->arg);
	return true;
}
