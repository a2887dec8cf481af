/* SPDX-License-Identifier: MIT */
/* The table of AWS's error codes, for aws_error.c. */
#ifndef EBSFS_AWS_ERROR_CODES_H
#define EBSFS_AWS_ERROR_CODES_H

#include "pacing.h"

/* Advice may depend on the action, or on the kind of source that the keys came from. The first
 * matching entry counts; an entry with neither ends the list. The words of a message never decide:
 * AWS may change them, and a message may quote any word of the request. */
struct error_advice {
	const char *action, *source, *text;
};

struct error_code {
	const char *pattern; /* NULL: the code is unknown */
	int errnum;
	enum retry_kind retry;
	unsigned classes;
	const struct error_advice *advice;
};

/* Finds a code's entry, else one of zeros. action: NULL if it is unknown. */
const struct error_code *aws_error_find(const char *action, const char *code);

#endif
