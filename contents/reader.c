/* SPDX-License-Identifier: MIT */
/* Handles the requests one after the other: checks a request, calls the file system, and sends the
 * reply. */
#include "reader.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "detect.h"
#include "partitions.h"
#include "reader_channel.h"
#include "sandbox.h"

#define BATCH_ENTRY(name_len) (sizeof(struct reader_entry) + (((name_len) + 7u) & ~7u))
#define BATCH_LEAST           1024u

struct reader {
	struct reader_channel channel;
	struct sectors *disk; /* the open partition */
	uint64_t start;       /* where the partition begins on the disk */
	struct filesystem *fs;
	struct buf reply;
	struct err e; /* error of the failed request */
	union {
		struct reader_disk_request disk;
		struct reader_open_request open;
		struct reader_inode_request inode;
		struct reader_range_request range;
		struct {
			struct reader_lookup_request fixed;
			char name[READER_NAME_MAX];
		} lookup;
	} request;
};

/* Handles one request: fills reader.reply and returns 0 (reader_request() looks at reply.error); or
 * sets reader.e and returns -errno; -EPROTO: the request breaks the protocol. */
typedef int reader_handler(struct reader *rd, size_t len);

static struct sectors *reader_sectors(struct reader *rd, uint64_t start, uint64_t size)
{
	struct sectors_source source = {reader_channel_fetch, &rd->channel};

	return sectors_create(&source, start, size);
}

static int reader_fail(struct reader *rd, int r)
{
	return err_set(&rd->e, -r, "%s", rd->fs->reason[0] ? rd->fs->reason : strerror(-r));
}

static int reader_no_memory(struct reader *rd)
{
	return err_set(&rd->e, ENOMEM, "the reader needs more memory than it may have");
}

static bool size_is_valid(uint64_t size)
{
	return size && size <= READER_SIZE_MAX && size % SECTOR_SIZE == 0;
}

static int reader_partitions(struct reader *rd, size_t len)
{
	uint64_t size = rd->request.disk.disk_size;
	struct reader_table table = {0};
	struct reader_partition *list;
	struct sectors *disk;
	int r;

	if (len != sizeof(rd->request.disk) || !size_is_valid(size))
		return -EPROTO;
	rd->channel.disk_size = size;
	disk = reader_sectors(rd, 0, size);
	list = calloc(READER_PARTITIONS_MAX, sizeof(*list));
	if (!disk || !list)
		r = reader_no_memory(rd);
	else
		r = partitions_read(disk, &table, list, &rd->e);
	if (!r) {
		buf_add(&rd->reply, &table, sizeof(table));
		buf_add(&rd->reply, list, table.count * sizeof(*list));
	}
	free(list);
	sectors_destroy(disk);
	return r;
}

static int reader_open(struct reader *rd, size_t len)
{
	const struct reader_open_request *q = &rd->request.open;
	struct filesystem_options options = {0};
	struct reader_opened opened = {0};

	if (len != sizeof(*q) || rd->disk || !size_is_valid(q->disk_size) ||
		!size_is_valid(q->size) || q->start % SECTOR_SIZE || q->start > q->disk_size ||
		q->size > q->disk_size - q->start)
		return -EPROTO;
	rd->channel.disk_size = q->disk_size;
	rd->start = q->start;
	rd->disk = reader_sectors(rd, q->start, q->size);
	if (!rd->disk)
		return reader_no_memory(rd);
	rd->fs = detect_filesystem(rd->disk, &options, &rd->e);
	if (!rd->fs) {
		sectors_destroy(rd->disk);
		rd->disk = NULL;
		return -rd->e.errnum;
	}
	opened.root = rd->fs->root;
	memcpy(opened.kind, rd->fs->kind, strnlen(rd->fs->kind, sizeof(opened.kind) - 1));
	memcpy(opened.label, rd->fs->label, strnlen(rd->fs->label, sizeof(opened.label) - 1));
	memcpy(opened.note, rd->fs->note, strnlen(rd->fs->note, sizeof(opened.note) - 1));
	buf_add(&rd->reply, &opened, sizeof(opened));
	return 0;
}

static struct reader_time time_out(const struct timespec *t)
{
	bool valid = t->tv_nsec >= 0 && t->tv_nsec < 1000000000;

	return (struct reader_time){t->tv_sec, valid ? (uint32_t)t->tv_nsec : 0, 0};
}

