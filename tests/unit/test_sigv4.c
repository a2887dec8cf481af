/* SPDX-License-Identifier: MIT */
/* sigv4: Amazon's signing suite, as far as it lies on this machine, and vectors of EC2's and EBS's
 * own requests. */
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws_query.h"
#include "cleanup.h"
#include "digest.h"
#include "ec2.h"
#include "encode.h"
#include "endpoint.h"
#include "profile.h"
#include "sigv4.h"

DEFINE_CLEANUP(struct profiles *, profiles_destroy)

#define SUITE_CASES 38
#define KEY         "AKIDEXAMPLE"
#define SECRET      "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

/* The text of suite/case/name; fails the test if it cannot be read. */
static char *read_text(const char *suite, const char *name, const char *file)
{
	_cleanup_buf_ struct buf path = BUF_INIT, text = BUF_INIT;
	_cleanup_fclose_ FILE *f = NULL;
	char chunk[4096];
	size_t n;

	buf_printf(&path, "%s/%s/%s", suite, name, file);
	f = fopen(path.data, "r");
	if (!f)
		fail_msg("%s: %s", path.data, strerror(errno));
	while ((n = fread(chunk, 1, sizeof(chunk), f)))
		buf_add(&text, chunk, n);
	return buf_steal(&text);
}

/* request.txt taken apart; the pointers go into `text`, which is cut up. */
struct request_text {
	char *text;
	char *method, *path, *query, *body;
	struct http_header headers[16];
	size_t n_headers;
};

static void request_text_finish(struct request_text *r)
{
	for (size_t i = 0; i < r->n_headers; i++)
		free((char *)r->headers[i].value);
	free(r->text);
}

static void add_header_line(struct request_text *r, char *line)
{
	char *colon = strchr(line, ':');
	char *joined = NULL;

	if (line[0] == ' ' || line[0] == '\t') {
		struct http_header *last = &r->headers[r->n_headers - 1];

		assert_true(asprintf(&joined, "%s\n%s", last->value, line) > 0);
		free((char *)last->value);
		last->value = joined;
		return;
	}
	assert_non_null(colon);
	assert_true(r->n_headers < 14);
	*colon = '\0';
	r->headers[r->n_headers++] = (struct http_header){line, strdup(colon + 1)};
}

static void request_text_parse(struct request_text *r, char *text)
{
	char *end, *line, *next;

	*r = (struct request_text){.text = text, .method = text, .body = (char *)""};
	next = strchr(text, '\n');
	*next++ = '\0';
	end = text + strlen(text) - strlen(" HTTP/1.1");
	assert_string_equal(end, " HTTP/1.1");
	*end = '\0';
	r->path = strchr(text, ' ');
	*r->path++ = '\0';
	r->query = strchr(r->path, '?');
	if (r->query)
		*r->query++ = '\0';
	while ((line = next) && *line && *line != '\n') {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		add_header_line(r, line);
	}
	if (next && *next == '\n')
		r->body = next + 1;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* One check: canonical request, string to sign and signature are the suite's. */
static bool check(
	const char *suite, const char *name, const char *mode, const struct sigv4_signature *got)
{
	const struct {
		const char *file;
		const char *got;
	} parts[] = {{"canonical-request", buf_str(&got->canonical_request)},
		{"string-to-sign", buf_str(&got->string_to_sign)}, {"signature", got->hex}};
	bool same = true;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		char file[64];
		_cleanup_free_ char *expected = NULL;

		snprintf(file, sizeof(file), "%s-%s.txt", mode, parts[i].file);
		expected = read_text(suite, name, file);
		if (strcmp(expected, parts[i].got)) {
			print_error("%s %s: expected\n%s\ngot\n%s\n", name, file, expected,
				parts[i].got);
			same = false;
		}
	}
	return same;
}

static int run_case(const char *suite, const char *name)
{
	_cleanup_free_ char *context_text = read_text(suite, name, "context.json");
	_cleanup_(json_decrefp) json_t *context = json_loads(context_text, 0, NULL);
	const json_t *keys = json_object_get(context, "credentials");
	_cleanup_(request_text_finish) struct request_text text = {0};
	_cleanup_(sigv4_finish) struct sigv4_signature header = {0}, query = {0};
	char hash[DIGEST_SHA256_HEX] = SIGV4_EMPTY_PAYLOAD;
	bool sign_body = json_is_true(json_object_get(context, "sign_body"));
	int64_t time_ms;
	int expires = (int)json_integer_value(json_object_get(context, "expiration_in_seconds"));
	const char *stamp = text_of(context, "timestamp");

	request_text_parse(&text, read_text(suite, name, "request.txt"));
	assert_int_equal(isotime_parse(stamp, strlen(stamp), &time_ms), 0);
	if (sign_body)
		assert_int_equal(digest_sha256_hex(text.body, strlen(text.body), hash), 0);
	struct sigv4_request request = {.method = text.method,
		.path = text.path,
		.query = text.query,
		.keep_path = !json_is_true(json_object_get(context, "normalize")),
		.headers = text.headers,
		.n_headers = text.n_headers,
		.payload_hash = hash,
		.access_key = text_of(keys, "access_key_id"),
		.secret_key = text_of(keys, "secret_access_key"),
		.session_token = text_of(keys, "token"),
		.token_unsigned = json_is_true(json_object_get(context, "omit_session_token")),
		.region = text_of(context, "region"),
		.service = text_of(context, "service"),
		.time_ms = time_ms};

	assert_int_equal(sigv4_presign(&request, expires, &query), 0);
	if (sign_body)
		text.headers[text.n_headers++] =
			(struct http_header){"x-amz-content-sha256", strdup(hash)};
	request.n_headers = text.n_headers;
	assert_int_equal(sigv4_sign(&request, &header), 0);
	return check(suite, name, "header", &header) + check(suite, name, "query", &query);
}

