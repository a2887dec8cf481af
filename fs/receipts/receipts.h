/* SPDX-License-Identifier: MIT */
/* Receipts: files and folders in a region that requested copies, kept as they were written. A copy
 * can have any number of receipts. */
#ifndef EBSFS_RECEIPTS_H
#define EBSFS_RECEIPTS_H

#include "copies.h"
#include "draft.h"
#include "tree.h"
#include "waiters.h"

/*
 * A receipt's life:
 *
 *   draft      being written, or left unfinished; in memory only, except a folder into which a
 *              description or tags were written; work->refused says why the last request failed
 *   asking     its copy was requested, and the result is pending; callers of close() on the file
 *              wait in work->waiting
 *   asked      it has a copy, and its row is in the journal
 *   removing   its row is being deleted from the journal
 *
 * Transitions: draft or asked -> asking, when a complete text was written; asking -> asked, or back
 * to the state before if the request ended without a copy; draft or asked -> removing.
 *
 * Writes go into work->draft. A receipt in state draft shows work->draft. A receipt that has a copy
 * shows the text that requested the copy, until the request of another text is accepted: for the
 * same copy or, once the copy is not alive (receipts_is_fixed()), for another copy.
 */
enum receipt_state {
	RECEIPT_DRAFT,
	RECEIPT_ASKING,
	RECEIPT_ASKED,
	RECEIPT_REMOVING,
};

struct receipt;
typedef void receipts_after_fn(void *arg, struct receipt *r, const struct err *err);

struct receipt_request; /* defined in receipt_request.c; needs only free() */

/* An element of receipt_work.waiting. */
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
	bool dirty;       /* draft was written or truncated since it was last parsed */
	bool cut;         /* draft was truncated to 0 bytes, and not written since */
	/* For a receipt that has a copy: the mtime that a tool set while the text is being written.
	 * It becomes the receipt's if the new text is accepted. */
	bool has_mtime;
	int64_t mtime_ns;
	/* While asking: what to restore if the request ends without a copy. */
	struct {
		enum receipt_state state;
		int64_t id, mtime_ns;
		bool mtime_set;
		char *text;
	} before;
	bool spoilt; /* a write was refused, so draft lacks a piece: it requests nothing until it
			is truncated to 0 */
	bool save_again;        /* the receipt changed while asking: its row is saved afterwards */
	bool has_refused;       /* `refused` is set */
	struct err refused;     /* why the last request of a draft failed */
	struct waiters waiting; /* struct waiting_reply */
	struct waiters after;   /* struct receipt_after: receipts_after() */
	struct receipt_request *request; /* while asking */
};

/* Kept small, because a mount may have a hundred thousand; state that few receipts need is in
 * `work`. */
struct receipt {
	int64_t id;                /* of its row in the journal; 0: it has no row yet */
	int64_t copy;              /* journal_copy.id; 0: no copy yet */
	int64_t mtime_ns;          /* shown as 0 after a failure (receipt_is_to_be_sent()) */
	char *key;                 /* region, folder and name, for lookups */
	const char *name;          /* the end of key */
	char *file_name;           /* of a folder: its snapshot file's name; NULL or "": none yet */
	char *text;                /* the text of the last request; NULL: none was made */
	char *description;         /* written into the folder; NULL: none has arrived */
	char *tags;                /* written into the folder, as a JSON object; NULL: none */
	struct receipt_work *work; /* NULL while not needed */
	uint32_t number;           /* its node slot */
	uint32_t region;           /* index of the shown region */
	uint32_t uid, gid;
	uint16_t mode, file_mode; /* file_mode: of a folder's snapshot file */
	uint8_t folder;           /* the kind of its folder: enum node_kind */
	uint8_t zone;             /* if `folder` is NODE_ZONE: the zone's number */
	enum receipt_state state : 8;
	bool is_folder : 1;
	bool has_file : 1;  /* the folder's snapshot file exists */
	bool mtime_set : 1; /* a tool set mtime_ns; otherwise it becomes the source's start time */
	/* The user removed the status or the .copy link beside the receipt: hidden until the
	 * receipt is written again or the next mount. */
	bool no_status : 1, no_link : 1;
	bool filled : 1; /* drafts were made of the row's description and tags (receipt_folder.c) */
};

