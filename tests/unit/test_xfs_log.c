/* SPDX-License-Identifier: MIT */
/* XFS's log: from operations to transactions, and the rules by which these are replayed. The
 * kernel's view of whole images is compared by tests/contents. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "xfs_replay.h"
#include "xfs_transaction.h"

enum { OP_START = 1, OP_COMMIT = 2, OP_CONTINUE = 4, OP_CONTINUED = 8, OP_END = 16 };

/* A record's data, as it is written. */
struct record {
	uint8_t data[8192];
	size_t len;
	unsigned ops;
};

static void record_op(
	struct record *record, uint32_t id, unsigned flags, const void *data, uint32_t len)
{
	uint8_t *p = record->data + record->len;

	memset(p, 0, 12);
	bytes_put_be32(p, id);
	bytes_put_be32(p + 4, len);
	p[9] = (uint8_t)flags;
	if (len)
		memcpy(p + 12, data, len);
	record->len += 12 + len;
	record->ops++;
}

static int record_feed(struct record *record, struct xfs_transactions *t)
{
	int r = xfs_transactions_record(t, record->ops, record->data, record->len);

	*record = (struct record){0};
	return r;
}

struct commits {
	unsigned count;
	uint32_t ids[8];
	char text[256]; /* of the items: regions, separated */
};

static bool commits_wants(const uint8_t *description, uint32_t len)
{
	return description[0] != 'x';
}

static int commits_add(void *arg, const struct xfs_transaction *transaction)
{
	struct commits *commits = arg;

	commits->ids[commits->count++] = transaction->id;
	for (unsigned i = 0; i < transaction->count; i++) {
		const struct xfs_log_item *item = &transaction->items[i];

		for (unsigned k = 0; k < item->count; k++) {
			if (!item->ignored) /* an ignored item's regions have no data */
				strncat(commits->text, (const char *)item->regions[k].data,
					item->regions[k].len);
			strcat(commits->text, item->ignored ? "-" : "|");
		}
	}
	return 0;
}

static struct xfs_transactions commits_of(struct commits *commits)
{
	return (struct xfs_transactions){
		.wanted = commits_wants, .commit = commits_add, .arg = commits};
}

static const char header[16] = "NART";

static void transactions_are_interleaved(void **state)
{
	struct commits commits = {0};
	struct xfs_transactions t = commits_of(&commits);
	struct record record = {0};

	record_op(&record, 1, OP_START, NULL, 0);
	record_op(&record, 2, OP_START, NULL, 0);
	record_op(&record, 1, 0, header, sizeof(header));
	record_op(&record, 2, 0, header, sizeof(header));
	record_op(&record, 2, 0, "i1\1\0a", 5);
	record_op(&record, 9, 0, "began before the tail", 8);
	record_op(&record, 2, OP_COMMIT, NULL, 0);
	record_op(&record, 1, 0, "x1\2\0", 4);
	record_op(&record, 1, 0, "left out", 8);
	record_op(&record, 1, 0, "i1\1\0b", 5);
	assert_int_equal(record_feed(&record, &t), 0);
	record_op(&record, 1, OP_COMMIT, NULL, 0);
	assert_int_equal(record_feed(&record, &t), 0);
	assert_int_equal(commits.count, 2);
	assert_int_equal(commits.ids[0], 2);
	assert_int_equal(t.committed, 2);
	assert_int_equal(t.bytes, 0);
	assert_string_equal(commits.text, "i1\1|--i1\1|");
	xfs_transactions_finish(&t);
}

static void regions_continue(void **state)
{
	struct commits commits = {0};
	struct xfs_transactions t = commits_of(&commits);
	struct record record = {0};

	record_op(&record, 1, OP_START, NULL, 0);
	record_op(&record, 1, OP_CONTINUE, header, 6);
	assert_int_equal(record_feed(&record, &t), 0);
	record_op(&record, 1, OP_CONTINUED | OP_END, header + 6, 10);
	record_op(&record, 1, 0, "ii\2\0", 4);
	record_op(&record, 1, OP_CONTINUE, "abc", 3);
	assert_int_equal(record_feed(&record, &t), 0);
	record_op(&record, 1, OP_CONTINUED | OP_CONTINUE, "def", 3);
	assert_int_equal(record_feed(&record, &t), 0);
	record_op(&record, 1, OP_CONTINUED | OP_END, "gh", 2);
	record_op(&record, 1, OP_COMMIT, NULL, 0);
	assert_int_equal(record_feed(&record, &t), 0);
	assert_string_equal(commits.text, "ii\2|abcdefgh|");
	xfs_transactions_finish(&t);
}

