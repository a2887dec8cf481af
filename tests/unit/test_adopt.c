/* SPDX-License-Identifier: MIT */
/* copy/kinds/adopt: copies that another ebsfs made are found, by as few questions as possible, and
 * none is taken for one that is not. */
#include "adopt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "copy_world.h"
#include "job.h"
#include "region_queue.h"
#include "view.h"

#define MANY 450

struct found {
	struct made_question *handle;
	int answers;
	bool failed, completed;
	struct err err;
	char id[72];
	int64_t started_ms, ended_ms;
};

static bool waits;          /* the request goes into the queue */
static const char *refused; /* the kinds of DescribeSnapshots that fail: world->describe_what */
static enum fault how;

static enum fault plan(const char *action, unsigned n)
{
	return !strcmp(action, "DescribeSnapshots") && strchr(refused, world->describe_what[n])
		       ? how
		       : FAULT_NONE;
}

static void learned(void *arg, const struct err *err)
{
	assert_null(err);
	*(bool *)arg = true;
}

static bool is_true(void *flag)
{
	return *(bool *)flag;
}

/* As admission does before it asks. */
static void learn(const struct world_snapshot *s)
{
	struct region *region = regions_get(world->regions, s->region);
	bool ready;

	if (region_ensure_id(region, s->id, true, learned, &ready, &ready)) {
		ready = false;
		world_until(is_true, &ready);
	}
}

static int setup(void **state)
{
	world_setup_mounted(state);
	world->limit = 10000;
	world->fault = plan;
	refused = "";
	waits = false;
	how = FAULT_INVALID;
	source->length_ms = 10000;
	learn(source);
	world->describes = 0;
	return 0;
}

static void answered(void *arg, const struct job_made *made, const struct err *err)
{
	struct found *f = arg;

	f->handle = NULL;
	f->answers++;
	f->failed = err != NULL;
	if (err)
		f->err = *err;
	if (!made)
		return;
	snprintf(f->id, sizeof(f->id), "%s", made->copy_id);
	f->completed = made->completed;
	f->started_ms = made->started_ms;
	f->ended_ms = made->ended_ms;
}

static void ask_for(struct found *f, const struct world_snapshot *from, const char *label)
{
	struct journal_copy row = {.source_region = (char *)from->region,
		.source_id = (char *)from->id,
		.region = (char *)WEST,
		.label = (char *)label};
	struct region_queue *queue = region_queue_get(world->copies_, WEST);

	*f = (struct found){0};
	f->handle = world->copies_->kinds[0]->find_made(queue, &row, waits, answered, f, &f->err);
	assert_int_equal(f->answers, 0);
}

static bool has_answer(void *found)
{
	return ((struct found *)found)->answers > 0;
}

static const char *ask(struct found *f, const struct world_snapshot *from, const char *label)
{
	ask_for(f, from, label);
	assert_non_null(f->handle);
	world_until(has_answer, f);
	assert_int_equal(f->answers, 1);
	assert_false(f->failed);
	return f->id;
}

/* A copy that another ebsfs has begun. */
static struct world_snapshot *another(
	const struct world_snapshot *from, const char *label, int64_t length_ms)
{
	struct world_snapshot *s = world_foreign_copy(WEST, length_ms);
	char text[128];

	snprintf(text, sizeof(text), "%s/%s", from->region, from->id);
	world_tag(s, "Name", "x");
	world_tag(s, "ebsfs:request", "another's token");
	world_tag(s, "ebsfs:source", text);
	if (label)
		world_tag(s, "ebsfs:again", label);
	return s;
}

static unsigned questions(char what)
{
	unsigned n = 0;

	for (unsigned i = 0; i < world->describes; i++)
		n += world->describe_what[i] == what;
	return n;
}

/* --- what is asked --- */

static void test_none_is_asked_for_each_time(void **state)
{
	struct found f;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_string_equal(ask(&f, source, NULL), "");
		assert_int_equal(questions('k'), 1);
		assert_int_equal(questions('o'), i);
		assert_int_equal(world->describes, 1 + i);
	}
	assert_string_equal(world->last_owner, "self");
}

