/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "filter_query.h"

/* A query as one line: "owner=self restorable-by=all | name=value,value name=value". */
static void put_words(struct buf *out, const char *name, const char *const *words)
{
	if (words)
		buf_printf(out, "%s=", name);
	for (size_t i = 0; words && words[i]; i++)
		buf_printf(out, "%s%s", i ? "," : "", words[i]);
	if (words)
		buf_puts(out, " ");
}

static void put_query(struct buf *out, const struct view_query *q)
{
	put_words(out, "owner", q->owners);
	put_words(out, "restorable-by", q->restorable_by);
	buf_puts(out, q->own_and_shared ? "both |" : "|");
	for (size_t i = 0; i < q->n_filters; i++) {
		const struct ec2_filter *f = &q->filters[i];

		assert_true(f->patterns);
		buf_printf(out, " %s=", f->name);
		for (size_t k = 0; k < f->n_values; k++)
			buf_printf(out, "%s%s", k ? "," : "", f->values[k]);
	}
}

#define TERMS(...) ((const char *const[]){__VA_ARGS__, NULL})

static size_t count(const char *const *terms)
{
	size_t n = 0;

	while (terms[n])
		n++;
	return n;
}

static void assert_query(const char *const *terms, const char *wanted, bool world)
{
	_cleanup_buf_ struct buf got = BUF_INIT;
	struct filter_query q;
	struct err err = {0};

	assert_int_equal(filter_query_make(&q, terms, count(terms), &err), 0);
	put_query(&got, &q.query);
	assert_string_equal(buf_str(&got), wanted);
	if (filter_query_is_world(&q.query) != world)
		fail_msg("%s: world %d", wanted, !world);
	filter_query_finish(&q);
}

static void test_terms_become_a_query(void **state)
{
	assert_query(TERMS("status=completed"), "both | status=completed", false);
	assert_query(TERMS("volume-size=100", "status=completed", "volume-size=8"),
		"both | status=completed volume-size=100,8", false);
	assert_query(TERMS("tag:Name=db*", "owner=self", "tag:Name=db*", "tag:env=prod"),
		"owner=self | tag:Name=db* tag:env=prod", false);
	assert_query(TERMS("owner=self", "restorable-by=all", "owner=111122223333"),
		"owner=111122223333,self restorable-by=all |", false);
	/* A key may hold blanks, slashes and signs of equality. */
	assert_query(TERMS("tag:a b%2Fc%3Dd=e=f"), "both | tag:a b/c=d=e=f", false);
	assert_query(TERMS("tag:*=x", "tag:5%=y"), "both | tag:*=x tag:5%=y", false);
}

static void test_each_name_of_ec2_is_a_term(void **state)
{
	static const char *const names[] = {"description", "encrypted", "owner-alias", "owner-id",
		"progress", "snapshot-id", "start-time", "status", "storage-tier", "tag:KEY",
		"tag-key", "transfer-type", "volume-id", "volume-size"};
	char term[80];
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(term, sizeof(term), "%s=x", names[i]);
		assert_int_equal(filter_query_check(term, &err), 0);
		/* The error lists it. */
		assert_int_equal(filter_query_check("completion-time=x", &err), -ENOENT);
		assert_non_null(strstr(err.message, names[i]));
	}
	assert_int_equal(ARRAY_LEN(names), 14);
}

static void test_wildcards_and_characters(void **state)
{
	static const struct {
		const char *term, *sent;
	} table[] = {
		{"description=nightly*", "nightly*"},
		{"description=d?", "d?"},
		{"description=%2A%3f%5C", "\\*\\?\\\\"},
		{"description=a%2Fb", "a/b"},
		{"description=50%25", "50%"},
		{"progress=80%", "80%"},
		{"progress=%8", "%8"},
		{"description=%zz%", "%zz%"},
		{"description=%C3%BC", "\303\274"},
		{"description=D:\\Data", "D:\\\\Data"},
		{"description=a\\*b\\\\c\\", "a\\*b\\\\c\\\\"},
		{"tag:k=", ""},
		{"start-time=2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05.000Z"},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct filter_query q;
		struct err err = {0};

		assert_int_equal(filter_query_make(&q, &table[i].term, 1, &err), 0);
		assert_string_equal(q.query.filters[0].values[0], table[i].sent);
		filter_query_finish(&q);
	}
}

