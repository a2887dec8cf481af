/* SPDX-License-Identifier: MIT */
/* FUSE requests that are answered later. */
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
	struct pending_reply *a = calloc(1, sizeof(*a) + strlen(what) + 1);

	if (!a)
		return NULL;
	a->fs = fs;
	a->req = req;
	strcpy(a->what, what);
	DL_PREPEND(fs->pending_replies, a);
	return a;
}

struct fs *pending_reply_fs(const struct pending_reply *a)
{
	return a->fs;
}

struct fuse_req *pending_reply_request(const struct pending_reply *a)
{
	return a->req;
}

uid_t pending_reply_user(const struct pending_reply *a)
{
	return fuse_req_ctx(a->req)->uid;
}

static struct fuse_req *pending_reply_finish(struct pending_reply *a)
{
	struct fuse_req *req = a->req;

	DL_DELETE(a->fs->pending_replies, a);
	free(a);
	return req;
}

static void pending_reply_interrupted(struct fuse_req *req, void *data)
{
	struct pending_reply *a = data;

	(void)req;
	a->cancel(a->arg);
	fuse_reply_err(pending_reply_finish(a), EINTR);
}

bool pending_reply_on_interrupt(struct pending_reply *a, void (*cancel)(void *arg), void *arg)
{
	a->cancel = cancel;
	a->arg = arg;
	/* For an earlier interrupt libfuse would call the function from within
	 * fuse_req_interrupt_func(). Requests are handled by one thread: no interrupt can arrive
	 * between the two calls. */
	if (fuse_req_interrupted(a->req)) {
		pending_reply_interrupted(a->req, a);
		return false;
	}
	fuse_req_interrupt_func(a->req, pending_reply_interrupted, a);
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

void pending_reply_errno(struct pending_reply *a, int errnum)
{
	fuse_reply_err(pending_reply_finish(a), errnum);
}

void pending_reply_ok(struct pending_reply *a)
{
	pending_reply_errno(a, 0);
}

void pending_reply_err(struct pending_reply *a, const struct err *err)
{
	pending_reply_errno(
		a, err ? last_error_report(a->fs->last_error, pending_reply_user(a), a->what, err)
		       : 0);
}

void pending_reply_done(struct pending_reply *a)
{
	pending_reply_finish(a);
}

void pending_replies_interrupt_all(struct fs *fs)
{
	struct pending_reply *a, *next;

	DL_FOREACH_SAFE(fs->pending_replies, a, next)
	{
		if (a->cancel)
			pending_reply_interrupted(a->req, a);
	}
}
