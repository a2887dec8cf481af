/* SPDX-License-Identifier: MIT */
/* Keys from the endpoint that a container's environment names (ECS, EKS Pod Identity). */
#ifndef EBSFS_CREDENTIAL_CONTAINER_H
#define EBSFS_CREDENTIAL_CONTAINER_H

#include "credential_source.h"

/* AWS_CONTAINER_CREDENTIALS_RELATIVE_URI (at 169.254.170.2), else
 * AWS_CONTAINER_CREDENTIALS_FULL_URI: https, or http to a loopback address, localhost,
 * 169.254.170.2, 169.254.170.23 or fd00:ec2::23. AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (read at
 * each fetch), else AWS_CONTAINER_AUTHORIZATION_TOKEN, is sent along. Returns 0 with *out NULL if
 * neither URI is set, 0 with the source, or -errno with *err. */
int credential_container_create(
	const struct credential_context *context, struct credential_source **out, struct err *err);

#endif
