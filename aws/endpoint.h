/* SPDX-License-Identifier: MIT */
/* Which URL a region's service has: partitions, and every place where a user may name another
 * endpoint. */
#ifndef EBSFS_ENDPOINT_H
#define EBSFS_ENDPOINT_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

struct profiles;

struct endpoint_config {
	const char *endpoint_url; /* `-o endpoint_url=`: above all else; NULL if not given */
	const struct profiles *profiles;
	const char *profile; /* the selected one's name */
	/* The region that a URL without {region} stands for, where the requests do not say it;
	 * NULL: any. Another region's URL is EINVAL then. */
	const char *only_region;
};

/* Appends the URL of service ("ec2", "ebs", "sts", "sso", "sso-oidc") in region, without a trailing
 * slash: "https://ec2.eu-west-1.amazonaws.com". The order is that of the AWS SDKs: the option,
 * AWS_ENDPOINT_URL_EC2, AWS_ENDPOINT_URL, the profile's services section, the profile's
 * endpoint_url (none of these four with AWS_IGNORE_CONFIGURED_ENDPOINT_URLS or the profile's
 * ignore_configured_endpoint_urls), the partition's rule, which heeds use_fips_endpoint and
 * use_dualstack_endpoint. "{region}" in a URL that was named becomes the region. Returns 0, -EINVAL
 * with *err (not a URL, not a region; custom endpoint together with FIPS or dual-stack), -ENOMEM.
 */
int endpoint_url(const struct endpoint_config *config, const char *service, const char *region,
	struct buf *out, struct err *err);

/* Whether service's endpoint is Amazon's own: no other was named, or one by a name of Amazon's (a
 * VPC endpoint, say). */
bool endpoint_is_amazons(const struct endpoint_config *config, const char *service);
/* Whether the service's endpoint was named by the user, in whatever place. Even one in Amazon's
 * domain may be something else: every EC2 instance has a name there. */
bool endpoint_is_named(const struct endpoint_config *config, const char *service);
/* Whether all regions share the service's URL, for it was named and has no {region} in it. */
bool endpoint_is_shared(const struct endpoint_config *config, const char *service);

/* The form of a region's name, the same rule wherever one comes from: letters, digits, '-', '_' and
 * '.', of which the first is a letter or a digit. So it is safe as a file's name, in a URL, in a
 * signature's scope and in a list with colons. EC2-compatible clouds have names as RegionOne.
 * Amazon's own have a narrower form, which endpoint_url() demands where the host is made of the
 * name. */
#define ENDPOINT_REGION_SIZE 64 /* with the terminator */
bool endpoint_is_region(const char *text);

/* The partition of AWS that a region belongs to, by its name: "aws", "aws-cn", "aws-us-gov", … */
const char *endpoint_partition(const char *region);

/* The region in which account-wide questions are asked: AWS_REGION, AWS_DEFAULT_REGION, the
 * profile's region, else "us-east-1". Borrowed from the environment or the profiles. */
const char *endpoint_home_region(const struct profiles *profiles, const char *profile);

#endif
