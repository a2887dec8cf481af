/* SPDX-License-Identifier: MIT */
/* XFS's log: finds its end and the part to replay, and walks it.
 *
 * The log is a ring of sectors. Each time it begins again at its start, the cycle number grows by
 * one; every sector begins with it (in a record's data it takes the place of four bytes, which the
 * record's header keeps). The end of the log, its head, is where the cycle number falls. Records
 * are written eight at a time and in any order, so the last ones before the head may have holes:
 * those are cut off. The last whole record names the tail: the first record to replay.
 *
 * All decisions are the kernel's (xlog_find_head, xlog_find_tail, xlog_verify_head and _tail). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "crc32c.h"
#include "xfs_replay.h"

#define RECORD_MAGIC       0xfeedbabeu
#define RECORD_HEADER      328u /* the checksummed bytes of a header, */
#define RECORD_HEADER_32   324u /* and those of a 32-bit kernel */
#define RECORD_EXTENSION   260u
#define RECORD_HEADER_SPAN (32u << 10) /* bytes of data that one header sector is for */
#define RECORD_MAX         (256u << 10)
#define RECORD_CYCLES      64u /* sectors whose first bytes one header keeps */
#define RECORDS_IN_FLIGHT  8u
#define RECORD_FORMAT_LE   1
#define RECORD_SECTORS_MAX (RECORD_MAX / SECTOR_SIZE + RECORD_MAX / RECORD_HEADER_SPAN)
#define WINDOW_SECTORS     (RECORDS_IN_FLIGHT * RECORD_MAX / SECTOR_SIZE)
#define LOG_SECTORS_MIN    1024u
#define LOG_INCOMPAT_KNOWN 1u
#define OP_UNMOUNT         0x20
#define OP_SIZE            12u

struct log {
	struct xfs *fs;
	uint64_t start;   /* byte of the partition */
	uint32_t sectors; /* the ring's size */
	uint32_t head, tail;
	uint32_t record_size; /* the most bytes of a record, according to the last record */
	bool clean;           /* the last record before the head is an unmount's */
	uint8_t *record;      /* memory for the largest record: its header sectors and its data */
};

struct log_record {
	uint32_t place; /* the record's first sector */
	uint32_t header_sectors, data_sectors;
	uint32_t len, ops;
	uint32_t size; /* the most bytes of a record */
	uint64_t tail_lsn;
};

static int log_damaged(struct log *log, const char *how)
{
	return filesystem_fail(&log->fs->base, EIO,
		"the log of XFS is damaged (%s): the kernel would not mount it either", how);
}

/* Reads n sectors from `place` on, around the ring's end. */
static int log_read(struct log *log, uint32_t place, uint32_t n, uint8_t *out)
{
	while (n) {
		uint32_t run = n < log->sectors - place ? n : log->sectors - place;
		int r = sectors_read(log->fs->base.disk, log->start + (uint64_t)place * SECTOR_SIZE,
			out, (size_t)run * SECTOR_SIZE);

		if (r)
			return filesystem_fail(
				&log->fs->base, -r, "cannot read the log of XFS: %s", strerror(-r));
		out += (size_t)run * SECTOR_SIZE;
		n -= run;
		place = (place + run) % log->sectors;
	}
	return 0;
}

static int log_cycle(struct log *log, uint32_t place, uint32_t *cycle, bool *header)
{
	uint8_t sector[SECTOR_SIZE];
	int r = log_read(log, place, 1, sector);

	*header = !r && bytes_be32(sector) == RECORD_MAGIC;
	*cycle = bytes_be32(sector + (*header ? 4 : 0));
	return r;
}

static uint32_t log_before(const struct log *log, uint32_t place, uint32_t n)
{
	return (uint32_t)(((uint64_t)place + log->sectors - n) % log->sectors);
}