#define RECEIPT_FOLDER_SIZE 96 /* of a folder's name in the journal */

struct receipts;

struct receipts *receipts_create(struct fs *fs); /* NULL on ENOMEM */
void receipts_destroy(struct receipts *rs);
/* For copies_create(): adds a receipt from its row in the journal, unless its region is not shown.
 * arg: the struct fs. 0 or -ENOMEM, -ENOSPC. */
int receipts_load(void *arg, const struct journal_receipt *row);

/* Sets the only watcher (fn NULL: none): fn(arg, number) is called whenever a receipt was refused,
 * got its copy, or was removed. Changes of the copy itself are not reported here. */
typedef void receipts_watch_fn(void *arg, uint32_t number);
void receipts_watch(struct receipts *rs, receipts_watch_fn *fn, void *arg);
void receipts_changed(const struct receipts *rs, uint32_t number);

/* A number that grows whenever a receipt is added, removed or renamed. */
uint64_t receipts_version(const struct receipts *rs);
void receipts_listed_anew(struct receipts *rs); /* a name beside a receipt appeared or vanished */
/* Whether any receipt is RECEIPT_ASKING. */
bool receipts_asking(const struct receipts *rs);
/* The receipt of a node (NODE_RECEIPT, NODE_RECEIPT_STATUS, NODE_FOLDER…); NULL if it was removed.
 */
struct receipt *receipts_get(const struct receipts *rs, struct node n);
struct copy *receipts_copy(const struct fs *fs, const struct receipt *r); /* NULL: none yet */
/* Whether the receipt's copy is alive: queued, in progress, completed and not deleted, or failed
 * without a response (EC2 may have made it). A dry run is never alive. */
bool receipts_is_living(const struct fs *fs, const struct receipt *r);
/* Whether the receipt must not change: its copy is alive, or its state is asking or removing. */
bool receipts_is_fixed(const struct fs *fs, const struct receipt *r);
/* Checks that the receipt's text may be written: 0, or -ENOENT (r is NULL), -EBUSY with *err. */
int receipts_check_writable(const struct receipt *r, struct err *err);
/* The region's name; the folder that a receipt stands in; the receipt's own node. */
const char *receipts_region(const struct fs *fs, const struct receipt *r);
struct node receipts_folder(const struct receipt *r);
struct node receipts_node(const struct receipt *r);
/* The node of this kind that belongs to a receipt (its status, for example). */
struct node receipts_node_of(const struct receipt *r, enum node_kind kind);
/* Returns a sorted list of *n copies (journal_copy.id), one entry for each receipt that has a copy;
 * a copy with several receipts appears several times. The caller frees the list. NULL on ENOMEM. */
int64_t *receipts_copies(const struct receipts *rs, size_t *n);
/* All receipts have numbers below this. */
uint32_t receipts_count(const struct receipts *rs);
struct receipt *receipts_by_name(
	const struct receipts *rs, struct node folder, const char *name); /* NULL: none */

/* Returns r->work, created if there is none. NULL on ENOMEM. */
struct receipt_work *receipts_work(struct receipt *r);
/* Frees the parts of r->work that the receipt does not need any more. */
void receipts_work_shed(struct receipt *r);

/* Sets w->refused: why the last request failed. */
void receipts_work_refuse(struct receipt_work *w, const struct err *err);

/* Adds a new receipt, without a row in the journal. NULL with *err. */
struct receipt *receipts_add(struct fs *fs, struct node folder, const char *name, mode_t mode,
	bool is_folder, struct err *err);
/* Moves the receipt to another name or folder of the same region. The caller has checked the name.
 * 0 or -ENOMEM. */
int receipts_move(struct fs *fs, struct receipt *r, struct node folder, const char *name);
/* Removes the receipt from the tree and frees it. Abandons its copy (copies_abandon()) if no other
 * receipt has the same copy. The caller deletes the receipt's row. Not while RECEIPT_ASKING. */
void receipts_drop(struct fs *fs, struct receipt *r);
/* The receipt's row; its strings are borrowed from the receipt and from `folder`. */
struct journal_receipt receipts_row(
	const struct fs *fs, const struct receipt *r, char folder[RECEIPT_FOLDER_SIZE]);
