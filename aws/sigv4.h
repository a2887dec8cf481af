/* SPDX-License-Identifier: MIT */
/* AWS Signature Version 4, for any service. Pure: time and keys are arguments. */
#ifndef EBSFS_SIGV4_H
#define EBSFS_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "digest.h"
#include "http.h"
#include "isotime.h"

/* payload_hash of a request with an unsigned body (EBS direct's blocks, S3). */
#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
/* payload_hash of an empty body. */
#define SIGV4_EMPTY_PAYLOAD    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct sigv4_request {
	const char *method;
	/* The path as sent, without the query; "" counts as "/". For the signature all bytes but
	 * A-Za-z0-9-._~/ are escaped, including the '%' of an escape, as all services but S3
	 * require. */
	const char *path;
	const char *query; /* as sent, without '?'; NULL: none. '+' means a plus sign */
	bool keep_path;    /* do not resolve ".", ".." and empty segments (S3) */

	/* All headers are signed; host is required. Names are in any case, values as sent.
	 * x-amz-date and x-amz-security-token must not be among them. */
	const struct http_header *headers;
	size_t n_headers;
	const char *payload_hash; /* hex SHA-256 of the body, or SIGV4_UNSIGNED_PAYLOAD */

	const char *access_key;
	const char *secret_key;
	const char *session_token; /* NULL if none */
	bool token_unsigned;       /* the token is sent, but not signed (some old services) */

	const char *region;
	const char *service;
	int64_t time_ms; /* by AWS's clock, since 1970 */
};

struct sigv4_signature {
	struct buf canonical_request; /* contains the session token: do not log it */
	struct buf string_to_sign;
	char hex[DIGEST_SHA256_HEX];
	char date[ISOTIME_SIZE];  /* header x-amz-date */
	struct buf authorization; /* header authorization; empty after sigv4_presign() */
	struct buf query;         /* the whole query with the signature; empty after sigv4_sign() */
};

/* Signs by headers: send the request with `x-amz-date`, `authorization` and, if there is a token,
 * `x-amz-security-token` added. out need not be initialised; finish it also on failure. Returns 0,
 * -ENOMEM, -EFBIG or -EIO. */
int sigv4_sign(const struct sigv4_request *request, struct sigv4_signature *out);
/* Signs by the query (a presigned URL): out->query becomes the URL's query. The URL is valid for
 * expires_s seconds from time_ms. Returns as sigv4_sign(). */
int sigv4_presign(const struct sigv4_request *request, int expires_s, struct sigv4_signature *out);
void sigv4_finish(struct sigv4_signature *out); /* frees and wipes secrets */

#endif
