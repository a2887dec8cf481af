/* SPDX-License-Identifier: MIT */
/* What the files of EC2's calls share. */
#ifndef EBSFS_EC2_CALL_H
#define EBSFS_EC2_CALL_H

#include "aws_query.h"
#include "ec2.h"

#define EC2_VERSION "2016-11-15"

/* "&ResourceId"-like lists of tags: <prefix>.1.Key=…, <prefix>.1.Value=…, … */
void ec2_form_tags(struct buf *form, const char *prefix, const struct ec2_tag *tags, size_t n_tags);

#endif
