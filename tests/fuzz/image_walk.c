/* SPDX-License-Identifier: MIT */
/* Walks the file system of an image with changed sectors, and checks what filesystem.h promises. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "detect.h"
#include "image_walk.h"
#include "sectors.h"

#define CPU_SECONDS  10 /* of one request */
#define ENTRIES_MAX  120
#define DEPTH_MAX    12
#define MAPS_MAX     16
#define EXTENTS      16
#define CHANGES_MAX  64
#define CHANGE_BYTES 12 /* of an input */
#define SECTOR_BYTES (sizeof(uint64_t) + SECTOR_SIZE)

static void fuzz_load(struct fuzz_image *image)
{
	_cleanup_fclose_ FILE *f = fopen(image->path, "r");
	uint8_t sector[SECTOR_BYTES];
	size_t room = 0;

	if (!f || fread(&image->size, sizeof(image->size), 1, f) != 1 ||
		!(image->bytes = calloc(1, image->size)))
		abort();
	while (fread(sector, sizeof(sector), 1, f) == 1) {
		uint64_t number;

		memcpy(&number, sector, sizeof(number));
		if (number >= image->size / SECTOR_SIZE)
			abort();
		if (image->count == room) {
			room = room ? 2 * room : 1024;
			image->sectors = realloc(image->sectors, room * sizeof(*image->sectors));
		}
		image->sectors[image->count++] = number;
		memcpy(image->bytes + number * SECTOR_SIZE, sector + sizeof(number), SECTOR_SIZE);
	}
}

static int fuzz_fetch(void *ctx, const uint64_t *index, void *const *out, unsigned n)
{
	const struct fuzz_image *image = ctx;

	for (unsigned i = 0; i < n; i++)
		memcpy(out[i], image->bytes + index[i] * SECTORS_BLOCK, SECTORS_BLOCK);
	return 0;
}

/* One change: of some bytes of a sector, or the whole sector as a copy of another. */
struct fuzz_change {
	uint16_t sector; /* of those that are not zero */
	uint16_t offset; /* in it; the high bits: how many bytes */
	uint64_t value;
};

static uint8_t *fuzz_sector(const struct fuzz_image *image, uint64_t i)
{
	return image->bytes + image->sectors[i % image->count] * SECTOR_SIZE;
}

static void fuzz_change(const struct fuzz_image *image, const struct fuzz_change *change)
{
	uint8_t *p = fuzz_sector(image, change->sector);
	unsigned at = change->offset % SECTOR_SIZE, len = 1u << (change->offset >> 9 & 3);

	if (change->offset >> 15)
		memcpy(p, fuzz_sector(image, change->value), SECTOR_SIZE);
	else
		memcpy(p + (at & ~(len - 1)), &change->value, len);
}

static struct timespec request_start;

static void request_begin(void)
{
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &request_start);
}

static void request_end(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	if (now.tv_sec - request_start.tv_sec > CPU_SECONDS)
		abort();
}

struct fuzz_listing {
	uint64_t inodes[ENTRIES_MAX];
	unsigned n;
};

static bool fuzz_entry(void *arg, const struct filesystem_entry *entry)
{
	struct fuzz_listing *l = arg;

	if (!filesystem_name_is_valid(entry->name, entry->name_len))
		abort();
	if (l->n == ENTRIES_MAX)
		return false;
	l->inodes[l->n++] = entry->inode;
	return true;
}

/* Maps the beginning of a file, and checks what filesystem.h promises. */
static void fuzz_map(struct filesystem *fs, uint64_t inode, uint64_t size)
{
	uint64_t offset = 0;

	for (unsigned i = 0; i < MAPS_MAX && offset < size; i++) {
		struct filesystem_extent extents[EXTENTS];
		unsigned n = EXTENTS;
		int r;

		request_begin();
		r = fs->ops->map(fs, inode, offset, UINT64_MAX / 2, extents, &n);
		request_end();
		if (r)
			return;
		if (!n || n > EXTENTS)
			abort();
		for (unsigned k = 0; k < n; k++) {
			if (extents[k].offset != offset || !extents[k].length ||
				extents[k].length > size - offset)
				abort();
			if (extents[k].kind == FILESYSTEM_DISK &&
				(extents[k].disk > sectors_size(fs->disk) ||
					extents[k].length >
						sectors_size(fs->disk) - extents[k].disk))
				abort();
			offset += extents[k].length;
		}
	}
}

static void fuzz_inode(struct filesystem *fs, uint64_t inode, unsigned depth);

static void fuzz_directory(struct filesystem *fs, uint64_t inode, unsigned depth)
{
	struct fuzz_listing *l = calloc(1, sizeof(*l));
	uint64_t found;

	if (!l)
		abort();
	request_begin();
	fs->ops->readdir(fs, inode, 0, fuzz_entry, l);
	request_end();
	request_begin();
	filesystem_lookup(fs, inode, "none", 4, &found);
	request_end();
	filesystem_fetch(fs, l->inodes, l->n);
	for (unsigned i = 0; i < l->n; i++)
		fuzz_inode(fs, l->inodes[i], depth + 1);
	free(l);
}

static unsigned inodes_left;

static void fuzz_inode(struct filesystem *fs, uint64_t inode, unsigned depth)
{
	_cleanup_buf_ struct buf target = BUF_INIT;
	struct filesystem_attributes a;
	int r;

	if (!inodes_left || depth > DEPTH_MAX)
		return;
	inodes_left--;
	request_begin();
	r = fs->ops->stat(fs, inode, &a);
	request_end();
	if (r)
		return;
	fs->ops->readlink(fs, inode, &target);
	fuzz_map(fs, inode, a.size);
	fuzz_directory(fs, inode, depth);
}

static void fuzz_walk(struct fuzz_image *image)
{
	static const struct filesystem_options options = {.skip_checksums = true};
	struct sectors_source source = {fuzz_fetch, image};
	struct sectors *disk = sectors_create(&source, 0, image->size);
	struct filesystem *fs;

	if (!disk)
		abort();
	request_begin();
	fs = detect_filesystem(disk, &options, NULL);
	request_end();
	inodes_left = ENTRIES_MAX;
	if (fs)
		fuzz_inode(fs, fs->root, 0);
	filesystem_destroy(fs);
	sectors_destroy(disk);
}

int image_walk_fuzz(struct fuzz_image *images, size_t count, const uint8_t *data, size_t size)
{
	uint8_t undo[CHANGES_MAX][SECTOR_SIZE];
	struct fuzz_change changes[CHANGES_MAX];
	struct fuzz_image *image;
	unsigned n = 0;

	if (!size)
		return 0;
	image = &images[*data % count];
	if (!image->bytes)
		fuzz_load(image);
	for (data++, size--; size >= CHANGE_BYTES && n < CHANGES_MAX; n++) {
		memcpy(&changes[n].sector, data, 2);
		memcpy(&changes[n].offset, data + 2, 2);
		memcpy(&changes[n].value, data + 4, 8);
		memcpy(undo[n], fuzz_sector(image, changes[n].sector), SECTOR_SIZE);
		fuzz_change(image, &changes[n]);
		data += CHANGE_BYTES;
		size -= CHANGE_BYTES;
	}
	fuzz_walk(image);
	while (n--)
		memcpy(fuzz_sector(image, changes[n].sector), undo[n], SECTOR_SIZE);
	return 0;
}
