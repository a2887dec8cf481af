/* SPDX-License-Identifier: MIT */
/* copy/rules: the options of volumes and images, their ranges, and the keys of requests. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "request_key.h"
#include "request_options.h"

#define HEAD "region: us-east-1\nsnapshot: snap-0a1b2c3d4e5f60718\n...\n"

struct text {
	const char *options;
	const char *refused; /* a part of the error; NULL: it is taken */
	const char *lines;   /* what is kept, NULL: not compared */
};

static void read_all(enum request_kind kind, const struct text *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct copy_request request;
		struct err err = {0};
		char text[1000];
		int result;

		snprintf(text, sizeof(text), HEAD "%s", texts[i].options);
		result = snapshot_file_parse_for(kind, text, strlen(text), true, &request, &err);
		if (texts[i].refused &&
			(result != -EINVAL || !strstr(err.message, texts[i].refused)))
			fail_msg("%s: %s, not %s", texts[i].options, err.message, texts[i].refused);
		if (!texts[i].refused && result)
			fail_msg("%s: %s", texts[i].options, err.message);
		if (texts[i].lines)
			assert_string_equal(request.options ? request.options : "", texts[i].lines);
		snapshot_file_finish(&request);
	}
}

static void test_options_of_volumes(void **state)
{
	static const struct text texts[] = {
		{"volume.type: io2\nvolume.iops: 5000", NULL, "type: io2\niops: 5000\n"},
		{"volume.size: 100 GiB\nvolume.size: 5", "volume.size was given before", NULL},
		{"volume.size: 100 GiB", NULL, "size: 100\n"},
		{"volume.size: 100GB", "volume.size must be a number of GiB", NULL},
		{"volume.size: 0", "from 1 to 65536", NULL},
		{"volume.type: gp4", "volume.type must be gp3, gp2,", NULL},
		{"volume.type: gp2\nvolume.size: 20000", "gp2 has 1 to 16384 GiB", NULL},
		{"volume.type: st1\nvolume.size: 100", "st1 has 125 to 16384 GiB", NULL},
		{"volume.iops: 2999", "volume.iops of the type gp3 is from 3000 to 80000", NULL},
		{"volume.type: gp2\nvolume.iops: 3000", "volume.iops is not for the type gp2",
			NULL},
		{"volume.type: io1", "io1 needs the line 'volume.iops: N', from 100 to 64000",
			NULL},
		{"volume.throughput: 124", "from 125 to 2000", NULL},
		{"volume.type: io2\nvolume.iops: 100\nvolume.throughput: 200",
			"volume.throughput is not for the type io2", NULL},
		{"volume.initialization-rate: 301", "from 100 to 300", NULL},
		{"volume.encrypted: no\nvolume.kms-key: alias/x", "volume.encrypted is no", NULL},
		{"volume.kms-key: x", "volume.kms-key must be a key's id", NULL},
		{"volume.tag.ebsfs:x: 1", "set by ebsfs itself", NULL},
		{"volume.again: a b", "volume.again must be a label", NULL},
		{"volume.no-tags: yes", "'volume.no-tags' is not a key of a snapshot file", NULL},
		{"volume.no-tags: yes", "volume.initialization-rate", NULL},
		{"size: 3 GiB", "only volume.* lines may follow it", NULL},
		/* of another kind */
		{"copy.nonsense: 1\nimage.architecture: vax", NULL, ""},
	};

	(void)state;
	read_all(REQUEST_VOLUME, texts, ARRAY_LEN(texts));
}

