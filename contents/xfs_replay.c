/* SPDX-License-Identifier: MIT */
/* XFS's log: replays buffers, new inode chunks and inodes into the overlay, in one pass.
 *
 * The kernel compares each change with the number of the last change on the disk, and skips older
 * ones. Here all changes are applied, which gives the same bytes without reading the disk: metadata
 * reaches the disk only after its change is in the log, so the last logged change of a byte is
 * either newer than the disk or on it.
 *
 * A freed block may hold anything by now, so the changes of the time before must not show. The
 * transaction that frees it cancels its buffer: changes replayed into it are erased again. (The
 * kernel, which has written by then, needs a first pass to collect the cancellations.) Other items
 * for a cancelled buffer in the same transaction are skipped, as the kernel does. */
#include "xfs_replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "xfs_replay_inode.h"

enum xfs_item_type {
	ITEM_EFI = 0x1236, /* extents to be freed; the completions of requests are odd */
	ITEM_EFD,
	ITEM_IUNLINK,
	ITEM_INODE = 0x123b,
	ITEM_BUFFER,
	ITEM_DQUOT,
	ITEM_QUOTAOFF,
	ITEM_ICREATE,
	ITEM_RUI, /* reverse mappings */
	ITEM_RUD,
	ITEM_CUI, /* reference counts */
	ITEM_CUD,
	ITEM_BUI, /* extents to be mapped to a file, or unmapped */
	ITEM_BUD,
	ITEM_ATTRI, /* extended attributes */
	ITEM_ATTRD,
	ITEM_XMI, /* extents to be exchanged between two files */
	ITEM_XMD,
};

#define BUFFER_HEADER      20u
#define BUFFER_INODES      0x01 /* only the lists of unlinked inodes are changed */
#define BUFFER_CANCEL      0x02
#define BUFFER_DQUOTS      0x1c
#define BUFFER_KIND_SHIFT  11
#define BUFFER_CHUNK       128u
#define BUFFER_SECTORS_MAX 2048 /* 1 MiB; the largest buffer of metadata has 64 KiB */
#define INTENTS_MAX        65536u
#define ICREATE_SIZE       28
#define ICREATE_COUNT_MAX  1024u

/* Kinds of buffers, by which the kernel chooses their verification. */
enum xfs_buffer_kind {
	BUFFER_AGF = 5,
	BUFFER_AGFL,
	BUFFER_AGI,
	BUFFER_DIR_FREE = 12,
	BUFFER_DIR_LEAF,
	BUFFER_DIR_LEAF_OF_NODE,
	BUFFER_NODE,
	BUFFER_ATTRIBUTES,
	BUFFER_REMOTE_ATTRIBUTE,
};

void xfs_replay_finish(struct xfs_replay *replay)
{
	sector_map_finish(&replay->cancelled);
	free(replay->intents);
	replay->intents = NULL;
	replay->intent_count = 0;
}

static bool buffer_is_read(unsigned flags)
{
	if (flags & BUFFER_CANCEL)
		return true;
	if (flags & (BUFFER_INODES | BUFFER_DQUOTS))
		return false;
	switch ((enum xfs_buffer_kind)(flags >> BUFFER_KIND_SHIFT)) {
	case BUFFER_AGF:
	case BUFFER_AGFL:
	case BUFFER_AGI:
	case BUFFER_DIR_FREE:
	case BUFFER_DIR_LEAF:
	case BUFFER_DIR_LEAF_OF_NODE:
	case BUFFER_NODE:
	case BUFFER_ATTRIBUTES:
	case BUFFER_REMOTE_ATTRIBUTE:
		return false;
	default:
		return true;
	}
}

bool xfs_replay_wants(const uint8_t *description, uint32_t len)
{
	switch ((enum xfs_item_type)bytes_le16(description)) {
	case ITEM_EFI:
	case ITEM_EFD:
	case ITEM_IUNLINK:
	case ITEM_DQUOT:
	case ITEM_QUOTAOFF:
	case ITEM_RUI:
	case ITEM_RUD:
	case ITEM_CUI:
	case ITEM_CUD:
	case ITEM_ATTRI:
	case ITEM_ATTRD:
		return false;
	case ITEM_BUFFER: /* the flags may be in the next record */
		return len < 6 || buffer_is_read(bytes_le16(description + 4));
	default:
		return true;
	}
}

/* A buffer's description. */
struct buffer_item {
	unsigned flags, sectors;
	uint64_t sector;
	const uint8_t *map;
	unsigned bits;
};

