/* SPDX-License-Identifier: MIT */
/* An error as a plain value: an errno for the caller, a message for the user, AWS's code and
 * request id. */
#ifndef EBSFS_ERR_H
#define EBSFS_ERR_H

#include <stdbool.h>
#include <stddef.h>

struct err {
	int errnum;          /* positive errno; 0: no error */
	int http_status;     /* 0: no HTTP response */
	bool retryable;      /* the same call may succeed later */
	bool maybe_done;     /* the request was sent and its outcome is unknown */
	char action[32];     /* the AWS action that was refused ("CopySnapshot"); "" if none */
	char code[80];       /* AWS's error code ("UnauthorizedOperation"); "" if none */
	char request_id[80]; /* AWS's request id; "" if none */
	char message[512];   /* one line, safe to show (utf8.h), without a full stop */
};

/* Sets *e (NULL is permitted) to errnum and a formatted message, and clears all other fields.
 * Returns -errnum, for `return err_set(e, EINVAL, "…")`. */
int err_set(struct err *e, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Prepends "context: " to the message. Returns -e->errnum. */
int err_context(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Writes "message (Code, request id ID)" for a log line to `out`, cut to `size` bytes with the NUL.
 * Returns out. */
const char *err_text(const struct err *e, char *out, size_t size);

#endif