static void test_a_lost_state_folder_costs_one_question(void **state)
{
	struct world_snapshot *from[100], *copies[100];
	struct found f;
	unsigned pages;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		from[i] = world_add(EAST, "one of many", 0);
		learn(from[i]);
		copies[i] = another(from[i], NULL, 1000);
	}
	world_run(5000);
	world->describes = 0;
	world->page = 7;
	assert_string_equal(ask(&f, from[0], NULL), copies[0]->id);
	pages = world->describes;
	assert_in_range(pages, 15, 40);
	assert_int_equal(questions('k'), pages);
	for (size_t i = 1; i < ARRAY_LEN(from) / 2; i++)
		assert_string_equal(ask(&f, from[i], NULL), copies[i]->id);
	assert_int_equal(world->describes, pages);
	/* The found copies are remembered for the ttl. Then all is asked once more, for all the
	 * rest.
	 */
	world_run(31000);
	for (size_t i = ARRAY_LEN(from) / 2; i < ARRAY_LEN(from); i++)
		assert_string_equal(ask(&f, from[i], NULL), copies[i]->id);
	assert_in_range(questions('k'), 2 * pages, 2 * pages + 1);
	assert_int_equal(world->describes, questions('k'));
	/* A new source costs a question about that alone. */
	assert_string_equal(ask(&f, source, NULL), "");
	assert_true(questions('o') > 0);
	assert_in_range(questions('k'), 2 * pages, 2 * pages + 1);
}

static void test_requests_share_a_question_that_begins_after_them(void **state)
{
	struct found first[20], second[20];
	struct world_snapshot *copy;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		ask_for(&first[i], source, i % 2 ? "weekly" : NULL);
	world_run(60); /* it is at EC2 after 50 ms, and back after 100 */
	copy = another(source, NULL, 1000);
	world->describes = 1;
	copy->visible_at = virtual_ms;
	for (size_t i = 0; i < ARRAY_LEN(second); i++)
		ask_for(&second[i], source, NULL);
	/* The fake looks when it answers, EC2 when it is asked. */
	copy->visible_at = virtual_ms + 60;
	world_until(has_answer, &first[0]);
	world_run(1);
	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		assert_int_equal(first[i].answers, 1);
		assert_string_equal(first[i].id, "");
		assert_int_equal(second[i].answers, 0);
	}
	world_until(has_answer, &second[0]);
	world_run(1);
	for (size_t i = 0; i < ARRAY_LEN(second); i++)
		assert_string_equal(second[i].id, copy->id);
	assert_int_equal(world->describes, 2);
}

static void test_a_question_names_what_is_waited_for(void **state)
{
	static struct world_snapshot *from[MANY];
	static struct found f[2 * MANY];
	struct world_snapshot *copy;

	(void)state;
	ask(&f[0], source, NULL);
	for (size_t i = 0; i < MANY; i++) {
		from[i] = world_add(EAST, "one of many", 0);
		learn(from[i]);
	}
	copy = another(from[MANY - 1], "weekly", 1000);
	world_run(40000);
	world->describes = 0;
	for (size_t i = 0; i < 2 * MANY; i++)
		ask_for(&f[i], from[i / 2], i % 2 ? "weekly" : NULL);
	world_run(3000);
	for (size_t i = 0; i < 2 * MANY; i++) {
		assert_int_equal(f[i].answers, 1);
		assert_string_equal(f[i].id, i == 2 * MANY - 1 ? copy->id : "");
	}
	assert_int_equal(questions('o'), (MANY + 199) / 200);
	assert_int_equal(questions('k') + questions('l'), 0);
}

/* --- what is taken for the copy --- */

