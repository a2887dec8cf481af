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
	read_texts(text, size);
	read_error(text, size);
	return 0;
}
