/* SPDX-License-Identifier: MIT */
/* cache/blocks: disks read through an EBS of the test's own are what that EBS has, whatever becomes
 * of the cache; and no block is bought twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "aws_error.h"
#include "block_file.h"
#include "clock.h"
#include "disk.h"
#include "loop.h"

#define GIB     ((int64_t)1 << 30)
#define VOLUME  "vol-0000000a"
#define MONDAY  "snap-0000000a"
#define TUESDAY "snap-0000000b"
#define OTHER   "snap-0000000c"
#define AHEAD   70 /* blocks that may be read ahead */

/* --- an EBS --- */

static uint32_t volume_gib = 8;

/* Each third block exists. On Tuesday each tenth of them has changed. */
static bool block_exists(const char *snapshot, uint32_t index)
{
	(void)snapshot;
	return index % 3 == 0;
}

static bool block_changed(uint32_t index)
{
	return index % 30 == 0;
}

static void block_contents(const char *snapshot, uint32_t index, unsigned char *out)
{
	uint64_t seed = index * UINT64_C(0x9e3779b97f4a7c15);

	if (!strcmp(snapshot, TUESDAY) && block_changed(index))
		seed++;
	if (!strcmp(snapshot, OTHER))
		seed += 2;
	for (size_t i = 0; i < EBS_BLOCK_SIZE; i += 8) {
		uint64_t word = seed + i;

		memcpy(out + i, &word, 8);
	}
}

struct ebs {
	int unused;
};

struct aws_call {
	struct aws_call *prev, *next;
	bool list, changes;
	char snapshot[BLOCK_SNAPSHOT_SIZE], token[64];
	uint32_t start;
	ebs_block_done *block_done;
	ebs_page_done *page_done;
	void *arg;
};

static struct aws_call *calls;
static unsigned n_gets, n_lists, n_changes, gets_in_flight_max, lists_in_flight_max;
static unsigned generation; /* of tokens */
static bool unrelated;
static struct ebs ebs;
static uv_loop_t loop;

struct ebs_block *ebs_block_create(struct ebs *e)
{
	struct ebs_block *b = calloc(1, sizeof(*b));

	b->data = aligned_alloc(4096, EBS_BLOCK_SIZE);
	b->refs = 1;
	b->ebs = e;
	return b;
}

struct ebs_block *ebs_block_ref(struct ebs_block *block)
{
	block->refs++;
	return block;
}

void ebs_block_unref(struct ebs_block *block)
{
	if (!block || --block->refs)
		return;
	free(block->data);
	free(block);
}

static struct aws_call *call_add(const char *snapshot, void *arg)
{
	struct aws_call *call = calloc(1, sizeof(*call));

	snprintf(call->snapshot, sizeof(call->snapshot), "%s", snapshot);
	call->arg = arg;
	DL_APPEND(calls, call);
	return call;
}

struct aws_call *ebs_get_block(struct ebs *e, const char *region, const char *snapshot,
	uint32_t index, const char *token, ebs_block_done *done, void *arg)
{
	struct aws_call *call = call_add(snapshot, arg), *other;
	unsigned in_flight = 0;

	(void)e;
	assert_string_equal(region, "us-east-1");
	assert_true(block_exists(snapshot, index));
	snprintf(call->token, sizeof(call->token), "%s", token);
	call->start = index;
	call->block_done = done;
	n_gets++;
	DL_FOREACH(calls, other)
	in_flight += !other->list;
	if (in_flight > gets_in_flight_max)
		gets_in_flight_max = in_flight;
	return call;
}

struct aws_call *ebs_list_blocks(
	struct ebs *e, const struct ebs_list *in, ebs_page_done *done, void *arg)
{
	struct aws_call *call = call_add(in->snapshot, arg), *other;
	unsigned in_flight = 0;

