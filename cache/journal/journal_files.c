/* SPDX-License-Identifier: MIT */
/* The journal's files without SQLite: the checks before SQLite opens them (permissions, a missing
 * database, a damaged log), and journal.commits. */
#include "journal_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checksum.h"
#include "cleanup.h"
#include "file.h"
#include "statedir.h"

/* --- the write-ahead log, as SQLite's documentation describes it --- */

enum wal_state {
	WAL_WHOLE,    /* SQLite reads every transaction that was synced */
	WAL_BROKEN,   /* SQLite stops reading before a transaction that was synced */
	WAL_HEADLESS, /* the header is invalid, so SQLite reads no transaction */
};

/*
 * The log is a header of 32 bytes, then frames: a header of 24 bytes and a page each. Each frame
 * repeats the header's two salts and has a checksum over everything before it in the log, which
 * makes a chain. The last frame of a transaction has the size of the database. SQLite reads up to
 * the last such frame before the first invalid frame.
 *
 * A crash can leave these frames after the place where SQLite stops, and none is a loss:
 * - frames with other salts, from before the log was restarted;
 * - any frames of the transaction that was being written, because the system writes them in any
 *   order;
 * - the rest of a transaction whose sync failed, its beginning overwritten by the next one.
 * Only damage leaves a transaction's last frame with another frame chained to it: a transaction is
 * written only after the sync of the one before has succeeded.
 */
#define HEADER_SIZE       32
#define FRAME_HEADER_SIZE 24
#define MAGIC             0x377f0682u /* plus one: checksums of big-endian words */
#define VERSION           3007000u

struct chain {
	uint32_t a, b;
};

