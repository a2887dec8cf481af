/* SPDX-License-Identifier: MIT */
/* AWS Signature Version 2 by HmacSHA256, for Query APIs of the time before Version 4. Pure: the
 * time and the keys are arguments. */
#ifndef EBSFS_SIGV2_H
#define EBSFS_SIGV2_H

#include <stdint.h>

#include "buf.h"

/* A form is parameters as form.h writes them: "name=value&…", escaped, names without escapes. */
struct sigv2_request {
	const char *method;
	const char *host; /* as the Host header has it: with the port, if that is not the scheme's
			     own. Signed in lower case */
	const char *path; /* "" is "/" */
	const char *access_key;
	const char *secret_key;
	const char *session_token; /* NULL if none */
	int64_t time_ms;           /* since 1970, as the server's clock has it */
};

/* Appends what identifies and signs the form: AWSAccessKeyId, SignatureMethod, SignatureVersion,
 * Timestamp, SecurityToken if there is a token, and last of all Signature. For a POST the form is
 * then the body, for a GET the query. Returns 0, -ENOMEM, -EFBIG or -EIO. */
int sigv2_sign(const struct sigv2_request *request, struct buf *form);

/* Appends the signature of a form as it stands, in Base64: the last step of sigv2_sign(). Only
 * method, host, path and secret_key count. Same results. */
int sigv2_signature(const struct sigv2_request *request, const struct buf *form, struct buf *out);

#endif