/* Finds the first sector in [0, last] from which on all sectors have the cycle `cycle`. */
static int log_search(struct log *log, uint32_t last, uint32_t cycle, uint32_t *found)
{
	uint32_t low = 0, high = last;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2, there;
		bool header;
		int r = log_cycle(log, middle, &there, &header);

		if (r)
			return r;
		if (there == cycle)
			high = middle;
		else
			low = middle + 1;
	}
	*found = high;
	return 0;
}

/* Parses the header of the record at `place`. Returns false if there is no header. */
static bool log_record_parse(
	const struct log *log, uint32_t place, const uint8_t *header, struct log_record *out)
{
	uint64_t lsn = bytes_be64(header + 16);

	*out = (struct log_record){
		.place = place,
		.header_sectors = 1,
		.len = bytes_be32(header + 12),
		.tail_lsn = bytes_be64(header + 24),
		.ops = bytes_be32(header + 40),
		.size = bytes_be32(header + 320),
	};
	if (bytes_be32(header) != RECORD_MAGIC || !out->len || out->len > RECORD_MAX)
		return false;
	if (bytes_be32(header + 8) & 2) { /* version 2 */
		if (out->size > RECORD_MAX)
			return false;
		if (out->size > RECORD_HEADER_SPAN)
			out->header_sectors =
				(out->size + RECORD_HEADER_SPAN - 1) / RECORD_HEADER_SPAN;
	}
	out->data_sectors = (out->len + SECTOR_SIZE - 1) / SECTOR_SIZE;
	/* The record has more data than its header has room for: only the record of an unmount may
	 * be padded. */
	if (out->data_sectors > RECORD_CYCLES * out->header_sectors && out->ops > 1)
		return false;
	return out->header_sectors + out->data_sectors <= log->sectors / 2 &&
	       lsn >> 32 == bytes_be32(header + 4) && (uint32_t)lsn == place;
}

static uint32_t log_record_end(const struct log *log, const struct log_record *record)
{
	return (record->place + record->header_sectors + record->data_sectors) % log->sectors;
}

static bool log_record_crc_is_right(
	const struct log_record *record, const uint8_t *p, unsigned header)
{
	static const uint8_t zero[4];
	unsigned headers = (record->len + RECORD_HEADER_SPAN - 1) / RECORD_HEADER_SPAN;
	uint32_t crc = crc32c_add(CRC32C_START, p, 32);

	crc = crc32c_add(crc, zero, 4);
	crc = crc32c_add(crc, p + 36, header - 36);
	for (unsigned i = 1; i < headers && i < record->header_sectors; i++)
		crc = crc32c_add(crc, p + (size_t)i * SECTOR_SIZE, RECORD_EXTENSION);
	crc = crc32c_add(crc, p + (size_t)record->header_sectors * SECTOR_SIZE, record->len);
	return ~crc == bytes_le32(p + 32);
}

/* Reads a record into log->record and checks it. Returns 1 if it is whole, 0 if not, -errno. */
static int log_record_read(struct log *log, uint32_t place, struct log_record *record)
{
	int r = log_read(log, place, 1, log->record);

	if (r)
		return r;
	if (!log_record_parse(log, place, log->record, record))
		return 0;
	r = log_read(log, place, record->header_sectors + record->data_sectors, log->record);
	if (r)
		return r;
	/* mkfs writes no checksum into its only record, an unmount. */
	if (log->fs->skip_checksums || (record->ops == 1 && !bytes_le32(log->record + 32)))
		return 1;
	return log_record_crc_is_right(record, log->record, RECORD_HEADER) ||
	       log_record_crc_is_right(record, log->record, RECORD_HEADER_32);
}

/* Restores the bytes that the cycle numbers replaced. Returns the data. */
static uint8_t *log_record_unpack(struct log *log, const struct log_record *record)
{
	uint8_t *data = log->record + (size_t)record->header_sectors * SECTOR_SIZE;

	for (uint32_t i = 0; i < record->data_sectors; i++) {
		uint32_t header = i / RECORD_CYCLES, index = i % RECORD_CYCLES;
		const uint8_t *cycles = log->record + (size_t)header * SECTOR_SIZE;

		if (header >= record->header_sectors)
			break;
		memcpy(data + (size_t)i * SECTOR_SIZE, cycles + (header ? 4 : 44) + 4 * index, 4);
	}
	return data;
}

