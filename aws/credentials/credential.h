/* SPDX-License-Identifier: MIT */
/* One set of AWS keys, immutable and reference-counted, and its parsers: strings, dates, JSON. */
#ifndef EBSFS_CREDENTIAL_H
#define EBSFS_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cleanup.h"
#include "err.h"

/* A set of keys. Each request is signed with one set from its beginning to its end. The secrets are
 * wiped when the last reference is dropped. */
struct credentials {
	int refs;
	char *access_key;
	char *secret_key;
	char *session_token; /* NULL if none */
	int64_t expires_ms;  /* by this machine's wall clock; 0: never */
	char source[64];     /* names the source of the keys: "environment", "profile dr" */
};

/* Makes a set of keys with one reference; copies the strings. NULL on ENOMEM. */
struct credentials *credentials_create(const char *access_key, const char *secret_key,
	const char *session_token, int64_t expires_ms, const char *source);
struct credentials *credentials_ref(struct credentials *c);
void credentials_unref(struct credentials *c); /* NULL is permitted */
DEFINE_CLEANUP(struct credentials *, credentials_unref)
/* Returns whether two sets hold the same keys, even if they were fetched separately. */
static inline bool credentials_same(const struct credentials *a, const struct credentials *b)
{
	const char *ta = a->session_token ? a->session_token : "",
		   *tb = b->session_token ? b->session_token : "";

	return !strcmp(a->access_key, b->access_key) && !strcmp(ta, tb);
}

/* Makes a set of keys from strings of a file or a response. A key that is empty or cannot be sent
 * in a header is EACCES; an empty session token counts as none. Returns 0, or -errno with *err. */
int credential_make(const char *source, const char *access_key, const char *secret_key,
	const char *session_token, int64_t expires_ms, struct credentials **out, struct err *err);

/* Parses the JSON of credential_process, containers and instances: {"AccessKeyId",
 * "SecretAccessKey", <token_name>, "Expiration"}. required: whether <token_name> and "Expiration"
 * must be present; otherwise they may be absent or null. skew_ms is subtracted from the expiration.
 * Returns 0; -EIO with the reason in *err (a missing member, not JSON, not a date); or as
 * credential_make(). *err never quotes the text. */
int credential_json_parse(const char *source, const char *text, size_t len, const char *token_name,
	bool required, int64_t skew_ms, struct credentials **out, struct err *err);
/* Recognises an error response of the instance metadata service, {"Code": "Failed", "Message":
 * "…"}: returns -EACCES with "Failed: …" in *err, or 0 if the text is something else. */
int credential_json_refusal(const char *text, size_t len, struct err *err);

/* Parses a date in the forms of AWS's files and tools: ISO 8601 with "Z", "UTC", an offset, or none
 * of these (UTC). Returns 0 or -EINVAL. */
int credential_date(const char *text, int64_t *ms);

#endif
