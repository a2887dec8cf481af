/* SPDX-License-Identifier: MIT */
/* DescribeSnapshots: filters, pages, and a snapshot as an XML element. */
#include "sim_describe.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "isotime.h"
#include "sim_actions.h"
#include "sim_filter.h"
#include "sim_page.h"
#include "sim_text.h"

const char *const sim_describe_params[] = {"Owner.#", "RestorableBy.#", "SnapshotId.#",
	"Filter.#.Name", "Filter.#.Value.#", "MaxResults", "NextToken", NULL};

static const char *const filter_names[] = {"description", "encrypted", "owner-alias", "owner-id",
	"progress", "snapshot-id", "start-time", "status", "storage-tier", "transfer-type",
	"tag:", "tag-key", "volume-id", "volume-size", NULL};

/* --- a snapshot as an element of a response --- */

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
	/* Only the account that set the tags, which is the owner, sees them. */
	sim_call_write_tags(c, strcmp(s->owner_id, c->key->account) ? NULL : tags);
}

/* --- parsing the request --- */

struct query {
	const char **owners, **restorers, **ids;
	int n_owners, n_restorers, n_ids;
	struct sim_filters filters;
	struct sim_page page;
	size_t *slots; /* candidates, ascending; NULL: all slots */
	size_t n_slots;
	const struct sim_filter *by_id; /* the filter snapshot-id; NULL: the request has none */
};

static void query_finish(struct query *q)
{
	free(q->owners);
	free(q->restorers);
	free(q->ids);
	free(q->slots);
	sim_filters_finish(&q->filters);
}

static bool is_account(const char *s)
{
	return strlen(s) == 12 && strspn(s, "0123456789") == 12;
}

static int query_parse_accounts(struct sim_call *c, const char *prefix, const char *const words[3],
	const char ***out, int *n)
{
	*n = sim_params_list(c->params, prefix, out);
	if (*n < 0) {
		*n = 0;
		return sim_fail_memory(c);
	}
	for (int i = 0; i < *n; i++) {
		const char *a = (*out)[i];
		bool ok = is_account(a);

		for (int j = 0; j < 3; j++)
			ok = ok || (words[j] && !strcmp(a, words[j]));
		if (!ok)
			return sim_fail(
				c, 400, "InvalidUserID.Malformed", "Invalid user id: \"%s\"", a);
	}
	return 0;
}

static int query_parse(struct sim_call *c, struct query *q)
{
	static const char *const owner_words[3] = {"self", "amazon", "aws-marketplace"};
	static const char *const restorer_words[3] = {"self", "all", NULL};

	if (sim_filters_parse(c, filter_names, &q->filters) < 0 ||
		query_parse_accounts(c, "Owner.", owner_words, &q->owners, &q->n_owners) < 0 ||
		query_parse_accounts(
			c, "RestorableBy.", restorer_words, &q->restorers, &q->n_restorers) < 0)
		return -1;
	q->n_ids = sim_params_list(c->params, "SnapshotId.", &q->ids);
	if (q->n_ids < 0)
		return sim_fail_memory(c);
	for (int i = 0; i < q->n_ids; i++)
		if (sim_call_check_id(c, "snap", "snapshotId", q->ids[i]) < 0)
			return -1;
	return sim_page_parse(c, q->n_ids ? "snapshotSet" : NULL, &q->page);
}

static bool snapshot_is_visible(struct sim_call *c, const struct sim_snapshot *s)
{
	return (!s->visible_at || sim_call_is_visible(c, s->visible_at)) &&
	       !(s->deleted && sim_call_is_visible(c, s->gone_at));
}

static const struct sim_tags *shown_tags(struct sim_call *c, const struct sim_snapshot *s)
{
	return !s->tags_at || sim_call_is_visible(c, s->tags_at) ? &s->tags : &s->old_tags;
}

