/* SPDX-License-Identifier: MIT */
/* aws/ebs: paths, verified blocks, lists, refusals and rates, over real sockets. */
#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws_error.h"
#include "aws_world.h"
#include "cleanup.h"
#include "digest.h"
#include "ebs.h"
#include "encode.h"

#define SNAP  "snap-01234567"
#define TOKEN "AAab+c/d=="

/* --- the server --- */

/* One response with a block's data, as wrong as its fields make it. */
struct answer {
	const char *status; /* NULL: 200 */
	const char *type;   /* x-amzn-ErrorType; NULL: none */
	const char *body;   /* NULL: a block's data */
	size_t len;         /* of the data; 0: a whole block */
	const char *told;   /* x-amz-Data-Length; NULL: the true one */
	const char *sha;    /* x-amz-Checksum; NULL: the true one */
	const char *algorithm;
	bool cut; /* the connection is closed half-way */
};

static struct {
	const struct answer *answers; /* the last one repeats */
	size_t n;
	size_t came;
	struct buf heads[4];
	unsigned char data[EBS_BLOCK_SIZE + 1];
	struct ebs *ebs;
	struct workers *workers;
	struct ebs_block *block; /* of the last GET */
	unsigned bought;
	struct ebs_page *page;
	int order[64], n_ended;
} t;

static void answer_block(const struct answer *a, struct buf *reply)
{
	size_t len = a->len ? a->len : EBS_BLOCK_SIZE;
	unsigned char sha[DIGEST_SHA256_SIZE];
	_cleanup_buf_ struct buf base64 = BUF_INIT;
	char told[32];

	snprintf(told, sizeof(told), "%zu", len);
	digest_sha256(t.data, len, sha);
	encode_base64(&base64, sha, sizeof(sha));
	buf_printf(reply,
		"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
		"x-amz-Data-Length: %s\r\nx-amz-Checksum: %s\r\n%s%s%s"
		"Content-Length: %zu\r\n\r\n",
		a->told ? a->told : told, a->sha ? a->sha : base64.data,
		a->algorithm && !*a->algorithm ? "" : "x-amz-Checksum-Algorithm: ",
		a->algorithm ? a->algorithm : "SHA256",
		a->algorithm && !*a->algorithm ? "" : "\r\n", len);
	buf_add(reply, t.data, a->cut ? len / 2 : len);
}

static enum http_server_then play(const struct http_server_request *request, struct buf *reply)
{
	const struct answer *a = &t.answers[t.came < t.n ? t.came : t.n - 1];
	char headers[200] = "";

	if (t.came < ARRAY_LEN(t.heads))
		buf_puts(&t.heads[t.came], request->head);
	t.came++;
	if (a->type)
		snprintf(headers, sizeof(headers), "x-amzn-ErrorType: %s\r\n", a->type);
	if (a->body)
		http_server_answer(reply, a->status ? a->status : "200 OK", headers, a->body);
	else
		answer_block(a, reply);
	return a->cut ? THEN_CLOSE : THEN_KEEP;
}

static void script(const struct answer *answers, size_t n)
{
	t.answers = answers;
	t.n = n;
	t.came = 0;
	for (size_t i = 0; i < ARRAY_LEN(t.heads); i++)
		buf_clear(&t.heads[i]);
}
#define SCRIPT(...)                                                                                \
	script((const struct answer[]){__VA_ARGS__},                                               \
		ARRAY_LEN(((const struct answer[]){__VA_ARGS__})))

static int ebs_setup(void **state)
{
	struct world *w;

	world_setup(state);
	w = *state;
	w->f->behaviour = play;
	for (size_t i = 0; i < sizeof(t.data); i++)
		t.data[i] = (unsigned char)(i * 7 + i / 256);
	t.workers = workers_create(&w->f->loop, 1);
	t.ebs = ebs_create(&(struct ebs_options){.aws = w->aws, .workers = t.workers});
	assert_non_null(t.ebs);
	return 0;
}

static int ebs_teardown(void **state)
{
	struct world *w = *state;

	ebs_block_unref(steal(&t.block));
	ebs_page_destroy(steal(&t.page));
	aws_destroy(steal(&w->aws));
	uv_run(&w->f->loop, UV_RUN_NOWAIT);
	ebs_destroy(steal(&t.ebs));
	workers_destroy(steal(&t.workers));
	for (size_t i = 0; i < ARRAY_LEN(t.heads); i++)
		buf_finish(&t.heads[i]);
	return world_teardown(state);
}

