/* SPDX-License-Identifier: MIT */
/* cache/region, regions: listings shared, failed, paged without end; ids asked for in batches. EC2
 * and the clock are fakes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "clock.h"
#include "endpoint.h"
#include "listing.h"
#include "lookup.h"
#include "pages.h"
#include "regions.h"

/* --- the fakes --- */

static int64_t now_ms;

int64_t clock_mono_ms(void)
{
	return now_ms;
}

int64_t clock_wall_ms(void)
{
	return 1700000000000 + now_ms;
}

bool endpoint_is_region(const char *text)
{
	return strncmp(text, "xx-", 3) == 0;
}

bool ec2_is_snapshot_id(const char *text)
{
	return strncmp(text, "snap-", 5) == 0 && strlen(text) >= 13 && strlen(text) <= 64;
}

/* A request that EC2 has not answered yet. */
struct aws_call {
	char region[40], owner[20], token[40];
	char ids[EC2_FILTER_VALUES_MAX][72];
	size_t n_ids;
	int max_results;
	ec2_page_done *done;
	void *arg;
	bool answered, cancelled;
};

#define CALLS_MAX 400
static struct aws_call *calls[CALLS_MAX];
static size_t n_calls;
static bool no_memory;

struct aws_call *ec2_describe_snapshots(
	struct aws *aws, const struct ec2_describe_snapshots *in, ec2_page_done *done, void *arg)
{
	struct aws_call *call;

	if (no_memory)
		return NULL;
	/* The paging tests ask for many pages: what is answered need not be kept. */
	if (n_calls == CALLS_MAX) {
		assert_true(calls[0]->answered);
		free(calls[0]);
		memmove(calls, calls + 1, --n_calls * sizeof(*calls));
	}
	call = calls[n_calls++] = calloc(1, sizeof(*call));
	assert_non_null(call);
	snprintf(call->region, sizeof(call->region), "%s", in->region);
	snprintf(call->owner, sizeof(call->owner), "%s", in->owner ? in->owner : "");
	snprintf(call->token, sizeof(call->token), "%s", in->next_token ? in->next_token : "");
	assert_true(in->n_filters <= 1);
	if (in->n_filters) {
		assert_string_equal(in->filters[0].name, "snapshot-id");
		call->n_ids = in->filters[0].n_values;
		assert_in_range(call->n_ids, 1, EC2_FILTER_VALUES_MAX);
		for (size_t i = 0; i < call->n_ids; i++)
			snprintf(
				call->ids[i], sizeof(call->ids[i]), "%s", in->filters[0].values[i]);
	}
	call->max_results = in->max_results;
	call->done = done;
	call->arg = arg;
	return call;
}

void aws_cancel(struct aws_call *call)
{
	assert_false(call->answered || call->cancelled);
	call->cancelled = true;
}

void ec2_page_destroy(struct ec2_page *page)
{
	if (!page)
		return;
	free(page->snapshots);
	free(page->next_token);
	free(page);
}

/* A page with these ids (NULL ends), all of one owner. */
static struct ec2_page *page_of(const char *owner, const char *token, const char *const *ids)
{
	struct ec2_page *page = calloc(1, sizeof(*page));

	assert_non_null(page);
	page->next_token = token ? strdup(token) : NULL;
	for (; ids && ids[page->n_snapshots]; page->n_snapshots++)
		;
	page->snapshots = calloc(page->n_snapshots + 1, sizeof(*page->snapshots));
	assert_non_null(page->snapshots);
	for (size_t i = 0; i < page->n_snapshots; i++)
		page->snapshots[i] = (struct ec2_snapshot){
			.id = ids[i], .owner_id = owner, .progress = 100, .full_size = -1};
	return page;
}

#define IDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define A        "snap-0000000a"
#define B        "snap-0000000b"
#define C        "snap-0000000c"
#define US       "111122223333"