static int attributes_get(struct reader *rd, uint64_t inode, struct reader_attributes *out)
{
	struct filesystem_attributes a;
	int r = rd->fs->ops->stat(rd->fs, inode, &a);

	*out = (struct reader_attributes){.inode = inode};
	if (r)
		return r;
	if (a.size > READER_SIZE_MAX)
		return filesystem_fail(rd->fs, EIO, "the size of inode %llu is damaged",
			(unsigned long long)inode);
	if (!filesystem_mode_is_valid(a.mode))
		return filesystem_fail(rd->fs, EIO, "the type of inode %llu is damaged",
			(unsigned long long)inode);
	*out = (struct reader_attributes){
		.inode = inode,
		.size = a.size,
		.blocks = a.blocks,
		.mode = a.mode & (S_IFMT | 07777),
		.nlink = a.nlink,
		.uid = a.uid,
		.gid = a.gid,
		.major = a.major,
		.minor = a.minor,
		.atime = time_out(&a.atime),
		.mtime = time_out(&a.mtime),
		.ctime = time_out(&a.ctime),
		.birth = time_out(&a.birth),
	};
	return 0;
}

static int reader_stat_inode(struct reader *rd, uint64_t inode)
{
	struct reader_attributes attributes;
	int r = attributes_get(rd, inode, &attributes);

	if (r)
		return reader_fail(rd, r);
	buf_add(&rd->reply, &attributes, sizeof(attributes));
	return 0;
}

static int reader_stat(struct reader *rd, size_t len)
{
	return len == sizeof(rd->request.inode) ? reader_stat_inode(rd, rd->request.inode.inode)
						: -EPROTO;
}

static int reader_lookup(struct reader *rd, size_t len)
{
	uint32_t name_len = rd->request.lookup.fixed.name_length;
	uint64_t inode;
	int r;

	if (len < sizeof(rd->request.lookup.fixed) || !name_len || name_len > READER_NAME_MAX ||
		len != sizeof(rd->request.lookup.fixed) + name_len)
		return -EPROTO;
	r = filesystem_lookup(rd->fs, rd->request.lookup.fixed.directory, rd->request.lookup.name,
		name_len, &inode);
	return r ? reader_fail(rd, r) : reader_stat_inode(rd, inode);
}

struct batch {
	struct buf *out;
	size_t max;
	uint64_t next;
	uint32_t count;
	bool full;
};

static bool batch_add(void *arg, const struct filesystem_entry *entry)
{
	static const char zeros[8];
	struct batch *batch = arg;
	size_t size = BATCH_ENTRY(entry->name_len);
	struct reader_entry out = {.next = entry->next,
		.name_length = entry->name_len,
		.attributes = {.inode = entry->inode}};

	batch->full = batch->out->len + size > batch->max;
	if (batch->full)
		return false;
	buf_add(batch->out, &out, sizeof(out));
	buf_add(batch->out, entry->name, entry->name_len);
	buf_add(batch->out, zeros, size - sizeof(out) - entry->name_len);
	batch->next = entry->next;
	batch->count++;
	return true;
}

/* Reads the attributes of all entries; the blocks of their inodes are fetched in parallel. */
static int batch_stat(struct reader *rd)
{
	uint64_t inodes[READER_BATCH_MAX / sizeof(struct reader_entry)];
	unsigned n = 0;
	int r;

	for (size_t at = sizeof(struct reader_batch); at < rd->reply.len;) {
		const struct reader_entry *entry = (void *)(rd->reply.data + at);

		inodes[n++] = entry->attributes.inode;
		at += BATCH_ENTRY(entry->name_length);
	}
	r = filesystem_fetch(rd->fs, inodes, n);
	if (r)
		return r;
	for (size_t at = sizeof(struct reader_batch); at < rd->reply.len;) {
		struct reader_entry *entry = (void *)(rd->reply.data + at);

		r = attributes_get(rd, entry->attributes.inode, &entry->attributes);
		if (r && r != -EIO && r != -ESTALE)
			return r;
		entry->error = -r;
		at += BATCH_ENTRY(entry->name_length);
	}
	return 0;
}

static int reader_readdir(struct reader *rd, size_t len)
{
	const struct reader_range_request *q = &rd->request.range;
	struct batch batch = {.out = &rd->reply};
	struct reader_batch head;
	int r;

	if (len != sizeof(*q) || q->length < BATCH_LEAST || q->length > READER_BATCH_MAX ||
		q->offset > READER_SIZE_MAX)
		return -EPROTO;
	batch.max = sizeof(head) + q->length;
	batch.next = q->offset;
	r = buf_resize(&rd->reply, sizeof(head));
	if (!r)
		r = rd->fs->ops->readdir(rd->fs, q->inode, q->offset, batch_add, &batch);
	if (!r)
		r = batch_stat(rd);
	if (r)
		return reader_fail(rd, r);
	head = (struct reader_batch){batch.next, batch.count, !batch.full};
	memcpy(rd->reply.data, &head, sizeof(head));
	return 0;
}

