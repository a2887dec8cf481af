/* SPDX-License-Identifier: MIT */
/* copy/preflight: what can be said of a copy before EC2 is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "preflight.h"

#define UUID "1234abcd-12ab-34cd-56ef-1234567890ab"
#define MRK  "mrk-1234abcd12ab34cd56ef1234567890ab"
#define GIB  ((int64_t)1 << 30)

static void check(size_t row, int r, int errnum, const char *words, const struct err *err)
{
	if (r != -errnum)
		fail_msg("row %zu: %d instead of %d: %s", row, r, -errnum, err->message);
	if (errnum && !strstr(err->message, words))
		fail_msg("row %zu: no \"%s\" in: %s", row, words, err->message);
}

static void test_the_forms_of_a_key(void **state)
{
	static const struct {
		const char *text, *region, *words;
	} table[] = {
		{UUID, "", NULL},
		{"1234ABCD-12ab-34cd-56ef-1234567890ab", "", NULL},
		{MRK, "", NULL},
		{"alias/dr", "", NULL},
		{"alias/aws/ebs", "", NULL},
		{"alias/a_b/C-9", "", NULL},
		{"arn:aws:kms:eu-west-1:123456789012:key/" UUID, "eu-west-1", NULL},
		{"arn:aws:kms:eu-west-1:123456789012:key/" MRK, "eu-west-1", NULL},
		{"arn:aws-cn:kms:cn-north-1:123456789012:alias/dr", "cn-north-1", NULL},
		{"", "", "alias/NAME"},
		{"dr", "", "'dr' is none of these"},
		{"alias", "", "none of these"},
		{"alias/", "", "none of these"},
		{"alias/d r", "", "none of these"},
		{"Alias/dr", "", "none of these"},
		{"key/" UUID, "", "none of these"},
		{"1234abcd-12ab-34cd-56ef-1234567890a", "", "none of these"},
		{"1234abcd-12ab-34cd-56ef-1234567890abc", "", "none of these"},
		{"1234abcd-12ab-34cd-56ef1-234567890ab", "", "none of these"},
		{"1234abcd12ab34cd56ef1234567890ab", "", "none of these"},
		{"mrk-1234abcd12ab34cd56ef1234567890a", "", "none of these"},
		{"mrk-1234abcd12ab34cd56ef1234567890xy", "", "none of these"},
		{"arn:aws:kms:eu-west-1:123456789012", "", "none of these"},
		{"arn:aws:kms:eu-west-1:123456789012:", "", "none of these"},
		{"arn:aws:kms:eu-west-1:123456789012:key/dr", "", "none of these"},
		{"arn:aws:kms:eu-west-1:123456789012:" UUID, "", "none of these"},
		{"arn:aws:kms:eu-west-1:12345678901:key/" UUID, "", "none of these"},
		{"arn:aws:kms::123456789012:key/" UUID, "", "none of these"},
		{"arn:aws:kms:eu rope:123456789012:key/" UUID, "", "none of these"},
		{"arn:", "", "none of these"},
		{"arn:aws:iam:eu-west-1:123456789012:role/backup", "", "the service iam"},
		{"arn:aws:ec2:eu-west-1:123456789012:key/" UUID, "", "the service ec2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char region[ENDPOINT_REGION_SIZE];
		struct err err = {0};
		int r = preflight_key_parse("copy.kms-key", table[i].text, region, &err);

		check(i, r, table[i].words ? EINVAL : 0, table[i].words, &err);
		if (!r)
			assert_string_equal(region, table[i].region);
	}
}

static void test_a_key_is_of_its_region(void **state)
{
	static const struct {
		const char *text;
		int errnum;
	} table[] = {
		{UUID, 0},
		{"alias/dr", 0},
		{"arn:aws:kms:eu-west-1:123456789012:key/" UUID, 0},
		{"arn:aws:kms:eu-west-1:999999999999:alias/dr", 0},
		{"arn:aws:kms:us-east-1:123456789012:key/" UUID, ENOKEY},
		{"arn:aws:kms:eu-west-10:123456789012:key/" MRK, ENOKEY},
		{"nonsense", EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct err err = {0};

		check(i, preflight_key_fits("copy.kms-key", table[i].text, "eu-west-1", &err),
			table[i].errnum, table[i].errnum == ENOKEY ? "name a key of eu-west-1" : "",
			&err);
	}
}

static void test_partitions(void **state)
{
	static const struct {
		const char *from, *to, *words;
	} table[] = {
		{"us-east-1", "eu-west-1", NULL},
		{"us-east-1", "us-east-1", NULL},
		{"cn-north-1", "cn-northwest-1", NULL},
		{"us-gov-west-1", "us-gov-east-1", NULL},
		{"us-east-1", "cn-north-1", "aws of AWS and cn-north-1 to aws-cn"},
		{"cn-north-1", "us-east-1", "aws-cn"},
		{"us-gov-west-1", "us-west-1", "aws-us-gov"},
		{"us-iso-east-1", "us-isob-east-1", "aws-iso-b"},
		{"eusc-de-east-1", "eu-central-1", "aws-eusc"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct err err = {0};

		check(i, preflight_regions(table[i].from, table[i].to, &err),
			table[i].words ? EOPNOTSUPP : 0, table[i].words, &err);
	}
}

static void test_archived(void **state)
{
	(void)state;
	assert_false(preflight_is_archived(NULL, 0, 1000));
	assert_false(preflight_is_archived("standard", 0, 1000));
	assert_false(preflight_is_archived("", 0, 1000));
	assert_true(preflight_is_archived("archive", 0, 1000));
	/* Restored for a while. */
	assert_false(preflight_is_archived("archive", 1001, 1000));
	assert_true(preflight_is_archived("archive", 1000, 1000));
}

