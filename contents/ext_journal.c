/* SPDX-License-Identifier: MIT */
/* The journal of ext3 and ext4. Transactions follow one another in a ring of blocks: a descriptor
 * names the blocks that come after it, a commit block ends the transaction. A revocation forbids
 * replaying earlier copies of a block. Numbers are big-endian. */
#include "ext_journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "crc32c.h"
#include "ext_internal.h"

enum { BLOCK_DESCRIPTOR = 1, BLOCK_COMMIT, BLOCK_SUPER_1, BLOCK_SUPER_2, BLOCK_REVOKE };

#define INCOMPAT_REVOKE      0x01u
#define INCOMPAT_64BIT       0x02u
#define INCOMPAT_ASYNC       0x04u
#define INCOMPAT_CSUM_V2     0x08u
#define INCOMPAT_CSUM_V3     0x10u
#define INCOMPAT_FAST_COMMIT 0x20u
#define INCOMPAT_KNOWN       0x1fu

#define TAG_ESCAPED   1u
#define TAG_SAME_UUID 2u
#define TAG_LAST      8u

#define JOURNAL_HEADER     12u
#define JOURNAL_SUPER_SIZE 1024u
#define JOURNAL_BLOCKS_MAX (4u << 20)
#define FETCH_LEAST        4u /* blocks of the disk */

/* A block of the file system and the block of the partition that has its new contents. */
struct journal_copy {
	uint64_t block, place;
	uint32_t sequence, escaped;
};

struct journal {
	struct ext *ext;
	uint64_t *places; /* for each block of the journal, its block of the partition */
	uint32_t blocks, first, start, incompat;
	uint32_t sequence;       /* number of the transaction that is being read */
	uint32_t seed;           /* of checksums */
	uint32_t walked;         /* blocks of the ring that have been passed */
	uint32_t fetched, ahead; /* blocks that have been fetched: in all; still to be walked */
	uint8_t *block;
	struct buf copies;         /* struct journal_copy; in order */
	struct buf revocations;    /* uint64_t; of the transaction that is being read */
	size_t committed;          /* bytes of copies that belong to complete transactions */
	bool damaged;              /* a block of the transaction that is being read is damaged */
	struct sector_map revoked; /* block -> the last transaction that revoked it */
};

static int journal_damaged(struct journal *j, const char *how)
{
	return filesystem_fail(&j->ext->base, EIO,
		"the journal is damaged (%s): the kernel would not mount it either", how);
}

static bool has_checksums(const struct journal *j)
{
	return j->incompat & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3);
}

/* Compares sequence numbers, which wrap. */
static bool is_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static uint32_t block_after(const struct journal *j, uint32_t block)
{
	return block + 1 < j->blocks ? block + 1 : j->first;
}

static int block_read(struct journal *j, uint32_t block, uint8_t *out)
{
	uint32_t size = j->ext->io.block_size;
	int r = sectors_read(j->ext->io.disk, j->places[block] * size, out, size);

	return r ? filesystem_fail(&j->ext->base, -r, "cannot read the journal") : 0;
}

/* Fetches the journal from the ring's block `place` on, in parallel, when the walk reaches it. The
 * journal's end is not known, so each fetch is a quarter of what was fetched before. */
static int blocks_fetch(struct journal *j, uint32_t place)
{
	uint32_t size = j->ext->io.block_size,
		 least = FETCH_LEAST * (uint32_t)(SECTORS_BLOCK / size);
	int r;

	if (j->ahead)
		return 0;
	j->ahead = j->fetched / 4 > least ? j->fetched / 4 : least;
	for (uint32_t i = 0; i < j->ahead; i++) {
		if (!sectors_want(j->ext->io.disk, j->places[place] * size, size) || i == j->blocks)
			j->ahead = i ? i : 1;
		place = block_after(j, place);
	}
	j->fetched += j->ahead;
	r = sectors_fetch(j->ext->io.disk);
	return r ? filesystem_fail(&j->ext->base, -r, "cannot read the journal: %s", strerror(-r))
		 : 0;
}

