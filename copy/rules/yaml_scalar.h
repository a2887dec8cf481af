/* SPDX-License-Identifier: MIT */
/* The values of a snapshot file: YAML's one-line scalars, plain or quoted. */
#ifndef EBSFS_YAML_SCALAR_H
#define EBSFS_YAML_SCALAR_H

#include "buf.h"

/* Appends text so that a YAML reader gives it back as this string: plain where that is safe, else
 * in double quotes. Results as buf_add. */
int yaml_scalar_format(struct buf *out, const char *text);

/* Reads one scalar at *at, no further than end, and moves *at behind it (a quoted one's closing
 * quote; a plain one ends at " #" or the end, its white space cut). Plain ones are taken literally
 * whatever they begin with: [x] means the text [x]. Returns 0, -ENOMEM, or -EINVAL with
 * *why in words. */
int yaml_scalar_parse(const char **at, const char *end, struct buf *out, const char **why);

#endif