static bool owner_matches(
	const struct sim_call *c, const struct query *q, const struct sim_snapshot *s)
{
	for (int i = 0; i < q->n_owners; i++) {
		const char *o = q->owners[i];

		if (!strcmp(o, s->owner_id) ||
			(!strcmp(o, "self") && !strcmp(s->owner_id, c->key->account)) ||
			(s->owner_alias && !strcmp(o, s->owner_alias)))
			return true;
	}
	return !q->n_owners;
}

static bool restorer_matches(
	const struct sim_call *c, const struct query *q, const struct sim_snapshot *s)
{
	for (int i = 0; i < q->n_restorers; i++) {
		const char *account =
			strcmp(q->restorers[i], "self") ? q->restorers[i] : c->key->account;

		if (!strcmp(account, "all") ? s->is_public
					    : !strcmp(account, s->owner_id) ||
						      sim_snapshot_is_shared_with(s, account))
			return true;
	}
	return !q->n_restorers;
}

static bool tag_key_matches(const struct sim_filter *f, const struct sim_tags *tags)
{
	for (size_t i = 0; i < tags->n; i++)
		if (sim_filter_has(f, tags->items[i].key))
			return true;
	return false;
}

static bool filter_matches(const struct sim_filter *f, const struct sim_snapshot *s,
	const struct sim_view *v, const struct sim_tags *tags)
{
	const char *name = f->name;
	char text[ISOTIME_SIZE];

	if (!strncmp(name, "tag:", 4))
		return sim_filter_has(f, sim_tags_get(tags, name + 4));
	if (!strcmp(name, "tag-key"))
		return tag_key_matches(f, tags);
	if (!strcmp(name, "snapshot-id"))
		return sim_filter_has(f, s->id);
	if (!strcmp(name, "volume-id"))
		return sim_filter_has(f, s->volume_id);
	if (!strcmp(name, "status"))
		return sim_filter_has(f, v->state);
	if (!strcmp(name, "owner-id"))
		return sim_filter_has(f, s->owner_id);
	if (!strcmp(name, "owner-alias"))
		return sim_filter_has(f, s->owner_alias);
	if (!strcmp(name, "description"))
		return sim_filter_has(f, s->description ? s->description : "");
	if (!strcmp(name, "encrypted"))
		return sim_filter_has(f, s->encrypted ? "true" : "false");
	if (!strcmp(name, "progress"))
		return sim_filter_has(f, v->has_progress ? v->progress : NULL);
	if (!strcmp(name, "storage-tier"))
		return sim_filter_has(f, s->storage_tier);
	if (!strcmp(name, "transfer-type"))
		return sim_filter_has(f, s->transfer_type);
	if (!strcmp(name, "start-time"))
		return sim_filter_has(f, isotime_format_ms(s->start_ms, text)) ||
		       sim_filter_has(f, isotime_format(s->start_ms, text));
	snprintf(text, sizeof(text), "%u", s->volume_gib);
	return sim_filter_has(f, text); /* volume-size */
}

/* Whether a snapshot can be listed at all, before any filter. With SIM_PAGES_AFTER, a page has as
 * many of these snapshots as requested. */
static bool is_candidate(struct sim_call *c, const struct query *q, const struct sim_snapshot *s)
{
	/* A snapshot requested by id is known to exist. */
	return sim_call_may_see(c, s) && owner_matches(c, q, s) && restorer_matches(c, q, s) &&
	       (q->n_ids || snapshot_is_visible(c, s));
}

static bool filters_match(const struct query *q, const struct sim_snapshot *s,
	const struct sim_view *v, const struct sim_tags *tags)
{
	for (int i = 0; i < q->filters.n; i++)
		if (!filter_matches(&q->filters.items[i], s, v, tags))
			return false;
	return true;
}

