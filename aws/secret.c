/* SPDX-License-Identifier: MIT */
/* Strings and small files that hold secrets. */
#include "secret.h"
#include "workdir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

void secret_free(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

int secret_file_read(const char *path, size_t max, struct buf *out)
{
	_cleanup_free_ char *full = workdir_path(path);
	_cleanup_close_ int fd = -1;
	struct stat st;
	size_t size, len = 0;
	ssize_t n;

	if (!full)
		return -ENOMEM;
	/* O_NONBLOCK: the open of a FIFO would block the loop. */
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((size_t)st.st_size > max)
		return -EFBIG;
	size = (size_t)st.st_size + 1; /* one more byte detects a file that grew */
	if (buf_resize(out, size) < 0)
		return -ENOMEM;
	while (len < size && (n = read(fd, out->data + len, size - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	if (len == size)
		return -EAGAIN;
	return buf_resize(out, len);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int secret_file_replace(const char *path, const char *text, size_t len)
{
	_cleanup_free_ char *full = workdir_path(path);
	_cleanup_buf_ struct buf temporary = BUF_INIT;
	_cleanup_close_ int fd = -1;
	int r;

	if (!full || buf_printf(&temporary, "%s.XXXXXX", full) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary.data, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, len);
	if (r == 0 && rename(temporary.data, full) < 0)
		r = -errno;
	if (r < 0)
		unlink(temporary.data);
	return r;
}
