/* SPDX-License-Identifier: MIT */
/* One mount: finding the region of a node. */
#include "fs.h"

#include <errno.h>
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

int fs_check_own(const struct fs *fs, struct node n, struct err *err)
{
	if (region_owns(fs_region(fs, n), n.slot))
		return 0;
	return err_set(err, EPERM,
		"the snapshot belongs to account %s, and tags are written to own snapshots only; "
		"copy it, and tag the copy",
		catalogue_owner(fs_catalogue(fs, n), n.slot));
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

bool fs_group_writes(const struct fs *fs)
{
	const struct options *o = fs->options;

	return o->allow_other && o->gid.given && o->umask.given && !(o->umask.value & 020);
}

uid_t fs_maker(const struct fs *fs)
{
	return fs->caller && fs_group_writes(fs) ? fs->caller : fs->uid;
}
