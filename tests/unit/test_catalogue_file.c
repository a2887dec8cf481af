/* SPDX-License-Identifier: MIT */
/* cache/catalogue_file, catalogue_block: a catalogue is read from disk exactly as it was written,
 * or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalogue.h"
#include "catalogue_block.h"
#include "catalogue_file.h"
#include "cleanup.h"
#include "isotime.h"
#include "members.h"

#define WHOSE "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Each catalogue with the account's own in it. */
static struct store {
	struct catalogue *c;
	struct members listed;
} stores[4];

static struct members *listed_in(const struct catalogue *c)
{
	for (size_t i = 0; i < ARRAY_LEN(stores); i++)
		if (stores[i].c == c)
			return &stores[i].listed;
	fail();
	return NULL;
}

static bool admit(void *arg, catalogue_slot slot)
{
	return catalogue_created(arg, slot, 0);
}

static struct catalogue *new_catalogue(void)
{
	struct catalogue *c = catalogue_create();

	assert_non_null(c);
	for (size_t i = 0; i < ARRAY_LEN(stores); i++)
		if (!stores[i].c) {
			stores[i].c = c;
			assert_int_equal(members_init(&stores[i].listed, c, admit, c), 0);
			return c;
		}
	fail();
	return NULL;
}

static void end_catalogue(struct catalogue *c)
{
	members_finish(listed_in(c));
	for (size_t i = 0; i < ARRAY_LEN(stores); i++)
		if (stores[i].c == c)
			stores[i].c = NULL;
	catalogue_destroy(c);
}

static void add(void *arg, catalogue_slot slot, bool listed)
{
	if (listed)
		assert_int_equal(members_add(arg, slot), 0);
}

enum presence { GONE, LISTED, UNLISTED };

static enum presence presence_in(const struct catalogue *c, catalogue_slot slot)
{
	if (!catalogue_exists(c, slot))
		return GONE;
	return members_has(listed_in(c), slot) ? LISTED : UNLISTED;
}

struct fixture {
	char folder[64], path[128];
	struct catalogue *c;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->folder, "/tmp/ebsfs-image-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/catalogue/xx-east-1", f->folder);
	f->c = new_catalogue();
	assert_non_null(f->c);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char path[160];

	snprintf(path, sizeof(path), "%s.new", f->path);
	unlink(path);
	unlink(f->path);
	snprintf(path, sizeof(path), "%s/catalogue", f->folder);
	rmdir(path);
	assert_int_equal(rmdir(f->folder), 0);
	end_catalogue(f->c);
	free(f);
	return 0;
}

static catalogue_slot put(struct catalogue *c, unsigned i, enum presence presence)
{
	char id[40], name[40];
	struct ec2_tag tags[] = {{"Name", name}, {"empty", ""}, {"ünï/cöde %", "wört\nzwei"}};
	struct ec2_field fields[] = {{"StorageTier", "standard"}, {"SseType", "sse-ebs"}};
	struct ec2_snapshot s = {.id = id,
		.volume_id = "vol-ffffffff",
		.state_text = "pending",
		.state_message = i % 3 ? "" : "why",
		.state = EC2_SNAPSHOT_PENDING,
		.owner_id = "123456789012",
		.description = i % 2 ? "two\twords \"and\" \\ more" : "",
		.kms_key_id = "key",
		.progress = i % 100,
		.start_ms = 1700000000000 + i,
		.volume_gib = i,
		.full_size = i % 5 ? (int64_t)i * 4096 : -1,
		.encryption = i % 3,
		.flaws = i % 16,
		.tags = tags,
		.n_tags = i % 4,
		.fields = fields,
		.n_fields = i % 3};

	snprintf(id, sizeof(id), "snap-%016x", i);
	snprintf(name, sizeof(name), "name %u", i);
	return presence == LISTED ? members_put(listed_in(c), &s, 0) : catalogue_put(c, &s, 0);
}

static int64_t load_facts(const char *path, struct catalogue *into, struct err *err)
{
	_cleanup_buf_ struct buf block = BUF_INIT;
	struct catalogue_file_facts facts;
	struct catalogue_file *f = catalogue_file_open(path, WHOSE, &facts, err);
	int r;

	if (!f)
		return -err->errnum;
	while ((r = catalogue_file_next(f, &block, err)) > 0) {
		r = catalogue_read(into, block.data, block.len, add, listed_in(into));
		assert_int_equal(r, 0);
	}
	catalogue_file_close(f);
	assert_int_equal(r, 0);
	return facts.listed_ms;
}