static void test_only_what_can_be_the_copy_is(void **state)
{
	struct world_snapshot *s = another(source, NULL, 1000), was;
	struct found f;

	(void)state;
	world_run(5000);
	assert_string_equal(ask(&f, source, "weekly"), "");
	assert_string_equal(ask(&f, source, NULL), s->id);
	assert_true(f.completed);
	assert_int_equal(f.started_ms, world_wall_ms() - virtual_ms + s->start_ms);
	assert_int_equal(f.ended_ms, f.started_ms + 1000);
	was = *s;
	for (int i = 0; i < 10; i++) {
		world_run(31000);
		switch (i) {
		case 0:
			s->gib = 9;
			break;
		case 1: /* before the source was complete */
			s->start_ms = source->start_ms + 5000;
			break;
		case 2: /* a snapshot of a volume */
			s->is_copy = false;
			break;
		case 3:
			s->failure = "Given key ID is not accessible";
			break;
		case 4:
			s->owner = "999999999999";
			break;
		case 5:
			s->tags[2].value = "us-east-1/../../etc";
			break;
		case 6:
			s->tags[2].value = "us-east-2/snap-0badcafe";
			break;
		case 7:
			s->tags[2].key = "Ebsfs:source";
			break;
		case 8:
			s->deleted_at = virtual_ms;
			break;
		default: /* nothing */
			assert_string_equal(ask(&f, source, NULL), s->id);
			continue;
		}
		assert_string_equal(ask(&f, source, NULL), "");
		*s = was;
	}
}

static void test_labels(void **state)
{
	struct world_snapshot *weekly = another(source, "weekly", 1000);
	struct found f;

	(void)state;
	assert_string_equal(ask(&f, source, NULL), "");
	assert_string_equal(ask(&f, source, "monthly"), "");
	assert_string_equal(ask(&f, source, "weekly"), weekly->id);
	/* The journal's own label is none to EC2, and its row has its copy already. */
	assert_string_equal(ask(&f, source, "#12"), "");
}

static void test_the_newest_completed_one_is_taken(void **state)
{
	struct world_snapshot *s[4];
	struct found f;

	(void)state;
	s[0] = another(source, NULL, 3600000);
	world_run(1000);
	s[1] = another(source, NULL, 3600000);
	assert_string_equal(ask(&f, source, NULL), s[1]->id);
	assert_false(f.completed);
	assert_int_equal(f.ended_ms, 0);
	s[2] = another(source, NULL, 1000);
	world_run(1000);
	s[3] = another(source, NULL, 1000);
	world_run(35000);
	assert_string_equal(ask(&f, source, NULL), s[3]->id);
	assert_true(f.completed);
	s[1]->length_ms = s[0]->length_ms = 0;
	world_run(35000);
	assert_string_equal(ask(&f, source, NULL), s[3]->id);
}

static void test_a_remembered_copy_that_was_deleted_is_none(void **state)
{
	struct world_snapshot *s = another(source, NULL, 1000);
	struct catalogue *catalogue = region_catalogue(regions_get(world->regions, WEST));
	struct found f;

	(void)state;
	assert_string_equal(ask(&f, source, NULL), s->id);
	s->deleted_at = virtual_ms;
	catalogue_override_deleted(catalogue, catalogue_find(catalogue, s->id), clock_mono_ms());
	assert_string_equal(ask(&f, source, NULL), "");
	assert_int_equal(world->describes, 2);
}

static void test_a_copy_within_a_region_is_not_its_own_source(void **state)
{
	struct world_snapshot *s = another(source, NULL, 0);
	struct found f;
	char text[128];

	(void)state;
	learn(s);
	free((char *)s->tags[2].value);
	snprintf(text, sizeof(text), "%s/%s", WEST, s->id);
	s->tags[2].value = strdup(text);
	assert_string_equal(ask(&f, s, NULL), "");
}

static void test_what_the_journal_knows_is_not_found(void **state)
{
	struct asked asked;
	struct found f;

	(void)state;
	world_ask_and_wait(&asked);
	assert_string_equal(ask(&f, source, NULL), "");
	world_until_state(&asked, COPY_COMPLETED);
	assert_string_equal(ask(&f, source, NULL), "");
	world_run(26 * 3600 * 1000); /* in the history by now */
	assert_string_equal(ask(&f, source, NULL), "");
}

static enum fault lose_a_response(const char *action, unsigned n)
{
	return !strcmp(action, "CopySnapshot") && n == 0 ? FAULT_LOST_AFTER : FAULT_NONE;
}

static bool has_copy(void *arg)
{
	return world_copy_in(WEST, 0);
}

