/* SPDX-License-Identifier: MIT */
/* The mounts of this machine, and the processes that serve them. */
#include "mount_table.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"

#define LINKS_MAX     16
#define MOUNTINFO_MAX ((size_t)4 << 20)

/* Returns whether the field at s is `path`; in the field, blanks and backslashes are three octal
 * digits. */
static bool mountinfo_field_is(const char *s, size_t len, const char *path)
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

/* Returns the n-th field of a line, counted from 0; the end of the line if the line has fewer
 * fields. */
static const char *mountinfo_field(const char *line, const char *end, int n)
{
	while (n-- > 0) {
		line = memchr(line, ' ', (size_t)(end - line));
		if (!line++)
			return end;
	}
	return line;
}

/* Parses "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,user_id=0": the device is
 * the third field, the mount point the fifth; after " - " follow the type, the source, the options.
 */
static bool mountinfo_read_line(
	const char *line, size_t len, const char *path, struct mount_table_entry *out)
{
	const char *end = line + len, *dash = memmem(line, len, " - ", 3), *at, *user;

	if (!dash)
		return false;
	at = mountinfo_field(line, end, 4);
	if (at == end || !mountinfo_field_is(at, strcspn(at, " \n"), path))
		return false;
	*out = (struct mount_table_entry){0};
	if (sscanf(mountinfo_field(line, end, 2), "%u:%u", &out->major, &out->minor) != 2)
		return false;
	snprintf(out->type, sizeof(out->type), "%.*s", (int)strcspn(dash + 3, " \n"), dash + 3);
	at = mountinfo_field(dash + 3, end, 2);
	user = memmem(at, (size_t)(end - at), "user_id=", 8);
	if (user)
		out->user = (uid_t)strtoul(user + 8, NULL, 10);
	return true;
}

bool mount_table_find(const char *mountinfo, const char *path, struct mount_table_entry *out)
{
	struct mount_table_entry entry;
	bool found = false;

	/* The mount of a later line covers that of an earlier line at the same path. */
	for (const char *line = mountinfo; *line;) {
		size_t len = strcspn(line, "\n");

		if (mountinfo_read_line(line, len, path, &entry)) {
			*out = entry;
			found = true;
		}
		line += len + (line[len] == '\n');
	}
	return found;
}

bool mount_table_look(const char *path, struct mount_table_entry *out)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char piece[4096];
	FILE *file = fopen("/proc/self/mountinfo", "re");

	if (!file)
		return false;
	while (text.len < MOUNTINFO_MAX && fgets(piece, sizeof(piece), file))
		buf_puts(&text, piece);
	fclose(file);
	return !text.error && mount_table_find(buf_str(&text), path, out);
}

/* Returns the target of the symbolic link at path, as a path. NULL if path is not a symbolic link.
 */
static char *mount_table_follow(const char *path)
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

static char *mount_table_resolve_links(const char *path, int links)
{
	_cleanup_free_ char *copy = strdup(path), *target = NULL, *folder = NULL;
	size_t len = copy ? strlen(copy) : 0;
	char *slash, *full;

	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	target = copy ? mount_table_follow(copy) : NULL;
	if (target)
		return links ? mount_table_resolve_links(target, links - 1) : NULL;
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

char *mount_table_resolve(const char *path)
{
	return mount_table_resolve_links(path, LINKS_MAX);
}

/* --- the process that serves a mount --- */

int mount_table_announce(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	struct mount_table_entry mount;
	int len, result;

	if (!mount_table_look(path, &mount))
		return -ENOENT;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* The socket's name begins with a zero byte: it is abstract, and no file is created. */
	len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "ebsfs/%u/%d",
		mount.minor, (int)getpid());
	if (bind(fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) < 0)
		return -errno;
	shutdown(fd, SHUT_RD);
	result = fd;
	fd = -1;
	return result;
}

bool mount_table_server_line(const char *line, unsigned minor, pid_t *pid)
{
	const char *name = strstr(line, " @ebsfs/");
	unsigned of, number;
	int end = 0;

	if (!name || sscanf(name, " @ebsfs/%u/%u%n", &of, &number, &end) != 2 || of != minor ||
		number == 0 || number > INT32_MAX || (name[end] && name[end] != '\n'))
		return false;
	*pid = (pid_t)number;
	return true;
}

enum mount_server mount_table_server_status(const char *status, uid_t user)
{
	const char *state = strstr(status, "\nState:\t"), *uid = strstr(status, "\nUid:\t");

	/* Any user can bind a socket of this name, so processes of other users are ignored. */
	if (!state || !uid || strtoul(uid + 6, NULL, 10) != user)
		return MOUNT_SERVER_UNKNOWN;
	return state[8] == 'Z' || state[8] == 'X' ? MOUNT_SERVER_DEAD : MOUNT_SERVER_LIVES;
}

static enum mount_server mount_table_server_of(pid_t pid, uid_t user)
{
	char path[32], text[4096];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return MOUNT_SERVER_UNKNOWN;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	return mount_table_server_status(text, user);
}

enum mount_server mount_table_server(const struct mount_table_entry *mount, pid_t *pid)
{
	enum mount_server found = MOUNT_SERVER_UNKNOWN;
	FILE *file = fopen("/proc/net/unix", "re");
	char line[512];
	pid_t named;

	while (file && found != MOUNT_SERVER_LIVES && fgets(line, sizeof(line), file)) {
		enum mount_server state = mount_table_server_line(line, mount->minor, &named)
						  ? mount_table_server_of(named, mount->user)
						  : MOUNT_SERVER_UNKNOWN;

		if (state != MOUNT_SERVER_UNKNOWN) {
			found = state;
			*pid = named;
		}
	}
	if (file)
		fclose(file);
	return found;
}
