/* SPDX-License-Identifier: MIT */
/* Whether messages of ebsfs-reader are what reader_protocol.h permits. Pure. */
#ifndef EBSFS_FILES_CHECK_H
#define EBSFS_FILES_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader_protocol.h"

/* What was asked for. */
struct files_question {
	enum reader_type type;
	uint64_t inode, offset, length; /* as in the request's message */
	uint64_t disk_size;
	uint64_t start, size; /* of the partition */
};

/* The bytes of an entry with its name. */
#define FILES_ENTRY_SIZE(e)                                                                        \
	(sizeof(struct reader_entry) + (((size_t)(e)->name_length + 7) & ~(size_t)7))

/* Each returns NULL, or what is wrong with the payload, for the log. */
const char *files_check_need(uint64_t disk_size, const void *payload, size_t len, unsigned *n);
/* The error of a reply, and whether its reason ends; *error: one that may be passed on. */
const char *files_check_error(const void *payload, size_t len, int *error);
/* What follows a reply without an error. */
const char *files_check_answer(const struct files_question *q, const void *payload, size_t len);

#endif
