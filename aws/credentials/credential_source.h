/* SPDX-License-Identifier: MIT */
/* The interface of a source of keys (fetch, cancel, one result), and the constructors of all
 * sources. */
#ifndef EBSFS_CREDENTIAL_SOURCE_H
#define EBSFS_CREDENTIAL_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "cleanup.h"
#include "credential.h"
#include "err.h"
#include "profile.h"

struct http;
struct credential_source;

/* Shared by all sources of a chain. Everything is borrowed and outlives them. */
struct credential_context {
	uv_loop_t *loop;
	struct http *http;
	const struct profiles *profiles;
	const char *profile; /* the selected one: its region and endpoints count for every source */
	/* `-o profile=` named the profile: the keys in the environment do not count. */
	bool explicit_profile;
};

/* Gets a reference that it owns, or NULL and *err. Called once for each fetch that is not
 * cancelled, perhaps before credential_source_fetch() has returned. It may destroy the source. */
typedef void credential_source_done(
	void *arg, struct credentials *credentials, const struct err *err);

struct credential_source_ops {
	/* Ends, at once or later, in one credential_source_end(). */
	void (*fetch)(struct credential_source *source);
	/* Cancels a fetch in flight and frees the source. */
	void (*destroy)(struct credential_source *source);
};

/* The first member of every kind of source. */
struct credential_source {
	const struct credential_source_ops *ops;
	bool local;    /* a fetch sends no request and runs no process */
	char name[64]; /* for `struct credentials` and messages */
	credential_source_done *done;
	void *arg;
};

void credential_source_fetch(
	struct credential_source *source, credential_source_done *done, void *arg);
/* Cancels a fetch in flight and frees the source. NULL is permitted. */
void credential_source_destroy(struct credential_source *source);
DEFINE_CLEANUP(struct credential_source *, credential_source_destroy)

/* For the implementations. */

/* The format gives the source's name. */
void credential_source_init(struct credential_source *source,
	const struct credential_source_ops *ops, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Ends the fetch with a reference, which done owns, or with NULL and *err. The source may be freed
 * when this returns. */
void credential_source_end(
	struct credential_source *source, struct credentials *credentials, const struct err *err);
/* Ends the fetch with credential_make() of these strings, or with its error. */
void credential_source_end_with(struct credential_source *source, const char *access_key,
	const char *secret_key, const char *session_token, int64_t expires_ms);
/* Ends the fetch with a copy of *err that begins with the source's name. */
void credential_source_fail(struct credential_source *source, const struct err *err);

/* The constructors. Each returns 0 with *out NULL if this source is not configured, 0 with the
 * source, or -errno with *err if it is configured wrongly, which ends the search. */

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SECURITY_TOKEN or AWS_SESSION_TOKEN,
 * AWS_CREDENTIAL_EXPIRATION. */
int credential_env_create(
	const struct credential_context *context, struct credential_source **out, struct err *err);
/* aws_access_key_id and so on of a profile, in one of the files. */
int credential_keys_create(const struct credential_context *context, enum profiles_file file,
	const char *profile, struct credential_source **out, struct err *err);
/* AWS_CREDENTIAL_FILE of the first EC2 tools; BOTO_CONFIG, else /etc/boto.cfg and ~/.boto. */
int credential_legacy_create(
	const struct credential_context *context, struct credential_source **out, struct err *err);
/* A profile with login_session: the keys that `aws login` left in ~/.aws/login/cache
 * (AWS_LOGIN_CACHE_DIRECTORY), as long as they last. ebsfs does not renew them: that needs a proof
 * signed with the login's own private key. */
int credential_login_create(const struct credential_context *context, const char *profile,
	struct credential_source **out, struct err *err);
/* No keys: every fetch ends in *why. */
int credential_none_create(const struct err *why, struct credential_source **out, struct err *err);

/* STS AssumeRole for a profile's role_arn, external_id, role_session_name, duration_seconds. parent
 * signs; it is taken over, after an error too. Never *out NULL on success. */
int credential_role_create(const struct credential_context *context, const char *profile,
	struct credential_source *parent, struct credential_source **out, struct err *err);
/* STS AssumeRoleWithWebIdentity (Kubernetes, CI systems), with the token in a file that is read at
 * each fetch. The file, the role and the session's name come from AWS_WEB_IDENTITY_TOKEN_FILE,
 * AWS_ROLE_ARN and AWS_ROLE_SESSION_NAME if use_environment; where one of these is not set, from
 * the profile's web_identity_token_file, role_arn and role_session_name. */
int credential_web_create(const struct credential_context *context, const char *profile,
	bool use_environment, struct credential_source **out, struct err *err);

/* IAM Identity Center ("SSO"), with the token that `aws sso login` left: a profile with
 * sso_account_id or sso_role_name, in both forms: `sso_session = NAME` (ebsfs renews the token as
 * long as the login lasts), or sso_start_url and sso_region of its own (it does not). */
int credential_sso_create(const struct credential_context *context, const char *profile,
	struct credential_source **out, struct err *err);

/* A profile's credential_process: a command, divided into words as by a shell, but run without one.
 * It inherits the environment and has no standard input. Within a minute it prints on standard
 * output JSON with Version 1 and the keys, and exits with status 0; after that it is killed with
 * all its children. No message contains its arguments or its output, except the first line that a
 * failing command prints on standard error. */
int credential_process_create(const struct credential_context *context, const char *profile,
	struct credential_source **out, struct err *err);

/* A container's endpoint: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI (at 169.254.170.2), else
 * AWS_CONTAINER_CREDENTIALS_FULL_URI: https, or http to a local or container address (url.h). Sends
 * AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (read at each fetch), else
 * AWS_CONTAINER_AUTHORIZATION_TOKEN. */
int credential_container_create(
	const struct credential_context *context, struct credential_source **out, struct err *err);

/* An instance's metadata service: version 2, with a token; version 1 where the token is refused or
 * times out (a hop too many, from within a container), unless ec2_metadata_v1_disabled is set.
 * AWS_EC2_METADATA_DISABLED makes *out NULL. The environment or the profile set
 * ec2_metadata_service_endpoint, ec2_metadata_service_endpoint_mode, imds_use_ipv6,
 * metadata_service_timeout (seconds, of one try) and metadata_service_num_attempts. Errors begin
 * with `prefix`. A service that cannot be reached or has no role yet is EACCES and
 * retryable: at boot it may come up late. */
int credential_imds_create(const struct credential_context *context, const char *prefix,
	struct credential_source **out, struct err *err);

#endif
