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

/* Returns 0, what the handler returned, -ENOMEM, or -EIO with a reason: not well-formed, cut, has a
 * DTD, past the bounds. Safe in any thread once xml_setup() has been called. */
int xml_parse(const char *data, size_t len, const struct xml_handler *handler, struct err *err);
/* Once in the main thread, before the first xml_parse(); again does no harm. */
void xml_setup(void);

#endif
