/* SPDX-License-Identifier: MIT */
/* A start that waits. */
#include "patience.h"

#include <errno.h>

#include "clock.h"
#include "log.h"
#include "loop.h"
#include "notify.h"

/* Between two attempts. */
#define PAUSE_MS 1000

static bool may_pass(const struct err *err)
{
	if (err->code[0])
		return err->retryable;
	return err->errnum != EINVAL && err->errnum != ENOMEM && err->errnum != EINTR;
}

static void ends(void *arg)
{
	*(bool *)arg = true;
}

static void wait_a_moment(struct patience *p)
{
	bool late = false;
	struct loop_timer *timer = loop_timer_create(p->loop, ends, &late);

	if (!timer)
		return;
	loop_timer_start(timer, PAUSE_MS);
	while (!late && !*p->ended)
		uv_run(p->loop, UV_RUN_ONCE);
	loop_timer_destroy(timer);
}

bool patience_lasts(struct patience *p, struct err *err)
{
	int64_t left = p->until_ms - clock_mono_ms();

	if (left <= 0 || !may_pass(err))
		return false;
	if (!p->told)
		log_warning("waiting up to %lld s more: %s", (long long)(left + 999) / 1000,
			err->message);
	p->told = true;
	notify_manager("STATUS=waiting: %s", err->message);
	wait_a_moment(p);
	if (*p->ended)
		err_set(err, EINTR, "ended by a signal before the mount stood");
	return !*p->ended;
}
