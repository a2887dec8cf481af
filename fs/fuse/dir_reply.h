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

/* Offsets in a folder, as the kernel gets them: 0 is the beginning; "." and ".." are 1 and 2; from
 * here on, the folder's own positions. */
#define DIR_REPLY_OWN_FROM 3

struct dir_reply {
	struct fuse_req *req;
	struct node folder;
	bool plus;
	off_t offset; /* of the next entry */
	char *data;
	size_t size, used;
};

/* Returns 0 or -ENOMEM. */
int dir_reply_begin(struct dir_reply *d, struct fuse_req *req, struct node folder, off_t offset,
	size_t size, bool plus);
void dir_reply_finish(struct dir_reply *d); /* frees */
/* The folder's own position at which the reply goes on, once the dots are in it. */
uint64_t dir_reply_position(const struct dir_reply *d);
/* Adds "." and "..", as far as they follow. False: the reply is full. */
bool dir_reply_add_dots(struct dir_reply *d);
/* Adds an entry; position: the folder's own, after it. Without plus only number and type of
 * e->attr are used; with e->ino 0 the kernel looks the name up when it needs more. False: the reply
 * is full. */
bool dir_reply_add(
	struct dir_reply *d, const char *name, const struct fuse_entry_param *e, uint64_t position);
/* Sends the reply, in which nothing means the folder's end, and counts the kernel's references. */
void dir_reply_send(struct dir_reply *d);

#endif
