/* SPDX-License-Identifier: MIT */
/* Renaming a tag. */
#ifndef EBSFS_TAGS_H
#define EBSFS_TAGS_H

#include "tree.h"

/* mv of a tag within its folder, as editors and `sed -i` put a new text in the place of an old: the
 * value gets the key `name`, over the value that was there, and then the old key goes. A value is
 * never without a key in between. */
void tags_rename(struct fs *fs, struct node n, const char *name, struct answer *a);

#endif
