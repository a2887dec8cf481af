/* SPDX-License-Identifier: MIT */
/* Reads a response of EC2 record by record. */
#include "ec2_record.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "ec2_xml.h"
#include "num.h"
#include "utf8.h"

struct record_walk {
	const struct ec2_record_kind *kind;
	void *arg;
	int depth;   /* depth of a record's element */
	bool in_set; /* the kind's set has been entered */
	bool more;
	size_t bytes; /* bytes of all texts of the current record */
	size_t n;
	struct buf path;
	struct buf text; /* the current text, with a terminator */
};

static bool record_is_set(const struct record_walk *w, int depth, const char *name)
{
	return depth == 2 && w->kind->set && !strcmp(name, w->kind->set);
}

static int record_start(struct record_walk *w, struct err *err)
{
	if (w->n++ == EC2_XML_RECORDS_MAX)
		return err_set(
			err, EIO, "the response has more than %d records", EC2_XML_RECORDS_MAX);
	w->bytes = 0;
	buf_clear(&w->path);
	return w->kind->start ? w->kind->start(w->arg, err) : 0;
}

static int record_open(void *arg, int depth, const char *name, struct err *err)
{
	struct record_walk *w = arg;
	int r = xml_check_root(depth, name, w->kind->root, err);

	if (r < 0)
		return r;
	if (depth == 2 && w->kind->set)
		w->in_set = record_is_set(w, depth, name);
	if (!w->in_set)
		return 0;
	if (depth == w->depth)
		return record_start(w, err);
	if (depth > w->depth &&
		buf_printf(&w->path, "%s%s", depth > w->depth + 1 ? "/" : "", name) < 0)
		return err_set(err, w->path.error, "out of memory");
	return 0;
}

/* Removes the last element from the path. */
static void record_leave(struct record_walk *w)
{
	const char *slash = strrchr(buf_str(&w->path), '/');

	buf_resize(&w->path, slash ? (size_t)(slash - w->path.data) : 0);
}

static int record_text(struct record_walk *w, const char *text, size_t len, struct err *err)
{
	if (text) {
		text = xml_trim(text, &len);
		w->bytes += len;
		buf_clear(&w->text);
		buf_add(&w->text, text, len);
	}
	if (w->text.error)
		return err_set(err, w->text.error, "out of memory");
	if (w->bytes > EC2_RECORD_MAX)
		return err_set(err, EIO, "a record of the response has more than %zu bytes",
			EC2_RECORD_MAX);
	return w->kind->text(w->arg, buf_str(&w->path), text ? buf_str(&w->text) : NULL, err);
}

static int record_close(
	void *arg, int depth, const char *name, const char *text, size_t len, struct err *err)
{
	struct record_walk *w = arg;
	int r = 0;

	if (depth == 2 && text && !strcmp(name, "nextToken"))
		w->more = *xml_trim(text, &len) && len;
	if (!w->in_set)
		return 0;
	if (depth > w->depth) {
		r = record_text(w, text, len, err);
		record_leave(w);
	} else if (depth == w->depth && w->kind->end) {
		r = w->kind->end(w->arg, err);
	} else if (record_is_set(w, depth, name)) {
		w->in_set = false;
	}
	return r;
}

int ec2_record_parse(const char *body, size_t len, const struct ec2_record_kind *kind, void *arg,
	bool *more, struct err *err)
{
	struct record_walk w = {
		.kind = kind, .arg = arg, .depth = kind->set ? 3 : 1, .in_set = !kind->set};
	const struct xml_handler handler = {.open = record_open, .close = record_close, .arg = &w};
	int r = xml_parse(body, len, &handler, err);

	if (more)
		*more = w.more;
	buf_finish(&w.path);
	buf_finish(&w.text);
	return r;
}

void ec2_record_set(const struct ec2_record_text *table, size_t n, void *record, const char *path,
	const char *text)
{
	for (size_t i = 0; text && i < n; i++) {
		char *out = (char *)record + table[i].offset;

		if (strcmp(path, table[i].path) != 0 || *out)
			continue;
		snprintf(out, table[i].size, "%s", text);
		utf8_make_line(out);
	}
}

unsigned ec2_record_number(const char *text)
{
	uint64_t v;

	return text && !num_parse_u64(text, strlen(text), 0, UINT_MAX, &v) ? (unsigned)v : 0;
}

void *ec2_record_append(void *array, size_t *n, size_t size, struct err *err)
{
	/* The array grows whenever its length is a power of two, or 0. */
	if (!(*n & (*n - 1))) {
		void *grown = reallocarray(array, *n ? 2 * *n : 1, size);

		if (!grown) {
			err_set(err, ENOMEM, "out of memory");
			return NULL;
		}
		array = grown;
	}
	memset((char *)array + (*n)++ * size, 0, size);
	return array;
}
