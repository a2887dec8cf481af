/* SPDX-License-Identifier: MIT */
/* Writes XML as AWS lays it out. */
#include "sim_xml.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "isotime.h"

static const char spaces[] = "                                ";

static size_t indentation(const struct sim_xml *x)
{
	size_t n = (size_t)x->depth * 4;

	return n < sizeof(spaces) - 1 ? n : sizeof(spaces) - 1;
}

static void indent(struct sim_xml *x)
{
	buf_add(x->out, spaces, indentation(x));
}

static void xml_tag(struct sim_xml *x, const char *before, const char *name, const char *after)
{
	char text[128];
	size_t a = strlen(before), n = strlen(name), b = strlen(after);

	if (a + n + b > sizeof(text)) {
		buf_puts(x->out, before);
		buf_puts(x->out, name);
		buf_puts(x->out, after);
		return;
	}
	memcpy(text, before, a);
	memcpy(text + a, name, n);
	memcpy(text + a + n, after, b);
	buf_add(x->out, text, a + n + b);
}

/* Returns the reference for a character, NULL if it needs none. */
static const char *reference(unsigned char c, char number[8])
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	default:
		if (c >= 0x20 && c != 0x7f)
			return NULL;
		snprintf(number, 8, "&#%d;", c);
		return number;
	}
}

static void xml_text(struct sim_xml *x, const char *s)
{
	const char *from = s;
	char number[8];

	for (; *s; s++) {
		const char *r = reference((unsigned char)*s, number);

		if (!r)
			continue;
		buf_add(x->out, from, (size_t)(s - from));
		buf_puts(x->out, r);
		from = s + 1;
	}
	buf_add(x->out, from, (size_t)(s - from));
}

void sim_xml_open(struct sim_xml *x, const char *name)
{
	indent(x);
	xml_tag(x, "<", name, ">\n");
	x->depth++;
}

void sim_xml_close(struct sim_xml *x, const char *name)
{
	x->depth--;
	indent(x);
	xml_tag(x, "</", name, ">\n");
}

static char *append(char *out, const char *data, size_t len)
{
	memcpy(out, data, len);
	return out + len;
}

/* Writes a line of the common case in one step, because a page has some 16,000 such lines. Returns
 * false in other cases. */
static bool short_leaf(struct sim_xml *x, const char *name, const char *value)
{
	size_t spaces_len = indentation(x), n = strlen(name), len = strlen(value);
	char line[512], number[8], *out = line;

	if (!len || spaces_len + 2 * n + len + sizeof("<></>\n") > sizeof(line))
		return false;
	for (const char *p = value; *p; p++)
		if (reference((unsigned char)*p, number))
			return false;
	out = append(out, spaces, spaces_len);
	out = append(out, "<", 1);
	out = append(out, name, n);
	out = append(out, ">", 1);
	out = append(out, value, len);
	out = append(out, "</", 2);
	out = append(out, name, n);
	out = append(out, ">\n", 2);
	buf_add(x->out, line, (size_t)(out - line));
	return true;
}

void sim_xml_leaf(struct sim_xml *x, const char *name, const char *value)
{
	if (!value || short_leaf(x, name, value))
		return;
	indent(x);
	if (!*value) {
		xml_tag(x, "<", name, "/>\n");
		return;
	}
	xml_tag(x, "<", name, ">");
	xml_text(x, value);
	xml_tag(x, "</", name, ">\n");
}

void sim_xml_number(struct sim_xml *x, const char *name, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld", (long long)value);
	sim_xml_leaf(x, name, digits);
}

void sim_xml_bool(struct sim_xml *x, const char *name, bool value)
{
	sim_xml_leaf(x, name, value ? "true" : "false");
}

void sim_xml_time(struct sim_xml *x, const char *name, int64_t ms)
{
	char stamp[ISOTIME_SIZE];

	if (ms)
		sim_xml_leaf(x, name, isotime_format_ms(ms, stamp));
}