static void damage_is_refused(void **state)
{
	struct commits commits = {0};
	struct xfs_transactions t = commits_of(&commits);
	struct record record = {0};

	record_op(&record, 1, OP_START, NULL, 0);
	record_op(&record, 1, 0, "no header here..", 16);
	assert_int_equal(record_feed(&record, &t), -EIO);
	record_op(&record, 2, OP_START, NULL, 0);
	record_op(&record, 2, OP_CONTINUED, header, 16);
	record_op(&record, 2, 0, "i1\0\0", 4); /* no regions */
	assert_int_equal(record_feed(&record, &t), -EIO);
	record_op(&record, 2, 0x40, NULL, 0);
	assert_int_equal(record_feed(&record, &t), -EIO);
	record_op(&record, 3, OP_START, NULL, 0);
	record.len--;
	assert_int_equal(record_feed(&record, &t), -EIO);
	for (unsigned i = 0; i < 300; i++)
		record_op(&record, 100 + i, OP_START, NULL, 0);
	assert_int_equal(record_feed(&record, &t), -EFBIG);
	xfs_transactions_finish(&t);
}

/* A file system of 1 KiB blocks and 512-byte inodes, of which only the log's effect is read. */

#define BLOCKS 4096u

static int world_fetch(void *ctx, const uint64_t *index, void *const *out, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		memset(out[i], 0x11, SECTORS_BLOCK);
	return 0;
}

struct world {
	struct xfs fs;
	struct xfs_replay replay;
	struct xfs_log_item items[4];
	struct xfs_log_region regions[4][3];
	uint8_t bytes[4][3][1024];
	unsigned count;
};

static void world_start(struct world *w)
{
	*w = (struct world){0};
	w->fs.base.disk = sectors_create(
		&(struct sectors_source){world_fetch, NULL}, 0, BLOCKS * UINT64_C(1024));
	w->fs.v5 = true;
	w->fs.block_log = 10;
	w->fs.block_size = 1024;
	w->fs.inode_size = 512;
	w->fs.inode_per_block_log = 1;
	w->fs.inode_cluster_sectors = 32;
	w->fs.ag_block_log = 12;
	w->fs.ag_blocks = w->fs.data_blocks = BLOCKS;
	w->fs.ag_count = 1;
	w->replay.fs = &w->fs;
}

static void world_end(struct world *w)
{
	xfs_replay_finish(&w->replay);
	overlay_finish(&w->fs.overlay);
	sector_map_finish(&w->fs.unfinished);
	sector_map_finish(&w->fs.exchanged);
	sectors_destroy(w->fs.base.disk);
}

/* Adds an item with the room of 1 KiB in each region. Returns its description. */
static uint8_t *world_item(struct world *w, uint16_t type, unsigned regions)
{
	struct xfs_log_item *item = &w->items[w->count];
	uint8_t *head = w->bytes[w->count][0];
	uint8_t le[2] = {(uint8_t)type, (uint8_t)(type >> 8)};

	item->regions = w->regions[w->count];
	item->count = item->total = regions;
	for (unsigned i = 0; i < regions; i++)
		item->regions[i] = (struct xfs_log_region){w->bytes[w->count][i], 1024};
	w->count++;
	memset(head, 0, 1024);
	memcpy(head, le, 2);
	return head;
}

/* The first 128 bytes of a buffer become `fill`, or the buffer is cancelled. */
static void world_buffer(
	struct world *w, uint8_t sector, uint8_t sectors, unsigned flags, uint8_t fill)
{
	uint8_t *head = world_item(w, 0x123c, flags & 2 ? 1 : 2);

	head[4] = (uint8_t)flags;
	head[5] = (uint8_t)(flags >> 8);
	head[6] = sectors;
	head[8] = sector;
	head[16] = 1; /* a word of the map, */
	head[20] = flags & 2 ? 0 : 1;
	memset(w->bytes[w->count - 1][1], fill, 1024);
	w->regions[w->count - 1][1].len = 128;
}

static int world_commit(struct world *w)
{
	struct xfs_transaction transaction = {.items = w->items, .count = w->count};
	int r;

	for (unsigned i = 0; i < w->count; i++)
		w->items[i].ignored = !xfs_replay_wants(w->bytes[i][0], 1024);
	r = xfs_replay_commit(&w->replay, &transaction);
	w->count = 0;
	return r;
}