	(void)e;
	call->list = true;
	call->changes = in->first;
	if (in->first) {
		assert_string_equal(in->first, MONDAY); /* the older one */
		assert_string_equal(in->snapshot, TUESDAY);
		n_changes++;
	}
	call->start = in->page_token ? (uint32_t)strtoul(in->page_token, NULL, 10) : in->start;
	call->page_done = done;
	n_lists++;
	DL_FOREACH(calls, other)
	in_flight += other->list;
	if (in_flight > lists_in_flight_max)
		lists_in_flight_max = in_flight;
	return call;
}

void aws_cancel(struct aws_call *call)
{
	DL_DELETE(calls, call);
	free(call);
}

bool aws_error_is_token(const char *code)
{
	return !strcmp(code, "token");
}

bool aws_error_is_unrelated(const char *code)
{
	return !strcmp(code, "unrelated");
}

void ebs_page_destroy(struct ebs_page *page)
{
	if (!page)
		return;
	for (size_t i = 0; i < page->n_blocks; i++)
		free((char *)page->blocks[i].token);
	free(page->blocks);
	free((char *)page->next_token);
	free(page);
}

static char *page_token(uint32_t start)
{
	char *token;

	assert_true(asprintf(&token, "%u", start) > 0);
	return token;
}

/* Pages of at most 700 blocks, and an empty one now and then. */
static struct ebs_page *page_make(const struct aws_call *call)
{
	struct ebs_page *page = calloc(1, sizeof(*page));
	uint32_t i = call->start, end = volume_gib * 2048;

	page->blocks = calloc(700, sizeof(*page->blocks));
	if (i % 7 == 1) {
		page->next_token = page_token(i + 1);
		return page;
	}
	for (; i < end && page->n_blocks < 700; i++) {
		char *token;

		if (!block_exists(call->snapshot, i) || (call->changes && !block_changed(i)))
			continue;
		assert_true(asprintf(&token, "%u.%u", generation, i) > 0);
		page->blocks[page->n_blocks++] = (struct ebs_listed){.index = i, .token = token};
	}
	if (i < end)
		page->next_token = page_token(i);
	return page;
}

static void call_answer(struct aws_call *call)
{
	struct err err;
	char token[64];

	DL_DELETE(calls, call);
	if (call->list && call->changes && unrelated) {
		err_set(&err, EINVAL, "unrelated");
		strcpy(err.code, "unrelated");
		call->page_done(call->arg, NULL, &err);
	} else if (call->list) {
		call->page_done(call->arg, page_make(call), NULL);
	} else if (snprintf(token, sizeof(token), "%u.%u", generation, call->start),
		strcmp(token, call->token) != 0) {
		err_set(&err, EINVAL, "the token has ended");
		strcpy(err.code, "token");
		err.http_status = 400;
		call->block_done(call->arg, NULL, 0, &err);
	} else {
		struct ebs_block *block = ebs_block_create(&ebs);

		block_contents(call->snapshot, call->start, block->data);
		digest_sha256(block->data, EBS_BLOCK_SIZE, block->sha256);
		call->block_done(call->arg, block, 1, NULL);
	}
	free(call);
}

/* --- a mount --- */

static char dir[] = "/tmp/ebsfs-disk-XXXXXX";

struct mount {
	struct workers *workers;
	struct budget *budget;
	struct disks *disks;
};

static void mount_ready(void *arg)
{
	struct mount *m = arg;

	disks_resume(m->disks);
}

static void mount_begin_with(struct mount *m, double dollars, bool cache, int64_t cache_bytes)
{
	struct err err = {0};
	struct disks_options options = {.loop = &loop,
		.ebs = &ebs,
		.cache_dir = cache ? dir : NULL,
		.cache_scope = "111122223333",
		.cache_bytes = cache_bytes};

	m->workers = options.workers = workers_create(&loop, 2);
	assert_int_equal(budget_create(&(struct budget_options){.loop = &loop,
					       .dir = dir,
					       .dollars = dollars,
					       .ready = mount_ready,
					       .arg = m},
				 &m->budget, &err),
		0);
	options.budget = m->budget;
	m->disks = disks_create(&options);
	assert_non_null(m->disks);
	n_gets = n_lists = n_changes = gets_in_flight_max = lists_in_flight_max = 0;
}

