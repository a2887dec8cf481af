/* SPDX-License-Identifier: MIT */
/* How the session reads and writes its descriptor. */
#ifndef EBSFS_SESSION_IO_H
#define EBSFS_SESSION_IO_H

#include <fuse_lowlevel.h>
#include <sys/uio.h>

/*
 * The kernel looks up names and reads entries of one folder one at a time, each until it is
 * answered, unless the file system says at the beginning that it can do several. libfuse 3.14 knows
 * FUSE_CAP_PARALLEL_DIROPS and does not pass it on; here it is added to its first answer. A later
 * libfuse, which passes it on itself, changes nothing.
 *
 * fs->several_at_once: the kernel offers it. fs->greeted: the first answer is out.
 */

/* For fuse_session_custom_io(), on the descriptor that fuse_session_mount() opened. The session's
 * userdata is the struct fs. */
extern const struct fuse_custom_io session_io;

#endif