static uint32_t big_endian(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t little_endian(const unsigned char *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* Extends a checksum. len is a multiple of eight. */
static struct chain chain_add(struct chain sum, const unsigned char *data, size_t len, bool big)
{
	for (size_t i = 0; i < len; i += 8) {
		sum.a += (big ? big_endian(data + i) : little_endian(data + i)) + sum.b;
		sum.b += (big ? big_endian(data + i + 4) : little_endian(data + i + 4)) + sum.a;
	}
	return sum;
}

static struct chain stored_chain(const unsigned char *p)
{
	return (struct chain){big_endian(p), big_endian(p + 4)};
}

static bool chain_equals(struct chain x, struct chain y)
{
	return x.a == y.a && x.b == y.b;
}

/* The page's size; 0 if the header is not valid. */
static size_t header_page_size(const unsigned char *header)
{
	uint32_t magic = big_endian(header), size = big_endian(header + 8);
	struct chain sum = chain_add((struct chain){0, 0}, header, 24, magic & 1);

	if ((magic & ~1u) != MAGIC || big_endian(header + 4) != VERSION ||
		!chain_equals(sum, stored_chain(header + 24)) || size < 512 || size > 65536 ||
		(size & (size - 1)))
		return 0;
	return size;
}

/* Reads all frames. Sets *broken if they show damage (see above). */
static int read_frames(int fd, const unsigned char *header, size_t page_size, bool *broken)
{
	_cleanup_free_ unsigned char *frame = malloc(FRAME_HEADER_SIZE + page_size);
	size_t size = FRAME_HEADER_SIZE + page_size;
	struct chain before = stored_chain(header + 24);
	bool big = big_endian(header) & 1, valid = true, after_end = false;
	ssize_t n;

	if (!frame)
		return -ENOMEM;
	for (off_t at = HEADER_SIZE; (n = file_read(fd, frame, size, at)) == (ssize_t)size;
		at += (off_t)size) {
		struct chain sum = chain_add(chain_add(before, frame, 8, big),
			frame + FRAME_HEADER_SIZE, page_size, big);
		bool chained = !memcmp(frame + 8, header + 16, 8) && big_endian(frame) &&
			       chain_equals(sum, stored_chain(frame + 16));

		valid = valid && chained;
		*broken |= !valid && chained && after_end;
		after_end = big_endian(frame + 4) != 0;
		before = stored_chain(frame + 16);
	}
	return n < 0 ? (int)n : 0;
}

static int read_wal(int fd, const char *path, enum wal_state *out, struct err *err)
{
	unsigned char header[HEADER_SIZE + 1];
	size_t page_size;
	bool broken = false;
	ssize_t n = file_read(fd, header, sizeof(header), 0);
	int r = n < 0 ? (int)n : 0;

	*out = WAL_WHOLE;
	/* SQLite writes frames after it has synced the header: a log without frames has nothing to
	 * lose. */
	if (n > HEADER_SIZE) {
		page_size = header_page_size(header);
		if (page_size)
			r = read_frames(fd, header, page_size, &broken);
		else
			*out = WAL_HEADLESS;
	}
	if (broken)
		*out = WAL_BROKEN;
	return r < 0 ? err_set(err, -r, "%s: %s", path, strerror(-r)) : 0;
}

/* --- all files --- */

/* Opens a file and gets its size; *fd is -1 and *size 0 if there is none. */
static int open_if_exists(int folder, const char *path, int *fd, off_t *size, struct err *err)
{
	struct stat st;

	*size = 0;
	*fd = statedir_file(folder, path, O_RDONLY, err);
	if (*fd == -ENOENT) {
		*fd = -1;
		return 0;
	}
	if (*fd < 0)
		return *fd;
	if (fstat(*fd, &st) < 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	*size = st.st_size;
	return 0;
}

/* SQLite opens these files by their names. That is as safe as by the folder's descriptor, because
 * no other user can change the folder or the path to it (statedir.h). */
static int check_beside(int folder, const char *path, const char *suffix, struct err *err)
{
	_cleanup_free_ char *name = NULL;

	if (asprintf(&name, "%s%s", path, suffix) < 0) {
		name = NULL;
		return err_set(err, ENOMEM, "out of memory");
	}
	return statedir_check(folder, name, err);
}

/* SQLite writes the database's first page before it starts a log, so an empty database has none. */
static int check_empty(
	const char *path, off_t log_size, const struct journal_commits *commits, struct err *err)
{
	if (log_size)
		return err_set(err, EINVAL,
			"the journal %s is missing or empty, but its log %s-wal is there", path,
			path);
	if (commits->count)
		return err_set(err, EINVAL,
			"the journal %s is missing or empty, but %" PRIu64
			" transactions were written to it",
			path, commits->count);
	return 0;
}

int journal_files_check(
	int folder, const char *path, const struct journal_commits *commits, struct err *err)
{
	_cleanup_close_ int db = -1, log = -1;
	_cleanup_free_ char *log_path = NULL;
	enum wal_state state;
	off_t size, log_size;
	int r;

	if (asprintf(&log_path, "%s-wal", path) < 0) {
		log_path = NULL;
		return err_set(err, ENOMEM, "out of memory");
	}
	r = open_if_exists(folder, path, &db, &size, err);
	if (r == 0)
		r = open_if_exists(folder, log_path, &log, &log_size, err);
	if (r == 0)
		r = check_beside(folder, path, "-shm", err);
	if (r == 0)
		r = check_beside(folder, path, "-journal", err);
	if (r == 0 && !size)
		r = check_empty(path, log_size, commits, err);
	if (r < 0 || log < 0)
		return r;
	r = read_wal(log, log_path, &state, err);
	if (r == 0 && state == WAL_BROKEN)
		return err_set(err, EINVAL,
			"the journal's log %s has transactions behind a damaged one", log_path);
	/* If journal.commits has a count, journal_schema_check() detects missing transactions. */
	if (r == 0 && state == WAL_HEADLESS && !commits->known)
		return err_set(err, EINVAL, "the journal's log %s has no valid header", log_path);
	return r;
}

/* --- a log that SQLite created while it checked the database --- */

static bool log_stat(int folder, const char *path, char **name, struct stat *st)
{
	if (asprintf(name, "%s-wal", strrchr(path, '/') + 1) < 0)
		*name = NULL;
	return *name && fstatat(folder, *name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool journal_files_has_log(int folder, const char *path)
{
	_cleanup_free_ char *name = NULL;
	struct stat st;

	return log_stat(folder, path, &name, &st);
}

void journal_files_drop_log(int folder, const char *path)
{
	_cleanup_free_ char *name = NULL;
	struct stat st;

	if (log_stat(folder, path, &name, &st) && S_ISREG(st.st_mode) && !st.st_size)
		(void)unlinkat(folder, name, 0);
}

int journal_files_make(int folder, const char *path, struct err *err)
{
	_cleanup_close_ int fd = statedir_file(folder, path, O_RDWR | O_CREAT, err);

	if (fd < 0)
		return fd;
	return fsync(folder) < 0 ? err_set(err, errno, "%s: %s", path, strerror(errno)) : 0;
}

/* --- journal.commits --- */

/* Two places, written alternately, so that one is valid if the power fails while the other is
 * written. They are in different sectors, even of the largest size. The file never grows, so a full
 * disk is no obstacle. */
#define COMMITS_PLACES     2
#define COMMITS_PLACE_SIZE 4096
#define COMMITS_LINE_SIZE  80

static void commits_line(uint64_t count, char line[COMMITS_LINE_SIZE])
{
	int len =
		snprintf(line, COMMITS_LINE_SIZE, "ebsfs-journal 1 commits %020" PRIu64 " ", count);

	snprintf(line + len, COMMITS_LINE_SIZE - (size_t)len, "%016" PRIx64 "\n",
		checksum_add(0, line, (size_t)len));
}

static void commits_read_place(struct journal_commits *c, int place)
{
	char line[COMMITS_LINE_SIZE] = "", right[COMMITS_LINE_SIZE];
	uint64_t count;

	if (pread(c->fd, line, sizeof(line) - 1, (off_t)place * COMMITS_PLACE_SIZE) < 0 ||
		sscanf(line, "ebsfs-journal 1 commits %" SCNu64, &count) != 1)
		return;
	commits_line(count, right);
	if (strcmp(line, right) != 0)
		return;
	if (!c->known || count > c->count)
		c->count = count;
	c->known = true;
}

int journal_commits_open(int folder, const char *path, struct journal_commits *out, struct err *err)
{
	*out = (struct journal_commits){.fd = statedir_file(folder, path, O_RDWR, err)};
	if (out->fd == -ENOENT) {
		out->fd = -1;
		return 0;
	}
	if (out->fd < 0)
		return out->fd;
	for (int place = 0; place < COMMITS_PLACES; place++)
		commits_read_place(out, place);
	return 0;
}

static int commits_write_place(const struct journal_commits *c, uint64_t count)
{
	char line[COMMITS_LINE_SIZE];
	size_t len;

	commits_line(count, line);
	len = strlen(line);
	if (pwrite(c->fd, line, len, (off_t)(count % COMMITS_PLACES) * COMMITS_PLACE_SIZE) ==
		(ssize_t)len)
		return 0;
	return errno ? -errno : -EIO;
}

int journal_commits_make(int folder, const char *path, struct journal_commits *c, struct err *err)
{
	static const char zeros[COMMITS_PLACES * COMMITS_PLACE_SIZE];
	int r = 0;

	if (c->fd < 0)
		c->fd = statedir_file(folder, path, O_RDWR | O_CREAT, err);
	if (c->fd < 0) {
		r = c->fd;
		c->fd = -1;
		return r;
	}
	errno = 0;
	if (pwrite(c->fd, zeros, sizeof(zeros), 0) != (ssize_t)sizeof(zeros))
		r = errno ? -errno : -EIO;
	if (r == 0)
		r = commits_write_place(c, 0);
	if (r == 0 && (fsync(c->fd) < 0 || fsync(folder) < 0))
		r = -errno;
	return r < 0 ? err_set(err, -r, "%s: %s", path, strerror(-r)) : 0;
}

int journal_commits_write(struct journal_commits *c, uint64_t count)
{
	if (c->fd < 0)
		return -ENOENT;
	errno = 0;
	return commits_write_place(c, count);
}

/* Ignores a failure: with a count that is too low, fewer losses are detected, but no good journal
 * is refused. */
void journal_commits_sync(const struct journal_commits *c)
{
	if (c->fd >= 0)
		(void)fdatasync(c->fd);
}

void journal_commits_close(struct journal_commits *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
