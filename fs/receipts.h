/* SPDX-License-Identifier: MIT */
/* Receipts: the files (and folders) in a region that asked for copies, kept as they were written.
 */
#ifndef EBSFS_RECEIPTS_H
#define EBSFS_RECEIPTS_H

#include <uthash.h>

#include "copies.h"
#include "tree.h"

struct answer_link {
	struct answer_link *next;
	struct answer *answer; /* NULL once interrupted */
};

struct receipt_tag {
	char key[NAME_MAX +
		 1]; /* as the file is named: unescaped only when the copy is asked for */
	struct buf value;
	bool removed;
};

/*
 * A receipt's life:
 *
 *   draft      being written, or left unfinished; in memory only; refused says why the last attempt
 * started nothing asking     its copy was handed to the queue, the word is awaited; closes of the
 * file wait in `waiting` asked      it has a copy (row.copy), and its row is in the journal
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

struct receipt {
	uint32_t number; /* its node slot */
	uint32_t region; /* index of the shown region */
	enum receipt_state state;
	bool dirty;  /* written or cut since it was last judged */
	bool spoilt; /* a write was refused: the text lacks a piece and asks for nothing until it is
			cut to 0 */
	bool has_refused;
	struct err refused;
	struct journal_receipt row; /* id 0: not in the journal yet. copy 0: no copy yet */
	struct buf draft;           /* the text while it may still be written; then row.text */
	unsigned writers;           /* openings for writing */
	bool save_again;            /* changed while asking */
	struct answer_link *waiting;
	/* Of a folder, while it is a draft. */
	struct buf description;
	struct receipt_tag *tags;
	size_t n_tags;
	bool has_tags;                 /* tags/ was made: exactly the tags in it are wanted */
	bool has_file;                 /* the snapshot file is there (row.file_name) */
	char temporary[NAME_MAX + 1];  /* the name under which rsync is writing a fixed child; "" */
	bool has_metadata, has_status; /* a recursive copy made these files; what it wrote in them
					  was dropped */
	char *key;                     /* region, folder and stem: what it is found by */
	UT_hash_handle hh;
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
/* The folder that a receipt stands in, and the receipt's own node. */
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
/* Takes it out of the tree and frees it; the journal is the caller's matter. */
void receipts_drop(struct fs *fs, struct receipt *r);
/* Writes its row, if it has one, to the journal. */
void receipts_save(struct fs *fs, struct receipt *r);

/* Mode, owner, times: kept, as cp -a and rsync expect. set_attr() for receipts. */
void receipts_set_attr(struct fs *fs, struct receipt *r, const struct stat *st, int which);
void receipts_attr(const struct receipt *r, struct stat *st);
/* The status of a receipt, with or without a copy. */
int receipts_status(struct fs *fs, const struct receipt *r, struct buf *out);

/* --- receipt_request.c: asking for the copy --- */

/* For mv: what the kernel believes to have moved, though it did not. */
struct receipt_moved {
	uint64_t folder; /* node number */
	char name[NAME_MAX + 1];
};

/* Answers when the queue has spoken; `a` NULL: nobody waits. `request` is copied. `moved` NULL: a
 * plain copy; else (copied) the source is deleted once the copy has completed. */
void receipt_ask(struct fs *fs, struct receipt *r, const struct copy_request *request,
	const struct receipt_moved *moved, struct answer *a);
/* Waits for the word on a copy that is being asked for already. */
void receipt_await(struct receipt *r, struct answer *a);
/* Removes it: cancels a queued copy, takes the row out of the journal, then answers. EBUSY while
 * asking. */
void receipt_remove(struct fs *fs, struct receipt *r, struct answer *a);
/* The same for the snapshot file in a receipt's folder: the folder stays until its own rmdir. */
void receipt_remove_file(struct fs *fs, struct receipt *r, struct answer *a);

#endif
