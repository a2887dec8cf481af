/* SPDX-License-Identifier: MIT */
/* AWS's error codes: one table maps each code to an errno, the kind of retry, a class, and advice
 * for the user. */
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

/* Reads and classifies an error response: by its code, or by its status where the table lacks the
 * code (503 is mostly throttling, 401 a region that is not enabled). Fills *err: errnum,
 * http_status, retryable, maybe_done (a server error that does not prove a refusal), code,
 * request_id (from the body, else the given one; "" if none) and message. Reads the error bodies of
 * EC2 and STS (XML), and of the EBS direct APIs (JSON), whose code is the type and, if there is
 * one, the reason: "ValidationException.INVALID_BLOCK_TOKEN". Any other body (HTML, none) is
 * classified by the status, which the message names: EAGAIN for 503 and 429, mostly EIO.
 *
 * ResourceLimitExceeded (too many copies into the region) is EAGAIN and RETRY_NEVER: the call ends,
 * and the copy waits in the queue of copies. */
enum retry_kind aws_error_judge(const struct aws_refusal *refusal, struct err *err);

/* Classes of codes. */

/* Returns whether a wrong clock of this machine may be the cause. */
bool aws_error_may_be_clock(const char *code);
/* Returns whether AWS refused the caller's keys or signature, rather than its permissions. action:
 * as for aws_error_advice(). */
bool aws_error_blames_keys(const char *action, const char *code);
/* Returns whether the cause may be keys that were replaced or have expired. action: as for
 * aws_error_advice(). */
bool aws_error_may_be_old_keys(const char *action, const char *code);
/* Returns whether EC2 already carries out as many copies into the region as it permits: flow
 * control, not a failure. */
bool aws_error_is_limit(const char *code);
/* Returns whether the snapshot is in the wrong state, perhaps still pending. */
bool aws_error_is_state(const char *code);
/* Returns whether there is no such snapshot. */
bool aws_error_is_absent(const char *code);
/* Returns whether the caller lacks a permission. */
bool aws_error_is_permission(const char *code);
/* Returns whether the region may not be enabled for the account, or may not exist. */
bool aws_error_may_be_region(const char *code);
/* Returns whether the request rate of one resource (a snapshot) was exceeded, rather than the
 * account's. */
bool aws_error_is_resource_rate(const char *code);
/* Returns whether a token from EBS's lists (of a block, or of the next page) is no longer valid;
 * the caller must list again. */
bool aws_error_is_token(const char *code);
/* Returns whether EBS refused to list changes because the two snapshots are not of one lineage. */
bool aws_error_is_unrelated(const char *code);
/* Returns whether AWS refused the request although the HTTP status is that of a server's failure.
 */
bool aws_error_is_refusal(const char *code);
/* Returns whether the client token was used before, for other parameters or for a resource that was
 * deleted since (CreateVolume). */
bool aws_error_is_mismatch(const char *code);
/* Returns whether another resource already has the name; an earlier, equal request may have made
 * that resource (RegisterImage). */
bool aws_error_is_duplicate(const char *code);
/* Returns whether the same request may succeed later, because the cause is the network, the rate,
 * the server, the keys or the clock. */
bool aws_error_is_passing(const struct err *err);

/* Advice for the user: the usual cause and the next step, one sentence without a full stop; NULL if
 * none is known. */

/* Returns advice by the action ("CopySnapshot"; NULL or "": unknown) and the code (NULL or "":
 * none). Of the message only the note at its end is used, in which aws_query.c names the source of
 * the keys. */
const char *aws_error_advice(const char *action, const char *code, const char *message);
/* Returns advice for the StatusMessage of a snapshot in state error, by the words of the message:
 * EC2 gives no code with it. */
const char *aws_error_advice_for_status(const char *message);
/* Returns advice for an error of any origin, by its code, else by its errno. NULL also if the
 * message already contains the advice. */
const char *aws_error_advice_for(const struct err *err);

#endif
