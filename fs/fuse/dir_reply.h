/* SPDX-License-Identifier: MIT */
/* The reply to one READDIR or READDIRPLUS, entry by entry. */
#ifndef EBSFS_DIR_REPLY_H
#define EBSFS_DIR_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fs.h"

struct fuse_req;
struct fuse_entry_param;

/* The kernel's offsets in a folder: 0 is the beginning; "." and ".." are 1 and 2; from this number
 * on, the positions that the folder's kind gives its entries. */
#define DIR_REPLY_OWN_FROM 3

struct dir_reply {
	struct fuse_req *req;
	struct node folder;
	bool plus;
	off_t offset; /* the kernel's offset of the next entry */
	char *data;
	size_t size, used;
};

/* Starts the reply. Returns 0 or -ENOMEM. */
int dir_reply_begin(struct dir_reply *d, struct fuse_req *req, struct node folder, off_t offset,
	size_t size, bool plus);
void dir_reply_finish(struct dir_reply *d); /* frees */
/* Returns the folder's position of the next entry, once "." and ".." are in the reply. */
uint64_t dir_reply_position(const struct dir_reply *d);
/* Adds "." and "..", unless an earlier reply had them. Returns false if the reply is full. */
bool dir_reply_add_dots(struct dir_reply *d);
/* Adds an entry; position: the folder's position after the entry. For READDIR (not READDIRPLUS)
 * only the number and type in e->attr are used. With e->ino 0 the kernel looks the name up when it
 * needs more. Returns false if the reply is full. */
bool dir_reply_add(
	struct dir_reply *d, const char *name, const struct fuse_entry_param *e, uint64_t position);
/* Sends the reply and counts the kernel's new references to its nodes. An empty reply means the end
 * of the folder. */
void dir_reply_send(struct dir_reply *d);

#endif
