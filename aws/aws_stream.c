/* SPDX-License-Identifier: MIT */
/* Reads a response while it arrives. */
#include "aws_stream.h"

#include <errno.h>
#include <stdlib.h>

#include "buf.h"
#include "loop.h"

/* The size of a piece: worth a handover to the thread pool, and small enough for a processor's
 * cache. Each response has two buffers of WAITING bytes: one holds less than a piece, plus one
 * addition. */
#define PIECE   ((size_t)24 << 10)
#define WAITING (PIECE + AWS_STREAM_ADD_MAX)

struct aws_stream {
	uv_loop_t *loop;
	const struct aws_reader *ops;
	void *took_arg;
	aws_stream_room *room;
	aws_stream_done *done;
	void *arg;
	void *reader;
	struct loop_timer *late; /* reports a failure that came before the response ended */
	struct buf waiting;
	bool full;  /* aws_stream_add() returned -EAGAIN: call room when there is space */
	bool ended; /* aws_stream_end() was called */
	bool dead;  /* destroyed while the thread pool was reading */
	bool busy;  /* the members below belong to the thread pool, or took() is being called */
	int result; /* of reading so far; -errno: reading has stopped */
	struct err err;

	struct buf piece;
	bool last;
	int piece_result;
};

static void stream_free(struct aws_stream *s)
{
	loop_timer_destroy(s->late);
	buf_finish(&s->waiting);
	buf_finish(&s->piece);
	if (s->reader)
		s->ops->destroy(s->reader);
	free(s);
}

void aws_stream_destroy(struct aws_stream *s)
{
	if (!s)
		return;
	s->dead = true;
	if (!s->busy)
		stream_free(s);
}

static void stream_report(void *arg)
{
	struct aws_stream *s = arg;

	s->done(s->arg, &s->err);
}

struct aws_stream *aws_stream_create(uv_loop_t *loop, const struct aws_reader *reader,
	void *took_arg, aws_stream_room *room, aws_stream_done *done, void *arg)
{
	struct aws_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->loop = loop;
	s->ops = reader;
	s->took_arg = took_arg;
	s->room = room;
	s->done = done;
	s->arg = arg;
	buf_init(&s->waiting, WAITING);
	buf_init(&s->piece, WAITING);
	s->late = loop_timer_create(loop, stream_report, s);
	s->reader = reader->create();
	if (!s->late || !s->reader) {
		stream_free(s);
		return NULL;
	}
	return s;
}

static void stream_run(void *arg)
{
	struct aws_stream *s = arg;

	s->piece_result =
		s->ops->read(s->reader, buf_str(&s->piece), s->piece.len, s->last, &s->err);
}

static void stream_piece_done(void *arg);

/* Hands the waiting bytes to the thread pool, if no read is running and there are enough bytes. */
static void stream_work(struct aws_stream *s)
{
	struct buf swap = s->piece;

	if (s->busy || s->result || (s->waiting.len < PIECE && !s->ended))
		return;
	s->piece = s->waiting;
	s->waiting = swap;
	buf_clear(&s->waiting);
	s->last = s->ended;
	s->busy = true;
	if (loop_work(s->loop, stream_run, stream_piece_done, s) < 0) {
		s->busy = false;
		s->result = err_set(&s->err, ENOMEM, "out of memory");
	}
}

static void stream_piece_done(void *arg)
{
	struct aws_stream *s = arg;

	s->result = s->piece_result;
	if (!s->dead && !s->result)
		s->ops->took(s->took_arg, s->reader);
	s->busy = false;
	if (s->dead) {
		stream_free(s);
		return;
	}
	if (s->ended && (s->last || s->result)) {
		s->done(s->arg, s->result ? &s->err : NULL);
		return;
	}
	stream_work(s);
	if (s->full) {
		s->full = false;
		s->room(s->arg);
	}
}

int aws_stream_add(struct aws_stream *s, const char *data, size_t len)
{
	if (s->result)
		return 0; /* the bytes are dropped: done reports the failure */
	if (s->busy && s->waiting.len + len > WAITING) {
		s->full = true;
		return -EAGAIN;
	}
	if (buf_add(&s->waiting, data, len) < 0)
		return -ENOMEM;
	stream_work(s);
	return 0;
}

void aws_stream_end(struct aws_stream *s)
{
	s->ended = true;
	stream_work(s);
	if (!s->busy)
		loop_timer_start(s->late, 0); /* done must be called from the loop */
}
