/* SPDX-License-Identifier: MIT */
/* RegisterImage: the image's name, its features, whose defaults are those of 2009 (i386,
 * paravirtual), and its disks. */
#include <string.h>

#include "num.h"
#include "sim_actions.h"
#include "sim_image_calls.h"
#include "sim_tags.h"
#include "sim_text.h"

#define NAME_MIN        3
#define NAME_MAX        128
#define DESCRIPTION_MAX 255

const char *const sim_register_params[] = {"Name", "Description", "Architecture", "RootDeviceName",
	"VirtualizationType", "EnaSupport", "SriovNetSupport", "BootMode", "TpmSupport",
	"ImdsSupport", "UefiData", "BlockDeviceMapping.#.DeviceName",
	"BlockDeviceMapping.#.VirtualName", "BlockDeviceMapping.#.NoDevice",
	"BlockDeviceMapping.#.Ebs.SnapshotId", "BlockDeviceMapping.#.Ebs.VolumeType",
	"BlockDeviceMapping.#.Ebs.VolumeSize", "BlockDeviceMapping.#.Ebs.Iops",
	"BlockDeviceMapping.#.Ebs.Throughput", "BlockDeviceMapping.#.Ebs.DeleteOnTermination",
	"BlockDeviceMapping.#.Ebs.Encrypted", "BlockDeviceMapping.#.Ebs.KmsKeyId",
	"TagSpecification.#.ResourceType", "TagSpecification.#.Tag.#.Key",
	"TagSpecification.#.Tag.#.Value", NULL};

static int register_check_name(struct sim_call *c, const char *name)
{
	size_t len = strlen(name);

	if (len < NAME_MIN || len > NAME_MAX ||
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			     "()[] ./-'@_") != len)
		return sim_fail(c, 400, "InvalidAMIName.Malformed",
			"AMI names must be between %d and %d characters long, and may contain "
			"letters, numbers, '(', ')', '.', '-', '/' and '_'",
			NAME_MIN, NAME_MAX);
	return 0;
}

/* Refuses a name that another image has. A deregistered image has its name until it is gone. */
static int register_check_duplicate(struct sim_call *c, const char *name)
{
	for (size_t i = 0; i < c->region->n_images; i++) {
		const struct sim_image *image = &c->region->images[i];

		if (image->name && !strcmp(image->name, name) &&
			!strcmp(image->owner_id, c->key->account) &&
			sim_image_state(c->region, image, c->now))
			return sim_fail(c, 400, "InvalidAMIName.Duplicate",
				"AMI name %s is already in use by AMI %s", name, image->id);
	}
	return 0;
}

/* Copies to *out the value of a parameter that must be one of the words. The first word is the
 * default; if it is "", there is no default. */
static int register_read_word(
	struct sim_call *c, const char *name, const char *const *words, char **out)
{
	const char *value = sim_params_get(c->params, name);

	if (!value && !**words)
		return 0;
	for (const char *const *word = words; *word; word++) {
		if (strcmp(*word, value ? value : *words) != 0 || !**word)
			continue;
		*out = strdup(*word);
		return *out ? 0 : sim_fail_memory(c);
	}
	return sim_fail(c, 400, "InvalidParameterValue", "Value (%s) for parameter %s is invalid.",
		value, name);
}

static int register_read_words(struct sim_call *c, struct sim_image *image)
{
	static const char *const architectures[] = {
		"i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac", NULL};
	static const char *const virtualizations[] = {"paravirtual", "hvm", NULL};
	static const char *const boot_modes[] = {"", "legacy-bios", "uefi", "uefi-preferred", NULL};
	static const char *const v2[] = {"", "v2.0", NULL};
	static const char *const sriov[] = {"", "simple", NULL};

	if (register_read_word(c, "Architecture", architectures, &image->architecture) < 0 ||
		register_read_word(
			c, "VirtualizationType", virtualizations, &image->virtualization) < 0 ||
		register_read_word(c, "BootMode", boot_modes, &image->boot_mode) < 0 ||
		register_read_word(c, "TpmSupport", v2, &image->tpm) < 0 ||
		register_read_word(c, "ImdsSupport", v2, &image->imds) < 0 ||
		register_read_word(c, "SriovNetSupport", sriov, &image->sriov) < 0)
		return -1;
	return sim_call_bool(c, "EnaSupport", &image->ena);
}

static int register_check_words(struct sim_call *c, const struct sim_image *image)
{
	bool hvm = !strcmp(image->virtualization, "hvm"),
	     uefi = image->boot_mode && !strcmp(image->boot_mode, "uefi"),
	     arm = !strncmp(image->architecture, "arm64", 5);

	if (!hvm && (image->ena || image->sriov || image->boot_mode || arm))
		return sim_fail(c, 400, "InvalidParameterCombination",
			"Enhanced networking, a boot mode and the architecture '%s' require the "
			"virtualization type 'hvm'.",
			image->architecture);
	if (arm && image->boot_mode && !uefi)
		return sim_fail(c, 400, "InvalidParameterCombination",
			"The boot mode '%s' is not supported for the architecture '%s'.",
			image->boot_mode, image->architecture);
	if (image->tpm && !uefi)
		return sim_fail(c, 400, "InvalidParameterCombination",
			"TpmSupport requires the boot mode 'uefi'.");
	return 0;
}

