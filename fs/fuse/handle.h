/* SPDX-License-Identifier: MIT */
/* An open file or folder. */
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
	struct handle *prev, *next; /* list of all open files: fs->handles */
	struct fs *fs;
	struct node node;
	pid_t process;   /* process that opened the file to write (for a file that is read: the
			  * thread);   0: in another pid namespace */
	uid_t uid;       /* user of that process */
	int flags;       /* of open() */
	struct buf text; /* the file's text: for reads, or as far as it has been written */
	bool told;       /* text is the version that this handle last read from the beginning */
	bool writing;
	bool append;    /* opened with O_APPEND */
	bool created;   /* open() created the file */
	bool dirty;     /* written or cut since the last commit */
	bool committed; /* a write through this handle has been committed */
	/* For status files that are polled (status.h). */
	bool changed; /* the status changed since the text was last read from its beginning */
	struct fuse_pollhandle *poll;
	struct handle *prev_watched,
		*next_watched; /* list of handles that are polled: fs->statuses */
	bool watched;
	bool held;                /* release() must return a resource */
	struct list_reader *list; /* of list and list.json: the position of the reading (list.c) */
	struct disk_reader *disk; /* of a disk's image (disks.c) */
	struct inode_file *file;  /* of a file on a disk (inode_file.c) */
	struct inode_listing *entries; /* of a folder on a disk (inode_folder.c) */
	struct disk_copy *copy;        /* of a disk's image that is written (disk_copy.c) */
};

/* The limit of a written text, in bytes. */
#define HANDLE_TEXT_MAX ((size_t)64 << 10)

/* Returns the handle that was opened last for this node; NULL: none is open. */
struct handle *handle_of(const struct fs *fs, struct node n);

/* Replies to a read with h->text: at most `size` bytes from `offset` on. */
void handle_reply(const struct handle *h, struct fuse_req *req, size_t size, off_t offset);
/* Replies to a read with this text, in the same way. */
void handle_reply_text(
	const struct buf *text, off_t offset, size_t size, struct pending_reply *reply);
/* Returns the process of a thread, or the thread itself if /proc does not show it. FUSE passes the
 * thread, and a program that removes files may have many. All processes in another pid namespace
 * have thread 0, and count as one process. */
pid_t handle_process(pid_t thread);
/* Writes the name of the program: of a process or thread, or (handle_program()) of the process that
 * opened the handle. "a program" if /proc does not show the name. */
void handle_program_of(pid_t process, char *out, size_t size);
void handle_program(const struct handle *h, char *out, size_t size);
/* Returns whether another process than the opener closes the file; then the opener may still write.
 * False if /proc cannot tell (another pid namespace). */
bool handle_is_shared(const struct handle *h, const struct pending_reply *reply);
/* Implements read() of struct node_ops: replies with h->text, or (handle_read_anew()) with the text
 * that text() makes at each read from the beginning. */
void handle_read(const struct handle *h, off_t offset, size_t size, struct pending_reply *reply);
void handle_read_anew(struct handle *h, int (*text)(struct fs *fs, struct node n, struct buf *out),
	off_t offset, size_t size, struct pending_reply *reply);

/* For small texts that are collected in the handle and applied at close (tags, descriptions):
 * write() and truncate() of struct node_ops. */
int handle_write(struct handle *h, const char *data, size_t len, off_t offset, struct err *err);
int handle_truncate(struct fs *fs, struct node n, struct handle *h, off_t size, struct err *err);
/* Implements set_attr(): accepts the attributes that cp -a sets, and ignores them. */
int handle_ignore_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err);
/* Implements commit(): drops the written text. */
void handle_drop(struct handle *h, struct pending_reply *reply);
/* Appends the text without the newline at its end. Results as buf_add. */
int handle_line(const struct handle *h, struct buf *out);

#endif
