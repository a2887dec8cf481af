/* SPDX-License-Identifier: MIT */
/* One process of ebsfs-reader, which reads the file systems of one disk: how it is started, the
 * messages to and from it, and its end. It may be hostile: a damaged file system may have taken it
 * over. */
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
	/* A whole message: header->length bytes of payload, aligned to 8. The process may be ended
	 * in it. */
	void (*message)(void *arg, const struct reader_header *header, const void *payload);
	/* The process ended by itself, or broke the protocol: why, with errno EIO. It is to be
	 * ended with files_process_end(). */
	void (*failed)(void *arg, const struct err *err);
};

/* Starts the program with one descriptor, its end of a socket, and without environment. */
int files_process_start(uv_loop_t *loop, const char *program,
	const struct files_process_events *events, void *arg, struct files_process **out,
	struct err *err);
/* Kills the process and frees; NULL is permitted. */
void files_process_end(struct files_process *p);

/* Sends a message; parts that the socket does not take at once are copied. Returns 0 or -ENOMEM.
 * A process that does not read is noticed by its owner's time limit. */
#define FILES_SEND_PARTS_MAX 6
int files_process_send(struct files_process *p, enum reader_type type, uint64_t id,
	const struct iovec *parts, int n_parts);

#endif
