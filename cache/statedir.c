/* SPDX-License-Identifier: MIT */
/* Opens the folders and files of ebsfs's state so that no other user can change them. */
#include "statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "buf.h"
#include "cleanup.h"
#include "file.h"
#include "num.h"

#define LINKS_MAX 40 /* as the kernel has it */

/* --- users and permissions --- */

/* In a user namespace that does not map all users, files of unmapped users have the overflow uid.
 * They are trusted as the machine's own: their owners cannot be distinguished. */
static bool is_unmapped(uid_t uid)
{
	_cleanup_fclose_ FILE *map = fopen("/proc/self/uid_map", "re");
	_cleanup_fclose_ FILE *overflow = fopen("/proc/sys/kernel/overflowuid", "re");
	unsigned from, to, count, number;

	return map && overflow && fscanf(map, "%u %u %u", &from, &to, &count) == 3 &&
	       count != UINT32_MAX && fscanf(overflow, "%u", &number) == 1 && uid == number;
}

static bool is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid() || is_unmapped(uid);
}

/* Many distributions give each user a group of the same name without other members, and make files
 * group-writable. */
static bool is_private_group(gid_t gid)
{
	const struct passwd *user = getpwuid(geteuid());
	_cleanup_free_ char *name = user ? strdup(user->pw_name) : NULL;
	const struct group *group = name ? getgrgid(gid) : NULL;

	if (!group || strcmp(group->gr_name, name) != 0)
		return false;
	for (char *const *member = group->gr_mem; *member; member++)
		if (strcmp(*member, name) != 0)
			return false;
	return true;
}

static bool others_may_write(const struct stat *st)
{
	return (st->st_mode & S_IWOTH) ||
	       ((st->st_mode & S_IWGRP) && !is_private_group(st->st_gid));
}

static int refuse_writable(const struct stat *st, const char *path, struct err *err)
{
	return err_set(err, EPERM,
		"%s can be changed by other users (mode %04o), so ebsfs keeps no state there: "
		"chmod go-w it, or name another folder with -o state_dir=",
		path, (unsigned)st->st_mode & 07777);
}

static int refuse_owner(const struct stat *st, const char *path, struct err *err)
{
	return err_set(err, EPERM,
		"%s belongs to user %u and not to user %u, so ebsfs keeps no state there: name "
		"another folder with -o state_dir=, or chown this one if it is meant for user %u",
		path, (unsigned)st->st_uid, (unsigned)geteuid(), (unsigned)geteuid());
}

/* --- folders --- */

struct walk {
	const char *path; /* the caller's */
	int fd;           /* the folder reached so far */
	struct buf seen;  /* its path, for messages */
	char *rest;       /* the remaining path */
	char *next;       /* its next component */
	int links;
	bool make;
};

static int walk_failed(const struct walk *w, const char *name, int errnum, struct err *err)
{
	return err_set(err, errnum,
		"the state directory %s cannot be used: %s/%s: %s; name another with -o state_dir=",
		w->path, buf_str(&w->seen), name, strerror(errnum));
}

static int check_above(const struct walk *w, const struct stat *st, struct err *err)
{
	const char *path = w->seen.len ? w->seen.data : "/";

	if (!is_trusted(st->st_uid))
		return refuse_owner(st, path, err);
	if (!(st->st_mode & S_ISVTX) && others_may_write(st))
		return refuse_writable(st, path, err);
	return 0;
}

static int walk_to_root(struct walk *w, struct err *err)
{
	struct stat st;

	if (w->fd >= 0)
		close(w->fd);
	buf_clear(&w->seen);
	w->fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w->fd < 0 || fstat(w->fd, &st) < 0)
		return walk_failed(w, "", errno, err);
	return check_above(w, &st, err);
}

/* Replaces a symbolic link by its target. */
static int walk_link(
	struct walk *w, int link, const struct stat *st, const char *name, struct err *err)
{
	char target[PATH_MAX], *rest;
	ssize_t len;

