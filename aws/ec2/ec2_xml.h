/* SPDX-License-Identifier: MIT */
/* EC2's and STS's answers, from XML into records. Pure: safe in the thread pool. */
#ifndef EBSFS_EC2_XML_H
#define EBSFS_EC2_XML_H

#include "ec2.h"
#include "endpoint.h"

/* Bounds of one answer; more is EIO. */
#define EC2_XML_RECORDS_MAX 100000 /* clouds that do not page give all at once */
#define EC2_XML_REGIONS_MAX 256
/* Bounds of one record; more is left out of it. */
#define EC2_XML_TAGS_MAX    128 /* 50 of the user's and AWS's own */
#define EC2_XML_FIELDS_MAX  64

/* All return 0, -ENOMEM or -EIO with a reason: no XML, another root, cut, past the bounds. */

/* DescribeSnapshotsResponse. */
int ec2_xml_snapshots(const char *body, size_t len, struct ec2_page **out, struct err *err);

/* The same piece by piece. in_parts: records may be taken while more of them are read. */
struct ec2_snapshots_reader;
struct ec2_snapshots_reader *ec2_snapshots_reader_create(bool in_parts); /* NULL on ENOMEM */
int ec2_snapshots_reader_read(
	struct ec2_snapshots_reader *r, const char *data, size_t len, struct err *err);
/* Records that were read and not taken yet, the caller's from now on; NULL: too few to be worth it.
 */
struct ec2_page *ec2_snapshots_reader_part(struct ec2_snapshots_reader *r);
/* The page's end: all that is not in a part, and the token. Once, as the last call. */
int ec2_snapshots_reader_end(
	struct ec2_snapshots_reader *r, struct ec2_page **out, struct err *err);
void ec2_snapshots_reader_destroy(struct ec2_snapshots_reader *r); /* NULL is permitted */

/* DescribeRegionsResponse: names of regions that are enabled and whose name has a region's form;
 * how many others there are, and the first one of the other form. */
struct ec2_regions {
	char (*names)[ENDPOINT_REGION_SIZE];
	size_t n, n_disabled, n_refused;
	char refused[ENDPOINT_REGION_SIZE]; /* as it came: not safe to show */
};
int ec2_xml_regions(const char *body, size_t len, struct ec2_regions *out, struct err *err);
void ec2_regions_finish(struct ec2_regions *regions);

/* The texts of a few elements of an answer that is small: for each wanted path below the root
 * ("snapshotId", "GetCallerIdentityResult/Account") its text is written to `out` of `size`, cut if
 * it is longer, "" if absent. root: the element that the answer must be. */
struct ec2_xml_text {
	const char *path;
	char *out;
	size_t size;
};
int ec2_xml_texts(const char *body, size_t len, const char *root, const struct ec2_xml_text *texts,
	size_t n_texts, struct err *err);

#endif
