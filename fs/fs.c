/* SPDX-License-Identifier: MIT */
/* One mount: finding the region of a node. */
#include "fs.h"

#include <string.h>

struct region *fs_region(const struct fs *fs, struct node n)
{
	return regions_at(fs->regions, n.region);
}

struct catalogue *fs_catalogue(const struct fs *fs, struct node n)
{
	return region_catalogue(fs_region(fs, n));
}

bool fs_region_enabled(const struct fs *fs, const char *name)
{
	for (char **enabled = fs->enabled; enabled && *enabled; enabled++)
		if (!strcmp(*enabled, name))
			return true;
	return !fs->enabled;
}
