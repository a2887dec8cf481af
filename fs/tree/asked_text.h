/* SPDX-License-Identifier: MIT */
/* The text of a file in a snapshot's folder that only EC2 knows: the first read of a handle asks
 * for it, and later reads get the same text. */
#ifndef EBSFS_ASKED_TEXT_H
#define EBSFS_ASKED_TEXT_H

#include "nodes.h"
#include "tree.h"

/* A read that waits for EC2; the first member of the file's own struct. */
struct asked_text {
	struct handle *handle;
	size_t size;
	off_t offset;
	struct pending_reply *reply;
};

/* Begins a read. Returns bytes of zeroed memory that begin with a struct asked_text, which the
 * caller frees; NULL: the read has its reply, because the text is known or memory has run out. */
void *asked_text_start(
	struct handle *h, off_t offset, size_t size, struct pending_reply *reply, size_t bytes);
/* Replies: err, or else the part of handle->text that the read asked for. Frees nothing. */
void asked_text_end(struct asked_text *a, const struct err *err);

/* node_ops.attr: the size is 0, because it is unknown before EC2 is asked. */
int asked_text_attr(struct fs *fs, struct node n, struct stat *st);

#endif
