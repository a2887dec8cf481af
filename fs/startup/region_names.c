/* SPDX-License-Identifier: MIT */
/* Mistyped names of regions. */
#include "region_names.h"

#include <errno.h>
#include <string.h>

#include "log.h"

/* A name is near if so few letters differ: "us-esat-1", "eu-west1", "us-east-11". */
#define NEAR     2
#define NAME_MAX 64 /* longer ones are near to none */

bool region_names_have(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters must be added, taken away, replaced or exchanged with their neighbour
 * (Damerau's and Levenshtein's distance, in its form for strings without overlaps). */
static unsigned distance(const char *a, const char *b)
{
	unsigned char d[NAME_MAX + 1][NAME_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > NAME_MAX || nb > NAME_MAX)
		return NAME_MAX;
	for (size_t i = 0; i <= na; i++) {
		for (size_t j = 0; j <= nb; j++) {
			unsigned n = (unsigned)(i + j);

			if (i && j) {
				n = least(d[i - 1][j] + 1u, d[i][j - 1] + 1u);
				n = least(n, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			}
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				n = least(n, d[i - 2][j - 2] + 1u);
			d[i][j] = (unsigned char)n;
		}
	}
	return d[na][nb];
}

int region_names_instead(const char *const *names, size_t n, const char *name, struct buf *out)
{
	unsigned nearest = NEAR + 1;
	size_t shown = 0;

	for (size_t i = 0; i < n; i++)
		if (distance(name, names[i]) < nearest)
			nearest = distance(name, names[i]);
	buf_puts(out, nearest <= NEAR ? "did you mean " : "enabled are ");
	for (size_t i = 0; i < n; i++)
		if (nearest > NEAR || distance(name, names[i]) == nearest)
			buf_printf(out, "%s%s", shown++ ? nearest <= NEAR ? " or " : ", " : "",
				names[i]);
	return buf_puts(out, nearest <= NEAR ? "?" : "");
}

int region_names_check(char *const *wanted, const char *const *names, size_t n, struct err *err)
{
	_cleanup_buf_ struct buf words = BUF_INIT;
	size_t good = 0;

	for (; *wanted; wanted++) {
		if (region_names_have(names, n, *wanted)) {
			good++;
			continue;
		}
		buf_printf(&words,
			"%sregion %s is not enabled for the account, or does not exist: ",
			words.len ? "; " : "", *wanted);
		region_names_instead(names, n, *wanted, &words);
	}
	if (!good)
		return err_set(err, EINVAL, "option regions: %s", buf_str(&words));
	if (words.len)
		log_warning("option regions: %s", buf_str(&words));
	return 0;
}
