/* SPDX-License-Identifier: MIT */
/* Reads the bytes of the disk that a reader's request needs, and sends them to the reader. */
#include "files_need.h"

#include <errno.h>

static void need_send(struct files_need *need, const struct reader_range *range, int error,
	const struct disk_data *data)
{
	struct reader_data head = {.offset = range->offset, .error = error};
	struct iovec parts[1 + DISK_PARTS_MAX] = {{&head, sizeof(head)}};
	int n = 1;

	if (data) {
		head.length = range->length;
		for (int i = 0; i < data->n_parts; i++)
			parts[n++] = data->parts[i];
	}
	/* If memory runs out, the reader gets no reply, and its time limit ends it. */
	files_process_send(need->process, READER_DATA, need->id, parts, n);
}

static void need_read_done(void *arg, const struct disk_data *data, const struct err *err)
{
	struct files_need_read *r = arg;
	struct files_need *need = r->need;
	struct err short_read;

	r->read = NULL;
	if (!err && data->len != r->range.length) {
		err_set(&short_read, EIO, "the disk ends too early");
		err = &short_read;
	}
	if (err && !need->err.errnum)
		need->err = *err;
	need_send(need, &r->range, err ? (err->errnum ? err->errnum : EIO) : 0, err ? NULL : data);
	if (--need->left == 0)
		need->done(need->arg);
}

void files_need_start(struct files_need *need, struct disk_reader *disk,
	const struct reader_range *ranges, unsigned n)
{
	need->n = n;
	need->left = n + 1; /* one more than the ranges, so that done() is called once even if every
			     * read ends at once */
	for (unsigned i = 0; i < n; i++)
		need->reads[i] = (struct files_need_read){.need = need, .range = ranges[i]};
	for (unsigned i = 0; i < n; i++) {
		struct files_need_read *r = &need->reads[i];
		struct disk_read *read;
		bool ready;

		read = disk_read(
			disk, (int64_t)r->range.offset, r->range.length, need_read_done, r, &ready);
		if (read) {
			r->read = read;
		} else if (!ready) {
			struct err err;

			err_set(&err, ENOMEM, "out of memory");
			need_read_done(r, NULL, &err);
		}
	}
	if (--need->left == 0)
		need->done(need->arg);
}

void files_need_refuse(struct files_need *need, const struct reader_range *ranges, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		need_send(need, &ranges[i], ECANCELED, NULL);
}

void files_need_cancel(struct files_need *need)
{
	for (unsigned i = 0; i < need->n; i++)
		if (need->reads[i].read)
			disk_read_cancel(steal(&need->reads[i].read));
	need->n = need->left = 0;
}
