/* SPDX-License-Identifier: MIT */
/* What the files of EC2's calls share. */
#ifndef EBSFS_EC2_CALL_H
#define EBSFS_EC2_CALL_H

#include "aws_query.h"
#include "ec2.h"

#define EC2_VERSION      "2016-11-15"
/* With Signature Version 2. */
#define EC2_VERSION_2012 "2012-12-01"

/* The first words of every form. */
void ec2_form_start(struct buf *form, const struct aws *aws, const char *action);

/* "&ResourceId"-like lists of tags: <prefix>.1.Key=…, <prefix>.1.Value=…, … */
void ec2_form_tags(struct buf *form, const char *prefix, const struct ec2_tag *tags, size_t n_tags);

#endif
