/* SPDX-License-Identifier: MIT */
/* DescribeImages, and finding the image that uses a snapshot. */
#include "sim_image_calls.h"

#include <string.h>

#include "isotime.h"
#include "sim_actions.h"
#include "sim_filter.h"
#include "sim_page.h"

const char *const sim_images_params[] = {"ExecutableBy.#", "ImageId.#", "Owner.#",
	"IncludeDeprecated", "IncludeDisabled", "Filter.#.Name", "Filter.#.Value.#", "MaxResults",
	"NextToken", NULL};

static const char *const image_filters[] = {"architecture",
	"block-device-mapping.delete-on-termination", "block-device-mapping.device-name",
	"block-device-mapping.snapshot-id", "block-device-mapping.volume-size",
	"block-device-mapping.volume-type", "block-device-mapping.encrypted", "boot-mode",
	"creation-date", "description", "ena-support", "free-tier-eligible", "hypervisor",
	"image-allowed", "image-id", "image-type", "is-public", "kernel-id", "manifest-location",
	"name", "owner-alias", "owner-id", "platform", "product-code", "product-code.type",
	"ramdisk-id", "root-device-name", "root-device-type", "source-image-id",
	"source-image-region", "source-instance-id", "state", "state-reason-code",
	"state-reason-message", "sriov-net-support", "tag:", "tag-key", "virtualization-type",
	NULL};

#define FAILURE_CODE "Client.InternalError"

const char *sim_image_state(
	const struct sim_region *r, const struct sim_image *image, struct sim_time now)
{
	if (image->deregistered && now.mono >= image->gone_at)
		return NULL;
	if (image->state)
		return image->state;
	return image->run.on && !sim_region_run_is_over(r, &image->run, now) ? "pending"
									     : "available";
}

