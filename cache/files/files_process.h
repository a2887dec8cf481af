/* SPDX-License-Identifier: MIT */
/* One process of ebsfs-reader, which reads the file systems of one disk: its start, its messages,
 * and its end. The process may be hostile: a damaged file system may have taken control of it. */
#ifndef EBSFS_FILES_PROCESS_H
#define EBSFS_FILES_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <uv.h>

#include "err.h"
#include "reader_protocol.h"

struct files_process;

struct files_process_events {
	/* Called for a complete message: header->length bytes of payload, aligned to 8. May call
	 * files_process_end(). */
	void (*message)(void *arg, const struct reader_header *header, const void *payload);
	/* Called if the process ended by itself or broke the protocol, with the reason and errno
	 * EIO. The owner must call files_process_end(). */
	void (*failed)(void *arg, const struct err *err);
};

/* Starts the program with one descriptor, its end of a socket, and without an environment. */
int files_process_start(uv_loop_t *loop, const char *program,
	const struct files_process_events *events, void *arg, struct files_process **out,
	struct err *err);
/* Kills the process and frees the struct; NULL is permitted. */
void files_process_end(struct files_process *p);

/* Sends a message; bytes that the socket does not take at once are copied. Returns 0 or -ENOMEM. If
 * a process does not read its messages, its owner's time limit ends it. */
#define FILES_SEND_PARTS_MAX 6
int files_process_send(struct files_process *p, enum reader_type type, uint64_t id,
	const struct iovec *parts, int n_parts);

#endif
