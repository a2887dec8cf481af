/* SPDX-License-Identifier: MIT */
/* How a request to a Query API is signed: what it is signed with, and the headers that it gets. */
#ifndef EBSFS_AWS_SIGN_H
#define EBSFS_AWS_SIGN_H

#include "aws.h"
#include "buf.h"
#include "credentials.h"
#include "endpoint.h"
#include "err.h"
#include "http.h"
#include "sigv4.h"

/* What a try is signed with. */
struct aws_signer {
	const struct credentials *credentials;
	const struct endpoint_config *endpoints;
	enum aws_signature signature;
	int64_t time_ms; /* AWS's clock */
};

#define AWS_SIGN_HEADERS_MAX 5

struct aws_signed {
	/* To be sent, all of them. They borrow from the signer, the endpoint and this. */
	struct http_header headers[AWS_SIGN_HEADERS_MAX];
	size_t n_headers;
	struct sigv4_signature v4;
	char *host;
};

/* Signs a POST of form to endpoint; Version 2 adds its parameters to the form, which must not be
 * changed any more. out need not be initialised; finish it in any case. Returns 0 or -errno with
 * *err. */
int aws_sign(const struct aws_signer *signer, const struct endpoint *endpoint, const char *service,
	const char *region, struct buf *form, struct aws_signed *out, struct err *err);
void aws_signed_finish(struct aws_signed *out); /* wipes */

#endif
