/* SPDX-License-Identifier: MIT */
/* Writes JSON objects. */
#include "json.h"

#include <inttypes.h>
#include <string.h>

#include "encode.h"

void json_name(const struct json *j, const char *name)
{
	struct buf *out = j->out;

	if (out->len && out->data[out->len - 1] != '{')
		buf_putc(out, ',');
	buf_puts(out, j->indent);
	encode_json_string(out, name, strlen(name));
	buf_puts(out, ": ");
}

void json_text(const struct json *j, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	json_name(j, name);
	encode_json_string(j->out, value, strlen(value));
}

void json_number(const struct json *j, const char *name, int64_t value)
{
	json_name(j, name);
	buf_printf(j->out, "%" PRId64, value);
}
