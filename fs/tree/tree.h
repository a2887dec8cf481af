/* SPDX-License-Identifier: MIT */
/* The tree: the operations of each kind of node. A new kind of file is one module with a struct
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

/* How long the kernel may cache a node's attributes and text. */
enum tree_trust {
	TRUST_NEVER, /* changes at any time: the kernel requests it each time, and reads bypass the
		      * page cache */
	TRUST_BRIEFLY, /* for half a second: its name may disappear, or refer to another node */
	TRUST_LISTING, /* while the region's listing is fresh; changes invalidate the kernel's cache
			*/
	TRUST_EVER,    /* does not change while mounted */
};

/* The operations of a kind of node. NULL: the kind does not have the operation. Members without a
 * pending reply return at once, from memory; those that return int return 0 or -errno. */
struct node_ops {
	mode_t type; /* S_IFDIR, S_IFREG, S_IFLNK */
	/* Permissions. On a read-only mount the write bits are cleared. uid=, gid= and umask= apply
	 * to kinds that have bits for the group or others; other kinds belong to the mounting user.
	 */
	mode_t mode;
	enum tree_trust trust;
	/* The advice in the error message if a write to the node, or a new file in it, is refused.
	 */
	const char *instead;
	/* For kinds whose numbers are used again: the kind of node that holds the count of the
	 * kernel's references (kernel_refs.h); NODE_ROOT: references are not counted. forgotten():
	 * the kernel has dropped the last reference. */
	enum node_kind counted;
	void (*forgotten)(struct fs *fs, struct node n);
	/* For the same kinds: a value that tells apart the nodes that have had the same number. */
	uint64_t (*generation)(struct fs *fs, struct node n);

	/* Corrects the default attributes (the mount's owner, mode and times, the text's size).
	 * Returns -ENOENT if the node no longer exists. */
	int (*attr)(struct fs *fs, struct node n, struct stat *st);
	/* Appends a file's text, or a link's target. */
	int (*text)(struct fs *fs, struct node n, struct buf *out);

	/* For files whose reads do not use the text of open(): replies to `a`, at once or later,
	 * with at most `size` bytes from `offset` on. */
	void (*read)(struct handle *h, off_t offset, size_t size, struct pending_reply *a);
	/* For nodes that ebsfs-reader knows (files/): each of these replies to `a`, at once or
	 * later, and replaces find(); attr(); text() of a link; next(). The type of such a node may
	 * differ from `type`. readdir() replies with a buffer as dir_reply.h makes it. */
	void (*lookup)(
		struct fs *fs, struct node folder, const char *name, struct pending_reply *a);
	void (*getattr)(struct fs *fs, struct node n, struct pending_reply *a);
	void (*readlink)(struct fs *fs, struct node n, struct pending_reply *a);
	void (*readdir)(
		struct handle *h, off_t offset, size_t size, bool plus, struct pending_reply *a);

	/* Handles SEEK_DATA and SEEK_HOLE (the kernel handles the others): replies with
	 * fuse_reply_lseek() or an error. NULL: the file has no holes before its end. attr() of
	 * such a kind also sets the number of blocks. */
	void (*lseek)(struct handle *h, off_t offset, int whence, struct pending_reply *a);
	/* The contents change only by writes through the kernel, if at all: the kernel may cache
	 * them, and serve writers from its cache too. */
	bool cached;
	/* Writes stay on this machine: they need no response from AWS. */
	bool local;
	/* The text must be read in order: the kernel refuses every lseek (ESPIPE). */
	bool stream;
	/* open_read(): called when a handle is opened for reading; returns 0, or -errno with *err.
	 * poll(): returns whether the handle's text has changed since it was last read; if not,
	 * `ph` (NULL, or owned by the handle from now on) is notified when it changes. release():
	 * called before the handle is freed. */
	int (*open_read)(struct handle *h, struct err *err);
	bool (*poll)(struct handle *h, struct fuse_pollhandle *ph);
	void (*release)(struct handle *h);

	/* Folders. find(): finds the child of this name, or returns -ENOENT. next(): returns the
	 * next child from *pos on, which is 0 at first and opaque; false after the last child. */
	int (*find)(struct fs *fs, struct node folder, const char *name, struct node *child);
	bool (*next)(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out);
	/* Folders: refuses, with *err, to look `name` up, or (name NULL) to be opened, before a
	 * request to EC2 is sent. Returns 0 or -errno. NULL: never refuses. */
	int (*refuses)(struct fs *fs, struct node folder, const char *name, struct err *err);
	/* Folders whose contents come from EC2: makes sure, as view_ensure() does, that `name`
	 * (NULL: every name) is known before find(). Files: makes sure that the text is known
	 * before open() for reading returns. */
	struct region_waiter *(*ensure)(struct fs *fs, struct node folder, const char *name,
		region_done *done, void *arg, bool *ready);

