/* SPDX-License-Identifier: MIT */
/* EBS direct APIs: buffers, GetSnapshotBlock, and the lists of blocks. */
#include "ebs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws_query.h"
#include "digest.h"
#include "encode.h"
#include "num.h"

#define EBS_SPARE    80
/* Bound of a list's response, in bytes: more than 10,000 pairs of tokens need. */
#define EBS_LIST_MAX ((size_t)16 << 20)

struct ebs {
	struct ebs_options options;
	struct ebs_block *spare;
	unsigned n_spare;
	unsigned n_blocks; /* blocks that have a reference */
	bool destroyed;    /* ebs_destroy() was called: freed with the last block */
};

/* --- buffers --- */

struct ebs *ebs_create(const struct ebs_options *options)
{
	struct ebs *ebs = calloc(1, sizeof(*ebs));

	if (!ebs)
		return NULL;
	ebs->options = *options;
	if (!ebs->options.spare)
		ebs->options.spare = EBS_SPARE;
	return ebs;
}

static void ebs_block_free(struct ebs_block *block)
{
	free(block->data);
	free(block);
}

static void ebs_free_if_unused(struct ebs *ebs)
{
	if (!ebs->destroyed)
		return;
	while (ebs->spare) {
		struct ebs_block *block = ebs->spare;

		ebs->spare = block->next;
		ebs_block_free(block);
	}
	ebs->n_spare = 0;
	if (!ebs->n_blocks)
		free(ebs);
}

void ebs_destroy(struct ebs *ebs)
{
	if (!ebs)
		return;
	ebs->destroyed = true;
	ebs_free_if_unused(ebs);
}

struct ebs_block *ebs_block_create(struct ebs *ebs)
{
	struct ebs_block *block = ebs->spare;
	void *data = NULL;

	if (block) {
		ebs->spare = block->next;
		ebs->n_spare--;
	} else {
		block = calloc(1, sizeof(*block));
		if (!block || posix_memalign(&data, 4096, EBS_BLOCK_SIZE) != 0) {
			free(block);
			return NULL;
		}
		block->data = data;
		block->ebs = ebs;
	}
	block->next = NULL;
	block->refs = 1;
	ebs->n_blocks++;
	return block;
}

struct ebs_block *ebs_block_ref(struct ebs_block *block)
{
	block->refs++;
	return block;
}

void ebs_block_unref(struct ebs_block *block)
{
	struct ebs *ebs = block ? block->ebs : NULL;

	if (!block || --block->refs)
		return;
	ebs->n_blocks--;
	if (ebs->destroyed || ebs->n_spare >= ebs->options.spare) {
		ebs_block_free(block);
	} else {
		block->next = ebs->spare;
		ebs->spare = block;
		ebs->n_spare++;
	}
	ebs_free_if_unused(ebs);
}

/* Returns a copy of *err whose message names the snapshot. */
static struct err ebs_error(const struct err *err, const char *snapshot)
{
	struct err named = *err;

	err_context(&named, "%s", snapshot);
	return named;
}

/* --- GetSnapshotBlock --- */

enum { BLOCK_SHA256, BLOCK_ALGORITHM, BLOCK_LENGTH };
static const char *const block_headers[HTTP_WANTED_MAX] = {
	[BLOCK_SHA256] = "x-amz-checksum",
	[BLOCK_ALGORITHM] = "x-amz-checksum-algorithm",
	[BLOCK_LENGTH] = "x-amz-data-length",
};

struct block_call {
	struct ebs_block *block;
	char name[96];                   /* the snapshot and the block, for error messages */
	char head[HTTP_WANTED_MAX][120]; /* the wanted headers of the response */
	unsigned bought;
	ebs_block_done *done;
	void *arg;
};

static void block_head(void *arg, const struct http_response *response)
{
	struct block_call *call = arg;

	memcpy(call->head, response->wanted, sizeof(call->head));
	call->bought++;
}

/* Computes the digest of the data into the block. Returns whether it is the one in the response's
 * header. */
static bool block_matches(struct block_call *call, size_t len)
{
	_cleanup_buf_ struct buf base64 = BUF_INIT;

	return digest_sha256(call->block->data, len, call->block->sha256) == 0 &&
	       encode_base64(&base64, call->block->sha256, EBS_SHA256_SIZE) == 0 &&
	       !strcmp(base64.data, call->head[BLOCK_SHA256]);
}