/* --- the disks --- */

static const char *disk_param(const struct sim_call *c, size_t number, const char *name)
{
	return sim_params_getf(c->params, "BlockDeviceMapping.%zu.%s", number, name);
}

static int disk_fail(struct sim_call *c, const char *device, const char *what)
{
	return sim_fail(c, 400, "InvalidBlockDeviceMapping", "The device '%s' %s", device, what);
}

/* Checks the snapshot of a disk, and that the request has no parameter that a snapshot forbids. */
static int disk_read_snapshot(
	struct sim_call *c, size_t number, const char *id, struct sim_image_disk *disk)
{
	struct sim_bulk_scratch scratch;
	const struct sim_snapshot *s;

	if (sim_call_check_id(c, "snap", "snapshotId", id) < 0)
		return -1;
	s = sim_region_find(c->region, id, &scratch);
	if (!s || s->deleted || !sim_call_may_see(c, s))
		return sim_fail(c, 400, "InvalidSnapshot.NotFound",
			"The snapshot '%s' does not exist.", id);
	if (disk_param(c, number, "Ebs.Encrypted"))
		return sim_fail(c, 400, "InvalidBlockDeviceMapping",
			"the encrypted flag cannot be specified since device %s has a snapshot "
			"specified.",
			disk->device);
	if (sim_call_check_usable(c, s) < 0)
		return -1;
	if (disk->gib && disk->gib < s->volume_gib)
		return sim_fail(c, 400, "InvalidBlockDeviceMapping",
			"Volume of size %u GB is smaller than snapshot '%s', expect size >= %u GB",
			disk->gib, id, s->volume_gib);
	if (!disk->gib)
		disk->gib = s->volume_gib;
	disk->encrypted = s->encrypted;
	disk->snapshot_id = strdup(id);
	return disk->snapshot_id ? 0 : sim_fail_memory(c);
}

static int disk_read_figure(struct sim_call *c, size_t number, const char *name, int64_t *out)
{
	const char *text = disk_param(c, number, name);

	*out = 0;
	if (text && num_parse_i64(text, strlen(text), 1, INT32_MAX, out) < 0)
		return sim_fail(c, 400, "InvalidParameterValue",
			"Value (%s) for parameter %s is invalid.", text, name);
	return 0;
}

/* Reads a disk's type, size, IOPS and throughput. The default type is "standard", as in EC2. */
static int disk_read_type(struct sim_call *c, size_t number, struct sim_image_disk *disk)
{
	const char *name = disk_param(c, number, "Ebs.VolumeType");
	const struct sim_volume_type *type = sim_volume_type(name ? name : "standard");
	int64_t gib, iops, throughput;

	if (!type)
		return sim_fail(c, 400, "InvalidParameterValue",
			"Value (%s) for parameter volumeType is invalid.", name);
	if (disk_read_figure(c, number, "Ebs.VolumeSize", &gib) < 0 ||
		disk_read_figure(c, number, "Ebs.Iops", &iops) < 0 ||
		disk_read_figure(c, number, "Ebs.Throughput", &throughput) < 0)
		return -1;
	if (iops && (iops < type->min_iops || iops > type->max_iops))
		return sim_fail(c, 400, "InvalidParameterCombination",
			"The parameter iops is not valid for %s volumes.", type->name);
	if (throughput && (throughput < type->min_throughput || throughput > type->max_throughput))
		return sim_fail(c, 400, "InvalidParameterCombination",
			"The parameter throughput is not valid for %s volumes.", type->name);
	if (!iops && type->iops_required)
		return sim_fail(
			c, 400, "MissingParameter", "The request must contain the parameter iops");
	disk->gib = (uint32_t)gib;
	disk->iops = iops ? (int)iops : type->iops_required ? 0 : type->iops;
	disk->throughput = throughput ? (int)throughput : type->min_throughput;
	disk->type = strdup(type->name);
	return disk->type ? 0 : sim_fail_memory(c);
}

