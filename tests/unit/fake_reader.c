/* SPDX-License-Identifier: MIT */
/* An ebsfs-reader for test_files.c that misbehaves on demand. It has neither arguments nor
 * environment, so the demand is in the requests: the name of a look-up, the inode of the others,
 * the number of a partition, or the size of the disk. */
#include "fake_reader.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader_protocol.h"

static struct reader_header request;
static char payload[64 << 10];

static void send_all(const void *data, size_t len)
{
	for (const char *at = data; len > 0;) {
		ssize_t n = write(READER_FD, at, len);

		if (n <= 0)
			exit(1);
		at += n;
		len -= (size_t)n;
	}
}

static void receive_all(void *data, size_t len)
{
	for (char *at = data; len > 0;) {
		ssize_t n = read(READER_FD, at, len);

		if (n <= 0)
			exit(0);
		at += n;
		len -= (size_t)n;
	}
}

static void send_message(uint16_t type, const void *data, size_t len)
{
	struct reader_header header = {
		.length = (uint32_t)len, .type = type, .version = READER_VERSION, .id = request.id};

	send_all(&header, sizeof(header));
	send_all(data, len);
}

static void reply(const void *data, size_t len)
{
	static char message[READER_PAYLOAD_MAX];

	memset(message, 0, sizeof(struct reader_reply));
	memcpy(message + sizeof(struct reader_reply), data, len);
	send_message(READER_REPLY, message, sizeof(struct reader_reply) + len);
}

static void reply_error(int error, const char *reason)
{
	struct reader_reply r = {.error = error};

	strcpy(r.reason, reason);
	send_message(READER_REPLY, &r, sizeof(r));
}

/* Returns the error that came instead of bytes, or 0. */
static int need(const struct reader_range *ranges, unsigned n, unsigned char *first_bytes)
{
	static unsigned char bytes[READER_RANGE_MAX];
	int error = 0;

	send_message(READER_NEED, ranges, n * sizeof(*ranges));
	for (unsigned i = 0; i < n; i++) {
		struct reader_header header;
		struct reader_data data;

		receive_all(&header, sizeof(header));
		receive_all(&data, sizeof(data));
		receive_all(bytes, data.length);
		for (unsigned k = 0; k < n && data.length; k++)
			if (ranges[k].offset == data.offset)
				first_bytes[k] = bytes[0];
		error = data.error ? data.error : error;
	}
	return error;
}

static struct reader_attributes attributes_of(uint64_t inode)
{
	return (struct reader_attributes){
		.inode = inode, .mode = S_IFREG | 0644, .nlink = 1, .size = 4096};
}

static void do_partitions(void)
{
	const struct reader_disk_request *r = (const void *)payload;
	struct {
		struct reader_table table;
		struct reader_partition p[FAKE_PARTITIONS];
	} answer = {.table = {.kind = READER_TABLE_GPT, .count = FAKE_PARTITIONS}};

	for (unsigned i = 0; i < FAKE_PARTITIONS; i++)
		answer.p[i] = (struct reader_partition){.start = (i + 1) << 20,
			.size = 1 << 20,
			.number = i + 1,
			.readable = 1,
			.content = "ext4"};
	switch (r->disk_size >> 30) {
	case FAKE_DISK_OUTSIDE:
		answer.p[1].size = r->disk_size;
		break;
	case FAKE_DISK_NUMBERS:
		answer.p[1].number = 1;
		break;
	case FAKE_DISK_TEXT:
		memset(answer.p[1].label, 'x', sizeof(answer.p[1].label));
		break;
	case FAKE_DISK_COUNT:
		answer.table.count--;
		break;
	default:
		break;
	}
	reply(&answer, sizeof(answer));
}

