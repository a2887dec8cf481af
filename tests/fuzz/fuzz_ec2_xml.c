/* SPDX-License-Identifier: MIT */
/* What a server may answer, through every parser of answers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws_error.h"
#include "ec2_xml.h"
#include "endpoint.h"
#include "xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_snapshot(const struct ec2_snapshot *s)
{
	require(ec2_is_snapshot_id(s->id));
	require(s->progress >= EC2_PROGRESS_UNKNOWN && s->progress <= 100);
	require(s->full_size >= -1 && s->full_size <= EC2_FULL_SIZE_MAX);
	require(s->start_ms >= 0 && s->completion_ms >= 0);
	require(s->encryption <= EC2_ENCRYPTION_PRESENT && s->flaws <= EC2_FLAWS);
	require(s->n_tags <= EC2_XML_TAGS_MAX && s->n_fields <= EC2_XML_FIELDS_MAX);
	for (size_t i = 0; i < s->n_tags; i++)
		require(*s->tags[i].key && strlen(s->tags[i].value) <= XML_TEXT_MAX);
	for (size_t i = 0; i < s->n_fields; i++)
		require(s->fields[i].name && strlen(s->fields[i].name) <= 64 && s->fields[i].value);
}

/* Wherever the document is cut into pieces, the same comes of it. */
static void read_in_pieces(const char *text, size_t size, const struct ec2_page *whole)
{
	struct ec2_snapshots_reader *r = ec2_snapshots_reader_create(false);
	struct ec2_page *page = NULL;
	struct err err = {0};
	int result = 0;

	require(r);
	for (size_t at = 0; at < size && !result; at += 7)
		result = ec2_snapshots_reader_read(
			r, text + at, size - at < 7 ? size - at : 7, &err);
	if (!result)
		result = ec2_snapshots_reader_end(r, &page, &err);
	require(!page == !whole);
	require(!page ||
		(page->n_snapshots == whole->n_snapshots && page->n_refused == whole->n_refused));
	for (size_t i = 0; page && i < page->n_snapshots; i++)
		require(!strcmp(page->snapshots[i].id, whole->snapshots[i].id) &&
			page->snapshots[i].flaws == whole->snapshots[i].flaws &&
			page->snapshots[i].n_tags == whole->snapshots[i].n_tags);
	ec2_page_destroy(page);
	ec2_snapshots_reader_destroy(r);
}

static void read_page(const char *text, size_t size)
{
	struct ec2_page *page = NULL;
	struct err err = {0};
	int r = ec2_xml_snapshots(text, size, &page, &err);

	read_in_pieces(text, size, page);
	require(r < 0 ? !page && err.errnum == -r && err.message[0] : page && !err.errnum);
	for (size_t i = 0; page && i < page->n_snapshots; i++)
		require_snapshot(&page->snapshots[i]);
	require(!page || !page->next_token || *page->next_token);
	ec2_page_destroy(page);
}

static void read_regions(const char *text, size_t size)
{
	struct ec2_regions regions;
	struct err err = {0};
	int r = ec2_xml_regions(text, size, &regions, &err);

	require(r == 0 || (!regions.n && err.errnum == -r));
	for (size_t i = 0; i < regions.n; i++)
		require(endpoint_is_region(regions.names[i]));
	ec2_regions_finish(&regions);
}

static void require_text(const char *text, size_t size)
{
	require(strlen(text) < size && !strpbrk(text, "\r\n\x1b"));
}

static void read_volumes(const char *text, size_t size)
{
	struct ec2_volumes volumes;
	struct err err = {0};
	int r = ec2_xml_volumes(text, size, &volumes, &err);

	require(r == 0 || (!volumes.n && err.errnum == -r));
	for (size_t i = 0; i < volumes.n; i++) {
		const struct ec2_volume *v = &volumes.volumes[i];

		require(ec2_is_volume_id(v->id) && v->state <= EC2_VOLUME_ERROR);
		require(v->created_ms >= 0 && v->encryption <= EC2_ENCRYPTION_PRESENT);
		require_text(v->zone, sizeof(v->zone));
		require_text(v->kms_key_id, sizeof(v->kms_key_id));
	}
	ec2_volumes_finish(&volumes);
}

static void read_images(const char *text, size_t size)
{
	struct ec2_images images;
	struct err err = {0};
	int r = ec2_xml_images(text, size, &images, &err);

	require(r == 0 || (!images.n && err.errnum == -r));
	for (size_t i = 0; i < images.n; i++) {
		const struct ec2_image *image = &images.images[i];

		require(ec2_is_image_id(image->id) && image->state <= EC2_IMAGE_DISABLED);
		require_text(image->name, sizeof(image->name));
		require_text(image->description, sizeof(image->description));
		require(!image->n_disks == !image->disks);
		for (size_t j = 0; j < image->n_disks; j++)
			require_text(image->disks[j].device, sizeof(image->disks[j].device));
	}
	ec2_images_finish(&images);
}

static void read_zones(const char *text, size_t size)
{
	struct ec2_zones zones;
	struct err err = {0};
	int r = ec2_xml_zones(text, size, &zones, &err);

	require(r == 0 || (!zones.n && err.errnum == -r));
	for (size_t i = 0; i < zones.n; i++)
		require(endpoint_is_region(zones.zones[i].name) &&
			(!i || strcmp(zones.zones[i - 1].name, zones.zones[i].name) <= 0));
	require_text(zones.refused, sizeof(zones.refused));
	ec2_zones_finish(&zones);
}

static void read_texts(const char *text, size_t size)
{
	char id[80], account[16];
	const struct xml_text texts[] = {{"snapshotId", id, sizeof(id)},
		{"GetCallerIdentityResult/Account", account, sizeof(account)}};
	struct err err;

	xml_texts(text, size, "CopySnapshotResponse", texts, 2, &err);
	xml_texts(text, size, "GetCallerIdentityResponse", texts, 2, &err);
	require(strlen(id) < sizeof(id) && strlen(account) < sizeof(account));
}

static void read_error(const char *text, size_t size)
{
	struct err err;

	aws_error_judge(
		&(struct aws_refusal){
			.status = 400, .body = text, .len = size, .type = "", .request_id = ""},
		&err);
	require(err.errnum && err.message[0] && !strpbrk(err.message, "\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	xml_setup();
	read_page(text, size);
	read_regions(text, size);
	read_volumes(text, size);
	read_images(text, size);
	read_zones(text, size);
	read_texts(text, size);
	read_error(text, size);
	return 0;
}
