/* SPDX-License-Identifier: MIT */
/* Lines of a status. The texts themselves are declared in copies.h. */
#ifndef EBSFS_COPIES_REPORT_H
#define EBSFS_COPIES_REPORT_H

#include "buf.h"
#include "copies.h"

/* "key: value" with a line's end; nothing if the value is NULL or "". The value is made safe to
 * show (utf8.h). */
void copies_text_line(struct buf *out, const char *key, const char *value);
/* A remark, in one line with those before: appends to a text that ends with its note, or with none.
 * Nothing if it is NULL or "". */
void copies_text_note(struct buf *out, const char *remark);
/* "progress: 42%  [####----]", 40 characters wide; "progress: unknown" for EC2_PROGRESS_UNKNOWN. */
void copies_text_progress(struct buf *out, int percent);

#endif
