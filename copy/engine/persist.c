/* SPDX-License-Identifier: MIT */
/* Rows of copies on their way to the journal. */
#include "persist.h"

#include <errno.h>

#include "job.h"
#include "log.h"
#include "poll_backoff.h"
#include "random.h"

/* One write under way. */
struct save {
	struct save *prev, *next;
	struct copies *all;
	struct entry *entry; /* NULL: it is gone */
	save_then *then;
};

static void again_soon(struct copies *c)
{
	if (!loop_timer_armed(c->save_timer))
		loop_timer_start(c->save_timer,
			pace_retry(c->options.retry_ms, ++c->save_failures, random_unit()));
}

void save_later(struct entry *e)
{
	e->dirty = true;
	again_soon(e->all);
}

static void outcome(struct entry *e, save_then *then, const struct err *err)
{
	char text[700];

	if (err && !then) {
		if (!e->dirty)
			log_warning("copy %lld: its row cannot be written, trying on: %s",
				(long long)e->pub.row.id, err_text(err, text, sizeof(text)));
		save_later(e);
	}
	if (!err) {
		e->all->save_failures = 0;
		e->dirty = e->dirty && e->saves;
	}
	if (then)
		then(e, err); /* on failure e may be gone after this */
	if (!err && !e->saves && !e->dirty)
		life_settled(e);
}

static void written(void *arg, const struct err *err)
{
	struct save *s = arg;
	struct entry *e = s->entry;
	save_then *then = s->then;

	DL_DELETE(s->all->saves, s);
	free(s);
	if (!e)
		return;
	e->saves--;
	outcome(e, then, err);
}

void save_both(struct entry *e, const struct journal_receipt *receipt, save_then *then)
{
	struct copies *c = e->all;
	struct journal_copy row = e->pub.row;
	struct save *s = malloc(sizeof(*s));
	int result = -ENOMEM;

	row.state = (char *)copy_state_text(e->pub.state);
	if (s) {
		*s = (struct save){.all = c, .entry = e, .then = then};
		result = receipt ? journal_put_both(c->options.journal, &row, receipt, written, s)
				 : journal_put_copy(c->options.journal, &row, written, s);
	}
	if (!result) {
		DL_APPEND(c->saves, s);
		e->saves++;
		return;
	}
	free(s);
	/* `then` must not be called before this has returned, and nothing more can be allocated for
	 * that. */
	e->unsaved = then;
	e->dirty = !then;
	loop_timer_start(c->save_timer, 0);
}

void save_row(struct entry *e, save_then *then)
{
	save_both(e, NULL, then);
}

void save_forget(struct entry *e)
{
	struct save *s;

	for (s = e->all->saves; s; s = s->next)
		if (s->entry == e)
			s->entry = NULL;
}

/* Writes again what could not be written, and tells of what was not even put. */
static void timer(void *arg)
{
	struct copies *c = arg;
	struct entry *e, *next;
	struct err err;

	err_set(&err, ENOMEM, "out of memory");
	HASH_ITER (hh, c->rows, e, next) {
		save_then *then = e->unsaved;

		e->unsaved = NULL;
		if (then)
			outcome(e, then, &err);
		else if (e->dirty && !e->saves)
			save_row(e, NULL);
	}
}

int save_init(struct copies *c)
{
	c->save_timer = loop_timer_create(c->options.loop, timer, c);
	return c->save_timer ? 0 : -ENOMEM;
}

void save_finish(struct copies *c)
{
	struct save *s, *next;

	/* The journal is closed before the loop turns: it calls none of them back. */
	for (s = c->saves; s; s = next) {
		next = s->next;
		free(s);
	}
	c->saves = NULL;
	loop_timer_destroy(c->save_timer);
}
