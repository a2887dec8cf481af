/* SPDX-License-Identifier: MIT */
/* XFS's log: from operations to transactions. */
#include "xfs_transaction.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

#define OP_HEADER    12
#define OP_START     0x01
#define OP_COMMIT    0x02
#define OP_CONTINUE  0x04
#define OP_CONTINUED 0x08
#define OP_END       0x10
#define OP_UNMOUNT   0x20

#define TRANSACTION_HEADER 16
#define PENDING_MAX        256
#define PENDING_BYTES      ((size_t)32 << 20)
#define REGIONS_MAX        1024 /* of one item; the kernel has at most some hundred */
#define REGION_COST        32   /* counted for each region in addition to its bytes */

static void transaction_free(struct xfs_transaction *transaction)
{
	for (unsigned i = 0; i < transaction->count; i++) {
		struct xfs_log_item *item = &transaction->items[i];

		for (unsigned k = 0; k < item->count; k++)
			free(item->regions[k].data);
		free(item->regions);
	}
	free(transaction->items);
}

void xfs_transactions_finish(struct xfs_transactions *t)
{
	for (unsigned i = 0; i < t->count; i++)
		transaction_free(&t->pending[i]);
	free(t->pending);
	t->pending = NULL;
	t->count = 0;
}

static size_t transaction_bytes(const struct xfs_transaction *transaction)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < transaction->count; i++)
		for (unsigned k = 0; k < transaction->items[i].count; k++)
			bytes += transaction->items[i].regions[k].len + REGION_COST;
	return bytes;
}

static void transaction_drop(struct xfs_transactions *t, struct xfs_transaction *transaction)
{
	t->bytes -= transaction_bytes(transaction);
	transaction_free(transaction);
	*transaction = t->pending[--t->count];
}

static struct xfs_transaction *transaction_find(struct xfs_transactions *t, uint32_t id)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->pending[i].id == id)
			return &t->pending[i];
	return NULL;
}

static int transaction_start(struct xfs_transactions *t, uint32_t id)
{
	struct xfs_transaction *larger;

	if (t->count == PENDING_MAX)
		return -EFBIG;
	larger = realloc(t->pending, (t->count + 1) * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	t->pending = larger;
	t->pending[t->count++] = (struct xfs_transaction){.id = id};
	return 0;
}

/* Copies bytes to the end of an item's last region. */
static int region_append(
	struct xfs_transactions *t, struct xfs_log_item *item, const uint8_t *data, uint32_t len)
{
	struct xfs_log_region *region = &item->regions[item->count - 1];
	uint8_t *larger;

	if (item->ignored)
		return 0;
	if (len > PENDING_BYTES - t->bytes)
		return -EFBIG;
	larger = realloc(region->data, (size_t)region->len + len);
	if (!larger)
		return -ENOMEM;
	memcpy(larger + region->len, data, len);
	region->data = larger;
	region->len += len;
	t->bytes += len;
	return 0;
}

/* Returns the item that the next region belongs to: the last one, or a new one if the last is
 * complete. NULL on ENOMEM. */
static struct xfs_log_item *item_current(struct xfs_transaction *transaction)
{
	unsigned n = transaction->count;
	struct xfs_log_item *items = transaction->items;

	if (n && (!items[n - 1].total || items[n - 1].count < items[n - 1].total))
		return &items[n - 1];
	if (!(n & (n - 1))) /* grows at each power of two */
		items = realloc(items, (n ? 2 * n : 1) * sizeof(*items));
	if (!items)
		return NULL;
	transaction->items = items;
	items[transaction->count++] = (struct xfs_log_item){0};
	return &items[n];
}

/* Makes room for the regions of an item whose description begins here. */
static int item_begin(
	struct xfs_transactions *t, struct xfs_log_item *item, const uint8_t *data, uint32_t len)
{
	unsigned total;

	if (len < 4)
		return -EIO;
	total = bytes_le16(data + 2);
	if (!total || total > REGIONS_MAX)
		return -EIO;
	item->ignored = !t->wanted(data, len);
	if (total * REGION_COST > PENDING_BYTES - t->bytes)
		return -EFBIG;
	item->regions = calloc(total, sizeof(*item->regions));
	if (!item->regions)
		return -ENOMEM;
	item->total = total;
	return 0;
}

static int region_add(struct xfs_transactions *t, struct xfs_transaction *transaction,
	const uint8_t *data, uint32_t len)
{
	struct xfs_log_item *item = item_current(transaction);
	int r = item ? 0 : -ENOMEM;

	if (!r && !item->total)
		r = item_begin(t, item, data, len);
	if (r)
		return r;
	item->count++;
	t->bytes += REGION_COST;
	return region_append(t, item, data, len);
}

/* Handles a whole region, or the beginning of one; the transaction's header comes before all
 * others. */
static int op_region(struct xfs_transactions *t, struct xfs_transaction *transaction,
	const uint8_t *data, uint32_t len)
{
	if (!len)
		return 0;
	if (!transaction->header_len) {
		if (len > TRANSACTION_HEADER ||
			memcmp(data, "NART", len < 4 ? len : 4)) /* "TRAN", little-endian */
			return -EIO;
		transaction->header_len = len;
		return 0;
	}
	return region_add(t, transaction, data, len);
}

/* Handles the continuation of the last region, or of the header. */
static int op_continued(struct xfs_transactions *t, struct xfs_transaction *transaction,
	const uint8_t *data, uint32_t len)
{
	struct xfs_log_item *item;

	if (transaction->header_len < TRANSACTION_HEADER) {
		if (len != TRANSACTION_HEADER - transaction->header_len)
			return -EIO;
		transaction->header_len += len;
		return 0;
	}
	if (!transaction->count)
		return -EIO;
	item = &transaction->items[transaction->count - 1];
	return item->count ? region_append(t, item, data, len) : -EIO;
}

static int op_process(struct xfs_transactions *t, const uint8_t *op)
{
	uint32_t id = bytes_be32(op), len = bytes_be32(op + 4);
	unsigned flags = op[9] & ~(unsigned)OP_END;
	struct xfs_transaction *transaction = transaction_find(t, id);
	int r;

	if (!transaction)
		return flags & OP_START ? transaction_start(t, id) : 0;
	if (flags & OP_CONTINUED)
		flags &= ~(unsigned)OP_CONTINUE;
	switch (flags) {
	case 0:
	case OP_CONTINUE:
		return op_region(t, transaction, op + OP_HEADER, len);
	case OP_CONTINUED:
		return op_continued(t, transaction, op + OP_HEADER, len);
	case OP_COMMIT:
		r = t->commit(t->arg, transaction);
		t->committed++;
		transaction_drop(t, transaction);
		return r;
	case OP_UNMOUNT:
		transaction_drop(t, transaction);
		return 0;
	default:
		return -EIO;
	}
}

int xfs_transactions_record(
	struct xfs_transactions *t, unsigned ops, const uint8_t *data, size_t len)
{
	for (; ops && len; ops--) {
		size_t size;
		int r;

		if (len < OP_HEADER)
			return -EIO;
		size = OP_HEADER + (size_t)bytes_be32(data + 4);
		if (size > len)
			return -EIO;
		r = op_process(t, data);
		if (r)
			return r;
		data += size;
		len -= size;
	}
	return 0;
}
