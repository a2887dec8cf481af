/* SPDX-License-Identifier: MIT */
/* The body of a Query API request: parameters as a form, EC2's flattened lists as names with
 * numbers in them. */
#ifndef EBSFS_FORM_H
#define EBSFS_FORM_H

#include <stdbool.h>

#include "buf.h"

/* Everything but A-Za-z0-9-._~ becomes %XX, a space too ("%20", never '+'), so that the same text
 * also serves as a query that is signed. Failures stay in the buffer (buf.error). */

/* "Action=…&Version=…"; form must be empty. */
void form_start(struct buf *form, const char *action, const char *version);
/* "&name=value"; a NULL value adds nothing. The name is printf-like: form_add(&form, value,
 * "Filter.%zu.Name", i + 1). */
void form_add(struct buf *form, const char *value, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for a filter's value, literally: EC2's wildcards and its escape character (* ? \) in it
 * are escaped. A pattern goes through form_add(). */
void form_add_literal(struct buf *form, const char *value, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
void form_add_number(struct buf *form, int value, const char *name);
void form_add_true(struct buf *form, bool value, const char *name); /* false adds nothing */

#endif
