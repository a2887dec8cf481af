/* SPDX-License-Identifier: MIT */
/* Masks secrets and signatures. */
#include "secret_mask.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE_DIGITS 64

static int hex_value(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Decodes "%XX" or "%25XX". Returns the escape's length; 0 if s does not begin with one. */
static size_t decode_percent(const char *s, size_t len, char *out)
{
	size_t at = len >= 5 && !memcmp(s, "%25", 3) ? 3 : 1;

	if (len < at + 2 || *s != '%' || !isxdigit((unsigned char)s[at]) ||
		!isxdigit((unsigned char)s[at + 1]))
		return 0;
	*out = (char)(hex_value(s[at]) << 4 | hex_value(s[at + 1]));
	return at + 2;
}

/* Decodes "&#43;", "&#x2b;" or "&amp;". Returns the entity's length; 0 if s does not begin with
 * one. */
static size_t decode_entity(const char *s, size_t len, char *out)
{
	static const struct {
		const char *text;
		char c;
	} named[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
	bool hex = len > 2 && (s[2] == 'x' || s[2] == 'X');
	char digits[8] = "", *end;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++) {
		n = strlen(named[i].text);
		if (len >= n && !memcmp(s, named[i].text, n)) {
			*out = named[i].c;
			return n;
		}
	}
	if (len < 4 || s[0] != '&' || s[1] != '#')
		return 0;
	s += hex ? 3 : 2;
	len -= hex ? 3 : 2;
	for (n = 0; n < len && n + 1 < sizeof(digits) && s[n] != ';'; n++)
		digits[n] = s[n];
	*out = (char)strtol(digits, &end, hex ? 16 : 10);
	return n && n < len && s[n] == ';' && !*end ? n + 1 + (hex ? 3 : 2) : 0;
}

/* Returns the length of the character c at s, plain or escaped; 0 if s begins with another
 * character. */
static size_t match_char(const char *s, size_t len, char c)
{
	char escaped;
	size_t n;

	if (!len)
		return 0;
	if (*s == c)
		return 1;
	if (*s == '\\' && len > 1 && s[1] == c)
		return 2;
	n = *s == '%'   ? decode_percent(s, len, &escaped)
	    : *s == '&' ? decode_entity(s, len, &escaped)
			: 0;
	return n && escaped == c ? n : 0;
}

/* Returns the length of the secret's text at the start of text: the whole secret, or at least
 * SECRET_MASK_MIN characters of its beginning; 0 if fewer match. */
static size_t match_secret(const char *text, size_t len, const char *secret)
{
	size_t at = 0, n = 0, step;

	while (secret[n] && (step = match_char(text + at, len - at, secret[n]))) {
		at += step;
		n++;
	}
	return n >= SECRET_MASK_MIN ? at : 0;
}

void secret_mask(char *text, size_t len, const char *const *secrets, size_t n_secrets)
{
	for (size_t i = 0; i < n_secrets; i++) {
		if (!secrets[i] || strlen(secrets[i]) < SECRET_MASK_MIN)
			continue;
		for (size_t at = 0; at < len;) {
			size_t n = match_secret(text + at, len - at, secrets[i]);

			memset(text + at, '*', n);
			at += n ? n : 1;
		}
	}
}

static void mask_v2(char *text, size_t len)
{
	static const char name[] = "Signature";
	const size_t n = sizeof(name) - 1;

	for (size_t at = 0; at + n < len; at++) {
		size_t step;

		if (memcmp(text + at, name, n))
			continue;
		at += n;
		step = match_char(text + at, len - at, '=');
		at += step;
		/* a signature in Base64, plain or escaped */
		for (; step && at < len &&
			(isalnum((unsigned char)text[at]) || strchr("+/=%", text[at]));
			at++)
			text[at] = '*';
	}
}

void secret_mask_signatures(char *text, size_t len)
{
	size_t digits = 0;

	for (size_t at = 0; at <= len; at++) {
		if (at < len && isxdigit((unsigned char)text[at])) {
			digits++;
			continue;
		}
		if (digits >= SIGNATURE_DIGITS)
			memset(text + at - digits, '*', digits);
		digits = 0;
	}
	mask_v2(text, len);
}
