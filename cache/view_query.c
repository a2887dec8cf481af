/* SPDX-License-Identifier: MIT */
/* Queries of views: copied and compared. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view_inner.h"

/* `to` is zeros. Returns 0 or -ENOMEM. */
static int filter_copy(struct ec2_filter *to, const struct ec2_filter *from)
{
	char **values = calloc(from->n_values + 1, sizeof(*values));

	*to = (struct ec2_filter){.name = strdup(from->name),
		.values = (const char *const *)values,
		.patterns = from->patterns};
	if (!to->name || !values)
		return -ENOMEM;
	for (; to->n_values < from->n_values; to->n_values++) {
		values[to->n_values] = strdup(from->values[to->n_values]);
		if (!values[to->n_values])
			return -ENOMEM;
	}
	return 0;
}

static void words_free(const char *const *words)
{
	for (size_t i = 0; words && words[i]; i++)
		free((char *)words[i]);
	free((char **)words);
}

/* Copies a NULL-terminated list, or NULL. Returns 0 or -ENOMEM. */
static int words_copy(const char *const **to, const char *const *from)
{
	size_t n = 0;
	char **words;

	if (!from)
		return 0;
	while (from[n])
		n++;
	words = calloc(n + 1, sizeof(*words));
	*to = (const char *const *)words;
	for (size_t i = 0; words && i < n; i++) {
		words[i] = strdup(from[i]);
		if (!words[i])
			return -ENOMEM;
	}
	return words ? 0 : -ENOMEM;
}

int view_query_copy(struct view_query *to, const struct view_query *from)
{
	struct ec2_filter *filters = calloc(from->n_filters + 1, sizeof(*filters));

	*to = (struct view_query){.filters = filters,
		.n_filters = filters ? from->n_filters : 0,
		.own_and_shared = from->own_and_shared};
	if (!filters || words_copy(&to->owners, from->owners) < 0 ||
		words_copy(&to->restorable_by, from->restorable_by) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_filters; i++)
		if (filter_copy(&filters[i], &from->filters[i]) < 0)
			return -ENOMEM;
	return 0;
}

void view_query_finish(struct view_query *q)
{
	for (size_t i = 0; i < q->n_filters; i++) {
		for (size_t k = 0; k < q->filters[i].n_values; k++)
			free((char *)q->filters[i].values[k]);
		free((char **)q->filters[i].values);
		free((char *)q->filters[i].name);
	}
	free((struct ec2_filter *)q->filters);
	words_free(q->owners);
	words_free(q->restorable_by);
	*q = (struct view_query){0};
}

/* The order of the words counts. */
static bool words_equal(const char *const *a, const char *const *b)
{
	if (!a || !b)
		return a == b;
	while (*a && *b && strcmp(*a, *b) == 0)
		a++, b++;
	return !*a && !*b;
}

static bool filter_equal(const struct ec2_filter *a, const struct ec2_filter *b)
{
	if (strcmp(a->name, b->name) != 0 || a->patterns != b->patterns ||
		a->n_values != b->n_values)
		return false;
	for (size_t i = 0; i < a->n_values; i++)
		if (strcmp(a->values[i], b->values[i]) != 0)
			return false;
	return true;
}

bool view_query_equal(const struct view_query *a, const struct view_query *b)
{
	if (!words_equal(a->owners, b->owners) ||
		!words_equal(a->restorable_by, b->restorable_by) ||
		a->own_and_shared != b->own_and_shared || a->n_filters != b->n_filters)
		return false;
	for (size_t i = 0; i < a->n_filters; i++)
		if (!filter_equal(&a->filters[i], &b->filters[i]))
			return false;
	return true;
}
