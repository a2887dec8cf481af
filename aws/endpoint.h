/* SPDX-License-Identifier: MIT */
/* The endpoint of a service in a region: the partitions' rules, and every setting by which a user
 * may name another. */
#ifndef EBSFS_ENDPOINT_H
#define EBSFS_ENDPOINT_H

#include <stdbool.h>

#include "buf.h"
#include "cleanup.h"
#include "err.h"

struct profiles;

struct endpoint_config {
	const char *endpoint_url; /* `-o endpoint_url=`: overrides all other settings; NULL if not
				     given */
	const struct profiles *profiles;
	const char *profile; /* the name of the selected profile */
	/* For requests that do not name their region: the only region that a URL without {region}
	 * serves; every other region is EINVAL. NULL: a URL without {region} serves every region.
	 */
	const char *only_region;
};

/* Appends the URL of service ("ec2", "ebs", "sts", "sso", "sso-oidc") in region, without a trailing
 * slash: "https://ec2.eu-west-1.amazonaws.com". The order is that of the AWS SDKs: the option,
 * AWS_ENDPOINT_URL_EC2, AWS_ENDPOINT_URL, the profile's services section, the profile's
 * endpoint_url (none of these four with AWS_IGNORE_CONFIGURED_ENDPOINT_URLS or the profile's
 * ignore_configured_endpoint_urls), the partition's rule, which heeds use_fips_endpoint and
 * use_dualstack_endpoint. "{region}" in the user's URL becomes the region. Returns 0, -EINVAL with
 * *err (not a URL, not a region; a user's URL together with FIPS or dual-stack), -ENOMEM. */
int endpoint_url(const struct endpoint_config *config, const char *service, const char *region,
	struct buf *out, struct err *err);

/* An endpoint, divided into the parts that a signature needs. */
struct endpoint {
	struct buf url;   /* with its path, which begins with '/' */
	char host[300];   /* value of the Host header: with the port if the URL has one */
	const char *path; /* in url */
};

/* Fills *endpoint. Returns as endpoint_url(). Call endpoint_finish() after an error too. */
int endpoint_find(const struct endpoint_config *config, const char *service, const char *region,
	struct endpoint *out, struct err *err);
void endpoint_finish(struct endpoint *endpoint);
/* Appends a path, which begins with '/', to the endpoint's. Returns 0 or -ENOMEM with *err. */
int endpoint_add_path(struct endpoint *endpoint, const char *path, struct err *err);
#define _cleanup_endpoint_ _cleanup_(endpoint_finish)

/* Returns whether the service's endpoint is Amazon's: the user configured none, or one in Amazon's
 * domains (a VPC endpoint, for example). */
bool endpoint_is_amazons(const struct endpoint_config *config, const char *service);
/* Returns whether the user configured the service's endpoint, by any setting. A host in Amazon's
 * domain need not be an AWS service: every EC2 instance has a name there. */
bool endpoint_is_named(const struct endpoint_config *config, const char *service);
/* Returns whether all regions share the service's URL: the user configured it, without {region}. */
bool endpoint_is_shared(const struct endpoint_config *config, const char *service);

/* Returns whether text has the form of a region's name: letters, digits, '-', '_' and '.',
 * beginning with a letter or a digit. Such a name is safe as a file's name, in a URL, in a
 * signature's scope and in a list with colons. EC2-compatible clouds have names like RegionOne.
 * Amazon's names have a narrower form, which endpoint_url() requires where it derives the host from
 * the name. */
#define ENDPOINT_REGION_SIZE 64 /* with the terminator */
bool endpoint_is_region(const char *text);

/* Returns the AWS partition of a region, by the region's name: "aws", "aws-cn", … */
const char *endpoint_partition(const char *region);

/* Returns the region for account-wide requests: AWS_REGION, AWS_DEFAULT_REGION, the profile's
 * region, else "us-east-1". The string belongs to the environment or the profiles. */
const char *endpoint_home_region(const struct profiles *profiles, const char *profile);

#endif
