/* SPDX-License-Identifier: MIT */
/* The parameters of a Query API request, from its query string and its form body. */
#include "sim_params.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "encode.h"
#include "num.h"
#include "sim_text.h"
#include "utf8.h"

static int param_decode(const char *s, size_t len, bool form, char **out)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *text;

	for (size_t i = 0; i < len; i++)
		if (s[i] == '%' && (i + 2 >= len || !sim_text_is_hex(s + i + 1, 2)))
			return -EINVAL;
	if (decode_percent(&b, s, len, form) < 0)
		return -ENOMEM;
	if (memchr(buf_str(&b), '\0', b.len) || utf8_count(buf_str(&b), b.len) < 0)
		return -EINVAL;
	text = buf_steal(&b);
	if (!text)
		return -ENOMEM;
	*out = text;
	return 0;
}

static int param_add(struct sim_params *p, const char *pair, size_t len, bool form)
{
	const char *equals = memchr(pair, '=', len);
	size_t name_len = equals ? (size_t)(equals - pair) : len;
	_cleanup_free_ char *name = NULL, *value = NULL;
	int r;

	if (p->n == SIM_PARAMS_MAX)
		return -E2BIG;
	if (p->n == p->capacity) {
		size_t capacity = p->capacity ? p->capacity * 2 : 16;
		struct sim_param *items = realloc(p->items, capacity * sizeof(*items));

		if (!items)
			return -ENOMEM;
		p->items = items;
		p->capacity = capacity;
	}
	r = param_decode(pair, name_len, form, &name);
	if (r < 0)
		return r;
	r = equals ? param_decode(equals + 1, len - name_len - 1, form, &value)
		   : param_decode("", 0, form, &value);
	if (r < 0)
		return r;
	p->items[p->n++] = (struct sim_param){steal(&name), steal(&value)};
	return 0;
}

static int params_by_name(const void *a, const void *b)
{
	return strcmp((*(const struct sim_param *const *)a)->name,
		(*(const struct sim_param *const *)b)->name);
}

static int params_refuse_duplicates(const struct sim_params *p)
{
	_cleanup_free_ const struct sim_param **sorted = calloc(p->n + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++)
		sorted[i] = &p->items[i];
	qsort(sorted, p->n, sizeof(*sorted), params_by_name);
	for (size_t i = 1; i < p->n; i++)
		if (!strcmp(sorted[i - 1]->name, sorted[i]->name))
			return -EINVAL;
	return 0;
}

int sim_params_parse(struct sim_params *p, const char *text, size_t len, bool form)
{
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '&', len - at);
		size_t n = end ? (size_t)(end - (text + at)) : len - at;
		int r = n ? param_add(p, text + at, n, form) : 0;

		if (r < 0)
			return r;
		at += n + 1;
	}
	return params_refuse_duplicates(p);
}

void sim_params_finish(struct sim_params *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].name);
		free(p->items[i].value);
	}
	free(p->items);
	*p = SIM_PARAMS_INIT;
}

const char *sim_params_get(const struct sim_params *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->items[i].name, name))
			return p->items[i].value;
	return NULL;
}

const char *sim_params_getf(const struct sim_params *p, const char *fmt, ...)
{
	char name[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	return sim_params_get(p, name);
}

bool sim_params_has_prefix(const struct sim_params *p, const char *prefix)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strncmp(p->items[i].name, prefix, strlen(prefix)))
			return true;
	return false;
}

struct numbered {
	size_t number;
	const char *value; /* NULL if the name continues after the number */
};

/* Whether the name is the prefix and a number, followed by its end or a dot. */
static bool read_number(const struct sim_param *param, const char *prefix, struct numbered *out)
{
	size_t len = strlen(prefix), digits;
	const char *rest = param->name + len;
	uint64_t v;

	if (strncmp(param->name, prefix, len))
		return false;
	digits = strspn(rest, "0123456789");
	if ((rest[digits] && rest[digits] != '.') ||
		num_parse_u64(rest, digits, 1, 1000000, &v) < 0)
		return false;
	out->number = (size_t)v;
	out->value = rest[digits] ? NULL : param->value;
	return true;
}

static int by_number(const void *a, const void *b)
{
	size_t x = ((const struct numbered *)a)->number, y = ((const struct numbered *)b)->number;

	return x < y ? -1 : x > y;
}

/* Writes all numbered names with the prefix to *out, by number. Returns their number or -ENOMEM. */
static int params_collect(const struct sim_params *p, const char *prefix, struct numbered **out)
{
	struct numbered *found = calloc(p->n + 1, sizeof(*found));
	size_t n = 0;

	if (!found)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++)
		if (read_number(&p->items[i], prefix, &found[n]))
			n++;
	qsort(found, n, sizeof(*found), by_number);
	*out = found;
	return (int)n;
}

int sim_params_numbers(const struct sim_params *p, const char *prefix, size_t **out)
{
	_cleanup_free_ struct numbered *found = NULL;
	int n = params_collect(p, prefix, &found), distinct = 0;
	size_t *numbers;

	if (n < 0)
		return n;
	numbers = calloc((size_t)n + 1, sizeof(*numbers));
	if (!numbers)
		return -ENOMEM;
	for (int i = 0; i < n; i++)
		if (!i || found[i].number != found[i - 1].number)
			numbers[distinct++] = found[i].number;
	*out = numbers;
	return distinct;
}

int sim_params_list(const struct sim_params *p, const char *prefix, const char ***out)
{
	_cleanup_free_ struct numbered *found = NULL;
	int n = params_collect(p, prefix, &found), values = 0;
	const char **list;

	if (n < 0)
		return n;
	list = calloc((size_t)n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (int i = 0; i < n; i++)
		if (found[i].value)
			list[values++] = found[i].value;
	*out = list;
	return values;
}

static bool name_matches(const char *name, const char *pattern)
{
	for (; *pattern; pattern++) {
		if (*pattern == '#') {
			if (*name < '1' || *name > '9')
				return false;
			name += strspn(name, "0123456789");
		} else if (*name++ != *pattern) {
			return false;
		}
	}
	return !*name;
}

const char *sim_params_unknown(const struct sim_params *p, const char *const *patterns)
{
	for (size_t i = 0; i < p->n; i++) {
		bool known = false;

		for (size_t j = 0; patterns[j] && !known; j++)
			known = name_matches(p->items[i].name, patterns[j]);
		if (!known)
			return p->items[i].name;
	}
	return NULL;
}