struct sim_image *sim_image_own(struct sim_call *c, const char *id)
{
	for (size_t i = 0; i < c->region->n_images; i++) {
		struct sim_image *image = &c->region->images[i];

		if (!strcmp(image->id, id) && !strcmp(image->owner_id, c->key->account) &&
			sim_image_state(c->region, image, c->now))
			return image;
	}
	sim_fail(c, 400, "InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id);
	return NULL;
}

const char *sim_image_using(const struct sim_call *c, const char *snapshot_id)
{
	for (size_t i = 0; i < c->region->n_images; i++) {
		const struct sim_image *image = &c->region->images[i];

		for (size_t j = 0; j < image->n_disks && !image->deregistered; j++)
			if (image->disks[j].snapshot_id &&
				!strcmp(image->disks[j].snapshot_id, snapshot_id))
				return image->id;
	}
	return NULL;
}

/* --- an image as an element --- */

static void image_write_ebs(struct sim_xml *x, const struct sim_image_disk *disk)
{
	sim_xml_open(x, "ebs");
	sim_xml_leaf(x, "snapshotId", disk->snapshot_id);
	sim_xml_number(x, "volumeSize", disk->gib);
	sim_xml_bool(x, "deleteOnTermination", !disk->keep);
	sim_xml_leaf(x, "volumeType", disk->type);
	if (disk->iops)
		sim_xml_number(x, "iops", disk->iops);
	if (disk->throughput)
		sim_xml_number(x, "throughput", disk->throughput);
	sim_xml_bool(x, "encrypted", disk->encrypted);
	sim_xml_close(x, "ebs");
}

static void image_write_disks(struct sim_xml *x, const struct sim_image *image)
{
	if (!image->n_disks) {
		sim_xml_leaf(x, "blockDeviceMapping", "");
		return;
	}
	sim_xml_open(x, "blockDeviceMapping");
	for (size_t i = 0; i < image->n_disks; i++) {
		const struct sim_image_disk *disk = &image->disks[i];

		sim_xml_open(x, "item");
		sim_xml_leaf(x, "deviceName", disk->device);
		if (disk->virtual_name)
			sim_xml_leaf(x, "virtualName", disk->virtual_name);
		else
			image_write_ebs(x, disk);
		sim_xml_close(x, "item");
	}
	sim_xml_close(x, "blockDeviceMapping");
}

static void image_write(struct sim_call *c, const struct sim_image *image, const char *state)
{
	struct sim_xml *x = &c->xml;
	_cleanup_buf_ struct buf location = BUF_INIT;

	buf_printf(&location, "%s/%s", image->owner_id, image->name ? image->name : "");
	sim_xml_open(x, "item");
	sim_xml_leaf(x, "imageId", image->id);
	sim_xml_leaf(x, "imageLocation", buf_str(&location));
	sim_xml_leaf(x, "imageState", state);
	sim_xml_leaf(x, "imageOwnerId", image->owner_id);
	sim_xml_time(x, "creationDate", image->created_ms);
	sim_xml_bool(x, "isPublic", false);
	sim_xml_leaf(x, "architecture", image->architecture);
	sim_xml_leaf(x, "imageType", "machine");
	sim_xml_leaf(x, "name", image->name);
	sim_xml_leaf(x, "description", image->description);
	sim_xml_leaf(x, "rootDeviceType", "ebs");
	sim_xml_leaf(x, "rootDeviceName", image->root_device);
	image_write_disks(x, image);
	sim_xml_leaf(x, "virtualizationType", image->virtualization);
	sim_xml_leaf(x, "hypervisor", "xen");
	sim_xml_leaf(x, "bootMode", image->boot_mode);
	sim_xml_leaf(x, "tpmSupport", image->tpm);
	sim_xml_leaf(x, "imdsSupport", image->imds);
	sim_xml_leaf(x, "sriovNetSupport", image->sriov);
	if (image->ena)
		sim_xml_bool(x, "enaSupport", true);
	sim_xml_leaf(x, "platformDetails", "Linux/UNIX");
	sim_xml_leaf(x, "usageOperation", "RunInstances");
	sim_xml_leaf(x, "deregistrationProtection", "disabled");
	if (image->message) {
		sim_xml_open(x, "stateReason");
		sim_xml_leaf(x, "code", FAILURE_CODE);
		sim_xml_leaf(x, "message", image->message);
		sim_xml_close(x, "stateReason");
	}
	sim_call_write_tags(c, &image->tags);
	sim_xml_close(x, "item");
}

/* --- DescribeImages --- */

struct images_query {
	const char **ids, **owners, **executable;
	int n_ids, n_owners, n_executable;
	struct sim_filters filters;
	struct sim_page page;
	bool disabled;
};

static void images_query_finish(struct images_query *q)
{
	free(q->ids);
	free(q->owners);
	free(q->executable);
	sim_filters_finish(&q->filters);
}

static bool image_disk_matches(const struct sim_filter *f, const struct sim_image *image)
{
	const char *field = f->name + strlen("block-device-mapping.");
	char size[16];

	for (size_t i = 0; i < image->n_disks; i++) {
		const struct sim_image_disk *disk = &image->disks[i];
		const char *value = !strcmp(field, "device-name")   ? disk->device
				    : !strcmp(field, "snapshot-id") ? disk->snapshot_id
				    : !strcmp(field, "volume-type") ? disk->type
				    : !strcmp(field, "volume-size") ? size
				    : !strcmp(field, "delete-on-termination")
					    ? disk->keep ? "false" : "true"
				    : disk->encrypted ? "true"
						      : "false";

		snprintf(size, sizeof(size), "%u", disk->gib);
		if (sim_filter_has(f, value))
			return true;
	}
	return false;
}

static bool image_tag_matches(const struct sim_filter *f, const struct sim_tags *tags)
{
	if (strcmp(f->name, "tag-key") != 0)
		return sim_filter_has(f, sim_tags_get(tags, f->name + strlen("tag:")));
	for (size_t i = 0; i < tags->n; i++)
		if (sim_filter_has(f, tags->items[i].key))
			return true;
	return false;
}

static bool image_filter_matches(
	const struct sim_filter *f, const struct sim_image *image, const char *state)
{
	char created[ISOTIME_SIZE];
	const struct {
		const char *filter, *value;
	} fields[] = {{"architecture", image->architecture}, {"boot-mode", image->boot_mode},
		{"creation-date", isotime_format_ms(image->created_ms, created)},
		{"description", image->description}, {"ena-support", image->ena ? "true" : "false"},
		{"hypervisor", "xen"}, {"image-id", image->id}, {"image-type", "machine"},
		{"is-public", "false"}, {"name", image->name}, {"owner-id", image->owner_id},
		{"root-device-name", image->root_device}, {"root-device-type", "ebs"},
		{"state", state}, {"state-reason-code", image->message ? FAILURE_CODE : NULL},
		{"state-reason-message", image->message}, {"sriov-net-support", image->sriov},
		{"virtualization-type", image->virtualization}};

	if (!strncmp(f->name, "tag", 3))
		return image_tag_matches(f, &image->tags);
	if (!strncmp(f->name, "block-device-mapping.", 21))
		return image_disk_matches(f, image);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!strcmp(fields[i].filter, f->name))
			return sim_filter_has(f, fields[i].value);
	return false;
}

