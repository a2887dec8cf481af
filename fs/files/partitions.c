/* SPDX-License-Identifier: MIT */
/* files/<id>/partitions: a text that lists the partitions of the disk, and for each how its file
 * system was opened, or what the user can do instead. A read of the text opens each file system. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "files_table.h"
#include "handle.h"
#include "inode_space.h"
#include "nodes.h"
#include "snapshot_folder.h"
#include "utf8.h"

struct partitions_open {
	struct partitions_text *text;
	struct files_request *ask;
	struct err err; /* errnum 0: the file system is open */
};

/* A read for which the text is generated. */
struct partitions_read {
	struct handle *handle;
	off_t offset;
	size_t size;
};

struct partitions_text {
	struct partitions_read read;
	struct files_disk *disk;
	struct pending_reply *reply;
	unsigned pending;
	struct partitions_open opens[READER_PARTITIONS_MAX];
};

/* --- the text --- */

static void put_line(struct buf *out, const char *key, const char *text)
{
	if (!*text)
		return;
	buf_printf(out, "%s: ", key);
	utf8_put_line(out, text);
	buf_putc(out, '\n');
}

static void put_partition(struct buf *out, struct partitions_text *t, uint32_t i)
{
	const struct reader_partition *p = files_partition(t->disk, i);
	const struct reader_opened *opened = NULL;
	char name[INODE_SPACE_NAME];

	if (p->readable)
		opened = files_opened(files_system_at(t->disk, i));
	buf_printf(out, "\npartition: %s\n", inode_space_name(p->number, name));
	put_line(out, "type", p->type);
	put_line(out, "name", p->name);
	buf_printf(out, "start: %llu\nsize: %llu\n", (unsigned long long)p->start,
		(unsigned long long)p->size);
	put_line(out, "file system", opened ? opened->kind : p->content);
	put_line(out, "label", opened && *opened->label ? opened->label : p->label);
	if (p->readable && !t->opens[i].err.errnum) {
		put_line(out, "opened", opened && *opened->note ? opened->note : "clean");
		return;
	}
	put_line(out, "not opened",
		p->readable ? t->opens[i].err.message
		: *p->note  ? p->note
			    : "its contents are unknown");
}

static void partitions_finish(struct partitions_text *t)
{
	static const char *const kinds[] = {"none", "MBR", "GPT"};
	const struct reader_table *table = files_table(t->disk);
	struct buf *out = &t->read.handle->text;

	buf_clear(out);
	buf_printf(out, "disk: regions/%s/disks/%s.img\ntable: %s\n",
		files_disk_facts(t->disk)->region, files_disk_facts(t->disk)->snapshot,
		kinds[table->kind]);
	put_line(out, "note", table->note);
	for (uint32_t i = 0; i < table->count; i++)
		put_partition(out, t, i);
	t->read.handle->told = !out->error;
	if (out->error)
		pending_reply_errno(t->reply, ENOMEM);
	else
		handle_read(t->read.handle, t->read.offset, t->read.size, t->reply);
}

/* --- opening all file systems --- */

static void partitions_free(struct partitions_text *t)
{
	files_disk_close(t->disk);
	free(t);
}

static void partitions_step(struct partitions_text *t)
{
	if (--t->pending)
		return;
	pending_reply_ignore_interrupt(t->reply);
	partitions_finish(t);
	partitions_free(t);
}

static void partitions_opened(void *arg, const void *answer, size_t len, const struct err *err)
{
	struct partitions_open *o = arg;

	(void)answer;
	(void)len;
	o->ask = NULL;
	if (err)
		o->err = *err;
	partitions_step(o->text);
}

static void partitions_interrupted(void *arg)
{
	struct partitions_text *t = arg;

	for (uint32_t i = 0; i < READER_PARTITIONS_MAX; i++)
		if (t->opens[i].ask)
			files_cancel(t->opens[i].ask);
	partitions_free(t);
}

static void partitions_open(struct partitions_text *t, uint32_t i, const char *program)
{
	struct files_system *s = files_system_at(t->disk, i);
	struct partitions_open *o = &t->opens[i];

	o->text = t;
	if (s && files_opened(s))
		return;
	if (s)
		o->ask = files_ask(
			s, &(struct files_ask){.type = READER_STAT}, program, partitions_opened, o);
	if (o->ask)
		t->pending++;
	else
		err_set(&o->err, ENOMEM, "out of memory");
}

static void partitions_make(void *arg, struct files_disk *disk, struct pending_reply *reply)
{
	const struct partitions_read *read = arg;
	struct partitions_text *t = calloc(1, sizeof(*t));
	char program[32];

	if (!t || files_disk_open(read->handle->fs->files, files_disk_facts(disk), &t->disk) < 0) {
		free(t);
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	t->read = *read;
	t->reply = reply;
	t->pending = 1;
	handle_program(t->read.handle, program, sizeof(program));
	for (uint32_t i = 0; i < files_table(disk)->count; i++)
		if (files_partition(disk, i)->readable)
			partitions_open(t, i, program);
	if (t->pending > 1 && !pending_reply_on_interrupt(reply, partitions_interrupted, t))
		return;
	partitions_step(t);
}

static void partitions_read_text(
	struct handle *h, off_t offset, size_t size, struct pending_reply *reply)
{
	struct partitions_read read = {h, offset, size};

	if (h->told)
		handle_read(h, offset, size, reply);
	else
		files_table_get(h->fs, h->node, partitions_make, &read, sizeof(read), reply);
}

/* The size is 0, as for files in /proc: to know it, ebsfs would have to read the disk. */
const struct node_ops partitions_ops = {
	.type = S_IFREG,
	.mode = 0400,
	.trust = TRUST_NEVER,
	.counted = NODE_SNAPSHOT,
	.instead = "ebsfs writes it itself; copy it elsewhere to edit it",
	.attr = snapshot_child_attr,
	.read = partitions_read_text,
};
