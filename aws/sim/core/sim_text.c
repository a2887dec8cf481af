/* SPDX-License-Identifier: MIT */
/* Predicates over text: UTF-8, hex, wildcards, ids. */
#include "sim_text.h"

#include <string.h>

bool sim_text_is_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!s[i] || !strchr("0123456789abcdefABCDEF", s[i]))
			return false;
	return true;
}

/* Returns the length of the UTF-8 sequence that begins with this byte, 0 for none. */
static size_t sequence(unsigned char c)
{
	return c < 0x80                ? 1
	       : c >= 0xc2 && c < 0xe0 ? 2
	       : c >= 0xe0 && c < 0xf0 ? 3
	       : c >= 0xf0 && c < 0xf5 ? 4
				       : 0;
}

bool sim_text_is_utf8(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p) {
		size_t n = sequence(*p);

		if (!n)
			return false;
		for (size_t i = 1; i < n; i++)
			if ((p[i] & 0xc0) != 0x80)
				return false;
		/* overlong forms, surrogates, beyond U+10FFFF */
		if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
			(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
			return false;
		p += n;
	}
	return true;
}

size_t sim_text_characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

bool sim_text_is_printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 && *s != '\t' && *s != '\n' && *s != '\r')
			return false;
	return true;
}

static const char *next_character(const char *s)
{
	s++;
	while (((unsigned char)*s & 0xc0) == 0x80)
		s++;
	return s;
}

bool sim_text_matches(const char *s, const char *pattern)
{
	const char *star = NULL, *retry = NULL;

	while (*s) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = s;
		} else if (*pattern == '?') {
			pattern++;
			s = next_character(s);
		} else {
			const char *want = *pattern == '\\' && pattern[1] ? pattern + 1 : pattern;

			if (*want == *s) {
				pattern = want + 1;
				s++;
			} else if (star) {
				pattern = star;
				s = retry = next_character(retry);
			} else {
				return false;
			}
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

size_t sim_text_literal(const char *pattern)
{
	return strcspn(pattern, "*?\\");
}

bool sim_text_has_wildcard(const char *pattern)
{
	return pattern[sim_text_literal(pattern)] != '\0';
}

bool sim_text_is_id(const char *s, const char *kind)
{
	size_t n = strlen(kind), digits;

	if (strncmp(s, kind, n) || s[n] != '-')
		return false;
	digits = strspn(s + n + 1, "0123456789abcdef");
	return !s[n + 1 + digits] && (digits == 8 || digits == 17);
}

char *sim_text_dup(const char *s)
{
	return strdup(s ? s : "");
}
