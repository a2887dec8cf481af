/* SPDX-License-Identifier: MIT */
/* Whether a journal is all that it was when it was last written. */
#include "journal_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "journal_rows.h"
#include "journal_wal.h"
#include "log.h"
#include "statedir.h"

/* --- the files --- */

/* The file's descriptor and size; *fd is -1 and the size 0 if there is none. */
static int open_one(int folder, const char *path, int *fd, off_t *size, struct err *err)
{
	struct stat st;

	*size = 0;
	*fd = statedir_file(folder, path, O_RDONLY, err);
	if (*fd == -ENOENT) {
		*fd = -1;
		return 0;
	}
	if (*fd < 0)
		return *fd;
	if (fstat(*fd, &st) < 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	*size = st.st_size;
	return 0;
}

/* SQLite opens these by their names. That is as good as by the folder's descriptor: nobody else can
 * change the folder, or the way to it (statedir.h). */
static int check_beside(int folder, const char *path, const char *suffix, struct err *err)
{
	_cleanup_free_ char *name = NULL;

	if (asprintf(&name, "%s%s", path, suffix) < 0) {
		name = NULL;
		return err_set(err, ENOMEM, "out of memory");
	}
	return statedir_check(folder, name, err);
}

/* SQLite makes the database's first page before it begins a log. */
static int check_empty(
	const char *path, off_t log_size, const struct journal_commits *commits, struct err *err)
{
	if (log_size)
		return err_set(err, EINVAL,
			"the journal %s is missing or empty, but its log %s-wal is there", path,
			path);
	if (commits->count)
		return err_set(err, EINVAL,
			"the journal %s is missing or empty, but %" PRIu64
			" transactions were written to it",
			path, commits->count);
	return 0;
}

int journal_verify_files(
	int folder, const char *path, const struct journal_commits *commits, struct err *err)
{
	_cleanup_close_ int db = -1, log = -1;
	_cleanup_free_ char *log_path = NULL;
	enum journal_wal state;
	off_t size, log_size;
	int r;

	if (asprintf(&log_path, "%s-wal", path) < 0) {
		log_path = NULL;
		return err_set(err, ENOMEM, "out of memory");
	}
	r = open_one(folder, path, &db, &size, err);
	if (r == 0)
		r = open_one(folder, log_path, &log, &log_size, err);
	if (r == 0)
		r = check_beside(folder, path, "-shm", err);
	if (r == 0)
		r = check_beside(folder, path, "-journal", err);
	if (r == 0 && !size)
		r = check_empty(path, log_size, commits, err);
	if (r < 0 || log < 0)
		return r;
	r = journal_wal_read(log, log_path, &state, err);
	if (r == 0 && state == JOURNAL_WAL_BROKEN)
		return err_set(err, EINVAL,
			"the journal's log %s has transactions behind a damaged one", log_path);
	/* With a count it is known whether the log's transactions are missing. */
	if (r == 0 && state == JOURNAL_WAL_HEADLESS && !commits->known)
		return err_set(err, EINVAL, "the journal's log %s has no valid header", log_path);
	return r;
}

/* --- the rows --- */

static int check_table(
	struct journal_db *db, const struct journal_table *table, uint64_t *sum, struct err *err)
{
	int64_t wrong = 0;
	int r = journal_db_sum(db, table, sum, &wrong, err);

	if (r < 0 || !wrong)
		return r;
	return err_set(err, EINVAL,
		"the journal %s: row %" PRId64 " of its %s has a wrong checksum",
		journal_db_path(db), wrong, table->name);
}

static int check_counts(struct journal_db *db, uint64_t sum, bool has_sums,
	const struct journal_commits *commits, struct err *err)
{
	int64_t kept = 0, count = 0;
	int r = 0;

	if (has_sums)
		r = journal_db_counts(db, &count, &kept, err);
	if (r < 0)
		return r;
	if ((uint64_t)count < commits->count)
		return err_set(err, EINVAL,
			"the journal %s lacks the last %" PRIu64 " of %" PRIu64
			" transactions that were written to it",
			journal_db_path(db), commits->count - (uint64_t)count, commits->count);
	if (has_sums && (uint64_t)kept != sum)
		return err_set(err, EINVAL, "the journal %s: rows are missing, or are old ones",
			journal_db_path(db));
	return 0;
}

int journal_verify_rows(struct journal_db *db, bool has_sums, const struct journal_commits *commits,
	struct err *err)
{
	uint64_t copies = 0, receipts = 0;
	int r = 0;

	if (has_sums && !commits->known)
		log_warning("%s is %s: should the journal's newest transactions be missing, it "
			    "would not show",
			"journal.commits", commits->fd < 0 ? "missing" : "damaged");
	if (has_sums)
		r = check_table(db, &journal_rows_copies, &copies, err);
	if (r == 0 && has_sums)
		r = check_table(db, &journal_rows_receipts, &receipts, err);
	return r < 0 ? r : check_counts(db, copies + receipts, has_sums, commits, err);
}