/* Compares a block's checksum, which is computed with zeros in the checksum's place. */
static bool checksum_is_right(const struct journal *j, uint8_t *block, size_t at)
{
	uint32_t size = j->ext->io.block_size, stored = bytes_be32(block + at), crc;

	if (!has_checksums(j) || j->ext->skip_checksums)
		return true;
	bytes_put_be32(block + at, 0);
	crc = crc32c_add(j->seed, block, size);
	bytes_put_be32(block + at, stored);
	return crc == stored;
}

static size_t tag_size(const struct journal *j)
{
	if (j->incompat & INCOMPAT_CSUM_V3)
		return 16;
	return 8 + (j->incompat & INCOMPAT_64BIT ? 4u : 0) +
	       (j->incompat & INCOMPAT_CSUM_V2 ? 2u : 0);
}

struct journal_tag {
	uint64_t block;
	uint32_t flags, checksum;
	bool whole_checksum; /* 32 bits, not 16 */
};

/* Parses the tag at *at, and moves *at to the next one. Returns false after the last. */
static bool tag_next(const struct journal *j, size_t *at, struct journal_tag *tag)
{
	size_t size = tag_size(j), end = j->ext->io.block_size - (has_checksums(j) ? 4 : 0);
	const uint8_t *p = j->block + *at;

	if (*at + size > end)
		return false;
	tag->block = bytes_be32(p);
	if (j->incompat & INCOMPAT_CSUM_V3) {
		tag->flags = bytes_be32(p + 4);
		tag->checksum = bytes_be32(p + 12);
		tag->whole_checksum = true;
	} else {
		tag->checksum = bytes_be16(p + 4);
		tag->flags = bytes_be16(p + 6);
		tag->whole_checksum = false;
	}
	if (j->incompat & INCOMPAT_64BIT)
		tag->block |= (uint64_t)bytes_be32(p + 8) << 32;
	*at += size + (tag->flags & TAG_SAME_UUID ? 0 : 16);
	if (tag->flags & TAG_LAST)
		*at = end;
	return true;
}

static bool tag_checksum_is_right(const struct journal *j, const struct journal_tag *tag,
	uint32_t sequence, const uint8_t *data)
{
	uint8_t number[4];
	uint32_t crc;

	if (!has_checksums(j) || j->ext->skip_checksums)
		return true;
	bytes_put_be32(number, sequence);
	crc = crc32c_add(j->seed, number, sizeof(number));
	crc = crc32c_add(crc, data, j->ext->io.block_size);
	return tag->whole_checksum ? crc == tag->checksum : (crc & 0xffff) == tag->checksum;
}

/* Notes the blocks that the descriptor in j->block lists. *next: in, the block after the
 * descriptor; out, the block after the listed ones. */
static int descriptor_read(struct journal *j, uint32_t *next)
{
	struct ext *ext = j->ext;
	struct journal_tag tag;
	size_t at = JOURNAL_HEADER;

	while (tag_next(j, &at, &tag)) {
		struct journal_copy copy = {
			tag.block, j->places[*next], j->sequence, tag.flags & TAG_ESCAPED};
		int r = has_checksums(j) ? block_read(j, *next, ext->block) : 0;

		if (r)
			return r;
		if (tag.block >= ext2fs_blocks_count(ext->fs->super) ||
			!tag_checksum_is_right(j, &tag, j->sequence, ext->block))
			j->damaged = true;
		if (buf_add(&j->copies, &copy, sizeof(copy)))
			return filesystem_fail(&ext->base, ENOMEM, "out of memory");
		*next = block_after(j, *next);
		if (++j->walked > j->blocks)
			break;
	}
	return 0;
}

/* Notes the blocks that the list in j->block revokes. */
static int revoke_read(struct journal *j)
{
	size_t size = j->incompat & INCOMPAT_64BIT ? 8 : 4, end = bytes_be32(j->block + 12);
	size_t room = j->ext->io.block_size - (has_checksums(j) ? 4 : 0);

	if (end > room)
		j->damaged = true;
	for (size_t at = 16; at + size <= end && end <= room; at += size) {
		const uint8_t *p = j->block + at;
		uint64_t block = size == 8 ? bytes_be64(p) : bytes_be32(p);

		if (buf_add(&j->revocations, &block, sizeof(block)))
			return filesystem_fail(&j->ext->base, ENOMEM, "out of memory");
	}
	return 0;
}