/* The question shows what EC2 made of a request without a response, before a search for it does. */
static void test_a_lost_copy_of_ours_is_not_anothers(void **state)
{
	struct world_snapshot *copy;
	struct asked asked;
	struct found f;

	(void)state;
	world->fault = lose_a_response;
	world_ask(&asked, WEST, EAST, source->id);
	world_until(has_copy, NULL);
	copy = world_copy_in(WEST, 0);
	copy->visible_at = virtual_ms + 1000000;
	world_until(world_answered, &asked);
	assert_int_equal(world_copy(&asked)->state, COPY_SUBMITTING);
	world_run(1000);
	copy->visible_at = virtual_ms;
	assert_string_equal(ask(&f, source, NULL), "");
	/* That request goes on with it. */
	assert_int_equal(world_copy(&asked)->state, COPY_COMPLETED);
	assert_string_equal(world_copy(&asked)->row.copy_id, copy->id);
}

/* --- what goes wrong --- */

static void test_an_endpoint_that_cannot_be_asked(void **state)
{
	struct world_snapshot *s = another(source, NULL, 1000);
	struct found f, g;

	(void)state;
	refused = "ko";
	how = FAULT_LOST_BEFORE;
	ask_for(&f, source, NULL);
	ask_for(&g, source, "weekly");
	world_until(has_answer, &f);
	assert_true(f.failed && g.failed);
	assert_int_equal(f.err.errnum, ETIMEDOUT);
	how = FAULT_DENIED;
	ask_for(&f, source, NULL);
	world_until(has_answer, &f);
	assert_int_equal(f.err.errnum, EACCES);
	assert_string_equal(f.err.code, "UnauthorizedOperation");
	/* It is asked for everything once that is possible. */
	refused = "";
	assert_string_equal(ask(&f, source, NULL), s->id);
	assert_int_equal(questions('k'), 3);
	assert_int_equal(world->describes, 3);
}

static void test_a_silent_endpoint_costs_one_timeout(void **state)
{
	struct world_snapshot *s = another(source, NULL, 1000);
	struct found f, g;

	(void)state;
	refused = "ko";
	how = FAULT_LOST_BEFORE;
	ask_for(&f, source, NULL);
	world_run(20);
	ask_for(&g, source, "weekly");
	world_until(has_answer, &f);
	world_run(1);
	assert_int_equal(g.answers, 1);
	assert_int_equal(g.err.errnum, ETIMEDOUT);
	assert_int_equal(world->describes, 1);
	/* Any other answer is no reason not to ask. */
	how = FAULT_DENIED;
	ask_for(&f, source, NULL);
	world_run(20);
	refused = "";
	ask_for(&g, source, NULL);
	world_until(has_answer, &g);
	assert_string_equal(g.id, s->id);
}

static void test_an_endpoint_that_refuses_the_filter(void **state)
{
	struct world_snapshot *s = another(source, NULL, 1000);
	struct found f;

	(void)state;
	refused = "ko";
	assert_string_equal(ask(&f, source, NULL), s->id);
	assert_int_equal(questions('k'), 1);
	assert_int_equal(questions('l'), 1);
	assert_string_equal(ask(&f, source, "weekly"), "");
	assert_int_equal(questions('k') + questions('o'), 1);
	assert_int_equal(questions('l'), 2);
	assert_string_equal(world->last_owner, "self");
	/* Without a filter there is nothing left to do without. */
	refused = "l";
	ask_for(&f, source, "weekly");
	world_until(has_answer, &f);
	assert_int_equal(f.err.errnum, EINVAL);
}

