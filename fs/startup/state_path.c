/* SPDX-License-Identifier: MIT */
/* Where the journal lives. */
#include "state_path.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

static char *join(const char *a, const char *b, const char *account)
{
	char *path;

	return asprintf(&path, "%s%s/ebsfs/%s", a, b, *account ? account : "unknown-account") < 0
		       ? NULL
		       : path;
}

char *state_path_find(const struct options *o, const char *account, struct err *err)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	const struct passwd *user;
	char *path;

	if (!home || *home != '/') {
		user = getpwuid(getuid());
		home = user ? user->pw_dir : NULL;
	}
	if (o->state_dir)
		path = strdup(o->state_dir);
	else if (getuid() == 0)
		path = join("/var/lib", "", account);
	else if (xdg && *xdg == '/')
		path = join(xdg, "", account);
	else if (home)
		path = join(home, "/.local/state", account);
	else {
		err_set(err, ENOENT,
			"no home folder for the journal of copies: name a place with -o "
			"state_dir=DIR");
		return NULL;
	}
	if (!path) {
		err_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	return path;
}
