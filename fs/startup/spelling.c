/* SPDX-License-Identifier: MIT */
/* Suggests names for mistyped options and regions. */
#include "spelling.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "log.h"

/* A name is suggested if at most this many letters differ ("us-esat-1", "eu-west1"), fewer in a
 * short word, or if the word is the beginning of the name ("endpoint"). */
#define NEAR       2
#define NEAR_SHORT 1
#define SHORT      4
#define NAME_LEN   64 /* a longer word has no near name */

static unsigned spelling_least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool spelling_is_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Returns how many letters must be added, removed, replaced or swapped with their neighbour to make
 * a equal to b (the optimal string alignment distance). */
static unsigned spelling_distance(const char *a, const char *b)
{
	unsigned char d[NAME_LEN + 1][NAME_LEN + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > NAME_LEN || nb > NAME_LEN)
		return NAME_LEN;
	for (size_t i = 0; i <= na; i++) {
		for (size_t j = 0; j <= nb; j++) {
			unsigned n = (unsigned)(i + j);

			if (i && j) {
				n = spelling_least(d[i - 1][j] + 1u, d[i][j - 1] + 1u);
				n = spelling_least(
					n, d[i - 1][j - 1] + !spelling_is_same(a[i - 1], b[j - 1]));
			}
			if (i > 1 && j > 1 && spelling_is_same(a[i - 1], b[j - 2]) &&
				spelling_is_same(a[i - 2], b[j - 1]))
				n = spelling_least(n, d[i - 2][j - 2] + 1u);
			d[i][j] = (unsigned char)n;
		}
	}
	return d[na][nb];
}

static unsigned spelling_limit(const char *word)
{
	return strlen(word) <= SHORT ? NEAR_SHORT : NEAR;
}

static unsigned spelling_rank(const char *word, const char *name)
{
	unsigned n = spelling_distance(word, name);

	if (strlen(word) >= SHORT && !strncasecmp(word, name, strlen(word)))
		n = spelling_least(n, spelling_limit(word));
	return n;
}

size_t spelling_nearest(const char *const *names, size_t n, const char *word, struct buf *out)
{
	unsigned nearest = spelling_limit(word) + 1;
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		nearest = spelling_least(nearest, spelling_rank(word, names[i]));
	for (size_t i = 0; i < n && nearest <= spelling_limit(word); i++)
		if (spelling_rank(word, names[i]) == nearest)
			buf_printf(out, "%s%s", found++ ? " or " : "", names[i]);
	return found;
}

/* --- regions --- */

bool spelling_has(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

int spelling_instead(const char *const *names, size_t n, const char *name, struct buf *out)
{
	size_t start = out->len;

	buf_puts(out, "did you mean ");
	if (spelling_nearest(names, n, name, out))
		return buf_puts(out, "?");
	buf_resize(out, start);
	buf_puts(out, "enabled are ");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i ? ", " : "", names[i]);
	return out->error;
}

int spelling_check_regions(char *const *wanted, const char *const *names, size_t n, struct err *err)
{
	_cleanup_buf_ struct buf words = BUF_INIT;
	size_t good = 0;

	for (; *wanted; wanted++) {
		if (spelling_has(names, n, *wanted)) {
			good++;
			continue;
		}
		buf_printf(&words,
			"%sregion %s is not enabled for the account, or does not exist: ",
			words.len ? "; " : "", *wanted);
		spelling_instead(names, n, *wanted, &words);
	}
	if (!good)
		return err_set(err, EINVAL, "option regions: %s", buf_str(&words));
	if (words.len)
		log_warning("option regions: %s", buf_str(&words));
	return 0;
}
