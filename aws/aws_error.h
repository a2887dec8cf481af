/* SPDX-License-Identifier: MIT */
/* What AWS says when it refuses: codes to errno and to what may be done about it. */
#ifndef EBSFS_AWS_ERROR_H
#define EBSFS_AWS_ERROR_H

#include <stddef.h>

#include "err.h"
#include "retry.h"

/* Judges an answer whose status is not 2xx, the code before the status (503 is mostly throttling,
 * 401 a region that is not enabled). Fills *err: errnum, http_status, retryable, maybe_done (for a
 * server error that is no refusal), code, request_id (from the body, else the given one, "" if
 * none) and message. Reads the error bodies of EC2 and of STS; anything else (HTML, nothing) is
 * judged by its status, which stands in the message: EAGAIN for 503 and 429, mostly EIO.
 *
 * ResourceLimitExceeded (too many copies into the region) is EAGAIN and RETRY_NEVER: the copy queue
 * sees it by its code. */
enum retry_kind aws_error_judge(
	int status, const char *body, size_t len, const char *request_id, struct err *err);

/* Whether a refusal with this code may come from a clock that is wrong. */
bool aws_error_may_be_clock(const char *code);
/* Whether it speaks of the caller's keys or signature, and not of what they may do. */
bool aws_error_blames_keys(const char *code);
/* Whether it may come from keys that were good and are no longer. */
bool aws_error_may_be_old_keys(const char *code);

#endif
