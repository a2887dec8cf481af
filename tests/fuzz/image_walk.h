/* SPDX-License-Identifier: MIT */
/* Fuzz targets over images of file systems: sectors changed, of metadata and of a log, and without
 * the checksums that would hide what is behind them. */
#ifndef EBSFS_IMAGE_WALK_H
#define EBSFS_IMAGE_WALK_H

#include <stddef.h>
#include <stdint.h>

/* An image, in memory after its first use. */
struct fuzz_image {
	const char *path; /* made by packed.py sectors */
	uint8_t *bytes;
	uint64_t size;
	uint64_t *sectors; /* the numbers of those that are not zero */
	size_t count;
};

/* An input is the number of an image, and a list of changes to it. Returns 0. */
int image_walk_fuzz(struct fuzz_image *images, size_t count, const uint8_t *data, size_t size);

#endif
