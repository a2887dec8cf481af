/* SPDX-License-Identifier: MIT */
/* Reads a GPT: its header in the disk's second or last sector, and the array that the header
 * locates. Both have a checksum. EBS's disks have sectors of 512 bytes. */
#include "gpt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "cleanup.h"
#include "partition_types.h"
#include "unicode.h"

#define HEADER_LEAST  92u
#define ENTRY_LEAST   128u
#define ENTRIES_BYTES (1u << 20) /* the largest array that is read */
#define NAME_UNITS    36u

uint32_t gpt_crc32(const uint8_t *data, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320u & (0 - (crc & 1)));
	}
	return ~crc;
}

static void entry_read(const uint8_t *p, uint64_t sectors, unsigned number,
	struct reader_table *table, struct reader_partition *list)
{
	static const uint8_t unused[16];
	uint64_t first = bytes_le64(p + 32), last = bytes_le64(p + 40);
	struct reader_partition *out = &list[table->count];

	if (!memcmp(p, unused, sizeof(unused)) || first > last || last >= sectors)
		return;
	if (table->count == READER_PARTITIONS_MAX) {
		snprintf(table->note, sizeof(table->note), "only the first %u partitions are shown",
			READER_PARTITIONS_MAX);
		return;
	}
	*out = (struct reader_partition){.start = first * SECTOR_SIZE,
		.size = (last - first + 1) * SECTOR_SIZE,
		.number = number};
	partition_type_gpt(p, out->type, sizeof(out->type));
	unicode_from_utf16(p + 56, NAME_UNITS, out->name, sizeof(out->name));
	table->count++;
}

/* Reads the table whose header is in this sector. */
static int table_read(struct sectors *disk, uint64_t sector, struct reader_table *table,
	struct reader_partition *list)
{
	uint64_t sectors = sectors_size(disk) / SECTOR_SIZE, place;
	_cleanup_free_ uint8_t *entries = NULL;
	uint8_t header[SECTOR_SIZE];
	uint32_t length, count, size, stored;
	int r = sectors_read(disk, sector * SECTOR_SIZE, header, sizeof(header));

	if (r)
		return r;
	length = bytes_le32(header + 12);
	stored = bytes_le32(header + 16);
	memset(header + 16, 0, 4);
	if (memcmp(header, "EFI PART", 8) || length < HEADER_LEAST || length > SECTOR_SIZE ||
		gpt_crc32(header, length) != stored || bytes_le64(header + 24) != sector)
		return -ENOENT;
	place = bytes_le64(header + 72);
	count = bytes_le32(header + 80);
	size = bytes_le32(header + 84);
	if (size < ENTRY_LEAST || size % 8 || size > ENTRIES_BYTES || !count ||
		count > ENTRIES_BYTES / size || place >= sectors ||
		(uint64_t)count * size > (sectors - place) * SECTOR_SIZE)
		return -ENOENT;
	entries = malloc((size_t)count * size);
	if (!entries)
		return -ENOMEM;
	r = sectors_read(disk, place * SECTOR_SIZE, entries, (size_t)count * size);
	if (r)
		return r;
	if (gpt_crc32(entries, (size_t)count * size) != bytes_le32(header + 88))
		return -ENOENT;
	table->kind = READER_TABLE_GPT;
	for (uint32_t i = 0; i < count; i++)
		entry_read(entries + (size_t)i * size, sectors, i + 1, table, list);
	return 0;
}

int gpt_read(struct sectors *disk, struct reader_table *table, struct reader_partition *list)
{
	uint64_t sectors = sectors_size(disk) / SECTOR_SIZE;
	int r = sectors < 2 ? -ENOENT : table_read(disk, 1, table, list);

	if (r != -ENOENT || sectors < 3)
		return r;
	r = table_read(disk, sectors - 1, table, list);
	if (!r && !table->note[0])
		strcpy(table->note, "the partition table is damaged: its backup was used");
	return r;
}
