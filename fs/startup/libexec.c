/* SPDX-License-Identifier: MIT */
#include "libexec.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void libexec_find(const char *place, char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *name = strrchr(place, '/');
	char *slash;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash)
			*slash = '\0';
		n = snprintf(path, PATH_MAX, "%s/../%s", self, place);
		if (n < PATH_MAX && access(path, X_OK) == 0)
			return;
	}
	snprintf(path, PATH_MAX, EBSFS_LIBEXEC "/%s", name ? name + 1 : place);
}
