/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli), the checksum of XFS, ext4 and jbd2. */
#ifndef EBSFS_CRC32C_H
#define EBSFS_CRC32C_H

#include <stddef.h>
#include <stdint.h>

#define CRC32C_START UINT32_MAX

/* Extends `crc` by these bytes, without the final complement: XFS stores the complement, jbd2 the
 * value itself. */
uint32_t crc32c_add(uint32_t crc, const void *data, size_t len);

#endif
