/* SPDX-License-Identifier: MIT */
/* Reads a response while it arrives: in the thread pool, one piece at a time, in bounded memory. */
#ifndef EBSFS_AWS_STREAM_H
#define EBSFS_AWS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "err.h"

/* A reader: its functions parse one response. Each response has its own reader. */
struct aws_reader {
	void *(*create)(void); /* NULL on ENOMEM */
	/* Parses the next piece, in the thread pool; may touch only the reader. `last`: there is no
	 * further piece. Returns 0, or -errno with *err, after which no more is read. */
	int (*read)(void *reader, const char *data, size_t len, bool last, struct err *err);
	/* Called on the loop after each successful read(), to take the records that were read. May
	 * destroy the stream. */
	void (*took)(void *took_arg, void *reader);
	void (*destroy)(void *reader);
};

struct aws_stream;
/* Called when aws_stream_add() accepts data again after it returned -EAGAIN. */
typedef void aws_stream_room(void *arg);
/* Called when the whole response was read, or with err if reading failed. */
typedef void aws_stream_done(void *arg, const struct err *err);

/* `reader` is borrowed; took() gets took_arg, room and done get arg. Returns NULL on ENOMEM. */
struct aws_stream *aws_stream_create(uv_loop_t *loop, const struct aws_reader *reader,
	void *took_arg, aws_stream_room *room, aws_stream_done *done, void *arg);
/* The most that curl hands over at once (CURL_MAX_WRITE_SIZE). */
#define AWS_STREAM_ADD_MAX ((size_t)16 << 10)
/* Adds at most AWS_STREAM_ADD_MAX bytes. Returns 0, -ENOMEM, or -EAGAIN if too many bytes wait to
 * be read: then no byte was taken, and the caller must add the same bytes again once room has been
 * called. */
int aws_stream_add(struct aws_stream *s, const char *data, size_t len);
/* Tells the stream that the response is complete: done is called once, not before this returns. */
void aws_stream_end(struct aws_stream *s);
/* Frees the stream, at any time: no callback is called afterwards. NULL is permitted. */
void aws_stream_destroy(struct aws_stream *s);

#endif
