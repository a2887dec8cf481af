/* SPDX-License-Identifier: MIT */
#include "detect.h"

#include <errno.h>
#include <string.h>

#include "ext.h"
#include "fat.h"
#include "recognise.h"
#include "xfs.h"

struct filesystem *detect_filesystem(
	struct sectors *disk, const struct filesystem_options *options, struct err *e)
{
	struct reader_partition what = {0};
	int r = recognise(disk, 0, sectors_size(disk), &what);

	switch (r) {
	case RECOGNISED_EXT:
		return ext_open(disk, options, e);
	case RECOGNISED_FAT:
		return fat_open(disk, options, e);
	case RECOGNISED_XFS:
		return xfs_open(disk, options, e);
	}
	if (r < 0)
		err_set(e, -r, "cannot read the superblock: %s", strerror(-r));
	else if (what.content[0])
		err_set(e, EOPNOTSUPP, "%s: %s", what.content, what.note);
	else
		err_set(e, EOPNOTSUPP, "the partition %s", what.note);
	return NULL;
}