static int buffer_parse(
	const struct xfs *fs, const struct xfs_log_item *item, struct buffer_item *out)
{
	const struct xfs_log_region *head = &item->regions[0];
	uint64_t sectors = sectors_size(fs->base.disk) / SECTOR_SIZE;
	uint32_t words;

	if (head->len < BUFFER_HEADER)
		return -EIO;
	words = bytes_le32(head->data + 16);
	if (words > (head->len - BUFFER_HEADER) / 4)
		return -EIO;
	*out = (struct buffer_item){
		.flags = bytes_le16(head->data + 4),
		.sectors = bytes_le16(head->data + 6),
		.sector = bytes_le64(head->data + 8),
		.map = head->data + BUFFER_HEADER,
		.bits = words * 32,
	};
	return out->sectors && out->sectors <= BUFFER_SECTORS_MAX && out->sector < sectors &&
			       out->sectors <= sectors - out->sector
		       ? 0
		       : -EIO;
}

static bool buffer_bit(const struct buffer_item *buffer, unsigned bit)
{
	return bit < buffer->bits && bytes_le32(buffer->map + bit / 32 * 4) >> bit % 32 & 1;
}

/* Writes the logged chunks; each run of chunks is one region. */
static int buffer_write(
	struct xfs *fs, const struct buffer_item *buffer, const struct xfs_log_item *item)
{
	unsigned region = 1, bit = 0;

	while (bit < buffer->bits) {
		const struct xfs_log_region *data;
		unsigned n = 0;
		int r;

		if (!buffer_bit(buffer, bit)) {
			bit++;
			continue;
		}
		while (buffer_bit(buffer, bit + n))
			n++;
		if (region >= item->count)
			return -EIO;
		data = &item->regions[region++];
		if (n > data->len / BUFFER_CHUNK)
			n = data->len / BUFFER_CHUNK; /* the run was logged in two regions */
		if (!n || (bit + n) * BUFFER_CHUNK > buffer->sectors * SECTOR_SIZE)
			return -EIO;
		r = overlay_write(&fs->overlay, buffer->sector * SECTOR_SIZE + bit * BUFFER_CHUNK,
			data->data, (size_t)n * BUFFER_CHUNK);
		if (r)
			return r;
		bit += n;
	}
	return 0;
}

static bool buffer_is_cancelled(const struct xfs_replay *replay, uint64_t sector, uint64_t sectors)
{
	uint64_t cancelled;

	return sector_map_get(&replay->cancelled, sector, &cancelled) && cancelled == sectors;
}

/* Erases the bytes that earlier transactions wrote into a buffer that this transaction cancels. */
static int buffer_cancel(struct xfs_replay *replay, const struct xfs_log_item *item)
{
	struct xfs *fs = replay->fs;
	struct buffer_item buffer;
	int r = buffer_parse(fs, item, &buffer);

	if (r || !(buffer.flags & BUFFER_CANCEL))
		return r;
	overlay_erase(&fs->overlay, buffer.sector, buffer.sectors);
	return sector_map_set(&replay->cancelled, buffer.sector, buffer.sectors);
}

static int buffer_apply(struct xfs_replay *replay, const struct xfs_log_item *item)
{
	struct xfs *fs = replay->fs;
	struct buffer_item buffer;
	int r = buffer_parse(fs, item, &buffer);

	if (r || buffer.flags & BUFFER_CANCEL || !buffer_is_read(buffer.flags) ||
		buffer_is_cancelled(replay, buffer.sector, buffer.sectors))
		return r;
	r = buffer_write(fs, &buffer, item);
	if (!r && !buffer.sector)
		r = xfs_superblock_read(fs); /* the file system may have grown */
	return r;
}

/* Writes a chunk of new inodes, all of which are free. */
static int icreate_apply(struct xfs_replay *replay, const struct xfs_log_item *item)
{
	struct xfs *fs = replay->fs;
	const uint8_t *p = item->regions[0].data;
	uint8_t core[XFS_INODE_V3] = {0};
	uint64_t first, where;
	uint32_t count;

	if (item->regions[0].len < ICREATE_SIZE)
		return -EIO;
	count = bytes_be32(p + 12);
	first = ((uint64_t)bytes_be32(p + 4) << fs->ag_block_log) + bytes_be32(p + 8);
	first <<= fs->inode_per_block_log;
	where = xfs_inode_offset(fs, first);
	if (where == XFS_OUTSIDE || !count || count > ICREATE_COUNT_MAX ||
		xfs_inode_offset(fs, first + count - 1) != where + (count - 1) * fs->inode_size ||
		bytes_be32(p + 16) != fs->inode_size)
		return -EIO;
	if (buffer_is_cancelled(replay, where / SECTOR_SIZE, fs->inode_cluster_sectors))
		return 0;
	bytes_put_be16(core, XFS_INODE_MAGIC);
	core[4] = 3;
	bytes_put_be32(core + XFS_INODE_GENERATION, bytes_be32(p + 24));
	memcpy(core + XFS_INODE_UUID, fs->uuid, XFS_UUID_SIZE);
	for (uint32_t i = 0; i < count; i++, where += fs->inode_size) {
		int r;

		bytes_put_be64(core + XFS_INODE_NUMBER, first + i);
		r = overlay_write(&fs->overlay, where, core, sizeof(core));
		if (r)
			return r;
	}
	return 0;
}

