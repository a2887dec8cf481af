/* SPDX-License-Identifier: MIT */
/* A journal in a directory of its own, and rows for it. */
#include "journal_fixture.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cleanup.h"
#include "loop.h"

int journal_fixture_set_up(void **state)
{
	struct journal_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(loop_init(&f->loop), 0);
	/* Where a sync costs nothing, if there is such a place. */
	snprintf(f->dir, sizeof(f->dir), "%s/ebsfs-journal-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->db, sizeof(f->db), "%s/journal.db", f->dir);
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void journal_fixture_remove(const char *dir)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int journal_fixture_tear_down(void **state)
{
	struct journal_fixture *f = *state;

	journal_close(f->j);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	journal_fixture_remove(f->dir);
	free(f);
	return 0;
}

void journal_fixture_open(struct journal_fixture *f)
{
	struct err err = {0};

	if (journal_open(&f->loop, f->dir, "111122223333", &f->j, &err) < 0)
		fail_msg("%s", err.message);
}

void journal_fixture_close(struct journal_fixture *f)
{
	journal_close(f->j);
	f->j = NULL;
	uv_run(&f->loop, UV_RUN_DEFAULT);
}

void journal_fixture_reopen(struct journal_fixture *f)
{
	journal_fixture_close(f);
	journal_fixture_open(f);
}

void journal_fixture_refused(
	struct journal_fixture *f, const char *account, int errnum, struct err *err)
{
	struct journal *j = NULL;

	*err = (struct err){0};
	assert_int_equal(journal_open(&f->loop, f->dir, account, &j, err), -errnum);
	assert_null(j);
	assert_int_equal(err->errnum, errnum);
	assert_true(strlen(err->message) > 20);
}

void journal_fixture_done(void *arg, const struct err *err)
{
	struct journal_end *end = arg;

	end->called++;
	end->errnum = err ? err->errnum : 0;
	if (end->order)
		end->place = ++*end->order;
}

void journal_fixture_wait(struct journal_fixture *f, const struct journal_end *end)
{
	while (!end->called) {
		int alive = uv_run(&f->loop, UV_RUN_ONCE);

		assert_true(alive || end->called);
	}
	assert_int_equal(end->called, 1);
}

struct journal_copy journal_fixture_copy(int64_t id)
{
	static char token[40], source[40];

	snprintf(token, sizeof(token), "token-%lld", (long long)id);
	snprintf(source, sizeof(source), "snap-%017llx", (long long)id);
	return (struct journal_copy){
		.id = id,
		.token = token,
		.state = (char *)"queued",
		.source_region = (char *)"us-east-1",
		.source_id = source,
		.region = (char *)"eu-west-1",
		.description = (char *)"caf\xc3\xa9 'quoted'",
		.tags = (char *)"{\"a\":\"b\"}",
		.kms_key_id = (char *)"alias/dr",
		.encrypted = true,
		.completion_minutes = 60,
		.dry_run = id % 2,
		.move = true,
		.acknowledged = true,
		.submitted = true,
		.copy_id = (char *)"snap-1",
		.requested_ms = 1700000000001,
		.submitted_ms = 1700000000002,
		.started_ms = 1700000000003,
		.ended_ms = 1700000000004,
		.bytes = 1LL << 40,
		.attempts = 3,
		.code = (char *)"ResourceLimitExceeded",
		.message = (char *)"",
		.request_id = NULL,
		.untold = id % 2,
		.label = (char *)(id % 3 ? "weekly" : NULL),
		.adopted = id % 2,
		.deleted_ms = 1700000000005,
	};
}

struct journal_receipt journal_fixture_receipt(int64_t id, int64_t copy)
{
	return (struct journal_receipt){
		.id = id,
		.copy = copy,
		.region = (char *)"eu-west-1",
		.folder = (char *)"snapshots",
		.name = (char *)"nightly",
		.is_folder = true,
		.file_name = (char *)"nightly.snapshot",
		.text = (char *)"region: us-east-1\n...\n",
		.mode = 0100644,
		.uid = 4294967294u,
		.gid = 1000,
		.mtime_ns = -1700000000123456789,
		.mtime_set = true,
		.description = (char *)"nightly db",
		.tags = (char *)"{\"k\":\"v\"}",
		.file_mode = 0444,
	};
}

int journal_fixture_put(struct journal_fixture *f, int64_t id)
{
	struct journal_copy row = journal_fixture_copy(id);
	struct journal_end end = {0};

	assert_int_equal(journal_put_copy(f->j, &row, journal_fixture_done, &end), 0);
	journal_fixture_wait(f, &end);
	return end.errnum;
}

static void keep(int64_t **ids, size_t n, int64_t id)
{
	if ((n & (n - 1)) == 0)
		*ids = realloc(*ids, (n ? n * 2 : 1) * sizeof(**ids));
	assert_non_null(*ids);
	(*ids)[n] = id;
}

static int keep_copy(void *arg, const struct journal_copy *row)
{
	struct journal_ids *ids = arg;

	keep(&ids->copies, ids->n_copies++, row->id);
	return 0;
}

static int keep_receipt(void *arg, const struct journal_receipt *row)
{
	struct journal_ids *ids = arg;

	keep(&ids->receipts, ids->n_receipts++, row->id);
	return 0;
}

struct journal_ids journal_fixture_ids(struct journal_fixture *f)
{
	struct journal_ids ids = {0};
	struct err err = {0};

	if (journal_read(f->j, 0, keep_copy, keep_receipt, &ids, &err) < 0)
		fail_msg("%s", err.message);
	return ids;
}

void journal_fixture_ids_finish(struct journal_ids *ids)
{
	free(ids->copies);
	free(ids->receipts);
	*ids = (struct journal_ids){0};
}

int journal_fixture_has(const struct journal_ids *ids, int64_t copy)
{
	for (size_t i = 0; i < ids->n_copies; i++) {
		if (ids->copies[i] == copy)
			return 1;
	}
	return 0;
}

char *journal_fixture_slurp(const char *path, size_t *len)
{
	_cleanup_fclose_ FILE *file = fopen(path, "rb");
	char *data = malloc(1 << 20);

	assert_non_null(file);
	assert_non_null(data);
	*len = fread(data, 1, 1 << 20, file);
	return data;
}

void journal_fixture_spit(const char *path, const void *data, size_t len)
{
	_cleanup_fclose_ FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
}
