/* SPDX-License-Identifier: MIT */
/* cache/listing, ranges: a region of any size and with any ids is listed completely and in few
 * requests, also if the endpoint ignores or refuses wildcards. EC2 is a fake that answers in a
 * random order. */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "listing.h"

/* --- the fake --- */

enum wildcards {
	KNOWN,
	LITERAL,    /* taken for an id that nobody has */
	IGNORED,    /* every filter matches everything */
	ONLY_STARS, /* '?' is taken literally */
};

static struct {
	char (*ids)[72];
	size_t n;
	enum wildcards wildcards;
	unsigned fail_at; /* the request that fails, from 1; 0: none */
	unsigned requests, most, ranges;
	unsigned refuse_after; /* ranges that are answered; the others are refused for `refusal` */
	struct err refusal;    /* errnum 0: none is */
	unsigned allowance;    /* at any time; 0: without limit */
	unsigned seed;
	void (*before)(void); /* called before each answer: the world may change */
} world;

struct aws_call {
	struct ec2_describe_snapshots in;
	size_t fixed[EC2_FILTER_VALUES_MAX]; /* length of each value before its only '*'; 0: it
						has a '?' */
	char token[32];
	unsigned number; /* of a range */
	ec2_page_done *done;
	void *arg;
	struct aws_call *next;
};
static struct aws_call *waiting;
static struct listing_memory memory;

struct aws_call *ec2_describe_snapshots(
	struct aws *aws, const struct ec2_describe_snapshots *in, ec2_page_done *done, void *arg)
{
	struct aws_call *call = calloc(1, sizeof(*call));
	unsigned n = 0;

	(void)aws;
	assert_non_null(call);
	call->in = *in;
	/* Nothing else is asked for than what begins with something. */
	for (size_t i = 0; in->n_filters && i < in->filters[0].n_values; i++) {
		const char *value = in->filters[0].values[i];

		call->fixed[i] = strcspn(value, "*?");
		assert_in_range(call->fixed[i], 5, sizeof(*world.ids));
		if (value[call->fixed[i]] == '?')
			call->fixed[i] = 0;
		else
			assert_string_equal(value + call->fixed[i], "*");
	}
	snprintf(call->token, sizeof(call->token), "%s", in->next_token ? in->next_token : "0");
	call->done = done;
	call->arg = arg;
	call->next = waiting;
	waiting = call;
	world.requests++;
	world.ranges += in->n_filters > 0;
	call->number = world.ranges;
	for (const struct aws_call *c = waiting; c; c = c->next)
		n++;
	if (n > world.most)
		world.most = n;
	return call;
}

unsigned aws_allowance(struct aws *aws, const char *region, const char *action)
{
	unsigned n = 0;

	(void)aws;
	assert_string_equal(region, "xx-test-1");
	assert_string_equal(action, "DescribeSnapshots");
	for (const struct aws_call *c = waiting; c; c = c->next)
		n++;
	if (!world.allowance)
		return UINT_MAX;
	return n < world.allowance ? world.allowance - n : 0;
}

void aws_cancel(struct aws_call *call)
{
	struct aws_call **link = &waiting;

	while (*link != call)
		link = &(*link)->next;
	*link = call->next;
	free(call);
}

void ec2_page_destroy(struct ec2_page *page)
{
	if (!page)
		return;
	for (size_t i = 0; i < page->n_snapshots; i++)
		free((char *)page->snapshots[i].id);
	free(page->snapshots);
	free(page->next_token);
	free(page);
}

/* Called for each id and value: most differ in the last place. */
static bool matches(const struct aws_call *call, const char *id)
{
	const struct ec2_filter *filter = call->in.filters;

	if (!call->in.n_filters || world.wildcards == IGNORED)
		return true;
	for (size_t i = 0; i < filter->n_values && world.wildcards != LITERAL; i++) {
		size_t last = call->fixed[i] - 1;

		if (!call->fixed[i]) {
			if (world.wildcards == KNOWN && fnmatch(filter->values[i], id, 0) == 0)
				return true;
			continue;
		}
		if (id[last] == filter->values[i][last] && !memcmp(id, filter->values[i], last))
			return true;
	}
	return false;
}

