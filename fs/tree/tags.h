/* SPDX-License-Identifier: MIT */
/* Tags: their rules, and renaming one. */
#ifndef EBSFS_TAGS_H
#define EBSFS_TAGS_H

#include "tree.h"

/* Writes the key of a tag's file name (names.h) and checks EC2's rules: UTF-8, at most
 * EC2_TAG_KEY_MAX characters. Returns 0 or -EINVAL with *err. */
int tags_parse_name(const char *name, char key[NAME_MAX + 1], struct err *err);
/* Checks a value against EC2's rules. Returns 0 or -EINVAL with *err. */
int tags_check_value(const char *value, size_t len, struct err *err);

/* mv of a tag within its folder, as editors and `sed -i` replace a file: writes the value under the
 * key `name`, replacing the value there, then deletes the old key. The value always has a key. */
void tags_rename(struct fs *fs, struct node n, const char *name, struct pending_reply *a);

#endif
