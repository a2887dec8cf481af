/* SPDX-License-Identifier: MIT */
/* One image (AMI) and its disks. */
#ifndef EBSFS_SIM_IMAGE_H
#define EBSFS_SIM_IMAGE_H

#include "sim_snapshot.h"

struct sim_image_disk {
	char *device;
	char *snapshot_id;  /* NULL: an empty volume, or none */
	char *virtual_name; /* "ephemeral0" */
	char *type;
	char *kms_key_id;
	uint32_t gib;
	int iops, throughput;
	bool encrypted, keep; /* keep: not deleted on termination */
};

/* Strings are on the heap; NULL: absent. An image stays in memory after its end: its name is taken
 * for a while. */
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
	char *state;   /* set by a world or a test; NULL: by its age */
	char *message; /* the reason of a failure */
	bool ena;
	struct sim_image_disk *disks;
	size_t n_disks;
	struct sim_tags tags;
	int64_t created_ms; /* wall clock */
	struct sim_run run; /* from pending to available */
	int64_t visible_at; /* monotonic */
	bool deregistered;
	int64_t gone_at; /* monotonic: shown, and its name taken, until then */
};

void sim_image_disk_finish(struct sim_image_disk *disk);
void sim_image_finish(struct sim_image *image);

#endif