static struct aws_call *call_at(size_t i)
{
	assert_true(i < n_calls);
	assert_false(calls[i]->answered || calls[i]->cancelled);
	return calls[i];
}

static void answer(size_t i, const char *owner, const char *token, const char *const *ids)
{
	struct aws_call *call = call_at(i);

	call->answered = true;
	call->done(call->arg, page_of(owner, token, ids), NULL);
}

static void refuse(size_t i, int errnum, const char *code)
{
	struct aws_call *call = call_at(i);
	struct err err;

	err_set(&err, errnum, "EC2 says no");
	snprintf(err.code, sizeof(err.code), "%s", code);
	call->answered = true;
	call->done(call->arg, NULL, &err);
}

/* --- who waits --- */

struct caller {
	struct region *region;
	struct region_waiter *waiter;
	unsigned called;
	int errnum;
	bool ready;
	void (*then)(struct caller *c);
};

static void called(void *arg, const struct err *err)
{
	struct caller *c = arg;

	c->called++;
	c->waiter = NULL;
	c->errnum = err ? err->errnum : 0;
	if (c->then)
		c->then(c);
}

static void ensure(struct caller *c, struct region *r, bool anew)
{
	*c = (struct caller){.region = r, .then = c->then};
	c->waiter = region_ensure(r, anew, called, c, &c->ready);
	assert_int_equal(c->called, 0);
	assert_true(c->ready == !c->waiter);
}

static void ensure_id(struct caller *c, struct region *r, const char *id, bool anew)
{
	*c = (struct caller){.region = r, .then = c->then};
	c->waiter = region_ensure_id(r, id, anew, called, c, &c->ready);
	assert_int_equal(c->called, 0);
	assert_true(c->ready == !c->waiter);
}

#define assert_called(c, error)                                                                    \
	do {                                                                                       \
		assert_int_equal((c)->called, 1);                                                  \
		assert_int_equal((c)->errnum, error);                                              \
	} while (0)

struct fixture {
	uv_loop_t loop;
	struct region *region;
};

static void turn(struct fixture *f)
{
	for (int i = 0; i < 3; i++)
		uv_run(&f->loop, UV_RUN_NOWAIT);
}

#define TTL 30000

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct region_options options = {.name = "xx-east-1", .ttl_ms = TTL};

	assert_non_null(f);
	now_ms = 1000000;
	no_memory = false;
	uv_loop_init(&f->loop);
	options.loop = &f->loop;
	f->region = region_create(&options);
	assert_non_null(f->region);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	region_destroy(f->region);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	for (size_t i = 0; i < n_calls; i++)
		free(calls[i]);
	n_calls = 0;
	free(f);
	return 0;
}

static enum catalogue_presence presence(struct fixture *f, const char *id)
{
	struct catalogue *c = region_catalogue(f->region);

	return catalogue_presence(c, catalogue_find(c, id));
}

/* The region's first listing, of one page. */
static void list(struct fixture *f, const char *const *ids)
{
	struct caller c = {0};

	ensure(&c, f->region, false);
	answer(n_calls - 1, US, NULL, ids);
	assert_called(&c, 0);
}

/* --- listings --- */

