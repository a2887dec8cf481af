/* SPDX-License-Identifier: MIT */
/* Checks that messages of ebsfs-reader are what reader_protocol.h permits. Pure. */
#ifndef EBSFS_FILES_CHECK_H
#define EBSFS_FILES_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader_protocol.h"

/* The request that a reply is checked against. */
struct files_question {
	enum reader_type type;
	uint64_t inode, offset, length; /* as in the message of the request */
	uint64_t disk_size;
	uint64_t start, size; /* the partition's place on the disk */
};

/* The size of a folder's entry with its name, in bytes. */
#define FILES_ENTRY_SIZE(e)                                                                        \
	(sizeof(struct reader_entry) + (((size_t)(e)->name_length + 7) & ~(size_t)7))

/* Each function returns NULL, or a description of the fault in the payload, for the log. */
const char *files_check_need(uint64_t disk_size, const void *payload, size_t len, unsigned *n);
/* Checks the payload of an error reply, whose reason must be terminated; *error: an errno that may
 * be passed on. */
const char *files_check_error(const void *payload, size_t len, int *error);
/* Checks the payload of a reply without an error. */
const char *files_check_answer(const struct files_question *q, const void *payload, size_t len);

#endif
