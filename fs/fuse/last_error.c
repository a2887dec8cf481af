/* SPDX-License-Identifier: MIT */
/* The reasons behind the latest errnos. */
#include "last_error.h"

#include <errno.h>
#include <string.h>

#include "aws_advice.h"
#include "clock.h"
#include "isotime.h"
#include "log.h"
#include "utf8.h"

#define KEPT 10

struct last_error {
	struct entry {
		int64_t ms;
		char what[200];
		struct err err;
	} entries[KEPT];
	unsigned n; /* in all; the entry is n % KEPT */
};

struct last_error *last_error_create(void)
{
	return calloc(1, sizeof(struct last_error));
}

void last_error_destroy(struct last_error *l)
{
	free(l);
}

int last_error_report(struct last_error *l, const char *what, const struct err *err)
{
	struct entry *e = &l->entries[l->n++ % KEPT];
	const char *advice;
	char text[800];

	e->ms = clock_wall_ms();
	e->err = *err;
	if (!e->err.errnum)
		e->err.errnum = EIO;
	snprintf(e->what, sizeof(e->what), "%s", what);
	utf8_make_line(e->what);
	advice = aws_advice_for(&e->err);
	log_warning("%s: %s%s%s", what, err_text(&e->err, text, sizeof(text)),
		advice ? ". Next: " : "", advice ? advice : "");
	return e->err.errnum;
}

int last_error_text(const struct last_error *l, struct buf *out)
{
	char stamp[ISOTIME_SIZE];

	if (!l->n)
		return buf_puts(out, "no error since the mount\n");
	for (unsigned i = 0; i < KEPT && i < l->n; i++) {
		const struct entry *e = &l->entries[(l->n - 1 - i) % KEPT];
		const char *step = aws_advice_for(&e->err);

		buf_printf(out, "%stime: %s\noperation: %s\nerrno: %s (%s)\n", i ? "\n" : "",
			isotime_format(e->ms, stamp), e->what, strerrorname_np(e->err.errnum),
			strerror(e->err.errnum));
		if (e->err.code[0])
			buf_printf(out, "code: %s\n", e->err.code);
		buf_printf(out, "message: %s\n", e->err.message);
		if (e->err.request_id[0])
			buf_printf(out, "request-id: %s\n", e->err.request_id);
		if (step)
			buf_printf(out, "next: %s\n", step);
	}
	return -out->error;
}