static void mount_begin(struct mount *m)
{
	mount_begin_with(m, 1000, true, 0);
}

static void mount_close(struct mount *m)
{
	disks_destroy(m->disks);
	budget_destroy(m->budget);
}

static void mount_end(struct mount *m)
{
	mount_close(m);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_null(calls);
	workers_destroy(m->workers);
	uv_run(&loop, UV_RUN_DEFAULT);
}

static struct disk_reader *reader_open(struct mount *m, const char *snapshot)
{
	struct disk_facts facts = {.region = "us-east-1",
		.snapshot = snapshot,
		.volume = strcmp(snapshot, OTHER) ? VOLUME : "vol-0000000b",
		.start_ms = snapshot[strlen(snapshot) - 1] * 1000,
		.volume_gib = volume_gib};
	struct disk_reader *r;

	assert_int_equal(disk_open(m->disks, &facts, "test", &r), 0);
	assert_int_equal(disk_size(r), volume_gib * GIB);
	return r;
}

struct result {
	bool done;
	int errnum;
	int64_t found;
	unsigned char *data; /* NULL: not wanted */
	size_t len;
};

static void read_ended(void *arg, const struct disk_data *data, const struct err *err)
{
	struct result *result = arg;

	assert_false(result->done);
	result->done = true;
	result->errnum = err ? err->errnum : 0;
	for (int i = 0; data && i < data->n_parts; i++) {
		memcpy(result->data + result->len, data->parts[i].iov_base, data->parts[i].iov_len);
		result->len += data->parts[i].iov_len;
	}
	if (data)
		assert_int_equal(result->len, data->len);
}

/* Lets everything happen until *done. */
static void serve(const bool *done)
{
	while (!*done) {
		if (calls)
			call_answer(calls);
		uv_run(&loop, UV_RUN_NOWAIT);
		if (!calls && !*done)
			usleep(50);
	}
}

static void settle(void)
{
	static const bool never = true;

	while (calls)
		call_answer(calls);
	for (int i = 0; i < 200; i++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		if (calls)
			call_answer(calls);
		usleep(100);
	}
	serve(&never);
}

static int read_at(struct disk_reader *r, int64_t offset, size_t size, unsigned char *out)
{
	struct result result = {.data = out};
	bool ready;
	struct disk_read *read = disk_read(r, offset, size, read_ended, &result, &ready);

	assert_true(read ? !ready : ready);
	serve(&result.done);
	if (!result.errnum)
		assert_int_equal(result.len, size);
	return result.errnum;
}

/* Reads, and compares with what EBS has. */
static void check_read(struct disk_reader *r, const char *snapshot, int64_t offset, size_t size)
{
	unsigned char *found = malloc(size), *block = malloc(EBS_BLOCK_SIZE);

	assert_int_equal(read_at(r, offset, size, found), 0);
	for (size_t done = 0; done < size;) {
		uint32_t index = (uint32_t)((offset + (int64_t)done) / (int64_t)EBS_BLOCK_SIZE);
		size_t at = (size_t)((offset + (int64_t)done) % (int64_t)EBS_BLOCK_SIZE);
		size_t len = EBS_BLOCK_SIZE - at < size - done ? EBS_BLOCK_SIZE - at : size - done;

		if (block_exists(snapshot, index))
			block_contents(snapshot, index, block);
		else
			memset(block, 0, EBS_BLOCK_SIZE);
		assert_memory_equal(found + done, block + at, len);
		done += len;
	}
	free(block);
	free(found);
}

