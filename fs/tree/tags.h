/* SPDX-License-Identifier: MIT */
/* Tags: their rules, and renaming one. */
#ifndef EBSFS_TAGS_H
#define EBSFS_TAGS_H

#include "tree.h"

/* Writes the key of a tag's file name (names.h) and checks EC2's rules: UTF-8, at most
 * EC2_TAG_KEY_MAX characters. Returns 0 or -EINVAL with *err. */
int tags_parse_name(const char *name, char key[NAME_MAX + 1], struct err *err);
/* Checks a tag's value against EC2's rules. Returns 0 or -EINVAL with *err. */
int tags_check_value(const char *value, size_t len, struct err *err);

/* Calls fn with the node of each tag that is being written or renamed. */
void tags_each_change(const struct fs *fs, void (*fn)(void *arg, struct node n), void *arg);

/* mv of a tag within its folder: writes the value under the key `name`, replacing that tag's value,
 * then deletes the old key, so that the value always has a key. For an editor's scratch name no
 * request is sent: the tag is hidden, for DRAFT_SCRATCH_MS or until it is written again. */
void tags_rename(struct fs *fs, struct node tag, struct node folder, const char *name,
	bool noreplace, struct pending_reply *a);
/* mv of a scratch file in a snapshot's tags/: if the new name is a key's, the file is written as
 * that tag. */
void tags_rename_scratch(struct fs *fs, struct node file, struct node folder, const char *name,
	bool noreplace, struct pending_reply *a);

#endif
