/* SPDX-License-Identifier: MIT */
/* Folders on disks. The reader sends their entries in batches, with attributes; one batch serves
 * many requests of the kernel. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "dir_reply.h"
#include "files_check.h"
#include "inode.h"

/* State of an open folder. */
struct inode_listing {
	struct inode_space *space;
	char *batch;       /* the reader's last batch; NULL: none yet */
	const char *at;    /* the next entry in the batch */
	uint32_t left;     /* entries of the batch from `at` on */
	uint64_t position; /* position of the next entry */
	uint64_t next;     /* position of the next batch */
	bool last;
};

/* A READDIR that waits for a batch. */
struct inode_reading {
	struct handle *handle;
	struct pending_reply *reply;
	struct dir_reply d;
	struct files_request *ask;
};

static void reading_free(struct inode_reading *r)
{
	dir_reply_finish(&r->d);
	free(r);
}

/* Adds entries of the batch to the reply. Returns false if the reply is full. */
static bool reading_add(struct inode_reading *r, struct inode_listing *l)
{
	while (l->left) {
		const struct reader_entry *entry = (const void *)l->at;
		char name[READER_NAME_MAX + 1];
		struct fuse_entry_param e;

		memcpy(name, entry + 1, entry->name_length);
		name[entry->name_length] = '\0';
		if (entry->error)
			e = (struct fuse_entry_param){
				.attr.st_ino = node_number(
					node_of_inode(l->space->number, entry->attributes.inode))};
		else
			inode_entry(l->space, &entry->attributes, &e);
		if (!dir_reply_add(&r->d, name, &e, entry->next))
			return false;
		l->position = entry->next;
		l->at += FILES_ENTRY_SIZE(entry);
		l->left--;
	}
	return true;
}

static void reading_ask(struct inode_reading *r, uint64_t position);

/* Replies, or requests the batch that the reply begins with. */
static void reading_serve(struct inode_reading *r)
{
	struct inode_listing *l = r->handle->entries;
	uint64_t position;

	if (dir_reply_add_dots(&r->d)) {
		position = dir_reply_position(&r->d);
		if (!l->batch || l->position != position) {
			reading_ask(r, position);
			return;
		}
		if (reading_add(r, l) && !l->last) {
			l->position = l->next;
			if (!r->d.used) {
				reading_ask(r, l->position);
				return;
			}
			free(steal(&l->batch));
		}
	}
	dir_reply_send(&r->d);
	pending_reply_done(r->reply);
	reading_free(r);
}

static void reading_got(void *arg, const void *answer, size_t len, const struct err *err)
{
	struct inode_reading *r = arg;
	struct inode_listing *l = r->handle->entries;
	const struct reader_batch *batch;

	if (err) {
		inode_reply_err(l->space, r->reply, err);
		reading_free(r);
		return;
	}
	l->batch = malloc(len);
	if (!l->batch) {
		pending_reply_errno(r->reply, ENOMEM);
		reading_free(r);
		return;
	}
	batch = memcpy(l->batch, answer, len);
	l->at = (const char *)(batch + 1);
	l->left = batch->count;
	l->next = batch->next;
	l->last = batch->last;
	pending_reply_ignore_interrupt(r->reply);
	r->ask = NULL;
	reading_serve(r);
}

static void reading_interrupted(void *arg)
{
	struct inode_reading *r = arg;

	files_cancel(r->ask);
	reading_free(r);
}

static void reading_ask(struct inode_reading *r, uint64_t position)
{
	struct inode_listing *l = r->handle->entries;
	struct files_ask ask = {.type = READER_READDIR,
		.inode = node_inode(r->handle->node),
		.offset = position,
		.length = READER_BATCH_MAX};
	char program[INODE_PROGRAM_SIZE];

	/* A request that fails must not leave the old batch as the one at this position. */
	free(steal(&l->batch));
	l->position = position;
	r->ask = files_ask(
		l->space->system, &ask, inode_program(l->space, r->reply, program), reading_got, r);
	if (r->ask) {
		pending_reply_on_interrupt(r->reply, reading_interrupted, r);
		return;
	}
	pending_reply_errno(r->reply, ENOMEM);
	reading_free(r);
}

void inode_readdir(
	struct handle *h, off_t offset, size_t size, bool plus, struct pending_reply *reply)
{
	struct inode_reading *r = calloc(1, sizeof(*r));

	if (r && !h->entries) {
		h->entries = calloc(1, sizeof(*h->entries));
		if (h->entries) {
			h->entries->space = inode_space_of(h->fs, h->node);
			inode_space_hold(h->entries->space);
		}
	}
	if (!r || !h->entries ||
		dir_reply_begin(&r->d, pending_reply_request(reply), h->node, offset, size, plus) <
			0) {
		free(r);
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	r->handle = h;
	r->reply = reply;
	reading_serve(r);
}

void inode_folder_release(struct handle *h)
{
	if (!h->entries)
		return;
	inode_space_release(h->entries->space);
	free(h->entries->batch);
	free(h->entries);
}
