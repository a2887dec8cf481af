/* SPDX-License-Identifier: MIT */
/* What is mounted where. */
#include "mount_table.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

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

/* The n-th field of a line, counted from 0; its end if there are fewer. */
static const char *field_at(const char *line, const char *end, int n)
{
	while (n-- > 0) {
		line = memchr(line, ' ', (size_t)(end - line));
		if (!line++)
			return end;
	}
	return line;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,user_id=0": the device is the
 * third field, the mount point the fifth; behind " - " the type, the source, the options. */
static bool read_line(const char *line, size_t len, const char *path, struct mount_table_entry *out)
{
	const char *end = line + len, *dash = memmem(line, len, " - ", 3), *at, *user;

	if (!dash)
		return false;
	at = field_at(line, end, 4);
	if (at == end || !field_is(at, strcspn(at, " \n"), path))
		return false;
	*out = (struct mount_table_entry){0};
	if (sscanf(field_at(line, end, 2), "%u:%u", &out->major, &out->minor) != 2)
		return false;
	snprintf(out->type, sizeof(out->type), "%.*s", (int)strcspn(dash + 3, " \n"), dash + 3);
	at = field_at(dash + 3, end, 2);
	user = memmem(at, (size_t)(end - at), "user_id=", 8);
	if (user)
		out->user = (uid_t)strtoul(user + 8, NULL, 10);
	return true;
}

bool mount_table_find(const char *mountinfo, const char *path, struct mount_table_entry *out)
{
	struct mount_table_entry entry;
	bool found = false;

	/* A later line lies over an earlier one. */
	for (const char *line = mountinfo; *line;) {
		size_t len = strcspn(line, "\n");

		if (read_line(line, len, path, &entry)) {
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

char *mount_table_resolve(const char *path)
{
	return resolve(path, LINKS_MAX);
}
