/* SPDX-License-Identifier: MIT */
/* cache/catalogue: stored snapshots, watchers, local overrides against EC2's stale responses,
 * memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "catalogue.h"
#include "cleanup.h"
#include "members.h"

#define ID "snap-0123456789abcdef0"

/* Counts what a catalogue tells. */
struct seen {
	unsigned added, changed, removed;
	catalogue_slot last;
};

static void watch(void *arg, enum catalogue_change change, catalogue_slot slot)
{
	struct seen *seen = arg;

	seen->added += change == CATALOGUE_ADDED;
	seen->changed += change == CATALOGUE_CHANGED;
	seen->removed += change == CATALOGUE_REMOVED;
	seen->last = slot;
}

static void assert_seen(struct seen *seen, unsigned added, unsigned changed, unsigned removed)
{
	assert_int_equal(seen->added, added);
	assert_int_equal(seen->changed, changed);
	assert_int_equal(seen->removed, removed);
	*seen = (struct seen){0};
}

struct fixture {
	struct catalogue *c;
	struct members m; /* of a view of the account's own */
	struct seen seen;
};

static bool admit(void *arg, catalogue_slot slot)
{
	return catalogue_created(arg, slot, 0);
}

enum presence { GONE, LISTED, UNLISTED };

static enum presence presence(const struct fixture *f, catalogue_slot slot)
{
	if (!catalogue_exists(f->c, slot))
		return GONE;
	return members_has(&f->m, slot) ? LISTED : UNLISTED;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->c = catalogue_create();
	assert_non_null(f->c);
	assert_int_equal(members_init(&f->m, f->c, admit, f->c), 0);
	assert_int_equal(catalogue_watch(f->c, watch, &f->seen), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	members_finish(&f->m);
	catalogue_destroy(f->c);
	free(f);
	return 0;
}

static struct ec2_tag two_tags[] = {{"Name", "db"}, {"env", ""}};
static struct ec2_field two_fields[] = {{"StorageTier", "standard"}, {"SseType", "sse-ebs"}};

static struct ec2_snapshot plain(const char *id)
{
	return (struct ec2_snapshot){
		.id = id,
		.volume_id = "vol-0aa",
		.state_text = "completed",
		.state = EC2_SNAPSHOT_COMPLETED,
		.owner_id = "123456789012",
		.description = "nightly",
		.progress = 100,
		.start_ms = 1700000000000,
		.volume_gib = 8,
		.full_size = -1,
		.tags = two_tags,
		.n_tags = 2,
		.fields = two_fields,
		.n_fields = 2,
	};
}

static catalogue_slot put(struct fixture *f, const struct ec2_snapshot *s, int64_t now_ms)
{
	catalogue_slot slot = members_put(&f->m, s, now_ms);

	assert_int_not_equal(slot, CATALOGUE_NONE);
	return slot;
}

static void test_gives_back_what_was_put(void **state)
{
	struct fixture *f = *state;
	struct ec2_snapshot s = plain(ID);
	struct catalogue_snapshot got;
	struct ec2_field field;
	struct ec2_tag tag;
	catalogue_slot slot;

	s.kms_key_id = "arn:aws:kms:us-east-1:123456789012:key/1";
	s.encryption = EC2_ENCRYPTION_PRESENT;
	s.state_message = "why";
	s.completion_ms = 1700000600000;
	s.full_size = 5000000000;
	s.transfer_type = "standard";
	slot = put(f, &s, 0);
	assert_true(catalogue_get(f->c, slot, &got));
	assert_string_equal(got.id, ID);
	assert_string_equal(got.volume_id, "vol-0aa");
	assert_string_equal(got.state_text, "completed");
	assert_string_equal(got.state_message, "why");
	assert_string_equal(got.owner_id, "123456789012");
	assert_string_equal(got.description, "nightly");
	assert_string_equal(got.kms_key_id, s.kms_key_id);
	assert_int_equal(got.state, EC2_SNAPSHOT_COMPLETED);
	assert_true(got.exists);
	assert_int_equal(got.progress, 100);
	assert_true(got.start_ms == 1700000000000 && got.completion_ms == 1700000600000);
	assert_int_equal(got.volume_gib, 8);
	assert_true(got.full_size == 5000000000);
	assert_true(got.encryption == EC2_ENCRYPTION_PRESENT && got.is_copy);
	assert_int_equal(got.n_tags, 2);
	assert_true(catalogue_tag(f->c, slot, 0, &tag));
	assert_string_equal(tag.key, "Name");
	assert_string_equal(tag.value, "db");
	assert_true(catalogue_tag(f->c, slot, 1, &tag));
	assert_string_equal(tag.key, "env");
	assert_string_equal(tag.value, "");
	assert_false(catalogue_tag(f->c, slot, 2, &tag));
	assert_string_equal(catalogue_tag_value(f->c, slot, "Name"), "db");
	assert_null(catalogue_tag_value(f->c, slot, "name"));
	assert_true(catalogue_field(f->c, slot, 0, &field));
	assert_string_equal(field.name, "TransferType");
	assert_true(catalogue_field(f->c, slot, 2, &field));
	assert_string_equal(field.name, "SseType");
	assert_string_equal(field.value, "sse-ebs");
	assert_false(catalogue_field(f->c, slot, 3, &field));
}

static void test_absent_texts_are_empty_and_unknown_slots_are_refused(void **state)
{
	struct fixture *f = *state;
	struct ec2_snapshot s = {.id = ID, .progress = EC2_PROGRESS_UNKNOWN, .full_size = -1};
	struct catalogue_snapshot got;
	struct ec2_tag tag;
	catalogue_slot slot = put(f, &s, 0);

	assert_true(catalogue_get(f->c, slot, &got));
	assert_string_equal(got.volume_id, "");
	assert_string_equal(got.state_text, "");
	assert_string_equal(got.state_message, "");
	assert_string_equal(got.owner_id, "");
	assert_string_equal(got.description, "");
	assert_string_equal(got.kms_key_id, "");
	assert_int_equal(got.progress, EC2_PROGRESS_UNKNOWN);
	assert_true(got.full_size == -1);
	assert_int_equal(got.n_tags, 0);
	assert_false(got.is_copy);
	assert_false(catalogue_get(f->c, slot + 1, &got));
	assert_false(catalogue_tag(f->c, slot + 1, 0, &tag));
	assert_int_equal(presence(f, CATALOGUE_NONE), GONE);
	assert_int_equal(catalogue_find(f->c, "snap-0123456789abcdef1"), CATALOGUE_NONE);
}

static void test_a_copy_is_known_by_its_transfer_type_or_volume(void **state)
{
	static const struct {
		const char *volume, *transfer;
		bool is_copy;
	} table[] = {
		{"vol-ffffffff", NULL, true},
		{"vol-ffff", NULL, true},
		{"vol-f", NULL, true},
		{"vol-", NULL, false},
		{"vol-ffffffff0", NULL, false},
		{"vol-0fffffff", NULL, false},
		{"", NULL, false},
		{NULL, NULL, false},
		{"vol-0123", "standard", true},
		{"vol-0123", "", false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct ec2_snapshot s = plain(ID);
		struct catalogue_snapshot got;

		s.volume_id = table[i].volume;
		s.transfer_type = table[i].transfer;
		assert_true(catalogue_get(f->c, put(f, &s, 0), &got));
		assert_int_equal(got.is_copy, table[i].is_copy);
	}
}

static void test_tells_only_real_differences(void **state)
{
	struct fixture *f = *state;
	struct ec2_snapshot s = plain(ID);
	struct ec2_tag turned[] = {two_tags[1], two_tags[0]},
		       other[] = {{"Name", "web"}, {"env", ""}};
	struct ec2_field turned_fields[] = {two_fields[1], two_fields[0]};
	struct catalogue_snapshot got;
	catalogue_slot slot = put(f, &s, 0);
	uint64_t version = f->m.version;

	assert_int_equal(f->seen.last, slot);
	assert_seen(&f->seen, 1, 0, 0);
	put(f, &s, 1);
	s.tags = turned;
	s.fields = turned_fields;
	put(f, &s, 2);
	assert_seen(&f->seen, 0, 0, 0);

	s.progress = 99;
	put(f, &s, 3);
	assert_seen(&f->seen, 0, 1, 0);
	s.state_text = "pending";
	s.state = EC2_SNAPSHOT_PENDING;
	put(f, &s, 4);
	assert_seen(&f->seen, 0, 1, 0);
	s.description = "weekly";
	put(f, &s, 5);
	assert_seen(&f->seen, 0, 1, 0);
	s.tags = other;
	put(f, &s, 6);
	assert_seen(&f->seen, 0, 1, 0);
	s.n_tags = 1;
	put(f, &s, 7);
	assert_seen(&f->seen, 0, 1, 0);
	s.state_message = "broken";
	put(f, &s, 8);
	assert_seen(&f->seen, 0, 1, 0);
	s.n_fields = 0;
	put(f, &s, 9);
	assert_seen(&f->seen, 0, 1, 0);
	assert_int_equal(f->m.version, version); /* the same set of names */
	assert_true(catalogue_get(f->c, slot, &got));
	assert_string_equal(got.description, "weekly");
	assert_string_equal(catalogue_tag_value(f->c, slot, "Name"), "web");
	assert_null(catalogue_tag_value(f->c, slot, "env"));
}

static void test_a_listing_removes_what_it_lacks_and_slots_stay(void **state)
{
	struct fixture *f = *state;
	struct ec2_snapshot a = plain("snap-0000000a"), b = plain("snap-0000000b"),
			    x = plain("snap-000000ee");
	struct catalogue_snapshot got;
	catalogue_slot slot_a, slot_b, slot_x;
	uint64_t version;

	members_begin(&f->m);
	slot_a = put(f, &a, 0);
	slot_b = put(f, &b, 0);
	members_end(&f->m, 0);
	slot_x = catalogue_put(f->c, &x, 0);
	assert_int_equal(f->m.count, 2);
	assert_seen(&f->seen, 3, 0, 0);
	version = f->m.version;

	/* Nothing vanishes with a listing that failed. */
	members_begin(&f->m);
	put(f, &b, 1);
	members_abort(&f->m);
	members_end(&f->m, 1);
	assert_int_equal(f->m.count, 2);
	assert_int_equal(f->m.version, version);

	/* What was opened by name is no matter of listings. */
	members_begin(&f->m);
	put(f, &b, 2);
	members_end(&f->m, 2);
	assert_seen(&f->seen, 0, 0, 1);
	assert_int_equal(presence(f, slot_a), GONE);
	assert_int_equal(presence(f, slot_x), UNLISTED);
	assert_int_equal(f->m.count, 1);
	assert_int_not_equal(f->m.version, version);
	assert_int_equal(catalogue_find(f->c, "snap-0000000a"), slot_a);
	assert_true(catalogue_get(f->c, slot_a, &got));
	assert_string_equal(got.id, "snap-0000000a");
	assert_string_equal(got.description, "");
	assert_int_equal(got.n_tags, 0);

	/* Back: in its old place, with all that belongs to it. */
	assert_int_equal(put(f, &a, 3), slot_a);
	assert_seen(&f->seen, 1, 0, 0);
	assert_string_equal(catalogue_tag_value(f->c, slot_a, "Name"), "db");
	assert_int_equal(catalogue_slots(f->c), 3);
	assert_int_equal(slot_b, 1);

	/* Opened by name first, then found to be the account's own: a new name in the folder. Never
	 * the other way round. */
	version = f->m.version;
	put(f, &x, 4);
	assert_int_not_equal(f->m.version, version);
	assert_seen(&f->seen, 0, 0, 0); /* the snapshot itself has not changed */
	version = f->m.version;
	assert_int_equal(catalogue_put(f->c, &x, 5), slot_x);
	assert_int_equal(f->m.version, version);
	assert_int_equal(presence(f, slot_x), LISTED);
	assert_seen(&f->seen, 0, 0, 0);

	catalogue_absent(f->c, slot_x, 6);
	assert_seen(&f->seen, 0, 0, 1);
	catalogue_absent(f->c, slot_x, 6);
	catalogue_absent(f->c, CATALOGUE_NONE, 6);
	assert_seen(&f->seen, 0, 0, 0);
}

static void empty_listing(struct fixture *f, int64_t now_ms)
{
	members_begin(&f->m);
	members_end(&f->m, now_ms);
}

static void test_what_was_made_is_not_gone_before_its_time(void **state)
{
	struct fixture *f = *state;
	struct ec2_snapshot s = plain(ID),
			    sparse = {.id = ID, .progress = EC2_PROGRESS_UNKNOWN, .full_size = -1};
	struct catalogue_snapshot got;
	catalogue_slot slot = catalogue_override_created(f->c, &sparse, 1000);

	assert_seen(&f->seen, 1, 0, 0);
	assert_int_equal(presence(f, slot), LISTED);
	empty_listing(f, 1000 + CATALOGUE_OVERRIDE_MS - 1);
	catalogue_absent(f->c, slot, 1000 + CATALOGUE_OVERRIDE_MS - 1);
	assert_int_equal(presence(f, slot), LISTED);
	put(f, &s, 1001);
	/* Told again, later than EC2's own description: the description stays. */
	assert_int_equal(catalogue_override_created(f->c, &sparse, 1002), slot);
	assert_true(catalogue_get(f->c, slot, &got));
	assert_string_equal(got.description, "nightly");
	empty_listing(f, 1002 + CATALOGUE_OVERRIDE_MS);
	assert_int_equal(presence(f, slot), GONE);
}

static void test_what_was_deleted_is_not_back_before_its_time(void **state)
{
	struct fixture *f = *state;
	struct ec2_snapshot s = plain(ID);
	catalogue_slot slot = catalogue_override_created(f->c, &s, 0);

	catalogue_override_deleted(f->c, slot, 1000);
	assert_seen(&f->seen, 1, 0, 1);
	members_begin(&f->m);
	assert_int_equal(put(f, &s, 1000 + CATALOGUE_OVERRIDE_MS - 1), slot);
	members_end(&f->m, 1000 + CATALOGUE_OVERRIDE_MS - 1);
	assert_int_equal(presence(f, slot), GONE);
	assert_int_equal(f->m.count, 0);
	assert_seen(&f->seen, 0, 0, 0);
	put(f, &s, 1000 + CATALOGUE_OVERRIDE_MS);
	assert_int_equal(presence(f, slot), LISTED);
	assert_seen(&f->seen, 1, 0, 0);
	catalogue_override_deleted(f->c, CATALOGUE_NONE, 0);
}

static void test_our_tags_win_until_their_time(void **state)
{
	struct fixture *f = *state;
	struct ec2_snapshot s = plain(ID);
	catalogue_slot slot = put(f, &s, 0);
	struct ec2_tag tag;
	int64_t end = 1000 + CATALOGUE_OVERRIDE_MS;

	assert_seen(&f->seen, 1, 0, 0);
	assert_int_equal(catalogue_override_tag(f->c, slot, "Name", "web", 1000), 0);
	assert_int_equal(catalogue_override_tag(f->c, slot, "team", "ops", 1000), 0);
	assert_int_equal(catalogue_override_tag(f->c, slot, "env", NULL, 1000), 0);
	assert_int_equal(catalogue_override_tag(f->c, slot, "none", NULL, 1000), 0);
	assert_seen(&f->seen, 0, 3, 0);
	put(f, &s, end - 1);
	assert_seen(&f->seen, 0, 0, 0);
	assert_string_equal(catalogue_tag_value(f->c, slot, "Name"), "web");
	assert_string_equal(catalogue_tag_value(f->c, slot, "team"), "ops");
	assert_null(catalogue_tag_value(f->c, slot, "env"));
	assert_true(catalogue_tag(f->c, slot, 0, &tag));
	assert_string_equal(tag.key, "Name"); /* in its place */

	/* A second change of the same tag wins over the first, and has a time of its own. */
	assert_int_equal(catalogue_override_tag(f->c, slot, "Name", "mail", 2000), 0);
	put(f, &s, end - 1);
	assert_string_equal(catalogue_tag_value(f->c, slot, "Name"), "mail");
	put(f, &s, end);
	assert_string_equal(catalogue_tag_value(f->c, slot, "Name"), "mail");
	assert_null(catalogue_tag_value(f->c, slot, "team"));
	assert_string_equal(catalogue_tag_value(f->c, slot, "env"), "");
	put(f, &s, end + 1000);
	assert_string_equal(catalogue_tag_value(f->c, slot, "Name"), "db");
	assert_int_equal(catalogue_override_tag(f->c, slot + 1, "Name", "x", 0), 0);
}

static void test_keys_have_numbers_for_ever(void **state)
{
	struct fixture *f = *state;
	struct ec2_snapshot s = plain(ID);
	char long_key[2000];
	catalogue_slot slot;
	uint32_t name, env;

	put(f, &s, 0);
	name = catalogue_key_number(f->c, "Name");
	env = catalogue_key_number(f->c, "env");
	assert_int_not_equal(name, env);
	assert_true(name < 1u << 24 && env < 1u << 24);
	for (int i = 0; i < 20000; i++) {
		char key[20];

		snprintf(key, sizeof(key), "key%d", i);
		assert_int_not_equal(catalogue_key_number(f->c, key), UINT32_MAX);
	}
	/* Numbers of one, two and three bytes. */
	s.tags = (struct ec2_tag[]){{"key5", "a"}, {"key500", "b"}, {"key19999", "c"}};
	s.n_tags = 3;
	slot = put(f, &s, 1);
	assert_string_equal(catalogue_tag_value(f->c, slot, "key5"), "a");
	assert_string_equal(catalogue_tag_value(f->c, slot, "key500"), "b");
	assert_string_equal(catalogue_tag_value(f->c, slot, "key19999"), "c");
	assert_int_equal(catalogue_key_number(f->c, "Name"), name);
	assert_string_equal(catalogue_key_text(f->c, env), "env");
	assert_null(catalogue_key_text(f->c, 1 << 20));
	memset(long_key, 'k', sizeof(long_key) - 1);
	long_key[sizeof(long_key) - 1] = '\0';
	assert_int_equal(catalogue_key_number(f->c, long_key), UINT32_MAX);
	assert_int_equal(catalogue_key_number(f->c, ""), UINT32_MAX);
}

static void test_bounds_hold_against_absurd_records(void **state)
{
	static struct ec2_tag tags[1000];
	static char keys[1000][8], text[70000], id[200];
	struct fixture *f = *state;
	struct ec2_snapshot s = plain(ID);
	struct catalogue_snapshot got;
	catalogue_slot slot;

	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		tags[i] = (struct ec2_tag){keys[i], "v"};
	}
	/* The 4096th byte falls into a character of two bytes. */
	memset(text, 'a', sizeof(text) - 1);
	for (size_t i = 1; i + 1 < sizeof(text) - 1; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	tags[2].value = text;
	tags[3].key = text;
	tags[4].key = "";
	tags[5].key = NULL;
	tags[6].key = "k0"; /* twice: the first one counts */
	tags[6].value = "other";
	tags[7].value = NULL;
	s.tags = tags;
	s.n_tags = ARRAY_LEN(tags);
	s.description = text;
	s.progress = 1000;
	slot = put(f, &s, 0);
	assert_true(catalogue_get(f->c, slot, &got));
	assert_int_equal(got.n_tags, 128);
	assert_int_equal(strlen(got.description), 4095);
	assert_memory_equal(got.description, text, 4095);
	assert_int_equal(strlen(catalogue_tag_value(f->c, slot, "k2")), 4095);
	assert_string_equal(catalogue_tag_value(f->c, slot, "k0"), "v");
	assert_string_equal(catalogue_tag_value(f->c, slot, "k7"), "");
	assert_int_equal(got.progress, EC2_PROGRESS_UNKNOWN);
	memset(id, 'a', sizeof(id) - 1);
	s.id = id;
	assert_int_equal(members_put(&f->m, &s, 0), CATALOGUE_NONE);
	s.id = NULL;
	assert_int_equal(members_put(&f->m, &s, 0), CATALOGUE_NONE);
	assert_int_equal(catalogue_slots(f->c), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_gives_back_what_was_put),
		TEST(test_absent_texts_are_empty_and_unknown_slots_are_refused),
		TEST(test_a_copy_is_known_by_its_transfer_type_or_volume),
		TEST(test_tells_only_real_differences),
		TEST(test_a_listing_removes_what_it_lacks_and_slots_stay),
		TEST(test_what_was_made_is_not_gone_before_its_time),
		TEST(test_what_was_deleted_is_not_back_before_its_time),
		TEST(test_our_tags_win_until_their_time),
		TEST(test_keys_have_numbers_for_ever),
		TEST(test_bounds_hold_against_absurd_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
