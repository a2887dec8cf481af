/* SPDX-License-Identifier: MIT */
/* AWS Signature Version 2 as the service sees it: by HmacSHA256, in the request's parameters. */
#ifndef EBSFS_SIM_AUTH_V2_H
#define EBSFS_SIM_AUTH_V2_H

#include "sim_auth.h"

/* Whether the request says that it is signed so. */
bool sim_auth_v2_claimed(const struct sim_auth_request *r);
/* Like sim_auth_parse() and sim_auth_matches() for such a request. The region is the one that the
 * host names, else us-east-1, whose endpoint the host without a region is; no service is named. */
int sim_auth_v2_parse(const struct sim_auth_request *r, struct sim_auth *a, const char **why);
bool sim_auth_v2_matches(
	const struct sim_auth *a, const struct sim_auth_request *r, const char *secret);

#endif
