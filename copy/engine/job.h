/* SPDX-License-Identifier: MIT */
/* The life of a copy: its moves from state to state, in memory, in its queue, and on disk. */
#ifndef EBSFS_JOB_H
#define EBSFS_JOB_H

#include "engine.h"

/* An entry for a row, in the given state. Takes the row's strings in every case. Not yet known to
 * anybody: job_enter(). NULL on ENOMEM. */
struct job *job_create(struct copies *c, struct journal_copy *row, enum copy_state state);
/* Makes it known by row, token and snapshot id, and puts it into the queue of its region. 0 or
 * -ENOMEM. */
int job_enter(struct job *job);
/* Forgets and frees it. NULL is permitted. */
void job_destroy(struct job *job);

/* Changes the state in memory and in the queue, and tells the watchers. Only the moves of the table
 * in copies.h are permitted. */
void job_move(struct job *job, enum copy_state to);
/* It takes its slot: the row says from now on that a request may have been sent. */
void job_take_off(struct job *job);
/* EC2 has the copy: -> pending. Not on disk yet. 0 or -ENOMEM (then nothing has changed). */
int job_adopt(struct job *job, const char *copy_id);
/* Tells the watchers that something else changed. */
void job_changed(struct job *job);

/* Gives the word to who waits for it, if anybody does; err NULL: accepted. */
void job_answer(struct job *job, const struct err *err);
/* A refusal, EC2's or ours: -> failed, on disk, and then the answer. */
void job_fail(struct job *job, const struct err *err);
/* -> completed, error or cancelled at ended_ms (wall clock), on disk. message: what the row shall
 * say; NULL: what it says. */
void job_end(struct job *job, enum copy_state to, int64_t ended_ms, const char *message);
/* Whether its end, which comes now, is anybody's business: the user's command is run, a mv goes on.
 */
void job_tell_end(struct job *job, bool tell);
/* For save.c: an ended copy's row is on disk. What follows from its end may follow. */
void job_settled(struct job *job);
/* Frees what only an active copy needs. */
void job_shed(struct job *job);

/* Texts of the row and the reason. A text for which there is no memory is left out: it is for
 * people. */
void job_note(struct job *job, const char *code, const char *message,
	const char *request_id); /* NULL: none */
void job_reason(struct job *job, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void job_no_reason(struct job *job); /* the queue's, if it is queued */

#endif
