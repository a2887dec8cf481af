/* SPDX-License-Identifier: MIT */
/* Decodes, encodes, counts and cuts UTF-8, and makes it safe to show. */
#include "utf8.h"

#include <string.h>

/* Returns the length of a character whose first byte is `lead`; 0: no character begins with it. */
static size_t utf8_length(unsigned char lead)
{
	return lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
}

static bool utf8_continues(char byte)
{
	return (unsigned char)byte >> 6 == 2;
}

size_t utf8_decode(const char *text, size_t len, uint32_t *out)
{
	/* The least code point of each length. */
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)text;
	size_t n = utf8_length(s[0]);
	uint32_t c;

	if (!n || n > len)
		return 0;
	c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (!utf8_continues(text[i]))
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	*out = c;
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : n;
}

bool utf8_is_cut(const char *s, size_t len)
{
	size_t n = 1;

	while (n < len && utf8_continues(s[n]))
		n++;
	return n == len && len < utf8_length((unsigned char)*s);
}

size_t utf8_whole(const char *s, size_t len)
{
	while (len && utf8_continues(s[len]))
		len--;
	return len;
}

int utf8_encode(struct buf *out, uint32_t c)
{
	if (c < 0x80)
		return buf_putc(out, (char)c);
	if (c < 0x800) {
		buf_putc(out, (char)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		buf_putc(out, (char)(0xe0 | c >> 12));
		buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	} else {
		buf_putc(out, (char)(0xf0 | c >> 18));
		buf_putc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	return buf_putc(out, (char)(0x80 | (c & 0x3f)));
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
