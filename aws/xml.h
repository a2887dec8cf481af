/* SPDX-License-Identifier: MIT */
/* Parses XML from outside element by element, within bounds: no DTD, no entities, no network. */
#ifndef EBSFS_XML_H
#define EBSFS_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* Elements nested deeper than this are skipped; EC2's responses nest 6 deep. */
#define XML_DEPTH_MAX 12
/* Bytes of one element's text; a longer text is cut. */
#define XML_TEXT_MAX  ((size_t)64 << 10)
/* Bounds of a response; a larger one is EIO. */
#define XML_DEPTH_END 256
#define XML_TEXT_END  ((size_t)16 << 20)

/* Callbacks for elements, which get the element's local name and its depth (the root has 1). Each
 * returns 0 to continue, or -errno with *err set to stop. */
struct xml_handler {
	/* May be NULL. */
	int (*open)(void *arg, int depth, const char *name, struct err *err);
	/* text: the element's own text ("" if empty), NULL if it contains elements. Valid during
	 * the call. */
	int (*close)(void *arg, int depth, const char *name, const char *text, size_t len,
		struct err *err);
	void *arg;
};

/* Reads a UTF-8 document piece by piece. Each call returns 0, the handler's result, -ENOMEM, or
 * -EIO with a reason: not well-formed, cut, has a DTD, exceeds the bounds. Characters that XML does
 * not permit and bytes that are not UTF-8 become U+FFFD, so that they spoil one text only. A reader
 * may be used in any thread, by one thread at a time, once xml_setup() has been called. */
struct xml_reader;
/* Copies the handler; its arg is borrowed. NULL on ENOMEM. */
struct xml_reader *xml_reader_create(const struct xml_handler *handler);
/* Reads the next piece. After a failure the reader must not be used for more. */
int xml_reader_read(struct xml_reader *r, const char *data, size_t len, struct err *err);
/* In the handler's close(): returns whether the text was altered (characters replaced, or cut). */
bool xml_reader_is_altered(const struct xml_reader *r);
/* Tells the reader that the document is complete. */
int xml_reader_end(struct xml_reader *r, struct err *err);
void xml_reader_destroy(struct xml_reader *r); /* NULL is permitted */

/* Strips white space around a value. Returns its beginning; *len becomes its length. */
const char *xml_trim(const char *text, size_t *len);

/* Parses a whole document. Returns as xml_reader_read(). */
int xml_parse(const char *data, size_t len, const struct xml_handler *handler, struct err *err);
/* For open(): returns -EIO with a reason if the element is the root and has another name, else 0.
 */
int xml_check_root(int depth, const char *name, const char *root, struct err *err);

/* Reads the texts of a few elements of a small response. The text of each path below the root
 * ("snapshotId", "GetCallerIdentityResult/Account") is written to `out` of `size`, cut to fit, ""
 * if absent. root: the required name of the root element. */
struct xml_text {
	const char *path;
	char *out;
	size_t size;
};
int xml_texts(const char *body, size_t len, const char *root, const struct xml_text *texts,
	size_t n_texts, struct err *err);

/* Call in the main thread before the first use; further calls do nothing. */
void xml_setup(void);

#endif
