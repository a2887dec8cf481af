/* SPDX-License-Identifier: MIT */
/* Recognises a file system by its magic number. */
#include "detect.h"

#include <errno.h>
#include <string.h>

#include "xfs.h"

struct filesystem *detect_filesystem(
	struct sectors *disk, const struct filesystem_options *options, struct err *e)
{
	char head[4];
	int r = sectors_read(disk, 0, head, sizeof(head));

	if (r) {
		err_set(e, -r, "cannot read the superblock: %s", strerror(-r));
		return NULL;
	}
	if (!memcmp(head, "XFSB", sizeof(head)))
		return xfs_open(disk, options, e);
	err_set(e, EOPNOTSUPP, "no XFS file system");
	return NULL;
}
