/* SPDX-License-Identifier: MIT */
/* The directory that ebsfs was started in. */
#include "workdir.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

static char *start_dir; /* NULL: still the working directory */

static bool is_below(const char *dir, const char *top)
{
	size_t len = strlen(top);

	return !strcmp(top, "/") ||
	       (!strncmp(dir, top, len) && (dir[len] == '/' || dir[len] == '\0'));
}

int workdir_leave(const char *mountpoint)
{
	_cleanup_free_ char *here = getcwd(NULL, 0), *top = realpath(mountpoint, NULL);

	if (!here && errno == ENOMEM)
		return -ENOMEM;
	if (!here || (top && is_below(here, top)))
		return 0;
	if (chdir("/") < 0)
		return -errno;
	free(start_dir);
	start_dir = steal(&here);
	return 0;
}

char *workdir_path(const char *path)
{
	char *full;

	if (!start_dir || path[0] == '/')
		return strdup(path);
	return asprintf(&full, "%s/%s", start_dir, path) < 0 ? NULL : full;
}

const char *workdir_of_child(void)
{
	return start_dir && access(start_dir, X_OK) == 0 ? start_dir : NULL;
}
