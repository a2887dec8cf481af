/* SPDX-License-Identifier: MIT */
/* Terms of paths below filter/, one a line: whatever is looked up, no crash; and what is sent to
 * EC2 keeps EC2's rules of escaping and its limits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "filter_query.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define TERMS_MAX 400

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* EC2 takes a backslash before *, ? and itself only. */
static void require_value(const char *value)
{
	ssize_t n = utf8_count(value, strlen(value));

	require(n >= 0 && n <= EC2_FILTER_VALUE_MAX);
	for (; *value; value++)
		if (*value == '\\')
			require(*++value && strchr("*?\\", *value));
}

static void require_query(const struct view_query *q)
{
	size_t n = 0;

	require(q->n_filters <= EC2_FILTERS_MAX);
	require(q->own_and_shared == (!q->owners && !q->restorable_by));
	for (size_t i = 0; i < q->n_filters; i++) {
		const struct ec2_filter *f = &q->filters[i];

		require(f->n_values && (!i || strcmp(f[-1].name, f->name) < 0));
		n += f->n_values;
		for (size_t k = 0; k < f->n_values; k++)
			require_value(f->values[k]);
	}
	require(n <= EC2_FILTER_VALUES_MAX);
	(void)filter_query_is_world(q);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *text = malloc(size + 1), *rest = text, *line;
	const char *terms[TERMS_MAX];
	struct filter_query q;
	struct err err = {0};
	bool good = true;
	size_t n = 0;
	int result;

	require(text);
	memcpy(text, data, size);
	text[size] = '\0';
	while (n < TERMS_MAX && (line = strsep(&rest, "\n")))
		terms[n++] = line;
	for (size_t i = 0; i < n; i++)
		good &= filter_query_check(terms[i], &err) == 0;
	result = filter_query_make(&q, terms, n, &err);
	require(result == 0 || (err.errnum && *err.message));
	require(good ? result == 0 || result == -E2BIG : result < 0);
	if (result == 0)
		require_query(&q.query);
	filter_query_finish(&q);
	free(text);
	return 0;
}
