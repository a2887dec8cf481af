/* SPDX-License-Identifier: MIT */
/* The JSON that credential_process, containers and instances hand out. */
#ifndef EBSFS_CREDENTIAL_JSON_H
#define EBSFS_CREDENTIAL_JSON_H

#include <stddef.h>

#include "credential_source.h"

/* {"AccessKeyId", "SecretAccessKey", <token_name>, "Expiration"}. required: the latter two must be
 * there; else they may be absent or null. Returns 0 with a triple named after the source, -EIO with
 * *err (the reason only: what is missing, no JSON, no date), or as credential_make(). skew_ms is
 * subtracted from the expiration. Nothing of the text gets into *err. */
int credential_json_parse(const struct credential_source *source, const char *text, size_t len,
	const char *token_name, bool required, int64_t skew_ms, struct credentials **out,
	struct err *err);

/* What an instance says instead of keys: {"Code": "Failed", "Message": "…"}: "Failed: …" in *err,
 * EACCES. Returns -EACCES, or 0 if it says no such thing. */
int credential_json_refusal(const char *text, size_t len, struct err *err);

#endif
