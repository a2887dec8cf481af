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
	TRUST_NEVER,   /* changes at any time: asked each time, read past the page cache */
	TRUST_BRIEFLY, /* for half a second: its name may vanish, or stand for another node */
	TRUST_LISTING, /* while the region's listing is fresh; changes invalidate the kernel's cache
			*/
	TRUST_EVER,    /* does not change while mounted */
};

/* The operations of a kind of node. NULL: the kind does not have the operation. Members without a
 * pending reply answer from memory, at once; those that return int return 0 or -errno. */
struct node_ops {
	mode_t type; /* S_IFDIR, S_IFREG, S_IFLNK */
	/* Permissions. Write bits fall away on a read-only mount. uid=, gid= and umask= apply to
	 * kinds that have bits for the group or others; the rest belongs to the mounting user. */
	mode_t mode;
	enum tree_trust trust;
	/* The advice in the error message where a write to it, or a new file in it, is refused. */
	const char *instead;
	/* Kinds whose numbers are used again: the kind of node that has the count of the kernel's
	 * references (kernel_refs.h); NODE_ROOT: they are not counted. forgotten(): the last one is
	 * gone. */
	enum node_kind counted;
	void (*forgotten)(struct fs *fs, struct node n);
	/* The same for that kind: tells apart what its number stands for one after the other. */
	uint64_t (*generation)(struct fs *fs, struct node n);

	/* Corrects the default attributes (owner, mode, times of the mount, size of the text).
	 * -ENOENT: the node is gone. */
	int (*attr)(struct fs *fs, struct node n, struct stat *st);
	/* Appends a file's text, or a link's target. */
	int (*text)(struct fs *fs, struct node n, struct buf *out);

	/* Files whose reads are not served from text() as it was at open: replies to `a`, now or
	 * later, with at most `size` bytes from `offset` on. */
	void (*read)(struct handle *h, off_t offset, size_t size, struct pending_reply *a);
	/* Kinds of which another process knows (files/): each of these replies to `a`, now or
	 * later, and takes the place of find(); attr(); text() of a link; next(). The type of such
	 * a node may differ from `type`. readdir(): with fuse_reply_buf(), as dir_reply.h has it.
	 */
	void (*lookup)(
		struct fs *fs, struct node folder, const char *name, struct pending_reply *a);
	void (*getattr)(struct fs *fs, struct node n, struct pending_reply *a);
	void (*readlink)(struct fs *fs, struct node n, struct pending_reply *a);
	void (*readdir)(
		struct handle *h, off_t offset, size_t size, bool plus, struct pending_reply *a);

	/* SEEK_DATA and SEEK_HOLE (the kernel does the others): replies with fuse_reply_lseek() or
	 * an error. NULL: there are no holes before the file's end. attr() of such a kind sets the
	 * blocks too. */
	void (*lseek)(struct handle *h, off_t offset, int whence, struct pending_reply *a);
	/* The contents change only through the kernel, if at all: it may keep what it has read, and
	 * serve writers from its cache too. */
	bool cached;
	/* Writes stay on this machine: they need no answer from AWS. */
	bool local;
	/* Reads come in order: the kernel refuses every lseek (ESPIPE). */
	bool stream;
	/* open_read(): a handle is opened for reading: 0, or -errno with *err. poll(): whether its
	 * text has changed since it was last read; if not, `ph` (NULL, or owned by the handle from
	 * now on) is notified when it does. release(): the handle is about to be freed. */
	int (*open_read)(struct handle *h, struct err *err);
	bool (*poll)(struct handle *h, struct fuse_pollhandle *ph);
	void (*release)(struct handle *h);

