/* SPDX-License-Identifier: MIT */
/* Checks whether this machine permits the user to mount. Root mounts by mount(2). Other users mount
 * by fusermount3, which is setuid root and has its own conditions. */
#include "mount_check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cleanup.h"
#include "dead_mount.h"
#include "mount_table.h"

#define DEVICE "/dev/fuse"
#define CONF   "/etc/fuse.conf"

#define CONTAINER "in a container: docker run --device " DEVICE " --cap-add SYS_ADMIN"

static bool mount_check_capable(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, data) == 0 && data[0].effective & 1u << CAP_SYS_ADMIN;
}

static bool mount_check_is_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool empty = true;

	if (!dir)
		return true;
	while (empty && (entry = readdir(dir)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	closedir(dir);
	return empty;
}

/* Returns whether an automounter owns the mountpoint; then requests to the mountpoint wait for this
 * mount. */
static bool mount_check_is_automount(const char *path)
{
	_cleanup_free_ char *full = mount_table_resolve(path);
	struct mount_table_entry mount;

	return full && mount_table_look(full, &mount) && !strcmp(mount.type, "autofs");
}

static bool mount_check_is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return !strncmp(path, top, len) && (path[len] == '/' || path[len] == '\0');
}

static int mount_check_mountpoint(
	const struct options *o, enum exit_status *status, struct err *err)
{
	const char *path = o->mountpoint;
	struct stat st;
	int r = dead_mount_clear(path, NULL, err);

	if (r < 0)
		return r;
	if (r > 0) {
		*status = EXIT_STATUS_OTHER;
		return err_set(err, EBUSY,
			"an ebsfs is mounted on %s already; end it first: fusermount3 -u %s", path,
			path);
	}
	if (stat(path, &st) < 0)
		return errno == ENOENT
			       ? err_set(err, ENOENT,
					 "mountpoint %s does not exist; make it: mkdir -p %s", path,
					 path)
			       : err_set(err, errno, "mountpoint %s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ENOTDIR, "mountpoint %s is not a directory", path);
	/* The folder of an automounter is not read, because the read would wait for this mount. */
	if (!mount_check_is_automount(path) && !o->nonempty && !mount_check_is_empty(path))
		return err_set(err, ENOTEMPTY,
			"mountpoint %s is not empty, and the mount would hide what is in it; name "
			"an empty directory, or mount with -o nonempty",
			path);
	if (o->state_dir && mount_check_is_below(o->state_dir, path))
		return err_set(err, EINVAL,
			"option state_dir: %s is in the mountpoint, where the mount would hide it; "
			"name another place",
			o->state_dir);
	return 0;
}

static int mount_check_device(struct err *err)
{
	_cleanup_close_ int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	struct stat st = {0};

	if (fd >= 0)
		return 0;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return err_set(err, errno,
			"cannot mount: " DEVICE
			" is not there; run as root: modprobe fuse; " CONTAINER);
	case EACCES:
		stat(DEVICE, &st);
		return err_set(err, EACCES,
			"cannot mount: you may not open " DEVICE " (mode %03o, user %u, group %u); "
			"run as root: chmod 666 " DEVICE,
			st.st_mode & 0777, st.st_uid, st.st_gid);
	case EPERM:
		return err_set(err, EPERM,
			"cannot mount: this container may not open " DEVICE "; " CONTAINER);
	default:
		return err_set(err, errno, "cannot mount: " DEVICE ": %s", strerror(errno));
	}
}

static char *mount_check_find_program(const char *name)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *list = NULL;
	char *rest, *full;

	if (asprintf(&list, "/usr/bin:%s", path ? path : "/bin") < 0)
		return NULL;
	rest = list;
	for (char *dir; (dir = strsep(&rest, ":"));) {
		if (asprintf(&full, "%s/%s", *dir ? dir : ".", name) < 0)
			return NULL;
		if (access(full, X_OK) == 0)
			return full;
		free(full);
	}
	return NULL;
}

static int mount_check_fusermount(struct err *err)
{
	_cleanup_free_ char *program = mount_check_find_program("fusermount3");
	struct stat st;

	if (!program)
		return err_set(err, ENOENT,
			"cannot mount: there is no fusermount3, which mounts for users; install it "
			"(apt install fuse3), or mount as root");
	if (stat(program, &st) == 0 && !(st.st_mode & S_ISUID && st.st_uid == 0) &&
		getxattr(program, "security.capability", NULL, 0) < 0)
		return err_set(err, EPERM,
			"cannot mount: %s is not setuid root; run as root: chmod u+s %s, or mount "
			"as root",
			program, program);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return err_set(err, EPERM,
			"cannot mount: fusermount3 may not become root here (no_new_privs); allow "
			"that (systemd: NoNewPrivileges=no), or mount as root");
	return 0;
}

static bool mount_check_conf_allows_other(void)
{
	_cleanup_fclose_ FILE *file = fopen(CONF, "re");
	char line[256], word[32], more[2];

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "#")] = '\0';
		if (sscanf(line, "%31s %1s", word, more) == 1 && !strcmp(word, "user_allow_other"))
			return true;
	}
	return false;
}

/* Checks the conditions of fusermount3. */
static int mount_check_user(const struct options *o, struct err *err)
{
	const char *path = o->mountpoint;
	struct stat st;

	if (mount_check_fusermount(err) < 0)
		return -err->errnum;
	if (access(path, W_OK) < 0)
		return err_set(err, errno,
			"mountpoint %s: a user may mount only on a directory that the user may "
			"write to; name one of your own",
			path);
	if (stat(path, &st) == 0 && st.st_mode & S_ISVTX && st.st_uid != getuid())
		return err_set(err, EPERM,
			"mountpoint %s belongs to another user and is sticky; name a directory of "
			"your own",
			path);
	if (o->allow_other && !mount_check_conf_allows_other())
		return err_set(err, EPERM,
			"option allow_other: " CONF " does not permit it to users; write there, as "
			"root, the line user_allow_other; or mount as root");
	return 0;
}

int mount_check(const struct options *o, enum exit_status *status, struct err *err)
{
	*status = EXIT_STATUS_MOUNT;
	if (mount_check_mountpoint(o, status, err) < 0 || mount_check_device(err) < 0)
		return -err->errnum;
	if (mount_check_capable())
		return 0;
	if (getuid() == 0)
		return err_set(err, EPERM,
			"cannot mount: root lacks the capability to mount here "
			"(CAP_SYS_ADMIN); " CONTAINER);
	return mount_check_user(o, err);
}