static void test_terms_that_are_refused(void **state)
{
	static const struct {
		const char *term;
		int errnum;
		const char *words;
	} table[] = {
		{"", ENOENT, "NAME=VALUE"},
		{"status", ENOENT, "NAME=VALUE"},
		{"Status=completed", ENOENT, "no such filter"},
		{"tag-value=x", ENOENT, "no such filter"},
		{"tag:=x", ENOENT, "no such filter"},
		{"=x", ENOENT, "no such filter"},
		{"owner=", EINVAL, "amazon"},
		{"owner=aws-marketplace", EINVAL, "amazon"},
		{"owner=all", EINVAL, "amazon"},
		{"owner=1234567890123", EINVAL, "12 digits"},
		{"restorable-by=amazon", EINVAL, "all"},
		{"restorable-by=*", EINVAL, "all"},
		{"description=a%00b", EINVAL, "UTF-8"},
		{"description=\377", EINVAL, "UTF-8"},
		{"tag:%00=b", EINVAL, "UTF-8"},
	};
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(filter_query_check(table[i].term, &err), -table[i].errnum);
		if (!strstr(err.message, table[i].words))
			fail_msg("%s: %s", table[i].term, err.message);
	}
}

static void test_ec2s_limits(void **state)
{
	char texts[EC2_FILTER_VALUES_MAX + 1][300];
	const char *terms[EC2_FILTER_VALUES_MAX + 1];
	struct filter_query q;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
		snprintf(texts[i], sizeof(texts[i]), "volume-size=%zu", i);
		terms[i] = texts[i];
	}
	assert_int_equal(filter_query_make(&q, terms, EC2_FILTER_VALUES_MAX, &err), 0);
	assert_int_equal(q.query.filters[0].n_values, EC2_FILTER_VALUES_MAX);
	filter_query_finish(&q);
	assert_int_equal(filter_query_make(&q, terms, EC2_FILTER_VALUES_MAX + 1, &err), -E2BIG);
	assert_non_null(strstr(err.message, "201"));
	filter_query_finish(&q);
	for (size_t i = 0; i <= EC2_FILTERS_MAX; i++)
		snprintf(texts[i], sizeof(texts[i]), "tag:%zu=x", i);
	assert_int_equal(filter_query_make(&q, terms, EC2_FILTERS_MAX, &err), 0);
	filter_query_finish(&q);
	assert_int_equal(filter_query_make(&q, terms, EC2_FILTERS_MAX + 1, &err), -E2BIG);
	assert_non_null(strstr(err.message, "51"));
	filter_query_finish(&q);
	/* 255 characters as sent: a backslash that escapes nothing is two. */
	strcpy(texts[0], "status=");
	for (size_t i = 0; i < 170; i++)
		strcat(texts[0], i % 2 ? "x" : "\\");
	assert_int_equal(filter_query_check(texts[0], &err), 0);
	strcat(texts[0], "x");
	assert_int_equal(filter_query_check(texts[0], &err), -EINVAL);
	assert_non_null(strstr(err.message, "256 characters"));
}

static void test_what_would_list_the_world(void **state)
{
	assert_query(TERMS("restorable-by=all"), "restorable-by=all |", true);
	assert_query(TERMS("owner=amazon"), "owner=amazon |", true);
	assert_query(TERMS("owner=amazon", "owner=self"), "owner=amazon,self |", true);
	assert_query(TERMS("restorable-by=all", "status=completed"),
		"restorable-by=all | status=completed", true);
	assert_query(
		TERMS("restorable-by=all", "restorable-by=self"), "restorable-by=all,self |", true);
	assert_query(TERMS("restorable-by=all", "snapshot-id=snap-0*"),
		"restorable-by=all | snapshot-id=snap-0*", true);

	assert_query(TERMS("restorable-by=all", "snapshot-id=snap-0abc"),
		"restorable-by=all | snapshot-id=snap-0abc", false);
	assert_query(TERMS("owner=amazon", "volume-id=vol-0abc"),
		"owner=amazon | volume-id=vol-0abc", false);
	assert_query(TERMS("restorable-by=all", "tag:a=b"), "restorable-by=all | tag:a=b", false);
	assert_query(TERMS("owner=111122223333"), "owner=111122223333 |", false);
	assert_query(
		TERMS("owner=self", "restorable-by=all"), "owner=self restorable-by=all |", false);
	assert_query(TERMS("owner=amazon", "restorable-by=self"),
		"owner=amazon restorable-by=self |", false);
	assert_query(TERMS("restorable-by=self"), "restorable-by=self |", false);
	assert_query(TERMS("restorable-by=111122223333"), "restorable-by=111122223333 |", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms_become_a_query),
		cmocka_unit_test(test_each_name_of_ec2_is_a_term),
		cmocka_unit_test(test_wildcards_and_characters),
		cmocka_unit_test(test_terms_that_are_refused),
		cmocka_unit_test(test_ec2s_limits),
		cmocka_unit_test(test_what_would_list_the_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
