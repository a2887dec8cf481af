/* SPDX-License-Identifier: MIT */
/* The journal of copies and receipts on disk: SQLite, one writer, every acknowledged change
 * durable. */
#ifndef EBSFS_JOURNAL_H
#define EBSFS_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "err.h"

struct journal;

/* A row of the table `copies`: plain columns, all strings owned by the row and NULL when unknown.
 * What the columns mean is copy/copy.h's. */
struct journal_copy {
	int64_t id;  /* from 1; given by the caller: journal_next_copy_id() */
	char *token; /* random, hex: the tag ebsfs:request */
	char *state;
	char *source_region, *source_id;
	char *region; /* the destination */
	char *description;
	char *tags; /* JSON object text: what the copy shall carry beside ebsfs's own tags */
	char *kms_key_id;
	bool encrypted;
	int completion_minutes; /* 0: none */
	bool dry_run;
	bool move;         /* delete the source when the copy has completed */
	bool acknowledged; /* the request was accepted: cp returned 0, or would have */
	bool submitted;    /* at least one CopySnapshot may have left this machine */
	char *copy_id;     /* the new snapshot's id */
	int64_t requested_ms, submitted_ms, started_ms, ended_ms; /* wall clock; 0: not yet */
	int64_t bytes; /* size of the source's data, for the estimate; -1 unknown */
	int attempts;
	char *code, *message, *request_id; /* why it ended, or why it waits */
	bool untold; /* it has ended, and the user's command is still to be started for that */
};

/* A row of the table `receipts`. */
struct journal_receipt {
	int64_t id;
	int64_t copy; /* journal_copy.id; 0: none */
	char *region; /* whose folder it is in */
	char *folder; /* "" in the region's own folder, "snapshots" in its snapshots/ */
	char *name;
	bool is_folder;  /* the receipt is a folder `name` */
	char *file_name; /* in a folder: the snapshot file's name */
	char *text;      /* the text as written */
	uint32_t mode, uid, gid;
	int64_t mtime_ns;
};

void journal_copy_finish(struct journal_copy *row); /* frees the strings */
void journal_receipt_finish(struct journal_receipt *row);

/* Opens or creates DIR/journal.db (and the directory, 0700), takes the lock that makes this process
 * the one writer, checks and migrates the schema. `account` (NULL or "": unknown) is kept in it:
 * another account's journal is refused. DIR NULL: the journal is kept in memory, and nothing is
 * written to disk. Not to be carried across fork(). Returns 0 or -errno with
 * *err saying what is wrong and what to do: EBUSY (another ebsfs uses it), EINVAL (damaged, of a
 * newer version, of another account: the file is left untouched), EACCES, ENOSPC, EIO. */
int journal_open(uv_loop_t *loop, const char *dir, const char *account, struct journal **out,
	struct err *err);
/* Whether every done has been called. */
bool journal_idle(const struct journal *j);
/* Waits for what is under way, writes what was put, closes. No done is called any more; permitted
 * in a done. NULL is permitted. */
void journal_close(struct journal *j);

/* Every row, oldest first, at start. Ended copies without a receipt that ended before
 * ended_before_ms are pruned first. Synchronous; EBUSY while a change is being written. A callback
 * that returns non-zero ends the reading with that. The row and its strings are borrowed for the
 * call. */
typedef int journal_copy_fn(void *arg, const struct journal_copy *row);
typedef int journal_receipt_fn(void *arg, const struct journal_receipt *row);
int journal_read(struct journal *j, int64_t ended_before_ms, journal_copy_fn *copy,
	journal_receipt_fn *receipt, void *arg, struct err *err);
/* A number that no row ever had. */
int64_t journal_next_copy_id(struct journal *j);
int64_t journal_next_receipt_id(struct journal *j);

/* Changes are asynchronous: the row is copied now and written in the thread pool; all changes put
 * before one turn of the loop are one transaction, and done comes when it is on disk (fsync), or
 * with *err (ENOSPC, EIO) when none of the transaction is. Order is kept. done may be NULL. Return
 * 0 or -ENOMEM (then done is not called). */
typedef void journal_done(void *arg, const struct err *err);
int journal_put_copy(
	struct journal *j, const struct journal_copy *row, journal_done *done, void *arg);
int journal_put_receipt(
	struct journal *j, const struct journal_receipt *row, journal_done *done, void *arg);
int journal_delete_receipt(struct journal *j, int64_t id, journal_done *done, void *arg);
/* The copy's row and its receipt's, in one transaction. */
int journal_put_both(struct journal *j, const struct journal_copy *copy,
	const struct journal_receipt *receipt, journal_done *done, void *arg);

/* For tests and `.ebsfs/health`: the reason of the last failed write, NULL if the last one
 * succeeded. */
const struct err *journal_last_error(const struct journal *j);

#endif