static int is_case(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void test_amazons_suite(void **state)
{
	const char *suite = getenv("EBSFS_SIGV4_SUITE");
	struct dirent **cases = NULL;
	int n, passed = 0;

	(void)state;
	if (!suite)
		suite = EBSFS_SOURCE_ROOT "/../shared/sigv4-suite/v4";
	n = scandir(suite, &cases, is_case, alphasort);
	if (n < 0) {
		print_message(
			"no signing suite at %s (EBSFS_SIGV4_SUITE names another place): skipped\n",
			suite);
		skip();
	}
	for (int i = 0; i < n; i++) {
		passed += run_case(suite, cases[i]->d_name);
		free(cases[i]);
	}
	free(cases);
	print_message("signing suite: %d of %d checks passed\n", passed, 2 * n);
	assert_int_equal(n, SUITE_CASES);
	assert_int_equal(passed, 2 * SUITE_CASES);
}

static int64_t suite_time(void)
{
	int64_t ms;

	assert_int_equal(isotime_parse("2015-08-30T12:36:00Z", 20, &ms), 0);
	return ms;
}

/* Computed with botocore and by a second, independent implementation. */
static void test_post_of_a_form(void **state)
{
	static const char body[] =
		"Action=DescribeSnapshots&Version=2016-11-15&Owner.1=self&MaxResults=1000"
		"&Filter.1.Name=tag%3AName&Filter.1.Value.1=a+b&Filter.1.Value.2=%C3%A9";
	const struct http_header headers[] = {
		{"Host", "ec2.us-east-1.amazonaws.com"},
		{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
	};
	char hash[DIGEST_SHA256_HEX];
	_cleanup_(sigv4_finish) struct sigv4_signature got = {0};

	(void)state;
	assert_int_equal(digest_sha256_hex(body, strlen(body), hash), 0);
	assert_int_equal(sigv4_sign(&(struct sigv4_request){.method = "POST",
					    .path = "",
					    .headers = headers,
					    .n_headers = 2,
					    .payload_hash = hash,
					    .access_key = KEY,
					    .secret_key = SECRET,
					    .region = "us-east-1",
					    .service = "ec2",
					    .time_ms = suite_time()},
				 &got),
		0);
	assert_string_equal(
		got.hex, "25ee00749eca5098dfbbf9608a4a8e4d0c8ee082c205287fd5bb62ff7e54b5e4");
	assert_string_equal(got.authorization.data,
		"AWS4-HMAC-SHA256 Credential=" KEY "/20150830/us-east-1/ec2/aws4_request, "
		"SignedHeaders=content-type;host;x-amz-date, "
		"Signature=25ee00749eca5098dfbbf9608a4a8e4d0c8ee082c205287fd5bb62ff7e54b5e4");
}

static void test_blocks(void **state)
{
	struct http_header headers[5] = {{"host", "ebs.us-east-1.amazonaws.com"}};
	struct sigv4_request request = {.method = "GET",
		.path = "/snapshots/snap-0123456789abcdef0/blocks/3",
		.query = "blockToken=AAUB%2B%2Fa%3D",
		.headers = headers,
		.n_headers = 1,
		.payload_hash = SIGV4_EMPTY_PAYLOAD,
		.access_key = KEY,
		.secret_key = SECRET,
		.region = "us-east-1",
		.service = "ebs",
		.time_ms = suite_time()};
	_cleanup_(sigv4_finish) struct sigv4_signature get = {0}, put = {0};

	(void)state;
	assert_int_equal(sigv4_sign(&request, &get), 0);
	assert_string_equal(
		get.hex, "5dcf028f7c27ec4f296f0620732a986c32023dc37eaa0defb17a09af47f9d8e3");
	headers[1] = (struct http_header){
		"x-amz-checksum", "B4VNL+8pega6gWheZgwzLeNtXRjVRpJ9MNqtbX/aFUE="};
	headers[2] = (struct http_header){"x-amz-checksum-algorithm", "SHA256"};
	headers[3] = (struct http_header){"x-amz-data-length", "524288"};
	headers[4] = (struct http_header){"x-amz-content-sha256", SIGV4_UNSIGNED_PAYLOAD};
	request.method = "PUT";
	request.query = NULL;
	request.n_headers = 5;
	request.payload_hash = SIGV4_UNSIGNED_PAYLOAD;
	assert_int_equal(sigv4_sign(&request, &put), 0);
	assert_string_equal(
		put.hex, "69650c5908a4d757bf5119df7cc1c82c51733876a651636040e327a281972e94");
}

/* CopySnapshot's PresignedUrl, through the very function that makes it. */
static void test_presigned_copy(void **state)
{
	static const struct {
		const char *endpoint, *token, *description, *tag_value, *signature;
	} table[] = {
		{"https://ec2.us-east-1.amazonaws.com", NULL, NULL, NULL,
			"d8437ee1f6b17a1e65429097d129f156f2bba2f38bb535082c4a329d6766f457"},
		{"https://ec2.us-east-1.amazonaws.com", "TOKEN/+=", "a b/é", "x~y",
			"7d5379d51891e177a431ca76b641062e4e27812a1eaa9d3873aa22ca0de7f81a"},
		{"https://ec2.us-east-1.api.aws", NULL, NULL, NULL,
			"7e755166e9abeddd1c503a4e7a8456826f2c3c448247a2dbfc5402ccc643cb63"},
	};

	_cleanup_(profiles_destroyp) struct profiles *profiles = NULL;
	struct err err;

	(void)state;
	setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
	assert_int_equal(profiles_load(&profiles, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct credentials keys = {.access_key = (char *)KEY,
			.secret_key = (char *)SECRET,
			.session_token = (char *)table[i].token};
		const struct endpoint_config endpoints = {.endpoint_url = table[i].endpoint,
			.profiles = profiles,
			.profile = "default"};
		const struct aws_signer signer = {
			.credentials = &keys, .endpoints = &endpoints, .time_ms = suite_time()};
		_cleanup_buf_ struct buf form = BUF_INIT, expected = BUF_INIT;

		buf_puts(&form, "Action=CopySnapshot&Version=2016-11-15");
		form_add(&form, "us-east-1", "SourceRegion");
		form_add(&form, "snap-0123456789abcdef0", "SourceSnapshotId");
		form_add(&form, table[i].description, "Description");
		if (table[i].tag_value) {
			form_add(&form, "snapshot", "TagSpecification.1.ResourceType");
			form_add(&form, "Name", "TagSpecification.1.Tag.1.Key");
			form_add(&form, table[i].tag_value, "TagSpecification.1.Tag.1.Value");
		}
		assert_int_equal(
			ec2_copy_presign(&signer, "us-east-1", "us-west-2", &form, &err), 0);
		assert_non_null(strstr(
			form.data, "&DestinationRegion=us-west-2&PresignedUrl=https%3A%2F%2Fec2."));
		buf_printf(&expected, "X-Amz-Signature%%3D%s", table[i].signature);
		assert_non_null(strstr(form.data, expected.data));
	}
}

/* A signature must not depend on how the query was written; but a plus in it is a plus. */
static void test_query_is_signed_in_one_spelling(void **state)
{
	static const struct {
		const char *query, *canonical;
	} table[] = {
		{"b=2&a=1", "a=1&b=2"},
		{"a=%7e&a=%2f", "a=%2F&a=~"},
		{"a=x+y", "a=x%2By"},
		{"k&=v&&j=", "=v&j=&k="},
		{"a=b=c", "a=b%3Dc"},
		{"A=1&a=1&B=1", "A=1&B=1&a=1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		_cleanup_(sigv4_finish) struct sigv4_signature got = {0};
		_cleanup_buf_ struct buf expected = BUF_INIT;

		buf_printf(&expected, "GET\n/\n%s\nhost:h\n", table[i].canonical);
		assert_int_equal(sigv4_sign(&(struct sigv4_request){.method = "GET",
						    .path = "/",
						    .query = table[i].query,
						    .headers = &(struct http_header){"host", "h"},
						    .n_headers = 1,
						    .payload_hash = SIGV4_EMPTY_PAYLOAD,
						    .access_key = KEY,
						    .secret_key = SECRET,
						    .region = "r",
						    .service = "s"},
					 &got),
			0);
		assert_memory_equal(got.canonical_request.data, expected.data, expected.len);
	}
}

static void test_digests(void **state)
{
	char hex[DIGEST_SHA256_HEX], sha1[DIGEST_SHA1_HEX];

	(void)state;
	assert_int_equal(digest_sha256_hex("", 0, hex), 0);
	assert_string_equal(hex, SIGV4_EMPTY_PAYLOAD);
	assert_int_equal(digest_sha1_hex("my-sso", 6, sha1), 0);
	assert_string_equal(sha1, "0ad374308c5a4e22f723adf10145eafad7c4031c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amazons_suite),
		cmocka_unit_test(test_post_of_a_form),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_presigned_copy),
		cmocka_unit_test(test_query_is_signed_in_one_spelling),
		cmocka_unit_test(test_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
