/* SPDX-License-Identifier: MIT */
/* XFS's log: assembles the operations of records into transactions. The operations of several
 * transactions are interleaved, and a region may continue in the next record. */
#ifndef EBSFS_XFS_TRANSACTION_H
#define EBSFS_XFS_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A logged object: its first region describes it, the others contain its bytes. Numbers in a
 * description are in the machine's byte order: little-endian; xfs_log.c refuses the other. */
struct xfs_log_item {
	struct xfs_log_region {
		uint8_t *data;
		uint32_t len;
	} * regions;
	unsigned count;
	unsigned total; /* the number of regions it will have; 0: not even the first has come */
	bool ignored;   /* its bytes are not kept */
};

struct xfs_transaction {
	uint32_t id;
	unsigned header_len; /* bytes of its header seen so far */
	struct xfs_log_item *items;
	unsigned count;
};

struct xfs_transactions {
	struct xfs_transaction *pending;
	unsigned count;
	size_t bytes; /* bytes of all regions of pending transactions */
	uint64_t committed;
	/* Returns whether an item is of use, by the first bytes of its description. */
	bool (*wanted)(const uint8_t *description, uint32_t len);
	/* Called for each transaction in the order of the commits. Returns 0 or -errno. */
	int (*commit)(void *arg, const struct xfs_transaction *transaction);
	void *arg;
};

void xfs_transactions_finish(struct xfs_transactions *t);
/* Handles the operations of a record: `len` unpacked bytes. Returns 0, -EIO for damage, -EFBIG,
 * -ENOMEM or the result of commit(). */
int xfs_transactions_record(
	struct xfs_transactions *t, unsigned ops, const uint8_t *data, size_t len);

#endif