/* --- the calls --- */

static void call_ended(struct world *w, const struct err *err)
{
	w->called++;
	w->err = err ? *err : (struct err){0};
	uv_stop(&w->f->loop);
}

static void block_ended(void *arg, struct ebs_block *block, unsigned bought, const struct err *err)
{
	assert_true(!block != !err);
	ebs_block_unref(t.block);
	t.block = block;
	t.bought = bought;
	call_ended(arg, err);
}

static void list_ended(void *arg, struct ebs_page *page, const struct err *err)
{
	assert_true(!page != !err);
	ebs_page_destroy(t.page);
	t.page = page;
	call_ended(arg, err);
}

static void get(struct world *w)
{
	w->called = 0;
	assert_non_null(ebs_get_block(t.ebs, "eu-west-1", SNAP, 17, TOKEN, block_ended, w));
	assert_int_equal(w->called, 0);
	world_wait(w);
}

static void list(struct world *w, const struct ebs_list *in)
{
	w->called = 0;
	assert_non_null(ebs_list_blocks(t.ebs, in, list_ended, w));
	assert_int_equal(w->called, 0);
	world_wait(w);
}

#define EMPTY "{\"Blocks\":[],\"ChangedBlocks\":[],\"BlockSize\":524288}"

static void assert_starts(const char *text, const char *start)
{
	if (strncmp(text, start, strlen(start)) != 0)
		fail_msg("%.200s\ndoes not begin with\n%s", text, start);
}

/* As botocore 1.43 sends them. */
static void test_requests(void **state)
{
	struct world *w = *state;

	SCRIPT({0});
	get(w);
	assert_starts(buf_str(&t.heads[0]),
		"GET /snapshots/" SNAP "/blocks/17?blockToken=AAab%2Bc%2Fd%3D%3D HTTP/1.1\r\n");
	assert_non_null(strstr(t.heads[0].data, "/eu-west-1/ebs/aws4_request, "
						"SignedHeaders=host;x-amz-date,"));
	assert_null(strcasestr(t.heads[0].data, "content-type"));
	assert_null(strcasestr(t.heads[0].data, "content-length"));
	SCRIPT({.body = EMPTY});
	list(w, &(struct ebs_list){.region = "eu-west-1", .snapshot = SNAP});
	assert_starts(buf_str(&t.heads[0]),
		"GET /snapshots/" SNAP "/blocks?maxResults=10000 HTTP/1.1\r\n");
	SCRIPT({.body = EMPTY});
	list(w, &(struct ebs_list){.region = "eu-west-1",
			.snapshot = SNAP,
			.start = 20000,
			.max_results = 100});
	assert_starts(buf_str(&t.heads[0]),
		"GET /snapshots/" SNAP "/blocks?maxResults=100&startingBlockIndex=20000 HTTP/1.1");
	SCRIPT({.body = EMPTY});
	list(w, &(struct ebs_list){.region = "eu-west-1",
			.snapshot = SNAP,
			.first = "snap-0abcdef0",
			.start = 7,
			.page_token = "A=="});
	assert_starts(buf_str(&t.heads[0]),
		"GET /snapshots/" SNAP "/changedblocks?firstSnapshotId=snap-0abcdef0"
		"&pageToken=A%3D%3D&maxResults=10000 HTTP/1.1\r\n");
}

/* An endpoint's own path comes first, and is signed. */
static void test_endpoint_path(void **state)
{
	struct world *w = *state;

	snprintf(w->url + strlen(w->url), 20, "/proxy/ebs/");
	SCRIPT({0});
	get(w);
	assert_starts(buf_str(&t.heads[0]), "GET /proxy/ebs/snapshots/" SNAP "/blocks/17?");
	assert_int_equal(w->err.errnum, 0);
}

static void test_block(void **state)
{
	struct world *w = *state;
	unsigned char sha[DIGEST_SHA256_SIZE];
	struct ebs_block *first;

	SCRIPT({0});
	get(w);
	assert_int_equal(w->err.errnum, 0);
	assert_int_equal(t.bought, 1);
	assert_memory_equal(t.block->data, t.data, EBS_BLOCK_SIZE);
	digest_sha256(t.data, EBS_BLOCK_SIZE, sha);
	assert_memory_equal(t.block->sha256, sha, sizeof(sha));
	assert_int_equal((uintptr_t)t.block->data % 4096, 0);
	/* The buffer is used again; a block that is still held is not. */
	first = ebs_block_ref(t.block);
	get(w);
	assert_ptr_not_equal(t.block, first);
	ebs_block_unref(first);
	get(w);
	assert_ptr_equal(t.block, first);
}