static int save(const struct fixture *f, struct catalogue *c, int64_t listed_ms)
{
	_cleanup_buf_ struct buf block = BUF_INIT;
	struct catalogue_block_writer *w = catalogue_block_writer_create();
	struct catalogue_file_facts facts = {.scope = WHOSE, .listed_ms = listed_ms};
	struct catalogue_file *file;
	catalogue_slot slot = 0;
	struct err err;
	int n;

	assert_non_null(w);
	file = catalogue_file_create(f->path, &err);
	assert_non_null(file);
	while ((n = catalogue_write(c, &listed_in(c)->set, w, &slot, &block)) > 0)
		assert_int_equal(catalogue_file_add(file, &block, &err), 0);
	assert_int_equal(n, 0);
	catalogue_block_writer_destroy(w);
	catalogue_counts(c, &facts.ids, &facts.texts);
	return catalogue_file_commit(file, &facts, &err);
}

static void assert_text(const char *a, const char *b)
{
	assert_string_equal(a, b);
}

static void assert_same(
	const struct catalogue *a, catalogue_slot i, const struct catalogue *b, catalogue_slot j)
{
	struct catalogue_snapshot x, y;
	struct ec2_tag s, t;
	struct ec2_field u, v;
	unsigned n;

	assert_true(catalogue_get(a, i, &x) && catalogue_get(b, j, &y));
	assert_text(x.id, y.id);
	assert_text(x.volume_id, y.volume_id);
	assert_text(x.state_text, y.state_text);
	assert_text(x.state_message, y.state_message);
	assert_text(x.owner_id, y.owner_id);
	assert_text(x.description, y.description);
	assert_text(x.kms_key_id, y.kms_key_id);
	assert_true(x.state == y.state && presence_in(a, i) == presence_in(b, j) &&
		    x.progress == y.progress && x.start_ms == y.start_ms &&
		    x.completion_ms == y.completion_ms && x.volume_gib == y.volume_gib &&
		    x.full_size == y.full_size && x.encryption == y.encryption &&
		    x.flaws == y.flaws && x.is_copy == y.is_copy && x.n_tags == y.n_tags);
	for (n = 0; catalogue_tag(a, i, n, &s); n++) {
		assert_true(catalogue_tag(b, j, n, &t));
		assert_text(s.key, t.key);
		assert_text(s.value, t.value);
	}
	assert_false(catalogue_tag(b, j, n, &t));
	for (n = 0; catalogue_field(a, i, n, &u); n++) {
		assert_true(catalogue_field(b, j, n, &v));
		assert_text(u.name, v.name);
		assert_text(u.value, v.value);
	}
	assert_false(catalogue_field(b, j, n, &v));
}

/* More than one block, with ones that are gone and ones that are not listed. */
static void test_what_is_shown_comes_back(void **state)
{
	struct fixture *f = *state;
	struct catalogue *back = new_catalogue();
	catalogue_slot at = 0;
	struct err err;

	for (unsigned i = 0; i < 3 * CATALOGUE_BLOCK_RECORDS; i++)
		put(f->c, i, i % 7 ? LISTED : UNLISTED);
	for (unsigned i = 0; i < 3 * CATALOGUE_BLOCK_RECORDS; i += 10)
		catalogue_absent(f->c, i, 0);
	assert_int_equal(save(f, f->c, 1234567), 0);
	assert_int_equal(load_facts(f->path, back, &err), 1234567);
	assert_int_equal(listed_in(back)->count, listed_in(f->c)->count);
	for (catalogue_slot slot = 0; slot < catalogue_slots(f->c); slot++) {
		if (presence_in(f->c, slot) == GONE)
			continue;
		assert_same(f->c, slot, back, at);
		assert_true(catalogue_from_disk(back, at));
		assert_int_equal(catalogue_find(back, catalogue_id(back, at)), CATALOGUE_NONE);
		assert_int_equal(catalogue_find_shown(back, catalogue_id(back, at)), at);
		at++;
	}
	assert_int_equal(catalogue_slots(back), at);
	end_catalogue(back);
}

static void test_the_most_that_one_can_have(void **state)
{
	struct fixture *f = *state;
	struct catalogue *back = new_catalogue();
	static char keys[PAIR_LIST_MAX][40], value[RECORDS_TEXT_MAX + 1];
	struct ec2_tag tags[PAIR_LIST_MAX];
	struct ec2_field fields[PAIR_LIST_MAX - 4];
	struct ec2_snapshot s = {.id = "snap-0123456789abcdef0",
		.description = value,
		.tags = tags,
		.n_tags = ARRAY_LEN(tags),
		.fields = fields,
		.n_fields = ARRAY_LEN(fields)};
	struct err err;

	memset(value, 'x', RECORDS_TEXT_MAX);
	for (unsigned i = 0; i < ARRAY_LEN(tags); i++) {
		snprintf(keys[i], sizeof(keys[i]), "key %u", i);
		tags[i] = (struct ec2_tag){keys[i], value + i};
		if (i < ARRAY_LEN(fields))
			fields[i] = (struct ec2_field){keys[i], value + 2 * i};
	}
	/* Several, so that blocks end for their size. */
	for (unsigned i = 0; i < 40; i++) {
		char id[40];

		snprintf(id, sizeof(id), "snap-%017x", i);
		s.id = id;
		value[0] = (char)('a' + i % 26);
		assert_int_equal(members_put(listed_in(f->c), &s, 0), i);
	}
	assert_int_equal(save(f, f->c, 1), 0);
	assert_int_equal(load_facts(f->path, back, &err), 1);
	for (catalogue_slot slot = 0; slot < 40; slot++)
		assert_same(f->c, slot, back, slot);
	end_catalogue(back);
}

