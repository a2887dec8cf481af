/* SPDX-License-Identifier: MIT */
/* What went wrong, as a plain value: an errno for the caller, words for the person, AWS's own code
 * and request id. */
#ifndef EBSFS_ERR_H
#define EBSFS_ERR_H

#include <stdbool.h>
#include <stddef.h>

struct err {
	int errnum;          /* positive errno; 0 means no error */
	int http_status;     /* 0: there was no HTTP answer */
	bool retryable;      /* the same call may succeed later */
	bool maybe_done;     /* the request left this machine and its outcome is unknown */
	char action[32];     /* AWS's action that was refused ("CopySnapshot"); "" if none */
	char code[80];       /* AWS's error code ("UnauthorizedOperation"); "" if none */
	char request_id[80]; /* AWS's request id; "" if none */
	char message[512];   /* one line that is safe to show (utf8.h), without a full stop */
};

/* Overwrites *e (NULL is permitted) with errnum and a formatted message; all else is cleared.
 * Returns -errnum, so that `return err_set(e, EINVAL, "…")` reads well. */
int err_set(struct err *e, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the message. Returns -e->errnum. */
int err_context(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "message (Code, request id)" for a log line; `out` gets at most `size` bytes and is terminated.
 * Returns out. */
const char *err_text(const struct err *e, char *out, size_t size);

#endif
