/* SPDX-License-Identifier: MIT */
/* Encodes bytes as text. */
#include "encode.h"

#include <stdarg.h>
#include <string.h>

#include "utf8.h"

static int unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

int encode_percent(struct buf *out, const char *s, size_t len, int keep_slash)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (unreserved(c) || (keep_slash && c == '/'))
			buf_putc(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
	return -out->error;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int decode_percent(struct buf *out, const char *s, size_t len, int plus_is_space)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '%' && i + 2 < len && hex_value(s[i + 1]) >= 0 &&
			hex_value(s[i + 2]) >= 0) {
			buf_putc(out, (char)(hex_value(s[i + 1]) * 16 + hex_value(s[i + 2])));
			i += 2;
		} else {
			buf_putc(out, plus_is_space && s[i] == '+' ? ' ' : s[i]);
		}
	}
	return -out->error;
}

char *encode_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
	return out;
}

int encode_base64(struct buf *out, const void *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i;
		uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			     (n > 2 ? p[i + 2] : 0);
		char group[4] = {digits[v >> 18], digits[v >> 12 & 63],
			n > 1 ? digits[v >> 6 & 63] : '=', n > 2 ? digits[v & 63] : '='};

		buf_add(out, group, 4);
	}
	return -out->error;
}

/* Returns the number of bytes at the beginning of s that need no escape. */
static size_t json_plain(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= ' ' && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

int encode_json_string(struct buf *out, const char *s, size_t len)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < len;) {
		uint32_t c = 0;
		size_t n = json_plain(s + i, len - i);

		if (n) {
			buf_add(out, s + i, n);
			i += n;
			continue;
		}
		n = utf8_decode(s + i, len - i, &c);
		if (!n) {
			buf_puts(out, "\xef\xbf\xbd");
			n = 1;
		} else if (c == '"' || c == '\\') {
			buf_printf(out, "\\%c", (char)c);
		} else if (c == '\n') {
			buf_puts(out, "\\n");
		} else if (utf8_is_unprintable(c)) {
			buf_printf(out, "\\u%04x", (unsigned)c);
		} else {
			buf_add(out, s + i, n);
		}
		i += n;
	}
	return buf_putc(out, '"');
}

/* --- forms --- */

static void form_add_name(struct buf *form, const char *name, va_list ap)
{
	buf_putc(form, '&');
	buf_vprintf(form, name, ap);
	buf_putc(form, '=');
}

void form_add(struct buf *form, const char *value, const char *name, ...)
{
	va_list ap;

	if (!value)
		return;
	va_start(ap, name);
	form_add_name(form, name, ap);
	va_end(ap);
	encode_percent(form, value, strlen(value), 0);
}

void form_add_number(struct buf *form, int value, const char *name)
{
	buf_printf(form, "&%s=%d", name, value);
}

void form_add_true(struct buf *form, bool value, const char *name)
{
	if (value)
		buf_printf(form, "&%s=true", name);
}
