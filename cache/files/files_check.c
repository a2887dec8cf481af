/* SPDX-License-Identifier: MIT */
/* Checks of the reader's messages, each field against its limits. */
#include "files_check.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"

static bool check_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool check_within(uint64_t offset, uint64_t length, uint64_t start, uint64_t size)
{
	return offset >= start && length <= size && offset - start <= size - length;
}

const char *files_check_need(uint64_t disk_size, const void *payload, size_t len, unsigned *n)
{
	const struct reader_range *ranges = payload;

	*n = (unsigned)(len / sizeof(*ranges));
	if (len % sizeof(*ranges) || *n == 0 || *n > READER_RANGES_MAX)
		return "it needs no number of ranges that it may need";
	for (unsigned i = 0; i < *n; i++) {
		const struct reader_range *r = &ranges[i];

		if (r->offset % 512 || r->length % 512 || r->length == 0 ||
			r->length > READER_RANGE_MAX ||
			!check_within(r->offset, r->length, 0, disk_size))
			return "it needs bytes outside the disk";
		if (r->offset / READER_RANGE_MAX != (r->offset + r->length - 1) / READER_RANGE_MAX)
			return "it needs bytes across blocks";
	}
	return NULL;
}

/* Returns whether the kernel may get this errno from a reader. Others may have a special meaning
 * for it: after one ENOSYS it never sends that operation again. */
static bool check_errno(int error)
{
	static const int known[] = {ENOENT, EIO, ENOMEM, EACCES, ENOTDIR, EISDIR, EINVAL, EFBIG,
		ENOKEY, ESTALE, EOVERFLOW, EOPNOTSUPP, EDQUOT, EAGAIN, ETIMEDOUT, ENAMETOOLONG};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (error == known[i])
			return true;
	return false;
}

const char *files_check_error(const void *payload, size_t len, int *error)
{
	const struct reader_reply *reply = payload;

	if (len < sizeof(*reply))
		return "a reply is too short";
	if (!check_text(reply->reason, sizeof(reply->reason)))
		return "a reason has no end";
	if (reply->error < 0)
		return "an error is negative";
	if (reply->error && len != sizeof(*reply))
		return "an error has an answer too";
	*error = reply->error && !check_errno(reply->error) ? EIO : reply->error;
	return NULL;
}

static const char *check_attributes(const struct reader_attributes *a)
{
	if (a->inode == 0 || a->inode > READER_INODE_MAX)
		return "an inode's number is too large";
	if (a->size > READER_SIZE_MAX)
		return "a file's size is too large";
	if (a->mode & ~(uint32_t)(S_IFMT | 07777) ||
		!(S_ISREG(a->mode) || S_ISDIR(a->mode) || S_ISLNK(a->mode) || S_ISCHR(a->mode) ||
			S_ISBLK(a->mode) || S_ISFIFO(a->mode) || S_ISSOCK(a->mode)))
		return "an inode's type is unknown";
	if (a->atime.nanoseconds >= 1000000000 || a->mtime.nanoseconds >= 1000000000 ||
		a->ctime.nanoseconds >= 1000000000)
		return "a time has too many nanoseconds";
	return NULL;
}

static const char *check_table(const struct files_question *q, const void *payload, size_t len)
{
	const struct reader_table *table = payload;
	const struct reader_partition *p = (const void *)(table + 1);

	if (len < sizeof(*table) || table->kind > READER_TABLE_GPT ||
		table->count > READER_PARTITIONS_MAX ||
		len != sizeof(*table) + table->count * sizeof(*p))
		return "the table of partitions has another length";
	if (!check_text(table->note, sizeof(table->note)))
		return "a text of the table has no end";
	for (uint32_t i = 0; i < table->count; i++, p++) {
		if (!check_within(p->start, p->size, 0, q->disk_size) || p->readable > 1)
			return "a partition lies outside the disk";
		if ((p->number == 0) != (table->kind == READER_TABLE_NONE) ||
			(i > 0 && p->number <= p[-1].number))
			return "the partitions' numbers do not ascend";
		if (!check_text(p->type, sizeof(p->type)) ||
			!check_text(p->name, sizeof(p->name)) ||
			!check_text(p->content, sizeof(p->content)) ||
			!check_text(p->label, sizeof(p->label)) ||
			!check_text(p->note, sizeof(p->note)))
			return "a text of a partition has no end";
	}
	return NULL;
}

