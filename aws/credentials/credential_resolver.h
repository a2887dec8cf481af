/* SPDX-License-Identifier: MIT */
/* Chooses the source of keys by the configuration. */
#ifndef EBSFS_CREDENTIAL_RESOLVER_H
#define EBSFS_CREDENTIAL_RESOLVER_H

#include "credential_source.h"

/* Creates the source that the environment and the files configure. The order is botocore's:
 *   1. keys in the environment (not if the profile was named explicitly)
 *   2. the profile's role_arn, unless it has a web_identity_token_file
 *   3. web identity, from the environment (not if the profile was named explicitly) or the profile
 *   4. SSO
 *   5. keys in the credentials file
 *   6. login_session
 *   7. credential_process
 *   8. keys in the config file
 *   9. AWS_CREDENTIAL_FILE, /etc/boto.cfg, ~/.boto
 *  10. the container's endpoint
 *  11. the instance's metadata
 * The first configured source is used; if that source fails, no other is tried. If no source is
 * configured, *out is a source that fails with advice. Returns 0 or -errno with *err. */
int credential_resolve(
	const struct credential_context *context, struct credential_source **out, struct err *err);

#endif
