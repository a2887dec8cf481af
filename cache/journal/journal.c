/* SPDX-License-Identifier: MIT */
/* The journal: changes are gathered on the loop and committed in groups by the thread pool. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleanup.h"
#include "journal_db.h"
#include "journal_files.h"
#include "journal_rows.h"
#include "journal_schema.h"
#include "log.h"
#include "loop.h"
#include "statedir.h"

/* One change: up to two rows to write, or one receipt to delete; or a copy's row to read. */
struct change {
	bool has_copy, has_receipt;
	bool only_state; /* write only state, message and deleted_ms of the copy's row */
	struct journal_copy copy;
	struct journal_receipt receipt;
	int64_t delete_receipt; /* the receipt's id; 0: none */
	struct err *refused;    /* why the other rows forbid this change; NULL: they permit it */
	journal_done *done;
	journal_copy_done *read; /* not NULL: only read the copy's row, and call this */
	void *arg;
	struct change *next;
};

/* The changes of one transaction, in the thread pool. */
struct batch {
	struct journal *journal; /* NULL: closed meanwhile */
	struct journal_db *db;
	struct change *first;
	struct err err;   /* errnum 0: committed */
	uv_sem_t written; /* posted when the thread pool has written it */
};

/* A sync of journal.commits, in the thread pool. No change waits for it: a second sync per
 * transaction would double its time. */
struct commits_sync {
	struct journal *journal; /* NULL: closed meanwhile */
	struct journal_commits commits;
};

struct journal {
	uv_loop_t *loop;
	int lock_fd;
	struct journal_db *db;          /* used by the batch in flight, if there is one */
	struct journal_commits commits; /* the database's */
	struct commits_sync *commits_sync;
	bool sync_again; /* since `commits_sync` started */
	struct change *first, **last;
	struct batch *in_flight;
	struct loop_timer *turn; /* fires at the end of the loop iteration */
	int64_t last_copy, last_receipt;
	struct err last_error; /* errnum 0: the last write succeeded */
	bool *closed;          /* journal_close() sets it, for call_done() */
};

void journal_copy_finish(struct journal_copy *row)
{
	journal_rows_finish(&journal_rows_copies, row);
}

void journal_receipt_finish(struct journal_receipt *row)
{
	journal_rows_finish(&journal_rows_receipts, row);
}

static void change_destroy(struct change *c)
{
	journal_copy_finish(&c->copy);
	journal_receipt_finish(&c->receipt);
	free(c->refused);
	free(c);
}

static void changes_destroy(struct change *first)
{
	while (first) {
		struct change *next = first->next;

		change_destroy(first);
		first = next;
	}
}

/* --- writing: the parts that run in the thread pool --- */

static int write_copy(struct journal_db *db, struct change *c, struct err *err)
{
	int64_t id = c->copy.id;

	if (c->read) {
		journal_copy_finish(&c->copy);
		c->copy.id = id;
		return journal_db_read_copy(db, id, &c->copy, err);
	}
	if (c->only_state)
		return journal_db_set_state(db, &c->copy, err);
	return journal_db_put(db, &journal_rows_copies, &c->copy, err);
}

static int write_change(struct journal_db *db, struct change *c, struct err *err)
{
	int result = 0;

	if (c->has_copy)
		result = write_copy(db, c, err);
	if (result == 0 && c->has_receipt)
		result = journal_db_put(db, &journal_rows_receipts, &c->receipt, err);
	if (result == 0 && c->delete_receipt)
		result = journal_db_delete(db, &journal_rows_receipts, c->delete_receipt, err);
	return result;
}

/* Whether the error is about this change only (journal_db.h), not about the disk. */
static bool change_refuse(struct change *c, const struct err *err)
{
	if (err->errnum != EEXIST && err->errnum != ENOENT)
		return false;
	c->refused = malloc(sizeof(*c->refused));
	if (c->refused)
		*c->refused = *err;
	return c->refused;
}

/* Writes all changes except refused ones in one transaction, or none of them. Leaving out refused
 * changes keeps one caller's fault from losing the others' changes. err->errnum is 0 on success. */
