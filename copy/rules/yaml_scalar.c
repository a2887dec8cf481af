/* SPDX-License-Identifier: MIT */
/* YAML's one-line scalars. */
#include "yaml_scalar.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "encode.h"
#include "utf8.h"

/* Words and figures that YAML would not read as a string. */
static bool yaml_reads_as_another_type(const char *text)
{
	static const char *const words[] = {
		"yes", "no", "true", "false", "on", "off", "y", "n", "null", "~", ".inf", ".nan"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcasecmp(text, words[i]))
			return true;
	return strchr("0123456789+-.", text[0]) &&
	       !text[strspn(text, "0123456789abcdefABCDEFxoTZ_:+-. ")];
}

static bool yaml_is_plain(const char *text)
{
	size_t len = strlen(text);
	uint32_t c;

	if (!len || strchr(" -?:,[]{}#&*!|>'\"%@`=<", text[0]) || text[len - 1] == ' ' ||
		text[len - 1] == ':')
		return false;
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_decode(text + i, len - i, &c);
		if (!n || utf8_is_unprintable(c) || (text[i] == ':' && text[i + 1] == ' ') ||
			(text[i] == ' ' && text[i + 1] == '#'))
			return false;
	}
	return !yaml_reads_as_another_type(text);
}

int yaml_scalar_format(struct buf *out, const char *text)
{
	/* JSON's strings are YAML's. */
	return yaml_is_plain(text) ? buf_puts(out, text)
				   : encode_json_string(out, text, strlen(text));
}

static int yaml_hex(const char *s, const char *end, int digits, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < digits; i++) {
		char c = s + i < end ? s[i] : '\0';

		if (c >= '0' && c <= '9')
			*out = *out << 4 | (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			*out = *out << 4 | (uint32_t)((c | 32) - 'a' + 10);
		else
			return -EINVAL;
	}
	return 0;
}

/* \xXX, \uXXXX (a pair of surrogates is one character, as in JSON) or \UXXXXXXXX; *at stands on the
 * letter. */
static int yaml_code_escape(const char **at, const char *end, struct buf *out)
{
	int digits = **at == 'x' ? 2 : **at == 'u' ? 4 : 8;
	uint32_t c, low;

	if (yaml_hex(*at + 1, end, digits, &c) < 0)
		return -EINVAL;
	*at += 1 + digits;
	if (digits == 4 && c >= 0xd800 && c < 0xdc00) {
		if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u' ||
			yaml_hex(*at + 2, end, 4, &low) < 0 || low < 0xdc00 || low > 0xdfff)
			return -EINVAL;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		*at += 6;
	}
	if (!c || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -EINVAL;
	utf8_encode(out, c);
	return 0;
}

static int yaml_escape(const char **at, const char *end, struct buf *out)
{
	static const char letters[] = "\"\\/abtnvfre ", meanings[] = "\"\\/\a\b\t\n\v\f\r\033 ";
	const char *letter;

	if (*at == end)
		return -EINVAL;
	if (**at == 'x' || **at == 'u' || **at == 'U')
		return yaml_code_escape(at, end, out);
	letter = **at ? strchr(letters, **at) : NULL;
	if (!letter)
		return -EINVAL;
	buf_putc(out, meanings[letter - letters]);
	(*at)++;
	return 0;
}

static int yaml_parse_quoted(const char **at, const char *end, struct buf *out, const char **why)
{
	char quote = *(*at)++;

	while (*at < end) {
		char c = *(*at)++;

		if (c == '\\' && quote == '"') {
			if (yaml_escape(at, end, out) < 0) {
				*why = "an escape that is not one of YAML's";
				return -EINVAL;
			}
		} else if (c == quote) {
			if (quote == '"' || *at == end || **at != '\'')
				return -out->error;
			buf_putc(out, *(*at)++); /* '' in single quotes */
		} else {
			buf_putc(out, c);
		}
	}
	*why = "a closing quote is missing";
	return -EINVAL;
}

int yaml_scalar_parse(const char **at, const char *end, struct buf *out, const char **why)
{
	const char *start = *at, *stop;

	if (start < end && (*start == '"' || *start == '\''))
		return yaml_parse_quoted(at, end, out, why);
	for (stop = start; stop < end; stop++)
		if (*stop == '#' && (stop == start || stop[-1] == ' ' || stop[-1] == '\t'))
			break;
	*at = stop;
	while (stop > start && (stop[-1] == ' ' || stop[-1] == '\t'))
		stop--;
	return buf_add(out, start, (size_t)(stop - start));
}
