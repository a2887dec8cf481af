/* SPDX-License-Identifier: MIT */
#include "unicode.h"

#include <stdbool.h>
#include <string.h>

#include "bytes.h"

static size_t character_encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t unicode_from_utf16(const void *text, size_t units, char *out, size_t size)
{
	const uint8_t *p = text;
	size_t len = 0, written = 0;

	for (size_t i = 0; i < units; i++) {
		uint32_t c = bytes_le16(p + 2 * i), low;
		char encoded[4];
		size_t n;

		if (!c)
			break;
		if (c >= 0xd800 && c < 0xdc00 && i + 1 < units) {
			low = bytes_le16(p + 2 * i + 2);
			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
				i++;
			}
		}
		if (c >= 0xd800 && c < 0xe000)
			continue;
		n = character_encode(c, encoded);
		if (len == written && len + n < size) {
			memcpy(out + written, encoded, n);
			written += n;
		}
		len += n;
	}
	if (size)
		out[written] = '\0';
	return len;
}
