/* SPDX-License-Identifier: MIT */
/* The store of drafts: files, folders and links that exist in memory only. */
#ifndef EBSFS_DRAFT_H
#define EBSFS_DRAFT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"
#include "node.h"

/*
 * Drafts serve four purposes:
 *
 *   a name that begins with a dot, in a region's folder, its snapshots/, a receipt's folder, or a
 *   folder of such a name: tools write such a file, and then rename it to the name that requests a
 *   copy
 *
 *   in a receipt's folder, every file but the snapshot file, as it was written; receipt_folder.c
 *   gives description and tags/ their meaning
 *
 *   in a snapshot's tags/, the scratch files of editors, for DRAFT_SCRATCH_MS
 *
 *   in a snapshot's tags/, a tag that an editor has moved away and will write again (a whiteout):
 *   the tag is hidden, but not removed from EC2
 *
 * The end of the mount deletes all drafts.
 */
enum draft_type {
	DRAFT_FILE,
	DRAFT_FOLDER,
	DRAFT_LINK,
	DRAFT_WHITEOUT, /* hides another node of its name */
};

/* Limits of one mount. */
#define DRAFTS_MAX       ((uint32_t)1 << 20)
#define DRAFTS_BYTES_MAX ((size_t)256 << 20)
#define DRAFT_BYTES_MAX  ((size_t)1 << 20) /* of one file */
#define DRAFT_SCRATCH_MS 60000

/* Outside draft.c only text, mode, uid, gid, mtime_ns and mtime_set may be changed. */
struct draft {
	uint64_t folder; /* the folder's node number */
	char *key;       /* folder and name, for lookups */
	const char *name;
	uint32_t number, generation, region;
	enum draft_type type;
	struct buf text; /* a file's content, a link's target */
	uint32_t uid, gid;
	uint16_t mode;
	int64_t mtime_ns;
	bool mtime_set; /* a tool has set mtime_ns */
	unsigned openings;
	bool gone;         /* removed; freed when its last opening is closed */
	int64_t until_ms;  /* monotonic: when it expires; 0: never */
	uint64_t position; /* in its folder's listing */
	struct drafts_folder *siblings;
	struct draft *prev, *next;                   /* of its folder, by position */
	struct draft *prev_expiring, *next_expiring; /* of the drafts with until_ms, by until_ms */
};

struct drafts;

struct drafts *drafts_create(void);     /* NULL on ENOMEM */
void drafts_destroy(struct drafts *ds); /* NULL is permitted */

/* The draft of a node (NODE_DRAFT…), also a removed draft that is still open; NULL: freed. */
struct draft *drafts_get(const struct drafts *ds, struct node n);
/* The node of a file, folder or link; whiteouts have no node. */
struct node drafts_node(const struct draft *d);
/* The draft of this name in the folder, of any type; NULL: none. */
struct draft *drafts_find(struct drafts *ds, struct node folder, const char *name);
/* Lists the folder's drafts that have a node: returns the next one and advances *pos, which is 0 at
 * first; NULL after the last. A draft added during the listing may be missing; each other draft
 * appears once. */
struct draft *drafts_next(struct drafts *ds, struct node folder, uint64_t *pos);
/* A number that grows whenever a draft is added to a snapshots/ or removed from it. */
uint64_t drafts_version(const struct drafts *ds);
/* Whether the folder has any draft. */
bool drafts_any(struct drafts *ds, struct node folder);

/* Calls fn with each folder that has drafts. */
void drafts_each_folder(struct drafts *ds, void (*fn)(void *arg, struct node folder), void *arg);

/* Adds a draft; the folder must have no draft of this name. kept: the draft comes from the journal,
 * so the mount's limits do not apply. NULL with *err: ENOSPC, ENOMEM. */
struct draft *drafts_add(struct drafts *ds, struct node folder, const char *name,
	enum draft_type type, bool kept, struct err *err);
struct fs;
/* Adds a draft that a tool creates; its owner is the mount's. NULL with *err: EEXIST, ENOSPC,
 * ENOMEM. */
struct draft *drafts_make(struct fs *fs, struct node folder, const char *name, enum draft_type type,
	mode_t mode, struct err *err);
/* Makes the draft expire DRAFT_SCRATCH_MS after its last change or closing. */
void drafts_expire(struct drafts *ds, struct draft *d);
/* Moves a draft to another folder or name of the same region; replaces a draft of that name.
 * Returns 0 or -ENOMEM. */
int drafts_rename(struct drafts *ds, struct draft *d, struct node folder, const char *name);
/* Moves all drafts of a folder into another. */
void drafts_rename_all(struct drafts *ds, struct node from, struct node to);
/* Removes the draft, and if it is a folder, all drafts in it. Open drafts are freed at their last
 * close. */
void drafts_remove(struct drafts *ds, struct draft *d);
void drafts_remove_all(struct drafts *ds, struct node folder); /* all drafts in the folder */

/* Count the openings of a file. An open file can be read and written after its removal. */
void drafts_open(struct draft *d);
void drafts_close(struct drafts *ds, struct draft *d);
/* Change a file's text. Return 0, or -EFBIG, -ENOSPC, -ENOMEM with *err. */
int drafts_write(struct drafts *ds, struct draft *d, const char *data, size_t len, off_t offset,
	struct err *err);
/* Writes the value and a newline at the file's beginning. */
int drafts_write_line(struct drafts *ds, struct draft *d, const char *value, struct err *err);
int drafts_truncate(struct drafts *ds, struct draft *d, off_t size, struct err *err);

/* --- draft_file.c: functions for the struct node_ops of folders that hold drafts --- */

struct handle;
struct tree_entry;
int draft_find(struct fs *fs, struct node folder, const char *name, struct node *child);
bool draft_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out);
/* Whether a file is made as mkstemp() makes it, to write it and to rename it: its name says
 * nothing. h: as for create; NULL: it is not opened. */
bool draft_is_temporary(const struct handle *h, mode_t mode);
int draft_create(struct fs *fs, struct node folder, const char *name, mode_t mode, struct handle *h,
	struct node *child, struct err *err);
int draft_mkdir(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct node *child, struct err *err);
int draft_symlink(struct fs *fs, struct node folder, const char *name, const char *target,
	struct node *child, struct err *err);

#endif
