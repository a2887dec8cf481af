/* SPDX-License-Identifier: MIT */
/* Those who wait in line for a token. */
#include "throttle_line.h"

#include <errno.h>
#include <limits.h>
#include <utlist.h>

#include "clock.h"
#include "loop.h"

static void wake(void *arg);

int throttle_line_init(
	struct throttle_line *line, uv_loop_t *loop, struct throttle_rate rate, bool on)
{
	*line = (struct throttle_line){.on = on && rate.burst > 0};
	throttle_init(&line->throttle, rate, clock_mono_ms());
	line->timer = loop_timer_create(loop, wake, line);
	return line->timer ? 0 : -ENOMEM;
}

void throttle_line_finish(struct throttle_line *line)
{
	loop_timer_destroy(line->timer);
}

static void sleep_on(struct throttle_line *line)
{
	if (line->places)
		loop_timer_start(line->timer, throttle_wait_ms(&line->throttle, clock_mono_ms()));
	else
		loop_timer_stop(line->timer);
}

static void take_out(struct throttle_line *line, struct throttle_place *place, int64_t now_ms)
{
	DL_DELETE(line->places, place);
	line->n_waiting--;
	line->waited_ms += now_ms - place->since_ms;
}

/* One at a time, and its turn last of all: it may let others enter and leave. */
static void wake(void *arg)
{
	struct throttle_line *line = arg;
	struct throttle_place *place = line->places;
	int64_t now_ms = clock_mono_ms();
	bool taken = place && throttle_take(&line->throttle, now_ms);

	if (taken)
		take_out(line, place, now_ms);
	sleep_on(line);
	if (taken)
		place->turn(place->arg);
}

bool throttle_line_enter(struct throttle_line *line, struct throttle_place *place)
{
	int64_t now_ms = clock_mono_ms();

	if (!line->on) {
		throttle_count(&line->throttle, now_ms);
		return true;
	}
	if (!line->places && throttle_take(&line->throttle, now_ms))
		return true;
	place->since_ms = now_ms;
	DL_APPEND(line->places, place);
	line->n_waiting++;
	line->n_waited++;
	sleep_on(line);
	return false;
}

void throttle_line_leave(struct throttle_line *line, struct throttle_place *place)
{
	take_out(line, place, clock_mono_ms());
	sleep_on(line);
}

void throttle_line_refused(struct throttle_line *line, int64_t sent_ms)
{
	if (!(line->throttle.rate.burst > 0))
		return;
	line->on = true;
	throttle_refused(&line->throttle, sent_ms, clock_mono_ms());
	sleep_on(line);
}

unsigned throttle_line_free(const struct throttle_line *line)
{
	if (!line->on)
		return UINT_MAX;
	return line->places ? 0 : (unsigned)throttle_tokens(&line->throttle, clock_mono_ms());
}