static bool image_is_listed(const char **list, int n, const char *text)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(list[i], text))
			return true;
	return !n;
}

/* Whether this response can show the image. */
static bool image_is_candidate(struct sim_call *c, const struct sim_image *image,
	const struct images_query *q, const char *state)
{
	bool own = !strcmp(image->owner_id, c->key->account);

	return own && state && (q->disabled || strcmp(state, "disabled")) &&
	       image_is_listed(q->ids, q->n_ids, image->id) &&
	       (image_is_listed(q->owners, q->n_owners, "self") ||
		       image_is_listed(q->owners, q->n_owners, image->owner_id)) &&
	       image_is_listed(q->executable, q->n_executable, "self") &&
	       (q->n_ids || sim_call_is_visible(c, image->visible_at));
}

static size_t images_write(struct sim_call *c, const struct images_query *q)
{
	bool count_all;
	size_t size = sim_page_size(c, &q->page, &count_all), counted = 0;

	for (size_t i = q->page.start; i < c->region->n_images; i++) {
		const struct sim_image *image = &c->region->images[i];
		const char *state = sim_image_state(c->region, image, c->now);
		bool fit = true;

		if (!image_is_candidate(c, image, q, state))
			continue;
		for (int j = 0; j < q->filters.n && fit; j++)
			fit = image_filter_matches(&q->filters.items[j], image, state);
		if (!fit && !count_all)
			continue;
		if (counted++ == size)
			return i;
		if (fit)
			image_write(c, image, state);
	}
	return SIZE_MAX;
}

/* Checks the requested ids. An image's id is known as soon as the image is visible. That of a
 * deregistered image stays known for a while, in which the image is only missing in the response.
 */
static int images_check_ids(struct sim_call *c, const struct images_query *q)
{
	for (int i = 0; i < q->n_ids; i++) {
		bool known = false;

		if (strncmp(q->ids[i], "ami-", 4))
			return sim_fail(
				c, 400, "InvalidAMIID.Malformed", "Invalid id: \"%s\"", q->ids[i]);
		for (size_t j = 0; j < c->region->n_images && !known; j++) {
			const struct sim_image *image = &c->region->images[j];
			int64_t lag = c->world->behaviour.consistency_ms.max;

			known = !strcmp(image->id, q->ids[i]) &&
				!strcmp(image->owner_id, c->key->account) &&
				sim_call_is_visible(c, image->visible_at) &&
				(!image->deregistered || c->now.mono < image->gone_at + lag);
		}
		if (!known)
			return sim_fail(c, 400, "InvalidAMIID.NotFound",
				"The image id '[%s]' does not exist", q->ids[i]);
	}
	return 0;
}

static int images_check_owners(struct sim_call *c, const struct images_query *q)
{
	static const char *words[] = {"self", "amazon", "aws-marketplace", "aws-backup-vault"};

	for (int i = 0; i < q->n_owners; i++)
		if (!image_is_listed(words, (int)ARRAY_LEN(words), q->owners[i]) &&
			(strlen(q->owners[i]) != 12 || strspn(q->owners[i], "0123456789") != 12))
			return sim_fail(c, 400, "InvalidUserID.Malformed",
				"Invalid user id: \"%s\"", q->owners[i]);
	return 0;
}

int sim_describe_images(struct sim_call *c)
{
	_cleanup_(images_query_finish) struct images_query q = {0};
	bool deprecated;

	if (sim_filters_parse(c, image_filters, &q.filters) < 0 ||
		sim_call_bool(c, "IncludeDisabled", &q.disabled) < 0 ||
		sim_call_bool(c, "IncludeDeprecated", &deprecated) < 0)
		return -1;
	q.n_ids = sim_params_list(c->params, "ImageId.", &q.ids);
	q.n_owners = sim_params_list(c->params, "Owner.", &q.owners);
	q.n_executable = sim_params_list(c->params, "ExecutableBy.", &q.executable);
	if (q.n_ids < 0 || q.n_owners < 0 || q.n_executable < 0)
		return sim_fail_memory(c);
	if (images_check_owners(c, &q) < 0 ||
		sim_page_parse(c, q.n_ids ? "imagesSet" : NULL, &q.page) < 0 ||
		sim_call_dry_run(c) < 0 || images_check_ids(c, &q) < 0)
		return -1;
	sim_call_begin(c);
	sim_xml_open(&c->xml, "imagesSet");
	q.page.start = images_write(c, &q);
	sim_xml_close(&c->xml, "imagesSet");
	sim_page_end(c, q.page.start);
	return sim_call_end(c);
}
