/* SPDX-License-Identifier: MIT */
/* Messages as whole reads and writes of a blocking socket. */
#include "reader_channel.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Reads exactly len bytes. Returns 1, 0 at EOF before the first byte, or -errno. */
static int channel_read(int fd, void *out, size_t len)
{
	char *p = out;
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, p + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return got ? -EPROTO : 0;
		got += (size_t)n;
	}
	return 1;
}

static int channel_write(int fd, struct iovec *parts, int n)
{
	while (n) {
		ssize_t sent = writev(fd, parts, n);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		for (; n && (size_t)sent >= parts->iov_len; parts++, n--)
			sent -= (ssize_t)parts->iov_len;
		if (n) {
			parts->iov_base = (char *)parts->iov_base + sent;
			parts->iov_len -= (size_t)sent;
		}
	}
	return 0;
}

int reader_channel_receive(
	struct reader_channel *ch, struct reader_header *header, void *payload, size_t max)
{
	int r = channel_read(ch->fd, header, sizeof(*header));

	if (r <= 0)
		return r;
	if (header->version != READER_VERSION || header->length > max)
		return -EPROTO;
	if (header->length && (r = channel_read(ch->fd, payload, header->length)) <= 0)
		return r ? r : -EPROTO;
	ch->id = header->id;
	return 1;
}

int reader_channel_reply(
	struct reader_channel *ch, int error, const char *reason, const void *payload, size_t len)
{
	struct reader_reply reply = {.error = error};
	struct reader_header header = {
		.type = READER_REPLY, .version = READER_VERSION, .id = ch->id};
	struct iovec parts[] = {{&header, sizeof(header)}, {&reply, sizeof(reply)},
		{(void *)payload, error ? 0 : len}};

	if (error)
		strncpy(reply.reason, reason, sizeof(reply.reason) - 1);
	header.length = (uint32_t)(sizeof(reply) + parts[2].iov_len);
	return channel_write(ch->fd, parts, error || !len ? 2 : 3);
}

/* Sends READER_NEED for blocks within the disk. */
static int channel_need(struct reader_channel *ch, const struct reader_range *ranges, unsigned n)
{
	struct reader_header header = {.length = (uint32_t)(n * sizeof(*ranges)),
		.type = READER_NEED,
		.version = READER_VERSION,
		.id = ch->id};
	struct iovec parts[] = {{&header, sizeof(header)}, {(void *)ranges, header.length}};

	return channel_write(ch->fd, parts, 2);
}

/* Receives one READER_DATA. Removes its range from ranges[0..n), and *error becomes the first
 * failure. Returns 0 or -errno. */
static int channel_data(
	struct reader_channel *ch, struct reader_range *ranges, void **out, unsigned n, int *error)
{
	struct reader_header header;
	struct reader_data data;
	unsigned i = 0;
	int r = channel_read(ch->fd, &header, sizeof(header));

	if (r > 0 && header.length >= sizeof(data) && header.type == READER_DATA &&
		header.id == ch->id && header.version == READER_VERSION)
		r = channel_read(ch->fd, &data, sizeof(data));
	else
		r = r < 0 ? r : -EPROTO;
	if (r <= 0)
		return r ? r : -EPROTO;
	while (i < n && (ranges[i].offset != data.offset || !ranges[i].length))
		i++;
	if (i == n || data.error < 0 || data.length != (data.error ? 0 : ranges[i].length) ||
		header.length != sizeof(data) + data.length)
		return -EPROTO;
	ranges[i].length = 0;
	if (data.error) {
		*error = *error ? *error : -data.error;
		return 0;
	}
	r = channel_read(ch->fd, out[i], data.length);
	return r > 0 ? 0 : r < 0 ? r : -EPROTO;
}

int reader_channel_fetch(void *ctx, const uint64_t *index, void *const *out, unsigned n)
{
	struct reader_channel *ch = ctx;
	struct reader_range ranges[READER_RANGES_MAX] = {0};
	void *wanted[READER_RANGES_MAX];
	unsigned wants = 0;
	int r = 0, error = 0;

	if (ch->broken || n > READER_RANGES_MAX)
		return -EPROTO;
	for (unsigned i = 0; i < n; i++) {
		uint64_t offset = index[i] * READER_RANGE_MAX, left;

		left = offset < ch->disk_size ? ch->disk_size - offset : 0;
		if (left < READER_RANGE_MAX)
			memset((char *)out[i] + left, 0, READER_RANGE_MAX - left);
		if (!left)
			continue;
		wanted[wants] = out[i];
		ranges[wants++] = (struct reader_range){
			offset, left < READER_RANGE_MAX ? (uint32_t)left : READER_RANGE_MAX, 0};
	}
	if (wants)
		r = channel_need(ch, ranges, wants);
	for (unsigned i = 0; !r && i < wants; i++)
		r = channel_data(ch, ranges, wanted, wants, &error);
	if (r) {
		ch->broken = true;
		return -EPROTO;
	}
	return error;
}
