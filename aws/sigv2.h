/* SPDX-License-Identifier: MIT */
/* AWS Signature Version 2 by HmacSHA256, for Query APIs older than Version 4. Pure: time and keys
 * are arguments. */
#ifndef EBSFS_SIGV2_H
#define EBSFS_SIGV2_H

#include <stdint.h>

#include "buf.h"

/* A request to sign. Its form has parameters as form_add() writes them: "name=value&…", escaped;
 * names need no escapes. */
struct sigv2_request {
	const char *method;
	const char *host; /* The Host header: with the port unless it is the scheme's default.
			   * Signed in lower case */
	const char *path; /* "" counts as "/" */
	const char *access_key;
	const char *secret_key;
	const char *session_token; /* NULL if none */
	int64_t time_ms;           /* by the server's clock, since 1970 */
};

/* Signs the form: appends AWSAccessKeyId, SignatureMethod, SignatureVersion, Timestamp,
 * SecurityToken if there is a token, and last Signature. The form is then the body of a POST, or
 * the query of a GET. Returns 0, -ENOMEM, -EFBIG or -EIO. */
int sigv2_sign(const struct sigv2_request *request, struct buf *form);

/* Appends the signature of the form in Base64: the last step of sigv2_sign(). Uses only method,
 * host, path and secret_key. Returns as sigv2_sign(). */
int sigv2_signature(const struct sigv2_request *request, const struct buf *form, struct buf *out);

#endif
