/* SPDX-License-Identifier: MIT */
/* The master boot record has four entries; one of them may be an extended partition, a chain of
 * further records with the logical partitions, which count from 5. The rules are the kernel's. */
#include "partitions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "gpt.h"
#include "partition_types.h"
#include "recognise.h"

#define TABLE_OFFSET   446u
#define ENTRY_SIZE     16u
#define TYPE_GPT       0xee
#define FIRST_LOGICAL  5u
#define LOGICAL_MAX    100u /* records that are followed, as the kernel does */
#define RECORD_IS_GPT  1
#define RECORD_IS_NONE 2

struct mbr_entry {
	uint64_t start, size; /* sectors; start relative to a record */
	uint8_t active, type;
};

static struct mbr_entry entry_at(const uint8_t *record, unsigned i)
{
	const uint8_t *p = record + TABLE_OFFSET + (size_t)i * ENTRY_SIZE;

	return (struct mbr_entry){bytes_le32(p + 8), bytes_le32(p + 12), p[0], p[4]};
}

static bool entry_is_extended(const struct mbr_entry *entry)
{
	return entry->size && (entry->type == 0x05 || entry->type == 0x0f || entry->type == 0x85);
}

static bool record_is_valid(const uint8_t *record)
{
	return record[510] == 0x55 && record[511] == 0xaa;
}

/* Adds a partition, in sectors of the disk, unless it begins outside of the disk. */
static void partition_add(struct reader_table *table, struct reader_partition *list,
	uint64_t disk_sectors, uint64_t start, const struct mbr_entry *entry, unsigned number)
{
	struct reader_partition *out = &list[table->count];
	uint64_t size = entry->size;

	if (table->count == READER_PARTITIONS_MAX || !start || start >= disk_sectors)
		return;
	if (size > disk_sectors - start)
		size = disk_sectors - start;
	*out = (struct reader_partition){
		.start = start * SECTOR_SIZE, .size = size * SECTOR_SIZE, .number = number};
	partition_type_mbr(entry->type, out->type, sizeof(out->type));
	if (entry_is_extended(entry))
		strcpy(out->note, "contains the partitions from 5 on");
	table->count++;
}

/* Adds the logical partitions of one record, which is at the sector `at`. */
static void logical_add(struct reader_table *table, struct reader_partition *list,
	const uint8_t *record, uint64_t disk_sectors, uint64_t at, uint64_t record_size,
	const struct mbr_entry *extended, unsigned *number)
{
	for (unsigned i = 0; i < 4; i++) {
		struct mbr_entry entry = entry_at(record, i);
		uint64_t start = at + entry.start;

		if (!entry.size || entry_is_extended(&entry))
			continue;
		/* The third and fourth entry may contain garbage. */
		if (i >= 2 && (entry.start + entry.size > record_size || start < extended->start ||
				      start + entry.size > extended->start + extended->size))
			continue;
		partition_add(table, list, disk_sectors, start, &entry, (*number)++);
	}
}

static int extended_read(struct sectors *disk, const struct mbr_entry *extended,
	struct reader_table *table, struct reader_partition *list)
{
	uint64_t disk_sectors = sectors_size(disk) / SECTOR_SIZE, at = extended->start;
	uint64_t record_size = extended->size;
	unsigned number = FIRST_LOGICAL;
	uint8_t record[SECTOR_SIZE];

	for (unsigned seen = 0; seen < LOGICAL_MAX && at < disk_sectors; seen++) {
		struct mbr_entry next;
		int r = sectors_read(disk, at * SECTOR_SIZE, record, sizeof(record));

		if (r)
			return r;
		if (!record_is_valid(record))
			break;
		logical_add(table, list, record, disk_sectors, at, record_size, extended, &number);
		next = entry_at(record, 0);
		for (unsigned i = 1; i < 4 && !entry_is_extended(&next); i++)
			next = entry_at(record, i);
		if (!entry_is_extended(&next))
			break;
		at = extended->start + next.start;
		record_size = next.size;
	}
	return 0;
}

/* Reads the MBR. RECORD_IS_GPT: the MBR protects a GPT; RECORD_IS_NONE: it is no partition table.
 */
static int mbr_read(struct sectors *disk, struct reader_table *table, struct reader_partition *list)
{
	uint64_t disk_sectors = sectors_size(disk) / SECTOR_SIZE;
	const struct mbr_entry *extended = NULL;
	struct mbr_entry entries[4];
	uint8_t record[SECTOR_SIZE];
	int r = sectors_read(disk, 0, record, sizeof(record));
	bool gpt = false, used = false;

	if (r)
		return r;
	if (!record_is_valid(record))
		return RECORD_IS_NONE;
	for (unsigned i = 0; i < 4; i++) {
		entries[i] = entry_at(record, i);
		if (entries[i].active & 0x7f)
			return RECORD_IS_NONE; /* the code of a boot sector */
		gpt |= entries[i].type == TYPE_GPT && entries[i].start == 1;
		used |= entries[i].size && entries[i].type;
	}
	if (gpt || !used)
		return gpt ? RECORD_IS_GPT : RECORD_IS_NONE;
	table->kind = READER_TABLE_MBR;
	for (unsigned i = 0; i < 4; i++) {
		if (entries[i].size)
			partition_add(
				table, list, disk_sectors, entries[i].start, &entries[i], i + 1);
		if (!extended && entry_is_extended(&entries[i]))
			extended = &entries[i];
	}
	return extended ? extended_read(disk, extended, table, list) : 0;
}

/* Recognises the contents of each partition. Their beginnings are fetched in parallel. */
static int contents_recognise(
	struct sectors *disk, struct reader_table *table, struct reader_partition *list)
{
	for (unsigned i = 0; i < table->count; i++)
		if (!sectors_want(disk, list[i].start, RECOGNISE_LENGTH))
			break;
	int r = sectors_fetch(disk);

	for (unsigned i = 0; i < table->count && !r; i++) {
		if (list[i].note[0])
			continue;
		r = recognise(disk, list[i].start, list[i].size, &list[i]);
		r = r < 0 ? r : 0;
	}
	return r;
}

int partitions_read(struct sectors *disk, struct reader_table *table, struct reader_partition *list,
	struct err *e)
{
	int r = mbr_read(disk, table, list);

	if (r == RECORD_IS_GPT)
		r = gpt_read(disk, table, list);
	if (r == -ENOENT) {
		table->kind = READER_TABLE_GPT;
		strcpy(table->note, "the partition table (GPT) and its backup are damaged");
		r = 0;
	}
	if (r == RECORD_IS_NONE) {
		table->kind = READER_TABLE_NONE;
		table->count = 1;
		list[0] = (struct reader_partition){.size = sectors_size(disk)};
		r = 0;
	}
	if (!r)
		r = contents_recognise(disk, table, list);
	return r ? err_set(e, -r, "cannot read the partition table: %s", strerror(-r)) : 0;
}