static void commit_changes(struct journal_db *db, struct change *first, struct err *err)
{
	struct change *c;
	int result;

	do {
		result = journal_db_begin(db, err);
		for (c = result < 0 ? NULL : first; c; c = c->next) {
			if (!c->refused)
				result = write_change(db, c, err);
			if (result < 0)
				break;
		}
		if (result == 0)
			result = journal_db_commit(db, err);
		if (result == 0) {
			err->errnum = 0;
			return;
		}
		journal_db_rollback(db);
	} while (c && change_refuse(c, err));
	/* In journal_db.h EINVAL means damage; callers of the journal would take it for a wrong
	 * argument. */
	if (err->errnum == EINVAL)
		err->errnum = EIO;
}

static void batch_run(void *arg)
{
	struct batch *b = arg;

	commit_changes(b->db, b->first, &b->err);
	uv_sem_post(&b->written);
}

/* --- the loop's side --- */

static void batch_free(struct batch *b)
{
	changes_destroy(b->first);
	uv_sem_destroy(&b->written);
	free(b);
}

static void log_refused(const struct change *first)
{
	for (const struct change *c = first; c; c = c->next) {
		if (c->refused)
			log_error("%s", c->refused->message);
	}
}

/* Calls each change's done. Returns false if one of them closed the journal. */
static bool call_done(struct journal *j, const struct change *first, const struct err *err)
{
	bool closed = false;

	j->closed = &closed;
	for (const struct change *c = first; c && !closed; c = c->next) {
		const struct err *own = c->refused ? c->refused : err;

		if (c->read)
			c->read(c->arg, own ? NULL : &c->copy, own);
		else if (c->done)
			c->done(c->arg, own);
	}
	if (!closed)
		j->closed = NULL;
	return !closed;
}

static void commits_sync_run(void *arg)
{
	journal_commits_sync(&((struct commits_sync *)arg)->commits);
}

static void commits_sync_start(struct journal *j);

static void commits_sync_done(void *arg)
{
	struct commits_sync *c = arg;
	struct journal *j = c->journal;

	journal_commits_close(&c->commits);
	free(c);
	if (!j)
		return;
	j->commits_sync = NULL;
	if (j->sync_again)
		commits_sync_start(j);
}

/* Starts a sync of journal.commits, or another one after the sync in flight. A sync has its own
 * descriptor, so that journal_close() need not wait for it. */
static void commits_sync_start(struct journal *j)
{
	struct commits_sync *c;

	j->sync_again = true;
	if (j->commits_sync || j->commits.fd < 0)
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	c->journal = j;
	c->commits.fd = fcntl(j->commits.fd, F_DUPFD_CLOEXEC, 0);
	if (loop_work(j->loop, commits_sync_run, commits_sync_done, c) < 0) {
		journal_commits_close(&c->commits);
		free(c);
		return;
	}
	j->commits_sync = c;
	j->sync_again = false;
}

static void batch_start_next(void *arg);

static void batch_done(void *arg)
{
	struct batch *b = arg;
	struct journal *j = b->journal;

	if (j) {
		log_refused(b->first);
		j->in_flight = NULL;
		j->last_error = b->err;
		/* Start the next transaction before the callbacks of this one. */
		batch_start_next(j);
		commits_sync_start(j);
		call_done(j, b->first, b->err.errnum ? &b->err : NULL);
	}
	batch_free(b);
}

static void changes_fail(struct journal *j, struct change *first)
{
	struct err err;

	err_set(&err, ENOMEM, "the journal cannot be written: out of memory");
	j->last_error = err;
	call_done(j, first, &err);
	changes_destroy(first);
}

/* Writes all pending changes as one transaction. While a transaction is in flight, does nothing:
 * batch_done() calls this again. */
static void batch_start_next(void *arg)
{
	struct journal *j = arg;
	struct change *first = j->first;
	struct batch *b;

	if (j->in_flight || !first)
		return;
	j->first = NULL;
	j->last = &j->first;
	b = calloc(1, sizeof(*b));
	if (!b || uv_sem_init(&b->written, 0) < 0) {
		free(b);
		changes_fail(j, first);
		return;
	}
	b->journal = j;
	b->db = j->db;
	b->first = first;
	j->in_flight = b;
	if (loop_work(j->loop, batch_run, batch_done, b) == 0)
		return;
	j->in_flight = NULL;
	b->first = NULL;
	batch_free(b);
	changes_fail(j, first);
}

