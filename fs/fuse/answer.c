/* SPDX-License-Identifier: MIT */
/* The answer that a FUSE request is owed. */
#define FUSE_USE_VERSION 314
#include "answer.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <utlist.h>

#include "last_error.h"

struct answer {
	struct answer *prev, *next; /* fs->answers */
	struct fs *fs;
	struct fuse_req *req;
	void (*cancel)(void *arg);
	void *arg;
	char what[];
};

struct answer *answer_create(struct fs *fs, struct fuse_req *req, const char *what)
{
	struct answer *a = calloc(1, sizeof(*a) + strlen(what) + 1);

	if (!a)
		return NULL;
	a->fs = fs;
	a->req = req;
	strcpy(a->what, what);
	DL_PREPEND(fs->answers, a);
	return a;
}

struct fs *answer_fs(const struct answer *a)
{
	return a->fs;
}

struct fuse_req *answer_request(const struct answer *a)
{
	return a->req;
}

uid_t answer_user(const struct answer *a)
{
	return fuse_req_ctx(a->req)->uid;
}

static struct fuse_req *finish(struct answer *a)
{
	struct fuse_req *req = a->req;

	DL_DELETE(a->fs->answers, a);
	free(a);
	return req;
}

static void interrupted(struct fuse_req *req, void *data)
{
	struct answer *a = data;

	(void)req;
	a->cancel(a->arg);
	fuse_reply_err(finish(a), EINTR);
}

bool answer_on_interrupt(struct answer *a, void (*cancel)(void *arg), void *arg)
{
	a->cancel = cancel;
	a->arg = arg;
	/* Asked first: libfuse would call the function from within fuse_req_interrupt_func(). All
	 * is one thread. */
	if (fuse_req_interrupted(a->req)) {
		interrupted(a->req, a);
		return false;
	}
	fuse_req_interrupt_func(a->req, interrupted, a);
	return true;
}

static void detach(void *arg)
{
	*(struct answer **)arg = NULL;
}

void answer_detach_on_interrupt(struct answer **slot)
{
	answer_on_interrupt(*slot, detach, slot);
}

void answer_errno(struct answer *a, int errnum)
{
	fuse_reply_err(finish(a), errnum);
}

void answer_ok(struct answer *a)
{
	answer_errno(a, 0);
}

void answer_err(struct answer *a, const struct err *err)
{
	answer_errno(
		a, err ? last_error_report(a->fs->last_error, answer_user(a), a->what, err) : 0);
}

void answer_given(struct answer *a)
{
	finish(a);
}

void answers_interrupt_all(struct fs *fs)
{
	struct answer *a, *next;

	DL_FOREACH_SAFE(fs->answers, a, next)
	{
		if (a->cancel)
			interrupted(a->req, a);
	}
}
