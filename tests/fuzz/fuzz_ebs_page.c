/* SPDX-License-Identifier: MIT */
/* Lists of blocks and of changes, and JSON refusals: no crash; a list that is read is ordered,
 * within the bounds, and has only tokens that a query may hold. */
#include <stdlib.h>
#include <string.h>

#include "aws_error.h"
#include "ebs.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_token(const char *token)
{
	size_t len = token ? strlen(token) : 1;

	require(len > 0 && len <= EBS_TOKEN_MAX);
	for (size_t i = 0; token && i < len; i++)
		require(token[i] > ' ' && token[i] < 0x7f);
}

static void require_page(const struct ebs_page *page, bool changes)
{
	for (size_t i = 0; i < page->n_blocks; i++) {
		const struct ebs_listed *b = &page->blocks[i];

		require(b->index < EBS_BLOCKS_MAX);
		require(!i || page->blocks[i - 1].index < b->index);
		require(b->token || (changes && b->first_token));
		require_token(b->token);
		require_token(b->first_token);
	}
	require_token(page->next_token);
	require(page->expiry_ms >= 0 && page->volume_size >= 0);
}

/* Each input is a list of both kinds, strict and moto's, and the body of a refusal. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *text = (const char *)data;
	struct ebs_page *page;
	struct err err;

	for (int kind = 0; kind < 4; kind++) {
		bool changes = kind & 1;

		if (ebs_page_parse(text, size, changes, kind & 2, &page, &err) == 0)
			require_page(page, changes);
		ebs_page_destroy(page);
	}
	aws_error_judge(&(struct aws_refusal){.status = 400,
				.body = text,
				.len = size,
				.type = "ValidationException:http://x/",
				.request_id = ""},
		&err);
	require(strlen(err.code) < sizeof(err.code) && err.errnum > 0);
	return 0;
}
