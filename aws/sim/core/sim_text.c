/* SPDX-License-Identifier: MIT */
/* Predicates over text: hex, wildcards, ids. */
#include "sim_text.h"

#include <string.h>

#include "utf8.h"

bool sim_text_is_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!s[i] || !strchr("0123456789abcdefABCDEF", s[i]))
			return false;
	return true;
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
	uint32_t c;
	size_t n = utf8_decode(s, 4, &c); /* the NUL ends it earlier */

	return s + (n ? n : 1);
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