/* Finds the header of the record that ends before `place`. Returns 1, 0 if there is none, -errno.
 */
static int log_record_before(struct log *log, uint32_t place, uint32_t *found)
{
	for (uint32_t i = 1; i <= RECORD_SECTORS_MAX && i < log->sectors; i++) {
		uint32_t cycle;
		bool header;
		int r = log_cycle(log, *found = log_before(log, place, i), &cycle, &header);

		if (r || header)
			return r ? r : 1;
	}
	return 0;
}

/* Returns whether log->record, which has been read, is an unmount's. */
static bool log_record_is_unmount(struct log *log, const struct log_record *record)
{
	const uint8_t *op = log_record_unpack(log, record);

	return record->ops == 1 && record->len >= OP_SIZE && op[9] & OP_UNMOUNT;
}

/* Checks whether an unmount ends right before the head. It is written after all other records, so
 * there are no holes before it. */
static int log_check_unmount(struct log *log)
{
	struct log_record record;
	uint32_t place;
	int r = log_record_before(log, log->head, &place);

	if (r > 0)
		r = log_record_read(log, place, &record);
	if (r > 0)
		log->clean = log_record_is_unmount(log, &record) &&
			     log_record_end(log, &record) == log->head;
	return r < 0 ? r : 0;
}

/* Finds the place where the cycle number falls: log->head. *stop: the cycle of sectors that this
 * round has not written yet. Returns 1, or 0 if the log was never written. */
static int log_find_fall(struct log *log, uint32_t *stop)
{
	struct sectors *disk = log->fs->base.disk;
	uint32_t first, last;
	bool header;
	int r;

	sectors_want(disk, log->start + (uint64_t)(log->sectors - 1) * SECTOR_SIZE, SECTOR_SIZE);
	r = log_cycle(log, 0, &first, &header);
	if (!r)
		r = log_cycle(log, log->sectors - 1, &last, &header);
	if (r)
		return r;
	if (!first)
		return 0;
	*stop = first == last ? last - 1 : last;
	log->head = 0;
	if (first != last)
		r = log_search(log, log->sectors - 1, last, &log->head);
	return r ? r : 1;
}

/* Moves the head back over sectors that this round has not written: the records there were in
 * flight. */
static int log_skip_holes(struct log *log, uint32_t stop)
{
	uint32_t window = WINDOW_SECTORS < log->sectors / 2 ? WINDOW_SECTORS : log->sectors / 2;
	uint32_t head = log->head, first = log_before(log, head, window);

	sectors_want(log->fs->base.disk, log->start + (uint64_t)first * SECTOR_SIZE,
		(uint64_t)window * SECTOR_SIZE);
	/* At the ring's start, sectors that were not written have the cycle before. */
	for (uint32_t i = 1; i <= window; i++) {
		uint32_t place = log_before(log, head, i), cycle;
		bool header, wrapped = place >= head;
		int r = log_cycle(log, place, &cycle, &header);

		if (r)
			return r;
		if (cycle == (wrapped && head ? stop - 1 : stop))
			log->head = place;
	}
	return 0;
}

/* Moves the head back to the end of the last record before which all records are whole, and reads
 * the tail from that record. Returns 1, or 0 if there is no record. */