/* Completes the transaction: its copies count, and its revocations take effect. */
static int transaction_commit(struct journal *j)
{
	int r = 0;

	if (j->damaged)
		return journal_damaged(j, "a block of a complete transaction is wrong");
	for (size_t at = 0; !r && at < j->revocations.len; at += sizeof(uint64_t)) {
		uint64_t block;

		memcpy(&block, j->revocations.data + at, sizeof(block));
		r = sector_map_set(&j->revoked, block, j->sequence);
		if (r == -EINVAL)
			r = 0; /* no such block */
	}
	buf_clear(&j->revocations);
	j->committed = j->copies.len;
	j->sequence++;
	return r ? filesystem_fail(&j->ext->base, -r, "out of memory") : 0;
}

/* Reads one record of the transaction j->sequence. *more becomes false where the journal ends: at a
 * block that is not a record of this transaction, or that is left from an earlier round of the
 * ring. */
static int record_read(struct journal *j, uint32_t *next, bool *more)
{
	uint32_t tail = j->ext->io.block_size - 4;

	*more = false;
	if (bytes_be32(j->block) != EXT_JOURNAL_MAGIC || bytes_be32(j->block + 8) != j->sequence)
		return 0;
	switch (bytes_be32(j->block + 4)) {
	case BLOCK_DESCRIPTOR:
		*more = checksum_is_right(j, j->block, tail);
		return *more ? descriptor_read(j, next) : 0;
	case BLOCK_REVOKE:
		*more = checksum_is_right(j, j->block, tail);
		return *more ? revoke_read(j) : 0;
	case BLOCK_COMMIT:
		*more = checksum_is_right(j, j->block, 16);
		return *more ? transaction_commit(j) : 0;
	}
	return 0;
}

/* Walks the ring from its start to the end of the last complete transaction. */
static int journal_walk(struct journal *j)
{
	uint32_t place = j->start;
	bool more = true;
	int r = 0;

	while (!r && more && j->walked < j->blocks) {
		uint32_t next = block_after(j, place), before = j->walked++;

		r = blocks_fetch(j, place);
		if (!r)
			r = block_read(j, place, j->block);
		if (!r)
			r = record_read(j, &next, &more);
		before = j->walked - before;
		j->ahead = j->ahead > before ? j->ahead - before : 0;
		place = next;
	}
	return r;
}

/* Maps each block to its last copy that was not revoked later. */
static int journal_apply(struct journal *j)
{
	struct ext *ext = j->ext;

	for (size_t at = 0; at < j->committed; at += sizeof(struct journal_copy)) {
		struct journal_copy copy;
		uint64_t revoked;
		int r;

		memcpy(&copy, j->copies.data + at, sizeof(copy));
		if (sector_map_get(&j->revoked, copy.block, &revoked) &&
			!is_after(copy.sequence, (uint32_t)revoked))
			continue;
		r = sector_map_set(&ext->io.journaled, copy.block, copy.place << 1 | copy.escaped);
		if (r)
			return filesystem_fail(&ext->base, -r, "out of memory");
	}
	return 0;
}

/* Finds the partition's blocks that hold the journal. */
static int journal_locate(struct journal *j)
{
	struct ext *ext = j->ext;
	uint32_t number = ext->fs->super->s_journal_inum;
	struct ext2_inode_large inode;
	uint64_t blocks;
	int r = ext_inode_read(ext, number, &inode);

	if (r)
		return journal_damaged(j, "its inode cannot be read");
	blocks = EXT2_I_SIZE(&inode) / ext->io.block_size;
	if (!blocks || blocks > JOURNAL_BLOCKS_MAX)
		return journal_damaged(j, "its size is impossible");
	j->blocks = (uint32_t)blocks;
	j->places = calloc(blocks, sizeof(*j->places));
	if (!j->places)
		return filesystem_fail(&ext->base, ENOMEM, "out of memory");
	for (uint32_t i = 0; i < j->blocks;) {
		struct ext_run run;

		r = ext_map_run(ext, number, &inode, i, j->blocks - i, &run);
		if (r || !run.block)
			return journal_damaged(j, "blocks of it are missing");
		for (uint64_t k = 0; k < run.count; k++)
			j->places[i++] = run.block + k;
	}
	return 0;
}

