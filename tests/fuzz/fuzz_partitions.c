/* SPDX-License-Identifier: MIT */
/* Partition tables: the input is the beginning of a small disk, and its end. Checksums of GPTs are
 * put right, for nothing else would get past them. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "gpt.h"
#include "partitions.h"

#define DISK_SIZE SECTORS_BLOCK
#define END_SIZE  (33u * SECTOR_SIZE)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t disk_bytes[DISK_SIZE];

static int fuzz_fetch(void *ctx, const uint64_t *index, void *const *out, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		memcpy(out[i], disk_bytes + index[i] * SECTORS_BLOCK, SECTORS_BLOCK);
	return 0;
}

static void put_le32(uint8_t *p, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

static void header_repair(uint8_t *header)
{
	uint64_t place = bytes_le64(header + 72);
	uint64_t size = (uint64_t)bytes_le32(header + 80) * bytes_le32(header + 84);
	uint32_t len = bytes_le32(header + 12);

	if (memcmp(header, "EFI PART", 8) || len > SECTOR_SIZE)
		return;
	if (place < DISK_SIZE / SECTOR_SIZE && size <= DISK_SIZE - place * SECTOR_SIZE)
		put_le32(header + 88, gpt_crc32(disk_bytes + place * SECTOR_SIZE, size));
	put_le32(header + 16, 0);
	put_le32(header + 16, gpt_crc32(header, len));
}

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_text(const char *text, size_t size)
{
	require(memchr(text, 0, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reader_partition list[READER_PARTITIONS_MAX];
	struct sectors_source source = {fuzz_fetch, NULL};
	struct sectors *disk = sectors_create(&source, 0, DISK_SIZE);
	size_t end = size > 2 * SECTOR_SIZE ? size / 4 : 0;
	struct reader_table table = {0};

	require(disk);
	end = end < END_SIZE ? end : END_SIZE;
	memset(disk_bytes, 0, sizeof(disk_bytes));
	memcpy(disk_bytes + DISK_SIZE - end, data + size - end, end);
	size = size - end < DISK_SIZE - END_SIZE ? size - end : DISK_SIZE - END_SIZE;
	memcpy(disk_bytes, data, size);
	header_repair(disk_bytes + SECTOR_SIZE);
	header_repair(disk_bytes + DISK_SIZE - SECTOR_SIZE);
	memset(list, 0, sizeof(list));
	require(partitions_read(disk, &table, list, NULL) == 0);
	require(table.count <= READER_PARTITIONS_MAX);
	require_text(table.note, sizeof(table.note));
	for (unsigned i = 0; i < table.count; i++) {
		const struct reader_partition *p = &list[i];

		require(p->start <= DISK_SIZE && p->size && p->size <= DISK_SIZE - p->start);
		require(!i || p->number > list[i - 1].number);
		require_text(p->type, sizeof(p->type));
		require_text(p->name, sizeof(p->name));
		require_text(p->content, sizeof(p->content));
		require_text(p->label, sizeof(p->label));
		require_text(p->note, sizeof(p->note));
	}
	sectors_destroy(disk);
	return 0;
}
