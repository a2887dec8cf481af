/* SPDX-License-Identifier: MIT */
/* XML from outside, element by element, within bounds: no DTD, no entities, no network. */
#ifndef EBSFS_XML_H
#define EBSFS_XML_H

#include <stddef.h>

#include "err.h"

#define XML_DEPTH_MAX 12                 /* EC2's answers nest 6 deep */
#define XML_TEXT_MAX  ((size_t)64 << 10) /* bytes of one element's text */

/* Elements by their local name; depth of the root is 1. Each returns 0 to go on, or -errno with
 * *err set to stop. */
struct xml_handler {
	/* NULL: not wanted. */
	int (*open)(void *arg, int depth, const char *name, struct err *err);
	/* text: the element's own text ("" if empty), NULL if it had elements in it. Valid during
	 * the call. */
	int (*close)(void *arg, int depth, const char *name, const char *text, size_t len,
		struct err *err);
	void *arg;
};

/* A document read piece by piece. Every call returns 0, what the handler returned, -ENOMEM, or -EIO
 * with a reason: not well-formed, cut, has a DTD, past the bounds. Safe in any thread, one at a
 * time, once xml_setup() has been called. */
struct xml_reader;
/* The handler is copied, its arg borrowed. NULL on ENOMEM. */
struct xml_reader *xml_reader_create(const struct xml_handler *handler);
/* After a failure nothing more may be read. */
int xml_reader_read(struct xml_reader *r, const char *data, size_t len, struct err *err);
/* Nothing comes any more. */
int xml_reader_end(struct xml_reader *r, struct err *err);
void xml_reader_destroy(struct xml_reader *r); /* NULL is permitted */

/* A whole document. */
int xml_parse(const char *data, size_t len, const struct xml_handler *handler, struct err *err);
/* Once in the main thread, before the first xml_parse(); again does no harm. */
void xml_setup(void);

#endif