/* Writes the receipt's row to the journal, if it has one. */
void receipts_save(struct fs *fs, struct receipt *r);

/* Implement node_ops.set_attr and attr for receipts. Mode, owner and times are kept, as cp -a and
 * rsync expect. */
void receipts_set_attr(struct fs *fs, struct receipt *r, const struct stat *st, int which);
void receipts_attr(const struct fs *fs, const struct receipt *r, struct stat *st);
/* The copy has changed: invalidates the kernel's attributes of its receipts that depend on it. */
void receipts_copy_changed(const struct fs *fs, const struct copy *copy);

/* --- receipt_request.c --- */

/* Replies to `reply` with the result of the request under way. An interrupt ends the wait, not the
 * request. */
void receipts_wait(struct receipt_work *w, struct pending_reply *reply);
/* Calls fn(arg, r, err) when the request that is under way (RECEIPT_ASKING), or about to be made,
 * has ended; err NULL: the request was accepted. r is NULL if another function called before has
 * dropped the receipt. fn may drop the receipt, or request another text; the functions not called
 * yet are then called with the result of that request. Returns 0 or -ENOMEM. */
int receipts_after(struct receipt_work *w, receipts_after_fn *fn, void *arg);
/* Defers an operation until the request under way (RECEIPT_ASKING) has ended: then calls fn(arg,
 * reply), or fn(arg, NULL) if the caller was interrupted meanwhile. Returns 0 or -ENOMEM. */
typedef void receipts_turn_fn(void *arg, struct pending_reply *reply);
int receipts_turn(
	struct receipt_work *w, receipts_turn_fn *fn, void *arg, struct pending_reply *reply);

/* Requests the copy and replies to `reply` (may be NULL) once the request was accepted or refused.
 * `request` is copied. move: the source is deleted once the copy has completed, and a refusal drops
 * a receipt in state draft. user: the requesting user, who finds the reason of a refusal in
 * last-error. */
void receipt_ask(struct fs *fs, struct receipt *r, const struct copy_request *request, bool move,
	uid_t user, struct pending_reply *reply);
/* Deletes the receipt's row from the journal, drops the receipt (receipts_drop()), then replies. In
 * RECEIPT_ASKING, first waits for the request's end; in RECEIPT_REMOVING, replies EBUSY. */
void receipt_remove(struct fs *fs, struct receipt *r, struct pending_reply *reply);
/* Removes the snapshot file in a receipt's folder. The folder stays a receipt until its rmdir. */
void receipt_remove_file(struct fs *fs, struct receipt *r, struct pending_reply *reply);

/* --- receipt_kind.c --- */

/* Whether receipts stand in the folder: a region's, its snapshots/, a zone's, images/. */
bool receipt_kind_takes(struct node folder);
/* The kind of request that a text written into this folder makes. */
enum request_kind receipt_kind(struct node folder);
/* Sets out->place to the zone, or out->name to the image's name, that the receipt's folder and name
 * stand for. The strings are borrowed. */
void receipt_kind_address(
	const struct fs *fs, struct node folder, const char *name, struct copy_request *out);
/* Appends the folder's path below its region: "" or "/snapshots", "/volumes/eu-west-1a", "/images".
 */
void receipt_folder_path(const struct fs *fs, struct node folder, struct buf *out);
/* receipt_folder_name(): the same path without the first '/', as the journal stores it.
 * receipt_folder_of_name(): finds the folder of such a path; false: this mount has no such folder.
 */
const char *receipt_folder_name(
	const struct fs *fs, struct node folder, char out[RECEIPT_FOLDER_SIZE]);
bool receipt_folder_of_name(struct fs *fs, uint32_t region, const char *name, struct node *folder);
/* "copy", "make a volume of", "make an image of": for messages. */
const char *receipt_kind_verb(struct node folder);
const char *receipt_kind_noun(struct node folder); /* "copy", "volume", "image" */

/* --- receipt_file.c: beside its struct node_ops --- */

/* Writes a whole text to the file `name` of a region's folder, as a program of `user` would, and
 * replies with the result that the program's close() would get. */