static void test_options_of_images(void **state)
{
	static const struct text texts[] = {
		{"image.architecture: x86_64", NULL, "architecture: x86_64\n"},
		{"", "image.architecture is missing", NULL},
		{"image.architecture: vax", "must be x86_64, arm64", NULL},
		{"image.architecture: arm64\nimage.tpm: v2.0", "'image.boot-mode: uefi'", NULL},
		{"image.architecture: arm64\nimage.tpm: v2.0\nimage.boot-mode: uefi", NULL, NULL},
		{"image.architecture: arm64\nimage.imds: v1.0", "must be v2.0", NULL},
		{"image.architecture: arm64\nimage.disk./dev/sdb: snap-0a1b2c3d4e5f60719", NULL,
			"architecture: arm64\ndisk./dev/sdb: snap-0a1b2c3d4e5f60719\n"},
		{"image.architecture: arm64\nimage.disk./dev/sdb: vol-1", "must be a snapshot's id",
			NULL},
		{("image.architecture: arm64\nimage.disk./dev/sdb: snap-0a1b2c3d4e5f60719\n"
		  "image.disk./dev/sdb: snap-0a1b2c3d4e5f60719"),
			"image.disk./dev/sdb was given before", NULL},
		{"image.architecture: arm64\nimage.disk./dev/xvda: snap-0a1b2c3d4e5f60719",
			"is the root device", NULL},
		{("image.architecture: arm64\nimage.root-device: /dev/sda1\n"
		  "image.disk./dev/xvda: snap-0a1b2c3d4e5f60719"),
			NULL, NULL},
		{"image.again: x", "'image.again' is not a key", NULL},
	};
	struct err err;

	(void)state;
	read_all(REQUEST_IMAGE, texts, ARRAY_LEN(texts));
	assert_int_equal(request_image_check_name("web (1) [a]./-'@_", &err), 0);
	assert_int_equal(request_image_check_name("ab", &err), -EINVAL);
	assert_int_equal(request_image_check_name("a:bc", &err), -EINVAL);
	assert_non_null(strstr(err.message, "3 to 128"));
}

static void test_a_volume_is_no_smaller_than_its_snapshot(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(request_volume_check("type: gp3\nsize: 8\n", 8, &err), 0);
	assert_int_equal(request_volume_check("type: gp3\nsize: 7\n", 8, &err), -EINVAL);
	assert_non_null(strstr(err.message, "8 to 65536 GiB"));
	/* The snapshot's own size counts, where the text names none. */
	assert_int_equal(request_volume_check("type: st1\n", 8, &err), -EINVAL);
	assert_non_null(strstr(err.message, "add volume.size"));
	assert_int_equal(request_volume_check("type: st1\nsize: 125\n", 8, &err), 0);
}

static void test_keys(void **state)
{
	struct journal_copy row = {.source_region = (char *)"eu-west-1",
		.source_id = (char *)"snap-1",
		.region = (char *)"eu-west-1",
		.kind = (char *)"volume",
		.place = (char *)"eu-west-1a"};
	char a[REQUEST_KEY_SIZE], b[REQUEST_KEY_SIZE];
	char t[REQUEST_KEY_TOKEN_SIZE], u[REQUEST_KEY_TOKEN_SIZE];

	(void)state;
	request_key(&row, a);
	request_key_token(&row, t);
	assert_string_equal(request_key_token(&row, u), t);
	assert_int_equal(strlen(t), 40);
	row.generation = 1;
	assert_string_equal(request_key(&row, b), a);
	assert_string_not_equal(request_key_token(&row, u), t);
	row.place = (char *)"eu-west-1b";
	assert_string_not_equal(request_key(&row, b), a);
	row.place = (char *)"eu-west-1a";
	row.label = (char *)"x";
	assert_string_not_equal(request_key(&row, b), a);
	/* An image's key is its name: not its snapshot. */
	row.kind = (char *)"image";
	request_key(&row, a);
	row.source_id = (char *)"snap-2";
	assert_string_equal(request_key(&row, b), a);
	row.place = (char *)"web";
	assert_string_not_equal(request_key(&row, b), a);
}

static void test_lines(void **state)
{
	_cleanup_free_ char *lines = strdup("type: gp2\n");
	char value[REQUEST_OPTION_SIZE];

	(void)state;
	assert_int_equal(request_option_default(&lines, "type", "gp3"), 0);
	assert_int_equal(request_option_default(&lines, "size", "9"), 0);
	assert_string_equal(lines, "type: gp2\nsize: 9\n");
	assert_int_equal(request_option_number(lines, "size"), 9);
	assert_int_equal(request_option_number(lines, "iops"), 0);
	assert_string_equal(request_option(lines, "siz", value), "");
	assert_string_equal(request_option(NULL, "size", value), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_of_volumes),
		cmocka_unit_test(test_options_of_images),
		cmocka_unit_test(test_a_volume_is_no_smaller_than_its_snapshot),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
