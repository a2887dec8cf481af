/* SPDX-License-Identifier: MIT */
/* Dead mounts: recognised, and cleared where they are surely ours. */
#include "dead_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "buf.h"
#include "cleanup.h"
#include "log.h"

/* Dead mounts may lie one upon another. */
#define DEPTH_MAX     16
#define LINKS_MAX     16
#define MOUNTINFO_MAX ((size_t)4 << 20)

/* Whether the field at s, in which blanks and backslashes stand as three octal digits, says `path`.
 */
static bool field_is(const char *s, size_t len, const char *path)
{
	for (size_t i = 0; i < len; path++) {
		char c = s[i++];

		if (c == '\\' && len - i >= 3) {
			c = (char)((s[i] - '0') << 6 | (s[i + 1] - '0') << 3 | (s[i + 2] - '0'));
			i += 3;
		}
		if (!*path || c != *path)
			return false;
	}
	return !*path;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": the fifth field, and the first
 * one behind " - ". */
static bool line_is_at(const char *line, size_t len, const char *path)
{
	const char *end = line + len;

	for (int i = 0; i < 4; i++) {
		line = memchr(line, ' ', (size_t)(end - line));
		if (!line++)
			return false;
	}
	return field_is(line, strcspn(line, " \n"), path);
}

bool dead_mount_type(const char *mountinfo, const char *path, char *type, size_t size)
{
	bool found = false;

	/* A later line lies over an earlier one. */
	for (const char *line = mountinfo; *line;) {
		size_t len = strcspn(line, "\n");
		const char *dash = memmem(line, len, " - ", 3);

		if (dash && line_is_at(line, len, path)) {
			snprintf(type, size, "%.*s", (int)strcspn(dash + 3, " \n"), dash + 3);
			found = true;
		}
		line += len + (line[len] == '\n');
	}
	return found;
}

/* Where the last name of path leads: a link's text, in its folder. NULL if it is no link. */
static char *follow(const char *path)
{
	char target[PATH_MAX], *full;
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *slash = strrchr(path, '/');

	if (n < 0)
		return NULL;
	target[n] = '\0';
	if (target[0] == '/' || !slash)
		return strdup(target);
	return asprintf(&full, "%.*s/%s", (int)(slash - path), path, target) < 0 ? NULL : full;
}

/* realpath() of an absolute path whose end is a dead mount, which cannot be resolved itself: the
 * folder that it stands in can. NULL if not. */
static char *resolve(const char *path, int links)
{
	_cleanup_free_ char *copy = strdup(path), *target = NULL, *folder = NULL;
	size_t len = copy ? strlen(copy) : 0;
	char *slash, *full;

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	target = copy ? follow(copy) : NULL;
	if (target)
		return links ? resolve(target, links - 1) : NULL;
	slash = copy ? strrchr(copy, '/') : NULL;
	if (!slash)
		return NULL;
	*slash = '\0';
	folder = realpath(*copy ? copy : "/", NULL);
	if (!folder)
		return NULL;
	return asprintf(&full, "%s/%s", strcmp(folder, "/") ? folder : "", slash + 1) < 0 ? NULL
											  : full;
}

static bool is_ours(const char *path)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char piece[4096], type[32];
	FILE *file = fopen("/proc/self/mountinfo", "re");

	while (file && text.len < MOUNTINFO_MAX && fgets(piece, sizeof(piece), file))
		buf_puts(&text, piece);
	if (file)
		fclose(file);
	return !text.error && dead_mount_type(buf_str(&text), path, type, sizeof(type)) &&
	       !strcmp(type, "fuse.ebsfs");
}

static bool is_dead(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 && errno == ENOTCONN;
}

static bool unmount(const char *path)
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

int dead_mount_clear(const char *path, struct err *err)
{
	_cleanup_free_ char *full = is_dead(path) ? resolve(path, LINKS_MAX) : NULL;
	int depth = 0;

	while (full && is_dead(path) && depth < DEPTH_MAX && is_ours(full) && unmount(full))
		depth++;
	if (is_dead(path))
		return err_set(err, ENOTCONN,
			"mountpoint %s: a file system that died is still mounted there; run: "
			"fusermount3 -u %s",
			path, path);
	if (depth)
		log_warning("%s bore the dead mount of an ebsfs that did not end as it should; "
			    "cleared it",
			path);
	return 0;
}