static void test_judgement(void **state)
{
	static const struct {
		const char *key;
		bool unencrypted;
		enum ec2_encryption source;
		int errnum;
		const char *words;
		struct encryption_defaults defaults;
	} table[] = {
		{NULL, false, EC2_ENCRYPTION_NONE, 0, NULL, {0}},
		/* Encryption by default: on, off, not known. */
		{NULL, true, EC2_ENCRYPTION_NONE, EINVAL, "encrypts every copy in eu-west-1",
			{.known = true, .on = true}},
		{NULL, true, EC2_ENCRYPTION_NONE, 0, NULL, {.known = true}},
		{NULL, true, EC2_ENCRYPTION_NONE, 0, NULL, {.on = true}},
		{NULL, false, EC2_ENCRYPTION_NONE, 0, NULL, {.known = true, .on = true}},
		{"alias/dr", false, EC2_ENCRYPTION_PRESENT, 0, NULL, {0}},
		{"arn:aws:kms:us-east-1:123456789012:key/" UUID, false, EC2_ENCRYPTION_NONE, ENOKEY,
			"a key of us-east-1, but the copy is made in eu-west-1", {0}},
		/* Encryption is for ever. */
		{NULL, true, EC2_ENCRYPTION_NONE, 0, NULL, {0}},
		{NULL, true, EC2_ENCRYPTION_PRESENT, EINVAL, "never decrypts", {0}},
		{NULL, true, EC2_ENCRYPTION_UNKNOWN, EINVAL, "is not known", {0}},
		{NULL, false, EC2_ENCRYPTION_UNKNOWN, 0, NULL, {0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct journal_copy row = {.region = (char *)"eu-west-1",
			.source_id = (char *)"snap-1",
			.kms_key_id = (char *)table[i].key};
		const struct preflight p = {.row = &row,
			.unencrypted = table[i].unencrypted,
			.source = table[i].source,
			.defaults = i % 2 || table[i].defaults.known ? &table[i].defaults : NULL};
		struct err err = {0};

		check(i, preflight_judge(&p, &err), table[i].errnum, table[i].words, &err);
	}
}

static void test_short_times(void **state)
{
	static const struct {
		int minutes;
		int64_t bytes;
		const char *words; /* NULL: long enough */
	} table[] = {
		/* 500 MiB/s are 439.45 GiB in 15 minutes. */
		{15, -1, NULL},
		{15, 439 * GIB, NULL},
		{15, ((int64_t)15 * 60 * 500) << 20, NULL},
		{15, (((int64_t)15 * 60 * 500) << 20) + 1,
			"15 minutes are enough only if the copy is incremental: EC2 moves at most "
			"500 MiB/s, and all 439 GiB of data take 30 minutes"},
		{0, 16384 * GIB, NULL},
		{60, 16384 * GIB, "all 16384 GiB of data take 570 minutes"},
		{570, 16384 * GIB, NULL},
		{2880, INT64_MAX, "only if the copy is incremental"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char note[PREFLIGHT_NOTE_SIZE] = "";
		bool is_short = preflight_is_short(table[i].minutes, table[i].bytes, note);

		assert_int_equal(is_short, table[i].words != NULL);
		if (table[i].words)
			assert_non_null(strstr(note, table[i].words));
	}
}

static void test_what_forbids(void **state)
{
	static const struct {
		const char *code;
		int errnum, http_status;
		bool forbidden;
	} table[] = {
		{"UnauthorizedOperation", EACCES, 403, true},
		{"AccessDenied", EACCES, 403, true},
		{"OptInRequired", EACCES, 401, true},
		{"TagPolicyViolation", EACCES, 400, true},
		{"RequestLimitExceeded", EAGAIN, 503, false},
		{"ResourceLimitExceeded", EAGAIN, 400, false},
		{"IncorrectState", EBUSY, 400, false},
		{"InvalidSnapshot.NotFound", ENOENT, 400, false},
		{"InvalidParameterValue", EINVAL, 400, false},
		{"InvalidAction", EOPNOTSUPP, 400, false},
		{"ExpiredToken", EACCES, 400, false},
		{"AuthFailure", EACCES, 401, false},
		{"InternalError", EIO, 500, false},
		/* No word of EC2's: the credentials could not be had. */
		{"", EACCES, 0, false},
		{"", ETIMEDOUT, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct err err;

		err_set(&err, table[i].errnum, "m");
		err.http_status = table[i].http_status;
		err.retryable = table[i].http_status >= 500;
		snprintf(err.code, sizeof(err.code), "%s", table[i].code);
		if (preflight_is_forbidden(&err) != table[i].forbidden)
			fail_msg("%s", table[i].code);
	}
}

static void test_what_a_copy_is_encrypted_with(void **state)
{
#define ON                                                                                         \
	{                                                                                          \
		.known = true, .on = true, .key = "K"                                              \
	}
#define OFF                                                                                        \
	{                                                                                          \
		.known = true, .key = "K"                                                          \
	}
	static const struct {
		const char *key;
		bool encrypted;
		enum ec2_encryption source;
		struct encryption_defaults defaults;
		const char *text;
	} table[] = {
		/* The user guide's table. */
		{NULL, false, EC2_ENCRYPTION_NONE, OFF, "no (expected)"},
		{NULL, true, EC2_ENCRYPTION_NONE, OFF,
			"yes, with the region's default key K (expected)"},
		{NULL, false, EC2_ENCRYPTION_PRESENT, OFF,
			"yes, with AWS's own key for EBS, alias/aws/ebs (expected)"},
		{NULL, false, EC2_ENCRYPTION_NONE, ON,
			"yes, with the region's default key K (expected)"},
		{NULL, false, EC2_ENCRYPTION_PRESENT, ON,
			"yes, with the region's default key K (expected)"},
		{NULL, true, EC2_ENCRYPTION_PRESENT, ON,
			"yes, with the region's default key K (expected)"},
		{"alias/dr", true, EC2_ENCRYPTION_NONE, OFF, "yes, with alias/dr"},
		{"alias/dr", true, EC2_ENCRYPTION_PRESENT, ON, "yes, with alias/dr"},
		/* Only what is known. */
		{NULL, true, EC2_ENCRYPTION_PRESENT, OFF, "yes"},
		{NULL, false, EC2_ENCRYPTION_UNKNOWN, OFF, ""},
		{NULL, true, EC2_ENCRYPTION_UNKNOWN, OFF, "yes"},
		{NULL, false, EC2_ENCRYPTION_UNKNOWN, ON,
			"yes, with the region's default key K (expected)"},
		{NULL, false, EC2_ENCRYPTION_NONE, {0}, ""},
		{NULL, true, EC2_ENCRYPTION_NONE, {0},
			"yes, with the region's default key (expected)"},
		{NULL, false, EC2_ENCRYPTION_PRESENT, {0}, "yes"},
		{NULL, false, EC2_ENCRYPTION_NONE, {.known = true, .on = true},
			"yes, with the region's default key (expected)"},
		{"alias/dr", true, EC2_ENCRYPTION_UNKNOWN, {0}, "yes, with alias/dr"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct journal_copy row = {
			.kms_key_id = (char *)table[i].key, .encrypted = table[i].encrypted};
		_cleanup_buf_ struct buf out = BUF_INIT;

		assert_int_equal(
			preflight_encryption(&row, table[i].source, &table[i].defaults, &out), 0);
		if (strcmp(buf_str(&out), table[i].text))
			fail_msg("row %zu: %s", i, buf_str(&out));
	}
	{
		const struct journal_copy row = {0};
		_cleanup_buf_ struct buf out = BUF_INIT;

		assert_int_equal(preflight_encryption(&row, EC2_ENCRYPTION_NONE, NULL, &out), 0);
		assert_string_equal(buf_str(&out), "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_forms_of_a_key),
		cmocka_unit_test(test_a_key_is_of_its_region),
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_archived),
		cmocka_unit_test(test_judgement),
		cmocka_unit_test(test_short_times),
		cmocka_unit_test(test_what_forbids),
		cmocka_unit_test(test_what_a_copy_is_encrypted_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
