/* SPDX-License-Identifier: MIT */
/* Nodes that are inodes of file systems on disks: requests to the reader about them, and their
 * attributes in FUSE's form. */
#ifndef EBSFS_INODE_H
#define EBSFS_INODE_H

#include "inode_space.h"
#include "tree.h"

struct fuse_entry_param;

/* How long the kernel may cache attributes and names, in seconds: a snapshot never changes. */
#define INODE_SECONDS 86400

/* A request of the kernel that waits for the reader. */
struct inode_request;
/* Called with the reader's reply (files.h): must reply to the kernel. The inode_request is freed
 * afterwards. */
typedef void inode_answer(
	struct inode_space *s, struct pending_reply *reply, const void *answer, size_t len);
/* Sends a request to the reader, and lets `answer` reply to the kernel; replies itself to errors
 * and interrupts. Holds the space meanwhile. */
void inode_ask(struct inode_space *s, const struct files_ask *ask, inode_answer *answer,
	struct pending_reply *reply);

/* Replies with an error of the reader or of the disk. */
void inode_reply_err(struct inode_space *s, struct pending_reply *reply, const struct err *err);
/* Writes the name of the program that sent the request; "" if the file system has a process
 * already. */
#define INODE_PROGRAM_SIZE 32
const char *inode_program(const struct inode_space *s, const struct pending_reply *reply,
	char out[INODE_PROGRAM_SIZE]);

void inode_stat(const struct inode_space *s, const struct reader_attributes *a, struct stat *st);
/* Fills in the kernel's entry, and keeps the attributes for inode_space_kept(). */
void inode_entry(
	struct inode_space *s, const struct reader_attributes *a, struct fuse_entry_param *e);
/* Requests an inode's attributes, and replies to a lookup with them. */
void inode_ask_entry(
	struct inode_space *s, const struct files_ask *ask, struct pending_reply *reply);

/* inode_folder.c */
void inode_readdir(
	struct handle *h, off_t offset, size_t size, bool plus, struct pending_reply *reply);
void inode_folder_release(struct handle *h);
/* inode_file.c */
void inode_read(struct handle *h, off_t offset, size_t size, struct pending_reply *reply);
void inode_lseek(struct handle *h, off_t offset, int whence, struct pending_reply *reply);
void inode_file_release(struct handle *h);

#endif