static const char *check_opened(const void *payload, size_t len)
{
	const struct reader_opened *o = payload;

	if (len != sizeof(*o) || !check_text(o->kind, sizeof(o->kind)) ||
		!check_text(o->label, sizeof(o->label)) || !check_text(o->note, sizeof(o->note)))
		return "the description of the file system has another length";
	return o->root == 0 || o->root > READER_INODE_MAX ? "an inode's number is too large" : NULL;
}

static bool check_name(const char *name, size_t len)
{
	return len > 0 && len <= READER_NAME_MAX && !memchr(name, '/', len) &&
	       !memchr(name, '\0', len) && !(len == 1 && name[0] == '.') &&
	       !(len == 2 && name[0] == '.' && name[1] == '.');
}

static const char *check_batch(const struct files_question *q, const void *payload, size_t len)
{
	const struct reader_batch *batch = payload;
	const char *at = (const char *)(batch + 1), *end = (const char *)payload + len, *wrong;
	uint64_t position = q->offset;

	if (len < sizeof(*batch) || len > sizeof(*batch) + READER_BATCH_MAX)
		return "a folder's entries have another length";
	for (uint32_t i = 0; i < batch->count; i++) {
		const struct reader_entry *e = (const void *)at;

		if ((size_t)(end - at) < sizeof(*e) || e->name_length > READER_NAME_MAX ||
			(size_t)(end - at) < FILES_ENTRY_SIZE(e))
			return "a folder's entries have another length";
		if (!check_name((const char *)(e + 1), e->name_length))
			return "a name is none that a file may have";
		if (e->next <= position || e->next > READER_SIZE_MAX)
			return "a folder's positions do not ascend";
		position = e->next;
		wrong = e->error ? NULL : check_attributes(&e->attributes);
		if (wrong)
			return wrong;
		if (e->error < 0 || e->attributes.inode == 0 ||
			e->attributes.inode > READER_INODE_MAX)
			return "an inode's number is too large";
		at += FILES_ENTRY_SIZE(e);
	}
	if (at != end || batch->last > 1 || batch->next < position ||
		batch->next > READER_SIZE_MAX || (!batch->last && batch->count == 0))
		return "a folder's entries have another length";
	return NULL;
}

static const char *check_extents(const struct files_question *q, const void *payload, size_t len)
{
	const struct reader_extent *e = payload;
	size_t n = len / sizeof(*e);
	uint64_t at = q->offset, end = q->offset + q->length;

	if (len % sizeof(*e) || n > READER_EXTENTS_MAX)
		return "there are too many extents";
	for (size_t i = 0; i < n; i++, e++) {
		if (e->offset != at || e->length == 0 || e->length > end - at)
			return "extents have gaps, or are not those that were asked for";
		at += e->length;
		if (e->kind > READER_BYTES)
			return "an extent is of an unknown kind";
		if (e->kind == READER_DISK && !check_within(e->disk, e->length, q->start, q->size))
			return "an extent lies outside the partition";
	}
	return NULL;
}

const char *files_check_answer(const struct files_question *q, const void *payload, size_t len)
{
	const struct reader_attributes *a = payload;
	const char *wrong;

	switch (q->type) {
	case READER_PARTITIONS:
		return check_table(q, payload, len);
	case READER_OPEN:
		return check_opened(payload, len);
	case READER_STAT:
	case READER_LOOKUP:
		if (len != sizeof(*a))
			return "attributes have another length";
		wrong = check_attributes(a);
		if (!wrong && q->type == READER_STAT && a->inode != q->inode)
			return "the attributes are another inode's";
		return wrong;
	case READER_READDIR:
		return check_batch(q, payload, len);
	case READER_READLINK:
		return len == 0 || len > READER_LINK_MAX || memchr(payload, '\0', len)
			       ? "a link's target is none that a link may have"
			       : NULL;
	case READER_MAP:
		return check_extents(q, payload, len);
	case READER_READ:
		return len > q->length ? "there are more bytes than were asked for" : NULL;
	default:
		return "it answers what was not asked";
	}
}
