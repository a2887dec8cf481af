/* SPDX-License-Identifier: MIT */
/* Signs one attempt and returns the headers to send with it. Pure. */
#ifndef EBSFS_AWS_SIGN_H
#define EBSFS_AWS_SIGN_H

#include "aws_query.h"
#include "sigv4.h"

/* A request that is about to be signed. */
struct aws_unsigned {
	const char *service, *region;
	const struct endpoint *endpoint; /* with the whole path of the request */
	const char *method;
	const char *query; /* the query of a GET, as sent, without '?' */
	/* The body of a POST. Version 2 adds its parameters to this form, which must not be changed
	 * afterwards. */
	struct buf *form;
};

#define AWS_SIGNED_MAX 5
struct aws_signed {
	/* All headers to send. Their strings belong to the signer, the endpoint and this struct. */
	struct http_header headers[AWS_SIGNED_MAX];
	size_t n_headers;
	struct sigv4_signature v4;
	char *host;
};

/* Signs the request. Returns 0 or -errno with *err; call aws_signed_finish(out) in either case. */
int aws_sign(const struct aws_signer *signer, const struct aws_unsigned *request,
	struct aws_signed *out, struct err *err);
void aws_signed_finish(struct aws_signed *out); /* frees and wipes secrets */

#endif
