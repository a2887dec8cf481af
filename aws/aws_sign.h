/* SPDX-License-Identifier: MIT */
/* Signs requests to a Query API. */
#ifndef EBSFS_AWS_SIGN_H
#define EBSFS_AWS_SIGN_H

#include "aws.h"
#include "buf.h"
#include "credentials.h"
#include "endpoint.h"
#include "err.h"
#include "http.h"
#include "sigv4.h"

/* The keys, time and version of one attempt's signature. */
struct aws_signer {
	const struct credentials *credentials;
	const struct endpoint_config *endpoints;
	enum aws_signature signature;
	int64_t time_ms; /* AWS's clock */
};

#define AWS_SIGN_HEADERS_MAX 5

struct aws_signed {
	/* All headers to send. They borrow from the signer, the endpoint and this struct. */
	struct http_header headers[AWS_SIGN_HEADERS_MAX];
	size_t n_headers;
	struct sigv4_signature v4;
	char *host;
};

/* Signs a POST of form to endpoint. Version 2 adds its parameters to the form. The form must not be
 * changed afterwards. out need not be initialised; finish it also on failure. Returns 0 or -errno
 * with *err. */
int aws_sign(const struct aws_signer *signer, const struct endpoint *endpoint, const char *service,
	const char *region, struct buf *form, struct aws_signed *out, struct err *err);
void aws_signed_finish(struct aws_signed *out); /* wipes */

#endif