static int inode_apply(struct xfs_replay *replay, const struct xfs_log_item *item)
{
	struct xfs_replay_inode inode;
	int r = xfs_replay_inode_parse(item, &inode);

	if (r || buffer_is_cancelled(replay, inode.sector, inode.sectors))
		return r;
	return xfs_replay_inode(replay->fs, &inode, item);
}

/* Notes a requested change of extents. */
static int intent_begin(struct xfs_replay *replay, const struct xfs_log_item *item, uint16_t type)
{
	const struct xfs_log_region *head = &item->regions[0];
	struct xfs_intent *larger;
	unsigned n = replay->intent_count;

	if (head->len < (type == ITEM_XMI ? 32 : 24))
		return -EIO;
	if (n == INTENTS_MAX)
		return -EFBIG;
	larger = n & (n - 1) ? replay->intents
			     : realloc(replay->intents, (n ? 2 * n : 1) * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	replay->intents = larger;
	larger[replay->intent_count++] = (struct xfs_intent){
		.id = bytes_le64(head->data + 8),
		.inodes = {bytes_le64(head->data + 16),
			bytes_le64(head->data + (type == ITEM_XMI ? 24 : 16))},
		.type = type,
	};
	return 0;
}

static int intent_end(struct xfs_replay *replay, const struct xfs_log_item *item, uint16_t type)
{
	const struct xfs_log_region *head = &item->regions[0];

	if (head->len < 16)
		return -EIO;
	for (unsigned i = 0; i < replay->intent_count; i++) {
		struct xfs_intent *intent = &replay->intents[i];

		if (intent->type != type || intent->id != bytes_le64(head->data + 8))
			continue;
		*intent = replay->intents[--replay->intent_count];
		break;
	}
	return 0;
}

/* The kernel's order within a transaction, except that the kernel handles cancellations last. */
enum replay_phase { PHASE_CANCELLATIONS, PHASE_BUFFERS, PHASE_INODES, PHASE_END };

static int item_apply(
	struct xfs_replay *replay, const struct xfs_log_item *item, enum replay_phase phase)
{
	uint16_t type = bytes_le16(item->regions[0].data);

	switch ((enum xfs_item_type)type) {
	case ITEM_BUFFER:
		if (phase == PHASE_CANCELLATIONS)
			return buffer_cancel(replay, item);
		return phase == PHASE_BUFFERS ? buffer_apply(replay, item) : 0;
	case ITEM_ICREATE:
		return phase == PHASE_BUFFERS ? icreate_apply(replay, item) : 0;
	case ITEM_INODE:
		return phase == PHASE_INODES ? inode_apply(replay, item) : 0;
	case ITEM_BUI:
	case ITEM_XMI:
		return phase == PHASE_INODES ? intent_begin(replay, item, type) : 0;
	case ITEM_BUD:
	case ITEM_XMD:
		return phase == PHASE_INODES ? intent_end(replay, item, type - 1) : 0;
	default:
		return filesystem_fail(&replay->fs->base, EOPNOTSUPP,
			"the log of XFS has an item of the unknown kind 0x%x, which is newer than "
			"this ebsfs",
			type);
	}
}

int xfs_replay_commit(void *arg, const struct xfs_transaction *transaction)
{
	struct xfs_replay *replay = arg;
	int r = 0;

	if (replay->cancelled.count)
		sector_map_finish(&replay->cancelled);
	for (int phase = PHASE_CANCELLATIONS; phase < PHASE_END; phase++)
		for (unsigned i = 0; !r && i < transaction->count; i++) {
			const struct xfs_log_item *item = &transaction->items[i];

			if (item->count < item->total)
				r = -EIO;
			else if (!item->ignored)
				r = item_apply(replay, item, (enum replay_phase)phase);
		}
	return r;
}

int xfs_replay_end(struct xfs_replay *replay)
{
	struct sector_map *unfinished = &replay->fs->unfinished;

	for (unsigned i = 0; i < replay->intent_count; i++)
		for (unsigned k = 0; k < 2; k++) {
			int r = sector_map_set(unfinished, replay->intents[i].inodes[k], 1);

			if (r)
				return r;
		}
	return 0;
}
