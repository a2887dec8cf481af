/* SPDX-License-Identifier: MIT */
/* The text of a file that only EC2 knows. */
#define FUSE_USE_VERSION 314
#include "asked_text.h"

#include <errno.h>
#include <stdlib.h>

#include "snapshot_folder.h"

void *asked_text_start(
	struct handle *h, off_t offset, size_t size, struct pending_reply *reply, size_t bytes)
{
	struct asked_text *a;

	if (h->told) {
		handle_read(h, offset, size, reply);
		return NULL;
	}
	a = calloc(1, bytes);
	if (!a) {
		pending_reply_errno(reply, ENOMEM);
		return NULL;
	}
	*a = (struct asked_text){.handle = h, .size = size, .offset = offset, .reply = reply};
	return a;
}

void asked_text_end(struct asked_text *a, const struct err *err)
{
	struct handle *h = a->handle;

	h->told = !err && !h->text.error;
	if (err)
		pending_reply_err(a->reply, err);
	else if (h->text.error)
		pending_reply_errno(a->reply, h->text.error);
	else
		handle_read(h, a->offset, a->size, a->reply);
}

int asked_text_attr(struct fs *fs, struct node n, struct stat *st)
{
	st->st_size = 0;
	return snapshot_child_attr(fs, n, st);
}