static void test_cancelled_requests(void **state)
{
	struct world_snapshot *s = another(source, NULL, 1000);
	struct found f[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		ask_for(&f[i], source, NULL);
	adopt_cancel(f[0].handle);
	world_run(20);
	adopt_cancel(f[2].handle);
	world_until(has_answer, &f[1]);
	world_run(1);
	assert_string_equal(f[1].id, s->id);
	assert_string_equal(f[3].id, s->id);
	assert_int_equal(f[0].answers + f[2].answers, 0);
	/* The mount ends while one is asked for, and another waits for its turn. */
	ask_for(&f[0], source, "weekly");
	world_run(20);
	ask_for(&f[1], source, "weekly");
	world_unmount(UNMOUNT);
	assert_int_equal(f[0].answers, 0);
	assert_int_equal(f[1].answers, 0);
}

static void test_without_tags_nothing_is_asked(void **state)
{
	struct found f;

	(void)state;
	world->copies_->options.no_tags = true;
	ask_for(&f, source, NULL);
	assert_null(f.handle);
	assert_int_equal(f.err.errnum, 0);
	world_run(1000);
	assert_int_equal(world->describes, 0);
}

static void list_anew(void)
{
	struct region *region = regions_get(world->regions, WEST);
	bool ready = false, done = false;

	assert_non_null(view_ensure(region_own(region), true, learned, &done, &ready));
	world_until(is_true, &done);
	world_run(1);
}

/* --- requests that go into the queue --- */

static bool asks_nothing(const struct world_snapshot *from, const char *label)
{
	unsigned before = questions('k') + questions('o');
	struct found f;

	ask_for(&f, from, label);
	world_run(1000);
	return !f.handle && !f.err.errnum && !f.answers &&
	       questions('k') + questions('o') == before;
}

static void test_a_request_that_waits_asks_if_that_serves_all(void **state)
{
	struct world_snapshot *second = world_add(EAST, "second", 0),
			      *s = another(second, NULL, 1000);
	struct found f;

	(void)state;
	learn(second);
	world->describes = 0;
	waits = true;
	/* The first question of a region is for all. */
	assert_string_equal(ask(&f, source, NULL), "");
	assert_int_equal(questions('k'), 1);
	assert_true(asks_nothing(source, NULL));
	/* It is remembered, and worth a question for all later. */
	assert_string_equal(ask(&f, second, NULL), s->id);
	assert_int_equal(questions('k') + questions('o'), 1);
	world_run(31000);
	assert_string_equal(ask(&f, second, NULL), s->id);
	assert_int_equal(questions('k'), 2);
	assert_int_equal(questions('o'), 0);
	assert_true(asks_nothing(second, "weekly"));
	waits = false;
	assert_string_equal(ask(&f, second, "weekly"), "");
	assert_int_equal(questions('k') + questions('o'), 3);
}

/* A copy that a listing has shown is no answer, but a reason to ask. */
static void test_a_listed_copy_is_asked_for(void **state)
{
	struct world_snapshot *s;
	struct found f;

	(void)state;
	waits = true;
	assert_string_equal(ask(&f, source, NULL), "");
	s = another(source, NULL, 1000);
	assert_true(asks_nothing(source, NULL));
	list_anew();
	world->describes = 0;
	assert_string_equal(ask(&f, source, NULL), s->id);
	assert_int_equal(world->describes, 1);
}

/* --- requests that waited in the queue --- */

/* A request that waits for the only slot, and a copy that another ebsfs makes meanwhile. */
static struct world_snapshot *made_meanwhile(
	struct asked asked[2], struct world_snapshot *second, bool move)
{
	struct copy_request request = {.source_region = second->region, .source_id = second->id};
	struct world_snapshot *s;

	world->limit = 1;
	world_ask_and_wait(&asked[0]);
	world_ask_with(&asked[1], WEST, &request, move);
	world_until(world_answered, &asked[1]);
	assert_false(asked[1].failed);
	assert_int_equal(world_copy(&asked[1])->state, COPY_QUEUED);
	world->limit = 2;
	s = another(second, NULL, 30000);
	world->limit = 1;
	return s;
}

static void test_a_queued_copy_is_not_made_twice(void **state)
{
	struct world_snapshot *second = world_add(EAST, "second", 0), *s;
	struct asked asked[2];

	(void)state;
	world_run(60000);
	s = made_meanwhile(asked, second, false);
	world_until_state(&asked[1], COPY_COMPLETED);
	assert_string_equal(world_copy(&asked[1])->row.copy_id, s->id);
	assert_int_equal(world_copies_in(WEST), 2);
	assert_has(world_status(&asked[1]), "\nmade by: another ebsfs\n");
	assert_has(world_status(&asked[1]), "\nnote: another ebsfs has made this copy: it is as "
					    "that one asked for it\n");
	world_run(100);
	assert_string_equal(world_row(asked[1].row)->state, "completed");
	assert_true(world_row(asked[1].row)->adopted);
}

static void test_a_queued_move_keeps_its_source(void **state)
{
	struct world_snapshot *second = world_add(EAST, "second", 0);
	struct asked asked[2];

	(void)state;
	world_run(60000);
	made_meanwhile(asked, second, true);
	world_until_state(&asked[1], COPY_COMPLETED);
	world_run(600000);
	assert_int_equal(world->deletes, 0);
	assert_has(world_status(&asked[1]), "and the source is kept\n");
}

static void test_a_queued_copy_waits_until_ec2_can_be_asked(void **state)
{
	struct world_snapshot *second = world_add(EAST, "second", 0), *s;
	struct asked asked[2];

	(void)state;
	world_run(60000);
	s = made_meanwhile(asked, second, false);
	s->deleted_at = virtual_ms;
	refused = "ko";
	how = FAULT_DENIED;
	world_run(300000);
	assert_int_equal(world_copies_in(WEST), 1);
	assert_has(world_status(&asked[1]),
		"\nreason: cannot find out whether eu-west-1 has the copy already: ");
	refused = "";
	world_until_state(&asked[1], COPY_COMPLETED);
	assert_int_equal(world_copies_in(WEST), 2);
	assert_has_not(world_status(&asked[1]), "made by");
}

static bool is_asked_for(void *asked)
{
	return job_of(world_copy(asked))->phase == PHASE_CHECKING;
}

static void test_a_queued_copy_is_cancelled_while_it_is_asked_for(void **state)
{
	struct world_snapshot *second = world_add(EAST, "second", 0);
	struct asked asked[2];

	(void)state;
	world_run(60000);
	made_meanwhile(asked, second, false);
	world_until(is_asked_for, &asked[1]);
	job_event(job_of(world_copy(&asked[1])), JOB_CANCELLED, NULL);
	world_run(60000);
	assert_int_equal(world_copy(&asked[1])->state, COPY_CANCELLED);
	assert_int_equal(world_copies_in(WEST), 2);
	assert_int_equal(world->deletes, 0);
}

static void test_turns_share_a_question(void **state)
{
	static struct asked asked[100];

	(void)state;
	world->limit = 4;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		world_ask(&asked[i], WEST, EAST, world_add(EAST, "one of many", 0)->id);
		world_until(world_answered, &asked[i]);
		assert_false(asked[i].failed);
	}
	assert_in_range(questions('k') + questions('o'), 1, 5);
	world->copy_ms = 100;
	world_run(3600000);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		assert_int_equal(world_copy(&asked[i])->state, COPY_COMPLETED);
	assert_int_equal(world_copies_in(WEST), ARRAY_LEN(asked));
	assert_in_range(questions('k') + questions('o'), 1, 20);
}

