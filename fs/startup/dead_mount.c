/* SPDX-License-Identifier: MIT */
/* Recognises dead mounts, and clears those of ebsfs. */
#include "dead_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "mount_table.h"

/* Dead mounts may be stacked. */
#define DEPTH_MAX 16
/* The timeout for the attributes of a mount's root. */
#define ROOT_MS   5000

/* Reads the attributes of a mount's root, past the kernel's cache, which keeps them for a day.
 * statx() runs in a child process, because it may hang. Returns 0, the errno, or ETIMEDOUT. */
static int dead_mount_stat_root(const char *path)
{
	int fds[2], number = ETIMEDOUT;
	struct pollfd ready;
	struct statx st;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return errno;
	pid = fork();
	if (pid == 0) {
		number = statx(AT_FDCWD, path, AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &st) < 0
				 ? errno
				 : 0;
		_exit(write(fds[1], &number, sizeof(number)) != sizeof(number));
	}
	close(fds[1]);
	ready = (struct pollfd){.fd = fds[0], .events = POLLIN};
	if (pid > 0 && poll(&ready, 1, ROOT_MS) > 0 &&
		read(fds[0], &number, sizeof(number)) != sizeof(number))
		number = EIO;
	close(fds[0]);
	if (pid < 0)
		return ENOMEM;
	/* The child is not waited for: if statx() hangs, it may survive SIGKILL. */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, number == ETIMEDOUT ? WNOHANG : 0);
	return number;
}

/* Makes all requests of the mount fail, now and later. Returns 0 or -errno. */
static int dead_mount_abort(const char *path, const struct mount_table_entry *mount)
{
	char file[64];
	_cleanup_close_ int fd = -1;

	snprintf(file, sizeof(file), "/sys/fs/fuse/connections/%u/abort", mount->minor);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "1", 1) == 1)
		return 0;
	/* Without fusectl only root can abort a mount. */
	return umount2(path, MNT_FORCE) == 0 || errno == EBUSY ? 0 : -errno;
}

static bool dead_mount_unmount(const char *path)
{
	const char *argv[] = {"fusermount3", "-u", "-z", "--", path, NULL};
	posix_spawn_file_actions_t files;
	pid_t pid;
	int status, r;

	if (posix_spawn_file_actions_init(&files))
		return false;
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	r = posix_spawnp(&pid, argv[0], &files, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (r)
		return false;
	while ((r = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	return r == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Examines the uppermost mount at path. Returns 0 if there is none or it was cleared (*cleared), 1
 * if a living ebsfs serves it, or -errno with *err. */
static int dead_mount_clear_one(const char *path, bool *cleared, struct err *err)
{
	struct mount_table_entry mount;
	enum mount_server server = MOUNT_SERVER_UNKNOWN;
	bool ours, gone;
	pid_t pid;
	int answer;

	*cleared = false;
	if (!mount_table_look(path, &mount) || strncmp(mount.type, "fuse", 4) != 0)
		return 0;
	ours = !strcmp(mount.type, "fuse.ebsfs");
	if (ours)
		server = mount_table_server(&mount, &pid);
	if (server == MOUNT_SERVER_DEAD && dead_mount_abort(path, &mount) == 0) {
		log_warning("%s: process %d was killed and cannot end; aborted its mount", path,
			(int)pid);
		/* The abort has ended the mount's requests, so the dead process can end; the mount
		 * may have disappeared with it. */
		*cleared = !mount_table_look(path, &mount);
		if (*cleared)
			return 0;
	}
	/* The process still exists, but may have been killed a moment ago: only a response of the
	 * mount shows that it lives. */
	answer = dead_mount_stat_root(path);
	gone = answer == ENOTCONN || answer == ECONNABORTED;
	if (answer == ETIMEDOUT && server != MOUNT_SERVER_LIVES)
		return err_set(err, ETIMEDOUT,
			"mountpoint %s: a %s file system is mounted there and does not answer; if "
			"its process is dead, run: echo 1 > /sys/fs/fuse/connections/%u/abort",
			path, mount.type, mount.minor);
	if (gone && (!ours || !dead_mount_unmount(path)))
		return err_set(err, ENOTCONN,
			"mountpoint %s: a file system that died is still mounted there; run: "
			"fusermount3 -u %s",
			path, path);
	*cleared = gone;
	return ours && !gone;
}

int dead_mount_clear(const char *path, int *n_cleared, struct err *err)
{
	_cleanup_free_ char *full = mount_table_resolve(path);
	bool cleared = full;
	int depth = 0, r = 0;

	while (cleared && r == 0 && depth <= DEPTH_MAX) {
		r = dead_mount_clear_one(full, &cleared, err);
		depth += cleared;
	}
	if (depth)
		log_warning("%s had the dead mount of an ebsfs that was killed; cleared it", path);
	if (n_cleared)
		*n_cleared = depth;
	return r;
}
