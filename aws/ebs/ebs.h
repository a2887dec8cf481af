/* SPDX-License-Identifier: MIT */
/* EBS direct APIs: the calls that read the blocks of a snapshot. A block that is not listed was
 * never written, and reads as zeros.
 *
 * All calls run on the loop, as ec2.h's do: done is called exactly once, never before the starting
 * function has returned; aws_cancel() abandons a call; NULL means ENOMEM, and done is not called.
 * Refusals for the rate and failures that may pass are retried here, within the call's deadline.
 * Callers need to know these classes of errors (aws_error.h):
 *
 *   aws_error_is_token()      the token has ended: list the blocks again, once, and use the new one
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
#define EBS_PAGE_MIN    100                 /* AWS lists at least so many blocks a page */
#define EBS_PAGE_MAX    10000
#define EBS_TOKEN_MAX   1024 /* characters that are accepted; AWS documents 256 */
#define EBS_SHA256_SIZE 32

struct ebs;

struct ebs_options {
	struct aws *aws;         /* borrowed, as the next; both must outlive every call */
	struct workers *workers; /* digests blocks and parses lists; NULL: libuv's pool does */
	unsigned spare;          /* buffers of blocks that are kept for reuse; 0: 80 (40 MiB) */
	/* Take lists as moto has them: another block size, indexes as strings. For tests. */
	bool motos_lists;
};

struct ebs *ebs_create(const struct ebs_options *options); /* NULL on ENOMEM */
/* When all calls have ended or were cancelled. Blocks may be released later. NULL is permitted. */
void ebs_destroy(struct ebs *ebs);

/* --- buffers of blocks --- */

/* One block in memory. References are taken and dropped on the loop only; the data may be used in
 * any thread meanwhile. */
struct ebs_block {
	unsigned char *data;                   /* EBS_BLOCK_SIZE bytes, page-aligned */
	unsigned char sha256[EBS_SHA256_SIZE]; /* of all of them, if ebs_get_block() made it */
	unsigned refs;
	struct ebs *ebs;
	struct ebs_block *next; /* in the list of spare ones */
};

/* Returns a buffer with one reference and undefined contents: for blocks from elsewhere (a cache on
 * disk). NULL on ENOMEM. */
struct ebs_block *ebs_block_create(struct ebs *ebs);
struct ebs_block *ebs_block_ref(struct ebs_block *block); /* returns block */
/* Drops a reference: the last one returns the buffer for reuse. NULL is permitted. */
void ebs_block_unref(struct ebs_block *block);

/* --- GetSnapshotBlock: costs money --- */

/* block: done owns a reference; its data have the SHA-256 that AWS sent, checked by the workers.
 * Shorter data of AWS are padded with zeros. NULL on failure, with *err. Data that do not have
 * AWS's digest or length are fetched again, a few times, and end in EIO.
 *
 * bought: how many responses with data there were, each of which AWS bills; more than one if some
 * were wrong, and possibly some on failure. */
typedef void ebs_block_done(
	void *arg, struct ebs_block *block, unsigned bought, const struct err *err);
/* token: of a list of this snapshot. The strings are copied before the call returns. */
struct aws_call *ebs_get_block(struct ebs *ebs, const char *region, const char *snapshot,
	uint32_t index, const char *token, ebs_block_done *done, void *arg);

/* --- ListSnapshotBlocks, ListChangedBlocks --- */

struct ebs_listed {
	uint32_t index; /* ascending in a page, below EBS_BLOCKS_MAX */
	/* Base64. NULL in a list of changes: the snapshot has no such block; the first one has. */
	const char *token;
	const char *first_token; /* of the first snapshot; NULL: it has no such block */
};

/* One page. Owns everything that it points to. It may hold fewer blocks than were asked for, even
 * none, and not be the last. */
struct ebs_page {
	struct ebs_listed *blocks;
	size_t n_blocks;
	const char *next_token; /* NULL: the last page. Valid for an hour */
	/* AWS's clock, in ms since 1970, at which the blocks' tokens end (7 days); 0: not said. */
	int64_t expiry_ms;
	/* In GiB; some responses give bytes: EC2's volumeSize is the one to trust. 0: not said. */
	int64_t volume_size;
	char *texts; /* of the tokens */
};
void ebs_page_destroy(struct ebs_page *page); /* NULL is permitted */

/* One request (one page). The strings are copied before the call returns. */
struct ebs_list {
	const char *region;
	const char *snapshot;
	/* NULL: all blocks of snapshot. Otherwise the older snapshot of the same volume: only
	 * the blocks that differ between the two are listed (they may be equal all the same). */
	const char *first;
	uint32_t start;         /* the first index that is listed */
	int max_results;        /* EBS_PAGE_MIN…EBS_PAGE_MAX; 0: EBS_PAGE_MAX */
	const char *page_token; /* of the page before; AWS then ignores start. NULL: none */
};
/* done destroys the page; it is NULL on failure, with *err. A response that is not such a list, or
 * names a block twice or beyond the bounds, is EIO. */
typedef void ebs_page_done(void *arg, struct ebs_page *page, const struct err *err);
struct aws_call *ebs_list_blocks(
	struct ebs *ebs, const struct ebs_list *in, ebs_page_done *done, void *arg);

/* Parses a response; changes: of ListChangedBlocks. Also for tests. Returns 0 or -errno with *err.
 * Pure. */
int ebs_page_parse(const char *text, size_t len, bool changes, bool motos_lists,
	struct ebs_page **out, struct err *err);

#endif