	if (!is_trusted(st->st_uid))
		return err_set(err, EPERM,
			"%s/%s is a symbolic link of user %u, so ebsfs does not follow it to keep "
			"state: remove it, or name another folder with -o state_dir=",
			buf_str(&w->seen), name, (unsigned)st->st_uid);
	if (++w->links > LINKS_MAX)
		return walk_failed(w, name, ELOOP, err);
	len = readlinkat(link, "", target, sizeof(target) - 1);
	if (len < 0)
		return walk_failed(w, name, errno, err);
	target[len] = '\0';
	if (asprintf(&rest, "%s/%s", target, w->next ? w->next : "") < 0)
		return err_set(err, ENOMEM, "out of memory");
	free(w->rest);
	w->rest = w->next = rest;
	return *target == '/' ? walk_to_root(w, err) : 0;
}

static int walk_open(const struct walk *w, const char *name)
{
	int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, fd = openat(w->fd, name, flags);

	if (fd >= 0 || errno != ENOENT || !w->make)
		return fd;
	if (mkdirat(w->fd, name, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(w->fd, name, flags);
}

static int walk_step(struct walk *w, const char *name, struct err *err)
{
	_cleanup_close_ int fd = walk_open(w, name);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return walk_failed(w, name, errno, err);
	if (S_ISLNK(st.st_mode))
		return walk_link(w, fd, &st, name, err);
	if (!S_ISDIR(st.st_mode))
		return walk_failed(w, name, ENOTDIR, err);
	close(w->fd);
	w->fd = fd;
	fd = -1;
	if (buf_printf(&w->seen, "/%s", name) < 0)
		return err_set(err, ENOMEM, "out of memory");
	return check_above(w, &st, err);
}

/* The last folder must belong to this user and not be writable by others, sticky or not. */
static int walk_end(const struct walk *w, struct err *err)
{
	struct stat st;
	int fd;

	if (fstat(w->fd, &st) < 0)
		return walk_failed(w, "", errno, err);
	if (st.st_uid != geteuid())
		return refuse_owner(&st, buf_str(&w->seen), err);
	if (others_may_write(&st))
		return refuse_writable(&st, buf_str(&w->seen), err);
	fd = openat(w->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? walk_failed(w, "", errno, err) : fd;
}

int statedir_open(const char *path, bool make, struct err *err)
{
	struct walk w = {.path = path, .fd = -1, .rest = strdup(path), .make = make};
	const char *name;
	int r;

	if (*path != '/')
		r = err_set(err, ENOENT, "the state directory '%s' is not an absolute path", path);
	else
		r = w.rest ? walk_to_root(&w, err) : err_set(err, ENOMEM, "out of memory");
	w.next = w.rest;
	while (r == 0 && (name = strsep(&w.next, "/")))
		if (*name && strcmp(name, ".") != 0)
			r = walk_step(&w, name, err);
	if (r == 0)
		r = walk_end(&w, err);
	if (w.fd >= 0)
		close(w.fd);
	buf_finish(&w.seen);
	free(w.rest);
	return r;
}

int statedir_open_parent(const char *path, bool make, struct err *err)
{
	_cleanup_free_ char *folder = strndup(path, (size_t)(strrchr(path, '/') - path));

	return folder ? statedir_open(folder, make, err) : err_set(err, ENOMEM, "out of memory");
}

/* --- files --- */

static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static int check_file(const struct stat *st, const char *path, struct err *err)
{
	if (S_ISLNK(st->st_mode))
		return err_set(err, EPERM,
			"%s is a symbolic link, and ebsfs keeps its state in regular files only: "
			"move it away",
			path);
	if (!S_ISREG(st->st_mode))
		return err_set(err, EPERM, "%s is not a regular file: move it away", path);
	if (st->st_uid != geteuid())
		return err_set(err, EPERM,
			"%s belongs to user %u and not to user %u, so ebsfs does not use it: chown "
			"it, or move it away",
			path, (unsigned)st->st_uid, (unsigned)geteuid());
	if (others_may_write(st))
		return err_set(err, EPERM,
			"%s can be changed by other users (mode %04o), so ebsfs does not use it: "
			"chmod go-w it if its content is right, or move it away",
			path, (unsigned)st->st_mode & 07777);
	if (st->st_nlink > 1)
		return err_set(err, EPERM,
			"%s has %u names (hard links), and ebsfs would change the file under all "
			"of them: replace it by a copy of its own, or move it away",
			path, (unsigned)st->st_nlink);
	return 0;
}

/* Checked before opening, because opening a device may have side effects. */
int statedir_check(int folder, const char *path, struct err *err)
{
	struct stat st;

	if (fstatat(folder, name_of(path), &st, AT_SYMLINK_NOFOLLOW) == 0)
		return check_file(&st, path, err);
	return errno == ENOENT ? 0 : err_set(err, errno, "%s: %s", path, strerror(errno));
}

static int open_checked(int folder, const char *path, int flags)
{
	int how = (flags & ~O_CREAT) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = openat(folder, name_of(path), how);

	if (fd < 0 && errno == ENOENT && (flags & O_CREAT))
		fd = openat(folder, name_of(path), how | O_CREAT | O_EXCL, 0600);
	return fd;
}

int statedir_file(int folder, const char *path, int flags, struct err *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r = statedir_check(folder, path, err);

	if (r < 0)
		return r;
	fd = open_checked(folder, path, flags);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, errno, "%s: %s; name another folder with -o state_dir=", path,
			strerror(errno));
	r = check_file(&st, path, err);
	if (r < 0)
		return r;
	r = fd;
	fd = -1;
	return r;
}

/* --- replacing a file --- */

static char *temporary_name(const char *path, struct err *err)
{
	char *name;

	if (asprintf(&name, "%s.new", name_of(path)) >= 0)
		return name;
	err_set(err, ENOMEM, "out of memory");
	return NULL;
}

int statedir_begin(int folder, const char *path, struct err *err)
{
	_cleanup_free_ char *name = temporary_name(path, err);
	int fd;

	if (!name)
		return -ENOMEM;
	/* A leftover of a process that died. */
	(void)unlinkat(folder, name, 0);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? err_set(err, errno, "%s.new: %s", path, strerror(errno)) : fd;
}

int statedir_commit(int folder, int fd, const char *path, struct err *err)
{
	_cleanup_free_ char *name = temporary_name(path, err);
	int r = name ? file_replace(folder, fd, name, name_of(path)) : -ENOMEM;

	return r < 0 ? err_set(err, -r, "%s: %s", path, strerror(-r)) : 0;
}

void statedir_abandon(int folder, const char *path)
{
	_cleanup_free_ char *name = temporary_name(path, NULL);

	if (name)
		(void)unlinkat(folder, name, 0);
}

/* --- the lock --- */

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

static int take_lock(int folder, const char *dir, struct err *err)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	char pid[32];
	int len;

	if (asprintf(&path, "%s/journal.lock", dir) < 0) {
		path = NULL;
		return err_set(err, ENOMEM, "out of memory");
	}
	fd = statedir_file(folder, path, O_RDWR | O_CREAT, err);
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return refuse_busy(fd, dir, err);
		return err_set(err, errno, "%s cannot be locked: %s", path, strerror(errno));
	}
	/* The process id is for people only: a failure to write it (a full disk) is ignored. */
	len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)len, 0) < 0)
		(void)ftruncate(fd, 0);
	len = fd;
	fd = -1;
	return len;
}

int statedir_take(const char *dir, int *lock_fd, struct err *err)
{
	int folder = statedir_open(dir, true, err);

	if (folder < 0)
		return folder;
	*lock_fd = take_lock(folder, dir, err);
	if (*lock_fd < 0) {
		close(folder);
		return *lock_fd;
	}
	return folder;
}
