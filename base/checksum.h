/* SPDX-License-Identifier: MIT */
/* A checksum that detects damage of files; it is no protection against forgery. */
#ifndef EBSFS_CHECKSUM_H
#define EBSFS_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Returns the checksum `sum` extended by these bytes. A change within one 8-byte word is always
 * detected; a larger change is missed once in 2^64. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t len);

#endif
