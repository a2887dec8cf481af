/* SPDX-License-Identifier: MIT */
/* form: the parameters of a Query API call as a body that also serves as a query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ec2.h"
#include "encode.h"

static void test_parameters(void **state)
{
	_cleanup_buf_ struct buf form = BUF_INIT;

	(void)state;
	buf_puts(&form, "Action=DescribeSnapshots&Version=2016-11-15");
	form_add(&form, "self", "Owner.1");
	form_add(&form, NULL, "NextToken");
	form_add(&form, "tag:a b", "Filter.%zu.Name", (size_t)1);
	form_add(&form, "x*~é&=+%/", "Filter.%zu.Value.%zu", (size_t)1, (size_t)12);
	form_add(&form, "", "Empty");
	form_add_number(&form, 1000, "MaxResults");
	form_add_true(&form, true, "Encrypted");
	form_add_true(&form, false, "DryRun");
	assert_int_equal(form.error, 0);
	assert_string_equal(form.data,
		"Action=DescribeSnapshots&Version=2016-11-15&Owner.1=self&Filter.1.Name=tag%3Aa%20b"
		"&Filter.1.Value.12=x%2A~%C3%A9%26%3D%2B%25%2F&Empty=&MaxResults=1000&Encrypted="
		"true");
}

static void test_literals(void **state)
{
	_cleanup_buf_ struct buf form = BUF_INIT;

	(void)state;
	form_add(&form, "", "F.%d", 1);
	ec2_form_literal(&form, "a*b?\\é");
	form_add(&form, "", "F.2");
	ec2_form_literal(&form, "");
	form_add(&form, NULL, "F.3");
	assert_string_equal(form.data, "&F.1=a%5C%2Ab%5C%3F%5C%5C%C3%A9&F.2=");
}

static void test_tags(void **state)
{
	_cleanup_buf_ struct buf form = BUF_INIT;
	const struct ec2_tag tags[] = {{"Name", "a b"}, {"k", ""}};

	(void)state;
	ec2_form_tags(&form, "TagSpecification.1.Tag", tags, 2);
	assert_string_equal(form.data,
		"&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=a%20b"
		"&TagSpecification.1.Tag.2.Key=k&TagSpecification.1.Tag.2.Value=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
