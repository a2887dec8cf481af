/* SPDX-License-Identifier: MIT */
/* The body of a Query API request. */
#include "form.h"

#include <stdarg.h>
#include <string.h>

#include "encode.h"

void form_start(struct buf *form, const char *action, const char *version)
{
	buf_printf(form, "Action=%s&Version=%s", action, version);
}

static void form_add_name(struct buf *form, const char *name, va_list ap)
{
	buf_putc(form, '&');
	buf_vprintf(form, name, ap);
	buf_putc(form, '=');
}

void form_add(struct buf *form, const char *value, const char *name, ...)
{
	va_list ap;

	if (!value)
		return;
	va_start(ap, name);
	form_add_name(form, name, ap);
	va_end(ap);
	encode_percent(form, value, strlen(value), 0);
}

void form_add_literal(struct buf *form, const char *value, const char *name, ...)
{
	va_list ap;

	if (!value)
		return;
	va_start(ap, name);
	form_add_name(form, name, ap);
	va_end(ap);
	for (; *value; value++) {
		if (strchr("*?\\", *value))
			encode_percent(form, "\\", 1, 0);
		encode_percent(form, value, 1, 0);
	}
}

void form_add_number(struct buf *form, int value, const char *name)
{
	buf_printf(form, "&%s=%d", name, value);
}

void form_add_true(struct buf *form, bool value, const char *name)
{
	if (value)
		buf_printf(form, "&%s=true", name);
}