void receipts_write(struct fs *fs, struct node folder, const char *name, const struct buf *text,
	uid_t user, struct pending_reply *reply);

/* Appends the text of the receipt's status, whether it has a copy or not. Results as buf_add. */
int receipt_status(struct fs *fs, const struct receipt *r, struct buf *out);

/* --- receipt_names.c --- */

/* Writes the stem of a receipt's name: "A" for "A.snapshot" and for "A". The receipt's status is
 * named after the stem. The name has at most NAME_MAX bytes. */
void receipts_stem(const char *name, char out[NAME_MAX + 1]);
size_t receipts_stem_len(const char *name);
/* Whether `name` is a stem with this suffix (".status"). If so, writes the stem to out. */
bool receipts_strip(const char *name, const char *suffix, char out[NAME_MAX + 1]);
/* The other receipt of the same stem ("A" for "A.snapshot", and the reverse), unless it is `self`;
 * NULL: none. */
struct receipt *receipts_sibling(const struct receipts *rs, struct node folder, const char *name,
	const struct receipt *self);

/* node_ops.find and next for NODE_REGION and NODE_SNAPSHOTS. They find receipts and, for each stem,
 * STEM.status, STEM.wait and the link STEM.copy. Listings leave out .wait, and .copy unless the
 * receipt is a folder. */
int receipts_find(const struct fs *fs, struct node folder, const char *name, struct node *child);
bool receipts_next(const struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out);
/* node_ops.create and mkdir for the same folders. */
int receipts_create_file(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err);
int receipts_create_folder(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct node *child, struct err *err);
/* Checks that a receipt in `folder` may have this name: the name is not reserved, not in use, and
 * does not share its status with a receipt of another copy. self: the receipt, which may have the
 * name already; NULL: a new one. */
int receipts_check_name(const struct fs *fs, struct node folder, const char *name,
	const struct receipt *self, struct err *err);
/* Renames each receipt of an earlier version whose name is reserved now in a region's folder to
 * NAME~1. Call it after all receipts_load(). 0 or -ENOMEM. */
int receipts_rename_all_reserved(struct fs *fs);
/* The last part of receipts_check_name(): checks that the other receipt of the same stem, which has
 * the same status, is not of another copy. For a receipt without a copy, receipt_ask() checks this
 * later. 0, or -errno with *err. */
int receipts_check_sibling(const struct fs *fs, struct node folder, const char *name,
	const struct receipt *self, struct err *err);
/* Sets *err to EEXIST, with a message that names the receipt `other`. Returns -EEXIST. */
int receipts_refuse_sibling(const struct receipt *other, struct err *err);
/* receipts_hide(): hides the status or the .copy link (kind) beside a receipt that the user
 * removed. receipts_unhide(): shows both again when the receipt is written. */
void receipts_hide(struct fs *fs, struct receipt *r, enum node_kind kind);
void receipts_unhide(struct fs *fs, struct receipt *r);

/* --- receipt_folder.c: beside its struct node_ops --- */

/* The receipt whose folder holds this draft, at any depth; NULL: the draft is in no receipt's
 * folder. */
struct receipt *receipt_folder_of(struct fs *fs, const struct draft *d);
/* Whether `folder` is the tags/ of a receipt's folder. */
bool receipt_folder_is_tags(struct fs *fs, struct node folder);
/* Checks that a receipt's folder, or a folder below it, may have a draft of this name and type. 0
 * or -errno with *err. */
int receipt_folder_check(
	struct fs *fs, struct node folder, const char *name, enum draft_type type, struct err *err);
/* The draft is being written: if the queued copy of its receipt's folder waits for its description,
 * prolongs the wait (copies_expect_description()). */
void receipt_folder_expect(struct fs *fs, const struct draft *d);
/* Creates a draft of this name in any folder, if receipt_folder_check() permits it, and sets *child
 * to its node. 0 or -errno with *err. */
int receipt_folder_make_draft(struct fs *fs, struct node folder, const char *name,
	enum draft_type type, mode_t mode, struct node *child, struct err *err);

/* Whether a file of this name in a receipt's folder is kept as written and never becomes the
 * snapshot file. */
