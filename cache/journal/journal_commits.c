/* SPDX-License-Identifier: MIT */
/* journal.commits: the number of transactions that the journal has on disk, kept beside it. */
#include "journal_commits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "checksum.h"
#include "statedir.h"

/* Two places, written alternately, so that one is valid if the power fails while the other is
 * written. They are in different sectors, even of the largest size. The file never grows, so a full
 * disk is no obstacle. */
#define PLACES     2
#define PLACE_SIZE 4096
#define LINE_SIZE  80

static void make_line(uint64_t count, char line[LINE_SIZE])
{
	int len = snprintf(line, LINE_SIZE, "ebsfs-journal 1 commits %020" PRIu64 " ", count);

	snprintf(line + len, LINE_SIZE - (size_t)len, "%016" PRIx64 "\n",
		checksum_add(0, line, (size_t)len));
}

static void read_place(struct journal_commits *c, int place)
{
	char line[LINE_SIZE] = "", right[LINE_SIZE];
	uint64_t count;

	if (pread(c->fd, line, sizeof(line) - 1, (off_t)place * PLACE_SIZE) < 0 ||
		sscanf(line, "ebsfs-journal 1 commits %" SCNu64, &count) != 1)
		return;
	make_line(count, right);
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
	for (int place = 0; place < PLACES; place++)
		read_place(out, place);
	return 0;
}

static int write_place(const struct journal_commits *c, uint64_t count)
{
	char line[LINE_SIZE];
	size_t len;

	make_line(count, line);
	len = strlen(line);
	if (pwrite(c->fd, line, len, (off_t)(count % PLACES) * PLACE_SIZE) == (ssize_t)len)
		return 0;
	return errno ? -errno : -EIO;
}

int journal_commits_make(int folder, const char *path, struct journal_commits *c, struct err *err)
{
	static const char zeros[PLACES * PLACE_SIZE];
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
		r = write_place(c, 0);
	if (r == 0 && (fsync(c->fd) < 0 || fsync(folder) < 0))
		r = -errno;
	return r < 0 ? err_set(err, -r, "%s: %s", path, strerror(-r)) : 0;
}

int journal_commits_write(struct journal_commits *c, uint64_t count)
{
	if (c->fd < 0)
		return -ENOENT;
	errno = 0;
	return write_place(c, count);
}

/* Ignores a failure: a count that is too low detects fewer losses, but refuses no journal. */
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