/* Whoever decides sees nothing until EC2 has spoken; who watches hears what EC2 said, and no more.
 */
struct seen {
	unsigned count[CATALOGUE_CONFIRMED + 1];
};

static void watch(void *arg, enum catalogue_change change, catalogue_slot slot)
{
	(void)slot;
	((struct seen *)arg)->count[change]++;
}

static void test_ec2s_word_replaces_the_disks(void **state)
{
	struct fixture *f = *state;
	struct catalogue *back = new_catalogue();
	struct seen seen = {{0}};
	catalogue_slot slot;
	struct err err;

	for (unsigned i = 0; i < 4; i++)
		put(f->c, i, LISTED);
	put(f->c, 9, UNLISTED);
	assert_int_equal(save(f, f->c, 1), 0);
	catalogue_watch(back, watch, &seen);
	/* What EC2 said before the disk was read stays. */
	slot = put(back, 3, LISTED);
	catalogue_absent(back, slot, 0);
	assert_int_equal(load_facts(f->path, back, &err), 1);
	assert_int_equal(presence_in(back, slot), GONE);
	assert_int_equal(listed_in(back)->count, 3);
	assert_int_equal(catalogue_changes(back), 2);
	seen = (struct seen){{0}};

	members_begin(listed_in(back));
	put(back, 0, LISTED);
	members_put(listed_in(back),
		&(struct ec2_snapshot){.id = "snap-0000000000000001", .full_size = -1}, 0);
	put(back, 5, LISTED);
	members_end(listed_in(back), 0);
	assert_int_equal(seen.count[CATALOGUE_CONFIRMED], 1);
	assert_int_equal(seen.count[CATALOGUE_CHANGED], 1);
	assert_int_equal(seen.count[CATALOGUE_ADDED], 1);
	assert_int_equal(seen.count[CATALOGUE_REMOVED], 1);
	assert_int_equal(catalogue_changes(back), 5);
	assert_int_not_equal(catalogue_find(back, "snap-0000000000000000"), CATALOGUE_NONE);
	assert_true(catalogue_from_disk(back, catalogue_find_shown(back, "snap-0000000000000009")));
	catalogue_forget_disk(back);
	assert_int_equal(
		presence_in(back, catalogue_find_shown(back, "snap-0000000000000009")), GONE);
	end_catalogue(back);
}

/* What ebsfs itself did wins over the disk as over EC2's stale answers. */
static void test_holds_win_over_the_disk(void **state)
{
	struct fixture *f = *state;
	struct catalogue *back = new_catalogue();
	struct ec2_snapshot made = {.id = "snap-0000000000000001", .full_size = -1};
	struct err err;

	put(f->c, 1, LISTED);
	put(f->c, 2, LISTED);
	assert_int_equal(save(f, f->c, 1), 0);
	catalogue_override_deleted(back, put(back, 2, LISTED), 0);
	assert_int_equal(load_facts(f->path, back, &err), 1);
	assert_int_equal(presence_in(back, catalogue_find(back, "snap-0000000000000002")), GONE);
	catalogue_override_created(back, &made, 0);
	assert_int_not_equal(catalogue_find(back, made.id), CATALOGUE_NONE);
	members_begin(listed_in(back));
	members_end(listed_in(back), 0);
	assert_int_equal(listed_in(back)->count, 1);
	end_catalogue(back);
}

/* --- the file --- */

static char *slurp(const char *path, size_t *len)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	char *data;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	*len = (size_t)st.st_size;
	data = malloc(*len + 1);
	assert_int_equal(read(fd, data, *len), *len);
	close(fd);
	return data;
}

