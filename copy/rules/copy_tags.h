/* SPDX-License-Identifier: MIT */
/* The description that a copy gets if its request names none, and the tags that it carries:
 * composed from the source's and the request's, kept as JSON text in the journal, sent with ebsfs's
 * own. */
#ifndef EBSFS_COPY_TAGS_H
#define EBSFS_COPY_TAGS_H

#include <stdbool.h>

#include "buf.h"
#include "catalogue.h"
#include "ec2.h"
#include "err.h"
#include "journal.h"
#include "snapshot_file.h"

#define TAG_REQUEST "ebsfs:request" /* = the job's token */
#define TAG_SOURCE  "ebsfs:source"  /* = region/id */
#define TAG_AGAIN   "ebsfs:again"   /* = the label; absent without one */

/* source: EC2's record of the row's source. account: NULL or "" if unknown. The caller's to free;
 * NULL on ENOMEM. */
char *copy_description_default(const char *account, const struct journal_copy *row,
	const struct catalogue_snapshot *source);

/* The label as EC2 gets it; NULL: no label, or one that ebsfs set ("#ID"). */
const char *copy_tags_label(const char *label);
/* How many tags a copy with this label may carry beside ebsfs's own, which volumes and images have
 * none of. */
unsigned copy_tags_max(bool is_copy, const char *label);
/* Whether AWS or ebsfs reserves the tag key. The source's tags with such keys are not copied, and
 * requested ones are ignored. */
bool copy_tags_is_reserved(const char *key);

/* Sets *json, which the caller owns, to the object of what a copy shall carry beside ebsfs's own:
 * the tags of the source at `slot` of `catalogue` (NULL: none of them) but those of AWS and of
 * ebsfs, with the request's over them; of one key the request's last value. *left_out: how many of
 * the source's tags had no room. Returns 0, -ENOMEM, or -EINVAL with *err if the request alone asks
 * for more than copy_tags_max(). */
int copy_tags_compose(const struct catalogue *catalogue, catalogue_slot slot,
	const struct copy_request *request, char **json, unsigned *left_out, struct err *err);

/* Adds tags to a row that was not sent yet; of one key the new value counts. Reserved keys are
 * ignored. Returns 0, -ENOMEM, or -EDQUOT with *err: there is no room for them all; the row is as
 * it was then. */
int copy_tags_add(
	struct journal_copy *row, const struct request_tag *tags, size_t n_tags, struct err *err);
/* Writes to out the tags that the snapshot at `slot` lacks or has with another value; of several
 * tags with one key, the last. slot CATALOGUE_NONE: the snapshot's tags are unknown, so it lacks
 * all. out has room for n_tags; its strings are borrowed. Returns the number of tags in out. */
size_t copy_tags_lacking(const struct catalogue *catalogue, catalogue_slot slot,
	const struct request_tag *tags, size_t n_tags, struct ec2_tag *out);

/* The same, compared with the tags of the row. */
size_t copy_tags_row_lacking(const struct journal_copy *row, const struct request_tag *tags,
	size_t n_tags, struct ec2_tag *out);

/* The value of the tag ebsfs:source. Returns out. */
#define COPY_TAGS_SOURCE_SIZE 128
const char *copy_tags_source_text(const struct journal_copy *row, char out[COPY_TAGS_SOURCE_SIZE]);

/* The tags of a request to EC2. */
struct tag_list {
	struct ec2_tag tags[EC2_TAGS_MAX];
	size_t n;
	void *memory; /* holds the strings */
	char source[COPY_TAGS_SOURCE_SIZE];
};
/* The row's tags (NULL: none), and of a copy ebsfs's own. The row's strings are borrowed, and *out
 * must stay at its address. 0, or -EINVAL: the tags cannot be read. */
int copy_tags_list(const struct journal_copy *row, struct tag_list *out);
void copy_tags_finish(struct tag_list *list);
/* The same for a request: no tags if the row has none. Returns 0, or -EINVAL with *err. */
int copy_tags_to_send(const struct journal_copy *row, struct tag_list *out, struct err *err);

/* The value of a tag in EC2's description of a snapshot; NULL: no such tag. */
const char *copy_tags_find(const struct ec2_snapshot *s, const char *key);

/* Splits a value of the tag ebsfs:source, "region/id". False, and both NULL, if it is none; ENOMEM
 * counts as that. The caller's to free. */
bool copy_tags_source(const char *value, char **region, char **id);

#endif