/* Three requests for one slot: the second one's turn asks for the third one's copy too. */
static void three_for_one_slot(
	struct asked asked[3], struct world_snapshot *second, struct world_snapshot *third)
{
	world_run(60000);
	world->copies_->options.poll_ms = 200;
	world->limit = 1;
	world_ask_and_wait(&asked[0]);
	world_ask(&asked[1], WEST, EAST, second->id);
	world_until(world_answered, &asked[1]);
	world_ask(&asked[2], WEST, EAST, third->id);
	world_until(world_answered, &asked[2]);
	world->limit = 2; /* for another's copy */
}

static void test_a_copy_shown_to_another_turn_is_taken(void **state)
{
	struct world_snapshot *second = world_add(EAST, "second", 0);
	struct world_snapshot *third = world_add(EAST, "third", 0), *s;
	struct asked asked[3];

	(void)state;
	three_for_one_slot(asked, second, third);
	world->copy_ms = 1000;
	s = another(third, NULL, 1000);
	world->limit = 1;
	world_until_state(&asked[1], COPY_PENDING);
	world_until_state(&asked[2], COPY_COMPLETED);
	assert_string_equal(world_copy(&asked[2])->row.copy_id, s->id);
	assert_int_equal(world_copies_in(WEST), 3);
}

static void test_a_shared_answer_does_not_last(void **state)
{
	struct world_snapshot *second = world_add(EAST, "second", 0);
	struct world_snapshot *third = world_add(EAST, "third", 0), *s;
	struct asked asked[3];

	(void)state;
	three_for_one_slot(asked, second, third);
	world->copy_ms = 10000;
	world->limit = 1;
	world_until_state(&asked[1], COPY_PENDING);
	world->limit = 2;
	s = another(third, NULL, 1000);
	world->limit = 1;
	world_until_state(&asked[2], COPY_COMPLETED);
	assert_string_equal(world_copy(&asked[2])->row.copy_id, s->id);
	assert_int_equal(world_copies_in(WEST), 3);
}

