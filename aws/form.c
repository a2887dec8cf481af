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

void form_add(struct buf *form, const char *value, const char *name, ...)
{
	va_list ap;

	if (!value)
		return;
	buf_putc(form, '&');
	va_start(ap, name);
	buf_vprintf(form, name, ap);
	va_end(ap);
	buf_putc(form, '=');
	encode_percent(form, value, strlen(value), 0);
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
