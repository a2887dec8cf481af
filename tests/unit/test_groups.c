/* SPDX-License-Identifier: MIT */
/* cache/groups: groupings of a region's own snapshots, kept by difference; the order of start time;
 * memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cleanup.h"
#include "groups.h"
#include "members.h"

#define START INT64_C(1764288000000) /* 2025-11-28T00:00:00Z */
#define DAY   INT64_C(86400000)

struct fixture {
	struct catalogue *c;
	struct members m;
	struct groups *g;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->c = catalogue_create();
	assert_non_null(f->c);
	assert_int_equal(members_init(&f->m, f->c, NULL, NULL), 0);
	f->g = groups_create(f->c, &f->m);
	assert_non_null(f->g);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	groups_destroy(f->g);
	members_finish(&f->m);
	catalogue_destroy(f->c);
	free(f);
	return 0;
}

/* A test's facts about a snapshot. NULL: no such tag; state 0: completed. */
struct snap {
	unsigned id;
	int64_t start_ms;
	const char *name, *env, *volume;
	enum ec2_snapshot_state state;
};

static catalogue_slot put_described(struct fixture *f, const struct snap *snap, bool own)
{
	char id[32];
	struct ec2_tag tags[2];
	struct ec2_snapshot s = {.id = id,
		.volume_id = snap->volume ? snap->volume : "vol-1",
		.state = snap->state ? snap->state : EC2_SNAPSHOT_COMPLETED,
		.state_text = snap->state == EC2_SNAPSHOT_PENDING ? "pending" : "completed",
		.start_ms = snap->start_ms,
		.tags = tags};
	catalogue_slot slot;

	snprintf(id, sizeof(id), "snap-%08x", snap->id);
	if (snap->name)
		tags[s.n_tags++] = (struct ec2_tag){"Name", (char *)(uintptr_t)snap->name};
	if (snap->env)
		tags[s.n_tags++] = (struct ec2_tag){"env", (char *)(uintptr_t)snap->env};
	slot = own ? members_put(&f->m, &s, 0) : catalogue_put(f->c, &s, 0);
	assert_int_not_equal(slot, CATALOGUE_NONE);
	return slot;
}

#define PUT(f, ...) put_described(f, &(struct snap){__VA_ARGS__}, true)

/* The ids of a group, without their common beginning: "1 2"; "-": there is no such group. */
static const char *ids(
	struct fixture *f, enum groups_field field, const char *key, const char *value)
{
	static char text[400];
	const struct grouping *x = groups_by(f->g, field, key);
	struct group group;
	size_t n = 0;

	assert_non_null(x);
	if (!groups_find(x, value, &group))
		return "-";
	for (size_t i = 0; i < group.n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%lx", i ? " " : "",
			strtoul(catalogue_id(f->c, group.slots[i]) + 5, NULL, 16));
	return text;
}

/* The values of a grouping, in the order of their numbers. */
static const char *values(struct fixture *f, enum groups_field field, const char *key)
{
	static char text[400];
	const struct grouping *x = groups_by(f->g, field, key);
	struct group group;
	size_t n = 0;

	assert_non_null(x);
	*text = '\0';
	for (uint32_t next = 0; groups_next(x, next, &group); next = group.number + 1)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "%s%s", n ? " " : "", group.value);
	return text;
}

static uint32_t number_of(struct fixture *f, const char *name)
{
	struct group group;

	assert_true(groups_find(groups_by(f->g, GROUPS_TAG, "Name"), name, &group));
	return group.number;
}

static void test_fields(void **state)
{
	struct fixture *f = *state;

	PUT(f, .id = 1, .start_ms = START + 2, .name = "db", .env = "", .volume = "vol-a");
	PUT(f, .id = 2, .start_ms = START + 1, .name = "db", .volume = "vol-b");
	PUT(f, .id = 3, .start_ms = START, .env = "prod", .volume = "",
		.state = EC2_SNAPSHOT_PENDING);
	assert_string_equal(ids(f, GROUPS_ALL, NULL, ""), "3 2 1");
	assert_string_equal(ids(f, GROUPS_TAG, "Name", "db"), "2 1");
	assert_string_equal(ids(f, GROUPS_TAG, "env", ""), "1");
	assert_string_equal(ids(f, GROUPS_TAG, "env", "db"), "-");
	assert_string_equal(ids(f, GROUPS_TAG_KEY, NULL, "env"), "3 1");
	assert_string_equal(ids(f, GROUPS_VOLUME, NULL, "vol-a"), "1");
	assert_string_equal(ids(f, GROUPS_VOLUME, NULL, ""), "-");
	assert_string_equal(ids(f, GROUPS_STATE, NULL, "pending"), "3");
	assert_string_equal(ids(f, GROUPS_STATE, NULL, "completed"), "2 1");
	assert_string_equal(ids(f, GROUPS_DAY, NULL, "2025-11-28"), "3 2 1");
	assert_string_equal(values(f, GROUPS_TAG_KEY, NULL), "Name env");
	assert_string_equal(values(f, GROUPS_TAG, "no such key"), "");
}

