/* SPDX-License-Identifier: MIT */
/* An answer that is read while it arrives: piece by piece in the thread pool, one piece at a time,
 * and in little memory, however long it is. */
#ifndef EBSFS_AWS_STREAM_H
#define EBSFS_AWS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "err.h"

/* What reads answers: one reader an answer. */
struct aws_reader {
	void *(*create)(void); /* NULL on ENOMEM */
	/* In the thread pool, touching nothing but the reader. `last`: nothing comes any more. 0 or
	 * -errno with *err: then nothing more is read. */
	int (*read)(void *reader, const char *data, size_t len, bool last, struct err *err);
	/* On the loop, after each read that succeeded: takes over what there is. May destroy the
	 * stream. */
	void (*took)(void *took_arg, void *reader);
	void (*destroy)(void *reader);
};

struct aws_stream;
/* There is room again, after aws_stream_add() had none. */
typedef void aws_stream_room(void *arg);
/* All was read, or what was wrong (then with err). */
typedef void aws_stream_done(void *arg, const struct err *err);

/* `reader` is borrowed; its took gets `took_arg`, the functions here `arg`. NULL on ENOMEM. */
struct aws_stream *aws_stream_create(uv_loop_t *loop, const struct aws_reader *reader,
	void *took_arg, aws_stream_room *room, aws_stream_done *done, void *arg);
/* Takes a piece. 0; -EAGAIN if the reading is far behind: not taken, to be offered again once room
 * has been called; -ENOMEM. */
int aws_stream_add(struct aws_stream *s, const char *data, size_t len);
/* The answer is complete: done follows, once, not before this returns. */
void aws_stream_end(struct aws_stream *s);
/* At any time: nothing is called any more. NULL is permitted. */
void aws_stream_destroy(struct aws_stream *s);

#endif
