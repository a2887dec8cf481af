/* SPDX-License-Identifier: MIT */
/* Shared by the files of EC2's calls. */
#ifndef EBSFS_EC2_CALL_H
#define EBSFS_EC2_CALL_H

#include "aws_query.h"
#include "ec2.h"

#define EC2_VERSION      "2016-11-15"
/* With Signature Version 2. */
#define EC2_VERSION_2012 "2012-12-01"

/* Begins a form: Action and Version. */
void ec2_form_start(struct buf *form, const struct aws *aws, const char *action);
/* Appends tags: &<prefix>.1.Key=…&<prefix>.1.Value=…&<prefix>.2.Key=… */
void ec2_form_tags(struct buf *form, const char *prefix, const struct ec2_tag *tags, size_t n_tags);

/* How long EC2 may use a presigned URL; botocore's figure. */
#define EC2_COPY_EXPIRES_S 3600

/* Completes the form of a CopySnapshot by DestinationRegion and PresignedUrl. The URL is a signed
 * GET of the same request (with DestinationRegion) at the source region's endpoint: EC2 in the
 * destination uses it to ask the source for an encrypted snapshot. Returns 0 or -errno with *err.
 * Pure. */
int ec2_copy_presign(const struct aws_signer *signer, const char *source_region, const char *region,
	struct buf *form, struct err *err);

#endif
