/* SPDX-License-Identifier: MIT */
/* Reads a response while it arrives: in the thread pool, one piece at a time, in bounded memory. */
#ifndef EBSFS_AWS_STREAM_H
#define EBSFS_AWS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "err.h"

/* Functions of a reader. Each response has its own reader. */
struct aws_reader {
	void *(*create)(void); /* NULL on ENOMEM */
	/* Called in the thread pool; touches only the reader. `last`: there is no further piece.
	 * Returns 0, or -errno with *err, after which nothing more is read. */
	int (*read)(void *reader, const char *data, size_t len, bool last, struct err *err);
	/* Called on the loop after each successful read: takes the records read so far. May destroy
	 * the stream. */
	void (*took)(void *took_arg, void *reader);
	void (*destroy)(void *reader);
};

struct aws_stream;
/* Called when there is room again after aws_stream_add() returned -EAGAIN. */
typedef void aws_stream_room(void *arg);
/* Called when the whole response was read, or with err if reading failed. */
typedef void aws_stream_done(void *arg, const struct err *err);

/* `reader` is borrowed; took() gets took_arg, room and done get arg. Returns NULL on ENOMEM. */
struct aws_stream *aws_stream_create(uv_loop_t *loop, const struct aws_reader *reader,
	void *took_arg, aws_stream_room *room, aws_stream_done *done, void *arg);
/* curl hands over no more at once (CURL_MAX_WRITE_SIZE). */
#define AWS_STREAM_ADD_MAX ((size_t)16 << 10)
/* Takes AWS_STREAM_ADD_MAX bytes at most. Returns 0, -ENOMEM, or -EAGAIN if reading is too far
 * behind: then nothing was taken; offer the same again once room has been called. */
int aws_stream_add(struct aws_stream *s, const char *data, size_t len);
/* Ends the response: done is called once, not before this returns. */
void aws_stream_end(struct aws_stream *s);
/* Allowed at any time: no callback is called afterwards. NULL is permitted. */
void aws_stream_destroy(struct aws_stream *s);

#endif
