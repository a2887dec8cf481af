/* SPDX-License-Identifier: MIT */
/* The token that `aws sso login` leaves in ~/.aws/sso/cache: read, and written back when it was
 * renewed. */
#ifndef EBSFS_SSO_TOKEN_H
#define EBSFS_SSO_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "jsondoc.h"

struct sso_token {
	char *path;
	struct jsondoc *doc; /* NULL: there is no token, or what is there is none */
	int64_t expires_ms;
};

/* name: of the sso-session, or the start URL where there is no session; its SHA-1 names the file.
 * The file's access token and its expiresAt are what makes it a token. Returns 0 or -ENOMEM. Finish
 * it in any case. */
int sso_token_load(struct sso_token *token, const char *name);
void sso_token_finish(struct sso_token *token); /* wipes */

const char *sso_token_access(const struct sso_token *token);
/* Whether it can be renewed without a person: it has a refresh token, and its client's registration
 * still lasts. */
bool sso_token_is_renewable(const struct sso_token *token, int64_t now_ms);
/* The body of OIDC's CreateToken that renews it. out is empty; secret_buf_finish() it. Returns 0 or
 * -ENOMEM. */
int sso_token_request(const struct sso_token *token, struct buf *out);
/* Takes over CreateToken's answer into the token and its file. Returns 0; -EINVAL if it is none;
 * -ENOMEM; 1 if the file could not be written and *file_errno says why: the token is good all the
 * same. */
int sso_token_renew(
	struct sso_token *token, const struct jsondoc *answer, int64_t now_ms, int *file_errno);

#endif