static void test_all_who_wait_share_one_listing(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0}, c = {0};

	assert_int_equal(region_freshness(f->region, now_ms), REGION_NEVER);
	ensure(&a, f->region, false);
	ensure(&b, f->region, false);
	ensure(&c, f->region, false);
	region_cancel(c.waiter);
	assert_int_equal(n_calls, 1);
	assert_string_equal(calls[0]->region, "xx-east-1");
	assert_string_equal(calls[0]->owner, "self");
	assert_int_equal(calls[0]->max_results, 1000);
	assert_true(region_listing_now(f->region));
	answer(0, US, "t1", IDS(A));
	assert_int_equal(a.called, 0);
	assert_string_equal(calls[1]->token, "t1");
	answer(1, US, "t2", NULL); /* an empty page in the middle */
	now_ms += 500;
	answer(2, US, "", IDS(B)); /* an empty token is none */
	assert_called(&a, 0);
	assert_called(&b, 0);
	assert_int_equal(c.called, 0);
	assert_int_equal(n_calls, 3);
	assert_false(region_listing_now(f->region));
	assert_int_equal(region_freshness(f->region, now_ms), REGION_FRESH);
	assert_true(region_listed_at(f->region) == now_ms);
	assert_true(region_valid_ms(f->region, now_ms + 1000) == TTL - 1000);
	assert_int_equal(catalogue_listed(region_catalogue(f->region)), 2);

	ensure(&a, f->region, false);
	assert_true(a.ready);
	assert_int_equal(n_calls, 3);
}

static void test_stale_is_served_and_refreshed_behind(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0};

	list(f, IDS(A, B));
	now_ms += TTL;
	assert_int_equal(region_freshness(f->region, now_ms), REGION_STALE);
	assert_true(region_valid_ms(f->region, now_ms) == 0);
	ensure(&a, f->region, false);
	ensure(&b, f->region, false);
	assert_true(a.ready && b.ready);
	assert_int_equal(n_calls, 2);
	answer(1, US, "more", IDS(B));
	assert_int_equal(presence(f, A), CATALOGUE_LISTED); /* until the last page is here */
	answer(2, US, NULL, IDS(C));
	assert_int_equal(presence(f, A), CATALOGUE_GONE);
	assert_int_equal(catalogue_listed(region_catalogue(f->region)), 2);
	assert_int_equal(region_freshness(f->region, now_ms), REGION_FRESH);
}

static void test_anew_waits_for_a_listing_that_began_later(void **state)
{
	struct fixture *f = *state;
	struct caller touch = {0}, touch2 = {0}, plain = {0}, late = {0};

	list(f, IDS(A));
	ensure(&touch, f->region, true); /* fresh as it is */
	assert_int_equal(n_calls, 2);
	ensure(&plain, f->region, false); /* while one is under way anew, all wait for it */
	ensure(&touch2, f->region, true);
	ensure(&late, f->region, false);
	assert_int_equal(n_calls, 2);
	answer(1, US, NULL, IDS(A, B));
	assert_called(&touch, 0);
	assert_called(&plain, 0);
	assert_int_equal(touch2.called, 0);
	assert_int_equal(late.called, 0);
	assert_int_equal(n_calls, 3);
	answer(2, US, NULL, IDS(A, B, C));
	assert_called(&touch2, 0);
	assert_called(&late, 0);
	assert_int_equal(n_calls, 3);
	ensure(&plain, f->region, false);
	assert_true(plain.ready);
}

static void test_anew_that_nobody_waits_for_any_more_is_not_made(void **state)
{
	struct fixture *f = *state;
	struct caller first = {0}, touch = {0}, plain = {0};

	ensure(&first, f->region, false);
	ensure(&touch, f->region, true);
	region_cancel(touch.waiter);
	answer(0, US, NULL, IDS(A));
	assert_called(&first, 0);
	assert_int_equal(n_calls, 1);
	ensure(&plain, f->region, false);
	assert_true(plain.ready);
}

static void test_a_failed_refresh_leaves_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct caller touch = {0}, plain = {0};

	list(f, IDS(A, B));
	assert_null(region_last_error(f->region));
	ensure(&touch, f->region, true);
	ensure(&plain, f->region, false);
	answer(1, US, "more", IDS(B, C));
	refuse(2, ETIMEDOUT, "");
	assert_called(&touch, ETIMEDOUT);
	assert_called(&plain, 0); /* asked for what is there */
	assert_int_equal(region_last_error(f->region)->errnum, ETIMEDOUT);
	assert_int_equal(presence(f, A), CATALOGUE_LISTED);
	assert_int_equal(presence(f, C), CATALOGUE_LISTED);
	assert_int_equal(region_freshness(f->region, now_ms), REGION_FRESH); /* that of the first */
	ensure(&touch, f->region, true);
	answer(3, US, NULL, IDS(B));
	assert_called(&touch, 0);
	assert_null(region_last_error(f->region));
	assert_int_equal(presence(f, A), CATALOGUE_GONE);
}

