/* SPDX-License-Identifier: MIT */
/* The snapshot file: what is written, what is read back, what is refused and why. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ec2.h"
#include "snapshot_file.h"
#include "yaml_scalar.h"

static const struct catalogue_snapshot nightly = {
	.id = "snap-0a1b2c3d4e5f60718",
	.volume_id = "vol-0123456789abcdef0",
	.state_text = "completed",
	.state_message = "",
	.owner_id = "123456789012",
	.description = "nightly db",
	.kms_key_id = "",
	.start_ms = 1763607612000,
	.volume_gib = 8,
	.encryption = EC2_ENCRYPTION_NONE,
};

static void test_the_text_is_the_contracts(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(snapshot_file_format(&out, "us-east-1", &nightly), 0);
	assert_string_equal(out.data,
		"# EBS snapshot. Copy this file into another region's folder, and AWS copies the "
		"snapshot there.\n"
		"region: us-east-1\n"
		"snapshot: snap-0a1b2c3d4e5f60718\n"
		"volume: vol-0123456789abcdef0\n"
		"size: 8 GiB\n"
		"started: 2025-11-20T03:00:12Z\n"
		"owner: 123456789012\n"
		"encrypted: no\n"
		"description: nightly db\n"
		"...\n");
}

/* A description may be anything; the text stays one line a key, and YAML. */
static void test_descriptions_are_quoted_where_yaml_needs_it(void **state)
{
	static const struct {
		const char *text, *line;
	} table[] = {
		{"plain words: no", "\"plain words: no\""},
		{"a:b", "a:b"},
		{"[Copied snap-1 from us-east-1] x", "\"[Copied snap-1 from us-east-1] x\""},
		{"two\nlines", "\"two\\nlines\""},
		{"...", "\"...\""},
		{"no", "\"no\""},
		{"12", "\"12\""},
		{"2026-01-01", "\"2026-01-01\""},
		{"12 monkeys", "12 monkeys"},
		{"ends in space ", "\"ends in space \""},
		{"a #1", "\"a #1\""},
		{"a#1", "a#1"},
		{"Größe", "Größe"},
		{"-o", "\"-o\""},
		{".NaN", "\".NaN\""},
		{"a\xe2\x80\xa8"
		 "b\xc2\x85"
		 "\xef\xbb\xbf",
			"\"a\\u2028b\\u0085\\ufeff\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT, back = BUF_INIT;
		const char *at, *why;

		assert_int_equal(yaml_scalar_format(&out, table[i].text), 0);
		assert_string_equal(out.data, table[i].line);
		at = out.data;
		assert_int_equal(yaml_scalar_parse(&at, out.data + out.len, &back, &why), 0);
		assert_string_equal(back.data, table[i].text);
	}
}

static void test_what_is_written_is_a_request(void **state)
{
	struct catalogue_snapshot s = nightly;
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct copy_request request;
	struct err err;

	(void)state;
	s.description = "evil\n...\ncopy.dry-run: yes";
	assert_int_equal(snapshot_file_format(&out, "us-east-1", &s), 0);
	assert_int_equal(snapshot_file_parse(out.data, out.len, false, &request, &err), 0);
	assert_true(request.complete);
	assert_string_equal(request.source_region, "us-east-1");
	assert_string_equal(request.source_id, "snap-0a1b2c3d4e5f60718");
	assert_null(request.description);
	assert_null(request.kms_key_id);
	assert_false(request.encrypted || request.no_tags || request.dry_run);
	assert_int_equal(request.completion_minutes, 0);
	assert_int_equal(request.n_tags, 0);
	snapshot_file_finish(&request);
}

static void test_everything_that_may_be_asked_for(void **state)
{
	static const char text[] = "\xef\xbb\xbf---\r\n"
				   "region: eu-west-1\r\n"
				   "snapshot: snap-0a1b2c3d\r\n"
				   "\n"
				   "  # a remark\n"
				   "copy.description: before the [big] change: 2  # remark\n"
				   "copy.kms-key: alias/dr\n"
				   "copy.tag.Name: \"a \\\"b\\\" \\u00e9\\ud83d\\ude00\"\n"
				   "copy.tag.cost:centre: 'it''s 12'\n"
				   "\"copy.tag.a: b\": c\n"
				   "copy.tag.empty:\n"
				   "copy.no-tags: Yes\n"
				   "copy.completion-minutes: 60\n"
				   "copy.dry-run: true\n"
				   "... \n \n";
	struct copy_request r;
	struct err err;

	(void)state;
	assert_int_equal(snapshot_file_parse(text, sizeof(text) - 1, false, &r, &err), 0);
	assert_true(r.complete);
	assert_string_equal(r.source_region, "eu-west-1");
	assert_string_equal(r.source_id, "snap-0a1b2c3d");
	assert_string_equal(r.description, "before the [big] change: 2");
	assert_string_equal(r.kms_key_id, "alias/dr");
	assert_true(r.encrypted); /* a key makes it so */
	assert_true(r.no_tags);
	assert_true(r.dry_run);
	assert_int_equal(r.completion_minutes, 60);
	assert_int_equal(r.n_tags, 4);
	assert_string_equal(r.tags[0].key, "Name");
	assert_string_equal(r.tags[0].value, "a \"b\" é😀");
	assert_string_equal(r.tags[1].key, "cost:centre");
	assert_string_equal(r.tags[1].value, "it's 12");
	assert_string_equal(r.tags[2].key, "a: b");
	assert_string_equal(r.tags[3].value, "");
	snapshot_file_finish(&r);
}

#define HEAD "region: us-east-1\nsnapshot: snap-0a1b2c3d\n"

/* echo copy.… >> file adds its line after the '...'. */
static void test_options_may_follow_the_end(void **state)
{
	static const char text[] = HEAD "copy.tag.a: 1\n"
					"volume.type: gp3\n"
					"...\r\n"
					"\n"
					"# added by hand\n"
					"copy.tag.b: 2\n"
					"volume.type: io2\n"
					"image.name: db\n"
					"copy.again: before-the_2nd.Upgrade\n"
					"copy.description: a longer text"; /* no newline */
	struct copy_request r;
	struct err err;

	(void)state;
	assert_int_equal(snapshot_file_parse(text, sizeof(text) - 1, false, &r, &err), 0);
	assert_true(r.complete);
	assert_string_equal(r.source_id, "snap-0a1b2c3d");
	assert_string_equal(r.again, "before-the_2nd.Upgrade");
	assert_string_equal(r.description, "a longer text");
	assert_int_equal(r.n_tags, 2);
	assert_string_equal(r.tags[1].key, "b");
	snapshot_file_finish(&r);
}

static void test_labels(void **state)
{
	char text[sizeof(HEAD) + 160];
	struct copy_request r;
	struct err err;

	(void)state;
	for (int len = 1; len <= 129; len += 127) {
		snprintf(text, sizeof(text), HEAD "...\ncopy.again: %.*s", len,
			"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
			"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy");
		assert_int_equal(snapshot_file_parse(text, strlen(text), false, &r, &err), 0);
		assert_int_equal(strlen(r.again), len);
		snapshot_file_finish(&r);
	}
	strcat(text, "y");
	assert_int_equal(snapshot_file_parse(text, strlen(text), false, &r, &err), -EINVAL);
	snapshot_file_finish(&r);
}

static void test_refusals_name_the_line(void **state)
{
	static const struct {
		const char *text, *message;
	} table[] = {
		{HEAD "copy.encryptd: yes\n...\n", "line 3: 'copy.encryptd' is not a key"},
		{HEAD "...\nx", "line 4: a line has the form"},
		{HEAD "...\n\n\n...\n", "line 6: a second '...'"},
		{HEAD "...\n---\n", "line 4: a line has the form"},
		{HEAD "...\n# the next one\nregion: us-east-1\n",
			"line 5: 'region' stands after the '...'; only copy.* lines may follow"},
		{HEAD "...\nsize: 8 GiB", "line 4: 'size' stands after the '...'"},
		{HEAD "...\nencrypted: yes\n", "line 4: 'encrypted' stands after the '...'"},
		{HEAD "...\nnonsense: x\n", "line 4: 'nonsense' stands after the '...'"},
		{HEAD "...\ncopy.encryptd: yes\n", "line 4: 'copy.encryptd' is not a key"},
		{HEAD "...\ncopy.dry-run: yes\ncopy.dry-run: yes\n",
			"line 5: copy.dry-run was given before"},
		{HEAD "copy.dry-run: yes\n...\ncopy.dry-run: yes\n",
			"line 5: copy.dry-run was given before"},
		{HEAD "copy.tag.a: 1\n...\ncopy.tag.a: 2\n", "line 5: this tag was given before"},
		{HEAD "copy.kms-key: alias/k\n...\ncopy.encrypted: no\n",
			"copy.kms-key is given, but"},
		{HEAD "volumes.type: gp3\n...\n", "line 3: 'volumes.type' is not a key"},
		{HEAD "volume.type: \"gp3\n...\n", "line 3: a closing quote"},
		{HEAD "copy.again:\n...\n", "line 3: copy.again must be a label of 1 to 128"},
		{HEAD "copy.again: \"two words\"\n...\n", "line 3: copy.again must be a label"},
		{HEAD "copy.again: a/b\n...\n", "line 3: copy.again must be a label"},
		{HEAD "copy.again: \xc3\xa9\n...\n", "line 3: copy.again must be a label"},
		{HEAD "copy.again: 1\n...\ncopy.again: 2\n", "line 5: copy.again was given before"},
		{HEAD "nonsense\n...\n", "line 3: a line has the form"},
		{HEAD ": x\n...\n", "line 3: a line has the form"},
		{HEAD "copy.tag.a:b\n...\n", "line 3: a line has the form"},
		{HEAD " copy.dry-run: yes\n...\n",
			"line 3: a line has the form 'key: value' and is not"},
		{HEAD "region: us-east-1\n...\n", "line 3: region was given before"},
		{HEAD "copy.dry-run: perhaps\n...\n", "line 3: copy.dry-run must be yes or no"},
		{HEAD "copy.dry-run:\n...\n", "line 3: copy.dry-run must be yes or no"},
		{HEAD "copy.completion-minutes: 20\n...\n", "line 3: copy.completion-minutes must"},
		{HEAD "copy.completion-minutes: 0\n...\n", "line 3: copy.completion-minutes must"},
		{HEAD "copy.completion-minutes: 2895\n...\n",
			"line 3: copy.completion-minutes must"},
		{HEAD "copy.description:\n...\n", "line 3: copy.description has no value"},
		{HEAD "copy.description: \"x\n...\n", "line 3: a closing quote"},
		{HEAD "copy.description: \"x\" y\n...\n", "line 3: nothing may follow the closing"},
		{HEAD "copy.description: \"\\q\"\n...\n", "line 3: an escape"},
		{HEAD "copy.description: \"\\u0000\"\n...\n", "line 3: an escape"},
		{HEAD "copy.description: \"\\ud800\"\n...\n", "line 3: an escape"},
		{HEAD "copy.description: a\001b\n...\n", "line 3: a control"},
		{HEAD "copy.description: a\xff\n...\n", "line 3: not UTF-8"},
		{HEAD "copy.kms-key: alias/k\ncopy.encrypted: no\n...\n",
			"copy.kms-key is given, but"},
		{HEAD "copy.tag.: x\n...\n", "line 3: a tag's key has"},
		{HEAD "copy.tag.aws:x: y\n...\n", "line 3: tags that begin with aws:"},
		{HEAD "copy.tag.ebsfs:request: y\n...\n", "line 3: tags that begin with ebsfs:"},
		{HEAD "copy.tag.a: 1\ncopy.tag.a: 2\n...\n", "line 4: this tag was given before"},
		{"region: ../etc\n...\n", "line 1: region must be"},
		{"region: us-east-1\nsnapshot: snap-XYZ\n...\n", "line 2: snapshot must be"},
		{"region: us-east-1\n...\n",
			"the text asks for nothing: the line 'snapshot: …' is missing"},
		{"snapshot: snap-0a1b2c3d\n...\n",
			"the text asks for nothing: the line 'region: …' is missing"},
		{"...\n", "the text asks for nothing: the lines 'region: …' and 'snapshot: …' are"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct copy_request r;
		struct err err = {0};

		assert_int_equal(
			snapshot_file_parse(table[i].text, strlen(table[i].text), true, &r, &err),
			-EINVAL);
		assert_int_equal(err.errnum, EINVAL);
		if (strncmp(err.message, table[i].message, strlen(table[i].message)))
			fail_msg("row %zu: %s", i, err.message);
		snapshot_file_finish(&r);
	}
}

/* A text that is still being written is judged by its whole lines. */
static void test_a_text_in_the_making(void **state)
{
	static const struct {
		const char *text;
		bool at_end;
		int result;
		bool complete;
	} table[] = {
		{"", false, 0, false},
		{"", true, -EINVAL, false},
		{"reg", false, 0, false},
		{"reg", true, -EINVAL, false},
		{"reg\n", false, -EINVAL, false},
		{HEAD, false, 0, false},
		{HEAD, true, 0, false},
		{HEAD "..", false, 0, false},
		{HEAD "..", true, -EINVAL, false},
		{HEAD "...", false, 0, true},
		{HEAD "...\n", false, 0, true},
		{HEAD "...\ncopy.tag.a: b", false, 0, true},
		{HEAD "...\ncopy.dry-run: ye", false, -EINVAL, false},
		{"region: us-east-1\n", false, 0, false},
		{"region: us-east-1\n", true, -EINVAL, false},
		{"snapshot: snap-0a1b2c3d\n", true, -EINVAL, false},
		{"\n", true, -EINVAL, false},
		{"# only a comment\n", true, -EINVAL, false},
		{"---\n", true, -EINVAL, false},
		{"\xef\xbb\xbf", true, -EINVAL, false},
		{"copy.encrypted: yes\n", true, -EINVAL, false},
		{"copy.tag.a: b\n", true, -EINVAL, false},
		{"region: us-east-1\nsnapshot: snap-0a1b2c3d", true, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct copy_request r;
		struct err err;

		if (snapshot_file_parse(table[i].text, strlen(table[i].text), table[i].at_end, &r,
			    &err) != table[i].result ||
			r.complete != table[i].complete)
			fail_msg("row %zu", i);
		snapshot_file_finish(&r);
	}
}

static void test_limits(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct copy_request r;
	struct err err;

	(void)state;
	buf_puts(&text, HEAD);
	for (int i = 0; i < REQUEST_TAGS_MAX; i++)
		buf_printf(&text, "copy.tag.k%d: v\n", i);
	assert_int_equal(snapshot_file_parse(text.data, text.len, true, &r, &err), 0);
	assert_int_equal(r.n_tags, REQUEST_TAGS_MAX);
	snapshot_file_finish(&r);
	buf_puts(&text, "copy.tag.more: v\n");
	assert_int_equal(snapshot_file_parse(text.data, text.len, true, &r, &err), -EINVAL);
	assert_non_null(strstr(err.message, "more than 48 tags"));
	snapshot_file_finish(&r);

	buf_clear(&text);
	buf_puts(&text, HEAD "copy.description: ");
	for (int i = 0; i < 255; i++)
		buf_puts(&text, "é");
	assert_int_equal(snapshot_file_parse(text.data, text.len, true, &r, &err), 0);
	snapshot_file_finish(&r);
	buf_puts(&text, "é");
	assert_int_equal(snapshot_file_parse(text.data, text.len, true, &r, &err), -EINVAL);
	snapshot_file_finish(&r);

	buf_clear(&text);
	buf_resize(&text, REQUEST_TEXT_MAX + 1);
	memset(text.data, '\n', text.len);
	assert_int_equal(snapshot_file_parse(text.data, text.len, true, &r, &err), -EINVAL);
	snapshot_file_finish(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_text_is_the_contracts),
		cmocka_unit_test(test_descriptions_are_quoted_where_yaml_needs_it),
		cmocka_unit_test(test_what_is_written_is_a_request),
		cmocka_unit_test(test_everything_that_may_be_asked_for),
		cmocka_unit_test(test_options_may_follow_the_end),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_refusals_name_the_line),
		cmocka_unit_test(test_a_text_in_the_making),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
