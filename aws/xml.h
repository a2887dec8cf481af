/* SPDX-License-Identifier: MIT */
/* XML from outside, element by element, within bounds: no DTD, no entities, no network. */
#ifndef EBSFS_XML_H
#define EBSFS_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* EC2's answers nest 6 deep. Elements nested deeper than this are skipped. */
#define XML_DEPTH_MAX 12
/* Bytes of one element's text; the rest of it is cut off. */
#define XML_TEXT_MAX  ((size_t)64 << 10)
/* Beyond these an answer is not odd but endless: EIO. */
#define XML_DEPTH_END 256
#define XML_TEXT_END  ((size_t)16 << 20)

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

/* A document in UTF-8, read piece by piece. Every call returns 0, what the handler returned,
 * -ENOMEM, or -EIO with a reason: not well-formed, cut, has a DTD, past the bounds. A character
 * that XML does not permit, or a byte that is no UTF-8, becomes U+FFFD: it concerns one text only.
 * Safe in any thread, one at a time, once xml_setup() has been called. */
struct xml_reader;
/* The handler is copied, its arg borrowed. NULL on ENOMEM. */
struct xml_reader *xml_reader_create(const struct xml_handler *handler);
/* After a failure nothing more may be read. */
int xml_reader_read(struct xml_reader *r, const char *data, size_t len, struct err *err);
/* In the handler's close(): whether the text is not what was sent (replaced characters, cut). */
bool xml_reader_is_altered(const struct xml_reader *r);
/* Nothing comes any more. */
int xml_reader_end(struct xml_reader *r, struct err *err);
void xml_reader_destroy(struct xml_reader *r); /* NULL is permitted */

/* White space around a value is not part of it. Returns where the value begins; *len becomes its
 * length. */
const char *xml_trim(const char *text, size_t *len);

/* A whole document. */
int xml_parse(const char *data, size_t len, const struct xml_handler *handler, struct err *err);
/* Once in the main thread, before the first xml_parse(); again does no harm. */
void xml_setup(void);

#endif
