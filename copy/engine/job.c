/* SPDX-License-Identifier: MIT */
/* The life of a copy. */
#include "job.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "clock.h"
#include "region_queue.h"
#include "log.h"
#include "move_cleanup.h"
#include "on_end.h"
#include "persist.h"
#include "expire.h"

/* The moves that there are; the table over enum copy_state says who makes them. */
static const unsigned moves[] = {
	[COPY_QUEUED] = 1u << COPY_SUBMITTING | 1u << COPY_FAILED | 1u << COPY_CANCELLED,
	[COPY_SUBMITTING] = 1u << COPY_QUEUED | 1u << COPY_PENDING | 1u << COPY_COMPLETED |
			    1u << COPY_FAILED | 1u << COPY_CANCELLED,
	[COPY_PENDING] = 1u << COPY_COMPLETED | 1u << COPY_ERROR | 1u << COPY_CANCELLED,
	[COPY_COMPLETED] = 0,
	[COPY_ERROR] = 0,
	[COPY_FAILED] = 1u << COPY_PENDING,
	[COPY_CANCELLED] = 1u << COPY_QUEUED,
};

static struct work *work_create(struct entry *e)
{
	struct work *w = calloc(1, sizeof(*w));

	if (w)
		w->entry = e;
	return w;
}

static void work_destroy(struct work *w)
{
	if (!w)
		return;
	if (w->hh.tbl)
		HASH_DEL(w->entry->all->tokens, w);
	if (w->source)
		lane_release(w->source, w->entry->pub.row.source_id);
	if (w->waiter)
		region_cancel(w->waiter);
	if (w->call)
		aws_cancel(w->call);
	loop_timer_destroy(w->patience);
	free(w->refusal);
	free(w->reason);
	free(w);
}

struct entry *life_create(struct copies *c, struct journal_copy *row, enum copy_state state)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (e && !copy_state_ended(state))
		e->work = work_create(e);
	if (!e || (!copy_state_ended(state) && !e->work)) {
		journal_copy_finish(row);
		free(e);
		return NULL;
	}
	e->all = c;
	e->pub = (struct copy){.state = state,
		.origin = COPY_OURS,
		.row = *row,
		.reason = "",
		.progress = state == COPY_COMPLETED && !row->dry_run ? 100 : EC2_PROGRESS_UNKNOWN};
	*row = (struct journal_copy){0};
	free(steal(&e->pub.row.state)); /* pub.state says it */
	return e;
}

int life_enter(struct entry *e)
{
	struct copies *c = e->all;
	struct journal_copy *row = &e->pub.row;

	e->lane = lane_get(c, row->region);
	if (!e->lane)
		return -ENOMEM;
	HASH_ADD(hh, c->rows, pub.row.id, sizeof(row->id), e);
	if (!e->hh.tbl)
		return -ENOMEM;
	if (e->work && row->token)
		HASH_ADD_KEYPTR(hh, c->tokens, row->token, strlen(row->token), e->work);
	if (row->copy_id)
		HASH_ADD_KEYPTR(hh_id, e->lane->ids, row->copy_id, strlen(row->copy_id), e);
	lane_enter(e);
	return 0;
}

void life_destroy(struct entry *e)
{
	if (!e)
		return;
	save_forget(e);
	work_destroy(steal(&e->work));
	if (e->hh_id.tbl)
		HASH_DELETE(hh_id, e->lane->ids, e);
	if (e->hh.tbl) {
		lane_leave(e);
		HASH_DEL(e->all->rows, e);
	}
	journal_copy_finish(&e->pub.row);
	free(e);
}

void life_changed(struct entry *e)
{
	for (struct watcher *w = e->all->watchers; w; w = w->next)
		w->fn(w->arg, &e->pub);
}

/* Every end of a copy passes here, and is one line in the log. */
static void log_end(const struct copy *copy)
{
	const struct journal_copy *row = &copy->row;
	struct err why = {0};
	char text[700];

	snprintf(why.message, sizeof(why.message), "%s", row->message ? row->message : "");
	snprintf(why.code, sizeof(why.code), "%s", row->code ? row->code : "");
	snprintf(why.request_id, sizeof(why.request_id), "%s",
		row->request_id ? row->request_id : "");
	log_info("copy %lld of %s/%s to %s%s%s: %s%s%s", (long long)row->id, row->source_region,
		row->source_id, row->region, row->copy_id ? "/" : "",
		row->copy_id ? row->copy_id : "", copy_state_text(copy->state),
		*why.message ? ": " : "", err_text(&why, text, sizeof(text)));
}

void life_move(struct entry *e, enum copy_state to)
{
	assert(moves[e->pub.state] & 1u << to);
	lane_leave(e);
	e->pub.state = to;
	lane_enter(e);
	if (copy_state_ended(to))
		log_end(&e->pub);
	life_changed(e);
}

