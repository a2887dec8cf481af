/* SPDX-License-Identifier: MIT */
/* Reads EC2's responses from XML into records. Pure: safe in the thread pool. */
#ifndef EBSFS_EC2_XML_H
#define EBSFS_EC2_XML_H

#include "ec2.h"
#include "ec2_images.h"
#include "ec2_record.h"
#include "ec2_volumes.h"
#include "endpoint.h"

/* Bounds of one response; a larger one is EIO. */
#define EC2_XML_RECORDS_MAX 100000 /* clouds without paging send all snapshots in one response */
#define EC2_XML_REGIONS_MAX 256
/* Bounds of one record; what exceeds them is left out. */
#define EC2_XML_TAGS_MAX    128 /* the user's 50, and AWS's own */
#define EC2_XML_FIELDS_MAX  64

/* Parsers of whole responses. Each returns 0, -ENOMEM, or -EIO with a reason: not XML, another root
 * element, cut, exceeds the bounds. */

/* DescribeSnapshotsResponse. */
int ec2_xml_snapshots(const char *body, size_t len, struct ec2_page **out, struct err *err);

/* Reads DescribeSnapshotsResponse piece by piece. in_parts: records may be taken while later ones
 * are being read. */
struct ec2_snapshots_reader;
struct ec2_snapshots_reader *ec2_snapshots_reader_create(bool in_parts); /* NULL on ENOMEM */
int ec2_snapshots_reader_read(
	struct ec2_snapshots_reader *r, const char *data, size_t len, struct err *err);
/* Returns the records that were read since the last part; the caller owns them. NULL while they are
 * too few for a part. */
struct ec2_page *ec2_snapshots_reader_part(struct ec2_snapshots_reader *r);
/* Returns the rest of the page: the records that no part has, and the token. Call it once, last. */
int ec2_snapshots_reader_end(
	struct ec2_snapshots_reader *r, struct ec2_page **out, struct err *err);
void ec2_snapshots_reader_destroy(struct ec2_snapshots_reader *r); /* NULL is permitted */

/* DescribeRegionsResponse: the names of enabled regions with a well-formed name, the number of
 * other regions, and the first malformed name. */
struct ec2_regions {
	char (*names)[ENDPOINT_REGION_SIZE];
	size_t n, n_disabled, n_refused;
	char refused[ENDPOINT_REGION_SIZE]; /* as received: not safe to show */
};
int ec2_xml_regions(const char *body, size_t len, struct ec2_regions *out, struct err *err);
void ec2_regions_finish(struct ec2_regions *regions);

/* DescribeVolumesResponse and DescribeImagesResponse: the records with a well-formed id. more: the
 * response has a token for a next page. */
struct ec2_volumes {
	struct ec2_volume *volumes;
	size_t n;
	bool more;
};
int ec2_xml_volumes(const char *body, size_t len, struct ec2_volumes *out, struct err *err);
void ec2_volumes_finish(struct ec2_volumes *volumes);
struct ec2_images {
	struct ec2_image *images;
	size_t n;
	bool more;
};
int ec2_xml_images(const char *body, size_t len, struct ec2_images *out, struct err *err);
void ec2_images_finish(struct ec2_images *images);

/* DescribeAvailabilityZonesResponse: the zones that the account may use, sorted by name, and the
 * first malformed name, safe to show. */
struct ec2_zones {
	struct ec2_zone *zones;
	size_t n, n_refused;
	char refused[EC2_ZONE_SIZE];
	bool opted_out, malformed; /* state of the zone being read */
};
int ec2_xml_zones(const char *body, size_t len, struct ec2_zones *out, struct err *err);
void ec2_zones_finish(struct ec2_zones *zones);

#endif
