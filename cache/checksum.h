/* SPDX-License-Identifier: MIT */
/* A checksum against damage of what is kept on disk; not against malice. */
#ifndef EBSFS_CHECKSUM_H
#define EBSFS_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what came before and these bytes. A change within eight bytes always shows; a
 * larger one is missed once in 2^64. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t len);

#endif