/* Some of the page's records come before its end: all, none, or a few. */
static bool send_part(struct aws_call *call, struct ec2_page *page)
{
	size_t n = rand_r(&world.seed) % 3 * page->n_snapshots / 2;
	struct ec2_page *part = calloc(1, sizeof(*part));

	assert_non_null(part);
	assert_non_null(call->in.on_part);
	part->n_snapshots = n;
	part->snapshots = calloc(n + 1, sizeof(*part->snapshots));
	memcpy(part->snapshots, page->snapshots, n * sizeof(*part->snapshots));
	page->n_snapshots -= n;
	memmove(page->snapshots, page->snapshots + n, page->n_snapshots * sizeof(*part->snapshots));
	call->in.on_part(call->arg, part);
	for (const struct aws_call *c = waiting; c; c = c->next)
		if (c == call)
			return true;
	return false; /* cancelled */
}

static void answer_one(void)
{
	struct aws_call *call = waiting;
	struct ec2_page *page = calloc(1, sizeof(*page));
	unsigned n = 0, pick;
	size_t from;

	for (const struct aws_call *c = waiting; c; c = c->next)
		n++;
	pick = (unsigned)rand_r(&world.seed) % n;
	while (pick--)
		call = call->next;
	if (world.before)
		world.before();
	from = strtoul(call->token, NULL, 10);
	page->snapshots = calloc(EC2_PAGE_MAX, sizeof(*page->snapshots));
	for (; from < world.n && page->n_snapshots < EC2_PAGE_MAX; from++)
		if (matches(call, world.ids[from]))
			page->snapshots[page->n_snapshots++].id = strdup(world.ids[from]);
	for (size_t i = from; i < world.n && !page->next_token; i++)
		if (matches(call, world.ids[i]) && asprintf(&page->next_token, "%zu", i) < 0)
			abort();
	if (!send_part(call, page)) {
		ec2_page_destroy(page);
		return;
	}
	{
		struct aws_call c = *call;
		struct err err;

		aws_cancel(call);
		if (world.refusal.errnum && c.in.n_filters && c.number > world.refuse_after) {
			ec2_page_destroy(page);
			c.done(c.arg, NULL, &world.refusal);
		} else if (world.fail_at && world.requests >= world.fail_at) {
			ec2_page_destroy(page);
			err_set(&err, ETIMEDOUT, "no answer");
			c.done(c.arg, NULL, &err);
		} else {
			c.done(c.arg, page, NULL);
		}
	}
}

/* --- what came --- */

static struct {
	char (*ids)[72];
	size_t n;
	int ended;
	struct err err;
} got;

static int on_part(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	(void)arg;
	(void)ends;
	(void)err;
	got.ids = realloc(got.ids, (got.n + page->n_snapshots + 1) * sizeof(*got.ids));
	for (size_t i = 0; i < page->n_snapshots; i++)
		strcpy(got.ids[got.n++], page->snapshots[i].id);
	return 0;
}

