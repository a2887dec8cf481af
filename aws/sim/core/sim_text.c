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

/* The places in a pattern at which a match of the text read so far can end. */
#define PATTERN_MAX 4096
struct places {
	size_t n;
	bool any, at[PATTERN_MAX + 1];
};

/* Adds a place, and the places after the wildcards that follow it, which may match nothing. */
static void places_enter(struct places *p, const char *pattern, size_t i)
{
	for (; i <= p->n && !p->at[i]; i++) {
		p->at[i] = p->any = true;
		if (pattern[i] != '*' && pattern[i] != '?')
			return;
	}
}

static void places_clear(struct places *p, size_t n)
{
	p->n = n;
	p->any = false;
	memset(p->at, 0, (n + 1) * sizeof(*p->at));
}

/* Writes to *to the places that follow those in *from when the text's next character, of n bytes at
 * s, is read. */
static void places_move(
	const struct places *from, struct places *to, const char *pattern, const char *s, size_t n)
{
	places_clear(to, from->n);
	for (size_t i = 0; i < from->n; i++) {
		size_t literal = i + (pattern[i] == '\\' && pattern[i + 1]);

		if (!from->at[i])
			continue;
		if (pattern[i] == '*')
			places_enter(to, pattern, i);
		else if (pattern[i] == '?')
			places_enter(to, pattern, i + 1);
		else if (strncmp(pattern + literal, s, n) == 0)
			places_enter(to, pattern, literal + n);
	}
}

bool sim_text_matches(const char *s, const char *pattern)
{
	struct places places[2];
	size_t len = strlen(pattern), n;
	unsigned now = 0;
	uint32_t c;

	if (len > PATTERN_MAX)
		return false;
	places_clear(&places[now], len);
	places_enter(&places[now], pattern, 0);
	for (; *s && places[now].any; s += n, now = !now) {
		n = utf8_decode(s, 4, &c); /* the NUL ends it earlier */
		n = n ? n : 1;
		places_move(&places[now], &places[!now], pattern, s, n);
	}
	return !*s && places[now].at[len];
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
