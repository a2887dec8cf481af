/* SPDX-License-Identifier: MIT */
/* Mistyped words. */
#include "spelling.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A name is near if so few letters differ ("us-esat-1", "eu-west1"), fewer in a short word, or if
 * it only goes on ("endpoint"). */
#define NEAR       2
#define NEAR_SHORT 1
#define SHORT      4
#define NAME_LEN   64 /* longer ones are near to none */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool is_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* How many letters must be added, taken away, replaced or exchanged with their neighbour
 * (Damerau's and Levenshtein's distance, in its form for strings without overlaps). */
static unsigned distance(const char *a, const char *b)
{
	unsigned char d[NAME_LEN + 1][NAME_LEN + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > NAME_LEN || nb > NAME_LEN)
		return NAME_LEN;
	for (size_t i = 0; i <= na; i++) {
		for (size_t j = 0; j <= nb; j++) {
			unsigned n = (unsigned)(i + j);

			if (i && j) {
				n = least(d[i - 1][j] + 1u, d[i][j - 1] + 1u);
				n = least(n, d[i - 1][j - 1] + !is_same(a[i - 1], b[j - 1]));
			}
			if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) &&
				is_same(a[i - 2], b[j - 1]))
				n = least(n, d[i - 2][j - 2] + 1u);
			d[i][j] = (unsigned char)n;
		}
	}
	return d[na][nb];
}

static unsigned limit(const char *word)
{
	return strlen(word) <= SHORT ? NEAR_SHORT : NEAR;
}

static unsigned rank(const char *word, const char *name)
{
	unsigned n = distance(word, name);

	if (strlen(word) >= SHORT && !strncasecmp(word, name, strlen(word)))
		n = least(n, limit(word));
	return n;
}

size_t spelling_nearest(const char *const *names, size_t n, const char *word, struct buf *out)
{
	unsigned nearest = limit(word) + 1;
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		nearest = least(nearest, rank(word, names[i]));
	for (size_t i = 0; i < n && nearest <= limit(word); i++)
		if (rank(word, names[i]) == nearest)
			buf_printf(out, "%s%s", found++ ? " or " : "", names[i]);
	return found;
}
