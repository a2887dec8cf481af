/* SPDX-License-Identifier: MIT */
/* Receipts: files and folders in a region that requested copies, kept as they were written. A copy
 * has any number of them. */
#ifndef EBSFS_RECEIPTS_H
#define EBSFS_RECEIPTS_H

#include "copies.h"
#include "draft.h"
#include "tree.h"
#include "waiters.h"

/*
 * A receipt's life:
 *
 *   draft      being written, or left unfinished; in memory only, but for a folder into which a
 *              description or tags were written; work->refused is the reason why the last attempt
 *              started nothing
 *   asking     its copy was requested, and the result is pending; closes of the file wait in
 *              work->waiting
 *   asked      it has a copy, and its row is in the journal
 *   removing   its row is being deleted from the journal
 *
 * draft, asked -> asking (a complete text) -> asked, or back, with everything as it was before, if
 * nothing could be recorded; draft, asked -> removing.
 *
 * Writes go into work->draft, which is the text of a draft. A receipt that has a copy goes on
 * showing the text that requested it, until the request of another text was accepted: for the same
 * copy again, or for another one once its copy is not alive (receipts_is_fixed()).
 */
enum receipt_state {
	RECEIPT_DRAFT,
	RECEIPT_ASKING,
	RECEIPT_ASKED,
	RECEIPT_REMOVING,
};

struct receipt;
typedef void receipts_after_fn(void *arg, struct receipt *r, const struct err *err);

struct receipt_request; /* receipt_request.c; a struct that free() frees */

/* Lists of struct receipt_work. */
struct waiting_reply {
	struct waiter base;
	struct pending_reply *reply; /* NULL once interrupted */
};

struct receipt_after {
	struct waiter base;
	receipts_after_fn *fn;
	void *arg;
};

struct receipt_work {
	struct buf draft; /* the text being written */
	unsigned writers; /* openings for writing */
	bool dirty;       /* written or cut since it was last parsed */
	bool cut;         /* to nothing, and nothing was written since */
	/* Of a receipt that has a copy and is being written: the time that a tool has set, which is
	 * kept if the text is. */
	bool has_mtime;
	int64_t mtime_ns;
	/* While asking: the state to restore if nothing could be recorded. */
	struct {
		enum receipt_state state;
		int64_t id, mtime_ns;
		bool mtime_set;
		char *text;
	} before;
	bool spoilt; /* a write was refused: the text lacks a piece and requests nothing until it is
			cut to 0 */
	bool save_again; /* changed while asking */
	bool has_refused;
	struct err refused;
	struct waiters waiting;          /* struct waiting_reply */
	struct waiters after;            /* struct receipt_after: receipts_after() */
	struct receipt_request *request; /* while asking */
};

/* Kept small, for there may be a hundred thousand: state that only few need is in `work`. */
struct receipt {
	int64_t id;                /* its row in the journal; 0: not there yet */
	int64_t copy;              /* journal_copy.id; 0: no copy yet */
	int64_t mtime_ns;          /* a copy that came to nothing: shown as 0 */
	char *key;                 /* region, folder and name, for lookups */
	const char *name;          /* the end of key */
	char *file_name;           /* of a folder: the snapshot file's; NULL or "": never had one */
	char *text;                /* as it was last requested with; NULL: never */
	char *description;         /* written into the folder; NULL: none has arrived */
	char *tags;                /* the same, as a JSON object */
	struct receipt_work *work; /* NULL while not needed */
	uint32_t number;           /* its node slot */
	uint32_t region;           /* index of the shown region */
	uint32_t uid, gid;
	uint16_t mode, file_mode; /* file_mode: of a folder's snapshot file */
	uint8_t folder;           /* the kind of its folder: enum node_kind */
	uint8_t zone;             /* NODE_ZONE: its number */
	enum receipt_state state : 8;
	bool is_folder : 1;
	bool has_file : 1;  /* the snapshot file is there */
	bool mtime_set : 1; /* by a tool; else the source's start, once its copy is requested */
	/* Removed beside it, until it is written again or the next mount. */
	bool no_status : 1, no_link : 1;
	bool filled : 1; /* its folder shows what the row has (receipt_folder.c) */
};

#define RECEIPT_FOLDER_SIZE 96 /* of a folder's name in the journal */

struct receipts;

struct receipts *receipts_create(struct fs *fs); /* NULL on ENOMEM */
void receipts_destroy(struct receipts *rs);
/* For copies_create(): loads a receipt from the journal. `arg` is the struct fs. A receipt in a
 * region that is not shown is left out. 0 or -ENOMEM, -ENOSPC. */
int receipts_load(void *arg, const struct journal_receipt *row);

/* Calls fn(arg, number) whenever a receipt's state changes without its copy's: it was refused, got
 * its copy, or is gone. There is one watcher; NULL: none. */
