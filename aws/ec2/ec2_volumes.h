/* SPDX-License-Identifier: MIT */
/* EC2's calls for volumes, and for the zones that volumes are made in. */
#ifndef EBSFS_EC2_VOLUMES_H
#define EBSFS_EC2_VOLUMES_H

#include "ec2.h"

#define EC2_CLIENT_TOKEN_MAX 64 /* ASCII characters; CreateVolume, ClientToken */

enum ec2_volume_state {
	EC2_VOLUME_UNKNOWN, /* the response has another state, which state_text holds */
	EC2_VOLUME_CREATING,
	EC2_VOLUME_AVAILABLE,
	EC2_VOLUME_IN_USE,
	EC2_VOLUME_DELETING,
	EC2_VOLUME_DELETED,
	EC2_VOLUME_ERROR,
};

/* A volume, as EC2 describes it. Absent texts are ""; long texts are cut to fit, and line feeds and
 * other control characters are replaced. */
struct ec2_volume {
	char id[EC2_ID_SIZE]; /* passed ec2_is_volume_id() */
	char snapshot_id[EC2_ID_SIZE];
	char zone[EC2_ZONE_SIZE], zone_id[EC2_ZONE_SIZE];
	char state_text[24];
	char type[24]; /* "gp3" */
	char kms_key_id[EC2_KEY_SIZE];
	/* The first attachment: the instance, and the device's name on it. */
	char instance_id[EC2_ID_SIZE], device[EC2_DEVICE_SIZE];
	enum ec2_volume_state state;
	enum ec2_encryption encryption;
	unsigned size_gib;   /* 0: absent */
	unsigned iops;       /* 0: absent */
	unsigned throughput; /* MiB/s; 0: absent */
	int64_t created_ms;  /* since 1970; 0: absent */
};

/* Returns whether the text is "vol-" and 8 to 59 hex digits. */
static inline bool ec2_is_volume_id(const char *text)
{
	return ec2_is_id(text, "vol-");
}

/* CreateVolume, from a snapshot in the region. The call is idempotent by client_token: EC2 returns
 * the same volume for the same token and parameters, so a call without a response may be sent
 * again, by this client (which does so) or by the caller. The same token with other parameters, or
 * after its volume was deleted, is EEXIST: IdempotentParameterMismatch. Signature Version 2 has no
 * such token: EOPNOTSUPP. EC2 checks the KMS key later: a volume with an unusable key is
 * "creating", and then disappears. */
struct ec2_create_volume {
	const char *region;
	const char *zone; /* the zone's name: "eu-west-1a" */
	const char *snapshot_id;
	const char
		*client_token; /* at most EC2_CLIENT_TOKEN_MAX characters; NULL only in a dry run */
	const char *type;      /* NULL: not sent; EC2's default is gp2 */
	unsigned size_gib;     /* 0: not sent, and EC2 uses the snapshot's size */
	unsigned iops;         /* 0: not sent */
	unsigned throughput;   /* MiB/s; 0: not sent */
	unsigned initialization_rate; /* MiB/s; costs extra; 0: not sent */
	bool encrypted;               /* true: sent; false: not sent */
	const char *kms_key_id;       /* NULL: not sent; needs encrypted */
	const struct ec2_tag *tags;
	size_t n_tags;
	/* EC2's DryRunOperation is success, with volume NULL. If volume is not NULL, the endpoint
	 * has ignored DryRun and has made the volume. */
	bool dry_run;
};
/* volume and request_id are freed when done returns. request_id: EC2's, "" if the response has
 * none. Both are NULL on failure; err->request_id has the request's id then. */
typedef void ec2_volume_done(
	void *arg, const struct ec2_volume *volume, const char *request_id, const struct err *err);
struct aws_call *ec2_create_volume(
	struct aws *aws, const struct ec2_create_volume *in, ec2_volume_done *done, void *arg);

/* DescribeVolumes; EC2 sends all volumes in one response. With ids, an unknown id fails the call
 * (ENOENT, InvalidVolume.NotFound); with the filter volume-id, the volume is only missing. Filters
 * have at most EC2_FILTER_VALUES_MAX values together. Without ids and filters EC2 describes every
 * volume. */
struct ec2_describe_volumes {
	const char *region;
	const char *const *ids;           /* NULL-terminated; NULL: no condition */
	const struct ec2_filter *filters; /* "volume-id", "snapshot-id", "tag:…", … */
	size_t n_filters;
};
/* The volumes, in EC2's order; freed when done returns. On failure NULL, and *err. more: the
 * endpoint has cut its response. */
typedef void ec2_volumes_done(
	void *arg, const struct ec2_volume *volumes, size_t n, bool more, const struct err *err);
struct aws_call *ec2_describe_volumes(
	struct aws *aws, const struct ec2_describe_volumes *in, ec2_volumes_done *done, void *arg);

enum ec2_zone_type {
	EC2_ZONE_OTHER, /* another type, or the response has none: clouds without types have
			 * ordinary zones */
	EC2_ZONE_AVAILABILITY,
	EC2_ZONE_LOCAL,
	EC2_ZONE_WAVELENGTH,
};

/* A zone of a region. Its name is safe as a file's name: see endpoint_is_region(). */
struct ec2_zone {
	char name[EC2_ZONE_SIZE];
	char id[EC2_ZONE_SIZE];     /* names the same zone in all accounts; "" if absent */
	char state[24];             /* "available", "information", "impaired", "unavailable", … */
	char parent[EC2_ZONE_SIZE]; /* of a Local or Wavelength Zone: the zone that it belongs to;
				     * "" if absent */
	enum ec2_zone_type type;
};

/* DescribeAvailabilityZones: lists the region's zones that the account may use, sorted by name.
 * Local Zones and Wavelength Zones are among them only if the account has opted in. Zones with
 * malformed names are left out, with a warning in the log. The array is freed when done returns;
 * NULL on failure, with *err. */
typedef void ec2_zones_done(
	void *arg, const struct ec2_zone *zones, size_t n, const struct err *err);
struct aws_call *ec2_describe_zones(
	struct aws *aws, const char *region, ec2_zones_done *done, void *arg);

#endif
