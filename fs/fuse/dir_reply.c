/* SPDX-License-Identifier: MIT */
/* Replies to READDIR and READDIRPLUS. */
#define FUSE_USE_VERSION 314
#include "dir_reply.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdlib.h>
#include <sys/stat.h>

int dir_reply_begin(struct dir_reply *d, struct fuse_req *req, struct node folder, off_t offset,
	size_t size, bool plus)
{
	*d = (struct dir_reply){.req = req,
		.folder = folder,
		.plus = plus,
		.offset = offset,
		.data = malloc(size),
		.size = size};
	return d->data ? 0 : -ENOMEM;
}

void dir_reply_finish(struct dir_reply *d)
{
	free(d->data);
	d->data = NULL;
}

uint64_t dir_reply_position(const struct dir_reply *d)
{
	return d->offset >= DIR_REPLY_OWN_FROM ? (uint64_t)d->offset - DIR_REPLY_OWN_FROM : 0;
}

static bool dir_reply_add_at(
	struct dir_reply *d, const char *name, const struct fuse_entry_param *e, off_t next)
{
	size_t left = d->size - d->used, n;

	if (d->plus)
		n = fuse_add_direntry_plus(d->req, d->data + d->used, left, name, e, next);
	else
		n = fuse_add_direntry(d->req, d->data + d->used, left, name, &e->attr, next);
	if (n > left)
		return false;
	d->used += n;
	d->offset = next;
	return true;
}

/* "." and ".." have no node of their own: with number 0 the kernel takes only the name from
 * readdirplus's entry. */
bool dir_reply_add_dots(struct dir_reply *d)
{
	static const char *const names[] = {".", ".."};
	struct fuse_entry_param e = {
		.attr = {.st_ino = node_number(d->folder), .st_mode = S_IFDIR}};

	while (d->offset < 2)
		if (!dir_reply_add_at(d, names[d->offset], &e, d->offset + 1))
			return false;
	return true;
}

bool dir_reply_add(
	struct dir_reply *d, const char *name, const struct fuse_entry_param *e, uint64_t position)
{
	return dir_reply_add_at(d, name, e, (off_t)(position + DIR_REPLY_OWN_FROM));
}

void dir_reply_send(struct dir_reply *d)
{
	struct fs *fs = fuse_req_userdata(d->req);

	if (fuse_reply_buf(d->req, d->data, d->used) == 0 && d->plus)
		kernel_refs_add_entries(fs, d->data, d->used);
}
