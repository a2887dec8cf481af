/* SPDX-License-Identifier: MIT */
/* EBS direct APIs: the calls that read the blocks of a snapshot. A block that is not listed was
 * never written, and reads as zeros.
 *
 * All calls run on the loop, like those of ec2.h: done is called exactly once, never before the
 * starting function has returned; aws_cancel() abandons a call; NULL means ENOMEM, and done is not
 * called. Requests that were refused for the rate, and failures that may be temporary, are retried
 * within the call's deadline. Callers need to handle these classes of errors (aws_error.h):
 *
 *   aws_error_is_token()      the token is no longer valid: list the blocks again, once
 *   aws_error_is_unrelated()  the two snapshots are not of one lineage
 */
#ifndef EBSFS_EBS_H
#define EBSFS_EBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws.h"
#include "err.h"
#include "workers.h"

#define EBS_BLOCK_SIZE  ((size_t)512 << 10)
#define EBS_BLOCKS_MAX  ((uint32_t)1 << 27) /* of a snapshot: 64 TiB */
#define EBS_PAGE_MIN    100 /* AWS's minimum of maxResults; below it, AWS may list 100 or more */
#define EBS_PAGE_MAX    10000
#define EBS_TOKEN_MAX   1024 /* the most characters that ebsfs accepts; AWS documents 256 */
#define EBS_SHA256_SIZE 32

struct ebs;

struct ebs_options {
	struct aws *aws; /* borrowed, like workers; both must outlive every call */
	struct workers
		*workers; /* threads that digest blocks and parse lists; NULL: libuv's pool */
	unsigned spare;   /* most unused block buffers that are kept for reuse; 0: 80 (40 MiB) */
	/* Accept lists in moto's form: another block size, indexes as strings. For tests. */
	bool motos_lists;
};

struct ebs *ebs_create(const struct ebs_options *options); /* NULL on ENOMEM */
/* Call it when all calls have ended or were cancelled. Blocks may be released later. NULL is
 * permitted. */
void ebs_destroy(struct ebs *ebs);

/* --- buffers of blocks --- */

/* One block in memory. References are taken and dropped on the loop only; any thread may use the
 * data while a reference is held. */
struct ebs_block {
	unsigned char *data;                   /* EBS_BLOCK_SIZE bytes, page-aligned */
	unsigned char sha256[EBS_SHA256_SIZE]; /* of all the data; set only by ebs_get_block() */
	unsigned refs;
	struct ebs *ebs;
	struct ebs_block *next; /* in the list of unused buffers */
};

/* Returns a buffer with one reference and undefined contents, for a block that does not come from
 * AWS (a cache on disk). NULL on ENOMEM. */
struct ebs_block *ebs_block_create(struct ebs *ebs);
struct ebs_block *ebs_block_ref(struct ebs_block *block); /* takes a reference; returns block */
/* Drops a reference; the last one returns the buffer to the unused ones. NULL is permitted. */
void ebs_block_unref(struct ebs_block *block);

/* --- GetSnapshotBlock: costs money --- */

/* block: a reference that done must drop; its data have the SHA-256 that AWS sent, checked by the
 * workers, and are padded with zeros if AWS sent fewer. NULL on failure, with *err. Data with
 * another digest or length than AWS announced are fetched again, a few times; then the call ends in
 * EIO.
 *
 * bought: the number of responses with data, each of which AWS bills: more than one if some were
 * wrong, and possibly some on failure. */
typedef void ebs_block_done(
	void *arg, struct ebs_block *block, unsigned bought, const struct err *err);
/* Fetches one block. token: from a list of this snapshot's blocks. The strings are copied before
 * the call returns. */
struct aws_call *ebs_get_block(struct ebs *ebs, const char *region, const char *snapshot,
	uint32_t index, const char *token, ebs_block_done *done, void *arg);

/* --- ListSnapshotBlocks, ListChangedBlocks --- */

struct ebs_listed {
	uint32_t index; /* ascending in a page, below EBS_BLOCKS_MAX */
	/* Base64. NULL in a list of changes: this snapshot does not have the block, but the first
	 * snapshot has. */
	const char *token;
	const char *first_token; /* token of the first snapshot's block; NULL: the first snapshot
				  * does not have it */
};

/* One page of a list. Owns everything that it points to. It may hold fewer blocks than requested,
 * even none, without being the last page. */
struct ebs_page {
	struct ebs_listed *blocks;
	size_t n_blocks;
	const char *next_token; /* NULL: the last page. Valid for an hour */
	/* The time at which the blocks' tokens end (after 7 days), by AWS's clock, in ms since
	 * 1970; 0: absent. */
	int64_t expiry_ms;
	/* In GiB. Some responses have bytes instead, so use EC2's volumeSize rather than this. 0:
	 * absent. */
	int64_t volume_size;
	char *texts; /* memory of the tokens */
};
void ebs_page_destroy(struct ebs_page *page); /* NULL is permitted */

/* A request for one page. The strings are copied before the call returns. */
struct ebs_list {
	const char *region;
	const char *snapshot;
	/* NULL: lists all blocks of `snapshot`. Otherwise an older snapshot of the same volume:
	 * lists only the blocks that differ between the two snapshots (AWS may also list equal
	 * ones). */
	const char *first;
	uint32_t start;  /* lists blocks from this index on */
	int max_results; /* EBS_PAGE_MIN…EBS_PAGE_MAX; 0: EBS_PAGE_MAX */
	/* next_token of the page before; AWS then ignores start. NULL: none. */
	const char *page_token;
};
/* page: done must destroy it; NULL on failure, with *err. A response that is not such a list, or
 * that names a block twice or beyond the bounds, is EIO. */
typedef void ebs_page_done(void *arg, struct ebs_page *page, const struct err *err);
struct aws_call *ebs_list_blocks(
	struct ebs *ebs, const struct ebs_list *in, ebs_page_done *done, void *arg);

/* Parses a response; changes: the response is ListChangedBlocks'. Also used by tests. Returns 0 or
 * -errno with *err. Pure. */
int ebs_page_parse(const char *text, size_t len, bool changes, bool motos_lists,
	struct ebs_page **out, struct err *err);

#endif
