/* SPDX-License-Identifier: MIT */
/* The store of files, folders and links that are in memory only: drafts, and what stands in a
 * receipt's folder. */
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
 * Four uses:
 *
 *   a name that begins with a dot, in a region's folder, its snapshots/, a receipt's folder, or a
 *   folder of such a name: tools write there, and then rename to the name that asks
 *
 *   in a receipt's folder, all but the snapshot file, as it was written; receipt_folder.c gives
 *   description and tags/ their meaning
 *
 *   in a snapshot's tags/, the scratch files of editors, for DRAFT_SCRATCH_MS
 *
 *   there too, a tag's name that an editor has moved away and is about to write again (a
 *   whiteout): the tag is hidden, and EC2 is not told
 *
 * All of it is gone with the mount.
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

/* Read-only for all others, but for text, mode, uid, gid and mtime_ns. */
struct draft {
	uint64_t folder; /* the folder's node number */
	char *key;       /* folder and name, for lookups */
	const char *name;
	uint32_t number, generation, region;
	enum draft_type type;
	struct buf text; /* a link's target */
	uint32_t uid, gid;
	uint16_t mode;
	int64_t mtime_ns;
	bool mtime_set; /* by a tool */
	unsigned openings;
	bool gone;         /* has no name any more; is freed with its last opening */
	int64_t until_ms;  /* monotonic; 0: for the life of the mount */
	uint64_t position; /* in its folder's listing */
	struct drafts_folder *siblings;
	struct draft *prev, *next;                   /* of its folder, by position */
	struct draft *prev_expiring, *next_expiring; /* those with until_ms, by it */
};

struct drafts;

struct drafts *drafts_create(void);     /* NULL on ENOMEM */
void drafts_destroy(struct drafts *ds); /* NULL is permitted */

/* The draft of a node (NODE_DRAFT…), also one without a name that is still open; NULL: gone. */
struct draft *drafts_get(const struct drafts *ds, struct node n);
/* A file's, folder's or link's node; a whiteout has none. */
struct node drafts_node(const struct draft *d);
/* The draft of this name in the folder, any type; NULL. */
struct draft *drafts_find(struct drafts *ds, struct node folder, const char *name);
/* The next one with a node from *pos on, which is 0 at first; NULL after the last. A draft
 * that is added meanwhile may be missing; each other appears once. */
struct draft *drafts_next(struct drafts *ds, struct node folder, uint64_t *pos);
/* A number that grows whenever one comes to a snapshots/ or leaves it. */
uint64_t drafts_version(const struct drafts *ds);
/* Whether the folder has any. */
bool drafts_any(struct drafts *ds, struct node folder);

/* Calls fn with each folder that has any. */
void drafts_each_folder(struct drafts *ds, void (*fn)(void *arg, struct node folder), void *arg);

/* Adds a draft; the folder must have none of its name. NULL with *err: ENOSPC, ENOMEM. `kept`: it
 * comes from the journal, and is not refused for the mount's limits. */
struct draft *drafts_add(struct drafts *ds, struct node folder, const char *name,
	enum draft_type type, bool kept, struct err *err);
struct fs;
/* The same for a tool that makes it: with the mount's owner. NULL with *err: EEXIST too. */
struct draft *drafts_make(struct fs *fs, struct node folder, const char *name, enum draft_type type,
	mode_t mode, struct err *err);
/* From now on it is gone DRAFT_SCRATCH_MS after its last change or closing. */
void drafts_expire(struct drafts *ds, struct draft *d);
/* Gives it another folder and name of the same region; a draft of that name is removed. Returns 0
 * or -ENOMEM. */
int drafts_rename(struct drafts *ds, struct draft *d, struct node folder, const char *name);
/* Moves all drafts of a folder into another. */
void drafts_rename_all(struct drafts *ds, struct node from, struct node to);
/* Takes its name, and those of all that is in it. */
void drafts_remove(struct drafts *ds, struct draft *d);
void drafts_remove_all(struct drafts *ds, struct node folder); /* in the folder */

/* Openings of a file: it can be read and written after it has lost its name. */
void drafts_open(struct draft *d);
void drafts_close(struct drafts *ds, struct draft *d);
/* Change a file's text: 0, or -EFBIG, -ENOSPC, -ENOMEM with *err. */
int drafts_write(struct drafts *ds, struct draft *d, const char *data, size_t len, off_t offset,
	struct err *err);
/* Writes the value and a newline at the file's beginning. */
int drafts_write_line(struct drafts *ds, struct draft *d, const char *value, struct err *err);
int drafts_truncate(struct drafts *ds, struct draft *d, off_t size, struct err *err);

/* --- draft_file.c: beside its struct node_ops; for those of other folders --- */

struct handle;
struct tree_entry;
int draft_find(struct fs *fs, struct node folder, const char *name, struct node *child);
bool draft_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out);
int draft_create(struct fs *fs, struct node folder, const char *name, mode_t mode, struct handle *h,
	struct node *child, struct err *err);
int draft_mkdir(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct node *child, struct err *err);
int draft_symlink(struct fs *fs, struct node folder, const char *name, const char *target,
	struct node *child, struct err *err);

#endif
