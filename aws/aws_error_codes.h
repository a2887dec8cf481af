/* SPDX-License-Identifier: MIT */
/* The table of AWS's error codes, for aws_error.c. */
#ifndef EBSFS_AWS_ERROR_CODES_H
#define EBSFS_AWS_ERROR_CODES_H

#include "pacing.h"

/* One advice for a code. It may apply only to one action, or only to one kind of source of the
 * keys. The first matching entry of a list counts; an entry with neither matches always and ends
 * the list. The text of an AWS message never decides: AWS may change it, and a message may quote
 * any word of the request. */
struct error_advice {
	const char *action, *source, *text;
};

struct error_code {
	const char *pattern; /* NULL: the table has no such code */
	int errnum;
	enum retry_kind retry;
	unsigned classes;
	const struct error_advice *advice;
};

/* Returns the entry of a code; all members are zero if the table has none. action: NULL if it is
 * unknown. */
const struct error_code *aws_error_find(const char *action, const char *code);

#endif