typedef void receipts_watch_fn(void *arg, uint32_t number);
void receipts_watch(struct receipts *rs, receipts_watch_fn *fn, void *arg);
void receipts_changed(const struct receipts *rs, uint32_t number);

/* A number that grows whenever a receipt comes, goes or changes its name. */
uint64_t receipts_version(const struct receipts *rs);
void receipts_listed_anew(struct receipts *rs); /* a name beside a receipt was added or removed */
/* Whether any receipt is RECEIPT_ASKING. */
bool receipts_asking(const struct receipts *rs);
/* By node (NODE_RECEIPT, NODE_RECEIPT_STATUS, NODE_FOLDER…): NULL if it is gone. */
struct receipt *receipts_get(const struct receipts *rs, struct node n);
struct copy *receipts_copy(const struct fs *fs, const struct receipt *r); /* NULL: none yet */
/* Whether its copy is alive: queued, in progress, completed and not deleted, or nobody knows
 * whether EC2 made it. A dry run's never is. */
bool receipts_is_living(const struct fs *fs, const struct receipt *r);
/* Whether the receipt must stay as it is: its copy is alive, or it is asking or being removed. */
bool receipts_is_fixed(const struct fs *fs, const struct receipt *r);
/* Whether the text may be written: 0, or -ENOENT (r is NULL), -EBUSY with *err. */
int receipts_check_writable(const struct receipt *r, struct err *err);
/* The region's name; the folder that a receipt stands in; the receipt's own node. */
const char *receipts_region(const struct fs *fs, const struct receipt *r);
struct node receipts_folder(const struct receipt *r);
struct node receipts_node(const struct receipt *r);
/* The node of this kind that belongs to a receipt (its status, for example). */
struct node receipts_node_of(const struct receipt *r, enum node_kind kind);
/* The copy of each receipt that has one (journal_copy.id), sorted, *n of them: as many of a copy as
 * it has receipts. The caller frees them. NULL on ENOMEM. */
int64_t *receipts_copies(const struct receipts *rs, size_t *n);
/* All receipts have numbers below this. */
uint32_t receipts_count(const struct receipts *rs);
struct receipt *receipts_by_name(
	const struct receipts *rs, struct node folder, const char *name); /* NULL: none */

/* Returns r->work, created if there is none. NULL on ENOMEM. */
struct receipt_work *receipts_work(struct receipt *r);
/* Frees of r->work what the receipt does not need any more. */
void receipts_work_shed(struct receipt *r);

/* Notes why the last request failed. */
void receipts_work_refuse(struct receipt_work *w, const struct err *err);

/* A new receipt, not in the journal. NULL with *err. */
struct receipt *receipts_add(struct fs *fs, struct node folder, const char *name, mode_t mode,
	bool is_folder, struct err *err);
/* Gives it another name or folder in the same region. The name was checked. 0 or -ENOMEM. */
int receipts_move(struct fs *fs, struct receipt *r, struct node folder, const char *name);
/* Removes it from the tree and frees it, and abandons its copy (copies_abandon()) if no other
 * receipt has that. The caller deletes its row. Not while RECEIPT_ASKING. */
void receipts_drop(struct fs *fs, struct receipt *r);
/* Its row; the strings are borrowed, also of `folder`. */
struct journal_receipt receipts_row(
	const struct fs *fs, const struct receipt *r, char folder[RECEIPT_FOLDER_SIZE]);
/* Writes its row, if it has one, to the journal. */
void receipts_save(struct fs *fs, struct receipt *r);

/* Mode, owner, times: kept, as cp -a and rsync expect. set_attr() for receipts. */
void receipts_set_attr(struct fs *fs, struct receipt *r, const struct stat *st, int which);
void receipts_attr(const struct fs *fs, const struct receipt *r, struct stat *st);
/* The copy has changed: the kernel forgets the attributes of its receipts that depend on it. */
void receipts_copy_changed(const struct fs *fs, const struct copy *copy);

/* --- receipt_request.c --- */

/* `reply` waits for the result of the request; an interrupt ends the waiting only. */
void receipts_wait(struct receipt_work *w, struct pending_reply *reply);
/* Calls fn(arg, r, err) when the request that is under way (RECEIPT_ASKING), or about to be made,
 * has ended; err NULL: it was accepted. r is NULL if an earlier function has dropped it. fn may
 * drop r, or request another text, whose end the others then get. Returns 0 or -ENOMEM. */
int receipts_after(struct receipt_work *w, receipts_after_fn *fn, void *arg);
/* An operation that must not come between a receipt and its request: calls fn(arg, reply) when the
 * request that is under way (RECEIPT_ASKING) has ended, or with NULL if the caller was interrupted
 * until then. Returns 0 or -ENOMEM. */
