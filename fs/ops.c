/* SPDX-License-Identifier: MIT */
/* The table of FUSE's requests. */
#define FUSE_USE_VERSION 314
#include "ops.h"

#include <fuse_lowlevel.h>

#include "ops_read.h"
#include "ops_write.h"

static void init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	/* Always readdirplus: in its `auto` form the kernel asks for the attributes of a large
	 * folder one by one. */
	conn->want |= FUSE_CAP_READDIRPLUS;
	conn->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ |
				  FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	/* Texts are small; several look-ups in one folder at once are. */
	conn->want |= conn->capable & FUSE_CAP_PARALLEL_DIROPS;
	conn->time_gran = 1;
}

/* What is not here answers ENOSYS, after which the kernel does not ask again: extended attributes
 * (`ls -l` would ask three an entry), seeking holes, copy_file_range (cp then reads and writes the
 * text, which is what asks for a copy). */
const struct fuse_lowlevel_ops ops_table = {
	.init = init,
	.lookup = ops_lookup,
	.getattr = ops_getattr,
	.setattr = ops_setattr,
	.readlink = ops_readlink,
	.mknod = ops_mknod,
	.mkdir = ops_mkdir,
	.unlink = ops_unlink,
	.rmdir = ops_rmdir,
	.symlink = ops_symlink,
	.rename = ops_rename,
	.link = ops_link,
	.open = ops_open,
	.read = ops_read,
	.write = ops_write,
	.flush = ops_flush,
	.release = ops_release,
	.fsync = ops_fsync,
	.opendir = ops_opendir,
	.readdir = ops_readdir,
	.readdirplus = ops_readdirplus,
	.statfs = ops_statfs,
	.create = ops_create,
	.poll = ops_poll,
};
