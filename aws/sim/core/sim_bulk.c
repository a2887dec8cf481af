/* SPDX-License-Identifier: MIT */
/* Generated snapshots: the fields are computed from a hash of region and number, the ids by a
 * reversible permutation, so that an id gives the number. */
#include "sim_bulk.h"

#include <string.h>

#include "cleanup.h"
#include "sim.h"
#include "sim_text.h"

#define NEWEST_MS 1767225600000 /* 2026-01-01: start of the newest snapshot */
#define MINUTE_MS 60000
#define FACTOR_1  0x9e3779b97f4a7c15u /* odd, so multiplication by it is reversible */
#define FACTOR_2  0xbf58476d1ce4e5b9u

static uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= FACTOR_1;
	x ^= x >> 29;
	x *= FACTOR_2;
	return x ^ x >> 32;
}

/* Returns the inverse of f modulo 2^64 by Newton's iteration: each step doubles the number of
 * correct bits. */
static uint64_t inverse(uint64_t f)
{
	uint64_t x = f;

	for (int i = 0; i < 5; i++)
		x *= 2 - f * x;
	return x;
}

static uint64_t unmix(uint64_t x)
{
	x ^= x >> 32;
	x *= inverse(FACTOR_2);
	x ^= x >> 29 ^ x >> 58;
	x *= inverse(FACTOR_1);
	return x ^ x >> 32;
}

static uint64_t region_part(const char *region)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *region; region++)
		h = (h ^ (unsigned char)*region) * 0x100000001b3u;
	return mix(h) << 32;
}

static char *put_text(char *out, const char *s)
{
	size_t n = strlen(s);

	memcpy(out, s, n + 1);
	return out + n;
}

static char *put_hex(char *out, uint64_t v, int digits)
{
	for (int i = digits - 1; i >= 0; i--)
		*out++ = "0123456789abcdef"[v >> (4 * i) & 15];
	*out = '\0';
	return out;
}

static char *put_number(char *out, uint64_t v)
{
	char digits[24];
	size_t n = sizeof(digits);

	digits[--n] = '\0';
	do
		digits[--n] = (char)('0' + v % 10);
	while (v /= 10);
	return put_text(out, digits + n);
}

static char *put_uuid(char *out, uint64_t a, uint64_t b)
{
	out = put_text(put_hex(out, a >> 32, 8), "-");
	out = put_text(put_hex(out, a >> 16, 4), "-");
	out = put_text(put_hex(out, a, 4), "-");
	out = put_text(put_hex(out, b >> 48, 4), "-");
	return put_hex(out, b, 12);
}

static const char *const services[] = {"orders-db", "customer-api", "billing-worker",
	"search-index", "session-cache", "analytics-etl", "mail-relay", "build-agent",
	"media-transcoder", "identity-provider"};
static const char *const stages[] = {"production", "staging", "development", "disaster-recovery"};
static const char *const teams[] = {"platform-engineering", "data-infrastructure", "storefront",
	"payments-and-billing", "site-reliability"};
static const char *const plans[] = {
	"daily-35-days", "weekly-one-year", "hourly-7-days", "monthly-7-years"};
static const uint16_t sizes[] = {8, 8, 10, 20, 30, 50, 100, 100, 200, 500, 1000, 2000, 4000, 16384};

static const char *pick(const char *const *words, size_t n, uint64_t h)
{
	return words[h % n];
}

/* Returns the buffer for the value of the next tag that is added. */
static char *tag_text(struct sim_bulk_scratch *b)
{
	return b->text[b->snapshot.tags.n];
}

/* Adds a tag, with the value that was written to tag_text(). */
static void add_tag(struct sim_bulk_scratch *b, const char *key)
{
	struct sim_tags *tags = &b->snapshot.tags;

	tags->items[tags->n] = (struct sim_tag){key, b->text[tags->n]};
	tags->n++;
}

/* Adds tags, three on average. */
static void bulk_make_tags(
	struct sim_bulk_scratch *b, const char *region, uint64_t h, uint64_t lineage)
{
	b->snapshot.tags.items = b->tags;
	if (h % 16) {
		char *at = put_text(tag_text(b), pick(services, ARRAY_LEN(services), lineage >> 8));

		put_text(put_number(put_text(at, "-"), lineage % 997), ".internal.example.com");
		add_tag(b, "Name");
	}
	if (h >> 4 & 3) {
		put_text(tag_text(b), pick(stages, ARRAY_LEN(stages), lineage >> 16));
		add_tag(b, "environment");
	}
	if (h >> 6 & 1) {
		put_text(tag_text(b), pick(teams, ARRAY_LEN(teams), lineage >> 24));
		add_tag(b, "team");
	}
	if ((h >> 7 & 3) == 0) {
		put_text(tag_text(b), pick(plans, ARRAY_LEN(plans), lineage >> 32));
		add_tag(b, "backup-plan");
	}
	if ((h >> 9 & 3) == 0) {
		char *at = put_text(put_text(tag_text(b), "arn:aws:ec2:"), region);

		put_text(put_text(at, ":" SIM_ACCOUNT ":volume/"), b->volume_id);
		add_tag(b, "aws:backup:source-resource");
	}
	if (h % 3 == 0) {
		put_number(tag_text(b), 4000 + lineage % 800);
		add_tag(b, "cost-centre");
	}
}