static void test_the_back_off_doubles_to_its_bound(void **state)
{
	static const int64_t waits[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	struct fixture *f = *state;
	struct caller a = {0};
	size_t n;

	list(f, IDS(A));
	now_ms += TTL;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		ensure(&a, f->region, false);
		assert_true(a.ready);
		refuse(n_calls - 1, EHOSTUNREACH, "");
		n = n_calls;
		now_ms += waits[i] - 1;
		ensure(&a, f->region, false);
		assert_true(a.ready);
		assert_int_equal(n_calls, n);
		now_ms++;
	}
	/* A success ends it. */
	ensure(&a, f->region, false);
	answer(n_calls - 1, US, NULL, IDS(A));
	now_ms += TTL;
	ensure(&a, f->region, false);
	refuse(n_calls - 1, EHOSTUNREACH, "");
	n = n_calls;
	now_ms += 1000;
	ensure(&a, f->region, false);
	assert_int_equal(n_calls, n + 1);
}

static void ask_again(struct caller *c)
{
	unsigned called_before = c->called;

	c->waiter = region_ensure(c->region, false, called, c, &c->ready);
	assert_int_equal(c->called, called_before);
}

static void test_a_region_never_listed_says_why_during_the_back_off(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, again = {0}, touch = {0};

	ensure(&a, f->region, false);
	refuse(0, EACCES, "UnauthorizedOperation");
	assert_called(&a, EACCES);
	ensure(&a, f->region, false);
	assert_non_null(a.waiter);
	again.then = ask_again;
	ensure(&again, f->region, false);
	/* Once a turn: who asks again at once does not stop the loop. */
	while (!a.called)
		uv_run(&f->loop, UV_RUN_ONCE);
	assert_called(&a, EACCES);
	assert_int_equal(again.called, 1);
	uv_run(&f->loop, UV_RUN_ONCE);
	assert_int_equal(again.called, 2);
	assert_int_equal(n_calls, 1);
	region_cancel(again.waiter);

	ensure(&touch, f->region, true);
	assert_int_equal(n_calls, 2);
	ensure(&a, f->region, false);
	answer(1, US, NULL, NULL);
	assert_called(&touch, 0);
	assert_called(&a, 0);
	assert_int_equal(region_freshness(f->region, now_ms), REGION_FRESH);
}

static void test_pages_without_end_end(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0};
	char token[20];

	/* The same token for ever. */
	ensure(&a, f->region, true);
	answer(n_calls - 1, US, "t", NULL);
	answer(n_calls - 1, US, "t", NULL);
	assert_called(&a, EIO);

	/* A circle of seven. */
	ensure(&a, f->region, true);
	for (int i = 0; i < 30 && !a.called; i++) {
		snprintf(token, sizeof(token), "t%d", i % 7);
		answer(n_calls - 1, US, token, NULL);
	}
	assert_called(&a, EIO);

	/* Always another one. */
	ensure(&a, f->region, true);
	for (int i = 0; i < PAGES_MAX + 5 && !a.called; i++) {
		snprintf(token, sizeof(token), "t%d", i);
		answer(n_calls - 1, US, token, NULL);
		assert_true(a.called == (i + 1 == PAGES_MAX));
	}
	assert_called(&a, EIO);

	/* More snapshots than can be. Nobody looks at them. */
	ensure(&a, f->region, true);
	struct aws_call *call = call_at(n_calls - 1);
	struct ec2_page *page = page_of(US, NULL, NULL);

	page->n_snapshots = LISTING_MAX + 1;
	call->answered = true;
	call->done(call->arg, page, NULL);
	assert_called(&a, EIO);
}

