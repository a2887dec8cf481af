/* SPDX-License-Identifier: MIT */
/* The body of a Query API request: parameters as a form. EC2's lists are flattened into numbered
 * names. */
#ifndef EBSFS_FORM_H
#define EBSFS_FORM_H

#include <stdbool.h>

#include "buf.h"

/* All bytes but A-Za-z0-9-._~ become %XX, spaces included ("%20", never '+'), so that the form can
 * also be signed as a query. Failures stay in the buffer (buf.error). */

/* Begins an empty form: "Action=…&Version=…". */
void form_start(struct buf *form, const char *action, const char *version);
/* Appends "&name=value"; a NULL value appends nothing. The name is printf-like: form_add(&form,
 * value, "Filter.%zu.Name", i + 1). */
void form_add(struct buf *form, const char *value, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for a literal value of a filter: escapes EC2's wildcards and escape character (* ? \).
 * Patterns go through form_add(). */
void form_add_literal(struct buf *form, const char *value, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
void form_add_number(struct buf *form, int value, const char *name);
void form_add_true(struct buf *form, bool value, const char *name); /* false appends nothing */

#endif
