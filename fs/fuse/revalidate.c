/* SPDX-License-Identifier: MIT */
/* Asks EC2 about a snapshot that is known only from disk. */
#define FUSE_USE_VERSION 314
#include "revalidate.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdlib.h>

#include "pending_reply.h"
#include "region.h"
#include "tree.h"

struct revalidation {
	struct fs *fs;
	struct node node;
	struct pending_reply *reply;
	struct region_waiter *waiter;
	void (*done)(void *arg, bool confirmed);
	void *arg;
};

bool revalidate_is_due(const struct fs *fs, struct node n)
{
	return n.kind >= NODE_SNAPSHOT && n.kind < NODE_FOLDER &&
	       catalogue_from_disk(fs_catalogue(fs, n), n.slot);
}

static void revalidation_end(struct revalidation *v, bool confirmed)
{
	v->done(v->arg, confirmed);
	free(v);
}

static void revalidate_listed(void *arg, const struct err *err)
{
	struct revalidation *v = arg;
	bool due = revalidate_is_due(v->fs, v->node);
	struct err unknown;

	if (!err && due)
		err_set(&unknown, EIO,
			"EC2's response does not mention the snapshot, so its tags are not "
			"confirmed; try again");
	if (err || due)
		pending_reply_err(v->reply, err ? err : &unknown);
	else
		pending_reply_done(v->reply);
	revalidation_end(v, !err && !due);
}

static void revalidate_interrupted(void *arg)
{
	struct revalidation *v = arg;

	region_cancel(v->waiter);
	revalidation_end(v, false);
}

/* Sends the request to EC2; v->reply is pending meanwhile. Returns 0 or -ENOMEM. */
static int revalidate_ask(struct revalidation *v)
{
	bool ready;

	v->waiter = region_ensure_id(fs_region(v->fs, v->node),
		catalogue_id(fs_catalogue(v->fs, v->node), v->node.slot), true, revalidate_listed,
		v, &ready);
	if (!v->waiter)
		return -ENOMEM;
	pending_reply_on_interrupt(v->reply, revalidate_interrupted, v);
	return 0;
}

void revalidate(struct fs *fs, struct fuse_req *req, struct node n, const char *operation,
	void (*done)(void *arg, bool confirmed), void *arg)
{
	char path[NODE_PATH_SIZE], what[NODE_PATH_SIZE + 24];
	struct revalidation *v = calloc(1, sizeof(*v));

	snprintf(what, sizeof(what), "%s %s", operation, node_path(fs, n, NULL, path));
	if (v) {
		*v = (struct revalidation){.fs = fs, .node = n, .done = done, .arg = arg};
		v->reply = pending_reply_create(fs, req, what);
		if (v->reply && revalidate_ask(v) == 0)
			return;
		if (v->reply)
			pending_reply_done(v->reply);
		free(v);
	}
	fuse_reply_err(req, ENOMEM);
	done(arg, false);
}
