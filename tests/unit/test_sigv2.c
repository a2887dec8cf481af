/* SPDX-License-Identifier: MIT */
/* sigv2: published vectors, those of botocore's own tests, and one in the shape of EC2's requests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "encode.h"
#include "sigv2.h"

#define EXAMPLE_KEY    "AKIAIOSFODNN7EXAMPLE"
#define EXAMPLE_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

/* 2014-06-20T08:40:23Z, 2011-10-03T15:19:30Z */
#define BOTOCORE_TIME_MS 1403253623000
#define EXAMPLE_TIME_MS  1317655170000

/* Forms whose time is already among their parameters. */
static void test_given_parameters(void **state)
{
	static const struct {
		const char *form;
		struct sigv2_request request;
		const char *expected;
	} rows[] = {
		/* Elastic MapReduce developer guide, API version 2009-03-31. */
		{"AWSAccessKeyId=" EXAMPLE_KEY
		 "&Action=DescribeJobFlows&SignatureMethod=HmacSHA256&SignatureVersion=2"
		 "&Timestamp=2011-10-03T15%3A19%3A30&Version=2009-03-31",
			{"GET", "elasticmapreduce.amazonaws.com", "/", "", EXAMPLE_SECRET, NULL, 0},
			"i91nKc4PWAt0JJIdXwz9HxZCJDdiy6cf/Mj6vPxyYIs="},
		/* The same in another order, and with a host in capitals. */
		{"Version=2009-03-31&Timestamp=2011-10-03T15%3A19%3A30&SignatureVersion=2"
		 "&SignatureMethod=HmacSHA256&Action=DescribeJobFlows&AWSAccessKeyId=" EXAMPLE_KEY,
			{"GET", "ElasticMapReduce.AmazonAWS.com", "", "", EXAMPLE_SECRET, NULL, 0},
			"i91nKc4PWAt0JJIdXwz9HxZCJDdiy6cf/Mj6vPxyYIs="},
		/* botocore's TestSigV2, whose URL has no host. */
		{"Foo=%E2%9C%93", {"POST", "", "/", "", "bar", NULL, 0},
			"VCtWuwaOL0yMffAT8W4y0AFW3W4KUykBqah9S40rB+Q="},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_buf_ struct buf form = BUF_INIT, got = BUF_INIT;

		buf_puts(&form, rows[i].form);
		assert_int_equal(sigv2_signature(&rows[i].request, &form, &got), 0);
		assert_string_equal(got.data, rows[i].expected);
		assert_string_equal(form.data, rows[i].form);
	}
}

static void assert_signed(
	const struct sigv2_request *request, struct buf *form, const char *expected_end)
{
	size_t len = strlen(expected_end);

	assert_int_equal(sigv2_sign(request, form), 0);
	assert_true(form->len > len);
	assert_string_equal(form->data + form->len - len, expected_end);
}

/* botocore's TestSigV2, whose URL has no host. */
static void test_whole(void **state)
{
	struct sigv2_request request = {"POST", "", "/", "foo", "bar", NULL, BOTOCORE_TIME_MS};
	_cleanup_buf_ struct buf form = BUF_INIT;

	(void)state;
	buf_puts(&form, "Foo=%E2%9C%93");
	assert_signed(&request, &form,
		"&AWSAccessKeyId=foo&SignatureMethod=HmacSHA256&SignatureVersion=2"
		"&Timestamp=2014-06-20T08%3A40%3A23Z"
		"&Signature=Tiecw%2Bt51tok4dTT8B4bg47zxHEM%2FKcD55f2%2Fx6K22o%3D");
	buf_clear(&form);
	buf_puts(&form, "Foo=%E2%9C%93");
	request.method = "GET";
	assert_signed(
		&request, &form, "&Signature=Un97klqZCONP65bA1%2BIv4H3AcB2I40I4DBvw5ZERFPw%3D");
}

/* Filters by number: the order of bytes, not of numbers. */
static void test_ec2(void **state)
{
	const struct sigv2_request request = {"POST", "ec2.us-east-1.amazonaws.com", "/",
		EXAMPLE_KEY, EXAMPLE_SECRET, NULL, EXAMPLE_TIME_MS};
	_cleanup_buf_ struct buf form = BUF_INIT;

	(void)state;
	buf_puts(&form, "Action=DescribeSnapshots&Version=2016-11-15");
	form_add(&form, "self", "Owner.1");
	form_add(&form, "tag:a b", "Filter.1.Name");
	form_add(&form, "x*~é", "Filter.1.Value.1");
	form_add(&form, "z", "Filter.10.Name");
	form_add(&form, "y", "Filter.2.Name");
	assert_signed(
		&request, &form, "&Signature=6G8xjkA7pv7tgYU8g9hSU9XJ5rdOxgz3MquYv%2B4AdO4%3D");
}

/* Temporary keys. The signature is botocore's for the same request. */
static void test_token(void **state)
{
	const struct sigv2_request request = {"POST", "cloud.example:8773", "/services/Cloud",
		EXAMPLE_KEY, EXAMPLE_SECRET, "TOKEN/+=", EXAMPLE_TIME_MS};
	_cleanup_buf_ struct buf form = BUF_INIT;

	(void)state;
	buf_puts(&form, "Action=DescribeRegions&Version=2012-12-01");
	assert_signed(&request, &form,
		"&Timestamp=2011-10-03T15%3A19%3A30Z&SecurityToken=TOKEN%2F%2B%3D"
		"&Signature=fGmR5Mltgw%2FSUA9eEr11kERa%2BT1680XRTFtpK9%2BEqa8%3D");
}

/* A form that has no room for all of it is never taken for signed. */
static void test_full(void **state)
{
	const struct sigv2_request request = {
		"POST", "h", "/", "key", "secret", NULL, EXAMPLE_TIME_MS};
	_cleanup_buf_ struct buf whole = BUF_INIT;

	(void)state;
	buf_puts(&whole, "Action=DescribeRegions&Version=2012-12-01");
	assert_int_equal(sigv2_sign(&request, &whole), 0);
	for (size_t max = 50; max < whole.len; max++) {
		_cleanup_buf_ struct buf form = BUF_INIT;

		buf_init(&form, max);
		buf_puts(&form, "Action=DescribeRegions&Version=2012-12-01");
		assert_true(sigv2_sign(&request, &form) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_given_parameters),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_ec2),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