/* The same source is asked for, but by a question that began before the request. */
static void test_a_question_is_not_for_jobs_that_come_later(void **state)
{
	struct copy_request weekly = {.again = (char *)"weekly"};
	struct world_snapshot *second = world_add(EAST, "second", 0), *s;
	struct asked asked[3];

	(void)state;
	world_run(60000);
	world->copies_->options.poll_ms = 200;
	world->limit = 1;
	weekly.source_region = second->region;
	weekly.source_id = second->id;
	world_ask_and_wait(&asked[0]);
	world_ask(&asked[1], WEST, EAST, second->id);
	world_until(world_answered, &asked[1]);
	world->copy_ms = 1000;
	world_until(is_asked_for, &asked[1]);
	world_run(90); /* EC2 has answered, its response is on the way */
	s = another(second, "weekly", 500);
	s->visible_at = virtual_ms + 60;
	world_ask_with(&asked[2], WEST, &weekly, false);
	world_until(world_answered, &asked[2]);
	world_until_state(&asked[2], COPY_COMPLETED);
	assert_string_equal(world_copy(&asked[2])->row.copy_id, s->id);
	assert_int_equal(world_copies_in(WEST), 3);
}

/* --- doubles --- */

static void test_doubles_are_noted(void **state)
{
	struct world_snapshot *s;
	struct asked asked;
	char note[200];

	(void)state;
	world_ask_and_wait(&asked);
	s = another(source, NULL, 1000);
	another(source, "weekly", 1000);
	another(source, NULL, 1000)->gib = 100;
	assert_has_not(world_status(&asked), "note: ");
	list_anew();
	snprintf(note, sizeof(note), "\nnote: another copy with the same source: %s\n", s->id);
	assert_has(world_status(&asked), note);
	s->deleted_at = virtual_ms;
	list_anew();
	assert_has_not(world_status(&asked), "note: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
		T(test_none_is_asked_for_each_time),
		T(test_a_lost_state_folder_costs_one_question),
		T(test_requests_share_a_question_that_begins_after_them),
		T(test_a_question_names_what_is_waited_for),
		T(test_only_what_can_be_the_copy_is),
		T(test_labels),
		T(test_the_newest_completed_one_is_taken),
		T(test_a_remembered_copy_that_was_deleted_is_none),
		T(test_a_copy_within_a_region_is_not_its_own_source),
		T(test_what_the_journal_knows_is_not_found),
		T(test_a_lost_copy_of_ours_is_not_anothers),
		T(test_an_endpoint_that_cannot_be_asked),
		T(test_a_silent_endpoint_costs_one_timeout),
		T(test_an_endpoint_that_refuses_the_filter),
		T(test_cancelled_requests),
		T(test_without_tags_nothing_is_asked),
		T(test_a_request_that_waits_asks_if_that_serves_all),
		T(test_a_listed_copy_is_asked_for),
		T(test_a_queued_copy_is_not_made_twice),
		T(test_a_queued_move_keeps_its_source),
		T(test_a_queued_copy_waits_until_ec2_can_be_asked),
		T(test_a_queued_copy_is_cancelled_while_it_is_asked_for),
		T(test_turns_share_a_question),
		T(test_a_copy_shown_to_another_turn_is_taken),
		T(test_a_shared_answer_does_not_last),
		T(test_a_question_is_not_for_jobs_that_come_later),
		T(test_doubles_are_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