static int journal_superblock(struct journal *j)
{
	uint8_t *sb = j->block;
	uint32_t type, blocks;
	int r = block_read(j, 0, sb);

	if (r)
		return r;
	type = bytes_be32(sb + 4);
	blocks = bytes_be32(sb + 16);
	if (bytes_be32(sb) != EXT_JOURNAL_MAGIC ||
		(type != BLOCK_SUPER_1 && type != BLOCK_SUPER_2) ||
		bytes_be32(sb + 12) != j->ext->io.block_size || blocks > j->blocks || blocks < 2)
		return journal_damaged(j, "its superblock is impossible");
	j->blocks = blocks;
	j->first = bytes_be32(sb + 20);
	j->sequence = bytes_be32(sb + 24);
	j->start = bytes_be32(sb + 28);
	j->incompat = type == BLOCK_SUPER_2 ? bytes_be32(sb + 40) : 0;
	j->seed = crc32c_add(CRC32C_START, sb + 48, 16);
	if (!j->first || j->first >= blocks || j->start >= blocks ||
		(j->start && j->start < j->first))
		return journal_damaged(j, "its superblock is impossible");
	if (has_checksums(j) && !j->ext->skip_checksums) {
		uint32_t stored = bytes_be32(sb + 252);

		bytes_put_be32(sb + 252, 0);
		if (crc32c_add(CRC32C_START, sb, JOURNAL_SUPER_SIZE) != stored)
			return journal_damaged(j, "its superblock's checksum is wrong");
	}
	return 0;
}

static int journal_features(struct journal *j)
{
	if (j->incompat & INCOMPAT_FAST_COMMIT)
		return filesystem_fail(&j->ext->base, EOPNOTSUPP,
			"ext4 was in use with fast_commit, whose journal cannot be replayed here");
	if (j->incompat & INCOMPAT_ASYNC && !has_checksums(j))
		return filesystem_fail(&j->ext->base, EOPNOTSUPP,
			"ext4 was in use with journal_async_commit but without metadata_csum, "
			"whose "
			"journal cannot be replayed here");
	if (j->incompat & ~INCOMPAT_KNOWN)
		return filesystem_fail(&j->ext->base, EOPNOTSUPP,
			"the journal has an unknown feature (0x%x): this ebsfs is too old for it",
			j->incompat & ~INCOMPAT_KNOWN);
	return 0;
}

static int journal_replay(struct journal *j)
{
	uint32_t first;
	int r = journal_locate(j);

	if (!r)
		r = journal_superblock(j);
	if (r || !j->start)
		return r;
	r = journal_features(j);
	first = j->sequence;
	if (!r)
		r = journal_walk(j);
	if (!r)
		r = journal_apply(j);
	if (!r)
		snprintf(j->ext->base.note, sizeof(j->ext->base.note),
			"log replayed: %u transactions", j->sequence - first);
	return r;
}

int ext_journal_replay(struct ext *ext)
{
	struct journal j = {.ext = ext, .copies = BUF_INIT, .revocations = BUF_INIT};
	int r;

	if (!ext->fs->super->s_journal_inum)
		return filesystem_fail(&ext->base, EOPNOTSUPP,
			"the journal is on another device, without which it cannot be read");
	j.block = malloc(ext->io.block_size);
	r = j.block ? journal_replay(&j) : filesystem_fail(&ext->base, ENOMEM, "out of memory");
	free(j.block);
	free(j.places);
	buf_finish(&j.copies);
	buf_finish(&j.revocations);
	sector_map_finish(&j.revoked);
	return r;
}
