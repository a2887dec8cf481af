/* SPDX-License-Identifier: MIT */
/* The tags that a copy carries: composed from the source's and the request's, kept as JSON text in
 * the journal, sent with ebsfs's own. */
#ifndef EBSFS_COPY_TAGS_H
#define EBSFS_COPY_TAGS_H

#include <stdbool.h>

#include "buf.h"
#include "catalogue.h"
#include "ec2.h"
#include "snapshot_file.h"

#define TAG_REQUEST "ebsfs:request" /* = the job's token */
#define TAG_SOURCE  "ebsfs:source"  /* = region/id */

/* Appends the JSON object of what a copy shall carry beside ebsfs's own two: the tags of the source
 * at `slot` of `catalogue` (NULL: none of them) but those of AWS and of ebsfs, with the request's
 * over them; of one key the request's last value. *left_out: how many of the source's tags had no
 * room. Returns 0, -ENOMEM, or -EINVAL with *err if the request alone asks for more than
 * REQUEST_TAGS_MAX. */
int copy_tags_compose(const struct catalogue *catalogue, catalogue_slot slot,
	const struct copy_request *request, struct buf *json, unsigned *left_out, struct err *err);

/* The list to send. */
struct tag_list {
	struct ec2_tag tags[EC2_TAGS_MAX];
	size_t n;
	void *memory; /* holds the strings */
};
/* Reads the JSON object (NULL: no tags) and adds ebsfs's own. The strings of `token` and `source`
 * are borrowed. 0, -ENOMEM, or -EINVAL: not such an object. */
int copy_tags_list(const char *json, const char *token, const char *source, struct tag_list *out);
void copy_tags_finish(struct tag_list *list);

/* The value of a key in a record as EC2 described it; NULL. */
const char *copy_tags_find(const struct ec2_snapshot *s, const char *key);

/* Splits a value of the tag ebsfs:source, "region/id". False, and both NULL, if it is none; ENOMEM
 * counts as that. The caller's to free. */
bool copy_tags_source(const char *value, char **region, char **id);

#endif
