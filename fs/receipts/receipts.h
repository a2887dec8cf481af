/* SPDX-License-Identifier: MIT */
/* Receipts: the files (and folders) in a region that asked for copies, kept as they were written.
 */
#ifndef EBSFS_RECEIPTS_H
#define EBSFS_RECEIPTS_H

#include "copies.h"
#include "receipt_work.h"
#include "tree.h"

/*
 * A receipt's life:
 *
 *   draft      being written, or left unfinished; in memory only; work->refused says why the last
 *              attempt started nothing
 *   asking     its copy was handed to the queue, the word is awaited; closes of the file wait in
 *              work->waiting
 *   asked      it has a copy, and its row is in the journal
 *   removing   its row is being taken out of the journal
 *
 * draft -> asking (a complete text) -> asked, or back to draft if not even a refusal could be
 * recorded; any -> removing. The text is fixed once the copy may exist: only what EC2 surely
 * refused may be written again (receipts_check_writable()).
 */
enum receipt_state {
	RECEIPT_DRAFT,
	RECEIPT_ASKING,
	RECEIPT_ASKED,
	RECEIPT_REMOVING,
};

/* There may be a hundred thousand of them: this is small, and what only few need is apart. */
struct receipt {
	int64_t id;   /* its row in the journal; 0: not there yet */
	int64_t copy; /* journal_copy.id; 0: no copy yet */
	int64_t mtime_ns;
	char *key;                 /* region, folder and name: what it is found by */
	const char *name;          /* the end of key */
	char *file_name;           /* of a folder: the snapshot file's; NULL or "": never had one */
	char *text;                /* the text as it last asked; NULL: it never did */
	struct receipt_work *work; /* NULL while there is nothing but the above to know */
	uint32_t number;           /* its node slot */
	uint32_t region;           /* index of the shown region */
	uint32_t uid, gid;
	uint16_t mode;
	enum receipt_state state : 8;
	bool in_snapshots : 1; /* it stands in the region's snapshots/ */
	bool is_folder : 1;
	bool has_file : 1; /* the snapshot file is there */
};

struct receipts;

struct receipts *receipts_create(struct fs *fs); /* NULL on ENOMEM */
void receipts_destroy(struct receipts *rs);
/* For copies_create(): takes up a receipt from the journal. `arg` is the struct fs. One of a region
 * that is not shown is left out. */
int receipts_load(void *arg, const struct journal_receipt *row);

/* A number that grows whenever a receipt comes, goes or changes its name. */
uint64_t receipts_version(const struct receipts *rs);
/* Whether any copy is being asked for at this moment. */
bool receipts_asking(const struct receipts *rs);
/* By node (NODE_RECEIPT, NODE_RECEIPT_STATUS, NODE_FOLDER…): NULL if it is gone. */
struct receipt *receipts_get(const struct receipts *rs, struct node n);
struct copy *receipts_copy(const struct fs *fs, const struct receipt *r); /* NULL: none yet */
/* Whether its copy may exist (or come to): nothing is asked a second time for it. */
bool receipts_is_fixed(const struct fs *fs, const struct receipt *r);
/* 0, or -ENOENT (r is NULL), -EEXIST, -EBUSY with *err: the text may not be written (any more). */
int receipts_check_writable(const struct fs *fs, const struct receipt *r, struct err *err);
/* The region's name; the folder that a receipt stands in; the receipt's own node. */
const char *receipts_region(const struct fs *fs, const struct receipt *r);
struct node receipts_folder(const struct receipt *r);
struct node receipts_node(const struct receipt *r);

/* find() and next() for NODE_REGION and NODE_SNAPSHOTS: receipts, each file with its status, and
 * its unlisted .wait. */
int receipts_find(
	const struct receipts *rs, struct node folder, const char *name, struct node *child);
bool receipts_next(
	const struct receipts *rs, struct node folder, uint64_t *pos, struct tree_entry *out);
/* create() and mkdir() there. */
int receipts_create_file(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err);
int receipts_create_folder(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct node *child, struct err *err);
/* Checks that a receipt may be called `name` there: reserved names, another with the same status.
 * `self`: NULL, or who may have it. */
int receipts_check_name(const struct receipts *rs, struct node folder, const char *name,
	const struct receipt *self, struct err *err);
/* A new receipt, not in the journal. NULL with *err. */
struct receipt *receipts_add(struct fs *fs, struct node folder, const char *name, mode_t mode,
	bool is_folder, struct err *err);
/* Gives it another name or folder in the same region. The name was checked. 0 or -ENOMEM. */
int receipts_move(struct fs *fs, struct receipt *r, struct node folder, const char *name);
/* Takes it out of the tree and frees it; the journal is the caller's matter. Nobody waits for it:
 * that is for asking ones, and those stay. */
void receipts_drop(struct fs *fs, struct receipt *r);
/* Its row; the strings are borrowed. */
struct journal_receipt receipts_row(const struct fs *fs, const struct receipt *r);
/* Writes its row, if it has one, to the journal. */
void receipts_save(struct fs *fs, struct receipt *r);

/* Mode, owner, times: kept, as cp -a and rsync expect. set_attr() for receipts. */
void receipts_set_attr(struct fs *fs, struct receipt *r, const struct stat *st, int which);
void receipts_attr(const struct receipt *r, struct stat *st);

/* --- receipt_status.c: what it says of itself --- */

/* With or without a copy. Results as buf_add. */
int receipt_status(struct fs *fs, const struct receipt *r, struct buf *out);

/* --- receipt_request.c: asking for the copy --- */

/* Answers `a` (NULL: nobody waits) once the copy was accepted or refused. `request` is copied.
 * `move`: the source is deleted once the copy has completed, and a refusal drops `r`. `user` asks,
 * and reads the reason of a refusal in last-error. */
void receipt_ask(struct fs *fs, struct receipt *r, const struct copy_request *request, bool move,
	uid_t user, struct pending_reply *a);
/* Removes it: cancels a queued copy, takes the row out of the journal, then answers. EBUSY while
 * asking. */
void receipt_remove(struct fs *fs, struct receipt *r, struct pending_reply *a);
/* The same for the snapshot file in a receipt's folder: the folder stays until its own rmdir. */
void receipt_remove_file(struct fs *fs, struct receipt *r, struct pending_reply *a);

#endif
