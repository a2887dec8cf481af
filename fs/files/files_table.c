/* SPDX-License-Identifier: MIT */
/* Reads the partition table for requests that need it. */
#define FUSE_USE_VERSION 314
#include "files_table.h"

#include <assert.h>
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "disks.h"

struct files_table_request {
	struct node node;
	struct files_disk *disk;
	struct files_request *ask;
	struct pending_reply *reply;
	files_table_got *got;
	_Alignas(8) char arg[FILES_TABLE_ARG_MAX];
};

static void table_request_free(struct files_table_request *r)
{
	files_disk_close(r->disk);
	free(r);
}

static void table_request_interrupted(void *arg)
{
	struct files_table_request *r = arg;

	files_cancel(r->ask);
	table_request_free(r);
}

static void table_request_done(void *arg, const void *answer, size_t len, const struct err *err)
{
	struct files_table_request *r = arg;
	struct err explained;

	(void)answer;
	(void)len;
	pending_reply_ignore_interrupt(r->reply);
	if (err) {
		explained = *err;
		disks_explain(pending_reply_fs(r->reply), r->node, &explained);
		pending_reply_err(r->reply, &explained);
	} else if (!files_table(r->disk)) {
		pending_reply_errno(r->reply, ENOMEM);
	} else {
		r->got(r->arg, r->disk, r->reply);
	}
	table_request_free(r);
}

static void table_request_start(struct files_table_request *r)
{
	char program[32];

	handle_program_of(
		fuse_req_ctx(pending_reply_request(r->reply))->pid, program, sizeof(program));
	r->ask = files_ask_table(r->disk, program, table_request_done, r);
	if (r->ask) {
		pending_reply_on_interrupt(r->reply, table_request_interrupted, r);
		return;
	}
	pending_reply_errno(r->reply, ENOMEM);
	table_request_free(r);
}

void files_table_get(struct fs *fs, struct node n, files_table_got *got, const void *arg,
	size_t arg_size, struct pending_reply *reply)
{
	struct files_table_request *r;
	struct disk_facts facts;
	struct err err;

	assert(arg_size <= FILES_TABLE_ARG_MAX);
	if (disks_find_facts(fs, n, &facts, &err) < 0) {
		pending_reply_err(reply, &err);
		return;
	}
	r = calloc(1, sizeof(*r));
	if (!r || files_disk_open(fs->files, &facts, &r->disk) < 0) {
		free(r);
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	r->node = n;
	r->reply = reply;
	r->got = got;
	memcpy(r->arg, arg, arg_size);
	if (files_table(r->disk)) {
		got(r->arg, r->disk, reply);
		table_request_free(r);
	} else {
		table_request_start(r);
	}
}
