/* SPDX-License-Identifier: MIT */
/* The terms of a path below filter/. */
#include "filter_query.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cleanup.h"
#include "encode.h"
#include "utf8.h"

#define TAG           "tag:"
#define OWNER         "owner"
#define RESTORABLE_BY "restorable-by"

static const char *const names[] = {"description", "encrypted", "owner-alias", "owner-id",
	"progress", "snapshot-id", "start-time", "status", "storage-tier", TAG "KEY", "tag-key",
	"transfer-type", "volume-id", "volume-size"};

struct filter_query_term {
	char *name, *value; /* as EC2 takes them */
};

/* --- one term --- */

static int unknown_name(struct err *err)
{
	_cleanup_buf_ struct buf list = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
	return err_set(err, ENOENT,
		"EC2 has no such filter; a term is NAME=VALUE, and NAME is one of %s; or " OWNER
		" or " RESTORABLE_BY,
		buf_str(&list));
}

static bool is_known_name(const char *name)
{
	if (!strcmp(name, OWNER) || !strcmp(name, RESTORABLE_BY))
		return true;
	if (!strncmp(name, TAG, strlen(TAG)))
		return name[strlen(TAG)];
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool is_account(const char *s)
{
	return strlen(s) == 12 && strspn(s, "0123456789") == 12;
}

/* Checks the value of owner or restorable-by; word: the one beside self. */
static int check_account(const char *name, const char *value, const char *word, struct err *err)
{
	if (!strcmp(value, "self") || !strcmp(value, word) || is_account(value))
		return 0;
	return err_set(err, EINVAL, "%s takes self, %s or the 12 digits of an account", name, word);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_special(char c)
{
	return c && strchr("*?\\", c);
}

/* Appends the value of a filter as a pattern of EC2's. */
static void decode_pattern(struct buf *out, const char *s)
{
	while (*s) {
		int high = *s == '%' ? hex_digit(s[1]) : -1, low = high < 0 ? -1 : hex_digit(s[2]);

		if (low >= 0) {
			char c = (char)(high << 4 | low);

			if (is_special(c))
				buf_putc(out, '\\');
			buf_putc(out, c);
			s += 3;
		} else if (*s == '\\') {
			buf_putc(out, '\\');
			buf_putc(out, is_special(s[1]) ? s[1] : '\\');
			s += 1 + is_special(s[1]);
		} else {
			buf_putc(out, *s++);
		}
	}
}

/* Takes a decoded text of at most `max` characters. Returns 0 or -errno with *err. */
static int take(struct buf *from, const char *what, ssize_t max, char **to, struct err *err)
{
	ssize_t n = from->len == strlen(buf_str(from)) ? utf8_count(buf_str(from), from->len) : -1;

	if (from->error)
		return err_set(err, ENOMEM, "out of memory");
	if (n < 0)
		return err_set(err, EINVAL, "the %s is not UTF-8 text, as EC2 requires", what);
	if (n > max)
		return err_set(err, EINVAL, "the %s has %zd characters, but EC2 takes at most %zd",
			what, n, max);
	*to = strdup(buf_str(from));
	return *to ? 0 : err_set(err, ENOMEM, "out of memory");
}

/* Returns 0 or -errno with *err; *out is to be finished either way. */
static int term_parse(const char *text, struct filter_query_term *out, struct err *err)
{
	const char *sign = strchr(text, '=');
	_cleanup_buf_ struct buf name = BUF_INIT, value = BUF_INIT;

	*out = (struct filter_query_term){0};
	if (!sign)
		return unknown_name(err);
	decode_percent(&name, text, (size_t)(sign - text), 0);
	decode_pattern(&value, sign + 1);
	if (take(&name, "filter's name", EC2_FILTER_VALUE_MAX, &out->name, err) < 0 ||
		take(&value, "filter's value", EC2_FILTER_VALUE_MAX, &out->value, err) < 0)
		return -err->errnum;
	if (!is_known_name(out->name))
		return unknown_name(err);
	if (!strcmp(out->name, OWNER))
		return check_account(OWNER, out->value, "amazon", err);
	if (!strcmp(out->name, RESTORABLE_BY))
		return check_account(RESTORABLE_BY, out->value, "all", err);
	return 0;
}

static void term_finish(struct filter_query_term *t)
{
	free(t->name);
	free(t->value);
}

int filter_query_check(const char *term, struct err *err)
{
	struct filter_query_term t;
	int r = term_parse(term, &t, err);

	term_finish(&t);
	return r;
}

/* --- several --- */

static int by_name_and_value(const void *a, const void *b)
{
	const struct filter_query_term *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->value, y->value);
}

/* The sorted terms from number i on that have its name: puts their values, each once, into
 * q->words, which is followed by NULL. Returns the number after the last. */
static size_t group(struct filter_query *q, size_t n, size_t i, size_t *n_words)
{
	const char *name = q->terms[i].name;
	size_t first = *n_words;

	for (; i < n && !strcmp(q->terms[i].name, name); i++)
		if (*n_words == first || strcmp(q->words[*n_words - 1], q->terms[i].value) != 0)
			q->words[(*n_words)++] = q->terms[i].value;
	q->words[(*n_words)++] = NULL;
	return i;
}

static int group_all(struct filter_query *q, size_t n, struct err *err)
{
	size_t n_words = 0, n_values = 0;

	for (size_t i = 0; i < n;) {
		const char *name = q->terms[i].name;
		const char *const *words = q->words + n_words;
		size_t before = n_words, count;

		i = group(q, n, i, &n_words);
		count = n_words - before - 1;
		if (!strcmp(name, OWNER)) {
			q->query.owners = words;
		} else if (!strcmp(name, RESTORABLE_BY)) {
			q->query.restorable_by = words;
		} else {
			q->filters[q->query.n_filters++] = (struct ec2_filter){
				.name = name, .values = words, .n_values = count, .patterns = true};
			n_values += count;
		}
	}
	q->query.filters = q->filters;
	q->query.own_and_shared = !q->query.owners && !q->query.restorable_by;
	if (q->query.n_filters > EC2_FILTERS_MAX)
		return err_set(err, E2BIG,
			"the path has %zu different filters, but EC2 takes at most %d in a "
			"request: leave some out",
			q->query.n_filters, EC2_FILTERS_MAX);
	if (n_values > EC2_FILTER_VALUES_MAX)
		return err_set(err, E2BIG,
			"the path has %zu filter values, but EC2 takes at most %d in a request: "
			"leave some out",
			n_values, EC2_FILTER_VALUES_MAX);
	return 0;
}

int filter_query_make(struct filter_query *out, const char *const *terms, size_t n, struct err *err)
{
	*out = (struct filter_query){.terms = calloc(n + 1, sizeof(*out->terms)),
		.words = calloc(2 * n + 1, sizeof(*out->words)),
		.filters = calloc(n + 1, sizeof(*out->filters))};
	if (!out->terms || !out->words || !out->filters)
		return err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		if (term_parse(terms[i], &out->terms[i], err) < 0)
			return -err->errnum;
	qsort(out->terms, n, sizeof(*out->terms), by_name_and_value);
	return group_all(out, n, err);
}

void filter_query_finish(struct filter_query *q)
{
	for (struct filter_query_term *t = q->terms; t && t->name; t++)
		term_finish(t);
	free(q->terms);
	free(q->words);
	free(q->filters);
	*q = (struct filter_query){0};
}

/* --- the world --- */

static bool has_word(const char *const *words, const char *word)
{
	for (; words && *words; words++)
		if (!strcmp(*words, word))
			return true;
	return false;
}

static bool is_selective(const struct ec2_filter *f)
{
	if (!strncmp(f->name, TAG, strlen(TAG)))
		return true;
	if (strcmp(f->name, "snapshot-id") != 0 && strcmp(f->name, "volume-id") != 0)
		return false;
	for (size_t i = 0; i < f->n_values; i++)
		if (strpbrk(f->values[i], "*?"))
			return false;
	return true;
}

bool filter_query_is_world(const struct view_query *q)
{
	bool any_restorer = !q->restorable_by || has_word(q->restorable_by, "all");

	if (q->own_and_shared || !any_restorer || (q->owners && !has_word(q->owners, "amazon")))
		return false;
	for (size_t i = 0; i < q->n_filters; i++)
		if (is_selective(&q->filters[i]))
			return false;
	return true;
}
