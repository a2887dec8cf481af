/* SPDX-License-Identifier: MIT */
/* XFS: blocks of metadata, with the log replayed. */
#include <string.h>

#include "bytes.h"
#include "crc32c.h"
#include "xfs_internal.h"

int xfs_metadata_read(struct xfs *fs, uint64_t offset, void *out, size_t len)
{
	int r = sectors_read(fs->base.disk, offset, out, len);

	if (!r)
		overlay_apply(&fs->overlay, offset, out, len);
	return r;
}

/* Compares the checksum, which is computed with zeros in its own place. */
static bool metadata_crc_is_right(const uint8_t *data, size_t len, size_t crc_at)
{
	static const uint8_t zero[4];
	uint32_t crc = crc32c_add(CRC32C_START, data, crc_at);

	crc = crc32c_add(crc, zero, sizeof(zero));
	crc = crc32c_add(crc, data + crc_at + 4, len - crc_at - 4);
	return ~crc == bytes_le32(data + crc_at);
}

bool xfs_metadata_is_right(const struct xfs *fs, const uint8_t *data, size_t len,
	const struct xfs_identity *identity, uint64_t where, uint64_t owner)
{
	if (!fs->v5)
		return true;
	if (identity->block_number &&
		bytes_be64(data + identity->block_number) != where / SECTOR_SIZE)
		return false;
	if (identity->owner && owner && bytes_be64(data + identity->owner) != owner)
		return false;
	if (memcmp(data + identity->uuid, fs->uuid, XFS_UUID_SIZE))
		return false;
	return fs->skip_checksums || overlay_touches(&fs->overlay, where, len) ||
	       metadata_crc_is_right(data, len, identity->crc);
}
