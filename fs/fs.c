/* SPDX-License-Identifier: MIT */
/* One mount: finding the region of a node. */
#include "fs.h"

#include <stdlib.h>
#include <string.h>

struct region *fs_region(const struct fs *fs, struct node n)
{
	return regions_at(fs->regions, n.region);
}

struct catalogue *fs_catalogue(const struct fs *fs, struct node n)
{
	return region_catalogue(fs_region(fs, n));
}

void fs_keep_enabled(struct fs *fs, const char *const *names, size_t n)
{
	for (char **name = fs->enabled; name && *name; name++)
		free(*name);
	free(fs->enabled);
	fs->enabled = calloc(n + 1, sizeof(char *));
	for (size_t i = 0; fs->enabled && i < n; i++)
		fs->enabled[i] = strdup(names[i]);
}

bool fs_region_enabled(const struct fs *fs, const char *name)
{
	for (char **enabled = fs->enabled; enabled && *enabled; enabled++)
		if (!strcmp(*enabled, name))
			return true;
	return !fs->enabled;
}