static void test_empty(void **state)
{
	struct fixture *f = *state;
	size_t n = 1;

	assert_non_null(groups_all(f->g, &n));
	assert_int_equal(n, 0);
	assert_string_equal(ids(f, GROUPS_ALL, NULL, ""), "-");
	PUT(f, .id = 1, .start_ms = START);
	assert_int_equal(groups_all(f->g, &n)[0], 0);
	assert_int_equal(n, 1);
}

static void test_days_are_of_utc(void **state)
{
	struct fixture *f = *state;

	PUT(f, .id = 1, .start_ms = START - 1);
	PUT(f, .id = 2, .start_ms = START);
	PUT(f, .id = 3, .start_ms = START + DAY - 1);
	PUT(f, .id = 4, .start_ms = START + DAY);
	PUT(f, .id = 5, .start_ms = 0); /* absent: in no day, and the oldest of all */
	assert_string_equal(ids(f, GROUPS_DAY, NULL, "2025-11-27"), "1");
	assert_string_equal(ids(f, GROUPS_DAY, NULL, "2025-11-28"), "2 3");
	assert_string_equal(ids(f, GROUPS_DAY, NULL, "2025-11-29"), "4");
	assert_string_equal(values(f, GROUPS_DAY, NULL), "2025-11-27 2025-11-28 2025-11-29");
	assert_string_equal(ids(f, GROUPS_ALL, NULL, ""), "5 1 2 3 4");
}

static void test_differences(void **state)
{
	struct fixture *f = *state;
	catalogue_slot one = PUT(f, .id = 1, .start_ms = START, .name = "db"), slot;

	assert_string_equal(ids(f, GROUPS_TAG, "Name", "db"), "1");
	assert_string_equal(ids(f, GROUPS_TAG_KEY, NULL, "Name"), "1");
	PUT(f, .id = 2, .start_ms = START - 1, .name = "db");
	assert_string_equal(ids(f, GROUPS_TAG, "Name", "db"), "2 1");
	/* Another value, another start, no tag any more. */
	PUT(f, .id = 1, .start_ms = START, .name = "web");
	assert_string_equal(ids(f, GROUPS_TAG, "Name", "db"), "2");
	assert_string_equal(ids(f, GROUPS_TAG, "Name", "web"), "1");
	PUT(f, .id = 1, .start_ms = START - 2, .name = "db");
	assert_string_equal(ids(f, GROUPS_TAG, "Name", "db"), "1 2");
	assert_string_equal(ids(f, GROUPS_TAG, "Name", "web"), "-");
	PUT(f, .id = 1, .start_ms = START - 2);
	assert_string_equal(ids(f, GROUPS_TAG, "Name", "db"), "2");
	/* A tag that this mount writes. */
	assert_int_equal(catalogue_override_tag(f->c, one, "Name", "mine", 0), 0);
	assert_string_equal(ids(f, GROUPS_TAG, "Name", "mine"), "1");
	/* Gone, and back. */
	catalogue_absent(f->c, one, 0);
	assert_string_equal(ids(f, GROUPS_TAG, "Name", "mine"), "-");
	assert_string_equal(ids(f, GROUPS_ALL, NULL, ""), "2");
	PUT(f, .id = 1, .start_ms = START, .name = "db");
	assert_string_equal(ids(f, GROUPS_ALL, NULL, ""), "2 1");
	/* Not the account's own, and then it is, without a change of the snapshot. */
	slot = put_described(
		f, &(struct snap){.id = 3, .start_ms = START - 1, .name = "theirs"}, false);
	assert_string_equal(ids(f, GROUPS_ALL, NULL, ""), "2 1");
	assert_int_equal(members_add(&f->m, slot), 0);
	assert_string_equal(ids(f, GROUPS_ALL, NULL, ""), "2 3 1");
	assert_string_equal(ids(f, GROUPS_TAG, "Name", "theirs"), "3");
	/* A listing that lacks it takes it away. */
	members_begin(&f->m);
	PUT(f, .id = 2, .start_ms = START - 1, .name = "db");
	members_end(&f->m, 0);
	assert_string_equal(ids(f, GROUPS_ALL, NULL, ""), "2");
	assert_string_equal(values(f, GROUPS_TAG, "Name"), "db");
}

