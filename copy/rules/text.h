/* SPDX-License-Identifier: MIT */
/* Pieces of the texts for people: one-line values, bars, times. */
#ifndef EBSFS_TEXT_H
#define EBSFS_TEXT_H

#include <stdint.h>

#include "buf.h"

/* "key: value" with a line's end; nothing if the value is NULL or "". The value is
 * made safe to show (utf8.h). */
void text_line(struct buf *out, const char *key, const char *value);
/* "key: 2026-01-02T03:04:05Z"; nothing if ms is 0. */
void text_time(struct buf *out, const char *key, int64_t ms);
/* "key: 12m31s" */
void text_duration(struct buf *out, const char *key, int64_t ms);
/* "progress: 42%  [####----]", 40 characters wide; "progress: unknown" for EC2_PROGRESS_UNKNOWN. */
void text_progress(struct buf *out, int percent);

/* Adds another remark to *text, which is owned (NULL: none so far). Without memory it is left out.
 */
void text_also(char **text, const char *more);

#endif
