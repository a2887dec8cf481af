/* SPDX-License-Identifier: MIT */
/* The operations of nodes that are inodes on disks. */
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <string.h>

#include "inode.h"
#include "nodes.h"

static void inode_reply_attr(
	const struct inode_space *s, const struct reader_attributes *a, struct pending_reply *reply)
{
	struct stat st;

	inode_stat(s, a, &st);
	fuse_reply_attr(pending_reply_request(reply), &st, INODE_SECONDS);
	pending_reply_done(reply);
}

static void inode_got_attr(
	struct inode_space *s, struct pending_reply *reply, const void *answer, size_t len)
{
	(void)len;
	inode_space_keep(s, answer);
	inode_reply_attr(s, answer, reply);
}

static void inode_getattr(struct fs *fs, struct node n, struct pending_reply *reply)
{
	struct files_ask ask = {.type = READER_STAT, .inode = node_inode(n)};
	struct inode_space *s = inode_space_of(fs, n);
	const struct reader_attributes *kept = inode_space_kept(s, node_inode(n));

	if (kept)
		inode_reply_attr(s, kept, reply);
	else
		inode_ask(s, &ask, inode_got_attr, reply);
}

static void inode_got_link(
	struct inode_space *s, struct pending_reply *reply, const void *answer, size_t len)
{
	char target[READER_LINK_MAX + 1];

	(void)s;
	memcpy(target, answer, len);
	target[len] = '\0';
	fuse_reply_readlink(pending_reply_request(reply), target);
	pending_reply_done(reply);
}

static void inode_readlink(struct fs *fs, struct node n, struct pending_reply *reply)
{
	struct files_ask ask = {.type = READER_READLINK, .inode = node_inode(n)};

	inode_ask(inode_space_of(fs, n), &ask, inode_got_link, reply);
}

static void inode_lookup(
	struct fs *fs, struct node folder, const char *name, struct pending_reply *reply)
{
	struct files_ask ask = {.type = READER_LOOKUP, .inode = node_inode(folder), .name = name};

	inode_ask_entry(inode_space_of(fs, folder), &ask, reply);
}

static void inode_release(struct handle *h)
{
	inode_folder_release(h);
	inode_file_release(h);
}

const struct node_ops inode_ops = {
	.type = S_IFREG, /* nominal: an inode may have any type */
	.trust = TRUST_EVER,
	.cached = true,
	.counted = NODE_FILESYSTEM,
	.instead = "a snapshot's files cannot be changed; copy them out of the mount",
	.lookup = inode_lookup,
	.getattr = inode_getattr,
	.readlink = inode_readlink,
	.readdir = inode_readdir,
	.read = inode_read,
	.lseek = inode_lseek,
	.release = inode_release,
};

const struct node_ops filesystem_ops = {
	.type = S_IFDIR,
	.trust = TRUST_EVER,
	.counted = NODE_FILESYSTEM,
	.forgotten = inode_space_forgotten,
	.generation = inode_space_generation,
};
