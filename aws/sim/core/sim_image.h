/* SPDX-License-Identifier: MIT */
/* One image (AMI) and its disks. */
#ifndef EBSFS_SIM_IMAGE_H
#define EBSFS_SIM_IMAGE_H

#include "sim_snapshot.h"

struct sim_image_disk {
	char *device;
	char *snapshot_id;  /* NULL: the disk is an empty volume, or no volume */
	char *virtual_name; /* "ephemeral0" */
	char *type;
	char *kms_key_id;
	uint32_t gib;
	int iops, throughput;
	bool encrypted, keep; /* keep: not deleted on termination */
};

/* Strings are on the heap; NULL: absent. A deregistered image stays in memory: for a while no other
 * image can have its name. */
struct sim_image {
	char *id;
	char *owner_id;
	char *name;
	char *description;
	char *architecture;
	char *boot_mode;
	char *root_device;
	char *virtualization;
	char *tpm, *imds, *sriov;
	char *state;   /* as set by a world or a test; NULL: the state follows from `run` */
	char *message; /* the reason of a failure */
	bool ena;
	struct sim_image_disk *disks;
	size_t n_disks;
	struct sim_tags tags;
	int64_t created_ms; /* wall clock */
	struct sim_run run; /* from pending to available */
	int64_t visible_at; /* monotonic */
	bool deregistered;
	int64_t gone_at; /* of a deregistered image, monotonic: it is shown, and its name is taken,
			    until this time */
};

void sim_image_finish(struct sim_image *image);

#endif
