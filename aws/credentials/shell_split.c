/* SPDX-License-Identifier: MIT */
/* Divides a line into words. */
#include "shell_split.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "cleanup.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Copies one word without its quotes from *in to *out, and moves both to its end. Returns 0 or
 * -EINVAL. */
static int take_word(const char **in, char **out)
{
	const char *s = *in;
	char *to = *out;
	char quote = '\0';

	for (; *s && (quote || !is_space(*s)); s++) {
		if (quote && *s == quote) {
			quote = '\0';
		} else if (!quote && (*s == '\'' || *s == '"')) {
			quote = *s;
		} else if (*s == '\\' && quote != '\'') {
			if (!s[1])
				return -EINVAL;
			/* Between double quotes a backslash escapes only a quote and a backslash.
			 */
			if (quote && s[1] != '"' && s[1] != '\\')
				*to++ = *s;
			*to++ = *++s;
		} else {
			*to++ = *s;
		}
	}
	if (quote)
		return -EINVAL;
	*to++ = '\0';
	*in = s;
	*out = to;
	return 0;
}

int shell_split(const char *text, size_t max, char ***words)
{
	size_t room = (max + 1) * sizeof(char *), n = 0;
	/* Room for the words: a word with its NUL is no longer than its source with the separator.
	 */
	_cleanup_free_ char **list = malloc(room + strlen(text) + 1);
	char *to;

	if (!list)
		return -ENOMEM;
	to = (char *)list + room;
	for (;;) {
		while (is_space(*text))
			text++;
		if (!*text)
			break;
		if (n == max)
			return -E2BIG;
		list[n++] = to;
		if (take_word(&text, &to) < 0)
			return -EINVAL;
	}
	list[n] = NULL;
	*words = steal(&list);
	return (int)n;
}
