/* SPDX-License-Identifier: MIT */
/* ebsfs's client of AWS in a small program of the tests. */
#ifndef EBSFS_AWS_CLIENT_H
#define EBSFS_AWS_CLIENT_H

#include <uv.h>

#include "aws.h"
#include "endpoint.h"

struct aws_client {
	uv_loop_t loop;
	struct profiles *profiles;
	struct credentials_chain *chain;
	struct http *http;
	struct endpoint_config endpoints;
	struct aws *aws;
};

/* Credentials are those of the environment and of the profile "default"; endpoint: a URL, borrowed.
 * Returns 0 or -errno with *err. *client must stay at its address. */
int aws_client_start(struct aws_client *client, const char *endpoint, struct err *err);
/* Runs the loop to its end. Returns 0, or -EBUSY if something was left open. */
int aws_client_end(struct aws_client *client);

#endif