	/* Folders that are read while EC2 sends their list: makes sure, in the same way, that
	 * next() knows whether an entry follows from `pos` on. */
	struct region_waiter *(*ensure_next)(struct fs *fs, struct node folder, uint64_t pos,
		region_done *done, void *arg, bool *ready);

	/* Folders: creates a file and opens it; creates a folder or a link. Returns 0 or -errno
	 * with *err. */
	int (*create)(struct fs *fs, struct node folder, const char *name, mode_t mode,
		struct handle *h, struct node *child, struct err *err);
	int (*mkdir)(struct fs *fs, struct node folder, const char *name, mode_t mode,
		struct node *child, struct err *err);
	int (*symlink)(struct fs *fs, struct node folder, const char *name, const char *target,
		struct node *child,
		struct err *err); /* text() of the new link returns its target */

	/* Files: open_write() opens an existing file for writing; write() and truncate() change the
	 * text of the handle (handle.h); commit() replies to close(). */
	int (*open_write)(struct fs *fs, struct node n, struct handle *h, struct err *err);
	int (*write)(struct handle *h, const char *data, size_t len, off_t offset, struct err *err);
	/* For files whose writes are replied to later, with fuse_reply_write() or an error. `data`
	 * is valid during the call. */
	void (*write_later)(struct handle *h, const char *data, size_t len, off_t offset,
		struct pending_reply *a);
	/* mode: as for fallocate(2). NULL: EOPNOTSUPP. */
	void (*fallocate)(
		struct handle *h, int mode, off_t offset, off_t len, struct pending_reply *a);
	/* copy_file_range() into this file; replies as write_later() does. NULL: EOPNOTSUPP, and
	 * the program then reads and writes. */
	void (*copy_range)(struct handle *from, off_t from_offset, struct handle *h, off_t offset,
		size_t len, struct pending_reply *a);
	int (*truncate)(struct fs *fs, struct node n, struct handle *h, off_t size,
		struct err *err); /* h may be NULL */
	void (*commit)(struct handle *h, struct pending_reply *a);
	void (*closed)(struct handle *h); /* called at the last close of the handle */

	/* Accepts changes of mode, owner and times, kept or ignored; NULL: they are refused with
	 * EPERM. `which`: FUSE_SET_ATTR_… */
	int (*set_attr)(
		struct fs *fs, struct node n, const struct stat *st, int which, struct err *err);
	/* Removes the node from its folder: unlink for files and links, rmdir for folders. */
	void (*remove)(struct fs *fs, struct node n, struct pending_reply *a);
};

const struct node_ops *tree_ops(struct node n);
/* Writes the attributes of a node, for stat. Returns 0 or -errno. */
int tree_attr(struct fs *fs, struct node n, struct stat *st);
/* Returns the node's generation. A number and a generation together never refer to two different
 * nodes. */
uint64_t tree_generation(struct fs *fs, struct node n);
/* Return the seconds for which the kernel may cache a node's attributes, and its name. */
double tree_attr_seconds(struct fs *fs, struct node n);
double tree_name_seconds(struct fs *fs, struct node n);
/* After a successful rename the kernel moves the cached name together with its node. But the new
 * name belongs to a receipt, and the snapshot stays at its place. So the moved name must have no
 * timeout: then the kernel looks it up again before it uses it.
 *
 * To remove the timeout, the first rename fails with ESTALE. Then the kernel itself, not the user's
 * program, looks the source up again, which now gets no timeout, and repeats the rename. */

/* Notes that a rename of this snapshot is about to be carried out: from now on tree_name_seconds()
 * is 0 for it. Returns 1 for the first rename (reply ESTALE), 0 if the name already has no timeout
 * (carry the rename out), or -ENOMEM. */
int tree_uncache_name(struct fs *fs, struct node n);
void tree_free_uncached_names(struct fs *fs); /* as the mount ends */

/* Calls find() of the folder. Returns 0, -ENOENT or -ENOTDIR. */
int tree_find(struct fs *fs, struct node folder, const char *name, struct node *child);

#endif
