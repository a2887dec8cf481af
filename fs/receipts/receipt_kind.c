/* SPDX-License-Identifier: MIT */
/* The folder of a receipt decides what its text asks for: a copy, a volume, an image. */
#include <string.h>

#include "receipts.h"
#include "zones.h"

#define VOLUMES "volumes/"

bool receipt_kind_takes(struct node folder)
{
	return folder.kind == NODE_REGION || folder.kind == NODE_SNAPSHOTS ||
	       folder.kind == NODE_ZONE || folder.kind == NODE_IMAGES;
}

enum request_kind receipt_kind(struct node folder)
{
	return folder.kind == NODE_ZONE     ? REQUEST_VOLUME
	       : folder.kind == NODE_IMAGES ? REQUEST_IMAGE
					    : REQUEST_COPY;
}

void receipt_kind_address(
	const struct fs *fs, struct node folder, const char *name, struct copy_request *out)
{
	out->kind = receipt_kind(folder);
	if (out->kind == REQUEST_VOLUME) {
		out->place = zones_name(fs->zones, folder.region, folder.slot);
		out->name = name;
	} else if (out->kind == REQUEST_IMAGE) {
		out->place = name;
	}
}

const char *receipt_folder_name(
	const struct fs *fs, struct node folder, char out[RECEIPT_FOLDER_SIZE])
{
	if (folder.kind == NODE_ZONE)
		snprintf(out, RECEIPT_FOLDER_SIZE, VOLUMES "%s",
			zones_name(fs->zones, folder.region, folder.slot));
	else
		snprintf(out, RECEIPT_FOLDER_SIZE, "%s",
			folder.kind == NODE_SNAPSHOTS ? "snapshots"
			: folder.kind == NODE_IMAGES  ? "images"
						      : "");
	return out;
}

bool receipt_folder_of_name(struct fs *fs, uint32_t region, const char *name, struct node *folder)
{
	*folder = (struct node){.kind = NODE_REGION, .region = region};
	if (!strcmp(name, "snapshots")) {
		folder->kind = NODE_SNAPSHOTS;
	} else if (!strcmp(name, "images")) {
		folder->kind = NODE_IMAGES;
	} else if (!strncmp(name, VOLUMES, strlen(VOLUMES))) {
		folder->kind = NODE_ZONE;
		folder->slot = zones_add(fs->zones, region, name + strlen(VOLUMES));
		return folder->slot != ZONES_NONE;
	} else if (*name) {
		return false;
	}
	return true;
}

void receipt_folder_path(const struct fs *fs, struct node folder, struct buf *out)
{
	char name[RECEIPT_FOLDER_SIZE];

	receipt_folder_name(fs, folder, name);
	if (*name)
		buf_printf(out, "/%s", name);
}

const char *receipt_kind_verb(struct node folder)
{
	static const char *const verbs[] = {"copy", "make a volume of", "make an image of"};

	return verbs[receipt_kind(folder)];
}

const char *receipt_kind_noun(struct node folder)
{
	static const char *const nouns[] = {"copy", "volume", "image"};

	return nouns[receipt_kind(folder)];
}
