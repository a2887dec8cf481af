/* SPDX-License-Identifier: MIT */
/* The state directory: private to its user, and one process's at a time. */
#include "statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "num.h"

/* Makes every directory of the path that is missing. */
static int make_dirs(const char *dir, struct err *err)
{
	_cleanup_free_ char *path = strdup(dir);
	struct stat st;

	if (!path)
		return err_set(err, ENOMEM, "out of memory");
	if (!*path)
		return err_set(err, ENOENT, "the state directory has no name");
	for (char *end = path + 1;; end++) {
		char cut = *end;

		if (cut != '/' && cut != '\0')
			continue;
		*end = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST &&
			(errno != EROFS || access(path, F_OK) < 0))
			return err_set(err, errno, "the state directory %s cannot be made: %s",
				path, strerror(errno));
		*end = cut;
		if (!cut)
			break;
	}
	if (stat(path, &st) < 0)
		return err_set(err, errno, "the state directory %s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "the state directory %s is not a directory", path);
	return 0;
}

static int refuse_busy(int fd, const char *dir, struct err *err)
{
	char text[32];
	ssize_t len = pread(fd, text, sizeof(text), 0);
	uint64_t pid;

	if (len > 0 && text[len - 1] == '\n' &&
		num_parse_u64(text, (size_t)len - 1, 1, INT32_MAX, &pid) == 0)
		return err_set(err, EBUSY,
			"the state directory %s is in use by another ebsfs, process %d: unmount "
			"that, or give "
			"this one a directory of its own with -o state_dir=",
			dir, (int)pid);
	return err_set(err, EBUSY,
		"the state directory %s is in use by another ebsfs: unmount that, or give this one "
		"a directory "
		"of its own with -o state_dir=",
		dir);
}

int statedir_take(const char *dir, int *lock_fd, struct err *err)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	char pid[32];
	int result = make_dirs(dir, err), len;

	if (result < 0)
		return result;
	if (asprintf(&path, "%s/journal.lock", dir) < 0) {
		path = NULL;
		return err_set(err, ENOMEM, "out of memory");
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return refuse_busy(fd, dir, err);
		return err_set(err, errno, "%s cannot be locked: %s", path, strerror(errno));
	}
	/* The number is for people only: that it cannot be written (a full disk) stops nothing. */
	len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)len, 0) < 0)
		(void)ftruncate(fd, 0);
	*lock_fd = fd;
	fd = -1;
	return 0;
}
