/* SPDX-License-Identifier: MIT */
/* A journal in memory. */
#include "copy_disk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "copy_world.h"
#include "job_key.h"
#include "journal_rows.h"
#include "loop.h"
#include "request_key.h"

#define ROWS 4000

/* One put, until it is committed. */
struct put {
	struct journal_copy *copy;
	struct journal_receipt *receipt;
	bool only_state; /* of the copy's row: its state, message and deleted_ms */
	journal_done *done;
	journal_copy_done *read; /* the copy's row is only read */
	void *arg;
	struct put *next;
};

struct journal {
	struct journal_copy *copies[ROWS];
	struct journal_receipt *receipts[ROWS];
	int64_t next_copy, next_receipt;
	struct put *puts, **tail;
	struct loop_timer *timer;
};

static struct journal disk;

void journal_copy_finish(struct journal_copy *r)
{
	journal_rows_finish(&journal_rows_copies, r);
}

void journal_receipt_finish(struct journal_receipt *r)
{
	journal_rows_finish(&journal_rows_receipts, r);
}

/* NULL: out of memory. */
static struct journal_copy *dup_copy(const struct journal_copy *r)
{
	struct journal_copy *c = malloc(sizeof(*c));

	if (c && journal_copy_copy(c, r) == 0)
		return c;
	free(c);
	return NULL;
}

static struct journal_receipt *dup_receipt(const struct journal_receipt *r)
{
	struct journal_receipt *c = malloc(sizeof(*c));

	if (c && journal_receipt_copy(c, r) == 0)
		return c;
	free(c);
	return NULL;
}

static void free_copy(struct journal_copy *r)
{
	if (r)
		journal_copy_finish(r);
	free(r);
}

static void free_receipt(struct journal_receipt *r)
{
	if (r)
		journal_receipt_finish(r);
	free(r);
}

static void free_put(struct put *p)
{
	free_copy(p->copy);
	free_receipt(p->receipt);
	free(p);
}

static void set_state(struct journal_copy *from)
{
	struct journal_copy *row = disk.copies[from->id];

	assert_non_null(row);
	free(row->state);
	row->state = from->state;
	from->state = NULL;
	free(row->message);
	row->message = from->message;
	from->message = NULL;
	row->deleted_ms = from->deleted_ms;
}

static bool is_alive(const struct journal_copy *row)
{
	for (enum copy_state state = COPY_QUEUED; state < COPY_STATES; state++)
		if (!strcmp(row->state, copy_state_text(state)))
			return job_key_is_alive(state, row);
	return false;
}

/* One source, one destination, one label: one living copy. */
static void check_key(const struct journal_copy *row)
{
	char key[REQUEST_KEY_SIZE], others[REQUEST_KEY_SIZE];

	request_key(row, key);
	for (size_t i = 0; i < ROWS && is_alive(row); i++) {
		const struct journal_copy *other = disk.copies[i];

		if (!other || other->id == row->id || strcmp(request_key(other, others), key) != 0)
			continue;
		if (is_alive(other))
			fail_msg("copies %lld and %lld are of one request", (long long)other->id,
				(long long)row->id);
	}
}

static bool telling;

/* One transaction: all that was put. */
static void commit(void *arg)
{
	struct put *puts = disk.puts;
	struct err err;
	int error = world->disk_error;

	(void)arg;
	if (puts && ++world->commits == world->failing_commit)
		error = ENOSPC;
	disk.puts = NULL;
	disk.tail = &disk.puts;
	err_set(&err, error, "the disk says %s", strerror(error));
	for (struct put *p = puts; p && !error; p = p->next) {
		if (p->read) {
			assert_non_null(disk.copies[p->copy->id]);
		} else if (p->only_state) {
			set_state(p->copy);
		} else if (p->copy) {
			check_key(p->copy);
			free_copy(disk.copies[p->copy->id]);
			disk.copies[p->copy->id] = p->copy;
			p->copy = NULL;
		}
		if (p->receipt) {
			free_receipt(disk.receipts[p->receipt->id]);
			disk.receipts[p->receipt->id] = p->receipt;
			p->receipt = NULL;
		}
	}
	while (puts) {
		struct put *p = puts;

		puts = p->next;
		if (p->read && telling)
			p->read(p->arg, error ? NULL : disk.copies[p->copy->id],
				error ? &err : NULL);
		else if (p->done && telling)
			p->done(p->arg, error ? &err : NULL);
		free_put(p);
	}
}