static uint8_t world_byte(struct world *w, uint64_t sector)
{
	uint8_t byte;

	assert_int_equal(xfs_metadata_read(&w->fs, sector * SECTOR_SIZE + 100, &byte, 1), 0);
	return byte;
}

#define DIR_DATA (11u << 11)
#define DIR_LEAF (13u << 11)
#define CANCEL   2u

static void cancelled_buffers_vanish(void **state)
{
	struct world w;

	world_start(&w);
	world_buffer(&w, 8, 8, DIR_DATA, 0xaa);
	world_buffer(&w, 40, 8, DIR_LEAF, 0xbb); /* never read */
	assert_int_equal(world_commit(&w), 0);
	assert_int_equal(world_byte(&w, 8), 0xaa);
	assert_int_equal(world_byte(&w, 9), 0x11);
	assert_int_equal(world_byte(&w, 40), 0x11);
	world_buffer(&w, 16, 8, DIR_DATA, 0xcc); /* lies in the cancelled one, and is newer */
	world_buffer(&w, 8, 32, CANCEL, 0);
	assert_int_equal(world_commit(&w), 0);
	assert_int_equal(world_byte(&w, 8), 0x11);
	assert_int_equal(world_byte(&w, 16), 0xcc);
	world_buffer(&w, 8, 8, DIR_DATA, 0xdd); /* allocated anew */
	assert_int_equal(world_commit(&w), 0);
	assert_int_equal(world_byte(&w, 8), 0xdd);
	world_buffer(&w, 8, 8, DIR_DATA, 0xee);
	world_buffer(&w, 8, 8, CANCEL, 0);
	assert_int_equal(world_commit(&w), 0);
	assert_int_equal(world_byte(&w, 8), 0x11);
	world_end(&w);
}

static void new_inodes_of_a_cancelled_chunk_are_skipped(void **state)
{
	struct world w;
	uint8_t *head;

	world_start(&w);
	for (unsigned cancelled = 0; cancelled < 3; cancelled++) {
		head = world_item(&w, 0x123f, 1);
		bytes_put_be32(head + 8, 32);  /* the block, */
		bytes_put_be32(head + 12, 64); /* the inodes, */
		bytes_put_be32(head + 16, 512);
		if (cancelled)
			world_buffer(&w, 64, cancelled == 1 ? 8 : 32, CANCEL, 0);
		assert_int_equal(world_commit(&w), 0);
		/* A buffer of another size was a directory's, there before the chunk. */
		assert_int_equal(
			overlay_touches(&w.fs.overlay, 64 * SECTOR_SIZE, 512), cancelled < 2);
	}
	world_end(&w);
}

static void unfinished_changes_are_marked(void **state)
{
	struct world w;
	uint64_t any;

	world_start(&w);
	for (uint8_t id = 1; id <= 3; id++) {
		uint8_t *head = world_item(&w, 0x1244, 1);

		head[8] = id;
		head[16] = 100 + id; /* the inode */
	}
	assert_int_equal(world_commit(&w), 0);
	world_item(&w, 0x1245, 1)[8] = 2; /* finished */
	assert_int_equal(world_commit(&w), 0);
	assert_int_equal(xfs_replay_end(&w.replay), 0);
	assert_true(sector_map_get(&w.fs.unfinished, 101, &any));
	assert_false(sector_map_get(&w.fs.unfinished, 102, &any));
	assert_true(sector_map_get(&w.fs.unfinished, 103, &any));
	world_end(&w);
}

static void unknown_items_are_refused(void **state)
{
	struct world w;

	world_start(&w);
	world_item(&w, 0x1266, 1);
	assert_int_equal(world_commit(&w), -EOPNOTSUPP);
	assert_non_null(strstr(w.fs.base.reason, "0x1266"));
	world_buffer(&w, 8, 0, DIR_DATA, 0); /* no sectors */
	assert_int_equal(world_commit(&w), -EIO);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transactions_are_interleaved),
		cmocka_unit_test(regions_continue),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(cancelled_buffers_vanish),
		cmocka_unit_test(new_inodes_of_a_cancelled_chunk_are_skipped),
		cmocka_unit_test(unfinished_changes_are_marked),
		cmocka_unit_test(unknown_items_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
