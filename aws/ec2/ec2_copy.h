/* SPDX-License-Identifier: MIT */
/* The PresignedUrl of CopySnapshot. Pure, for its vectors. */
#ifndef EBSFS_EC2_COPY_H
#define EBSFS_EC2_COPY_H

#include "aws_query.h"
#include "buf.h"

/* How long EC2 may take to use it; botocore's figure. */
#define EC2_COPY_EXPIRES_S 3600

/* Appends to the form of a CopySnapshot what makes it complete: DestinationRegion, and
 * PresignedUrl, a signed GET of the very same request (with DestinationRegion) at the source
 * region's endpoint: EC2 in the destination uses it to ask the source for an encrypted snapshot.
 * Returns 0 or -errno with *err. */
int ec2_copy_presign(const struct aws_signer *signer, const char *source_region, const char *region,
	struct buf *form, struct err *err);

#endif
