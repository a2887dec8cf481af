/* SPDX-License-Identifier: MIT */
/* Answers from the loop. */
#include "deferred_reply.h"

#include <errno.h>
#include <stdlib.h>

struct deferred_reply {
	struct deferred_reply *prev, *next;
	copies_done *done;
	void *arg;
	struct copy *copy;
	bool failed;
	struct err err;
};

static void call_all(void *arg)
{
	struct copies *c = arg;

	while (c->soon) {
		struct deferred_reply *s = c->soon;

		DL_DELETE(c->soon, s);
		s->done(s->arg, s->copy, s->failed ? &s->err : NULL);
		free(s);
	}
}

int deferred_reply_init(struct copies *c)
{
	c->soon_timer = loop_timer_create(c->options.loop, call_all, c);
	return c->soon_timer ? 0 : -ENOMEM;
}

void deferred_reply_finish(struct copies *c)
{
	while (c->soon) {
		struct deferred_reply *s = c->soon;

		DL_DELETE(c->soon, s);
		free(s);
	}
	loop_timer_destroy(c->soon_timer);
}

struct deferred_reply *deferred_reply_create(void)
{
	return calloc(1, sizeof(struct deferred_reply));
}

void deferred_reply_call(struct copies *c, struct deferred_reply *s, copies_done *done, void *arg,
	struct copy *copy, const struct err *err)
{
	*s = (struct deferred_reply){.done = done, .arg = arg, .copy = copy, .failed = err != NULL};
	if (err)
		s->err = *err;
	DL_APPEND(c->soon, s);
	loop_timer_start(c->soon_timer, 0);
}