typedef void receipts_turn_fn(void *arg, struct pending_reply *reply);
int receipts_turn(
	struct receipt_work *w, receipts_turn_fn *fn, void *arg, struct pending_reply *reply);

/* Requests the copy and replies to `reply` (may be NULL) once it was accepted or refused. `request`
 * is copied. `move`: the source is deleted once the copy has completed, and a refusal drops a
 * draft.
 * `user` requests it, and finds the reason of a refusal in last-error. */
void receipt_ask(struct fs *fs, struct receipt *r, const struct copy_request *request, bool move,
	uid_t user, struct pending_reply *reply);
/* Deletes its row from the journal, drops it (receipts_drop()), then replies. While RECEIPT_ASKING
 * it waits for the request's end; EBUSY while RECEIPT_REMOVING. */
void receipt_remove(struct fs *fs, struct receipt *r, struct pending_reply *reply);
/* Removes the snapshot file in a receipt's folder. The folder stays a receipt until its rmdir. */
void receipt_remove_file(struct fs *fs, struct receipt *r, struct pending_reply *reply);

/* --- receipt_kind.c --- */

/* Whether receipts stand in the folder: a region's, its snapshots/, a zone's, images/. */
bool receipt_kind_takes(struct node folder);
/* The kind of request that a text in this folder asks for. */
enum request_kind receipt_kind(struct node folder);
/* Completes the request of a receipt by its place: the zone, the name of the image. Strings are
 * borrowed. */
void receipt_kind_address(
	const struct fs *fs, struct node folder, const char *name, struct copy_request *out);
/* The folder's path below its region: "" or "/snapshots", "/volumes/eu-west-1a", "/images". */
void receipt_folder_path(const struct fs *fs, struct node folder, struct buf *out);
/* The same as the journal has it, without the first '/'; its folder again, false: none here. */
const char *receipt_folder_name(
	const struct fs *fs, struct node folder, char out[RECEIPT_FOLDER_SIZE]);
bool receipt_folder_of_name(struct fs *fs, uint32_t region, const char *name, struct node *folder);
/* "copy", "create a volume of", "register": for messages. */
const char *receipt_kind_verb(struct node folder);
const char *receipt_kind_noun(struct node folder); /* "copy", "volume", "image" */

/* --- receipt_file.c: beside its struct node_ops --- */

/* Writes a whole text to the file `name` of a region's folder, as if a program of `user` had done
 * it, and replies with the result as to its close. */
void receipts_write(struct fs *fs, struct node folder, const char *name, const struct buf *text,
	uid_t user, struct pending_reply *reply);

/* Appends the text of its status, with or without a copy. Results as buf_add. */
int receipt_status(struct fs *fs, const struct receipt *r, struct buf *out);

/* --- receipt_names.c --- */

/* Writes the stem of a receipt's name, which its status is named after: "A" for "A.snapshot" and
 * for "A". The name has at most NAME_MAX bytes. */
void receipts_stem(const char *name, char out[NAME_MAX + 1]);
size_t receipts_stem_len(const char *name);
/* Whether name is a stem with this suffix (".status"); writes the stem. */
bool receipts_strip(const char *name, const char *suffix, char out[NAME_MAX + 1]);
/* The other one of a name's stem, unless it is `self`; NULL. */
struct receipt *receipts_sibling(const struct receipts *rs, struct node folder, const char *name,
	const struct receipt *self);

/* find() and next() for NODE_REGION and NODE_SNAPSHOTS: receipts; beside each stem its status, its
 * unlisted .wait and the link .copy, which only a folder's lists. */
int receipts_find(const struct fs *fs, struct node folder, const char *name, struct node *child);
bool receipts_next(const struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out);
/* create() and mkdir() there. */
int receipts_create_file(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err);
int receipts_create_folder(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct node *child, struct err *err);
/* Checks that a receipt may be called `name` there: reserved names, names that are taken, and the
 * status of another copy's receipt. `self`: NULL, or the receipt that may have it already. */
int receipts_check_name(const struct fs *fs, struct node folder, const char *name,
	const struct receipt *self, struct err *err);
/* Renames the receipts of an earlier version whose name in a region's folder has become ebsfs's
 * own: NAME~1. After receipts_load() of all. 0 or -ENOMEM. */
int receipts_rename_all_reserved(struct fs *fs);
/* Of that, whether the receipt of the same stem, which has the same status, is of the same copy. Of
 * a receipt that asks only later, receipt_ask() checks it. */
int receipts_check_sibling(const struct fs *fs, struct node folder, const char *name,
	const struct receipt *self, struct err *err);
/* EEXIST, with `other` as the reason. */
int receipts_refuse_sibling(const struct receipt *other, struct err *err);
/* Hides the status or the link beside a receipt, or shows both again, as it is written. */
void receipts_hide(struct fs *fs, struct receipt *r, enum node_kind kind);
void receipts_unhide(struct fs *fs, struct receipt *r);

