/* SPDX-License-Identifier: MIT */
/* Lines of a status. The texts themselves are declared in copies.h. */
#ifndef EBSFS_COPIES_REPORT_H
#define EBSFS_COPIES_REPORT_H

#include "buf.h"
#include "copies.h"

/* Appends the line "key: value"; nothing if the value is NULL or "". utf8_put_line() replaces
 * unprintable characters of the value. */
void copies_text_line(struct buf *out, const char *key, const char *value);
/* Appends a remark to the status line `note`, which is the last line of `out`; starts that line if
 * the last line is another one. Nothing if the remark is NULL or "". */
void copies_text_note(struct buf *out, const char *remark);
/* Appends the line "progress: 42%  [####----]" with a bar of 40 characters; "progress: unknown" for
 * EC2_PROGRESS_UNKNOWN. */
void copies_text_progress(struct buf *out, int percent);

#endif
