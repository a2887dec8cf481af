/* SPDX-License-Identifier: MIT */
/* The reader's end of its socket: requests, replies, and blocks of the disk. */
#ifndef EBSFS_READER_CHANNEL_H
#define EBSFS_READER_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "reader_protocol.h"

struct reader_channel {
	int fd;
	uint64_t id;        /* number of the current request */
	uint64_t disk_size; /* bytes; set before reader_channel_fetch() is called */
	bool broken; /* a message broke the protocol, or the socket failed: the process must end */
};

/* Reads the next request into *header and payload[0..max). Returns 1, 0 at EOF, or -errno: -EPROTO
 * for a message that breaks the protocol. */
int reader_channel_receive(
	struct reader_channel *ch, struct reader_header *header, void *payload, size_t max);

/* Sends the reply: with `error`, a positive errno, and the reason; or with error 0 and the payload.
 * Returns 0 or -errno. */
int reader_channel_reply(
	struct reader_channel *ch, int error, const char *reason, const void *payload, size_t len);

/* Implements sectors_source.fetch: fetches n blocks of the disk; ctx is the channel. Returns 0, the
 * -errno that ebsfs sent, or -EPROTO with `broken` set. */
int reader_channel_fetch(void *ctx, const uint64_t *index, void *const *out, unsigned n);

#endif
