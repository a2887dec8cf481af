/* SPDX-License-Identifier: MIT */
/* Names of the types in partition tables. */
#ifndef EBSFS_PARTITION_TYPES_H
#define EBSFS_PARTITION_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* Writes the name of an MBR's type: "0x83 Linux". */
void partition_type_mbr(uint8_t type, char *out, size_t size);
/* Writes the name of a GPT's type, given by its 16 bytes: "EFI System"; for an unknown type its
 * GUID. */
void partition_type_gpt(const uint8_t *guid, char *out, size_t size);

#endif
