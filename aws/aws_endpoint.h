/* SPDX-License-Identifier: MIT */
/* An endpoint's URL in the parts that a signature needs. */
#ifndef EBSFS_AWS_ENDPOINT_H
#define EBSFS_AWS_ENDPOINT_H

#include "buf.h"
#include "endpoint.h"
#include "err.h"

struct aws_endpoint {
	struct buf url;   /* with its path, which begins with '/' */
	char host[300];   /* as the Host header has it: with the port if the URL has one */
	const char *path; /* in url */
};

/* Returns 0, or as endpoint_url(). Finish it in any case. */
int aws_endpoint_find(const struct endpoint_config *config, const char *service, const char *region,
	struct aws_endpoint *out, struct err *err);
void aws_endpoint_finish(struct aws_endpoint *endpoint);
#define _cleanup_aws_endpoint_ _cleanup_(aws_endpoint_finish)

#endif