static void test_without_memory_for_a_request_the_answer_is_no(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0};
	bool ready = true;

	no_memory = true;
	assert_null(region_ensure(f->region, false, called, &a, &ready));
	assert_false(ready);
	ensure_id(&a, f->region, A, false);
	turn(f);
	assert_called(&a, ENOMEM);
	no_memory = false;
	list(f, IDS(A));
	now_ms += TTL;
	no_memory = true;
	ensure(&a, f->region, false);
	assert_true(a.ready);
	assert_int_equal(region_last_error(f->region)->errnum, ENOMEM);
	no_memory = false;
	ensure(&a, f->region, true);
	no_memory = true;
	answer(n_calls - 1, US, "t", IDS(A));
	assert_called(&a, ENOMEM);
}

static void destroy_region(struct caller *c)
{
	region_destroy(c->region);
}

static void test_a_region_may_be_destroyed_by_who_waited(void **state)
{
	struct fixture *f = *state;
	struct caller a = {.then = destroy_region}, b = {0}, c = {0}, d = {0};

	ensure(&a, f->region, false);
	ensure(&b, f->region, false);
	ensure(&c, f->region, true);
	ensure_id(&d, f->region, B, false);
	turn(f);
	assert_int_equal(n_calls, 2);
	answer(0, US, NULL, IDS(A));
	assert_called(&a, 0);
	assert_int_equal(b.called + c.called + d.called, 0);
	assert_true(calls[1]->cancelled);
	assert_true(calls[2]->cancelled); /* the listing for c */
	f->region = NULL;
}

static void test_destroyed_with_all_under_way(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0}, c = {0};

	ensure(&a, f->region, false);
	ensure_id(&b, f->region, A, false);
	turn(f);
	ensure_id(&c, f->region, B, false);
	region_destroy(f->region);
	f->region = NULL;
	turn(f);
	assert_int_equal(a.called + b.called + c.called, 0);
	assert_true(calls[0]->cancelled && calls[1]->cancelled);
}

/* --- single ids --- */

static void test_an_id_is_asked_for_without_a_listing(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0}, c = {0}, bad = {0};

	ensure_id(&a, f->region, A, false);
	ensure_id(&b, f->region, B, false);
	ensure_id(&c, f->region, A, false);
	ensure_id(&bad, f->region, "snap-../../x", false);
	assert_true(bad.ready);
	turn(f);
	assert_int_equal(n_calls, 1);
	assert_string_equal(calls[0]->owner, "");
	assert_int_equal(calls[0]->max_results, 0);
	assert_int_equal(calls[0]->n_ids, 2);
	assert_string_equal(calls[0]->ids[0], A);
	assert_string_equal(calls[0]->ids[1], B);
	/* What nobody asked for is not taken. */
	answer(0, "999999999999", NULL, IDS(A, C));
	assert_called(&a, 0);
	assert_called(&b, 0);
	assert_called(&c, 0);
	assert_int_equal(presence(f, A), CATALOGUE_UNLISTED);
	assert_int_equal(presence(f, B), CATALOGUE_GONE);
	assert_int_equal(catalogue_find(region_catalogue(f->region), C), CATALOGUE_NONE);
	assert_int_equal(region_freshness(f->region, now_ms), REGION_NEVER);

	/* The find serves as long as a listing would, the miss for seconds. */
	now_ms += LOOKUP_MISS_MS - 1;
	ensure_id(&a, f->region, A, false);
	ensure_id(&b, f->region, B, false);
	assert_true(a.ready && b.ready);
	now_ms++;
	ensure_id(&a, f->region, A, false);
	ensure_id(&b, f->region, B, false);
	assert_true(a.ready && !b.ready);
	turn(f);
	assert_int_equal(calls[1]->n_ids, 1);
	answer(1, US, NULL, IDS(B));
	assert_called(&b, 0);
	now_ms += TTL;
	ensure_id(&a, f->region, A, false);
	turn(f);
	answer(2, US, NULL, NULL);
	assert_called(&a, 0);
	assert_int_equal(presence(f, A), CATALOGUE_GONE);
}

