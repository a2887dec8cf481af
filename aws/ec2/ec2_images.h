/* SPDX-License-Identifier: MIT */
/* EC2's calls for images (AMIs). */
#ifndef EBSFS_EC2_IMAGES_H
#define EBSFS_EC2_IMAGES_H

#include "ec2.h"

/* Length of an image's name, in characters; RegisterImage. */
#define EC2_IMAGE_NAME_MIN 3
#define EC2_IMAGE_NAME_MAX 128

enum ec2_image_state {
	EC2_IMAGE_UNKNOWN, /* another state, which state_text holds: transient, invalid, error, … */
	EC2_IMAGE_PENDING,
	EC2_IMAGE_AVAILABLE,
	EC2_IMAGE_FAILED,
	EC2_IMAGE_DEREGISTERED, /* EC2 still describes it for a short while */
	EC2_IMAGE_DISABLED,
};

/* A disk of an image. */
struct ec2_image_disk {
	char device[EC2_DEVICE_SIZE];  /* "/dev/xvda" */
	char snapshot_id[EC2_ID_SIZE]; /* "": the disk is not made from a snapshot */
	char type[24];     /* type of the volume that EC2 makes from it: "gp3"; "": absent */
	unsigned size_gib; /* 0: absent */
};

/* An image, as EC2 describes it. Absent texts are ""; long texts are cut to fit, and line feeds and
 * other control characters are replaced. */
struct ec2_image {
	char id[EC2_ID_SIZE]; /* passed ec2_is_image_id() */
	char owner_id[16];
	char state_text[24];
	char state_code[64], state_message[256]; /* the reason of a failed registration */
	char name[EC2_IMAGE_NAME_MAX * 4 + 1];
	char description[EC2_DESCRIPTION_MAX * 4 + 1];
	char architecture[24];
	char boot_mode[24]; /* "": the instance type's default */
	char root_device[EC2_DEVICE_SIZE];
	char virtualization[16];
	char tpm[16], imds[16];
	char platform[64]; /* as on AWS's bill: "Linux/UNIX" */
	char created[32];  /* the date in EC2's text form */
	enum ec2_image_state state;
	bool ena;
	struct ec2_image_disk *disks; /* freed with the image */
	size_t n_disks;
};

/* Returns whether the text is "ami-" and 8 to 59 hex digits. */
static inline bool ec2_is_image_id(const char *text)
{
	return ec2_is_id(text, "ami-");
}

/* A disk of an image to register. */
struct ec2_new_disk {
	const char *device;
	const char *snapshot_id;
	const char *type; /* NULL: not sent */
};

/* RegisterImage. EC2's own defaults (i386, paravirtual, no ENA) are of 2009, so architecture, hvm
 * and ENA are always sent. The call is not idempotent and has no client token, but the name is
 * unique in the account and region: a second request for the same name is EEXIST
 * (InvalidAMIName.Duplicate); then describe the image with that name, and compare. EC2 keeps a
 * deregistered image's name for a while. Signature Version 2 lacks the parameters: EOPNOTSUPP. */
struct ec2_register_image {
	const char *region;
	const char *name;
	const char *description;  /* NULL: not sent */
	const char *architecture; /* "x86_64", "arm64", … */
	const char *boot_mode;    /* NULL: not sent; "legacy-bios", "uefi", "uefi-preferred" */
	const char *root_device;  /* the device name of one of the disks */
	const struct ec2_new_disk *disks;
	size_t n_disks;
	const char *tpm;  /* NULL: not sent; "v2.0", which needs uefi */
	const char *imds; /* NULL: not sent; "v2.0" */
	const struct ec2_tag *tags;
	size_t n_tags;
	/* EC2's DryRunOperation is success, with image_id NULL. If image_id is not NULL, the
	 * endpoint has ignored DryRun and has registered the image. */
	bool dry_run;
};
/* request_id: EC2's, "" if the response has none; NULL on failure (err->request_id has it then). */
typedef void ec2_image_done(
	void *arg, const char *image_id, const char *request_id, const struct err *err);
struct aws_call *ec2_register_image(
	struct aws *aws, const struct ec2_register_image *in, ec2_image_done *done, void *arg);

/* DescribeImages; EC2 sends all images in one response. With ids, an unknown id fails the call
 * (ENOENT, InvalidAMIID.NotFound) and a deregistered image is missing from the response; with the
 * filter image-id, both are missing. Without owners EC2 describes public images too. */
struct ec2_describe_images {
	const char *region;
	const char *const *ids;    /* NULL-terminated; NULL: no condition */
	const char *const *owners; /* NULL-terminated; NULL: no condition */
	/* "name", "image-id", "block-device-mapping.snapshot-id", … */
	const struct ec2_filter *filters;
	size_t n_filters;
	bool disabled;   /* include disabled images */
	bool deprecated; /* include other accounts' deprecated images; the account's own are always
			  * described */
};
/* The images, in EC2's order; freed when done returns. On failure NULL, and *err. more: the
 * endpoint has cut its response. */
typedef void ec2_images_done(
	void *arg, const struct ec2_image *images, size_t n, bool more, const struct err *err);
struct aws_call *ec2_describe_images(
	struct aws *aws, const struct ec2_describe_images *in, ec2_images_done *done, void *arg);

#endif
