/* SPDX-License-Identifier: MIT */
/* FAT12, FAT16 and FAT32 with changed sectors (image_walk.h). */
#include "cleanup.h"
#include "image_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_image images[] = {FUZZ_IMAGES};

	return image_walk_fuzz(images, ARRAY_LEN(images), data, size);
}