static int disk_read(struct sim_call *c, size_t number, struct sim_image_disk *disk)
{
	const char *device = disk_param(c, number, "DeviceName"),
		   *virtual_name = disk_param(c, number, "VirtualName"),
		   *snapshot = disk_param(c, number, "Ebs.SnapshotId"),
		   *deleted = disk_param(c, number, "Ebs.DeleteOnTermination");

	if (!device || !*device)
		return sim_fail(c, 400, "MissingParameter",
			"The request must contain the parameter BlockDeviceMapping.%zu.DeviceName",
			number);
	disk->device = strdup(device);
	if (!disk->device)
		return sim_fail_memory(c);
	if (virtual_name) {
		disk->virtual_name = strdup(virtual_name);
		return disk->virtual_name ? 0 : sim_fail_memory(c);
	}
	if (disk_param(c, number, "Ebs.KmsKeyId"))
		return sim_fail(c, 400, "InvalidParameterCombination",
			"KmsKeyId is not supported by RegisterImage.");
	if (disk_read_type(c, number, disk) < 0)
		return -1;
	disk->keep = deleted && !strcmp(deleted, "false");
	if (snapshot)
		return disk_read_snapshot(c, number, snapshot, disk);
	if (!disk->gib)
		return disk_fail(c, device, "has neither a snapshot nor a size");
	return 0;
}

static int register_read_disks(struct sim_call *c, struct sim_image *image)
{
	_cleanup_free_ size_t *numbers = NULL;
	int n = sim_params_numbers(c->params, "BlockDeviceMapping.", &numbers);

	if (n < 0)
		return sim_fail_memory(c);
	image->disks = calloc((size_t)n + 1, sizeof(*image->disks));
	if (!image->disks)
		return sim_fail_memory(c);
	for (int i = 0; i < n; i++) {
		struct sim_image_disk *disk = &image->disks[image->n_disks++];

		if (disk_read(c, numbers[i], disk) < 0)
			return -1;
		for (size_t j = 0; j + 1 < image->n_disks; j++)
			if (!strcmp(image->disks[j].device, disk->device))
				return disk_fail(c, disk->device,
					"is used in more than one block-device mapping");
	}
	return 0;
}

static int register_check_root(struct sim_call *c, const struct sim_image *image)
{
	const struct sim_image_disk *root = NULL;

	for (size_t i = 0; i < image->n_disks; i++)
		if (!strcmp(image->disks[i].device, image->root_device))
			root = &image->disks[i];
	if (!root || !root->snapshot_id)
		return sim_fail(c, 400, "InvalidBlockDeviceMapping",
			"The root device '%s' has no snapshot in the block device mapping.",
			image->root_device);
	if (!sim_volume_type(root->type)->boots)
		return sim_fail(c, 400, "BootForVolumeTypeUnsupported",
			"The volume type '%s' cannot be used as a boot volume.", root->type);
	return 0;
}

/* --- the request --- */

static int register_parse(struct sim_call *c, struct sim_image *image)
{
	const char *name = sim_call_required(c, "Name"),
		   *description = sim_params_get(c->params, "Description"), *root;

	if (!name || register_check_name(c, name) < 0 ||
		(description &&
			sim_call_check_text(c, "Description", description, DESCRIPTION_MAX) < 0))
		return -1;
	root = sim_call_required(c, "RootDeviceName");
	if (!root)
		return -1;
	image->name = strdup(name);
	image->description = description ? strdup(description) : NULL;
	image->root_device = strdup(root);
	image->owner_id = strdup(c->key->account);
	if (!image->name || !image->root_device || !image->owner_id ||
		!description != !image->description)
		return sim_fail_memory(c);
	if (register_read_words(c, image) < 0 || register_check_words(c, image) < 0)
		return -1;
	return sim_tags_from_specification(c, "image", &image->tags);
}

static int register_store(struct sim_call *c, struct sim_image *image)
{
	struct sim_region *r = c->region;
	struct sim_image *grown = realloc(r->images, (r->n_images + 1) * sizeof(*grown));
	char id[32];

	if (!grown)
		return sim_fail_memory(c);
	r->images = grown;
	sim_region_new_id(c->world, r, "ami", id);
	image->id = strdup(id);
	if (!image->id)
		return sim_fail_memory(c);
	image->created_ms = c->now.wall;
	image->visible_at = sim_call_shown_at(c);
	sim_region_start_run(
		r, &image->run, sim_world_draw(c->world, c->world->behaviour.volume_ms), c->now);
	grown[r->n_images++] = *image;
	*image = (struct sim_image){0};
	r->images_registered++;
	sim_call_begin(c);
	sim_xml_leaf(&c->xml, "imageId", id);
	return sim_call_end(c);
}

int sim_register_image(struct sim_call *c)
{
	_cleanup_(sim_image_finish) struct sim_image image = {0};

	sim_region_settle(c->region, c->now);
	if (register_parse(c, &image) < 0 ||
		(image.tags.n && sim_access_authorize(c, "CreateTags") < 0) ||
		register_read_disks(c, &image) < 0 || register_check_root(c, &image) < 0 ||
		sim_call_dry_run(c) < 0 || register_check_duplicate(c, image.name) < 0)
		return -1;
	return register_store(c, &image);
}
