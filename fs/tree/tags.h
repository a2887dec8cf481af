/* SPDX-License-Identifier: MIT */
/* Tags: their rules, and renaming one. */
#ifndef EBSFS_TAGS_H
#define EBSFS_TAGS_H

#include "tree.h"

/* The key that a file's name stands for (names.h), if EC2 can take it: UTF-8, not too long. 0, or
 * -EINVAL with *err. */
int tags_parse_name(const char *name, char key[NAME_MAX + 1], struct err *err);
/* The same for a value. */
int tags_check_value(const char *value, size_t len, struct err *err);

/* mv of a tag within its folder, as editors and `sed -i` put a new text in the place of an old: the
 * value gets the key `name`, over the value that was there, and then the old key goes. A value is
 * never without a key in between. */
void tags_rename(struct fs *fs, struct node n, const char *name, struct pending_reply *a);

#endif
