/* SPDX-License-Identifier: MIT */
/* UTF-8: decoded, counted, cut, and made safe to show. */
#include "utf8.h"

#include <string.h>

size_t utf8_decode(const char *text, size_t len, uint32_t *out)
{
	/* The least code point of each length. */
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)text;
	size_t n = s[0] < 0x80       ? 1
		   : s[0] >> 5 == 6  ? 2
		   : s[0] >> 4 == 14 ? 3
		   : s[0] >> 3 == 30 ? 4
				     : 0;
	uint32_t c;

	if (!n || n > len)
		return 0;
	c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	*out = c;
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : n;
}

ssize_t utf8_count(const char *s, size_t len)
{
	ssize_t count = 0;
	uint32_t c;

	while (len) {
		size_t n = utf8_decode(s, len, &c);

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
	uint32_t c;

	while (n-- && at < len) {
		size_t step = utf8_decode(s + at, len - at, &c);

		at += step ? step : 1;
	}
	return at;
}

bool utf8_is_unprintable(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} ranges[] = {
		{0, 0x1f},
		{0x7f, 0x9f},
		{0x61c, 0x61c},
		{0x200e, 0x200f},
		{0x2028, 0x202e}, /* line and paragraph separators, bidirectional controls */
		{0x2066, 0x2069},
		{0xfeff, 0xfeff},
		{0xfffe, 0xffff},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return true;
	return false;
}

size_t utf8_make_line(char *s)
{
	size_t len = strlen(s), at = 0, end = 0;
	uint32_t c;

	while (at < len) {
		size_t n = utf8_decode(s + at, len - at, &c);

		if (n && !utf8_is_unprintable(c)) {
			memmove(s + end, s + at, n);
			end += n;
		} else {
			s[end++] = s[at] && strchr("\t\n\v\f\r", s[at]) ? ' ' : '?';
		}
		at += n ? n : 1;
	}
	s[end] = '\0';
	return end;
}

int utf8_put_line(struct buf *out, const char *s)
{
	size_t from = out->len;
	int r = buf_puts(out, s);

	if (r == 0)
		out->len = from + utf8_make_line(out->data + from);
	return r;
}