static int by_slot(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

/* Makes the snapshots with these ids the only candidates. must_exist: an unknown id is an error. */
static int query_narrow(
	struct sim_call *c, struct query *q, const char **ids, int n, bool must_exist)
{
	struct sim_bulk_scratch scratch;

	free(q->slots);
	q->n_slots = 0;
	q->slots = calloc((size_t)n + 1, sizeof(*q->slots));
	if (!q->slots)
		return sim_fail_memory(c);
	for (int i = 0; i < n; i++) {
		const struct sim_snapshot *s = sim_region_find(c->region, ids[i], &scratch);

		if (s && (!must_exist || snapshot_is_visible(c, s)))
			q->slots[q->n_slots++] = s->slot;
		else if (must_exist)
			return sim_fail(c, 400, "InvalidSnapshot.NotFound",
				"The snapshot '%s' does not exist.", ids[i]);
	}
	qsort(q->slots, q->n_slots, sizeof(*q->slots), by_slot);
	return 0;
}

/* Ids, and filters of plain ids, select the candidates: EC2 too is no slower with them in a large
 * region than in a small one. */
static int find_candidates(struct sim_call *c, struct query *q)
{
	if (q->n_ids)
		return query_narrow(c, q, q->ids, q->n_ids, true);
	for (int i = 0; i < q->filters.n; i++) {
		const struct sim_filter *f = &q->filters.items[i];
		bool plain = !strcmp(f->name, "snapshot-id");

		if (plain)
			q->by_id = f;
		for (int j = 0; j < f->n_values; j++)
			plain = plain && !sim_text_has_wildcard(f->values[j]);
		if (plain)
			return query_narrow(c, q, f->values, f->n_values, false);
	}
	return 0;
}

/* Whether the id filter excludes a generated snapshot. Checking the id before generating the rest
 * makes filters by id cheap, as EC2's index does. */
static bool id_is_excluded(const struct sim_call *c, const struct query *q, size_t slot)
{
	char id[SIM_BULK_ID_SIZE];

	if (!q->by_id || slot >= c->region->n_bulk)
		return false;
	sim_bulk_id(c->region->name, slot, id);
	return !sim_filter_has(q->by_id, id);
}

/* Writes the page's items. Returns the first slot of the next page, SIZE_MAX after the last page.
 */
static size_t write_items(struct sim_call *c, const struct query *q)
{
	size_t n = q->slots ? q->n_slots : sim_region_slots(c->region), counted = 0,
	       last = SIZE_MAX, size;
	struct sim_bulk_scratch scratch;
	bool count_all;

	size = sim_page_size(c, &q->page, &count_all);
	for (size_t i = q->slots ? 0 : q->page.start; i < n; i++) {
		size_t slot = q->slots ? q->slots[i] : i;
		const struct sim_snapshot *s;
		const struct sim_tags *tags;
		struct sim_view view;
		bool fit;

		if (slot < q->page.start || slot == last)
			continue;
		if (!count_all && id_is_excluded(c, q, slot))
			continue;
		last = slot;
		s = sim_region_at(c->region, slot, &scratch);
		if (!is_candidate(c, q, s))
			continue;
		sim_region_view(c->region, s, &c->world->behaviour, c->now, &view);
		tags = shown_tags(c, s);
		fit = filters_match(q, s, &view, tags);
		if (!fit && !count_all)
			continue;
		if (counted++ == size)
			return slot;
		if (!fit)
			continue;
		sim_xml_open(&c->xml, "item");
		sim_item_write(c, s, &view, tags);
		sim_xml_close(&c->xml, "item");
	}
	return SIZE_MAX;
}

static int describe_respond(struct sim_call *c, const struct query *q)
{
	size_t next;

	sim_call_begin(c);
	sim_xml_open(&c->xml, "snapshotSet");
	next = write_items(c, q);
	sim_xml_close(&c->xml, "snapshotSet");
	sim_page_end(c, next);
	return sim_call_end(c);
}

int sim_describe_snapshots(struct sim_call *c)
{
	_cleanup_(query_finish) struct query q = {0};

	if (query_parse(c, &q) < 0 || sim_call_dry_run(c) < 0 || find_candidates(c, &q) < 0)
		return -1;
	return describe_respond(c, &q);
}
