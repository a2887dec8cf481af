/* SPDX-License-Identifier: MIT */
/* EC2's word on a snapshot that is known from disk only. */
#define FUSE_USE_VERSION 314
#include "revalidate.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdlib.h>

#include "ops_write.h"
#include "pending_reply.h"
#include "region.h"
#include "tree.h"

struct confirmation {
	struct fs *fs;
	struct node node;
	struct pending_reply *reply;
	struct region_waiter *waiter;
	/* What comes again. */
	fuse_ino_t ino, new_parent;
	struct fuse_file_info fi;
	unsigned flags;
	char name[NAME_MAX + 1], new_name[NAME_MAX + 1]; /* "": it is an opening */
};

static bool is_due(const struct fs *fs, struct node n)
{
	return n.kind >= NODE_SNAPSHOT && n.kind < NODE_FOLDER &&
	       catalogue_from_disk(fs_catalogue(fs, n), n.slot);
}

static void go_on(struct confirmation *c, fuse_req_t req)
{
	if (*c->name)
		ops_rename(req, c->ino, c->name, c->new_parent, c->new_name, c->flags);
	else
		ops_open(req, c->ino, &c->fi);
}

static void spoken(void *arg, const struct err *err)
{
	struct confirmation *c = arg;
	struct fuse_req *req = pending_reply_request(c->reply);
	struct err vague;

	if (!err && is_due(c->fs, c->node))
		err_set(&vague, EIO, "EC2 was asked about the snapshot and did not speak of it");
	if (err || is_due(c->fs, c->node)) {
		pending_reply_err(c->reply, err ? err : &vague);
	} else {
		pending_reply_done(c->reply);
		go_on(c, req);
	}
	free(c);
}

static void interrupted(void *arg)
{
	struct confirmation *c = arg;

	region_cancel(c->waiter);
	free(c);
}

/* Takes c over. */
static void ask(struct confirmation *c, fuse_req_t req, const char *operation)
{
	struct fs *fs = c->fs;
	char path[TREE_PATH_SIZE], what[TREE_PATH_SIZE + 24];
	bool ready;

	snprintf(what, sizeof(what), "%s %s", operation, tree_path(fs, c->node, NULL, path));

	c->reply = pending_reply_create(fs, req, what);
	if (c->reply) {
		c->waiter = region_ensure_id(fs_region(fs, c->node),
			catalogue_id(fs_catalogue(fs, c->node), c->node.slot), true, spoken, c,
			&ready);
		if (c->waiter) {
			pending_reply_on_interrupt(c->reply, interrupted, c);
			return;
		}
		pending_reply_done(c->reply);
	}
	free(c);
	fuse_reply_err(req, ENOMEM);
}

bool revalidate_open(struct fs *fs, fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi)
{
	struct node n = node_of(ino);
	struct confirmation *c;

	if ((fi->flags & O_ACCMODE) == O_RDONLY || fi->flags & O_TRUNC || !is_due(fs, n) ||
		!tree_ops(n)->open_write)
		return false;
	c = malloc(sizeof(*c));
	if (!c) {
		fuse_reply_err(req, ENOMEM);
		return true;
	}
	*c = (struct confirmation){.fs = fs, .node = n, .ino = ino, .fi = *fi};
	ask(c, req, "open for writing");
	return true;
}

bool revalidate_rename(struct fs *fs, fuse_req_t req, uint64_t parent, const char *name,
	uint64_t new_parent, const char *new_name, unsigned flags)
{
	struct confirmation *c;
	struct node n;

	if (tree_find(fs, node_of(parent), name, &n) < 0 || !is_due(fs, n))
		return false;
	c = malloc(sizeof(*c));
	if (!c) {
		fuse_reply_err(req, ENOMEM);
		return true;
	}
	*c = (struct confirmation){
		.fs = fs, .node = n, .ino = parent, .new_parent = new_parent, .flags = flags};
	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->new_name, sizeof(c->new_name), "%s", new_name);
	ask(c, req, "mv");
	return true;
}
