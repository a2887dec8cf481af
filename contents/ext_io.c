/* SPDX-License-Identifier: MIT */
/* Gives libext2fs access to the sectors: reads only; every function that writes fails. */
#include "ext_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "ext_journal.h"

/* The struct for the call of ext2fs_open2() in progress, which has no argument for it. */
static struct ext_io *io_being_opened;

int ext_io_read(struct ext_io *io, uint64_t offset, void *out, size_t len)
{
	uint8_t *p = out;

	if (!io->journaled.count)
		return sectors_read(io->disk, offset, out, len);
	while (len) {
		size_t at = offset % io->block_size;
		size_t n = len < io->block_size - at ? len : io->block_size - at;
		uint64_t place = 0;
		bool journaled = sector_map_get(&io->journaled, offset / io->block_size, &place);
		uint64_t from = journaled ? (place >> 1) * io->block_size + at : offset;
		int r = sectors_read(io->disk, from, p, n);

		if (r)
			return r;
		if (journaled && place & 1) {
			uint8_t magic[4];

			bytes_put_be32(magic, EXT_JOURNAL_MAGIC);
			for (size_t i = at; i < 4 && i - at < n; i++)
				p[i - at] = magic[i];
		}
		p += n;
		offset += n;
		len -= n;
	}
	return 0;
}

static errcode_t io_close(io_channel channel)
{
	if (--channel->refcount > 0)
		return 0;
	free(channel->name);
	free(channel);
	return 0;
}

static errcode_t io_set_block_size(io_channel channel, int size)
{
	channel->block_size = size;
	return 0;
}

/* Reads `count` blocks, or -count bytes if count is negative. */
static errcode_t io_read(io_channel channel, unsigned long long block, int count, void *data)
{
	uint64_t size = (uint64_t)channel->block_size;
	size_t len = count < 0 ? -(size_t)(long)count : (size_t)count * size;
	int r;

	if (block > INT64_MAX / size)
		return EIO;
	r = ext_io_read(channel->private_data, block * size, data, len);
	return r ? -r : 0;
}

static errcode_t io_read_32(io_channel channel, unsigned long block, int count, void *data)
{
	return io_read(channel, block, count, data);
}

static errcode_t io_write(io_channel channel, unsigned long long block, int count, const void *data)
{
	return EROFS;
}

static errcode_t io_write_32(io_channel channel, unsigned long block, int count, const void *data)
{
	return EROFS;
}

static errcode_t io_flush(io_channel channel)
{
	return 0;
}

static errcode_t io_read_ahead(
	io_channel channel, unsigned long long block, unsigned long long count)
{
	struct ext_io *io = channel->private_data;
	uint64_t size = (uint64_t)channel->block_size;

	if (block > INT64_MAX / size || count > INT64_MAX / size)
		return EIO;
	sectors_want(io->disk, block * size, count * size);
	return 0; /* nothing to do: the block is fetched with the next block that is not cached */
}

static errcode_t io_open(const char *name, int flags, io_channel *out);

static struct struct_io_manager ext_io_manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "sectors",
	.open = io_open,
	.close = io_close,
	.set_blksize = io_set_block_size,
	.read_blk = io_read_32,
	.read_blk64 = io_read,
	.write_blk = io_write_32,
	.write_blk64 = io_write,
	.flush = io_flush,
	.cache_readahead = io_read_ahead,
};

static errcode_t io_open(const char *name, int flags, io_channel *out)
{
	io_channel channel = calloc(1, sizeof(*channel));

	if (!channel || !(channel->name = strdup(name))) {
		free(channel);
		return ENOMEM;
	}
	channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	channel->manager = &ext_io_manager;
	channel->block_size = 1024;
	channel->refcount = 1;
	channel->private_data = io_being_opened;
	*out = channel;
	return 0;
}

bool ext_io_want(struct ext_io *io, uint64_t block)
{
	uint64_t place;

	if (sector_map_get(&io->journaled, block, &place))
		block = place >> 1;
	return block > INT64_MAX / io->block_size ||
	       sectors_want(io->disk, block * io->block_size, io->block_size);
}

errcode_t ext_io_open(struct ext_io *io, int flags, ext2_filsys *fs)
{
	errcode_t error;

	io_being_opened = io;
	error = ext2fs_open2("partition", NULL, flags, 0, 0, &ext_io_manager, fs);
	io_being_opened = NULL;
	return error;
}
