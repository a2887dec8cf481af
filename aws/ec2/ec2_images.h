/* SPDX-License-Identifier: MIT */
/* EC2's calls for images (AMIs). */
#ifndef EBSFS_EC2_IMAGES_H
#define EBSFS_EC2_IMAGES_H

#include "ec2.h"

/* Characters of an image's name; RegisterImage. */
#define EC2_IMAGE_NAME_MIN 3
#define EC2_IMAGE_NAME_MAX 128

enum ec2_image_state {
	EC2_IMAGE_UNKNOWN, /* another state, in words in state_text: transient, invalid, error, … */
	EC2_IMAGE_PENDING,
	EC2_IMAGE_AVAILABLE,
	EC2_IMAGE_FAILED,
	EC2_IMAGE_DEREGISTERED, /* still shown for a short while */
	EC2_IMAGE_DISABLED,
};

/* A disk of an image. */
struct ec2_image_disk {
	char device[EC2_DEVICE_SIZE];  /* "/dev/xvda" */
	char snapshot_id[EC2_ID_SIZE]; /* "": another kind of disk */
	char type[24];                 /* of the volume made of it: "gp3"; "": absent */
	unsigned size_gib;             /* 0: absent */
};

/* An image as EC2 describes it. Texts are "" if absent, and cut to fit; line feeds and other
 * control characters are replaced. */
struct ec2_image {
	char id[EC2_ID_SIZE]; /* checked by ec2_is_image_id() */
	char owner_id[16];
	char state_text[24];
	char state_code[64], state_message[256]; /* the reason of a failure */
	char name[EC2_IMAGE_NAME_MAX * 4 + 1];
	char description[EC2_DESCRIPTION_MAX * 4 + 1];
	char architecture[24];
	char boot_mode[24]; /* "": the instance type's default */
	char root_device[EC2_DEVICE_SIZE];
	char virtualization[16];
	char tpm[16], imds[16];
	char platform[64]; /* for the bill: "Linux/UNIX" */
	char created[32];  /* as EC2 wrote it */
	enum ec2_image_state state;
	bool ena;
	struct ec2_image_disk *disks; /* owned by the image */
	size_t n_disks;
};

/* Returns whether the text is "ami-" and 8 to 59 hex digits. */
static inline bool ec2_is_image_id(const char *text)
{
	return ec2_is_id(text, "ami-");
}

/* A disk of a new image. */
struct ec2_new_disk {
	const char *device;
	const char *snapshot_id;
	const char *type; /* NULL: not sent */
};

/* RegisterImage. EC2's own defaults (i386, paravirtual, no ENA) are of 2009: architecture is
 * always sent, with hvm and ENA. Not idempotent and without a client token; but the name is unique
 * in the account and region, so a second request for it is EEXIST (InvalidAMIName.Duplicate):
 * describe it by its name, and compare. EC2 keeps a deregistered image's name for a while.
 * Signature Version 2 lacks the parameters: EOPNOTSUPP. */
struct ec2_register_image {
	const char *region;
	const char *name;
	const char *description;  /* NULL: not sent */
	const char *architecture; /* "x86_64", "arm64", … */
	const char *boot_mode;    /* NULL: not sent; "legacy-bios", "uefi", "uefi-preferred" */
	const char *root_device;  /* one of the disks' devices */
	const struct ec2_new_disk *disks;
	size_t n_disks;
	const char *tpm;  /* NULL: not sent; "v2.0", which needs uefi */
	const char *imds; /* NULL: not sent; "v2.0" */
	const struct ec2_tag *tags;
	size_t n_tags;
	/* Success (EC2's DryRunOperation) has image_id NULL. If there is an id, the endpoint
	 * ignores DryRun and has registered it. */
	bool dry_run;
};
/* request_id: EC2's, "" if the response has none; NULL on failure, where err has it. */
typedef void ec2_image_done(
	void *arg, const char *image_id, const char *request_id, const struct err *err);
struct aws_call *ec2_register_image(
	struct aws *aws, const struct ec2_register_image *in, ec2_image_done *done, void *arg);

/* DescribeImages, all in one response. By ids an unknown one fails the call (ENOENT,
 * InvalidAMIID.NotFound) and a deregistered one is missing; by the filter image-id either is
 * missing. Without owners EC2 describes public images too. */
struct ec2_describe_images {
	const char *region;
	const char *const *ids;    /* NULL-terminated; NULL: without this condition */
	const char *const *owners; /* NULL-terminated; NULL: without this condition */
	/* "name", "image-id", "block-device-mapping.snapshot-id", … */
	const struct ec2_filter *filters;
	size_t n_filters;
	bool disabled;   /* disabled images too */
	bool deprecated; /* others' deprecated images too; one's own are always described */
};
/* The array is borrowed for the call of done; in EC2's order; on failure NULL, and *err. more: the
 * endpoint has cut its response. */
typedef void ec2_images_done(
	void *arg, const struct ec2_image *images, size_t n, bool more, const struct err *err);
struct aws_call *ec2_describe_images(
	struct aws *aws, const struct ec2_describe_images *in, ec2_images_done *done, void *arg);

#endif
