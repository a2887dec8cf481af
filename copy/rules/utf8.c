/* SPDX-License-Identifier: MIT */
/* UTF-8 text measured in characters. */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the character at s, 0 if there is none. */
static size_t sequence(const unsigned char *s, size_t len)
{
	/* The least code point that may take so many bytes. */
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80       ? 1
		   : s[0] >> 5 == 6  ? 2
		   : s[0] >> 4 == 14 ? 3
		   : s[0] >> 3 == 30 ? 4
				     : 0;
	uint32_t c;

	if (n < 2)
		return n;
	if (n > len)
		return 0;
	c = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : n;
}

ssize_t utf8_count(const char *s, size_t len)
{
	ssize_t count = 0;

	while (len) {
		size_t n = sequence((const unsigned char *)s, len);

		if (!n)
			return -1;
		s += n;
		len -= n;
		count++;
	}
	return count;
}

size_t utf8_prefix(const char *s, size_t n)
{
	size_t len = strlen(s), at = 0;

	while (n-- && at < len) {
		size_t step = sequence((const unsigned char *)s + at, len - at);

		at += step ? step : 1;
	}
	return at;
}