/* Shorter data are the beginning of the block; the rest is zeros, in the digest too. */
static void test_short(void **state)
{
	struct world *w = *state;
	static unsigned char padded[EBS_BLOCK_SIZE];
	unsigned char sha[DIGEST_SHA256_SIZE];

	memcpy(padded, t.data, 1000);
	digest_sha256(padded, sizeof(padded), sha);
	SCRIPT({0});
	get(w); /* leaves data in the buffer */
	SCRIPT({.len = 1000});
	ebs_block_unref(steal(&t.block));
	get(w);
	assert_int_equal(w->err.errnum, 0);
	assert_memory_equal(t.block->data, padded, sizeof(padded));
	assert_memory_equal(t.block->sha256, sha, sizeof(sha));
}

/* Wrong data are fetched again, and never returned. */
static void test_wrong(void **state)
{
	struct world *w = *state;
	static const struct {
		struct answer answer;
		const char *words;
		unsigned bought; /* if it stays so: three attempts */
	} table[] = {
		{{.sha = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "differ", 3},
		{{.sha = ""}, "differ", 3},
		{{.told = "524287"}, "AWS sent 524288 bytes; x-amz-Data-Length says \"524287\"", 3},
		{{.told = ""}, "x-amz-Data-Length", 3},
		{{.told = "many"}, "many", 3},
		{{.len = 1000, .told = "524288"}, "AWS sent 1000 bytes", 3},
		{{.algorithm = "MD5"}, "no SHA-256", 3},
		{{.algorithm = ""}, "no SHA-256", 3},
		{{.cut = true}, "", 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		SCRIPT(table[i].answer, {0});
		get(w);
		assert_int_equal(w->err.errnum, 0);
		assert_int_equal(t.came, 2);
		assert_int_equal(t.bought, 1 + (table[i].bought > 0));
		assert_memory_equal(t.block->data, t.data, EBS_BLOCK_SIZE);
		SCRIPT(table[i].answer);
		get(w);
		assert_int_equal(t.came, 3);
		assert_int_equal(t.bought, table[i].bought);
		assert_null(t.block);
		assert_true(w->err.errnum == EIO || w->err.errnum == EHOSTUNREACH);
		if (!strstr(w->err.message, table[i].words) ||
			!strstr(w->err.message, "block 17 of " SNAP))
			fail_msg("%s", w->err.message);
	}
	/* Longer than a block: no buffer is written beyond its end, and nothing is asked again. */
	SCRIPT({.len = EBS_BLOCK_SIZE + 1});
	get(w);
	assert_int_equal(w->err.errnum, EIO);
	assert_int_equal(t.came, 1);
}

#define REASON(r) "{\"Message\":\"The words. \",\"Reason\":\"" r "\"}"

enum { ENDED = 1, UNRELATED = 2, AGAIN = 4 };

static void test_refusals(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *status, *type, *body, *code;
		int errnum;
		int flags;
	} table[] = {
		{"400 Bad Request",
			"ValidationException:http://internal.amazon.com/coral/com.amazon.ebs/",
			REASON("INVALID_BLOCK_TOKEN"), "ValidationException.INVALID_BLOCK_TOKEN",
			EINVAL, ENDED},
		{"400 Bad Request", "ValidationException", REASON("INVALID_PAGE_TOKEN"),
			"ValidationException.INVALID_PAGE_TOKEN", EINVAL, ENDED},
		{"400 Bad Request", "ValidationException", REASON("UNRELATED_SNAPSHOTS"),
			"ValidationException.UNRELATED_SNAPSHOTS", EINVAL, UNRELATED},
		{"400 Bad Request", "ValidationException", REASON("INVALID_PARAMETER_VALUE"),
			"ValidationException.INVALID_PARAMETER_VALUE", EINVAL, 0},
		{"400 Bad Request", NULL,
			"{\"__type\":\"com.amazonaws.ebs#ValidationException\","
			"\"message\":\"The words\",\"Reason\":\"INVALID_BLOCK_TOKEN\"}",
			"ValidationException.INVALID_BLOCK_TOKEN", EINVAL, ENDED},
		{"400 Bad Request", "ValidationException", REASON("INVALID_CUSTOMER_KEY"),
			"ValidationException.INVALID_CUSTOMER_KEY", ENOKEY, 0},
		{"403 Forbidden", "AccessDeniedException", REASON("DEPENDENCY_ACCESS_DENIED"),
			"AccessDeniedException.DEPENDENCY_ACCESS_DENIED", EACCES, 0},
		{"403 Forbidden", "AccessDeniedException", "{\"Message\":\"The words\"}",
			"AccessDeniedException", EACCES, 0},
		{"404 Not Found", "ResourceNotFoundException", REASON("SNAPSHOT_NOT_FOUND"),
			"ResourceNotFoundException.SNAPSHOT_NOT_FOUND", ENOENT, 0},
		{"402 Payment Required", "ServiceQuotaExceededException",
			REASON("DEPENDENCY_SERVICE_QUOTA_EXCEEDED"),
			"ServiceQuotaExceededException.DEPENDENCY_SERVICE_QUOTA_EXCEEDED", EDQUOT,
			0},
		{"500 Internal Server Error", "InternalServerException",
			"{\"Message\":\"The words\"}", "InternalServerException", EIO, AGAIN},
		{"400 Bad Request", "RequestThrottledException", REASON("RESOURCE_LEVEL_THROTTLE"),
			"RequestThrottledException.RESOURCE_LEVEL_THROTTLE", EAGAIN, AGAIN},
		{"400 Bad Request", "ThrottlingException", "{\"message\":\"The words\"}",
			"ThrottlingException", EAGAIN, AGAIN},
		{"500 Internal Server Error", NULL, "<html>no</html>", "", EIO, AGAIN},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		SCRIPT({.status = table[i].status, .type = table[i].type, .body = table[i].body},
			{0});
		get(w);
		if ((table[i].flags & AGAIN)) {
			assert_int_equal(w->err.errnum, 0);
			assert_int_equal(t.bought, 1);
			SCRIPT({.status = table[i].status,
				.type = table[i].type,
				.body = table[i].body});
			get(w);
		}
		assert_int_equal(t.came, (table[i].flags & AGAIN) ? 3 : 1);
		assert_int_equal(t.bought, 0);
		assert_string_equal(w->err.code, table[i].code);
		assert_int_equal(w->err.errnum, table[i].errnum);
		assert_string_equal(w->err.action, "GetSnapshotBlock");
		assert_int_equal(aws_error_is_token(w->err.code), !!(table[i].flags & ENDED));
		assert_int_equal(
			aws_error_is_unrelated(w->err.code), !!(table[i].flags & UNRELATED));
		if (table[i].code[0] && !strstr(w->err.message, "block 17 of " SNAP))
			fail_msg("%s", w->err.message);
	}
}

static void find_paced(void *arg, const struct aws_counter *counter)
{
	if (!strcmp(counter->action, "GetSnapshotBlock"))
		*(bool *)arg = counter->paced;
}

/* A refusal for a snapshot's rate does not slow the account's other snapshots down. */
static void test_whose_rate(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *type, *body;
		bool account;
	} table[] = {
		{"RequestThrottledException", REASON("RESOURCE_LEVEL_THROTTLE"), false},
		{"RequestThrottledException", "{}", false},
		{"RequestThrottledException", REASON("ACCOUNT_THROTTLED"), true},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		bool paced = false;

		SCRIPT({.status = "400 Bad Request", .type = table[i].type, .body = table[i].body},
			{0});
		get(w);
		assert_int_equal(w->err.errnum, 0);
		aws_each_counter(w->aws, find_paced, &paced);
		assert_int_equal(paced, table[i].account);
	}
}