static void do_open(void)
{
	const struct reader_open_request *r = (const void *)payload;
	struct reader_opened answer = {.root = FAKE_ROOT, .kind = "ext4", .note = "clean"};

	switch (r->start >> 20) {
	case FAKE_OPEN_REFUSED:
		reply_error(EOPNOTSUPP, "the feature \x1b[31mred\x1b is not supported");
		return;
	case FAKE_OPEN_DIES:
		abort();
	case FAKE_OPEN_ROOT:
		answer.root = 0;
		break;
	default:
		break;
	}
	reply(&answer, sizeof(answer));
}

/* Two reads of the disk, and as their result its bytes. */
static void do_needs(void)
{
	struct reader_range ranges[READER_RANGES_MAX];
	unsigned char bytes[READER_RANGES_MAX];
	struct reader_attributes a = attributes_of(7);
	int error;

	for (unsigned i = 0; i < READER_RANGES_MAX; i++)
		ranges[i] = (struct reader_range){.offset = (uint64_t)i * READER_RANGE_MAX,
			.length = i % 2 ? 512 : READER_RANGE_MAX};
	error = need(ranges, READER_RANGES_MAX, bytes);
	if (!error)
		error = need(&ranges[3], 1, &bytes[3]);
	if (error) {
		reply_error(error, "no bytes");
		return;
	}
	a.size = 0;
	for (unsigned i = 0; i < READER_RANGES_MAX; i++)
		a.size += bytes[i];
	reply(&a, sizeof(a));
}

/* Until it is ended. */
static void do_need_forever(void)
{
	unsigned char byte;

	for (uint64_t i = 0;; i = (i + 1) % 1024)
		need(&(struct reader_range){.offset = i * READER_RANGE_MAX,
			     .length = READER_RANGE_MAX},
			1, &byte);
}

static void do_need_one(uint64_t offset, uint32_t length)
{
	unsigned char byte;

	need(&(struct reader_range){.offset = offset, .length = length}, 1, &byte);
	reply_error(EIO, "no answer");
}

static void do_message(uint32_t length, uint16_t type, uint16_t version, uint64_t id)
{
	struct reader_header header = {length, type, version, id};

	send_all(&header, sizeof(header));
	pause();
}

#define IS(text) !strcmp(name, text)

/* Whether the name demands another message than attributes. */
static bool do_message_of(const char *name)
{
	if (IS("die"))
		exit(3);
	if (IS("signal"))
		raise(SIGKILL);
	if (IS("silent"))
		pause();
	if (IS("none"))
		reply_error(ENOENT, "");
	else if (IS("enosys"))
		reply_error(ENOSYS, "no such call");
	else if (IS("version"))
		do_message(8, READER_REPLY, 77, request.id);
	else if (IS("long"))
		do_message(READER_PAYLOAD_MAX + 1, READER_REPLY, READER_VERSION, request.id);
	else if (IS("type"))
		do_message(0, 99, READER_VERSION, request.id);
	else if (IS("id"))
		do_message(0, READER_REPLY, READER_VERSION, request.id + 1);
	else if (IS("short"))
		send_message(READER_REPLY, "12345", 5);
	else if (IS("needs"))
		do_needs();
	else if (IS("need-none"))
		send_message(READER_NEED, "", 0);
	else if (IS("need-outside"))
		do_need_one((uint64_t)1 << 60, 512);
	else if (IS("need-odd"))
		do_need_one(100, 512);
	else if (IS("need-across"))
		do_need_one(READER_RANGE_MAX - 512, 1024);
	else if (IS("need-forever"))
		do_need_forever();
	else
		return false;
	return true;
}

static void do_lookup(void)
{
	const struct reader_lookup_request *r = (const void *)payload;
	struct reader_attributes a = attributes_of(42);
	char name[READER_NAME_MAX + 1] = "";

	memcpy(name, r + 1, r->name_length);
	if (do_message_of(name))
		return;
	if (IS("mode"))
		a.mode = 0644;
	if (IS("time"))
		a.mtime.nanoseconds = 1000000000;
	if (IS("size"))
		a.size = UINT64_MAX;
	if (IS("inode"))
		a.inode = (uint64_t)1 << 47;
	if (IS("extra"))
		reply(&a, sizeof(a));
	reply(&a, sizeof(a));
}