static void test_whose_a_snapshot_is(void **state)
{
	static const struct {
		const char *account; /* as given; NULL: unknown */
		const char *listed;  /* the owner that a listing showed; NULL: none was made */
		const char *owner;
		enum catalogue_presence presence;
	} table[] = {
		{NULL, NULL, US, CATALOGUE_UNLISTED},
		{US, NULL, US, CATALOGUE_LISTED},
		{US, NULL, "999999999999", CATALOGUE_UNLISTED},
		{US, NULL, NULL, CATALOGUE_UNLISTED},
		{NULL, US, US, CATALOGUE_LISTED},
		{NULL, US, "999999999999", CATALOGUE_UNLISTED},
		{"cloud", US, US, CATALOGUE_LISTED},
		{"", NULL, "", CATALOGUE_UNLISTED},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct region_options options = {.name = "xx-1",
			.ttl_ms = TTL,
			.loop = &f->loop,
			.account = table[i].account};
		struct caller c = {0};

		region_destroy(f->region);
		f->region = region_create(&options);
		if (table[i].listed) {
			ensure(&c, f->region, false);
			answer(n_calls - 1, table[i].listed, NULL, IDS(A));
		}
		ensure_id(&c, f->region, B, false);
		turn(f);
		answer(n_calls - 1, table[i].owner, NULL, IDS(B));
		assert_int_equal(presence(f, B), table[i].presence);
	}
	/* A listing with several owners says nothing. */
	struct caller c = {0};

	ensure(&c, f->region, true);
	answer(n_calls - 1, US, "t", IDS(A));
	answer(n_calls - 1, "999999999999", NULL, IDS(C));
	ensure_id(&c, f->region, B, true);
	turn(f);
	answer(n_calls - 1, US, NULL, IDS(B));
	assert_int_equal(presence(f, B), CATALOGUE_UNLISTED);
}

static void test_fresh_listings_answer_for_their_ids(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0};

	list(f, IDS(A));
	ensure_id(&a, f->region, A, false);
	assert_true(a.ready);
	ensure_id(&b, f->region, B, false); /* perhaps shared, perhaps new */
	assert_false(b.ready);
	turn(f);
	answer(1, US, NULL, NULL);
	ensure_id(&a, f->region, A, true);
	assert_false(a.ready);
	turn(f);
	answer(2, US, NULL, NULL);
	assert_called(&a, 0);
	assert_int_equal(presence(f, A), CATALOGUE_GONE);
	assert_int_equal(n_calls, 3);
}

static void test_anew_for_an_id_waits_for_a_later_request(void **state)
{
	struct fixture *f = *state;
	struct caller first = {0}, joins = {0}, anew = {0};

	ensure_id(&first, f->region, A, false);
	turn(f);
	ensure_id(&joins, f->region, A, false);
	ensure_id(&anew, f->region, A, true);
	turn(f);
	assert_int_equal(n_calls, 1);
	answer(0, US, NULL, NULL);
	assert_called(&first, 0);
	assert_called(&joins, 0);
	assert_int_equal(anew.called, 0);
	turn(f);
	assert_int_equal(n_calls, 2);
	answer(1, US, NULL, IDS(A));
	assert_called(&anew, 0);
	assert_int_equal(presence(f, A), CATALOGUE_UNLISTED);
}

