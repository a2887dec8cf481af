/* SPDX-License-Identifier: MIT */
/* One image (AMI) and its disks. */
#include "sim_image.h"

#include <stdlib.h>

static void image_disk_finish(struct sim_image_disk *disk)
{
	free(disk->device);
	free(disk->snapshot_id);
	free(disk->virtual_name);
	free(disk->type);
	free(disk->kms_key_id);
	*disk = (struct sim_image_disk){0};
}

void sim_image_finish(struct sim_image *image)
{
	for (size_t i = 0; i < image->n_disks; i++)
		image_disk_finish(&image->disks[i]);
	free(image->disks);
	free(image->id);
	free(image->owner_id);
	free(image->name);
	free(image->description);
	free(image->architecture);
	free(image->boot_mode);
	free(image->root_device);
	free(image->virtualization);
	free(image->tpm);
	free(image->imds);
	free(image->sriov);
	free(image->state);
	free(image->message);
	sim_tags_finish(&image->tags);
	*image = (struct sim_image){0};
}
