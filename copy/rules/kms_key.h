/* SPDX-License-Identifier: MIT */
/* The forms in which a KMS key may be named. Pure. */
#ifndef EBSFS_KMS_KEY_H
#define EBSFS_KMS_KEY_H

#include "endpoint.h"
#include "err.h"

/* CopySnapshot, KmsKeyId: a key's id, alias/NAME, or the ARN of either; EC2 looks at it only after
 * it has accepted the copy, and gives the copy up if it is none of these. `out`: the region that an
 * ARN names, "" for the other forms. Returns 0 or -EINVAL with *err that says what would be right.
 */
#define KMS_KEY_REGION_SIZE ENDPOINT_REGION_SIZE
int kms_key_parse(const char *text, char out[KMS_KEY_REGION_SIZE], struct err *err);

/* Whether the key can be one of this region. Returns 0 or -errno with *err. */
int kms_key_fits(const char *text, const char *region, struct err *err);

#endif
