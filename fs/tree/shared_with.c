/* SPDX-License-Identifier: MIT */
/* shared-with: lists the accounts that a snapshot is shared with. EC2 tells them for one snapshot a
 * request, and only the first read of a handle sends the request. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <stdlib.h>

#include "nodes.h"
#include "snapshot_folder.h"
#include "tree.h"

/* A read that waits for EC2. */
struct shared_with {
	struct handle *handle;
	size_t size;
	off_t offset;
	struct pending_reply *reply;
	struct aws_call *call;
};

static void shared_with_interrupted(void *arg)
{
	struct shared_with *s = arg;

	aws_cancel(s->call);
	free(s);
}

static void shared_with_done(void *arg, const char *accounts, const struct err *err)
{
	struct shared_with *s = arg;
	struct handle *h = s->handle;

	if (!err) {
		buf_clear(&h->text);
		buf_puts(&h->text, accounts);
		h->told = !h->text.error;
	}
	if (err)
		pending_reply_err(s->reply, err);
	else if (h->text.error)
		pending_reply_errno(s->reply, h->text.error);
	else
		handle_read(h, s->offset, s->size, s->reply);
	free(s);
}

static void shared_with_read(
	struct handle *h, off_t offset, size_t size, struct pending_reply *reply)
{
	struct shared_with *s;

	if (h->told) {
		handle_read(h, offset, size, reply);
		return;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	*s = (struct shared_with){.handle = h, .size = size, .offset = offset, .reply = reply};
	s->call = ec2_describe_sharing(h->fs->aws, region_name(fs_region(h->fs, h->node)),
		catalogue_id(fs_catalogue(h->fs, h->node), h->node.slot), shared_with_done, s);
	if (!s->call) {
		free(s);
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	pending_reply_on_interrupt(reply, shared_with_interrupted, s);
}

/* The size is 0, because it is unknown before the request to EC2. */
static int shared_with_attr(struct fs *fs, struct node n, struct stat *st)
{
	st->st_size = 0;
	return snapshot_child_attr(fs, n, st);
}

const struct node_ops shared_with_ops = {.type = S_IFREG,
	.mode = 0444,
	.trust = TRUST_NEVER,
	.counted = NODE_SNAPSHOT,
	.instead =
		"it shows the accounts that the snapshot is shared with; to share it, use: aws ec2 "
		"modify-snapshot-attribute",
	.attr = shared_with_attr,
	.read = shared_with_read};