static void test_many_ids_travel_in_few_requests(void **state)
{
	enum { N = 1100 };
	struct fixture *f = *state;
	_cleanup_free_ struct caller *callers = calloc(N, sizeof(*callers));
	size_t answered = 0, ids = 0;

	for (int i = 0; i < N; i++) {
		char id[20];

		snprintf(id, sizeof(id), "snap-%08x", i);
		ensure_id(&callers[i], f->region, id, false);
	}
	turn(f);
	assert_int_equal(n_calls, LOOKUP_PARALLEL);
	for (; answered < n_calls; answered++) {
		ids += calls[answered]->n_ids;
		answer(answered, US, NULL, NULL);
		turn(f);
	}
	assert_int_equal(n_calls, 6);
	assert_int_equal(ids, N);
	for (int i = 0; i < N; i++)
		assert_called(&callers[i], 0);
	/* The oldest is forgotten, the latest is not. */
	ensure_id(&callers[0], f->region, "snap-00000000", false);
	ensure_id(&callers[1], f->region, "snap-0000044b", false);
	assert_true(!callers[0].ready && callers[1].ready);
}

static void test_an_id_that_ec2_refuses_spoils_no_other(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0}, c = {0};

	ensure_id(&a, f->region, A, false);
	ensure_id(&b, f->region, B, false);
	ensure_id(&c, f->region, C, false);
	turn(f);
	refuse(0, EINVAL, "InvalidParameterValue");
	assert_int_equal(a.called + b.called + c.called, 0);
	turn(f);
	assert_int_equal(n_calls, 4);
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(calls[i]->n_ids, 1);
	answer(1, US, NULL, IDS(A));
	refuse(2, ENOENT, "InvalidSnapshot.NotFound");
	refuse(3, EINVAL, "InvalidParameterValue");
	assert_called(&a, 0);
	assert_called(&b, 0);
	assert_called(&c, EINVAL);
	assert_int_equal(presence(f, A), CATALOGUE_UNLISTED);
	ensure_id(&b, f->region, B, false);
	assert_true(b.ready);
	/* Next time they travel together again. */
	ensure_id(&a, f->region, A, true);
	ensure_id(&c, f->region, C, true);
	turn(f);
	assert_int_equal(calls[4]->n_ids, 2);
}

static void test_a_failure_is_no_miss(void **state)
{
	struct fixture *f = *state;
	struct caller a = {0}, b = {0};

	ensure_id(&a, f->region, A, false);
	ensure_id(&b, f->region, B, false);
	turn(f);
	refuse(0, EACCES, "UnauthorizedOperation");
	assert_called(&a, EACCES);
	assert_called(&b, EACCES);
	turn(f);
	assert_int_equal(n_calls, 1);
	ensure_id(&a, f->region, A, false);
	assert_false(a.ready);
	turn(f);
	assert_int_equal(n_calls, 2);
	/* On the second page of one answer: still none. */
	answer(1, US, "t", NULL);
	assert_int_equal(a.called, 0);
	refuse(2, ETIMEDOUT, "");
	assert_called(&a, ETIMEDOUT);
}

static void test_one_by_one_a_stale_listing_is_made_anew_behind(void **state)
{
	struct fixture *f = *state;
	struct caller c = {0};
	size_t listings = 0;

	list(f, IDS(A));
	now_ms += TTL;
	for (int i = 0; i < 9; i++) {
		now_ms += TTL;
		ensure_id(&c, f->region, A, false);
		turn(f);
		answer(n_calls - 1, US, NULL, IDS(A));
		assert_called(&c, 0);
	}
	for (size_t i = 1; i < n_calls; i++)
		listings += calls[i]->owner[0] != '\0';
	assert_int_equal(listings, 1);
}

/* --- regions --- */

static void count(void *arg, struct region *region)
{
	assert_non_null(region_name(region));
	++*(unsigned *)arg;
}

