/* SPDX-License-Identifier: MIT */
/* Inodes of file systems on disks: requests to the reader, and attributes. */
#define FUSE_USE_VERSION 314
#include "inode.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "disks.h"
#include "ops.h"

/* --- requests --- */

struct inode_request {
	struct inode_space *space;
	struct pending_reply *reply;
	struct files_request *ask;
	inode_answer *answer;
};

void inode_reply_err(struct inode_space *s, struct pending_reply *reply, const struct err *err)
{
	struct err explained = *err;

	/* The slot may belong to another snapshot by now. */
	if (!strcmp(catalogue_id(fs_catalogue(s->fs, s->folder), s->folder.slot),
		    files_disk_facts(s->disk)->snapshot))
		disks_explain(s->fs, s->folder, &explained);
	pending_reply_err(reply, &explained);
}

static void inode_got_entry(
	struct inode_space *s, struct pending_reply *reply, const void *answer, size_t len);

/* Replies that the name does not exist. The kernel may cache this, because a snapshot never
 * changes. */
static void inode_reply_nothing(struct pending_reply *reply)
{
	struct fuse_entry_param e = {.entry_timeout = INODE_SECONDS};

	fuse_reply_entry(pending_reply_request(reply), &e);
	pending_reply_done(reply);
}

static void inode_answered(void *arg, const void *answer, size_t len, const struct err *err)
{
	struct inode_request *r = arg;

	if (err && err->errnum == ENOENT && r->answer == inode_got_entry)
		inode_reply_nothing(r->reply);
	else if (err)
		inode_reply_err(r->space, r->reply, err);
	else
		r->answer(r->space, r->reply, answer, len);
	inode_space_release(r->space);
	free(r);
}

static void inode_interrupted(void *arg)
{
	struct inode_request *r = arg;

	files_cancel(r->ask);
	inode_space_release(r->space);
	free(r);
}

const char *inode_program(const struct inode_space *s, const struct pending_reply *reply,
	char out[INODE_PROGRAM_SIZE])
{
	*out = '\0';
	if (!files_runs(s->system))
		handle_program_of(
			fuse_req_ctx(pending_reply_request(reply))->pid, out, INODE_PROGRAM_SIZE);
	return out;
}

void inode_ask(struct inode_space *s, const struct files_ask *ask, inode_answer *answer,
	struct pending_reply *reply)
{
	struct inode_request *r = calloc(1, sizeof(*r));
	char program[INODE_PROGRAM_SIZE];

	if (r)
		r->ask = files_ask(
			s->system, ask, inode_program(s, reply, program), inode_answered, r);
	if (!r || !r->ask) {
		free(r);
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	r->space = s;
	r->reply = reply;
	r->answer = answer;
	inode_space_hold(s);
	pending_reply_on_interrupt(reply, inode_interrupted, r);
}

/* --- attributes --- */

static struct timespec inode_time(const struct reader_time *t)
{
	return (struct timespec){.tv_sec = t->seconds, .tv_nsec = t->nanoseconds};
}

void inode_stat(const struct inode_space *s, const struct reader_attributes *a, struct stat *st)
{
	*st = (struct stat){.st_ino = node_number(node_of_inode(s->number, a->inode)),
		.st_mode = a->mode,
		.st_nlink = a->nlink,
		.st_uid = a->uid,
		.st_gid = a->gid,
		.st_rdev = makedev(a->major, a->minor),
		.st_size = (off_t)a->size,
		.st_blocks = (blkcnt_t)a->blocks,
		.st_blksize = 4096,
		.st_atim = inode_time(&a->atime),
		.st_mtim = inode_time(&a->mtime),
		.st_ctim = inode_time(&a->ctime)};
}

void inode_entry(
	struct inode_space *s, const struct reader_attributes *a, struct fuse_entry_param *e)
{
	inode_space_keep(s, a);
	*e = (struct fuse_entry_param){.ino = node_number(node_of_inode(s->number, a->inode)),
		.generation = s->generation,
		.attr_timeout = INODE_SECONDS,
		.entry_timeout = INODE_SECONDS};
	inode_stat(s, a, &e->attr);
}

static void inode_got_entry(
	struct inode_space *s, struct pending_reply *reply, const void *answer, size_t len)
{
	struct fuse_entry_param e;

	(void)len;
	inode_entry(s, answer, &e);
	ops_reply_entry(pending_reply_request(reply), &e);
	pending_reply_done(reply);
}

void inode_ask_entry(
	struct inode_space *s, const struct files_ask *ask, struct pending_reply *reply)
{
	inode_ask(s, ask, inode_got_entry, reply);
}
