/* SPDX-License-Identifier: MIT */
/* Small texts that are gathered in an opening and mean something when it closes. */
#include "handle.h"

#include <errno.h>

#include "answer.h"

int handle_write(struct handle *h, const char *data, size_t len, off_t offset, struct err *err)
{
	int r = buf_write_at(&h->text, (size_t)offset, data, len);

	if (r < 0)
		return err_set(err, -r, "the text is too long");
	h->dirty = true;
	return 0;
}

int handle_truncate(struct fs *fs, struct node n, struct handle *h, off_t size, struct err *err)
{
	int r;

	(void)fs;
	(void)n;
	if (!h)
		return 0; /* truncate() of a closed file says nothing that the next write would not
			     say */
	r = buf_resize(&h->text, (size_t)size);
	if (r < 0)
		return err_set(err, -r, "the text is too long");
	h->dirty = true;
	return 0;
}

int handle_ignore_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	(void)fs;
	(void)n;
	(void)st;
	(void)which;
	(void)err;
	return 0;
}

void handle_drop(struct handle *h, struct answer *a)
{
	(void)h;
	answer_ok(a);
}

int handle_line(const struct handle *h, struct buf *out)
{
	size_t len = h->text.len;

	if (len && h->text.data[len - 1] == '\n')
		len--;
	buf_clear(out);
	return buf_add(out, buf_str(&h->text), len);
}
