/* SPDX-License-Identifier: MIT */
/* How the session reads and writes its descriptor. */
#define FUSE_USE_VERSION 314
#include "session_io.h"

#include <linux/fuse.h>
#include <unistd.h>

#include "fs.h"

static ssize_t io_read(int fd, void *data, size_t size, void *userdata)
{
	(void)userdata;
	return read(fd, data, size);
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct fs *fs = userdata;

	/* The first answer is that to FUSE_INIT: nothing else is asked before. */
	if (!fs->greeted && fs->several_at_once && count == 2 &&
		iov[1].iov_len == sizeof(struct fuse_init_out)) {
		struct fuse_init_out *out = iov[1].iov_base;

		out->flags |= FUSE_PARALLEL_DIROPS;
	}
	fs->greeted = true;
	return writev(fd, iov, count);
}

const struct fuse_custom_io session_io = {.read = io_read, .writev = io_writev};