static void rated_ended(void *arg, struct ebs_block *block, unsigned bought, const struct err *err)
{
	assert_null(err);
	ebs_block_unref(block);
	t.order[t.n_ended++] = (int)(intptr_t)arg;
}

/* A snapshot whose tokens are used up makes only its own requests wait. */
static void test_snapshot_rate(void **state)
{
	struct world *w = *state;
	struct err err;
	int late = 0;

	ebs_destroy(t.ebs);
	aws_destroy(w->aws);
	assert_int_equal(aws_create(&(struct aws_options){.loop = &w->f->loop,
					    .http = w->f->http,
					    .credentials = w->chain,
					    .endpoints = &w->endpoints,
					    .rate = 0.1},
				 &w->aws, &err),
		0);
	t.ebs = ebs_create(&(struct ebs_options){.aws = w->aws, .workers = t.workers});
	SCRIPT({0});
	/* A snapshot has 10 at once, then 100 a second; the account 50 at once. */
	for (intptr_t i = 0; i < 30; i++)
		assert_non_null(ebs_get_block(
			t.ebs, "eu-west-1", SNAP, (uint32_t)i, TOKEN, rated_ended, (void *)i));
	for (intptr_t i = 30; i < 35; i++)
		assert_non_null(ebs_get_block(t.ebs, "eu-west-1", "snap-0abcdef0", (uint32_t)i,
			TOKEN, rated_ended, (void *)i));
	t.n_ended = 0;
	while (t.n_ended < 35)
		uv_run(&w->f->loop, UV_RUN_ONCE);
	for (int i = 0; i < 16; i++)
		late += t.order[i] >= 10 && t.order[i] < 30;
	assert_true(late <= 2); /* ten and five are not kept waiting by the other twenty */
	/* Records of snapshots do not pile up: those that no call uses make room. */
	for (int i = 0; i < 200; i++) {
		char snapshot[32];

		snprintf(snapshot, sizeof(snapshot), "snap-%08d", i);
		assert_non_null(ebs_get_block(
			t.ebs, "eu-west-1", snapshot, 0, TOKEN, rated_ended, (void *)(intptr_t)0));
		t.n_ended = 0;
		while (!t.n_ended)
			uv_run(&w->f->loop, UV_RUN_ONCE);
	}
}

