/* SPDX-License-Identifier: MIT */
/* Changes a copy after its request: adds tags at any time, sets the description until the request
 * is sent, turns a move into a plain copy. */
#ifndef EBSFS_AMEND_H
#define EBSFS_AMEND_H

#include "engine.h"

/* Implement copies_add_tags() and copies_describe(). */
int amend_tags(struct copies *c, struct copy *copy, const struct request_tag *tags, size_t n_tags,
	copies_done *done, void *arg);
int amend_description(
	struct copies *c, struct copy *copy, const char *description, copies_done *done, void *arg);
void amend_finish(struct copies *c);
/* Implements copies_keep_source(). */
void amend_keep_source(struct copy *copy);

#endif