/* Backwards, so that nothing is read ahead. */
static void check_blocks(struct disk_reader *r, const char *snapshot, uint32_t from, uint32_t to)
{
	for (uint32_t i = to; i-- > from;)
		check_read(r, snapshot, (int64_t)i * (int64_t)EBS_BLOCK_SIZE + 100, 5000);
}

/* Reads blocks once, and lets them reach the cache. */
static void read_once(struct mount *m, const char *snapshot, uint32_t from, uint32_t to)
{
	struct disk_reader *r = reader_open(m, snapshot);

	check_blocks(r, snapshot, from, to);
	settle();
	disk_close(r);
}

static unsigned existing(uint32_t from, uint32_t to)
{
	unsigned n = 0;

	for (uint32_t i = from; i < to; i++)
		n += block_exists(MONDAY, i);
	return n;
}

/* --- the files --- */

static void file_path(char out[200], const char *ending)
{
	snprintf(out, 200, "%s/111122223333/us-east-1/%s.%s", dir, MONDAY, ending);
}

static int64_t data_bytes;

static int count_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_F && !strstr(path + ftw->base, "index"))
		data_bytes += (int64_t)st->st_blocks * 512;
	return 0;
}

/* The bytes that the cache's data use on disk. */
static int64_t cache_bytes(void)
{
	data_bytes = 0;
	nftw(dir, count_one, 16, FTW_PHYS);
	return data_bytes;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	unrelated = false;
	generation = 1;
	return loop_init(&loop);
}

static int teardown(void **state)
{
	(void)state;
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return uv_loop_close(&loop);
}

/* --- tests --- */

static void test_reads_are_what_ebs_has(void **state)
{
	struct mount m;
	struct disk_reader *r;
	unsigned char byte;
	bool ready;
	struct result result = {.data = &byte};

	(void)state;
	mount_begin(&m);
	r = reader_open(&m, MONDAY);
	srand(1);
	for (int i = 0; i < 300; i++)
		check_read(r, MONDAY, rand() % (40 * (int64_t)EBS_BLOCK_SIZE),
			(size_t)(rand() % (int)DISK_READ_MAX) + 1);
	assert_in_range(n_gets, existing(0, 41), existing(0, 42 + AHEAD));
	check_read(r, MONDAY, 8 * GIB - 10, 10);
	assert_null(disk_read(r, 8 * GIB, 1, read_ended, &result, &ready));
	assert_true(ready && result.done && result.len == 0);
	disk_close(r);
	mount_end(&m);
}

static void test_no_block_is_bought_twice(void **state)
{
	struct mount m;
	struct disk_reader *r;

	(void)state;
	for (int i = 0; i < 3; i++) {
		mount_begin(&m);
		r = reader_open(&m, MONDAY);
		check_blocks(r, MONDAY, 0, 60);
		settle();
		check_blocks(r, MONDAY, 0, 60);
		assert_int_equal(n_gets, i ? 0 : existing(0, 60));
		assert_int_equal(n_lists, i ? 0 : n_lists);
		disk_close(r);
		mount_end(&m);
	}
}

static void damage(const char *ending, off_t offset, bool hole)
{
	char path[200];
	int fd;

	file_path(path, ending);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	if (hole)
		assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
					 (off_t)EBS_BLOCK_SIZE),
			0);
	else
		assert_int_equal(pwrite(fd, "\x55", 1, offset), 1);
	close(fd);
}