static int log_find_tail(struct log *log)
{
	uint32_t places[RECORDS_IN_FLIGHT], n = 0, place = log->head;
	struct log_record record;
	bool found = false;
	int r;

	while (n < RECORDS_IN_FLIGHT) {
		r = log_record_before(log, place, &places[n]);
		if (r < 0)
			return r;
		if (!r)
			break;
		place = places[n++];
	}
	if (!n)
		return 0;
	for (; n; n--) {
		r = log_record_read(log, places[n - 1], &record);
		if (r < 0)
			return r;
		if (!r || log_record_end(log, &record) != (n > 1 ? places[n - 2] : log->head)) {
			log->head = places[n - 1];
			break;
		}
		log->tail = (uint32_t)record.tail_lsn;
		log->clean = log_record_is_unmount(log, &record);
		log->record_size =
			record.size > RECORD_HEADER_SPAN ? record.size : RECORD_HEADER_SPAN;
		found = true;
	}
	if (!found)
		return log_damaged(log, "none of the last records is whole");
	return log->tail < log->sectors ? 1 : log_damaged(log, "its tail lies outside");
}

/* Sets log->head, log->tail and log->clean. */
static int log_find_range(struct log *log)
{
	uint32_t stop = 0;
	int r = log_find_fall(log, &stop);

	if (!r)
		log->clean = true;
	if (r > 0)
		r = log_check_unmount(log);
	if (r || log->clean)
		return r;
	r = log_skip_holes(log, stop);
	if (!r)
		r = log_find_tail(log);
	if (!r)
		log->clean = true;
	return r < 0 ? r : 0;
}

/* Fetches the next blocks in parallel when the fetched ones are used up. *ahead: how many of the
 * next sectors have been fetched. */
static int log_read_ahead(struct log *log, uint32_t place, uint32_t left, uint32_t *ahead)
{
	uint32_t most = (SECTORS_BATCH - 1) * SECTORS_BLOCK / SECTOR_SIZE;
	int r;

	if (*ahead)
		return 0;
	*ahead = left < log->sectors - place ? left : log->sectors - place;
	if (*ahead > most)
		*ahead = most;
	sectors_want(log->fs->base.disk, log->start + (uint64_t)place * SECTOR_SIZE,
		(uint64_t)*ahead * SECTOR_SIZE);
	r = sectors_fetch(log->fs->base.disk);
	return r ? filesystem_fail(
			   &log->fs->base, -r, "cannot read the log of XFS: %s", strerror(-r))
		 : 0;
}

/* Passes a record that has been read to the transactions. */
static int log_apply_record(
	struct log *log, const struct log_record *record, struct xfs_transactions *transactions)
{
	int r;

	if (bytes_be32(log->record + 300) != RECORD_FORMAT_LE)
		return filesystem_fail(&log->fs->base, EOPNOTSUPP,
			"the log of XFS is that of a big-endian machine and not clean: mount it "
			"there first");
	r = xfs_transactions_record(
		transactions, record->ops, log_record_unpack(log, record), record->len);
	switch (r) {
	case -EIO:
		return log_damaged(log, "a record's contents are impossible");
	case -EFBIG:
	case -ENOMEM:
		return filesystem_fail(&log->fs->base, -r,
			"the log of XFS is too large to be replayed in memory: a kernel that "
			"mounts the disk (.rw) replays it");
	default:
		return r;
	}
}

/* Passes the records from the tail to the head to the transactions. Returns 0, -errno, or 1 with
 * *torn at the first record that is not whole. */
static int log_walk(struct log *log, struct xfs_transactions *transactions, uint32_t *torn)
{
	uint32_t place = log->tail, walked = 0, ahead = 0;
	uint32_t whole = (log->head + log->sectors - log->tail) % log->sectors;

	while (walked < whole) {
		struct log_record record;
		uint32_t n;
		int r = log_read_ahead(log, place, whole - walked, &ahead);

		if (!r)
			r = log_record_read(log, place, &record);
		if (r < 0)
			return r;
		if (!r) {
			*torn = place;
			return 1;
		}
		r = log_apply_record(log, &record, transactions);
		if (r)
			return r;
		n = record.header_sectors + record.data_sectors;
		walked += n;
		ahead -= n < ahead ? n : ahead;
		place = log_record_end(log, &record);
	}
	return walked == whole ? 0 : log_damaged(log, "its records overlap");
}

