/* SPDX-License-Identifier: MIT */
/* The reasons of the latest errnos. */
#include "last_error.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "aws_error.h"
#include "clock.h"
#include "isotime.h"
#include "log.h"
#include "utf8.h"

/* Entries kept for each user, so that one user's errors do not evict another's. With five users or
 * more the oldest entry of all is evicted. */
#define SHOWN 10
#define KEPT  (4 * SHOWN)

struct entry {
	unsigned number; /* counts the mount's errors from 1; 0: the entry is empty */
	uid_t user;
	int64_t ms;
	char what[2100]; /* the operation with its paths; room for two paths */
	struct err err;
};

struct last_error {
	struct entry entries[KEPT];
	unsigned n; /* errors so far */
};

struct last_error *last_error_create(void)
{
	return calloc(1, sizeof(struct last_error));
}

void last_error_destroy(struct last_error *l)
{
	free(l);
}

/* Returns the entry to overwrite: a user's oldest entry if the user has SHOWN entries, else the
 * oldest entry of all. */
static struct entry *last_error_replaceable(struct last_error *l, uid_t user)
{
	struct entry *oldest = l->entries, *own = NULL;
	unsigned n = 0;

	for (struct entry *e = l->entries; e < l->entries + KEPT; e++) {
		if (e->number < oldest->number)
			oldest = e;
		if (!e->number || e->user != user)
			continue;
		n++;
		if (!own || e->number < own->number)
			own = e;
	}
	return n >= SHOWN ? own : oldest;
}

int last_error_report(struct last_error *l, uid_t user, const char *what, const struct err *err)
{
	struct entry *e = last_error_replaceable(l, user);
	const char *advice;
	char text[800];

	e->number = ++l->n;
	e->user = user;
	e->ms = clock_wall_ms();
	e->err = *err;
	if (!e->err.errnum)
		e->err.errnum = EIO;
	snprintf(e->what, sizeof(e->what), "%s", what);
	utf8_make_line(e->what);
	advice = aws_error_advice_for(&e->err);
	log_warning("%s: %s%s%s", what, err_text(&e->err, text, sizeof(text)),
		advice ? ". Next: " : "", advice ? advice : "");
	return e->err.errnum;
}

/* Returns the latest entry with a number below `before`; NULL: none. */
static const struct entry *last_error_before(
	const struct last_error *l, unsigned before, uid_t user, bool everybody)
{
	const struct entry *found = NULL;

	for (const struct entry *e = l->entries; e < l->entries + KEPT; e++)
		if (e->number && e->number < before && (everybody || e->user == user) &&
			(!found || e->number > found->number))
			found = e;
	return found;
}

static void last_error_put(const struct entry *e, struct buf *out)
{
	const char *step = aws_error_advice_for(&e->err);
	char stamp[ISOTIME_SIZE];

	buf_printf(out, "time: %s\noperation: %s\nerrno: %s (%s)\n", isotime_format(e->ms, stamp),
		e->what, strerrorname_np(e->err.errnum), strerror(e->err.errnum));
	if (e->err.code[0])
		buf_printf(out, "code: %s\n", e->err.code);
	buf_printf(out, "message: %s\n", e->err.message);
	if (e->err.request_id[0])
		buf_printf(out, "request-id: %s\n", e->err.request_id);
	if (step)
		buf_printf(out, "next: %s\n", step);
}

int last_error_text(const struct last_error *l, uid_t user, bool everybody, struct buf *out)
{
	const struct entry *e = last_error_before(l, UINT_MAX, user, everybody);

	if (!e)
		return buf_printf(
			out, "no error %ssince the mount\n", everybody ? "" : "of yours ");
	for (int i = 0; e && i < SHOWN; i++) {
		if (i)
			buf_putc(out, '\n');
		last_error_put(e, out);
		e = last_error_before(l, e->number, user, everybody);
	}
	return -out->error;
}