static void do_readdir(enum fake_wrong wrong)
{
	struct {
		struct reader_batch batch;
		struct reader_entry e;
		char name[8];
		struct reader_entry e2;
		char name2[8];
	} answer = {.batch = {.next = 2, .count = 2, .last = 1},
		.e = {.next = 1, .name_length = 1, .attributes = attributes_of(11)},
		.name = "a",
		.e2 = {.next = 2, .name_length = 2, .attributes = attributes_of(12)},
		.name2 = "bb"};
	size_t len = sizeof(answer);

	switch (wrong) {
	case FAKE_SLASH:
		answer.name2[0] = '/';
		break;
	case FAKE_NUL:
		answer.name2[0] = '\0';
		break;
	case FAKE_DOTS:
		memcpy(answer.name2, "..", 2);
		break;
	case FAKE_LENGTH:
		answer.e2.name_length = 0;
		break;
	case FAKE_TOO_LONG:
		answer.e2.name_length = 300;
		break;
	case FAKE_PAST_END:
		answer.e2.name_length = 200;
		break;
	case FAKE_ORDER:
		answer.e2.next = 1;
		break;
	case FAKE_NUMBER:
		answer.batch.count = 3;
		break;
	case FAKE_EMPTY:
		answer.batch.count = 0;
		answer.batch.last = 0;
		len = sizeof(answer.batch);
		break;
	case FAKE_INODE:
		answer.e2.attributes.inode = 0;
		break;
	default:
		break;
	}
	reply(&answer, len);
}

static void do_map(enum fake_wrong wrong)
{
	struct reader_extent e[2] = {{.length = 4096, .kind = READER_DISK, .disk = 1 << 20},
		{.offset = 4096, .length = 4096, .kind = READER_HOLE}};

	switch (wrong) {
	case FAKE_OUTSIDE:
		e[0].disk = 2 << 20;
		break;
	case FAKE_BEFORE:
		e[0].disk = 0;
		break;
	case FAKE_GAP:
		e[1].offset = 8192;
		break;
	case FAKE_EMPTY:
		e[1].length = 0;
		break;
	case FAKE_TOO_LONG:
		e[1].length = (uint64_t)1 << 63;
		break;
	case FAKE_KIND:
		e[1].kind = 3;
		break;
	default:
		break;
	}
	reply(e, sizeof(e));
}

static void do_readlink(enum fake_wrong wrong)
{
	char target[READER_LINK_MAX + 1];
	size_t len = wrong == FAKE_EMPTY ? 0 : wrong == FAKE_TOO_LONG ? sizeof(target) : 6;

	memset(target, 't', sizeof(target));
	if (wrong == FAKE_NUL)
		target[2] = '\0';
	reply(target, len);
}

int main(void)
{
	for (;;) {
		const struct reader_range_request *r = (const void *)payload;

		receive_all(&request, sizeof(request));
		receive_all(payload, request.length);
		switch (request.type) {
		case READER_PARTITIONS:
			do_partitions();
			break;
		case READER_OPEN:
			do_open();
			break;
		case READER_LOOKUP:
			do_lookup();
			break;
		case READER_READDIR:
			do_readdir(r->inode);
			break;
		case READER_MAP:
			do_map(r->inode);
			break;
		case READER_READLINK:
			do_readlink(r->inode);
			break;
		case READER_STAT: {
			struct reader_attributes a =
				attributes_of(r->inode == FAKE_OTHER ? 99 : r->inode);

			reply(&a, sizeof(a));
			break;
		}
		case READER_READ:
			reply(payload, r->inode == FAKE_TOO_LONG ? r->length + 1 : r->length);
			break;
		default:
			return 1;
		}
	}
}