static void test_regions_are_made_at_need_and_keep_their_place(void **state)
{
	struct fixture *f = *state;
	struct regions *rs = regions_create(&f->loop, NULL, TTL);
	struct region *hidden, *other;
	unsigned seen = 0, all = 0;
	char name[20];

	assert_int_equal(regions_show(rs, "xx-1"), 0);
	assert_int_equal(regions_each(rs, count, &seen), 0);
	assert_int_equal(seen, 1);
	hidden = regions_get(rs, "xx-2");
	other = regions_get(rs, "xx-3");
	assert_int_equal(seen, 3);
	assert_ptr_equal(regions_get(rs, "xx-2"), hidden);
	assert_ptr_equal(regions_get(rs, "xx-1"), regions_at(rs, 0));
	assert_int_equal(regions_shown(rs), 1);
	assert_int_equal(regions_index(rs, "xx-2"), -1);
	assert_null(regions_get(rs, "../etc"));
	assert_int_equal(regions_show(rs, "../etc"), -EINVAL);
	/* Shown later, it is the same one. */
	assert_int_equal(regions_show(rs, "xx-2"), 1);
	assert_int_equal(regions_show(rs, "xx-2"), 1);
	assert_ptr_equal(regions_at(rs, 1), hidden);
	assert_ptr_equal(regions_get(rs, "xx-3"), other);
	assert_int_equal(seen, 3);
	assert_int_equal(regions_each(rs, count, &all), 0);
	assert_int_equal(all, 3);
	for (int i = 10; i < 10 + REGIONS_MAX - 2; i++) {
		snprintf(name, sizeof(name), "xx-%d", i);
		assert_int_equal(regions_show(rs, name), i - 8);
	}
	assert_int_equal(regions_show(rs, "xx-9999"), -ENOSPC);
	assert_null(regions_at(rs, REGIONS_MAX));
	regions_destroy(rs);
}

static void test_the_account_reaches_every_region(void **state)
{
	struct fixture *f = *state;
	struct regions *rs = regions_create(&f->loop, NULL, TTL);
	struct caller c = {0};

	assert_int_equal(regions_show(rs, "xx-1"), 0);
	assert_non_null(regions_get(rs, "xx-2"));
	regions_set_account(rs, US);
	assert_int_equal(regions_show(rs, "xx-3"), 1);
	for (int i = 1; i <= 3; i++) {
		char name[20];
		struct catalogue *catalogue;

		snprintf(name, sizeof(name), "xx-%d", i);
		catalogue = region_catalogue(regions_get(rs, name));
		ensure_id(&c, regions_get(rs, name), A, false);
		turn(f);
		answer(n_calls - 1, US, NULL, IDS(A));
		assert_int_equal(catalogue_presence(catalogue, 0), CATALOGUE_LISTED);
	}
	regions_destroy(rs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_who_wait_share_one_listing),
		TEST(test_stale_is_served_and_refreshed_behind),
		TEST(test_anew_waits_for_a_listing_that_began_later),
		TEST(test_anew_that_nobody_waits_for_any_more_is_not_made),
		TEST(test_a_failed_refresh_leaves_what_is_there),
		TEST(test_the_back_off_doubles_to_its_bound),
		TEST(test_a_region_never_listed_says_why_during_the_back_off),
		TEST(test_pages_without_end_end),
		TEST(test_without_memory_for_a_request_the_answer_is_no),
		TEST(test_a_region_may_be_destroyed_by_who_waited),
		TEST(test_destroyed_with_all_under_way),
		TEST(test_an_id_is_asked_for_without_a_listing),
		TEST(test_whose_a_snapshot_is),
		TEST(test_fresh_listings_answer_for_their_ids),
		TEST(test_anew_for_an_id_waits_for_a_later_request),
		TEST(test_many_ids_travel_in_few_requests),
		TEST(test_an_id_that_ec2_refuses_spoils_no_other),
		TEST(test_a_failure_is_no_miss),
		TEST(test_one_by_one_a_stale_listing_is_made_anew_behind),
		TEST(test_regions_are_made_at_need_and_keep_their_place),
		TEST(test_the_account_reaches_every_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
