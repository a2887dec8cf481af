/* SPDX-License-Identifier: MIT */
/* AWS's error codes: one table gives each code an errno, whether a retry helps, a class, and advice
 * for a person. */
#ifndef EBSFS_AWS_ERROR_H
#define EBSFS_AWS_ERROR_H

#include <stddef.h>

#include "err.h"
#include "pacing.h"

/* A response whose status is not 2xx. */
struct aws_refusal {
	int status;
	const char *body; /* NULL: none */
	size_t len;
	const char *type;       /* the header x-amzn-errortype; "" if absent */
	const char *request_id; /* the header; "" if absent */
};

/* Reads and judges a refusal: the code decides, and the status where the table has no such code
 * (503 is mostly throttling, 401 a region that is not enabled). Fills *err: errnum, http_status,
 * retryable, maybe_done (a server error that is no refusal), code, request_id (from the body, else
 * the given one; "" if none) and message. Reads the error bodies of EC2 and STS (XML), and of the
 * EBS direct APIs (JSON), whose code is the type with the reason, if there is one:
 * "ValidationException.INVALID_BLOCK_TOKEN". Any other body (HTML, none) is judged by the status,
 * which the message names: EAGAIN for 503 and 429, mostly EIO.
 *
 * ResourceLimitExceeded (too many copies into the region) is EAGAIN and RETRY_NEVER: the copies'
 * queue waits, not the call. */
enum retry_kind aws_error_judge(const struct aws_refusal *refusal, struct err *err);

/* Classes of codes. */

/* Returns whether a wrong clock may be the cause. */
bool aws_error_may_be_clock(const char *code);
/* Returns whether the caller's keys or its signature were refused, not its permissions. action: as
 * for the advice below. */
bool aws_error_blames_keys(const char *action, const char *code);
/* Returns whether keys that were replaced or have expired may be the cause. */
bool aws_error_may_be_old_keys(const char *action, const char *code);
/* Returns whether EC2 carries out as many copies into the region as it will: flow control, not a
 * failure. */
bool aws_error_is_limit(const char *code);
/* Returns whether the snapshot is in the wrong state, perhaps still pending. */
bool aws_error_is_state(const char *code);
/* Returns whether there is no such snapshot. */
bool aws_error_is_absent(const char *code);
/* Returns whether the caller lacks a permission. */
bool aws_error_is_permission(const char *code);
/* Returns whether the region may not be enabled for the account, or may not exist. */
bool aws_error_may_be_region(const char *code);
/* Returns whether one resource's rate was exceeded (a snapshot's), not the account's. */
bool aws_error_is_resource_rate(const char *code);
/* Returns whether a token of EBS's lists (of a block, of the next page) is no longer valid: list
 * again. */
bool aws_error_is_token(const char *code);
/* Returns whether the changes between two snapshots were asked for that are not of one lineage. */
bool aws_error_is_unrelated(const char *code);
/* Returns whether the request was refused, though the status is that of a server's failure. */
bool aws_error_is_refusal(const char *code);
/* Returns whether a client token was used before, for other parameters or for a resource that was
 * deleted since (CreateVolume). */
bool aws_error_is_mismatch(const char *code);
/* Returns whether the name is another resource's already, perhaps made by an earlier, equal request
 * (RegisterImage). */
bool aws_error_is_duplicate(const char *code);
/* Returns whether the cause is not the request but the network, the rate, the server, the keys or
 * the clock, so that the same request may succeed later. */
bool aws_error_is_passing(const struct err *err);

/* Advice: the usual cause and the next step, one sentence without a full stop. NULL: none is known.
 */

/* By the action ("CopySnapshot"; NULL or "": unknown) and the code (NULL or "": none). The message
 * tells only from which source the keys came, by the note that aws_query.c puts at its end. */
const char *aws_error_advice(const char *action, const char *code, const char *message);
/* For the StatusMessage of a snapshot in state error. EC2 gives no code with it, so its words
 * decide. */
const char *aws_error_advice_for_status(const char *message);
/* For an error of any origin: by its code, else by its errno. NULL also if the message says it. */
const char *aws_error_advice_for(const struct err *err);

#endif
