/* SPDX-License-Identifier: MIT */
/* A snapshot as an element of an answer. */
#include "sim_describe.h"

#include <string.h>

void sim_item_write(struct sim_call *c, const struct sim_snapshot *s, const struct sim_view *v,
	const struct sim_tags *tags)
{
	struct sim_xml *x = &c->xml;

	sim_xml_leaf(x, "snapshotId", s->id);
	sim_xml_leaf(x, "volumeId", s->volume_id);
	sim_xml_leaf(x, "status", v->state);
	sim_xml_leaf(x, "statusMessage", v->message);
	sim_xml_time(x, "startTime", s->start_ms);
	sim_xml_time(x, "completionTime", v->completion_ms);
	if (v->has_progress)
		sim_xml_leaf(x, "progress", v->progress);
	sim_xml_leaf(x, "ownerId", s->owner_id);
	sim_xml_leaf(x, "ownerAlias", s->owner_alias);
	sim_xml_number(x, "volumeSize", s->volume_gib);
	sim_xml_leaf(x, "description", s->description);
	sim_xml_bool(x, "encrypted", s->encrypted);
	sim_xml_leaf(x, "kmsKeyId", s->kms_key_id);
	sim_xml_leaf(x, "dataEncryptionKeyId", s->data_key_id);
	sim_xml_leaf(x, "outpostArn", s->outpost_arn);
	sim_xml_leaf(x, "availabilityZone", s->zone);
	sim_xml_leaf(x, "storageTier", s->storage_tier);
	sim_xml_time(x, "restoreExpiryTime", s->restore_expiry_ms);
	sim_xml_leaf(x, "sseType", s->sse_type);
	sim_xml_leaf(x, "transferType", s->transfer_type);
	if (s->completion_minutes)
		sim_xml_number(x, "completionDurationMinutes", s->completion_minutes);
	if (s->full_size >= 0 && strcmp(v->state, "pending"))
		sim_xml_number(x, "fullSnapshotSizeInBytes", s->full_size);
	/* Tags belong to the account that set them. */
	if (!tags || !tags->n || strcmp(s->owner_id, c->key->account)) {
		sim_xml_leaf(x, "tagSet", "");
		return;
	}
	sim_xml_open(x, "tagSet");
	for (size_t i = 0; i < tags->n; i++) {
		sim_xml_open(x, "item");
		sim_xml_leaf(x, "key", tags->items[i].key);
		sim_xml_leaf(x, "value", tags->items[i].value);
		sim_xml_close(x, "item");
	}
	sim_xml_close(x, "tagSet");
}
