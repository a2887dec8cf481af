/* SPDX-License-Identifier: MIT */
/* The key of a request. */
#include "request_key.h"

#include <stdio.h>
#include <string.h>

#include "digest.h"

static const char *request_key_text(const char *text)
{
	return text ? text : "";
}

const char *request_key(const struct journal_copy *row, char out[REQUEST_KEY_SIZE])
{
	const char *source_region = request_key_text(row->source_region),
		   *source_id = request_key_text(row->source_id);
	const char *label = request_key_text(row->label), *place = request_key_text(row->place);

	/* None of the parts before the place has a blank. */
	if (!row->kind)
		snprintf(out, REQUEST_KEY_SIZE, "%s %s %s %s", source_region, source_id,
			row->region, label);
	else if (!strcmp(row->kind, "image"))
		snprintf(out, REQUEST_KEY_SIZE, "image %s %s %s", row->region, label, place);
	else
		snprintf(out, REQUEST_KEY_SIZE, "%s %s %s %s %s %s", row->kind, source_region,
			source_id, row->region, label, place);
	return out;
}

bool request_key_is_spent(const struct journal_copy *row)
{
	return row->kind && *row->kind && !row->dry_run &&
	       ((row->copy_id && *row->copy_id) ||
		       (row->code && !strcmp(row->code, REQUEST_CODE_GONE)));
}

const char *request_key_token(const struct journal_copy *row, char out[REQUEST_KEY_TOKEN_SIZE])
{
	char text[REQUEST_KEY_SIZE + 32], key[REQUEST_KEY_SIZE], hex[DIGEST_SHA256_HEX];

	snprintf(text, sizeof(text), "%s\n%d", request_key(row, key), row->generation);
	/* Without the algorithm, which no build lacks, the token is zeros: EC2 takes two of them
	 * for one request with other parameters, and refuses the second. */
	digest_sha256_hex(text, strlen(text), hex);
	snprintf(out, REQUEST_KEY_TOKEN_SIZE, "%.*s", REQUEST_KEY_TOKEN_SIZE - 1, hex);
	return out;
}