static void on_done(void *arg, const struct err *err)
{
	(void)arg;
	got.ended++;
	got.err = err ? *err : (struct err){0};
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void make_world(size_t n, const char *form, enum wildcards wildcards)
{
	free(world.ids);
	memset(&world, 0, sizeof(world));
	memset(&memory, 0, sizeof(memory));
	world.ids = calloc(n + 16, sizeof(*world.ids));
	world.n = n;
	world.wildcards = wildcards;
	world.seed = 7;
	for (size_t i = 0; i < n; i++) {
		unsigned long long mixed = (i + 1) * 0x9e3779b97f4a7c15ull;

		snprintf(world.ids[i], sizeof(*world.ids), form, mixed);
	}
}

/* The same world once more, as it was made. */
static void begin_again(void)
{
	world.requests = world.most = 0;
	world.fail_at = 0;
	world.seed = 7;
}

static const struct ec2_describe_snapshots query = {
	.region = "xx-test-1", .owners = ec2_owner_self};

static void list(void)
{
	struct listing *l;

	free(got.ids);
	memset(&got, 0, sizeof(got));
	l = listing_start(NULL, &query, &memory, on_part, on_done, NULL);
	assert_non_null(l);
	while (waiting)
		answer_one();
	assert_int_equal(got.ended, 1);
}

/* Every id of the world came, and nothing else. */
static void assert_all_came(void)
{
	size_t unique = 0;

	assert_int_equal(got.err.errnum, 0);
	qsort(world.ids, world.n, sizeof(*world.ids), compare);
	qsort(got.ids, got.n, sizeof(*got.ids), compare);
	for (size_t i = 0; i < got.n; i++) {
		if (i && strcmp(got.ids[i], got.ids[i - 1]) == 0)
			continue;
		assert_true(unique < world.n);
		assert_string_equal(got.ids[i], world.ids[unique]);
		unique++;
	}
	assert_int_equal(unique, world.n);
}

/* Enough to be listed side by side, in ranges and in groups. */
#define MANY 20000
#define SOME 9000

#define NEW_IDS "snap-0%016llx"
#define OLD_IDS "snap-%016llx"

static void test_requests_follow_the_size(void **state)
{
	static const struct {
		size_t n;
		unsigned requests; /* at most */
		bool side_by_side;
	} table[] = {{0, 1, false}, {1, 1, false}, {1000, 1, false}, {1001, 3, false},
		{3900, 5, false}, {5000, 10, true}, {10000, 14, true}, {15000, 20, true},
		{20000, 45, true}, {100000, 122, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		make_world(table[i].n, NEW_IDS, KNOWN);
		list();
		assert_all_came();
		assert_in_range(world.requests, 1, table[i].requests);
		assert_int_equal(world.most > 2, table[i].side_by_side);
	}
}

/* While the probe is out, no more than one further page is requested. */
static void test_the_plain_listing_waits_for_the_probe(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 40; seed++) {
		make_world(10000, NEW_IDS, KNOWN);
		world.seed = seed;
		list();
		assert_all_came();
		assert_in_range(world.requests, 1, 14);
	}
}

static void test_no_more_at_once_than_the_request_rate_leaves_room_for(void **state)
{
	static const unsigned table[] = {1, 2, 5, 16, 100};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		make_world(60000, NEW_IDS, KNOWN);
		world.allowance = table[i];
		list();
		assert_all_came();
		/* The probe goes out beside the plain listing, whatever the rate; and a range that
		 * has begun goes on. */
		assert_in_range(world.most, 2, table[i] + 2);
		assert_true(world.most >= table[i] || world.most == LISTING_RANGES);
	}
}

static void test_all_forms_of_ids_come(void **state)
{
	static const char *const odd[] = {"snap-1234abcd", "snap-0", "snap-00", "snap-0G123456",
		"snap-Zabcdef01", "snap-f0000000", "snap-0aG", "snap-aG", "snap-0f", "snap-f",
		"snap-0GG", "snap-0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
	static const char *const forms[] = {NEW_IDS, OLD_IDS, "snap-0%012llx", "snap-%08llx"};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(forms); i++) {
		size_t n = i % 2 ? SOME : 30000;

		make_world(n, forms[i / 2], KNOWN);
		for (size_t j = 0; j < ARRAY_LEN(odd); j++)
			snprintf(world.ids[world.n++], sizeof(*world.ids), "%s", odd[j]);
		/* "snap-0" itself has no digit behind the zero: no range can name it, and no id is
		 * so short. */
		snprintf(world.ids[n + 1], sizeof(*world.ids), "snap-0z");
		list();
		assert_true(world.most > 2);
		assert_all_came();
	}
}

static void test_an_endpoint_without_wildcards_is_listed_in_turn(void **state)
{
	(void)state;
	for (enum wildcards w = LITERAL; w <= IGNORED; w++) {
		make_world(40000, NEW_IDS, w);
		list();
		assert_all_came();
		assert_in_range(world.requests, 40, 41);
	}
}

