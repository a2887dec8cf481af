/* SPDX-License-Identifier: MIT */
/* CRC-32C by libext2fs, which the readers need anyway. */
#include "crc32c.h"

#include <ext2fs/ext2fs.h>

uint32_t crc32c_add(uint32_t crc, const void *data, size_t len)
{
	return ext2fs_crc32c_le(crc, data, len);
}