static void test_damage_of_the_cache_is_never_shown(void **state)
{
	struct mount m;
	struct disk_reader *r;
	struct stat st;
	char path[200];

	(void)state;
	mount_begin(&m);
	r = reader_open(&m, MONDAY);
	check_blocks(r, MONDAY, 0, 90);
	settle();
	disk_close(r);
	mount_end(&m);

	damage("0", 3 * (off_t)EBS_BLOCK_SIZE + 777, false); /* a bit flipped */
	damage("0", 6 * (off_t)EBS_BLOCK_SIZE, true);        /* a page that was lost */
	mount_begin(&m);
	r = reader_open(&m, MONDAY);
	check_blocks(r, MONDAY, 0, 90);
	assert_int_equal(n_gets, 2);
	assert_int_equal(disks_stats(m.disks).mismatches, 2);
	settle();
	disk_close(r);
	mount_end(&m);

	/* The whole index at random, and the data cut off. */
	file_path(path, "index");
	assert_int_equal(stat(path, &st), 0);
	srand(2);
	for (int i = 0; i < 3000; i++)
		damage("index", rand() % st.st_size, false);
	file_path(path, "0");
	assert_int_equal(truncate(path, 50 * (off_t)EBS_BLOCK_SIZE + 5), 0);
	mount_begin(&m);
	r = reader_open(&m, MONDAY);
	check_blocks(r, MONDAY, 0, 90);
	disk_close(r);
	mount_end(&m);
}

/* While a disk is open its bytes are in the kernel's memory. Bytes that have left it are compared
 * again: they may be on disk otherwise than they were written. */
static void test_damage_under_an_open_disk_is_never_shown(void **state)
{
	struct mount m;
	struct disk_reader *r;
	char path[200];

	(void)state;
	mount_begin(&m);
	r = reader_open(&m, MONDAY);
	check_blocks(r, MONDAY, 0, 360); /* more than stay in ebsfs's memory */
	settle();
	damage("0", 300 * (off_t)EBS_BLOCK_SIZE, true);
	n_gets = 0;
	check_blocks(r, MONDAY, 200, 360);
	assert_int_equal(n_gets, 1);
	settle();
	check_blocks(r, MONDAY, 0, 360);
	assert_int_equal(n_gets, 1);
	file_path(path, "0");
	assert_int_equal(truncate(path, 50 * (off_t)EBS_BLOCK_SIZE + 5), 0);
	check_blocks(r, MONDAY, 0, 360);
	disk_close(r);
	mount_end(&m);
}

struct stall {
	uv_sem_t begin, end;
};

static void stall_run(void *arg)
{
	struct stall *stall = arg;

	uv_sem_post(&stall->begin);
	uv_sem_wait(&stall->end);
}

static void stall_done(void *arg)
{
	(void)arg;
}

/* While the cache's disk does not keep up, blocks stay in memory: not one is bought again, and no
 * more than some. */
static void test_a_slow_cache(void **state)
{
	struct mount m;
	struct disk_reader *r;
	struct stall stall;
	struct result results[150] = {{0}};
	bool ready;
	unsigned bought;

	(void)state;
	uv_sem_init(&stall.begin, 0);
	uv_sem_init(&stall.end, 0);
	mount_begin(&m);
	r = reader_open(&m, MONDAY);
	check_blocks(r, MONDAY, 1500, 1501); /* the window */
	settle();
	for (int i = 0; i < 2; i++)
		workers_run(m.workers, stall_run, stall_done, &stall);
	for (int i = 0; i < 2; i++)
		uv_sem_wait(&stall.begin);
	n_gets = 0;
	for (int i = 0; i < 150; i++) {
		results[i].data = malloc(1);
		disk_read(r, (149 - i) * 3 * (int64_t)EBS_BLOCK_SIZE, 1, read_ended, &results[i],
			&ready);
	}
	while (calls)
		call_answer(calls);
	bought = n_gets;
	assert_in_range(bought, 64, 128);
	for (int i = 0; i < 150; i++)
		assert_int_equal(results[i].done, i < (int)bought);
	for (int i = 0; i < (int)bought; i++)
		check_read(r, MONDAY, (149 - i) * 3 * (int64_t)EBS_BLOCK_SIZE, 1000);
	assert_int_equal(n_gets, bought);
	for (int i = 0; i < 2; i++)
		uv_sem_post(&stall.end);
	for (int i = 0; i < 150; i++) {
		serve(&results[i].done);
		assert_int_equal(results[i].errnum, 0);
		free(results[i].data);
	}
	settle();
	check_blocks(r, MONDAY, 0, 450);
	assert_int_equal(n_gets, 150);
	disk_close(r);
	mount_end(&m);
	uv_sem_destroy(&stall.begin);
	uv_sem_destroy(&stall.end);
}

