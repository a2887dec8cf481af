/* SPDX-License-Identifier: MIT */
/* A region whose EC2 and clock are fakes. */
#include "region_fixture.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "endpoint.h"
#include "loop.h"

int64_t now_ms;

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

struct aws_call *calls[CALLS_MAX];
size_t n_calls;
bool no_memory;

static void note_filter(struct aws_call *call, const struct ec2_filter *filter)
{
	if (strcmp(filter->name, "snapshot-id") != 0) {
		assert_string_equal(call->filter, "");
		snprintf(call->filter, sizeof(call->filter), "%s=%s", filter->name,
			filter->values[0]);
		return;
	}
	call->n_ids = filter->n_values;
	assert_in_range(call->n_ids, 1, EC2_FILTER_VALUES_MAX);
	for (size_t i = 0; i < call->n_ids; i++)
		snprintf(call->ids[i], sizeof(call->ids[i]), "%s", filter->values[i]);
}

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
	snprintf(call->owner, sizeof(call->owner), "%s", in->owners ? in->owners[0] : "");
	snprintf(call->restorable_by, sizeof(call->restorable_by), "%s",
		in->restorable_by ? in->restorable_by[0] : "");
	snprintf(call->token, sizeof(call->token), "%s", in->next_token ? in->next_token : "");
	assert_true(in->n_filters <= 2);
	for (size_t i = 0; i < in->n_filters; i++)
		note_filter(call, &in->filters[i]);
	call->max_results = in->max_results;
	call->on_part = in->on_part;
	call->done = done;
	call->arg = arg;
	return call;
}

unsigned aws_allowance(struct aws *aws, const char *region, const char *action)
{
	return UINT_MAX;
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

struct ec2_page *page_of(const char *owner, const char *token, const char *const *ids)
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

struct aws_call *call_at(size_t i)
{
	assert_true(i < n_calls);
	assert_false(calls[i]->answered || calls[i]->cancelled);
	return calls[i];
}

void answer(size_t i, const char *owner, const char *token, const char *const *ids)
{
	struct aws_call *call = call_at(i);

	call->answered = true;
	call->done(call->arg, page_of(owner, token, ids), NULL);
}

void answer_some(size_t i, const char *owner, const char *const *ids)
{
	struct aws_call *call = call_at(i);

	call->on_part(call->arg, page_of(owner, NULL, ids));
}

void refuse(size_t i, int errnum, const char *code)
{
	struct aws_call *call = call_at(i);
	struct err err;

	err_set(&err, errnum, "EC2 says no");
	snprintf(err.code, sizeof(err.code), "%s", code);
	call->answered = true;
	call->done(call->arg, NULL, &err);
}

void called(void *arg, const struct err *err)
{
	struct caller *c = arg;

	c->called++;
	c->waiter = NULL;
	c->errnum = err ? err->errnum : 0;
	if (c->then)
		c->then(c);
}

void ensure(struct caller *c, struct region *r, bool anew)
{
	*c = (struct caller){.region = r, .then = c->then};
	c->waiter = view_ensure(region_own(r), anew, called, c, &c->ready);
	assert_int_equal(c->called, 0);
	assert_true(c->ready == !c->waiter);
}

void ensure_id(struct caller *c, struct region *r, const char *id, bool anew)
{
	*c = (struct caller){.region = r, .then = c->then};
	c->waiter = region_ensure_id(r, id, anew, called, c, &c->ready);
	assert_int_equal(c->called, 0);
	assert_true(c->ready == !c->waiter);
}

void turn(struct fixture *f)
{
	for (int i = 0; i < 3; i++)
		uv_run(&f->loop, UV_RUN_NOWAIT);
}

int region_fixture_set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct region_options options = {.name = "xx-east-1", .ttl_ms = TTL};

	assert_non_null(f);
	now_ms = 1000000;
	no_memory = false;
	assert_int_equal(loop_init(&f->loop), 0);
	options.loop = &f->loop;
	f->region = region_create(&options);
	assert_non_null(f->region);
	*state = f;
	return 0;
}

int region_fixture_tear_down(void **state)
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

enum presence presence_of(struct region *r, catalogue_slot slot)
{
	if (!catalogue_exists(region_catalogue(r), slot))
		return GONE;
	return view_has(region_own(r), slot) ? LISTED : UNLISTED;
}

enum presence presence(struct fixture *f, const char *id)
{
	return presence_of(f->region, catalogue_find(region_catalogue(f->region), id));
}

void list(struct fixture *f, const char *const *ids)
{
	struct caller c = {0};

	ensure(&c, f->region, false);
	answer(n_calls - 1, US, NULL, ids);
	assert_called(&c, 0);
}
