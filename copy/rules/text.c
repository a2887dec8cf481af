/* SPDX-License-Identifier: MIT */
/* Pieces of the texts for people. */
#include "text.h"

#include "isotime.h"
#include "utf8.h"

#define BAR 40

void text_line(struct buf *out, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	buf_printf(out, "%s: ", key);
	utf8_put_line(out, value);
	buf_putc(out, '\n');
}

void text_time(struct buf *out, const char *key, int64_t ms)
{
	char text[ISOTIME_SIZE];

	if (ms)
		text_line(out, key, isotime_format(ms, text));
}

void text_duration(struct buf *out, const char *key, int64_t ms)
{
	char text[ISOTIME_SIZE];

	text_line(out, key, isotime_duration(ms / 1000, text));
}

void text_progress(struct buf *out, int percent)
{
	int full = percent < 0 ? 0 : percent > 100 ? BAR : percent * BAR / 100;

	if (percent < 0) {
		buf_puts(out, "progress: unknown\n");
		return;
	}
	buf_printf(out, "progress: %d%%  [", percent);
	for (int i = 0; i < BAR; i++)
		buf_putc(out, i < full ? '#' : '-');
	buf_puts(out, "]\n");
}

void text_also(char **text, const char *more)
{
	char *both;

	if (asprintf(&both, "%s%s%s", *text ? *text : "", *text ? "; " : "", more) < 0)
		return;
	free(*text);
	*text = both;
}