static void find_budget(void *arg, const char *region, int tokens)
{
	if (!strcmp(region, "eu-west-1"))
		*(int *)arg = tokens;
}

static int budget_left(const struct world *w)
{
	int tokens = -1;

	aws_each_budget(w->aws, find_budget, &tokens);
	return tokens;
}

/* Retries of blocks use the region's budget, and a block that came gives some back. Without budget
 * each request is sent once, so that a service in trouble is not sent several times as many. */
static void test_retry_budget(void **state)
{
	struct world *w = *state;
	struct answer failing = {.status = "503 Service Unavailable",
		.type = "InternalServerException",
		.body = "{\"Message\":\"The words\"}"};
	int before;
	size_t sent;

	script(&failing, 1);
	get(w);
	assert_int_equal(w->err.errnum, EIO);
	before = budget_left(w);
	assert_in_range(before, 400, 499);
	SCRIPT(failing, {0});
	get(w);
	assert_int_equal(w->err.errnum, 0);
	assert_int_equal(budget_left(w), before); /* the retry's price came back */
	for (int i = 0; i < 200 && budget_left(w) >= 5; i++) {
		script(&failing, 1);
		get(w);
	}
	script(&failing, 1);
	for (sent = 0; sent < 5; sent++)
		get(w);
	assert_int_equal(t.came, sent);
	assert_int_equal(w->err.errnum, EIO);
	/* Successes give the budget back. */
	SCRIPT({0});
	for (int i = 0; i < 8; i++)
		get(w);
	assert_in_range(budget_left(w), 5, 12);
	SCRIPT(failing, {0});
	get(w);
	assert_int_equal(w->err.errnum, 0);
	/* Data that are not as AWS sent them are fetched again, out of the same budget. */
	SCRIPT({.sha = "wrong"});
	get(w);
	assert_int_equal(w->err.errnum, EIO);
	assert_int_equal(t.bought, t.came);
}

/* --- cancelling --- */

static sem_t gate;

static void gate_run(void *arg)
{
	(void)arg;
	sem_wait(&gate);
}

static void gate_done(void *arg)
{
	*(bool *)arg = true;
}

static void not_ended(void *arg, struct ebs_block *block, unsigned bought, const struct err *err)
{
	(void)arg, (void)block, (void)bought, (void)err;
	fail();
}

/* At each stage: before it is sent, while it arrives, while its digest is being computed. The
 * thread may still use the buffer then. */
