/* SPDX-License-Identifier: MIT */
/* Sets, extends and formats a struct err. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

int err_set(struct err *e, int errnum, const char *fmt, ...)
{
	char message[sizeof(e->message)];
	va_list ap;

	if (!e)
		return -errnum;
	/* Formatted into a copy, because an argument may point into *e. */
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	utf8_make_line(message);
	memset(e, 0, sizeof(*e));
	e->errnum = errnum;
	memcpy(e->message, message, sizeof(message));
	return -errnum;
}

int err_context(struct err *e, const char *fmt, ...)
{
	char context[sizeof(e->message)], message[sizeof(e->message)];
	va_list ap;

	if (!e)
		return 0;
	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	utf8_make_line(context);
	memcpy(message, e->message, sizeof(message));
	/* Too long a message is cut at its end, which matters least: the context names the object.
	 */
	size_t n = strlen(context);
	memcpy(e->message, context, sizeof(context));
	snprintf(e->message + n, sizeof(e->message) - n, ": %s", message);
	return -e->errnum;
}

const char *err_text(const struct err *e, char *out, size_t size)
{
	if (e->code[0] && e->request_id[0])
		snprintf(out, size, "%s (%s, request id %s)", e->message, e->code, e->request_id);
	else if (e->code[0])
		snprintf(out, size, "%s (%s)", e->message, e->code);
	else
		snprintf(out, size, "%s", e->message);
	return out;
}