/* Creates a change that writes these rows; either may be NULL. NULL on ENOMEM. */
static struct change *change_create(
	const struct journal_copy *copy, const struct journal_receipt *receipt)
{
	struct change *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->has_copy = copy && journal_rows_copy(&journal_rows_copies, &c->copy, copy) == 0;
	c->has_receipt =
		receipt && journal_rows_copy(&journal_rows_receipts, &c->receipt, receipt) == 0;
	if ((copy && !c->has_copy) || (receipt && !c->has_receipt)) {
		change_destroy(c);
		return NULL;
	}
	return c;
}

/* Adds a change to the pending ones; c NULL: returns -ENOMEM. */
static int change_put(struct journal *j, struct change *c, journal_done *done, void *arg)
{
	if (!c)
		return -ENOMEM;
	c->done = done;
	c->arg = arg;
	*j->last = c;
	j->last = &c->next;
	if (!j->in_flight && !loop_timer_armed(j->turn))
		loop_timer_start(j->turn, 0);
	return 0;
}

int journal_put_copy(
	struct journal *j, const struct journal_copy *row, journal_done *done, void *arg)
{
	return change_put(j, change_create(row, NULL), done, arg);
}

int journal_put_receipt(
	struct journal *j, const struct journal_receipt *row, journal_done *done, void *arg)
{
	return change_put(j, change_create(NULL, row), done, arg);
}

int journal_delete_receipt(struct journal *j, int64_t id, journal_done *done, void *arg)
{
	struct change *c = change_create(NULL, NULL);

	if (c)
		c->delete_receipt = id;
	return change_put(j, c, done, arg);
}

int journal_put_both(struct journal *j, const struct journal_copy *copy,
	const struct journal_receipt *receipt, journal_done *done, void *arg)
{
	return change_put(j, change_create(copy, receipt), done, arg);
}

int journal_set_copy_state(struct journal *j, int64_t id, const char *state, const char *message,
	int64_t deleted_ms, journal_done *done, void *arg)
{
	struct journal_copy row = {.id = id,
		.state = (char *)state,
		.message = (char *)message,
		.deleted_ms = deleted_ms};
	struct change *c = change_create(&row, NULL);

	if (c)
		c->only_state = true;
	return change_put(j, c, done, arg);
}

int journal_get_copy(struct journal *j, int64_t id, journal_copy_done *done, void *arg)
{
	struct journal_copy row = {.id = id};
	struct change *c = change_create(&row, NULL);

	if (c)
		c->read = done;
	return change_put(j, c, NULL, arg);
}

int64_t journal_next_copy_id(struct journal *j)
{
	return ++j->last_copy;
}

int64_t journal_next_receipt_id(struct journal *j)
{
	return ++j->last_receipt;
}

const struct err *journal_last_error(const struct journal *j)
{
	return j->last_error.errnum ? &j->last_error : NULL;
}

/* --- opening and closing --- */

/* Checks all files and opens the database without writing to any. 0, or -errno with *err. */
static int check_untouched(
	struct journal *j, int folder, const char *path, const char *account, struct err *err)
{
	bool had_log = journal_files_has_log(folder, path);
	int result = journal_files_check(folder, path, &j->commits, err);

	if (result == -EINVAL)
		return journal_schema_damaged(err);
	if (result == 0)
		result = journal_files_make(folder, path, err);
	if (result == 0)
		result = journal_db_open(path, &j->db, err);
	if (result < 0)
		return result;
	result = journal_schema_check(j->db, &j->commits, account, err);
	/* EBUSY: another program has locked the database, and the log may be its. */
	if (result < 0 && result != -EBUSY && !had_log)
		journal_files_drop_log(folder, path);
	return result;
}

static int make_ready(
	struct journal *j, const char *account, struct journal_commits *commits, struct err *err)
{
	int result = journal_db_writable(j->db, err);

	if (result == 0)
		result = journal_schema_migrate(j->db, account, err);
	if (result == 0)
		result = journal_db_prepare(j->db, commits, err);
	if (result == 0)
		result = journal_db_last_id(j->db, &journal_rows_copies, &j->last_copy, err);
	if (result == 0)
		result = journal_db_last_id(j->db, &journal_rows_receipts, &j->last_receipt, err);
	return result;
}

