/* SPDX-License-Identifier: MIT */
/* Where the journal lives. */
#include "state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

static char *join(const char *a, const char *b, const char *account)
{
	char *path;

	return asprintf(&path, "%s%s/ebsfs/%s", a, b, *account ? account : "unknown-account") < 0
		       ? NULL
		       : path;
}

/* mkdir -p, private to the user. */
static int make_parents(char *path)
{
	for (char *p = strchr(path + 1, '/');; p = strchr(p + 1, '/')) {
		if (p)
			*p = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST) {
			int saved = errno;

			if (p)
				*p = '/';
			return -saved;
		}
		if (!p)
			return 0;
		*p = '/';
	}
}

char *state_dir_path(const struct options *o, const char *account, struct err *err)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	const struct passwd *user;
	char *path;
	int r;

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
	r = make_parents(path);
	if (r < 0) {
		err_set(err, -r,
			"cannot make the folder %s for the journal of copies: %s; name another "
			"place with -o state_dir=DIR",
			path, strerror(-r));
		free(path);
		return NULL;
	}
	return path;
}

char *state_dir_temporary(struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	char *path;

	if (asprintf(&path, "%s/ebsfs-simulate-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp") < 0 ||
		!mkdtemp(path)) {
		err_set(err, errno, "cannot make a temporary folder: %s", strerror(errno));
		return NULL;
	}
	return path;
}

void state_dir_remove(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(path);
}