static void test_latest(void **state)
{
	struct fixture *f = *state;
	const struct grouping *x;
	struct group group;
	catalogue_slot first;

	first = PUT(f, .id = 1, .start_ms = START, .name = "db");
	PUT(f, .id = 2, .start_ms = START + 1, .name = "db", .state = EC2_SNAPSHOT_PENDING);
	PUT(f, .id = 3, .start_ms = START, .name = "new", .state = EC2_SNAPSHOT_PENDING);
	x = groups_by(f->g, GROUPS_TAG, "Name");
	assert_true(groups_find(x, "db", &group));
	assert_int_equal(groups_latest(f->g, &group), first);
	assert_true(groups_find(x, "new", &group));
	assert_int_equal(groups_latest(f->g, &group), CATALOGUE_NONE);
	PUT(f, .id = 2, .start_ms = START + 1, .name = "db");
	x = groups_by(f->g, GROUPS_TAG, "Name");
	assert_true(groups_find(x, "db", &group));
	assert_int_equal(groups_latest(f->g, &group), group.slots[1]);
}

static void test_numbers_stay(void **state)
{
	struct fixture *f = *state;
	const struct grouping *x;
	struct group group;
	uint32_t a, b, c;

	PUT(f, .id = 1, .start_ms = START, .name = "a");
	PUT(f, .id = 2, .start_ms = START, .name = "b");
	a = number_of(f, "a");
	b = number_of(f, "b");
	PUT(f, .id = 1, .start_ms = START, .name = "c");
	PUT(f, .id = 3, .start_ms = START, .name = "b");
	c = number_of(f, "c");
	assert_int_equal(number_of(f, "b"), b);
	assert_true(c > a && c > b);
	/* A reader that was at "a" goes on with "b". */
	x = groups_by(f->g, GROUPS_TAG, "Name");
	assert_true(groups_next(x, a, &group));
	assert_int_equal(group.number, b);
	assert_false(groups_next(x, c + 1, &group));
	assert_ptr_equal(groups_numbered(f->g, groups_number(x)), x);
	assert_null(groups_numbered(f->g, groups_number(x) + 1));
}

/* A tag that changes with every listing: values that came and went leave nothing behind, and no
 * number comes again. */
static void test_passing_values(void **state)
{
	struct fixture *f = *state;
	uint32_t last = 0, kept;
	size_t memory = 0;
	char name[32];

	PUT(f, .id = 0, .start_ms = START, .name = "kept");
	kept = number_of(f, "kept");
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 1; i <= 1000; i++) {
			snprintf(name, sizeof(name), "value-%u-%u", round, i);
			PUT(f, .id = i, .start_ms = START, .name = name);
		}
		assert_true(number_of(f, name) > last);
		last = number_of(f, name);
		assert_int_equal(number_of(f, "kept"), kept);
		assert_string_equal(ids(f, GROUPS_TAG, "Name", name), "3e8");
		if (round == 20) /* the log of changes is full */
			memory = groups_memory(f->g);
	}
	assert_true(groups_memory(f->g) < memory * 5 / 4);
}

/* --- against a recomputation --- */

#define WORLD 60

