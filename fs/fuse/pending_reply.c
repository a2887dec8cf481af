/* SPDX-License-Identifier: MIT */
/* FUSE requests with a later reply. */
#define FUSE_USE_VERSION 314
#include "pending_reply.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <utlist.h>

#include "last_error.h"

struct pending_reply {
	struct pending_reply *prev, *next; /* fs->pending_replies */
	struct fs *fs;
	struct fuse_req *req;
	void (*cancel)(void *arg);
	void *arg;
	char what[];
};

struct pending_reply *pending_reply_create(struct fs *fs, struct fuse_req *req, const char *what)
{
	struct pending_reply *reply = calloc(1, sizeof(*reply) + strlen(what) + 1);

	if (!reply)
		return NULL;
	reply->fs = fs;
	reply->req = req;
	strcpy(reply->what, what);
	DL_PREPEND(fs->pending_replies, reply);
	return reply;
}

struct fs *pending_reply_fs(const struct pending_reply *reply)
{
	return reply->fs;
}

struct fuse_req *pending_reply_request(const struct pending_reply *reply)
{
	return reply->req;
}

uid_t pending_reply_user(const struct pending_reply *reply)
{
	return fuse_req_ctx(reply->req)->uid;
}

static struct fuse_req *pending_reply_finish(struct pending_reply *reply)
{
	struct fuse_req *req = reply->req;

	DL_DELETE(reply->fs->pending_replies, reply);
	free(reply);
	return req;
}

static void pending_reply_interrupted(struct fuse_req *req, void *data)
{
	struct pending_reply *reply = data;

	(void)req;
	reply->cancel(reply->arg);
	fuse_reply_err(pending_reply_finish(reply), EINTR);
}

bool pending_reply_on_interrupt(struct pending_reply *reply, void (*cancel)(void *arg), void *arg)
{
	reply->cancel = cancel;
	reply->arg = arg;
	/* If the request was interrupted before, libfuse would call the function from within
	 * fuse_req_interrupt_func(). One thread handles all requests, so no interrupt can arrive
	 * between the two calls. */
	if (fuse_req_interrupted(reply->req)) {
		pending_reply_interrupted(reply->req, reply);
		return false;
	}
	fuse_req_interrupt_func(reply->req, pending_reply_interrupted, reply);
	return true;
}

static void pending_reply_detach(void *arg)
{
	*(struct pending_reply **)arg = NULL;
}

void pending_reply_detach_on_interrupt(struct pending_reply **slot)
{
	pending_reply_on_interrupt(*slot, pending_reply_detach, slot);
}

void pending_reply_ignore_interrupt(struct pending_reply *reply)
{
	reply->cancel = NULL;
	fuse_req_interrupt_func(reply->req, NULL, NULL);
}

void pending_reply_errno(struct pending_reply *reply, int errnum)
{
	fuse_reply_err(pending_reply_finish(reply), errnum);
}

void pending_reply_ok(struct pending_reply *reply)
{
	pending_reply_errno(reply, 0);
}

void pending_reply_err(struct pending_reply *reply, const struct err *err)
{
	pending_reply_errno(reply, err ? last_error_report(reply->fs->last_error,
						 pending_reply_user(reply), reply->what, err)
				       : 0);
}

void pending_reply_done(struct pending_reply *reply)
{
	pending_reply_finish(reply);
}

void pending_replies_interrupt_all(struct fs *fs)
{
	struct pending_reply *reply, *next;

	DL_FOREACH_SAFE(fs->pending_replies, reply, next)
	{
		if (reply->cancel)
			pending_reply_interrupted(reply->req, reply);
	}
}
