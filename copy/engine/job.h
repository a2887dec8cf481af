/* SPDX-License-Identifier: MIT */
/* The life of a copy: its moves from state to state, in memory, in its lane, and on disk. */
#ifndef EBSFS_JOB_H
#define EBSFS_JOB_H

#include "engine.h"

/* An entry for a row, in the given state. Takes the row's strings in every case. Not yet known to
 * anybody: life_enter(). NULL on ENOMEM. */
struct entry *life_create(struct copies *c, struct journal_copy *row, enum copy_state state);
/* Makes it known by row, token and snapshot id, and puts it into the lane of its region. 0 or
 * -ENOMEM. */
int life_enter(struct entry *e);
/* Forgets and frees it. NULL is permitted. */
void life_destroy(struct entry *e);

/* Changes the state in memory and in the lane, and tells the watchers. Only the moves of the table
 * in copies.h are permitted. */
void life_move(struct entry *e, enum copy_state to);
/* It takes its slot: the row says from now on that a request may have been sent. */
void life_take_off(struct entry *e);
/* EC2 has the copy: -> pending. Not on disk yet. 0 or -ENOMEM (then nothing has changed). */
int life_adopt(struct entry *e, const char *copy_id);
/* Tells the watchers that something else changed. */
void life_changed(struct entry *e);

/* Gives the word to who waits for it, if anybody does; err NULL: accepted. */
void life_answer(struct entry *e, const struct err *err);
/* A refusal, EC2's or ours: -> failed, on disk, and then the answer. */
void life_fail(struct entry *e, const struct err *err);
/* -> completed, error or cancelled at ended_ms (wall clock), on disk. message: what the row shall
 * say; NULL: what it says. */
void life_end(struct entry *e, enum copy_state to, int64_t ended_ms, const char *message);
/* Whether its end, which comes now, is anybody's business: the user's command is run, a mv goes on.
 */
void life_tell_end(struct entry *e, bool tell);
/* For save.c: an ended copy's row is on disk. What follows from its end may follow. */
void life_settled(struct entry *e);
/* Frees what only an active copy needs. */
void life_shed(struct entry *e);

/* Texts of the row and the reason. A text for which there is no memory is left out: it is for
 * people. */
void life_note(struct entry *e, const char *code, const char *message,
	const char *request_id); /* NULL: none */
void life_reason(struct entry *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void life_no_reason(struct entry *e); /* the lane's, if it is queued */

#endif
