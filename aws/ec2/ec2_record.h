/* SPDX-License-Identifier: MIT */
/* Reads a response of EC2 record by record; each record is a struct of short texts. Pure: safe in
 * the thread pool. */
#ifndef EBSFS_EC2_RECORD_H
#define EBSFS_EC2_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "xml.h"

/* Bound of all texts of one record, in bytes; more is EIO. EC2's records have a few thousand. */
#define EC2_RECORD_MAX ((size_t)1 << 20)

struct ec2_record_kind {
	const char *root; /* name of the response's root element */
	const char *set; /* the element whose items are the records; NULL: the whole response is one
			  * record */
	/* Called at the beginning of a record. Returns 0 or -errno with *err, like the others. */
	int (*start)(void *arg, struct err *err);
	/* Called for each text of the record. path: below the record, "volumeId",
	 * "tagSet/item/key". White space around the text has been removed. text NULL: the element
	 * contains elements, and has ended. */
	int (*text)(void *arg, const char *path, const char *text, struct err *err);
	int (*end)(void *arg, struct err *err);
};

/* Reads a whole response. *more: the response has a token for a next page. Returns 0, the kind's
 * result, -ENOMEM, or -EIO with a reason: not XML, another root element, cut, exceeds the bounds.
 */
int ec2_record_parse(const char *body, size_t len, const struct ec2_record_kind *kind, void *arg,
	bool *more, struct err *err);

/* Maps a path to a member of the record's struct, a char array. */
struct ec2_record_text {
	const char *path;
	size_t offset, size;
};
#define EC2_RECORD_TEXT(path, type, member)                                                        \
	{                                                                                          \
		path, offsetof(type, member), sizeof(((type *)0)->member)                          \
	}
/* Copies the text into the member that the table has for its path, as one line and cut to fit. Does
 * nothing if the table does not have the path. If a path occurs twice, its first text counts. */
void ec2_record_set(const struct ec2_record_text *table, size_t n, void *record, const char *path,
	const char *text);
/* Returns the number; 0 if the text is not a number or does not fit. */
unsigned ec2_record_number(const char *text);

/* Adds one zeroed element to the array and increments *n. Returns the array; NULL on ENOMEM with
 * *err, and then the array stays valid. Use it only for arrays that grew by this function: their
 * capacity follows from *n. */
void *ec2_record_append(void *array, size_t *n, size_t size, struct err *err);

#endif