/* --- receipt_folder.c: beside its struct node_ops --- */

/* The receipt whose folder holds this draft, at any depth; NULL: none. */
struct receipt *receipt_folder_of(struct fs *fs, const struct draft *d);
/* Whether it is the tags/ of a receipt's folder. */
bool receipt_folder_is_tags(struct fs *fs, struct node folder);
/* Checks that a draft of this name may be in the folder of a receipt, or below it: 0 or -errno with
 * *err. */
int receipt_folder_check(
	struct fs *fs, struct node folder, const char *name, enum draft_type type, struct err *err);
/* The draft is being written: a copy of its folder that waits for its description waits on. */
void receipt_folder_expect(struct fs *fs, const struct draft *d);
/* Makes a draft of this name, of a receipt's folder or not, if receipt_folder_check() permits it:
 * *child. 0 or -errno with *err. */
int receipt_folder_make_draft(struct fs *fs, struct node folder, const char *name,
	enum draft_type type, mode_t mode, struct node *child, struct err *err);

/* Whether a file of this name is kept there, and is not the snapshot file. */
bool receipt_folder_keeps(const char *name);

/* For the status beside a receipt: cp -r writes one into a receipt's folder, where it is accepted
 * and dropped. The status of a receipt that is a file is read-only. */
int receipt_status_open_write(struct fs *fs, struct node n, struct handle *h, struct err *err);
int receipt_status_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err);
void receipt_status_remove(struct fs *fs, struct node n, struct pending_reply *a);

/* --- receipt_rename.c, draft_rename.c --- */

/* One mv; the old name was found. */
struct receipt_mv {
	struct fs *fs;
	struct node from, to_folder;
	const char *to_name;
	bool same; /* it stays in its folder */
	bool noreplace;
	struct pending_reply *reply;
};
void receipt_rename(const struct receipt_mv *mv); /* NODE_RECEIPT, NODE_FOLDER */
void draft_rename(const struct receipt_mv *mv);   /* NODE_DRAFT… */
/* Whether a file of a receipt's folder has the text of a snapshot file, or one with a mistake,
 * which is to be told; at_end: also without its "...". */
bool draft_asks(const struct draft *d, bool at_end);
/* It becomes the receipt's snapshot file, and asks for the copy, whose result is replied. `reply`
 * is NULL after the last close of `user`'s opening. */
void draft_ask(struct fs *fs, struct draft *d, uid_t user, struct pending_reply *reply);
/* Whether the new name asks for nothing: a draft's, or one that is kept in a receipt's folder. */
bool receipt_mv_keeps(const struct receipt_mv *mv);
/* Whether a receipt becomes a draft. */
bool receipt_mv_drops(const struct receipt_mv *mv);

/* --- receipt_part.c --- */

/* Lets a text take effect as the file `name` of a folder. Returns 0 if that is nothing, or done
 * already; 1 if done follows, once it is in the row on disk and with the copy; -errno with *err. */
typedef void receipt_part_done(void *arg, const struct err *err);
int receipt_part_take(struct fs *fs, const struct buf *text, struct node folder, const char *name,
	receipt_part_done *done, void *arg, struct err *err);
/* Replies to the close of a file of the folder, which takes effect. A refused one gets the text
 * back that is in force. `reply` is NULL after the last close of `user`'s opening. */
void receipt_part_commit(struct fs *fs, struct draft *d, uid_t user, struct pending_reply *reply);
/* The draft is about to lose its name: the description or the tag that it is goes too. */
void receipt_part_forget(struct fs *fs, const struct draft *d);

/* --- receipt_tags.c --- */

/* Sets a tag of the folder; value NULL: removes it. The caller saves the row. 0 or -ENOMEM. */
int receipt_tags_set(struct receipt *r, const char *key, const char *value);
/* Its value, the caller's to free; NULL: there is none, or no memory. */
char *receipt_tags_value(const struct receipt *r, const char *key);
/* Calls fn for each tag until it returns another value than 0; returns that, or -ENOMEM. */
typedef int receipt_tags_fn(void *arg, const char *key, const char *value);
int receipt_tags_each(const struct receipt *r, receipt_tags_fn *fn, void *arg);
/* Whether the source, as far as it is known, has this tag; key NULL: this description. */
bool receipt_tags_are_source(
	struct fs *fs, const char *region, const char *id, const char *key, const char *value);
/* The request of a folder's text, with what the folder adds: out borrows from both, and is to be
 * finished if 0 was returned; -ENOMEM. */
int receipt_tags_request(struct fs *fs, const struct receipt *r, const struct copy_request *text,
	struct copy_request *out);
void receipt_tags_request_finish(const struct copy_request *text, struct copy_request *out);

#endif