static int compare_members(const void *a, const void *b, void *arg)
{
	struct fixture *f = arg;
	catalogue_slot x = *(const catalogue_slot *)a, y = *(const catalogue_slot *)b;
	int64_t start_x = catalogue_start_ms(f->c, x), start_y = catalogue_start_ms(f->c, y);

	if (start_x != start_y)
		return start_x < start_y ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Whether a snapshot belongs to a group, from the catalogue's own words. */
static bool belongs(struct fixture *f, catalogue_slot slot, enum groups_field field,
	const char *key, const char *value)
{
	const char *tag = catalogue_tag_value(f->c, slot, key ? key : value);
	struct catalogue_snapshot s;
	char day[32];
	time_t seconds;

	assert_true(catalogue_get(f->c, slot, &s));
	seconds = (time_t)(s.start_ms / 1000);
	strftime(day, sizeof(day), "%Y-%m-%d", gmtime(&seconds));
	switch (field) {
	case GROUPS_ALL:
		return true;
	case GROUPS_VOLUME:
		return !strcmp(s.volume_id, value);
	case GROUPS_STATE:
		return !strcmp(s.state_text, value);
	case GROUPS_DAY:
		return !strcmp(day, value);
	case GROUPS_TAG_KEY:
		return tag;
	case GROUPS_TAG:
		return tag && !strcmp(tag, value);
	}
	return false;
}

/* Compares all groups of a grouping: each has its members in order, and every member has its place.
 */
static void check_grouping(struct fixture *f, enum groups_field field, const char *key)
{
	const struct grouping *x = groups_by(f->g, field, key);
	catalogue_slot expected[WORLD];
	struct group group;
	size_t places = 0, total = 0;
	struct ec2_tag tag;

	assert_non_null(x);
	for (uint32_t next = 0; groups_next(x, next, &group); next = group.number + 1) {
		size_t n = 0;

		for (catalogue_slot slot = 0; slot < catalogue_slots(f->c); slot++)
			if (members_has(&f->m, slot) && belongs(f, slot, field, key, group.value))
				expected[n++] = slot;
		qsort_r(expected, n, sizeof(*expected), compare_members, f);
		assert_int_equal(n, group.n);
		assert_memory_equal(expected, group.slots, n * sizeof(*expected));
		places += n;
	}
	for (catalogue_slot slot = 0; slot < catalogue_slots(f->c); slot++) {
		if (!members_has(&f->m, slot))
			continue;
		if (field == GROUPS_TAG)
			total += catalogue_tag_value(f->c, slot, key) != NULL;
		else if (field == GROUPS_TAG_KEY)
			for (unsigned i = 0; catalogue_tag(f->c, slot, i, &tag); i++)
				total++;
		else
			total++;
	}
	assert_int_equal(places, total);
}

static void check_all(struct fixture *f)
{
	static const enum groups_field fields[] = {
		GROUPS_ALL, GROUPS_VOLUME, GROUPS_DAY, GROUPS_STATE, GROUPS_TAG_KEY};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		check_grouping(f, fields[i], NULL);
	check_grouping(f, GROUPS_TAG, "Name");
	check_grouping(f, GROUPS_TAG, "env");
}

static void change_at_random(struct fixture *f)
{
	static const char *const words[] = {NULL, "", "a", "b", "c", "d"};
	unsigned id = (unsigned)rand() % WORLD;
	char text[32];
	catalogue_slot slot;

	snprintf(text, sizeof(text), "snap-%08x", id);
	slot = catalogue_find(f->c, text);
	if (rand() % 4 == 0 && slot != CATALOGUE_NONE)
		catalogue_absent(f->c, slot, 0);
	else
		put_described(f,
			&(struct snap){.id = id,
				.start_ms = START + rand() % 4 * (DAY / 2) + rand() % 2,
				.name = words[rand() % 6],
				.env = words[rand() % 6],
				.volume = rand() % 2 ? "vol-a" : "vol-b",
				.state =
					rand() % 2 ? EC2_SNAPSHOT_PENDING : EC2_SNAPSHOT_COMPLETED},
			rand() % 8 != 0);
}

static void test_random_changes(void **state)
{
	struct fixture *f = *state;

	srand(1);
	for (unsigned i = 0; i < 1000; i++) {
		change_at_random(f);
		/* Groupings are looked at after different numbers of changes. */
		if (rand() % 2)
			check_all(f);
		else if (rand() % 2)
			check_grouping(f, GROUPS_TAG, "Name");
	}
	check_all(f);
}

/* More changes than the log holds, between two looks. */
static void test_far_behind(void **state)
{
	struct fixture *f = *state;
	uint32_t a;

	PUT(f, .id = 0, .start_ms = START, .name = "a");
	PUT(f, .id = 1, .start_ms = START, .name = "b");
	check_all(f);
	a = number_of(f, "a");
	for (unsigned i = 0; i < 20000; i++) {
		PUT(f, .id = 2, .start_ms = START + i % 3, .name = i % 2 ? "b" : "c");
		PUT(f, .id = 3, .start_ms = START + i % 3, .name = i % 2 ? "d" : "b");
	}
	PUT(f, .id = 1, .start_ms = START, .name = "e");
	check_all(f);
	assert_int_equal(number_of(f, "a"), a);
}

/* --- a large region --- */

#define LARGE 100000

static void test_memory(void **state)
{
	struct fixture *f = *state;
	struct group group;
	char name[40];
	size_t n, order, names;

	for (unsigned i = 0; i < LARGE; i++) {
		snprintf(name, sizeof(name), "prod-database-%u", i / 2);
		PUT(f, .id = i, .start_ms = START + (i * 7919 % LARGE) * 60000, .name = name);
	}
	assert_non_null(groups_all(f->g, &n));
	assert_int_equal(n, LARGE);
	order = groups_memory(f->g);
	assert_true(
		groups_find(groups_by(f->g, GROUPS_TAG, "Name"), "prod-database-49999", &group));
	assert_int_equal(group.n, 2);
	names = groups_memory(f->g) - order;
	print_message("100000 snapshots: %zu bytes each for the order, %zu for 50,000 names\n",
		order / LARGE, names / LARGE);
	assert_true(order / LARGE < 8);
	assert_true(names / LARGE < 64);
	for (size_t i = 1; i < group.n; i++)
		assert_true(groups_position(f->g, group.slots[i - 1]) <
			    groups_position(f->g, group.slots[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fields, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_days_are_of_utc, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_differences, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_latest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_numbers_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_passing_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_random_changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_far_behind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