static int reader_readlink(struct reader *rd, size_t len)
{
	int r;

	if (len != sizeof(rd->request.inode))
		return -EPROTO;
	r = rd->fs->ops->readlink(rd->fs, rd->request.inode.inode, &rd->reply);
	return r ? reader_fail(rd, r) : 0;
}

static bool extent_is_valid(const struct reader *rd, const struct filesystem_extent *extent)
{
	return extent->kind != FILESYSTEM_DISK ||
	       (extent->disk <= sectors_size(rd->disk) &&
		       extent->length <= sectors_size(rd->disk) - extent->disk);
}

static int reader_map(struct reader *rd, size_t len)
{
	static const uint32_t kinds[] = {[FILESYSTEM_HOLE] = READER_HOLE,
		[FILESYSTEM_DISK] = READER_DISK,
		[FILESYSTEM_BYTES] = READER_BYTES};
	const struct reader_range_request *q = &rd->request.range;
	struct filesystem_extent extents[READER_EXTENTS_MAX];
	unsigned n = READER_EXTENTS_MAX;
	int r;

	if (len != sizeof(*q) || !q->length || q->offset > READER_SIZE_MAX ||
		q->length > READER_SIZE_MAX)
		return -EPROTO;
	r = rd->fs->ops->map(rd->fs, q->inode, q->offset, q->length, extents, &n);
	for (unsigned i = 0; !r && i < n; i++) {
		bool on_disk = extents[i].kind == FILESYSTEM_DISK;
		struct reader_extent out = {extents[i].offset, extents[i].length,
			on_disk ? rd->start + extents[i].disk : 0, kinds[extents[i].kind], 0};

		if (!extent_is_valid(rd, &extents[i]))
			r = filesystem_fail(rd->fs, EIO,
				"inode %llu is damaged: a part of it lies outside the file system",
				(unsigned long long)q->inode);
		buf_add(&rd->reply, &out, sizeof(out));
	}
	return r ? reader_fail(rd, r) : 0;
}

static int reader_read(struct reader *rd, size_t len)
{
	const struct reader_range_request *q = &rd->request.range;
	int r;

	if (len != sizeof(*q) || !q->length || q->length > READER_READ_MAX ||
		q->offset > READER_SIZE_MAX)
		return -EPROTO;
	r = buf_resize(&rd->reply, q->length);
	if (!r)
		r = rd->fs->ops->read(rd->fs, q->inode, q->offset, rd->reply.data, q->length);
	return r ? reader_fail(rd, r) : 0;
}

static int reader_request(struct reader *rd, const struct reader_header *header)
{
	static reader_handler *const handlers[] = {
		[READER_PARTITIONS] = reader_partitions,
		[READER_OPEN] = reader_open,
		[READER_STAT] = reader_stat,
		[READER_LOOKUP] = reader_lookup,
		[READER_READDIR] = reader_readdir,
		[READER_READLINK] = reader_readlink,
		[READER_MAP] = reader_map,
		[READER_READ] = reader_read,
	};
	int r;

	if (!header->type || header->type >= ARRAY_LEN(handlers) ||
		(header->type > READER_OPEN && !rd->fs))
		return -EPROTO;
	sandbox_limit_cpu(READER_CPU_SECONDS);
	buf_clear(&rd->reply);
	rd->e = (struct err){0};
	if (rd->fs)
		rd->fs->reason[0] = '\0';
	r = handlers[header->type](rd, header->length);
	if (!r && rd->reply.error)
		r = reader_no_memory(rd);
	if (rd->channel.broken || (r && !rd->e.errnum))
		return -EPROTO;
	return reader_channel_reply(&rd->channel, -r, rd->e.message, rd->reply.data, rd->reply.len);
}

int reader_serve(int fd)
{
	struct reader rd = {.channel = {.fd = fd}, .reply = BUF_INIT};
	struct reader_header header;
	int r;

	do {
		r = reader_channel_receive(&rd.channel, &header, &rd.request, sizeof(rd.request));
		if (r > 0)
			r = reader_request(&rd, &header);
		else if (!r)
			break;
	} while (!r);
	filesystem_destroy(rd.fs);
	sectors_destroy(rd.disk);
	buf_finish(&rd.reply);
	return r;
}