static void test_an_endpoint_without_question_marks_is_listed_in_turn(void **state)
{
	(void)state;
	make_world(SOME, NEW_IDS, ONLY_STARS);
	snprintf(world.ids[world.n++], sizeof(*world.ids), "snap-0aG");
	list();
	assert_all_came();
	assert_in_range(world.requests, SOME / EC2_PAGE_MAX + 1, 24);
	begin_again();
	list();
	assert_all_came();
	assert_int_equal(world.requests, SOME / EC2_PAGE_MAX + 1);
}

static size_t vanished;

static void change_the_world(void)
{
	if (world.requests >= 12 && !vanished) {
		/* Half of them go and as many others come, while pages are on their way. */
		for (size_t i = 0; i < world.n; i += 2)
			snprintf(world.ids[i], sizeof(*world.ids), "snap-0%016zx",
				i * 0x1234567 + 1);
		vanished = 1;
	}
}

static void test_a_changing_world_leaves_no_hole(void **state)
{
	(void)state;
	vanished = 0;
	make_world(50000, NEW_IDS, KNOWN);
	world.before = change_the_world;
	list();
	assert_int_equal(got.err.errnum, 0);
	assert_int_equal(vanished, 1);
	qsort(got.ids, got.n, sizeof(*got.ids), compare);
	/* What was there all the time came. */
	for (size_t i = 1; i < world.n; i += 2)
		assert_non_null(bsearch(world.ids[i], got.ids, got.n, sizeof(*got.ids), compare));
}

static void test_a_range_that_fails_fails_the_listing(void **state)
{
	static const size_t sizes[] = {SOME, MANY};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		unsigned all;

		make_world(sizes[i], NEW_IDS, KNOWN);
		list();
		all = world.requests;
		for (unsigned at = 1; at <= all; at++) {
			begin_again();
			world.fail_at = at;
			list();
			assert_int_equal(got.err.errnum, ETIMEDOUT);
		}
	}
}

static void cancelled_at_any_time(size_t n)
{
	unsigned at;

	make_world(n, NEW_IDS, KNOWN);
	for (at = 0;; at++) {
		struct listing *l;

		begin_again();
		free(got.ids);
		memset(&got, 0, sizeof(got));
		l = listing_start(NULL, &query, &memory, on_part, on_done, NULL);
		for (unsigned i = 0; i < at && waiting; i++)
			answer_one();
		if (got.ended)
			break;
		listing_cancel(l);
		assert_null(waiting);
		assert_int_equal(got.ended, 0);
	}
	assert_true(at > n / EC2_PAGE_MAX + 2);
}

static void test_cancelled_at_any_time(void **state)
{
	(void)state;
	cancelled_at_any_time(MANY);
	cancelled_at_any_time(SOME);
}

/* Then all is listed page by page, and the next listing does not try again. */
static void a_refused_range_is_done_without(
	size_t size, unsigned after, const struct err *refusal, bool done_without)
{
	make_world(size, NEW_IDS, KNOWN);
	world.refusal = *refusal;
	world.refuse_after = after;
	list();
	/* The first one is asked beside the plain listing, which goes on. */
	if (!done_without && after) {
		assert_int_equal(got.err.errnum, refusal->errnum);
		return;
	}
	assert_all_came();
	if (!done_without)
		return;
	assert_in_range(
		world.requests, size / EC2_PAGE_MAX, size / EC2_PAGE_MAX + LISTING_RANGES + 30);
	begin_again();
	world.ranges = 0;
	list();
	assert_all_came();
	assert_int_equal(world.ranges, 0);
	assert_int_equal(world.requests, size / EC2_PAGE_MAX);
	memory.plain_until_ms = 0; /* an hour later */
	begin_again();
	list();
	assert_true(world.ranges > 0);
}