/* Reads all over a disk need a window's list each. Not many are in memory at once, and one that is
 * refused does not keep the others waiting. */
static void test_many_windows_at_once(void **state)
{
	struct mount m;
	struct disk_reader *r;
	struct result results[40] = {{0}};
	unsigned char bytes[40];
	bool ready;

	(void)state;
	volume_gib = 400;
	mount_begin_with(&m, 50 * 0.0000006, false, 0);
	r = reader_open(&m, MONDAY);
	for (int i = 0; i < 40; i++) {
		results[i].data = &bytes[i];
		disk_read(r, (int64_t)i * WINDOW_BLOCKS * (int64_t)EBS_BLOCK_SIZE, 1, read_ended,
			&results[i], &ready);
	}
	for (int i = 0; i < 40; i++) {
		serve(&results[i].done);
		assert_true(results[i].errnum == 0 || results[i].errnum == EDQUOT);
	}
	assert_int_equal(results[39].errnum, EDQUOT);
	assert_in_range(n_lists, 10, 50);
	assert_int_equal(lists_in_flight_max, 4);
	disk_close(r);
	mount_end(&m);
	volume_gib = 8;
}

static void test_the_next_night_costs_its_changes(void **state)
{
	struct mount m;

	(void)state;
	mount_begin(&m);
	read_once(&m, MONDAY, 0, 600);
	n_gets = 0;
	for (int i = 0; i < 2; i++) { /* once more when most have left the memory */
		read_once(&m, TUESDAY, 0, 600);
		assert_int_equal(n_gets, 20); /* 0, 30, … */
		assert_int_equal(disks_stats(m.disks).shared, existing(0, 600) - 20);
	}
	mount_end(&m);

	unrelated = true;
	mount_begin(&m);
	read_once(&m, OTHER, 0, 30); /* another volume */
	assert_int_equal(n_gets, existing(0, 30));
	assert_int_equal(n_changes, 0);
	mount_end(&m);
}

static void test_snapshots_without_common_lineage(void **state)
{
	struct mount m;

	(void)state;
	unrelated = true;
	mount_begin(&m);
	read_once(&m, MONDAY, 0, 30);
	n_gets = 0;
	read_once(&m, TUESDAY, 0, 30);
	assert_int_equal(n_gets, existing(0, 30));
	assert_int_equal(n_changes, 1);
	mount_end(&m);
}

static void test_past_the_budget_only_the_cache_is_read(void **state)
{
	struct mount m;
	struct disk_reader *r;
	unsigned char byte;
	unsigned bought = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint32_t block = 300;

		mount_begin_with(&m, 0.0001, true, 0); /* 33 blocks less the lists */
		r = reader_open(&m, MONDAY);
		while (read_at(r, (int64_t)block * (int64_t)EBS_BLOCK_SIZE, 1, &byte) == 0)
			block--;
		assert_int_equal(
			read_at(r, (int64_t)block * (int64_t)EBS_BLOCK_SIZE, 1, &byte), EDQUOT);
		bought += n_gets;
		assert_in_range(bought, 25, 33);
		settle();
		check_blocks(r, MONDAY, block + 1, 300);
		disk_close(r);
		mount_end(&m);
	}
	assert_int_equal(n_gets, 0); /* the second mount knows what the first has spent */
}

static void test_an_ended_token_is_listed_anew_once(void **state)
{
	struct mount m;
	struct disk_reader *r;

	(void)state;
	mount_begin_with(&m, 1000, false, 0);
	r = reader_open(&m, MONDAY);
	check_read(r, MONDAY, 0, 10);
	n_lists = n_gets = 0;
	generation++;
	check_read(r, MONDAY, 3 * (int64_t)EBS_BLOCK_SIZE, 10);
	assert_int_equal(n_gets, 2);
	assert_in_range(n_lists, 1, 20); /* one window, in pages */
	disk_close(r);
	mount_end(&m);
}

