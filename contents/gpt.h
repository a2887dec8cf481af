/* SPDX-License-Identifier: MIT */
/* GUID partition tables. */
#ifndef EBSFS_GPT_H
#define EBSFS_GPT_H

#include "reader_protocol.h"
#include "sectors.h"

/* Reads the table, or its backup at the disk's end if the table is damaged. Fills in the table's
 * kind, count and note, and the place, number, type and name of each partition, of at most
 * READER_PARTITIONS_MAX partitions. Returns 0; -ENOENT if both are damaged; or -errno if the disk
 * cannot be read. */
int gpt_read(struct sectors *disk, struct reader_table *table, struct reader_partition *list);
/* The checksum of headers and entries: CRC-32 of ISO 3309, as in zlib. */
uint32_t gpt_crc32(const uint8_t *data, size_t len);

#endif
