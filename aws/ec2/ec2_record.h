/* SPDX-License-Identifier: MIT */
/* Reads a response of EC2 record by record, each a structure of short texts. Pure: safe in the
 * thread pool. */
#ifndef EBSFS_EC2_RECORD_H
#define EBSFS_EC2_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "xml.h"

/* Bytes of all texts of one record; more is EIO. EC2's have a few thousand. */
#define EC2_RECORD_MAX ((size_t)1 << 20)

struct ec2_record_kind {
	const char *root; /* the response's element */
	const char *set;  /* the element whose items are the records; NULL: the response is one */
	/* A record begins. Returns 0 or -errno with *err, as the others. */
	int (*start)(void *arg, struct err *err);
	/* A text of the record. path: below the record, "volumeId", "tagSet/item/key". White space
	 * around the text has been removed. NULL: the element contains elements, and has ended. */
	int (*text)(void *arg, const char *path, const char *text, struct err *err);
	int (*end)(void *arg, struct err *err);
};

/* Reads a whole response. *more: it has a token for a next page. Returns 0, the kind's result,
 * -ENOMEM, or -EIO with a reason: not XML, another root element, cut, past the bounds. */
int ec2_record_parse(const char *body, size_t len, const struct ec2_record_kind *kind, void *arg,
	bool *more, struct err *err);

/* Where a record's text goes: a char array in the structure. */
struct ec2_record_text {
	const char *path;
	size_t offset, size;
};
#define EC2_RECORD_TEXT(path, type, member)                                                        \
	{                                                                                          \
		path, offsetof(type, member), sizeof(((type *)0)->member)                          \
	}
/* Copies the text as one line, cut to fit, to where the table has its path; nowhere if the table
 * does not have it. The first text of a path counts. */
void ec2_record_set(const struct ec2_record_text *table, size_t n, void *record, const char *path,
	const char *text);
/* Returns the number, or 0 if the text is none or the number does not fit. */
unsigned ec2_record_number(const char *text);

/* Returns the array with room for one more, zeroed, and counts it; NULL on ENOMEM with *err, and
 * the array stays. An array of the kind whose length alone tells when it must grow. */
void *ec2_record_append(void *array, size_t *n, size_t size, struct err *err);

#endif
