/* SPDX-License-Identifier: MIT */
/* A source of keys: its interface (fetch, cancel, one result), and the constructors of all sources.
 */
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

/* The settings that all sources of a chain share. The members are borrowed and must outlive the
 * sources. */
struct credential_context {
	uv_loop_t *loop;
	struct http *http;
	const struct profiles *profiles;
	const char *
		profile; /* the selected profile: its region and endpoints count for every source */
	/* The user named the profile by `-o profile=`: the keys in the environment do not count. */
	bool explicit_profile;
};

/* Gets a reference to the keys, which it must drop, or NULL and *err. Called once for each fetch
 * that is not cancelled, perhaps before credential_source_fetch() has returned. May destroy the
 * source. */
typedef void credential_source_done(
	void *arg, struct credentials *credentials, const struct err *err);

struct credential_source_ops {
	/* Starts a fetch, which must call credential_source_end() once, at once or later. */
	void (*fetch)(struct credential_source *source);
	/* Cancels a fetch in flight and frees the source. */
	void (*destroy)(struct credential_source *source);
};

/* The first member of the struct of every kind of source. */
struct credential_source {
	const struct credential_source_ops *ops;
	bool local;    /* a fetch sends no request and runs no process */
	char name[64]; /* for `struct credentials` and for messages */
	credential_source_done *done;
	void *arg;
};

void credential_source_fetch(
	struct credential_source *source, credential_source_done *done, void *arg);
/* Cancels a fetch in flight and frees the source. NULL is permitted. */
void credential_source_destroy(struct credential_source *source);
DEFINE_CLEANUP(struct credential_source *, credential_source_destroy)

/* Functions for the sources' implementations. */

/* Initialises the source; the format and its arguments make the source's name. */
void credential_source_init(struct credential_source *source,
	const struct credential_source_ops *ops, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Ends the fetch with a reference to keys, which is passed to done, or with NULL and *err. done may
 * free the source. */
void credential_source_end(
	struct credential_source *source, struct credentials *credentials, const struct err *err);
/* Ends the fetch with the result of credential_make() on these strings. */
void credential_source_end_with(struct credential_source *source, const char *access_key,
	const char *secret_key, const char *session_token, int64_t expires_ms);
/* Ends the fetch with *err; the message gets the source's name as its beginning. */
void credential_source_fail(struct credential_source *source, const struct err *err);

/* The constructors. Each returns 0 and sets *out to the source, or to NULL if this source is not
 * configured. Returns -errno with *err if the source is configured wrongly, which ends the search.
 */

/* The environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SECURITY_TOKEN or
 * AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION. */
int credential_env_create(
	const struct credential_context *context, struct credential_source **out, struct err *err);
/* A profile's aws_access_key_id, aws_secret_access_key and so on, in one of the two files. */
int credential_keys_create(const struct credential_context *context, enum profiles_file file,
	const char *profile, struct credential_source **out, struct err *err);
/* The files of older tools: AWS_CREDENTIAL_FILE of the first EC2 tools; BOTO_CONFIG, else
 * /etc/boto.cfg and ~/.boto. */
int credential_legacy_create(
	const struct credential_context *context, struct credential_source **out, struct err *err);
/* A profile with login_session: the keys that `aws login` wrote to ~/.aws/login/cache
 * (AWS_LOGIN_CACHE_DIRECTORY), until they expire. ebsfs does not renew them: that needs a proof
 * that is signed with the login's own private key. */
int credential_login_create(const struct credential_context *context, const char *profile,
	struct credential_source **out, struct err *err);
/* A source without keys: every fetch ends in *why. */
int credential_none_create(const struct err *why, struct credential_source **out, struct err *err);

/* STS AssumeRole for a profile's role_arn, external_id, role_session_name, duration_seconds. The
 * keys of `parent` sign the request; the new source owns parent, which is destroyed after an error
 * too. On success *out is never NULL. */
int credential_role_create(const struct credential_context *context, const char *profile,
	struct credential_source *parent, struct credential_source **out, struct err *err);
/* STS AssumeRoleWithWebIdentity (Kubernetes, CI systems), with the token in a file that is read at
 * each fetch. The file, the role and the session's name come from AWS_WEB_IDENTITY_TOKEN_FILE,
 * AWS_ROLE_ARN and AWS_ROLE_SESSION_NAME if use_environment; where one of these is not set, from
 * the profile's web_identity_token_file, role_arn and role_session_name. */
int credential_web_create(const struct credential_context *context, const char *profile,
	bool use_environment, struct credential_source **out, struct err *err);

/* IAM Identity Center ("SSO"), with the token that `aws sso login` wrote, for a profile with
 * sso_account_id or sso_role_name. The profile has either `sso_session = NAME` (then ebsfs renews
 * the token as long as the login lasts), or its own sso_start_url and sso_region (then ebsfs does
 * not renew it). */
int credential_sso_create(const struct credential_context *context, const char *profile,
	struct credential_source **out, struct err *err);

/* A profile's credential_process: a command, which is divided into words like a shell's but runs
 * without a shell. It inherits the environment and has no standard input. Within a minute it must
 * print JSON with Version 1 and the keys on standard output, and exit with status 0; after a minute
 * it is killed with its children. Messages contain neither its arguments nor its output, except the
 * first line of standard error if the command fails. */
int credential_process_create(const struct credential_context *context, const char *profile,
	struct credential_source **out, struct err *err);

/* A container's endpoint: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI (at 169.254.170.2), else
 * AWS_CONTAINER_CREDENTIALS_FULL_URI: https, or http to a local or container address (url.h). Each
 * fetch sends the token in the file AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, else
 * AWS_CONTAINER_AUTHORIZATION_TOKEN. */
int credential_container_create(
	const struct credential_context *context, struct credential_source **out, struct err *err);

/* An instance's metadata service: version 2, with a token; or version 1 if the request for the
 * token is refused or times out (from a container it may need one network hop too many), unless
 * ec2_metadata_v1_disabled is set. AWS_EC2_METADATA_DISABLED makes *out NULL. The environment or
 * the profile may set ec2_metadata_service_endpoint, ec2_metadata_service_endpoint_mode,
 * imds_use_ipv6, metadata_service_timeout (seconds, of one try) and metadata_service_num_attempts.
 * Errors begin with `prefix`. If the service cannot be reached or has no role yet, the error is
 * EACCES and retryable: at boot the service may start late. */
int credential_imds_create(const struct credential_context *context, const char *prefix,
	struct credential_source **out, struct err *err);

#endif
