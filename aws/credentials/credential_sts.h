/* SPDX-License-Identifier: MIT */
/* STS, as far as it hands out keys: one Query request, the triple in its answer. */
#ifndef EBSFS_CREDENTIAL_STS_H
#define EBSFS_CREDENTIAL_STS_H

#include "buf.h"
#include "credential_request.h"

struct credential_sts {
	struct credential_ask ask;
	void (*done)(void *arg, const struct err *err);
	void *arg;
	struct credentials *signer; /* NULL: the request is not signed */
	struct buf form;
	char *told; /* the secret that the form tells, NULL if none; wiped and freed here */
	struct buf url;
	char *host;
	const char *path; /* in url */
	const char *region;
	int64_t clock_skew_ms; /* of AWS's clock against this machine's, measured when AWS refused
				  for the time */

	/* The answer, when done was called without an error. */
	char *access_key;
	char *secret_key;
	char *session_token;
	int64_t expires_ms; /* by this machine's clock */
};

void credential_sts_init(struct credential_sts *sts, const struct credential_context *context,
	void (*done)(void *arg, const struct err *err), void *arg);
/* Fill sts->form (form.h) first. signer's reference is taken over. As credential_ask_start(): the
 * last thing that a caller does. */
void credential_sts_start(struct credential_sts *sts, struct credentials *signer);
void credential_sts_finish(
	struct credential_sts *sts); /* cancels and wipes; once only, or before _init() */

#endif