static void test_cancel(void **state)
{
	struct world *w = *state;
	bool open = false;
	struct aws_call *call;

	SCRIPT({0});
	aws_cancel(ebs_get_block(t.ebs, "eu-west-1", SNAP, 17, TOKEN, not_ended, w));
	call = ebs_get_block(t.ebs, "eu-west-1", SNAP, 17, TOKEN, not_ended, w);
	while (!t.came)
		uv_run(&w->f->loop, UV_RUN_ONCE);
	aws_cancel(call);
	assert_int_equal(sem_init(&gate, 0, 0), 0);
	assert_int_equal(workers_run(t.workers, gate_run, gate_done, &open), 0);
	call = ebs_get_block(t.ebs, "eu-west-1", SNAP, 17, TOKEN, not_ended, w);
	for (int i = 0; i < 200; i++) {
		uv_run(&w->f->loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	aws_cancel(call);
	sem_post(&gate);
	while (!open)
		uv_run(&w->f->loop, UV_RUN_ONCE);
	get(w);
	assert_int_equal(w->err.errnum, 0);
	sem_destroy(&gate);
}

/* A cloud with Signature Version 2 has none of these calls; nothing is sent. */
static void test_version_2(void **state)
{
	struct world *w = *state;
	struct err err;

	ebs_destroy(t.ebs);
	aws_destroy(w->aws);
	assert_int_equal(aws_create(&(struct aws_options){.loop = &w->f->loop,
					    .http = w->f->http,
					    .credentials = w->chain,
					    .endpoints = &w->endpoints,
					    .signature = AWS_SIGNATURE_V2},
				 &w->aws, &err),
		0);
	t.ebs = ebs_create(&(struct ebs_options){.aws = w->aws, .workers = t.workers});
	SCRIPT({0});
	get(w);
	assert_int_equal(w->err.errnum, EOPNOTSUPP);
	assert_int_equal(t.came, 0);
}

/* --- pages --- */

static void test_page(void **state)
{
	struct world *w = *state;

	SCRIPT({.body = "{\"Blocks\":[{\"BlockIndex\":0,\"BlockToken\":\"AA+/==\"},\n"
			" {\"BlockToken\":\"Bb\\/\\u002b\",\"New\":[{\"a\":null},-1.5e3,true],"
			"\"BlockIndex\":1.3E1}],"
			"\"ExpiryTime\":1.59298379649E9,\"VolumeSize\":3,\"BlockSize\":524288,"
			"\"NextToken\":\"next=\"}"});
	list(w, &(struct ebs_list){.region = "eu-west-1", .snapshot = SNAP});
	assert_int_equal(w->err.errnum, 0);
	assert_int_equal(t.page->n_blocks, 2);
	assert_int_equal(t.page->blocks[0].index, 0);
	assert_string_equal(t.page->blocks[0].token, "AA+/==");
	assert_null(t.page->blocks[0].first_token);
	assert_int_equal(t.page->blocks[1].index, 13);
	assert_string_equal(t.page->blocks[1].token, "Bb/+");
	assert_string_equal(t.page->next_token, "next=");
	assert_true(t.page->expiry_ms == 1592983796490);
	assert_int_equal(t.page->volume_size, 3);
	SCRIPT({.body = "{\"ChangedBlocks\":[{\"BlockIndex\":1,\"FirstBlockToken\":\"F1\","
			"\"SecondBlockToken\":\"S1\"},{\"BlockIndex\":2,\"FirstBlockToken\":\"F2\""
			"},{\"BlockIndex\":3,\"SecondBlockToken\":\"S3\",\"FirstBlockToken\":null}"
			"],\"NextToken\":null}"});
	list(w, &(struct ebs_list){.region = "eu-west-1", .snapshot = SNAP, .first = "snap-1"});
	assert_int_equal(w->err.errnum, 0);
	assert_int_equal(t.page->n_blocks, 3);
	assert_string_equal(t.page->blocks[0].token, "S1");
	assert_string_equal(t.page->blocks[0].first_token, "F1");
	assert_null(t.page->blocks[1].token);
	assert_string_equal(t.page->blocks[1].first_token, "F2");
	assert_string_equal(t.page->blocks[2].token, "S3");
	assert_null(t.page->blocks[2].first_token);
	assert_null(t.page->next_token);
	/* A response that cannot be read is asked for again. */
	SCRIPT({.body = "{\"Blocks\":["}, {.body = EMPTY});
	list(w, &(struct ebs_list){.region = "eu-west-1", .snapshot = SNAP});
	assert_int_equal(w->err.errnum, 0);
	assert_int_equal(t.came, 2);
	assert_int_equal(t.page->n_blocks, 0);
	SCRIPT({.body = "<html/>"});
	list(w, &(struct ebs_list){.region = "eu-west-1", .snapshot = SNAP});
	assert_int_equal(w->err.errnum, EIO);
	assert_int_equal(t.came, 3);
}

#define ONE(index, token) "{\"Blocks\":[{\"BlockIndex\":" index ",\"BlockToken\":" token "}]}"

static void test_page_faults(void **state)
{
	static const struct {
		const char *text, *words; /* NULL: none */
	} table[] = {
		{"{}", NULL},
		{" { \"Blocks\" : null , \"NextToken\" : \"\" } ", NULL},
		{ONE("134217727", "\"A\""), NULL},
		{ONE("134217728", "\"A\""), "out of range"},
		{ONE("-1", "\"A\""), "out of range"},
		{ONE("1.5", "\"A\""), "out of range"},
		{ONE("1e999", "\"A\""), "malformed"},
		{ONE("\"1\"", "\"A\""), "malformed"},
		{ONE("0x10", "\"A\""), "not JSON"},
		{ONE("1", "\"\""), "no index or no token"},
		{ONE("1", "null"), "no index or no token"},
		{ONE("1", "\"a b\""), "malformed"},
		{ONE("1", "\"a\\nb\""), "malformed"},
		{ONE("1", "\"a\\u0000b\""), NULL},
		{ONE("1", "\"a\\u00g0\""), "not JSON"},
		{ONE("1", "\"a\\xb\""), "not JSON"},
		{ONE("1", "\"a\nb\""), "not JSON"},
		{"{\"Blocks\":[{\"BlockToken\":\"A\"}]}", "no index or no token"},
		{"{\"BlockSize\":524288}", NULL},
		{"{\"BlockSize\":512}", "512 bytes"},
		{"{\"A\":[[[[]]],{\"b\":{\"c\":\"\\\"}\"}}]}", NULL},
		{"{\"A\":1}x", "not JSON"},
		{"{\"A\":[1}", "not JSON"},
		{"{\"A\":nul}", "not JSON"},
		{"{\"A\" 1}", "not JSON"},
		{"{\"A\":1", "not JSON"},
		{"{\"A", "not JSON"},
		{"{\"A\\", "not JSON"},
		{"", "not JSON"},
		{"[]", "not JSON"},
		{"{\"Blocks\":[{\"BlockIndex\":2,\"BlockToken\":\"A\"},"
		 "{\"BlockIndex\":2,\"BlockToken\":\"B\"}]}",
			"twice"},
	};
	static const char motos[] = "{\"BlockSize\":512,\"Blocks\":["
				    "{\"BlockIndex\":\"5\",\"BlockToken\":\"A\"},"
				    "{\"BlockIndex\":2,\"BlockToken\":\"B\"}]}";
	char deep[300] = "{\"A\":";
	struct ebs_page *page;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		size_t len = strlen(table[i].text);
		char *exact = malloc(len ? len : 1); /* without a NUL, for ASan */
		int r;

		memcpy(exact, table[i].text, len);
		r = ebs_page_parse(exact, len, false, false, &page, &err);
		if ((r < 0) != (table[i].words != NULL) ||
			(r < 0 && (r != -EIO || !strstr(err.message, table[i].words))))
			fail_msg("%s: %s", table[i].text, r < 0 ? err.message : "accepted");
		ebs_page_destroy(page);
		free(exact);
	}
	memset(deep + 5, '[', 200);
	assert_int_equal(ebs_page_parse(deep, strlen(deep), false, false, &page, &err), -EIO);
	assert_non_null(strstr(err.message, "too deeply"));
	/* moto's order, block size and indexes. */
	assert_int_equal(ebs_page_parse(motos, strlen(motos), false, true, &page, &err), 0);
	assert_int_equal(page->blocks[0].index, 2);
	assert_string_equal(page->blocks[0].token, "B");
	assert_int_equal(page->blocks[1].index, 5);
	ebs_page_destroy(page);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ebs_setup, ebs_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_requests),
		TEST(test_endpoint_path),
		TEST(test_block),
		TEST(test_short),
		TEST(test_wrong),
		TEST(test_refusals),
		TEST(test_whose_rate),
		TEST(test_snapshot_rate),
		TEST(test_retry_budget),
		TEST(test_cancel),
		TEST(test_version_2),
		TEST(test_page),
		cmocka_unit_test(test_page_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
