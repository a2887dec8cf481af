/* SPDX-License-Identifier: MIT */
/* Answers that come from the loop. */
#include "reply.h"

#include <errno.h>

#include "recover.h"

struct reply {
	struct reply *prev, *next;
	copies_done *done;
	void *arg;
	int64_t row;
	bool failed;
	struct err err;
};

static void reply_all(void *arg)
{
	struct copies *c = arg;

	while (c->replies) {
		struct reply *r = c->replies;

		DL_DELETE(c->replies, r);
		r->done(r->arg, r->row ? recover_find(c, r->row) : NULL,
			r->failed ? &r->err : NULL);
		free(r);
	}
}

struct reply *reply_create(void)
{
	return calloc(1, sizeof(struct reply));
}

void reply_send(struct copies *c, struct reply *reply, copies_done *done, void *arg, int64_t row,
	const struct err *err)
{
	*reply = (struct reply){.done = done, .arg = arg, .row = row, .failed = err != NULL};
	if (err)
		reply->err = *err;
	DL_APPEND(c->replies, reply);
	loop_timer_start(c->reply_timer, 0);
}

int reply_init(struct copies *c)
{
	c->reply_timer = loop_timer_create(c->options.loop, reply_all, c);
	return c->reply_timer ? 0 : -ENOMEM;
}

void reply_finish(struct copies *c)
{
	while (c->replies) {
		struct reply *r = c->replies;

		DL_DELETE(c->replies, r);
		free(r);
	}
	loop_timer_destroy(c->reply_timer);
}
