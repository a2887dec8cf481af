/* SPDX-License-Identifier: MIT */
/* A disk in trouble: preloaded into ebsfs, fails or ends the process at a chosen write or sync of
 * its journal. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What goes wrong, and when. A file of this layout, named by EBSFS_FAULT_DISK, is mapped and
 * changed by the test while ebsfs runs (disk.py). Numbers are of the machine. */
enum operation { ON_WRITE = 1, ON_SYNC = 2, ON_COUNT_WRITE = 4, ON_COUNT_SYNC = 8 };
enum action {
	FAIL = 1,    /* with errnum */
	SHORT,       /* half of it is written, then errnum */
	KILL_BEFORE, /* SIGKILL instead of it */
	KILL_AFTER,  /* SIGKILL once it is done */
	POWER,       /* SIGKILL instead of it, and what was written since the last sync is gone */
};
struct control {
	int32_t armed;      /* 0: nothing goes wrong, and `skip` does not count */
	int32_t operations; /* ON_WRITE, ON_SYNC …, or several */
	int32_t action;
	int32_t errnum;
	uint32_t from_sync;    /* nothing goes wrong before so many syncs are done */
	_Atomic int32_t skip;  /* so many more pass first */
	_Atomic int32_t times; /* so many go wrong, then all is well again; -1: all */
	/* Counted all the time; not those of journal.commits. */
	_Atomic uint32_t writes, syncs, hits;
};

static struct control *control(void)
{
	static _Atomic(struct control *) mapped;
	struct control *c = mapped;
	const char *path = getenv("EBSFS_FAULT_DISK");
	int fd;

	if (c || !path)
		return c;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (c == MAP_FAILED)
		return NULL;
	mapped = c;
	return c;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

enum file { OTHER, JOURNAL, COUNT };

/* The database and its log, or the count of its transactions. The log's index holds nothing that
 * must survive. */
static enum file kind_of(int fd)
{
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return OTHER;
	path[n] = '\0';
	if (ends_with(path, "/journal.db") || ends_with(path, "/journal.db-wal"))
		return JOURNAL;
	return ends_with(path, "/journal.commits") ? COUNT : OTHER;
}

/* How far each file is safe from a power cut. The log grows by appending until it begins anew. */
static struct {
	_Atomic ino_t inode;
	_Atomic off_t synced;
	_Atomic bool overwritten; /* before its synced end: no longer to be undone */
} files[4];

static int file_of(int fd, off_t *size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	*size = st.st_size;
	for (int i = 0; i < 4; i++) {
		ino_t none = 0;

		if (files[i].inode == st.st_ino)
			return i;
		if (!atomic_compare_exchange_strong(&files[i].inode, &none, st.st_ino))
			continue;
		files[i].synced = st.st_size;
		return i;
	}
	return -1;
}

static void lose_unsynced(int fd)
{
	off_t size;
	int i = file_of(fd, &size);

	if (i >= 0 && !files[i].overwritten && files[i].synced < size &&
		ftruncate(fd, files[i].synced) < 0)
		abort();
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* Whether this call goes wrong; c->action says how. */
static bool is_hit(struct control *c, enum operation operation)
{
	int32_t left;

	if (!c->armed || !(c->operations & (int32_t)operation) || c->syncs < c->from_sync)
		return false;
	if (c->skip > 0 && atomic_fetch_sub(&c->skip, 1) > 0)
		return false;
	left = c->times;
	do
		if (!left)
			return false;
	while (left > 0 && !atomic_compare_exchange_weak(&c->times, &left, left - 1));
	c->hits++;
	return true;
}

/* What goes wrong before the call. True: it shall not be made, errno is set. */
static bool goes_wrong(struct control *c, int fd)
{
	switch ((enum action)c->action) {
	case POWER:
		lose_unsynced(fd);
		die();
		break;
	case KILL_BEFORE:
		die();
		break;
	case FAIL:
	case SHORT:
		errno = c->errnum;
		return true;
	case KILL_AFTER:
		break;
	}
	return false;
}

typedef ssize_t pwrite_fn(int fd, const void *data, size_t len, off_t at);
typedef ssize_t write_fn(int fd, const void *data, size_t len);
typedef int sync_fn(int fd);

static void *real(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f)
		abort();
	return f;
}

__attribute__((visibility("default"))) ssize_t pwrite64(
	int fd, const void *data, size_t len, off_t at)
{
	pwrite_fn *next = (pwrite_fn *)real("pwrite64");
	struct control *c = control();
	enum file kind = c ? kind_of(fd) : OTHER;
	off_t size;
	bool hit;
	ssize_t n;
	int i;

	if (kind == OTHER)
		return next(fd, data, len, at);
	c->writes += kind == JOURNAL;
	i = file_of(fd, &size);
	hit = is_hit(c, kind == JOURNAL ? ON_WRITE : ON_COUNT_WRITE);
	if (hit && goes_wrong(c, fd)) {
		int saved = errno;

		if (c->action == SHORT && next(fd, data, len / 2, at) < 0)
			return -1;
		errno = saved;
		return -1;
	}
	if (i >= 0 && at < files[i].synced)
		files[i].overwritten = true;
	n = next(fd, data, len, at);
	if (hit)
		die();
	return n;
}

__attribute__((visibility("default"))) ssize_t write(int fd, const void *data, size_t len)
{
	write_fn *next = (write_fn *)real("write");
	struct control *c = control();
	bool hit;
	ssize_t n;

	if (!c || kind_of(fd) != JOURNAL)
		return next(fd, data, len);
	c->writes++;
	hit = is_hit(c, ON_WRITE);
	if (hit && goes_wrong(c, fd))
		return -1;
	n = next(fd, data, len);
	if (hit)
		die();
	return n;
}

static int sync_with(const char *name, int fd)
{
	sync_fn *next = (sync_fn *)real(name);
	struct control *c = control();
	enum file kind = c ? kind_of(fd) : OTHER;
	off_t size;
	bool hit;
	int r, i;

	if (kind == OTHER)
		return next(fd);
	hit = is_hit(c, kind == JOURNAL ? ON_SYNC : ON_COUNT_SYNC);
	if (hit && goes_wrong(c, fd))
		return -1;
	r = next(fd);
	c->syncs += kind == JOURNAL;
	i = file_of(fd, &size);
	if (i >= 0)
		files[i].synced = size;
	if (hit)
		die();
	return r;
}

__attribute__((visibility("default"))) int fdatasync(int fd)
{
	return sync_with("fdatasync", fd);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
	return sync_with("fsync", fd);
}
