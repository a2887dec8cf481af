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

/* A row of the table `copies`. The row owns its strings; NULL is unknown. copy/engine/ defines what
 * the columns mean. */
struct journal_copy {
	int64_t id;  /* from journal_next_copy_id(); 1 or more */
	char *token; /* random, hex: the tag ebsfs:request */
	char *state;
	char *source_region, *source_id;
	char *region; /* the destination */
	char *description;
	char *tags; /* JSON object: the copy's tags, without ebsfs's own */
	char *kms_key_id;
	bool encrypted;
	int completion_minutes; /* 0: none */
	bool dry_run;
	bool move;         /* delete the source when the copy has completed */
	bool acknowledged; /* the request was accepted: cp returned 0, or was about to */
	bool submitted;    /* at least one CopySnapshot may have been sent */
	char *copy_id;     /* the new snapshot's id */
	int64_t requested_ms, submitted_ms, started_ms, ended_ms; /* wall clock; 0: not yet */
	int64_t bytes; /* size of the source's data, to estimate the duration; -1: unknown */
	int attempts;
	char *code, *message, *request_id; /* why the copy ended, or why it waits */
	bool untold;  /* the copy has ended, and the user's command (-o on_end) was not started yet
		       */
	char *label;  /* the request's copy.again; "#ID": set by ebsfs (job_key.h); NULL: none */
	bool adopted; /* another ebsfs made the copy; this one found it by its tags */
	int64_t deleted_ms; /* wall clock: when its snapshot was seen to be gone; 0 */
	char *kind;         /* "volume", "image"; NULL: a copy of a snapshot */
	char *place;        /* below the region: a volume's zone, an image's name; NULL: none */
	char *options;      /* options of its kind only, as "key: value" lines; NULL: none */
	int generation; /* distinguishes successive requests of one key in their tokens (job_key.h)
			 */
};

/* A row of the table `receipts`. */
struct journal_receipt {
	int64_t id;
	int64_t copy; /* journal_copy.id; 0: none */
	char *region; /* in whose folder the receipt is */
	char *folder; /* path below the region's folder: "" or "snapshots", "volumes/ZONE", "images"
		       */
	char *name;
	bool is_folder;  /* the receipt is a folder `name` */
	char *file_name; /* in a folder: the snapshot file's name */
	char *text;      /* the text as written */
	uint32_t mode, uid, gid;
	int64_t mtime_ns;
	bool mtime_set; /* a tool has set mtime_ns; otherwise it is that of the source's snapshot
			   file */
	/* Of a folder: written into the file description and into tags/; NULL: nothing was. */
	char *description;
	char *tags;         /* JSON object */
	uint32_t file_mode; /* the snapshot file's */
};

void journal_copy_finish(struct journal_copy *row); /* frees the strings */
void journal_receipt_finish(struct journal_receipt *row);
/* Copies a row with its strings. Returns 0 or -ENOMEM (then *to is all zero). */
int journal_copy_copy(struct journal_copy *to, const struct journal_copy *from);
int journal_receipt_copy(struct journal_receipt *to, const struct journal_receipt *from);

/* Opens or creates DIR/journal.db (and DIR, mode 0700), locks DIR against other ebsfs processes,
 * checks the journal and migrates its schema. The journal stores `account` (NULL or "": unknown); a
 * later call with another account fails. DIR NULL: the journal is in memory, and nothing is written
 * to disk. Do not use the journal after fork(). Returns 0 or -errno with *err that says what to do:
 * EBUSY (another ebsfs uses DIR), EINVAL (the journal is damaged, of a newer version, or of another
 * account; its files are left untouched), EACCES, ENOSPC, EIO. */
int journal_open(uv_loop_t *loop, const char *dir, const char *account, struct journal **out,
	struct err *err);
/* Whether no change is pending. */
bool journal_idle(const struct journal *j);
/* Waits for the write in flight, writes the pending changes, and closes the journal. Calls no done
 * function. May be called from a done function. NULL is permitted. */
void journal_close(struct journal *j);

/* Deletes the copies that have no receipt, ended before ended_before_ms and are not alive
 * (completed copies are); then calls `copy` and `receipt` with each remaining row, oldest first.
 * For the start of a mount. Synchronous. Returns 0 or -errno with *err; -EBUSY while a change is
 * being written. A non-zero result of a callback ends the reading and is returned. The row and its
 * strings are borrowed for the call. */
typedef int journal_copy_fn(void *arg, const struct journal_copy *row);
typedef int journal_receipt_fn(void *arg, const struct journal_receipt *row);
int journal_read(struct journal *j, int64_t ended_before_ms, journal_copy_fn *copy,
	journal_receipt_fn *receipt, void *arg, struct err *err);
/* Return an id that no row has ever had. */
int64_t journal_next_copy_id(struct journal *j);
int64_t journal_next_receipt_id(struct journal *j);

/* Changes are asynchronous: the row is copied now and written by the thread pool. The changes of
 * one loop iteration are one transaction. done (may be NULL) is called when the transaction is on
 * disk (fsync), or with *err (ENOSPC, EIO) when none of it is. Changes are written, and their done
 * functions called, in the order of the calls here. Return 0 or -ENOMEM (then done is not called).
 *
 * A change that the other rows forbid is a bug of ebsfs. It is logged, and its done gets EEXIST
 * (another living copy has the same key) or ENOENT (no row has the id); the other changes of the
 * transaction are written. */
typedef void journal_done(void *arg, const struct err *err);
int journal_put_copy(
	struct journal *j, const struct journal_copy *row, journal_done *done, void *arg);
int journal_put_receipt(
	struct journal *j, const struct journal_receipt *row, journal_done *done, void *arg);
int journal_delete_receipt(struct journal *j, int64_t id, journal_done *done, void *arg);
/* A copy's row and its receipt's row, in one transaction. */
int journal_put_both(struct journal *j, const struct journal_copy *copy,
	const struct journal_receipt *receipt, journal_done *done, void *arg);
/* Sets the state, message (why; NULL: none) and deleted_ms of a copy's row and keeps its other
 * columns. */
int journal_set_copy_state(struct journal *j, int64_t id, const char *state, const char *message,
	int64_t deleted_ms, journal_done *done, void *arg);
/* Reads a copy's row, as it is after the changes that came before. The row is borrowed for the call
 * of done; NULL with *err, which is ENOENT if there is none. */
typedef void journal_copy_done(void *arg, const struct journal_copy *row, const struct err *err);
int journal_get_copy(struct journal *j, int64_t id, journal_copy_done *done, void *arg);

/* Why the last write failed; NULL if it succeeded. */
const struct err *journal_last_error(const struct journal *j);

#endif
