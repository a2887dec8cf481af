/* SPDX-License-Identifier: MIT */
/* The table of FUSE's requests. */
#define FUSE_USE_VERSION 314
#include "ops.h"

#include <errno.h>
#include <fuse_lowlevel.h>

#include "offline.h"
#include "ops_read.h"
#include "ops_write.h"

/* Once the mount turns out to show an account that is not its user's any more, nothing of that is
 * shown, kept by whom it may be: only what ebsfs says of itself. */
static bool is_barred(fuse_req_t req, fuse_ino_t ino)
{
	struct node n = node_of(ino);

	if (!offline_bars(ops_fs(req)) ||
		(n.kind != NODE_COPIES && n.kind != NODE_COPIES_JSON && n.kind < NODE_REGIONS))
		return false;
	fuse_reply_err(req, EACCES);
	return true;
}

#define GATED(name, parameters, ...)                                                               \
	static void gated_##name parameters                                                        \
	{                                                                                          \
		if (!is_barred(req, ino))                                                          \
			ops_##name(__VA_ARGS__);                                                   \
	}
#define FI struct fuse_file_info *fi
GATED(lookup, (fuse_req_t req, fuse_ino_t ino, const char *name), req, ino, name)
GATED(getattr, (fuse_req_t req, fuse_ino_t ino, FI), req, ino, fi)
GATED(setattr, (fuse_req_t req, fuse_ino_t ino, struct stat *st, int which, FI), req, ino, st,
	which, fi)
GATED(readlink, (fuse_req_t req, fuse_ino_t ino), req, ino)
GATED(open, (fuse_req_t req, fuse_ino_t ino, FI), req, ino, fi)
GATED(read, (fuse_req_t req, fuse_ino_t ino, size_t size, off_t at, FI), req, ino, size, at, fi)
GATED(flush, (fuse_req_t req, fuse_ino_t ino, FI), req, ino, fi)
GATED(opendir, (fuse_req_t req, fuse_ino_t ino, FI), req, ino, fi)
GATED(readdir, (fuse_req_t req, fuse_ino_t ino, size_t size, off_t at, FI), req, ino, size, at, fi)
GATED(readdirplus, (fuse_req_t req, fuse_ino_t ino, size_t size, off_t at, FI), req, ino, size, at,
	fi)

static void init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs *fs = userdata;

	/* Always readdirplus: in its `auto` form the kernel asks for the attributes of a large
	 * folder one by one. */
	conn->want |= FUSE_CAP_READDIRPLUS;
	conn->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ |
				  FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	/* Who asks EC2 for an id, or reads a listing that is still coming, does not hold up the
	 * others in that folder. */
	conn->want |= conn->capable & FUSE_CAP_PARALLEL_DIROPS;
	fs->several_at_once = conn->capable & FUSE_CAP_PARALLEL_DIROPS;
	conn->time_gran = 1;
}

/* What is not here answers ENOSYS, after which the kernel does not ask again: extended attributes
 * (`ls -l` would ask three an entry), copy_file_range (cp then reads and writes the
 * text, which is what asks for a copy). */
const struct fuse_lowlevel_ops ops_table = {
	.init = init,
	.lookup = gated_lookup,
	.getattr = gated_getattr,
	.setattr = gated_setattr,
	.readlink = gated_readlink,
	.mknod = ops_mknod,
	.mkdir = ops_mkdir,
	.unlink = ops_unlink,
	.rmdir = ops_rmdir,
	.symlink = ops_symlink,
	.rename = ops_rename,
	.link = ops_link,
	.open = gated_open,
	.read = gated_read,
	.write = ops_write,
	.flush = gated_flush,
	.release = ops_release,
	.fsync = ops_fsync,
	.opendir = gated_opendir,
	.readdir = gated_readdir,
	.readdirplus = gated_readdirplus,
	.statfs = ops_statfs,
	.create = ops_create,
	.poll = ops_poll,
	.lseek = ops_lseek,
};