static int put(struct journal *j, const struct journal_copy *copy, bool only_state,
	const struct journal_receipt *receipt, journal_done *done, void *arg)
{
	struct put *p = calloc(1, sizeof(*p));

	assert_true(!copy || copy->id < ROWS);
	assert_true(!receipt || receipt->id < ROWS);
	if (!p)
		return -ENOMEM;
	p->copy = copy ? dup_copy(copy) : NULL;
	p->receipt = receipt ? dup_receipt(receipt) : NULL;
	if ((copy && !p->copy) || (receipt && !p->receipt)) {
		free_put(p);
		return -ENOMEM;
	}
	p->only_state = only_state;
	p->done = done;
	p->arg = arg;
	*j->tail = p;
	j->tail = &p->next;
	if (!loop_timer_armed(j->timer))
		loop_timer_start(j->timer, world->commit_ms);
	return 0;
}

int journal_put_both(struct journal *j, const struct journal_copy *copy,
	const struct journal_receipt *receipt, journal_done *done, void *arg)
{
	return put(j, copy, false, receipt, done, arg);
}

int journal_set_copy_state(struct journal *j, int64_t id, const char *state, const char *message,
	int64_t deleted_ms, journal_done *done, void *arg)
{
	struct journal_copy row = {.id = id,
		.state = (char *)state,
		.message = (char *)message,
		.deleted_ms = deleted_ms};

	return put(j, &row, true, NULL, done, arg);
}

int journal_get_copy(struct journal *j, int64_t id, journal_copy_done *done, void *arg)
{
	struct journal_copy row = {.id = id};
	struct put **last = j->tail;

	if (put(j, &row, false, NULL, NULL, arg) < 0)
		return -ENOMEM;
	(*last)->read = done;
	return 0;
}

int journal_put_copy(
	struct journal *j, const struct journal_copy *row, journal_done *done, void *arg)
{
	return journal_put_both(j, row, NULL, done, arg);
}

int journal_put_receipt(
	struct journal *j, const struct journal_receipt *row, journal_done *done, void *arg)
{
	return journal_put_both(j, NULL, row, done, arg);
}

int64_t journal_next_copy_id(struct journal *j)
{
	return j->next_copy++;
}

int64_t journal_next_receipt_id(struct journal *j)
{
	return j->next_receipt++;
}

int journal_read(struct journal *j, int64_t ended_before_ms, journal_copy_fn *copy,
	journal_receipt_fn *receipt, void *arg, struct err *err)
{
	int result = 0;

	(void)ended_before_ms;
	(void)err;
	for (size_t i = 0; i < ROWS && !result; i++)
		if (j->copies[i])
			result = copy(arg, j->copies[i]);
	for (size_t i = 0; i < ROWS && !result; i++)
		if (j->receipts[i])
			result = receipt(arg, j->receipts[i]);
	return result;
}

void disk_start(void)
{
	disk = (struct journal){.next_copy = 1, .next_receipt = 1};
	disk.tail = &disk.puts;
	telling = true;
	disk.timer = loop_timer_create(NULL, commit, NULL);
}

void disk_end_writes(bool committed)
{
	int error = world->disk_error;

	loop_timer_stop(disk.timer);
	if (!committed)
		world->disk_error = EIO;
	telling = false;
	commit(NULL);
	telling = true;
	world->disk_error = error;
}

void disk_end(void)
{
	disk_end_writes(false);
	for (size_t i = 0; i < ROWS; i++) {
		free_copy(disk.copies[i]);
		free_receipt(disk.receipts[i]);
	}
	loop_timer_destroy(disk.timer);
}

struct journal *disk_journal(void)
{
	return &disk;
}

size_t world_rows(void)
{
	size_t n = 0;

	for (size_t i = 0; i < ROWS; i++)
		n += disk.copies[i] != NULL;
	return n;
}

const struct journal_copy *world_row(int64_t id)
{
	return disk.copies[id];
}

const struct journal_receipt *world_receipt(int64_t id)
{
	return disk.receipts[id];
}

int64_t world_put_row(const struct journal_copy *row)
{
	struct journal_copy *mine = dup_copy(row);

	mine->id = disk.next_copy++;
	if (!mine->label && mine->id > 1 &&
		asprintf(&mine->label, "row-%lld", (long long)mine->id) < 0)
		abort();
	disk.copies[mine->id] = mine;
	return mine->id;
}

void world_put_receipt(int64_t copy)
{
	struct journal_receipt row = {.id = disk.next_receipt++,
		.copy = copy,
		.region = disk.copies[copy]->region,
		.folder = (char *)"",
		.name = (char *)"r"};

	disk.receipts[row.id] = dup_receipt(&row);
}