void life_take_off(struct entry *e)
{
	struct journal_copy *row = &e->pub.row;

	row->submitted = true;
	row->submitted_ms = clock_wall_ms();
	row->attempts++;
	if (e->pub.state == COPY_QUEUED) {
		life_no_reason(e);
		life_move(e, COPY_SUBMITTING);
	}
}

int life_adopt(struct entry *e, const char *copy_id)
{
	struct journal_copy *row = &e->pub.row;
	char *id = strdup(copy_id);

	if (!id)
		return -ENOMEM;
	HASH_ADD_KEYPTR(hh_id, e->lane->ids, id, strlen(id), e);
	if (!e->hh_id.tbl) {
		free(id);
		return -ENOMEM;
	}
	free(row->copy_id);
	row->copy_id = id;
	/* Whoever asked by mv was told an error, or died waiting: they believe the source
	 * untouched. */
	if (!row->acknowledged && !e->work->done)
		row->move = false;
	row->acknowledged = true;
	row->ended_ms = 0;
	row->started_ms = row->submitted_ms;
	e->work->phase = PHASE_REST;
	e->work->failures = 0;
	e->work->lost_at = 0;
	e->work->absences = 0;
	e->work->accepted_at = e->work->answered_at = clock_mono_ms();
	if (e->pub.state == COPY_FAILED)
		life_note(e, NULL, NULL, NULL); /* what it said turned out to be wrong */
	life_no_reason(e);
	life_move(e, COPY_PENDING);
	return 0;
}

void life_answer(struct entry *e, const struct err *err)
{
	struct work *w = e->work;
	copies_done *done = w ? w->done : NULL;

	if (!done)
		return;
	w->done = NULL;
	loop_timer_destroy(steal(&w->patience));
	done(w->done_arg, &e->pub, err);
}

void life_shed(struct entry *e)
{
	/* Where EC2 never answered the token may still turn up: it is to be recognised then. */
	bool lost = e->pub.state == COPY_FAILED && e->work && e->work->lost_at;

	e->pub.reason = "";
	e->pub.eta_ms = 0;
	if (lost)
		e->work->phase = PHASE_REST;
	else
		work_destroy(steal(&e->work));
	sweep_soon(e->all);
}

void life_tell_end(struct entry *e, bool tell)
{
	e->tell_end = tell;
	e->pub.row.untold = tell && e->all->on_end;
}

void life_settled(struct entry *e)
{
	if (!e->tell_end || !copy_state_ended(e->pub.state))
		return;
	e->tell_end = false;
	on_end_run(e->all->on_end, &e->pub);
	if (e->pub.state == COPY_COMPLETED && e->pub.row.move && !e->pub.row.code)
		mover_start(e);
}

static void end(struct entry *e, enum copy_state to, int64_t ended_ms)
{
	e->pub.row.ended_ms = ended_ms;
	life_move(e, to);
}

static void refused(struct entry *e, const struct err *err)
{
	struct err *refusal = e->work->refusal;

	if (err)
		save_later(e);
	life_answer(e, refusal);
	life_shed(e);
}

void life_fail(struct entry *e, const struct err *err)
{
	struct work *w = e->work;

	life_note(e, err->code, err->message, err->request_id);
	/* Else it never began: whoever asked is told, and no other. */
	life_tell_end(e, e->pub.row.acknowledged);
	end(e, COPY_FAILED, clock_wall_ms());
	if (w->done) {
		w->refusal = malloc(sizeof(*err));
		if (w->refusal) {
			*w->refusal = *err;
			save_row(e, refused);
			return;
		}
		life_answer(e, err);
	}
	save_row(e, NULL);
	life_shed(e);
}

void life_end(struct entry *e, enum copy_state to, int64_t ended_ms, const char *message)
{
	if (message)
		life_note(e, NULL, message, NULL);
	life_tell_end(e, true);
	end(e, to, ended_ms);
	save_row(e, NULL);
	life_answer(e, NULL);
	life_shed(e);
}

static void set_text(char **text, const char *value)
{
	char *copy = value && *value ? strdup(value) : NULL;

	free(*text);
	*text = copy;
}

void life_note(struct entry *e, const char *code, const char *message, const char *request_id)
{
	set_text(&e->pub.row.code, code);
	set_text(&e->pub.row.message, message);
	set_text(&e->pub.row.request_id, request_id);
}

void life_no_reason(struct entry *e)
{
	if (e->work)
		free(steal(&e->work->reason));
	e->pub.reason = e->pub.state == COPY_QUEUED && e->lane ? e->lane->reason : "";
}

void life_reason(struct entry *e, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		life_no_reason(e);
		return;
	}
	if (e->work->reason && !strcmp(e->work->reason, text)) {
		free(text);
		return;
	}
	free(e->work->reason);
	e->work->reason = text;
	e->pub.reason = text;
	life_changed(e);
}
