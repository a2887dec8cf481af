/* SPDX-License-Identifier: MIT */
/* Tag keys as file names, and the scratch names of editors. */
#include "names.h"

#include <stdio.h>
#include <string.h>

#include "encode.h"
#include "utf8.h"

static bool only_dots(const char *s)
{
	return *s && strspn(s, ".") == strlen(s);
}

/* Returns whether an editor makes such files: vim tests a folder with 4913, and writes .x.swp and
 * x~; emacs writes #x# and .#x. */
static bool names_look_scratch(const char *name)
{
	size_t len = strlen(name);

	return *name == '.' || (len && name[len - 1] == '~') || !strcmp(name, "4913") ||
	       (len > 1 && *name == '#' && name[len - 1] == '#');
}

bool names_is_file(const char *name)
{
	size_t len = strlen(name);

	return len && len <= NAME_MAX && !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

bool names_escape(const char *key, char out[NAME_MAX + 1])
{
	size_t len = strlen(key), n = 0, step;
	bool dots = only_dots(key), scratch = names_look_scratch(key);
	uint32_t c;

	for (const char *p = key; *p; p += step) {
		step = utf8_decode(p, len - (size_t)(p - key), &c);
		bool escaped = *p == '/' || *p == '%' || dots || !step || utf8_is_unprintable(c) ||
			       (scratch && p == key);

		step = step ? step : 1;
		if (n + (escaped ? 3 : 1) * step > NAME_MAX)
			return false;
		for (size_t i = 0; i < step; i++) {
			if (escaped)
				n += (size_t)sprintf(out + n, "%%%02X", (unsigned char)p[i]);
			else
				out[n++] = p[i];
		}
	}
	out[n] = '\0';
	return n > 0;
}

bool names_unescape(const char *name, char out[NAME_MAX + 1])
{
	_cleanup_buf_ struct buf key = BUF_INIT;
	char again[NAME_MAX + 1];

	if (strlen(name) > NAME_MAX || decode_percent(&key, name, strlen(name), 0) < 0 ||
		strlen(buf_str(&key)) != key.len)
		return false;
	if (!names_escape(buf_str(&key), again) || strcmp(again, name) != 0)
		return false;
	strcpy(out, key.data);
	return true;
}

bool names_escape_value(const char *value, char out[NAME_MAX + 1])
{
	if (*value)
		return names_escape(value, out);
	strcpy(out, NAMES_EMPTY);
	return true;
}

bool names_unescape_value(const char *name, char out[NAME_MAX + 1])
{
	if (strcmp(name, NAMES_EMPTY) != 0)
		return names_unescape(name, out);
	*out = '\0';
	return true;
}

bool names_is_scratch(const char *name)
{
	char key[NAME_MAX + 1];

	return names_look_scratch(name) && !names_unescape(name, key);
}

bool names_is_reserved(const char *key)
{
	return !strncmp(key, "aws:", 4) || !strncmp(key, "ebsfs:", 6);
}
