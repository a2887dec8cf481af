/* SPDX-License-Identifier: MIT */
/* Keys of an instance's role, from its metadata service. */
#ifndef EBSFS_CREDENTIAL_IMDS_H
#define EBSFS_CREDENTIAL_IMDS_H

#include "credential_source.h"

/* Version 2 of the service, with a token; version 1 where the token is refused or never comes (a
 * hop too far, from within a container) and ec2_metadata_v1_disabled is not set. Heeds
 * AWS_EC2_METADATA_DISABLED (then *out is NULL) and, from the environment or the profile,
 * ec2_metadata_service_endpoint, ec2_metadata_service_endpoint_mode, imds_use_ipv6,
 * metadata_service_timeout (seconds, for one try) and metadata_service_num_attempts.
 * `context_words` goes before the reason of a failure. A service that cannot be reached, or has no
 * role yet, is EACCES and retryable: at boot it may come up late. Returns 0 or -errno with *err. */
int credential_imds_create(const struct credential_context *context, const char *context_words,
	struct credential_source **out, struct err *err);

#endif
