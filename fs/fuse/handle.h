/* SPDX-License-Identifier: MIT */
/* One opening of a file. */
#ifndef EBSFS_HANDLE_H
#define EBSFS_HANDLE_H

#include <stdbool.h>

#include <sys/stat.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"
#include "node.h"

struct disk_copy;
struct disk_reader;
struct inode_file;
struct inode_listing;
struct pending_reply;
struct fs;
struct fuse_req;
struct fuse_pollhandle;

struct handle {
	struct handle *prev, *next; /* fs->handles */
	struct fs *fs;
	struct node node;
	pid_t process;   /* opened it to write (to read: a thread of it); 0: in another pid
			    namespace */
	uid_t uid;       /* and its user */
	int flags;       /* of open() */
	struct buf text; /* for reads, or written so far */
	bool told;       /* text is the one that this opening last read from the beginning */
	bool writing;
	bool append;    /* O_APPEND */
	bool created;   /* this opening made the file */
	bool dirty;     /* written or cut since the last commit */
	bool committed; /* something of this opening has been committed */
	/* Status files that are polled (status.h). */
	bool changed; /* since the text was last read from its beginning */
	struct fuse_pollhandle *poll;
	struct handle *prev_watched, *next_watched; /* while watched: fs->statuses */
	bool watched;
	bool held;                     /* release() gives something back */
	struct list_reader *list;      /* list, list.json: how far it has been read (list.c) */
	struct disk_reader *disk;      /* disks.c */
	struct inode_file *file;       /* inode_file.c: a file on a disk */
	struct inode_listing *entries; /* inode_folder.c: a folder on a disk */
	struct disk_copy *copy;        /* disk_copy.c */
};

/* The limit of a written text, in bytes. */
#define HANDLE_TEXT_MAX ((size_t)64 << 10)

/* The opening of this node that was made last; NULL: none. */
struct handle *handle_of(const struct fs *fs, struct node n);

/* Replies to a read with h->text: at most `size` bytes from `offset` on. */
void handle_reply(const struct handle *h, struct fuse_req *req, size_t size, off_t offset);
/* Replies to a read with a text, in the same way. */
void handle_reply_text(
	const struct buf *text, off_t offset, size_t size, struct pending_reply *reply);
/* Returns the process of a thread: FUSE passes the thread, and a removing command may have many.
 * Returns the thread itself if /proc does not show it. Thread 0, any process in another pid name
 * space, counts as one process. */
pid_t handle_process(pid_t thread);
/* Writes the name of the program of a process or thread, as far as /proc shows it; or of the one
 * that opened the handle. */
void handle_program_of(pid_t process, char *out, size_t size);
void handle_program(const struct handle *h, char *out, size_t size);
/* Whether a close is that of another process than the opener's, which goes on writing. If /proc
 * cannot tell (another pid namespace): false. */
bool handle_is_shared(const struct handle *h, const struct pending_reply *reply);
/* The same for read() of struct node_ops: with h->text as it is, or as text() gives it now. */
void handle_read(const struct handle *h, off_t offset, size_t size, struct pending_reply *reply);
void handle_read_anew(struct handle *h, int (*text)(struct fs *fs, struct node n, struct buf *out),
	off_t offset, size_t size, struct pending_reply *reply);

/* Small texts that are collected here and take effect at close (tags, descriptions): write() and
 * truncate() for struct node_ops. */
int handle_write(struct handle *h, const char *data, size_t len, off_t offset, struct err *err);
int handle_truncate(struct fs *fs, struct node n, struct handle *h, off_t size, struct err *err);
/* set_attr() that accepts what cp -a sets, and does not keep it. */
int handle_ignore_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err);
/* commit() that drops the written text. */
void handle_drop(struct handle *h, struct pending_reply *reply);
/* The text as a value, without the newline at its end. Results as buf_add. */
int handle_line(const struct handle *h, struct buf *out);

#endif