/* Handles a log that was full: records in flight at the head may have overwritten those at the
 * tail, which were about to be dropped. Moves the tail to the next record. Returns 1, 0 if the torn
 * record is not right after the head, -errno. */
static int log_skip_torn_tail(struct log *log, uint32_t torn)
{
	uint32_t after_head = (torn + log->sectors - log->head) % log->sectors;
	uint32_t left = (log->head + log->sectors - torn) % log->sectors;

	if (after_head > RECORDS_IN_FLIGHT * (log->record_size / SECTOR_SIZE))
		return 0;
	for (uint32_t i = 1; i < left; i++) {
		uint32_t place = (torn + i) % log->sectors, cycle;
		bool header;
		int r = log_cycle(log, place, &cycle, &header);

		if (r)
			return r;
		if (header) {
			log->tail = place;
			return 1;
		}
	}
	return 0;
}

/* Replays the range into an empty overlay. Returns as log_walk(). */
static int log_replay_range(struct log *log, uint32_t *torn)
{
	struct xfs *fs = log->fs;
	struct xfs_replay replay = {.fs = fs};
	struct xfs_transactions transactions = {
		.wanted = xfs_replay_wants, .commit = xfs_replay_commit, .arg = &replay};
	int r = log_walk(log, &transactions, torn);

	if (!r)
		r = xfs_replay_end(&replay);
	if (!r)
		snprintf(fs->base.note, sizeof(fs->base.note), "log replayed: %llu transactions",
			(unsigned long long)transactions.committed);
	xfs_transactions_finish(&transactions);
	xfs_replay_finish(&replay);
	return r;
}

static int log_replay(struct log *log)
{
	struct xfs *fs = log->fs;
	uint32_t incompat = fs->log_incompat & ~LOG_INCOMPAT_KNOWN;
	uint32_t torn = 0;
	int r = log_find_range(log);

	if (r || log->clean || log->head == log->tail)
		return r;
	if (!fs->v5)
		return filesystem_fail(&fs->base, EOPNOTSUPP,
			"XFS version 4 was in use, and its log cannot be replayed here: a kernel "
			"that mounts the disk (.rw) replays it");
	if (incompat)
		return filesystem_fail(&fs->base, EOPNOTSUPP,
			"the log of XFS has a feature (bit %d) that is newer than this ebsfs",
			ffs((int)incompat) - 1);
	while ((r = log_replay_range(log, &torn)) > 0) {
		r = log_skip_torn_tail(log, torn);
		if (r < 0)
			return r;
		if (!r)
			return log_damaged(log, "a record's checksum is wrong");
		overlay_finish(&fs->overlay);
		r = xfs_superblock_read(fs);
		if (r)
			return r;
	}
	return r;
}

int xfs_log_replay(struct xfs *fs)
{
	struct log log = {.fs = fs};
	uint64_t start = xfs_block_offset(fs, fs->log_start);
	uint64_t sectors = (uint64_t)fs->log_blocks << (fs->block_log - 9);
	int r;

	if (!fs->log_start)
		return filesystem_fail(&fs->base, EOPNOTSUPP,
			"the log of XFS is on another device, without which it cannot be read");
	if (start == XFS_OUTSIDE || sectors < LOG_SECTORS_MIN || sectors > UINT32_MAX / 2 ||
		sectors * SECTOR_SIZE > sectors_size(fs->base.disk) - start)
		return log_damaged(&log, "its place is impossible");
	log.start = start;
	log.sectors = (uint32_t)sectors;
	log.record = malloc((size_t)RECORD_SECTORS_MAX * SECTOR_SIZE);
	if (!log.record)
		return filesystem_fail(&fs->base, ENOMEM, "out of memory");
	r = log_replay(&log);
	free(log.record);
	return r;
}
