/* SPDX-License-Identifier: MIT */
/* The tree: what each kind of node is. A new kind of file is one module that fills a struct
 * node_ops, and one line in tree.c. */
#ifndef EBSFS_TREE_H
#define EBSFS_TREE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "buf.h"
#include "fs.h"
#include "handle.h"
#include "pending_reply.h"
#include "region.h"

struct tree_entry {
	char name[NAME_MAX + 1];
	struct node node;
};

/* How long the kernel may trust what it was told. */
enum tree_trust {
	TRUST_NEVER,   /* changes on its own: asked each time; read past the page cache */
	TRUST_LISTING, /* as long as the region's listing is fresh; changes are told to the kernel
			*/
	TRUST_EVER,    /* never changes while mounted */
};

/* What a kind of node can do. A NULL member means: not with this kind. Without a pending reply a
 * member returns at once, from memory; -errno on failure. */
struct node_ops {
	mode_t type; /* S_IFDIR, S_IFREG, S_IFLNK */
	mode_t mode; /* permissions; write bits fall away on a read-only mount */
	enum tree_trust trust;
	/* What a person does instead, where writing it, or making anything in it, is refused. */
	const char *instead;

	/* Corrects the default attributes (owner, mode, times of the mount, size of the text).
	 * -ENOENT: the node is gone. */
	int (*attr)(struct fs *fs, struct node n, struct stat *st);
	/* A file's text, a link's target. */
	int (*text)(struct fs *fs, struct node n, struct buf *out);

	/* Files whose reads are not served from text() as it was at open: replies to `a`, now or
	 * later, with at most `size` bytes from `offset` on. */
	void (*read)(struct handle *h, off_t offset, size_t size, struct pending_reply *a);
	/* SEEK_DATA and SEEK_HOLE (the kernel does the others): the offset found, or -errno. NULL:
	 * there are no holes before the file's end. */
	off_t (*lseek)(struct handle *h, off_t offset, int whence);
	/* Reads come in order: the kernel refuses every lseek (ESPIPE). */
	bool stream;
	/* An opening for reading; poll() on it: whether there is news, and if not, `ph` (NULL, or
	 * owned from now on) is notified of it; before the handle is freed. */
	void (*open_read)(struct handle *h);
	bool (*poll)(struct handle *h, struct fuse_pollhandle *ph);
	void (*release)(struct handle *h);

	/* Folders: the child of this name (-ENOENT); the next child from *pos on, which is 0 at
	 * first and opaque (false: no more). */
	int (*find)(struct fs *fs, struct node folder, const char *name, struct node *child);
	bool (*next)(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out);
	/* Folders whose contents come from EC2: sees to it that `name` (NULL: all) is known, as
	 * region_ensure() does. */
	struct region_waiter *(*ensure)(struct fs *fs, struct node folder, const char *name,
		region_done *done, void *arg, bool *ready);

	/* Folders that are read while they come from EC2: sees to it that next() knows whether
	 * there is anything from `pos` on, likewise. */
	struct region_waiter *(*ensure_next)(struct fs *fs, struct node folder, uint64_t pos,
		region_done *done, void *arg, bool *ready);

	/* Folders: a new file, opened; a new folder or link. `err` says why not. */
	int (*create)(struct fs *fs, struct node folder, const char *name, mode_t mode,
		struct handle *h, struct node *child, struct err *err);
	int (*mkdir)(struct fs *fs, struct node folder, const char *name, mode_t mode,
		struct node *child, struct err *err);
	int (*symlink)(struct fs *fs, struct node folder, const char *name, struct node *child,
		struct err *err); /* the target is the kind's to say */

	/* Files: opening for writing what exists; then the text as it was written (handle.h).
	 * commit() answers close(). */
	int (*open_write)(struct fs *fs, struct node n, struct handle *h, struct err *err);
	int (*write)(struct handle *h, const char *data, size_t len, off_t offset, struct err *err);
	int (*truncate)(struct fs *fs, struct node n, struct handle *h, off_t size,
		struct err *err); /* h may be NULL */
	void (*commit)(struct handle *h, struct pending_reply *a);
	void (*closed)(struct handle *h); /* the last close of this opening */

	/* Changes of mode, owner and times that are kept (or kindly ignored) instead of refused
	 * with EPERM. `which`: FUSE_SET_ATTR_… */
	int (*set_attr)(
		struct fs *fs, struct node n, const struct stat *st, int which, struct err *err);
	/* Removal from its folder, by unlink (files, links) or rmdir (folders). */
	void (*remove)(struct fs *fs, struct node n, struct pending_reply *a);
};

const struct node_ops *tree_ops(struct node n);
/* The attributes of a node, for stat. 0 or -errno. */
int tree_attr(struct fs *fs, struct node n, struct stat *st);
/* Seconds for which the kernel may trust a node's attributes and its name. */
double tree_attr_seconds(struct fs *fs, struct node n);
double tree_name_seconds(struct fs *fs, struct node n);
/* A node's path from the mount's root, for messages: "regions/us-east-1/snapshots/snap-…/status";
 * "." for the root. With a name: that of this child, whether it is there or not. Returns out. */
#define TREE_PATH_SIZE 1024
const char *tree_path(struct fs *fs, struct node n, const char *name, char out[TREE_PATH_SIZE]);
/* find() of the folder; -ENOTDIR. */
int tree_find(struct fs *fs, struct node folder, const char *name, struct node *child);

#endif