bool receipt_folder_keeps(const char *name);

/* Writing to and removing the status beside a receipt. cp -r of a snapshot's folder writes a
 * status; for a receipt that is a folder the write succeeds and is dropped. The status of a receipt
 * that is a file is read-only. */
int receipt_status_open_write(struct fs *fs, struct node n, struct handle *h, struct err *err);
int receipt_status_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err);
void receipt_status_remove(struct fs *fs, struct node n, struct pending_reply *a);

/* --- receipt_rename.c, draft_rename.c --- */

/* One rename; the old name exists. */
struct receipt_mv {
	struct fs *fs;
	struct node from, to_folder;
	const char *to_name;
	bool same; /* the new name is in the same folder */
	bool noreplace;
	struct pending_reply *reply;
};
void receipt_rename(const struct receipt_mv *mv); /* NODE_RECEIPT, NODE_FOLDER */
void draft_rename(const struct receipt_mv *mv);   /* NODE_DRAFT… */
/* Whether a file of a receipt's folder is meant as its snapshot file: its text is one, or is one
 * with a mistake that must be reported. at_end: also accepts a text without its "...". */
bool draft_asks(const struct draft *d, bool at_end);
/* Makes the draft the snapshot file of its receipt's folder, requests the copy, and replies with
 * the result. reply NULL: no caller waits, because `user`'s last opening was closed; errors go to
 * the user's last-error. */
void draft_ask(struct fs *fs, struct draft *d, uid_t user, struct pending_reply *reply);
/* Whether the new name requests nothing: a draft's name, or a name that receipt_folder_keeps() in a
 * receipt's folder. */
bool receipt_mv_keeps(const struct receipt_mv *mv);
/* Whether the rename turns a receipt into a draft. */
bool receipt_mv_drops(const struct receipt_mv *mv);

/* --- receipt_part.c --- */

/* Applies `text` as the description or the tag that `name` in a receipt's folder stands for.
 * Returns 0 if the name stands for neither, or the value is set already; 1 if done will be called,
 * once the receipt's row is on disk and the copy has the value; -errno with *err. */
typedef void receipt_part_done(void *arg, const struct err *err);
int receipt_part_take(struct fs *fs, const struct buf *text, struct node folder, const char *name,
	receipt_part_done *done, void *arg, struct err *err);
/* Applies the text of a closed file of a receipt's folder (receipt_part_take()), and replies to its
 * close(). On an error, restores the value before in the file, or removes the file if there was
 * none. reply NULL: no caller waits, because `user`'s last opening was closed; the error goes to
 * the user's last-error. */
void receipt_part_commit(struct fs *fs, struct draft *d, uid_t user, struct pending_reply *reply);
/* The draft is about to be removed or renamed: removes the description or the tag that it stands
 * for from the receipt's row. */
void receipt_part_forget(struct fs *fs, const struct draft *d);

/* --- receipt_tags.c --- */

/* Sets a tag of a receipt's folder; value NULL: removes the tag. The caller saves the row. 0 or
 * -ENOMEM. */
int receipt_tags_set(struct receipt *r, const char *key, const char *value);
/* The value of a tag of a receipt's folder. The caller frees it. NULL: no such tag, or no memory.
 */
char *receipt_tags_value(const struct receipt *r, const char *key);
/* Calls fn for each tag until it returns another value than 0; returns that, or -ENOMEM. */
typedef int receipt_tags_fn(void *arg, const char *key, const char *value);
int receipt_tags_each(const struct receipt *r, receipt_tags_fn *fn, void *arg);
/* Whether the catalogue's record of the source has this tag; key NULL: this description. */
bool receipt_tags_are_source(
	struct fs *fs, const char *region, const char *id, const char *key, const char *value);
/* Sets *out to the request `text` of a folder's snapshot file with the folder's description and
 * tags added. out borrows from both. Returns 0 (then call receipt_tags_request_finish()) or
 * -ENOMEM. */
int receipt_tags_request(struct fs *fs, const struct receipt *r, const struct copy_request *text,
	struct copy_request *out);
void receipt_tags_request_finish(const struct copy_request *text, struct copy_request *out);

#endif