/* Verifies the data, and pads them to a whole block with zeros. Runs in a thread of the workers. */
static int block_verify(void *arg, const char *data, size_t len, struct err *err)
{
	struct block_call *call = arg;
	const char *length = call->head[BLOCK_LENGTH];
	uint64_t told;

	(void)data; /* the same memory as the block's */
	if (num_parse_u64(length, strlen(length), 1, EBS_BLOCK_SIZE, &told) < 0 || told != len)
		return err_set(
			err, EIO, "AWS sent %zu bytes; x-amz-Data-Length says \"%s\"", len, length);
	if (strcmp(call->head[BLOCK_ALGORITHM], "SHA256") != 0)
		return err_set(err, EIO, "the data have no SHA-256 (x-amz-Checksum-Algorithm: %s)",
			call->head[BLOCK_ALGORITHM]);
	if (!block_matches(call, len))
		return err_set(
			err, EIO, "the data differ from the SHA-256 that AWS sent with them");
	if (len == EBS_BLOCK_SIZE)
		return 0;
	memset(call->block->data + len, 0, EBS_BLOCK_SIZE - len);
	return digest_sha256(call->block->data, EBS_BLOCK_SIZE, call->block->sha256) < 0
		       ? err_set(err, EIO, "the SHA-256 of the data cannot be computed")
		       : 0;
}

static void block_done(void *arg, const struct err *err)
{
	struct block_call *call = arg;
	struct err named;

	if (err)
		named = ebs_error(err, call->name);
	call->done(call->arg, err ? NULL : steal(&call->block), call->bought, err ? &named : NULL);
}

static void block_release(void *arg)
{
	struct block_call *call = arg;

	ebs_block_unref(call->block);
	free(call);
}

struct aws_call *ebs_get_block(struct ebs *ebs, const char *region, const char *snapshot,
	uint32_t index, const char *token, ebs_block_done *done, void *arg)
{
	struct block_call *call = calloc(1, sizeof(*call));
	struct buf query = BUF_INIT;
	char path[128];

	if (!call)
		return NULL;
	call->done = done;
	call->arg = arg;
	call->block = ebs_block_create(ebs);
	if (!call->block) {
		block_release(call);
		return NULL;
	}
	snprintf(call->name, sizeof(call->name), "block %u of %s", index, snapshot);
	snprintf(path, sizeof(path), "/snapshots/%s/blocks/%u", snapshot, index);
	form_add(&query, token, "blockToken");
	return aws_query(ebs->options.aws, &(struct aws_query){.region = region,
						   .service = "ebs",
						   .action = "GetSnapshotBlock",
						   .effect = AWS_READS,
						   .form = &query,
						   .path = path,
						   .resource = snapshot,
						   .into = {call->block->data, EBS_BLOCK_SIZE},
						   .wanted = block_headers,
						   .head = block_head,
						   .workers = ebs->options.workers,
						   .parse = block_verify,
						   .done = block_done,
						   .release = block_release,
						   .arg = call});
}

/* --- lists --- */

struct list_call {
	struct ebs_page *page;
	bool changes, motos_lists;
	char name[160]; /* the snapshots, for error messages */
	ebs_page_done *done;
	void *arg;
};

static int list_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct list_call *call = arg;

	return ebs_page_parse(body, len, call->changes, call->motos_lists, &call->page, err);
}

static void list_done(void *arg, const struct err *err)
{
	struct list_call *call = arg;
	struct err named;

	if (err)
		named = ebs_error(err, call->name);
	call->done(call->arg, steal(&call->page), err ? &named : NULL);
}

static void list_release(void *arg)
{
	struct list_call *call = arg;

	ebs_page_destroy(call->page);
	free(call);
}

struct aws_call *ebs_list_blocks(
	struct ebs *ebs, const struct ebs_list *in, ebs_page_done *done, void *arg)
{
	struct list_call *call = calloc(1, sizeof(*call));
	struct buf query = BUF_INIT;
	char path[128];

	if (!call)
		return NULL;
	*call = (struct list_call){.changes = in->first != NULL,
		.motos_lists = ebs->options.motos_lists,
		.done = done,
		.arg = arg};
	snprintf(call->name, sizeof(call->name), in->first ? "%s since %s" : "%s", in->snapshot,
		in->first);
	snprintf(path, sizeof(path), "/snapshots/%s/%s", in->snapshot,
		in->first ? "changedblocks" : "blocks");
	form_add(&query, in->first, "firstSnapshotId");
	form_add(&query, in->page_token, "pageToken");
	form_add_number(&query, in->max_results ? in->max_results : EBS_PAGE_MAX, "maxResults");
	if (!in->page_token && in->start)
		form_add_number(&query, (int)in->start, "startingBlockIndex");
	return aws_query(ebs->options.aws,
		&(struct aws_query){.region = in->region,
			.service = "ebs",
			.action = in->first ? "ListChangedBlocks" : "ListSnapshotBlocks",
			.effect = AWS_READS,
			.form = &query,
			.path = path,
			.max_response = EBS_LIST_MAX,
			.workers = ebs->options.workers,
			.parse = list_parse,
			.done = list_done,
			.release = list_release,
			.arg = call});
}
