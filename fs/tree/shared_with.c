/* SPDX-License-Identifier: MIT */
/* shared-with: lists the accounts that a snapshot is shared with. EC2 tells them for one snapshot a
 * request, and only the first read of a handle sends the request. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <stdlib.h>

#include "asked_text.h"

struct shared_with {
	struct asked_text text;
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
	struct buf *text = &s->text.handle->text;

	if (!err) {
		buf_clear(text);
		buf_puts(text, accounts);
	}
	asked_text_end(&s->text, err);
	free(s);
}

static void shared_with_read(
	struct handle *h, off_t offset, size_t size, struct pending_reply *reply)
{
	struct shared_with *s = asked_text_start(h, offset, size, reply, sizeof(*s));

	if (!s)
		return;
	s->call = ec2_describe_sharing(h->fs->aws, region_name(fs_region(h->fs, h->node)),
		catalogue_id(fs_catalogue(h->fs, h->node), h->node.slot), shared_with_done, s);
	if (!s->call) {
		free(s);
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	pending_reply_on_interrupt(reply, shared_with_interrupted, s);
}

const struct node_ops shared_with_ops = {.type = S_IFREG,
	.mode = 0444,
	.trust = TRUST_NEVER,
	.counted = NODE_SNAPSHOT,
	.instead =
		"it shows the accounts that the snapshot is shared with; to share it, use: aws ec2 "
		"modify-snapshot-attribute",
	.attr = asked_text_attr,
	.read = shared_with_read};
