/* SPDX-License-Identifier: MIT */
/* Numbers in bytes of a given order, at any alignment. */
#ifndef EBSFS_BYTES_H
#define EBSFS_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define BYTES_GETTER(name, type, convert)                                                          \
	static inline type name(const void *p)                                                     \
	{                                                                                          \
		type value;                                                                        \
		memcpy(&value, p, sizeof(value));                                                  \
		return convert(value);                                                             \
	}
#define BYTES_SETTER(name, type, convert)                                                          \
	static inline void name(void *p, type value)                                               \
	{                                                                                          \
		value = convert(value);                                                            \
		memcpy(p, &value, sizeof(value));                                                  \
	}

BYTES_GETTER(bytes_be16, uint16_t, be16toh)
BYTES_GETTER(bytes_be32, uint32_t, be32toh)
BYTES_GETTER(bytes_be64, uint64_t, be64toh)
BYTES_GETTER(bytes_le16, uint16_t, le16toh)
BYTES_GETTER(bytes_le32, uint32_t, le32toh)
BYTES_GETTER(bytes_le64, uint64_t, le64toh)
BYTES_SETTER(bytes_put_be16, uint16_t, htobe16)
BYTES_SETTER(bytes_put_be32, uint32_t, htobe32)
BYTES_SETTER(bytes_put_be64, uint64_t, htobe64)

#endif