static void spill(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static void assert_not_read(const char *path)
{
	struct catalogue_file_facts facts;
	struct err err = {0};

	assert_null(catalogue_file_open(path, WHOSE, &facts, &err));
	assert_true(err.errnum == EBADMSG || err.errnum == ESTALE);
}

static void test_every_damage_shows(void **state)
{
	struct fixture *f = *state;
	char *data;
	size_t len;

	for (unsigned i = 0; i < 3; i++)
		put(f->c, i, LISTED);
	assert_int_equal(save(f, f->c, 1), 0);
	data = slurp(f->path, &len);
	for (size_t i = 0; i < len; i++) {
		spill(f->path, data, i); /* cut */
		assert_not_read(f->path);
	}
	for (size_t i = 0; i < len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			data[i] ^= (char)(1 << bit);
			spill(f->path, data, len);
			assert_not_read(f->path);
			data[i] ^= (char)(1 << bit);
		}
	data = realloc(data, len + 1);
	data[len] = 0;
	spill(f->path, data, len + 1);
	assert_not_read(f->path);
	free(data);
}

static void test_others_are_not_read(void **state)
{
	struct fixture *f = *state;
	struct catalogue_file_facts facts;
	struct err err;

	assert_null(catalogue_file_open(f->path, WHOSE, &facts, &err));
	assert_int_equal(err.errnum, ENOENT);
	put(f->c, 1, LISTED);
	assert_int_equal(save(f, f->c, 1), 0);
	assert_null(catalogue_file_open(f->path, "somebody else", &facts, &err));
	assert_int_equal(err.errnum, ESTALE);
}

static void test_unfinished_leaves_the_old_one(void **state)
{
	struct fixture *f = *state;
	struct catalogue *back = new_catalogue();
	struct buf block = BUF_INIT;
	struct catalogue_file *file;
	struct err err;

	put(f->c, 1, LISTED);
	assert_int_equal(save(f, f->c, 5), 0);
	buf_puts(&block, "half");
	file = catalogue_file_create(f->path, &err);
	assert_non_null(file);
	assert_int_equal(catalogue_file_add(file, &block, &err), 0);
	assert_int_equal(load_facts(f->path, back, &err), 5); /* as if it died now */
	catalogue_file_discard(file);
	assert_int_equal(load_facts(f->path, back, &err), 5);
	buf_finish(&block);
	end_catalogue(back);
}

static void test_what_cannot_be_put_there_is_gone(void **state)
{
	struct fixture *f = *state;
	char path[160];

	put(f->c, 1, LISTED);
	assert_int_equal(save(f, f->c, 5), 0);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(save(f, f->c, 6), -EISDIR);
	snprintf(path, sizeof(path), "%s.new", f->path);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rmdir(f->path), 0);
}

/* A time that is no date would overflow ages and durations. */
static void test_a_time_that_is_no_date_is_damage(void **state)
{
	static const struct {
		int64_t start_ms, completion_ms;
		int result;
	} table[] = {
		{ISOTIME_MIN_MS, ISOTIME_MAX_MS, 0},
		{INT64_MIN, 0, -EINVAL},
		{0, INT64_MAX, -EINVAL},
		{ISOTIME_MAX_MS + 1, 0, -EINVAL},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct catalogue *c = new_catalogue(), *back = new_catalogue();
		struct catalogue_block_writer *w = catalogue_block_writer_create();
		_cleanup_buf_ struct buf block = BUF_INIT;
		struct ec2_snapshot s = {.id = "snap-0a1b2c3d",
			.volume_id = "vol-ffffffff",
			.state_text = "completed",
			.state_message = "",
			.owner_id = "",
			.description = "",
			.kms_key_id = "",
			.start_ms = table[i].start_ms,
			.completion_ms = table[i].completion_ms};
		catalogue_slot slot = 0;

		members_put(listed_in(c), &s, 0);
		assert_int_equal(catalogue_write(c, &listed_in(c)->set, w, &slot, &block), 1);
		assert_int_equal(catalogue_read(back, block.data, block.len, add, listed_in(back)),
			table[i].result);
		catalogue_block_writer_destroy(w);
		end_catalogue(back);
		end_catalogue(c);
	}
	put(f->c, 1, LISTED);
	assert_int_equal(save(f, f->c, INT64_MIN), 0);
	assert_not_read(f->path);
}

static void test_a_stamp_changes_the_time_only(void **state)
{
	struct fixture *f = *state;
	struct catalogue *back = new_catalogue();
	struct err err;

	put(f->c, 1, LISTED);
	assert_int_equal(save(f, f->c, 5), 0);
	assert_int_equal(catalogue_file_stamp(f->path, WHOSE, 77, &err), 0);
	assert_int_equal(load_facts(f->path, back, &err), 77);
	assert_int_equal(listed_in(back)->count, 1);
	assert_int_equal(catalogue_file_stamp(f->path, "somebody else", 78, &err), -ESTALE);
	end_catalogue(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_shown_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_most_that_one_can_have, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_time_that_is_no_date_is_damage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_ec2s_word_replaces_the_disks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_holds_win_over_the_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_damage_shows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others_are_not_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_unfinished_leaves_the_old_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_cannot_be_put_there_is_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_stamp_changes_the_time_only, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