	/* Folders. find(): the child of this name, or -ENOENT. next(): the next child from *pos on,
	 * which is 0 at first and opaque; false after the last one. */
	int (*find)(struct fs *fs, struct node folder, const char *name, struct node *child);
	bool (*next)(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out);
	/* Folders: refuses to look `name` up, or (NULL) to be opened, with *err, before EC2 is
	 * asked. Returns 0 or -errno. NULL: never. */
	int (*refuses)(struct fs *fs, struct node folder, const char *name, struct err *err);
	/* Folders whose contents come from EC2: makes sure that `name` (NULL: every name) is known
	 * before find(), as view_ensure() does. Files: that the text is known before an opening for
	 * reading returns. */
	struct region_waiter *(*ensure)(struct fs *fs, struct node folder, const char *name,
		region_done *done, void *arg, bool *ready);

	/* Folders that are read while EC2 sends their list: likewise makes sure that next() knows
	 * whether anything follows from `pos` on. */
	struct region_waiter *(*ensure_next)(struct fs *fs, struct node folder, uint64_t pos,
		region_done *done, void *arg, bool *ready);

	/* Folders: creates a file and opens it; creates a folder or a link. Returns 0 or -errno
	 * with *err. */
	int (*create)(struct fs *fs, struct node folder, const char *name, mode_t mode,
		struct handle *h, struct node *child, struct err *err);
	int (*mkdir)(struct fs *fs, struct node folder, const char *name, mode_t mode,
		struct node *child, struct err *err);
	int (*symlink)(struct fs *fs, struct node folder, const char *name, const char *target,
		struct node *child, struct err *err); /* the link's text() gives its target */

	/* Files: open_write() opens an existing file for writing; write() and truncate() change the
	 * text of the handle (handle.h); commit() replies to close(). */
	int (*open_write)(struct fs *fs, struct node n, struct handle *h, struct err *err);
	int (*write)(struct handle *h, const char *data, size_t len, off_t offset, struct err *err);
	/* The same for files whose writes are answered later: with fuse_reply_write() or an error.
	 * `data` is valid during the call. */
	void (*write_later)(struct handle *h, const char *data, size_t len, off_t offset,
		struct pending_reply *a);
	/* mode: of fallocate(2). NULL: EOPNOTSUPP. */
	void (*fallocate)(
		struct handle *h, int mode, off_t offset, off_t len, struct pending_reply *a);
	/* copy_file_range() into this file; replies as write_later() does. NULL: EOPNOTSUPP, and
	 * the kernel reads and writes. */
	void (*copy_range)(struct handle *from, off_t from_offset, struct handle *h, off_t offset,
		size_t len, struct pending_reply *a);
	int (*truncate)(struct fs *fs, struct node n, struct handle *h, off_t size,
		struct err *err); /* h may be NULL */
	void (*commit)(struct handle *h, struct pending_reply *a);
	void (*closed)(struct handle *h); /* the last close of this opening */

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
/* Number and generation together never stand for two things. */
uint64_t tree_generation(struct fs *fs, struct node n);
/* Seconds for which the kernel may cache a node's attributes, and its name. */
double tree_attr_seconds(struct fs *fs, struct node n);
double tree_name_seconds(struct fs *fs, struct node n);
/*
 * After a successful rename the kernel moves the cached name together with its node. But the new
 * name belongs to a receipt, and the snapshot stays where it was. So the moved name must have no
 * timeout: the kernel then looks it up again before it uses it.
 *
 * So the first rename fails with ESTALE. The kernel itself, not the user's program, looks the
 * source up again, which now gets no timeout, and repeats the rename.
 */

/* Notes that a rename of this snapshot is about to be carried out: from now on tree_name_seconds()
 * is 0 for it. Returns 1 for the first one (reply ESTALE), 0 if the name has no timeout already
 * (carry it out), or -ENOMEM. */
int tree_uncache_name(struct fs *fs, struct node n);
void tree_free_uncached_names(struct fs *fs); /* as the mount ends */

/* Calls find() of the folder. Returns 0, -ENOENT or -ENOTDIR. */
int tree_find(struct fs *fs, struct node folder, const char *name, struct node *child);

#endif