static char *join_path(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static int open_dir(struct journal *j, const char *dir, const char *account, struct err *err)
{
	_cleanup_close_ int folder = statedir_take(dir, &j->lock_fd, err);
	_cleanup_free_ char *path = NULL, *commits = NULL;
	struct err why;
	int result;

	if (folder < 0)
		return folder;
	path = join_path(dir, "journal.db");
	commits = join_path(dir, "journal.commits");
	if (!path || !commits)
		return err_set(err, ENOMEM, "out of memory");
	result = journal_commits_open(folder, commits, &j->commits, err);
	if (result == 0)
		result = check_untouched(j, folder, path, account, err);
	if (result < 0)
		return result;
	/* journal.commits is created before the tables get their checksums. So if a journal has
	 * checksums but journal.commits is missing, the file was lost. */
	if (!j->commits.known && journal_commits_make(folder, commits, &j->commits, &why) < 0)
		log_warning("the journal's transactions are not counted, so ebsfs could not notice "
			    "that some are lost: %s",
			why.message);
	return make_ready(j, account, &j->commits, err);
}

static int open_memory(struct journal *j, const char *account, struct err *err)
{
	int result = journal_db_open(JOURNAL_DB_MEMORY, &j->db, err);

	return result < 0 ? result : make_ready(j, account, NULL, err);
}

int journal_open(uv_loop_t *loop, const char *dir, const char *account, struct journal **out,
	struct err *err)
{
	struct journal *j = calloc(1, sizeof(*j));
	int result;

	if (!j)
		return err_set(err, ENOMEM, "out of memory");
	j->loop = loop;
	j->last = &j->first;
	j->lock_fd = j->commits.fd = -1;
	j->turn = loop_timer_create(loop, batch_start_next, j);
	account = account ? account : "";
	if (!j->turn)
		result = err_set(err, ENOMEM, "out of memory");
	else if (dir)
		result = open_dir(j, dir, account, err);
	else
		result = open_memory(j, account, err);
	if (result < 0) {
		journal_close(j);
		return result;
	}
	*out = j;
	return 0;
}

bool journal_idle(const struct journal *j)
{
	return !j->in_flight && !j->first;
}

void journal_close(struct journal *j)
{
	struct err err = {0};

	if (!j)
		return;
	if (j->closed)
		*j->closed = true;
	if (j->in_flight) {
		uv_sem_wait(&j->in_flight->written);
		if (j->in_flight->err.errnum)
			log_error("the journal was closed without its last changes: %s; the next "
				  "mount starts from the state before them",
				j->in_flight->err.message);
		log_refused(j->in_flight->first);
		j->in_flight->journal = NULL;
	}
	if (j->first) {
		commit_changes(j->db, j->first, &err);
		if (err.errnum)
			log_error("the journal was closed without its last changes: %s; the next "
				  "mount starts from the state before them",
				err.message);
		log_refused(j->first);
		changes_destroy(j->first);
	}
	loop_timer_destroy(j->turn);
	journal_db_close(j->db);
	if (j->commits_sync)
		j->commits_sync->journal = NULL;
	journal_commits_sync(&j->commits);
	journal_commits_close(&j->commits);
	/* The lock is released last, because another process may then open the journal. */
	if (j->lock_fd >= 0)
		close(j->lock_fd);
	free(j);
}

/* --- reading --- */

struct reading {
	journal_copy_fn *copy;
	journal_receipt_fn *receipt;
	void *arg;
};

static int read_copy(void *arg, const void *row)
{
	const struct reading *r = arg;

	return r->copy(r->arg, row);
}

static int read_receipt(void *arg, const void *row)
{
	const struct reading *r = arg;

	return r->receipt(r->arg, row);
}

int journal_read(struct journal *j, int64_t ended_before_ms, journal_copy_fn *copy,
	journal_receipt_fn *receipt, void *arg, struct err *err)
{
	struct reading r = {copy, receipt, arg};
	struct err pruning;
	int result;

	/* The thread pool owns the database while a batch is in flight. */
	if (j->in_flight)
		return err_set(err, EBUSY, "the journal cannot be read while it is being written");
	if (journal_db_prune(j->db, ended_before_ms, &pruning) < 0)
		log_warning(
			"cannot delete the rows of copies that ended long ago from the journal: %s",
			pruning.message);
	result = journal_db_each(j->db, &journal_rows_copies, read_copy, &r, err);
	if (result == 0)
		result = journal_db_each(j->db, &journal_rows_receipts, read_receipt, &r, err);
	return result;
}
