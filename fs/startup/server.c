/* SPDX-License-Identifier: MIT */
/* Which process serves a mount, and whether it still can. */
#include "server.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"

int server_announce(const char *path)
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
	/* A name that begins with a zero byte is no file. */
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

bool server_line(const char *line, unsigned minor, pid_t *pid)
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

enum server_state server_status(const char *status, uid_t user)
{
	const char *state = strstr(status, "\nState:\t"), *uid = strstr(status, "\nUid:\t");

	/* Everybody may bind such a name: a process of another user says nothing. */
	if (!state || !uid || strtoul(uid + 6, NULL, 10) != user)
		return SERVER_UNKNOWN;
	return state[8] == 'Z' || state[8] == 'X' ? SERVER_DEAD : SERVER_LIVES;
}

static enum server_state look_at(pid_t pid, uid_t user)
{
	char path[32], text[4096];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return SERVER_UNKNOWN;
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	return server_status(text, user);
}

enum server_state server_look(const struct mount_table_entry *mount, pid_t *pid)
{
	enum server_state found = SERVER_UNKNOWN;
	FILE *file = fopen("/proc/net/unix", "re");
	char line[512];
	pid_t named;

	while (file && found != SERVER_LIVES && fgets(line, sizeof(line), file)) {
		enum server_state state = server_line(line, mount->minor, &named)
						  ? look_at(named, mount->user)
						  : SERVER_UNKNOWN;

		if (state != SERVER_UNKNOWN) {
			found = state;
			*pid = named;
		}
	}
	if (file)
		fclose(file);
	return found;
}