/* Answers the latest call first, so that the new list is there before most of the old tokens have
 * failed. */
static void test_many_ended_tokens_cost_one_list(void **state)
{
	static struct result results[40];
	static unsigned char bytes[40];
	struct mount m;
	struct disk_reader *r;
	unsigned pages;
	bool ready;

	(void)state;
	mount_begin_with(&m, 1000, false, 0);
	r = reader_open(&m, MONDAY);
	check_read(r, MONDAY, 0, 10);
	pages = n_lists;
	generation++;
	n_lists = 0;
	for (int i = 0; i < 40; i++) {
		results[i] = (struct result){.data = &bytes[i]};
		disk_read(r, (100 + i) * 3 * (int64_t)EBS_BLOCK_SIZE, 1, read_ended, &results[i],
			&ready);
	}
	while (calls) {
		call_answer(calls->prev);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	for (int i = 0; i < 40; i++)
		assert_true(results[i].done && !results[i].errnum);
	/* The refused ones cost nothing. */
	assert_int_equal(n_gets, 1 + 40 + 40);
	assert_int_equal(budget_sums(m.budget, clock_wall_ms()).gets, 1 + 40);
	assert_int_equal(n_lists, pages);
	disk_close(r);
	mount_end(&m);
}

static void seek_ended(void *arg, int64_t found, const struct err *err)
{
	struct result *result = arg;

	assert_null(err);
	result->done = true;
	result->found = found;
}

static int64_t seek_at(struct disk_reader *r, int64_t offset, bool hole)
{
	struct result result = {0};
	bool ready;

	disk_seek(r, offset, hole, seek_ended, &result, &ready);
	serve(&result.done);
	return result.found;
}

static void test_data_and_holes_are_found(void **state)
{
	struct mount m;
	struct disk_reader *r;
	int64_t block = EBS_BLOCK_SIZE;

	(void)state;
	mount_begin(&m);
	r = reader_open(&m, MONDAY);
	assert_int_equal(seek_at(r, 5, false), 5);
	assert_int_equal(seek_at(r, 5, true), block);
	assert_int_equal(seek_at(r, block, false), 3 * block);
	assert_int_equal(seek_at(r, 3 * block + 7, true), 4 * block);
	assert_int_equal(seek_at(r, 16382 * block, false), 16383 * block);
	assert_int_equal(seek_at(r, 16383 * block, true), 8 * GIB);
	assert_int_equal(n_gets, 0);
	disk_close(r);
	mount_end(&m);
}

static void test_reading_ahead(void **state)
{
	struct mount m;
	struct disk_reader *r;

	(void)state;
	mount_begin_with(&m, 1000, false, 0);
	r = reader_open(&m, MONDAY);
	srand(3);
	for (int i = 0; i < 50; i++) /* at random: none is read ahead */
		check_read(r, MONDAY, (rand() % 4000) * 3 * (int64_t)EBS_BLOCK_SIZE, 4096);
	assert_in_range(n_gets, 40, 50);
	assert_int_equal(disks_stats(m.disks).ahead, 0);
	n_gets = 0;
	for (int64_t at = 0; at < 300 * (int64_t)EBS_BLOCK_SIZE; at += 131072)
		check_read(r, MONDAY, at, 131072);
	assert_true(disks_stats(m.disks).ahead > 50);
	assert_in_range(n_gets, existing(0, 300), existing(0, 300 + 200));
	disk_close(r);
	mount_end(&m);
}

static void test_many_readers_share_the_gets(void **state)
{
	static struct result results[400];
	static unsigned char bytes[400];
	struct mount m;
	struct disk_reader *r;
	bool ready;

	(void)state;
	mount_begin_with(&m, 1000, false, 0);
	r = reader_open(&m, MONDAY);
	check_read(r, MONDAY, 0, 1);
	for (int i = 0; i < 400; i++) {
		results[i] = (struct result){.data = &bytes[i]};
		disk_read(r, (i / 2 * 3) * (int64_t)EBS_BLOCK_SIZE, 1, read_ended, &results[i],
			&ready);
	}
	for (int i = 0; i < 400; i++) {
		serve(&results[i].done);
		assert_int_equal(results[i].errnum, 0);
	}
	assert_int_equal(n_gets, 200);
	assert_int_equal(gets_in_flight_max, 64);
	disk_close(r);
	mount_end(&m);
}

static void test_the_cache_keeps_to_its_size(void **state)
{
	struct mount m;
	struct disk_reader *r;
	int64_t max = 60 * (int64_t)EBS_BLOCK_SIZE;

	(void)state;
	for (int i = 0; i < 2; i++) {
		mount_begin_with(&m, 1000, true, max);
		r = reader_open(&m, i ? OTHER : MONDAY);
		for (uint32_t from = 0; from < 360; from += 90) {
			check_blocks(r, i ? OTHER : MONDAY, from, from + 90);
			settle();
			assert_in_range(disks_stats(m.disks).cache_used, 0, max);
			assert_in_range(cache_bytes(), 1, max + (int64_t)EBS_BLOCK_SIZE);
		}
		check_blocks(r, i ? OTHER : MONDAY, 0, 360);
		disk_close(r);
		mount_end(&m);
	}
}

static void test_two_mounts_share_one_cache(void **state)
{
	struct mount m, n;
	struct disk_reader *r, *s;

	(void)state;
	mount_begin(&m);
	r = reader_open(&m, MONDAY);
	check_blocks(r, MONDAY, 0, 30);
	settle();
	mount_begin(&n);
	s = reader_open(&n, MONDAY);
	check_blocks(s, MONDAY, 0, 30);
	assert_int_equal(n_gets, 0);
	check_blocks(s, MONDAY, 30, 60);
	assert_int_equal(n_gets, existing(30, 60));
	settle();
	check_blocks(r, MONDAY, 30, 60);
	disk_close(r);
	disk_close(s);
	mount_close(&n); /* its report is not due for a minute, which the loop would wait for */
	mount_end(&m);
	workers_destroy(n.workers);
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void test_the_end_comes_at_any_time(void **state)
{
	unsigned char *data = malloc(DISK_READ_MAX);

	(void)state;
	srand(4);
	for (int i = 0; i < 60; i++) {
		struct mount m;
		struct disk_reader *r;
		struct disk_read *read;
		struct result result = {.data = data};
		bool ready;

		mount_begin(&m);
		r = reader_open(&m, i % 2 ? MONDAY : TUESDAY);
		read = disk_read(
			r, (int64_t)(i / 3) * 700000, DISK_READ_MAX, read_ended, &result, &ready);
		for (int step = rand() % 60; step > 0; step--) {
			if (calls && rand() % 2)
				call_answer(calls);
			uv_run(&loop, UV_RUN_NOWAIT);
		}
		if (read && !result.done && i % 4 == 0)
			disk_read_cancel(read);
		disk_close(r);
		mount_end(&m);
	}
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reads_are_what_ebs_has, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_block_is_bought_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_damage_of_the_cache_is_never_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_damage_under_an_open_disk_is_never_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_slow_cache, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_windows_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_the_next_night_costs_its_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_snapshots_without_common_lineage, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_past_the_budget_only_the_cache_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_an_ended_token_is_listed_anew_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_many_ended_tokens_cost_one_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_data_and_holes_are_found, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reading_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_readers_share_the_gets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_cache_keeps_to_its_size, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_mounts_share_one_cache, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_end_comes_at_any_time, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
