/* SPDX-License-Identifier: MIT */
/* Strings and small files that hold secrets. */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "workdir.h"

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
	size_t size;
	ssize_t n;

	if (!full)
		return -ENOMEM;
	/* O_NONBLOCK: opening a FIFO would otherwise block the loop. */
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
	n = file_read(fd, out->data, size, 0);
	if (n < 0)
		return (int)n;
	return (size_t)n == size ? -EAGAIN : buf_resize(out, (size_t)n);
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
	r = file_write(fd, text, len, 0);
	if (r == 0)
		r = file_replace(AT_FDCWD, fd, temporary.data, full);
	if (r < 0)
		unlink(temporary.data);
	return r;
}