static void bulk_make_key(struct sim_bulk_scratch *b, const char *region, uint64_t lineage)
{
	char *at = put_text(put_text(b->kms_key_id, "arn:aws:kms:"), region);

	at = put_text(at, ":" SIM_ACCOUNT ":key/");
	put_uuid(at, mix(lineage % 5 + 1), mix(lineage % 5 + 101));
	put_uuid(b->data_key_id, mix(lineage + 7), mix(lineage + 9));
	b->snapshot.kms_key_id = b->kms_key_id;
	b->snapshot.data_key_id = b->data_key_id;
	b->snapshot.encrypted = true;
}

static void bulk_make_description(struct sim_bulk_scratch *b, uint64_t h, uint64_t lineage)
{
	char *at = b->description;

	switch (h % 4) {
	case 0:
		put_text(at, "This snapshot is created by the AWS Backup service.");
		break;
	case 1:
		at = put_hex(put_text(at, "Created by CreateImage(i-0"), mix(lineage + 1), 16);
		at = put_hex(put_text(at, ") for ami-0"), mix(h), 16);
		break;
	case 2:
		at = put_hex(put_text(at, "Created for policy: policy-0"), mix(lineage % 9), 16);
		put_text(at, " schedule: Default Schedule");
		break;
	default:
		at = put_text(at, "nightly snapshot of ");
		at = put_text(at, pick(services, ARRAY_LEN(services), lineage >> 8));
		put_text(at,
			", to be kept for thirty-five days and then deleted by the rotation job");
		break;
	}
	b->snapshot.description = b->description;
}

static void put_id(char *out, uint64_t name)
{
	put_hex(put_text(out, "snap-0"), name, 16);
}

void sim_bulk_id(const char *region, size_t slot, char out[SIM_BULK_ID_SIZE])
{
	put_id(out, mix(region_part(region) | slot));
}

void sim_bulk_make(const char *region, size_t slot, struct sim_bulk_scratch *b)
{
	uint64_t name = mix(region_part(region) | slot);
	uint64_t lineage = mix(region_part(region) ^ (slot / 7 + 0x5eed) * FACTOR_2),
		 h = mix(name + FACTOR_2);
	struct sim_snapshot *s = &b->snapshot;

	memset(s, 0, sizeof(*s));
	s->slot = slot;
	put_id(b->id, name);
	put_hex(put_text(b->volume_id, "vol-0"), lineage, 16);
	s->id = b->id;
	s->volume_id = b->volume_id;
	s->owner_id = SIM_ACCOUNT;
	s->state = "completed";
	s->storage_tier = h >> 20 & 63 ? "standard" : "archive";
	/* Seven snapshots per volume, a day apart; volumes are some seconds apart. */
	s->start_ms = NEWEST_MS - (int64_t)(slot % 7) * 1440 * MINUTE_MS -
		      (int64_t)(slot / 7) * 37000 - (int64_t)(h % 20000);
	s->completion_ms = s->start_ms + 2 * MINUTE_MS + (int64_t)(h >> 12 & 0xfffff);
	s->volume_gib = sizes[lineage % ARRAY_LEN(sizes)];
	s->full_size =
		(int64_t)(((uint64_t)s->volume_gib << 30) * (20 + lineage % 75) / 100) & ~0x7ffffLL;
	if (lineage % 5 < 3) {
		bulk_make_key(b, region, lineage);
		s->sse_type = "sse-kms";
	}
	bulk_make_description(b, h >> 32, lineage);
	bulk_make_tags(b, region, h >> 24, lineage);
}

bool sim_bulk_find(const char *region, size_t n, const char *id, size_t *slot)
{
	uint64_t name = 0;

	if (strlen(id) != 22 || strncmp(id, "snap-0", 6) || !sim_text_is_id(id, "snap"))
		return false;
	for (const char *p = id + 6; *p; p++)
		name = name << 4 | (uint64_t)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
	name = unmix(name);
	if ((name & 0xffffffff00000000u) != region_part(region) || (name & 0xffffffffu) >= n)
		return false;
	*slot = (size_t)(name & 0xffffffffu);
	return true;
}