static void test_a_refused_range_is_done_without(void **state)
{
	static const struct {
		int errnum, status;
		bool done_without;
	} table[] = {{EINVAL, 400, true}, {EDQUOT, 400, true}, {EIO, 500, true},
		{EACCES, 403, false}, {EAGAIN, 503, false}, {ETIMEDOUT, 0, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct err refusal;

		err_set(&refusal, table[i].errnum, "refused");
		refusal.http_status = table[i].status;
		for (unsigned after = 0; after < 20; after += 3)
			a_refused_range_is_done_without(
				MANY, after, &refusal, table[i].done_without);
		for (unsigned after = 0; after < 10; after += 3)
			a_refused_range_is_done_without(
				SOME, after, &refusal, table[i].done_without);
	}
}

static void test_ranges_match_each_id_once(void **state)
{
	static const char *const ids[] = {"snap-0a1b2c3d4e5f60718", "snap-1a2b3c4d",
		"snap-00000000", "snap-gggggggg", "snap-0ZZZZZZZ", "snap-f1234567"};
	static const char *const prefixes[] = {"snap-", "snap-0"};

	(void)state;
	for (size_t p = 0; p < ARRAY_LEN(prefixes); p++) {
		struct listing_ranges r;

		strcpy(r.prefix, prefixes[p]);
		for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
			unsigned found = 0;

			for (unsigned k = 0; k < LISTING_RANGES; k++) {
				struct listing_ranges_filter f;

				listing_ranges_filter(&r, k, &f);
				assert_in_range(f.n, 1, EC2_FILTER_VALUES_MAX);
				for (size_t v = 0; v < f.n; v++) {
					if (fnmatch(f.values[v], ids[i], 0) == 0) {
						found++;
						assert_int_equal(listing_ranges_of(&r, ids[i]), k);
					}
				}
			}
			assert_int_equal(found, 1);
		}
	}
}

/* The probe's range and the groups. */
static void test_groups_match_each_id(void **state)
{
	static const char *const ids[] = {"snap-0a1b2c3d4e5f60718", "snap-1a2b3c4d",
		"snap-00000000", "snap-gggggggg", "snap-0ZZZZZZZ", "snap-f1234567", "snap-0aZ",
		"snap-0a", "snap-a", "snap-aZ", "snap-ffffffff", "snap-0ff"};
	static const char *const prefixes[] = {"snap-", "snap-0"};

	(void)state;
	for (size_t found = 0; found <= 1000; found += 50) {
		for (size_t p = 0; p < ARRAY_LEN(prefixes); p++) {
			struct listing_ranges r;
			struct listing_groups g;
			size_t values = 0;
			unsigned missed = (1u << ARRAY_LEN(ids)) - 1;

			strcpy(r.prefix, prefixes[p]);
			listing_groups_plan(&g, &r, 10, found);
			assert_in_range(g.parts, 1, LISTING_GROUPS_MAX);
			for (unsigned k = 0; k <= g.parts; k++) {
				struct listing_ranges_filter f;

				if (k == g.parts)
					listing_ranges_filter(&r, 10, &f);
				else
					listing_groups_filter(&g, k, "snap-0a1b2c3d", &f);
				assert_in_range(f.n, 1, EC2_FILTER_VALUES_MAX);
				values += f.n;
				for (size_t i = 0; i < ARRAY_LEN(ids); i++)
					for (size_t v = 0; v < f.n; v++)
						if (fnmatch(f.values[v], ids[i], 0) == 0)
							missed &= ~(1u << i);
			}
			assert_int_equal(missed, 0);
			assert_in_range(values, 241, 241 + 200);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_follow_the_size),
		cmocka_unit_test(test_the_plain_listing_waits_for_the_probe),
		cmocka_unit_test(test_no_more_at_once_than_the_request_rate_leaves_room_for),
		cmocka_unit_test(test_all_forms_of_ids_come),
		cmocka_unit_test(test_an_endpoint_without_wildcards_is_listed_in_turn),
		cmocka_unit_test(test_an_endpoint_without_question_marks_is_listed_in_turn),
		cmocka_unit_test(test_a_changing_world_leaves_no_hole),
		cmocka_unit_test(test_a_range_that_fails_fails_the_listing),
		cmocka_unit_test(test_a_refused_range_is_done_without),
		cmocka_unit_test(test_cancelled_at_any_time),
		cmocka_unit_test(test_ranges_match_each_id_once),
		cmocka_unit_test(test_groups_match_each_id),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(world.ids);
	free(got.ids);
	return failed;
}
