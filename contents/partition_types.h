/* SPDX-License-Identifier: MIT */
/* Names of the types in partition tables. */
#ifndef EBSFS_PARTITION_TYPES_H
#define EBSFS_PARTITION_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* Of an MBR: "0x83 Linux". */
void partition_type_mbr(uint8_t type, char *out, size_t size);
/* Of a GPT, by its 16 bytes: "EFI System"; an unknown one as its GUID. */
void partition_type_gpt(const uint8_t *guid, char *out, size_t size);

#endif
