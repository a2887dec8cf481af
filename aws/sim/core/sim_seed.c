/* SPDX-License-Identifier: MIT */
/* Fills a new world from the options. */
#include "sim_seed.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cleanup.h"
#include "sim_regions.h"
#include "sim_text.h"

#define HOUR_MS  (3600 * 1000LL)
#define STRANGER "210987654321"

/* A volume and its `count` snapshots: the newest is `age_h` hours old, and each of the others is
 * `every_h` hours older than the next. */
static const struct series {
	const char *region;
	const char *name; /* tag Name; NULL: no tags */
	const char *environment;
	const char *description;
	int gib, used_percent;
	bool encrypted;
	int age_h, every_h, count;
	const char *copied_from; /* not NULL: the snapshots are copies from this region */
} all[] = {
	{"us-east-1", "orders-db-01 data", "production", "nightly orders-db-01 /dev/sdf", 500, 71,
		true, 7, 24, 9, NULL},
	{"us-east-1", "orders-db-01 root", "production", "nightly orders-db-01 /dev/xvda", 20, 34,
		true, 7, 24, 4, NULL},
	{"us-east-1", "web-01", "production",
		"Created by CreateImage(i-0d3f8a1b2c4e5f607) for ami-0a9b8c7d6e5f40312", 8, 46,
		false, 52, 168, 5, NULL},
	{"us-east-1", "web-02", "production",
		"Created by CreateImage(i-04c5b6a798d0e1f23) for ami-0f1e2d3c4b5a69788", 8, 45,
		false, 53, 168, 4, NULL},
	{"us-east-1", "warehouse", "production",
		"This snapshot is created by the AWS Backup service.", 2000, 62, true, 19, 168, 4,
		NULL},
	{"us-east-1", "build-cache", "development", "before the compiler upgrade", 100, 80, false,
		391, 24, 1, NULL},
	{"us-east-1", "wiki", "internal", "weekly wiki (confluence) – keep 6 months", 50, 28, false,
		31, 168, 6, NULL},
	{"us-east-1", NULL, NULL, "", 30, 12, false, 6023, 1, 1, NULL},
	{"us-east-1", "audit log 2023/2024", "production", "legal hold, ask Maria before deleting",
		1000, 97, true, 9120, 8760, 2, NULL},
	{"eu-west-1", "shop-eu-db data", "production", "nightly shop-eu-db /dev/sdf", 200, 55, true,
		6, 24, 7, NULL},
	{"eu-west-1", "shop-eu-db root", "production", "nightly shop-eu-db /dev/xvda", 20, 31, true,
		6, 24, 7, NULL},
	{"eu-west-1", "mail-relay", "production", "weekly mail-relay", 16, 22, false, 77, 168, 4,
		NULL},
	{"eu-west-1", "orders-db-01 data", "disaster-recovery",
		"[Copied snap-0 from us-east-1] nightly orders-db-01 /dev/sdf", 500, 70, true, 30,
		168, 3, "us-east-1"},
	{"eu-west-1", "gitlab", "internal", "gitlab 16.11 before upgrade to 17.0", 120, 64, false,
		2210, 24, 1, NULL},
	{"ap-southeast-2", "shop-apac-db data", "production", "nightly shop-apac-db /dev/sdf", 80,
		39, true, 12, 24, 7, NULL},
	{"ap-southeast-2", "edge-proxy", "production", "edge-proxy golden image", 8, 41, false, 200,
		720, 5, NULL},
	{"ap-southeast-2", "kiosk", "staging", "kiosk demo for the Sydney office", 32, 18, false,
		1300, 24, 3, NULL},
	{"us-west-2", "orders-db-01 data", "disaster-recovery",
		"[Copied snap-0 from us-east-1] nightly orders-db-01 /dev/sdf", 500, 71, true, 31,
		24, 6, "us-east-1"},
	{"us-west-2", "wiki", "disaster-recovery",
		"[Copied snap-0 from us-east-1] weekly wiki (confluence) – keep 6 months", 50, 28,
		false, 32, 168, 4, "us-east-1"},
	{"us-west-2", "render-farm scratch", "development", "render-farm scratch, can go", 4000, 8,
		false, 820, 24, 2, NULL},
	{"us-west-2", "ml-training", "development", "checkpoint epoch 40", 1500, 88, true, 96, 48,
		5, NULL},
};

struct demo {
	struct sim_world *world;
	struct sim_time now;
	uint64_t dice; /* own random numbers, so that the account is always the same */
};

static uint64_t demo_random(struct demo *d)
{
	uint64_t x = d->dice += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* Adds a customer key beside the KMS key that AWS manages. */
static int demo_add_key(struct demo *d, struct sim_region *r)
{
	struct sim_kms_key *grown = realloc(r->keys, (r->n_keys + 1) * sizeof(*grown)), *k;

	if (!grown)
		return -ENOMEM;
	r->keys = grown;
	k = &grown[r->n_keys];
	*k = (struct sim_kms_key){.alias = strdup("alias/backup"), .usable = true};
	if (asprintf(&k->id, "%08x-1c2d-4e3f-8a9b-%012" PRIx64, (unsigned)demo_random(d),
		    demo_random(d) >> 16) < 0)
		k->id = NULL;
	if (!k->id ||
		asprintf(&k->arn, "arn:aws:kms:%s:" SIM_ACCOUNT ":key/%s", r->name, k->id) < 0)
		k->arn = NULL;
	r->n_keys++; /* the world frees it from here on, complete or not */
	return k->alias && k->arn ? 0 : -ENOMEM;
}

static int demo_set_tags(struct sim_snapshot *s, const struct series *series)
{
	if (!series->name)
		return 0;
	return sim_tags_set(&s->tags, "Name", series->name) |
	       sim_tags_set(&s->tags, "environment", series->environment) |
	       (series->every_h == 24 ? sim_tags_set(&s->tags, "backup", "daily")
				      : sim_tags_set(&s->tags, "backup", "weekly"));
}

static int demo_encrypt(struct demo *d, const struct sim_region *r, struct sim_snapshot *s)
{
	char data_key[40];

	snprintf(data_key, sizeof(data_key), "%08x-5a6b-4c7d-8e9f-%012" PRIx64,
		(unsigned)demo_random(d), demo_random(d) >> 16);
	s->encrypted = true;
	return sim_snapshot_set(&s->kms_key_id, r->keys[r->n_keys - 1].arn) |
	       sim_snapshot_set(&s->sse_type, "sse-kms") |
	       sim_snapshot_set(&s->data_key_id, data_key);
}

static int demo_fill(struct demo *d, const struct sim_region *r, const struct series *series,
	const char *volume, int n, struct sim_snapshot *s)
{
	int64_t used = ((int64_t)series->gib << 30) / 100 *
		       (series->used_percent - n % 7 > 1 ? series->used_percent - n % 7 : 1);
	char id[32];
	int error;

	snprintf(id, sizeof(id), "snap-0%016" PRIx64, demo_random(d));
	error = sim_snapshot_set(&s->id, id) | sim_snapshot_set(&s->volume_id, volume) |
		sim_snapshot_set(&s->owner_id, SIM_ACCOUNT) |
		sim_snapshot_set(&s->state, "completed") |
		sim_snapshot_set(&s->description, series->description) |
		sim_snapshot_set(&s->disk, "demo") |
		sim_snapshot_set(&s->storage_tier, series->age_h > 9000 ? "archive" : "standard") |
		demo_set_tags(s, series);
	if (series->encrypted)
		error |= demo_encrypt(d, r, s);
	if (series->copied_from) {
		s->is_copy = true;
		error |= sim_snapshot_set(&s->transfer_type, "standard");
	}
	s->volume_gib = (uint32_t)series->gib;
	s->full_size = used & ~0x7ffffLL;
	s->start_ms = d->now.wall - (series->age_h + (int64_t)n * series->every_h) * HOUR_MS -
		      (int64_t)(demo_random(d) % 900000);
	s->completion_ms = s->start_ms + 60000 + used / (64 << 10); /* 64 MiB/s and a minute */
	return error < 0 ? -ENOMEM : 0;
}

static int demo_add_series(struct demo *d, const struct series *series)
{
	struct sim_region *r = sim_world_add_region(d->world, series->region);
	char volume[32];

	if (!r || (r->n_keys == 1 && demo_add_key(d, r) < 0))
		return -ENOMEM;
	snprintf(volume, sizeof(volume), "vol-0%016" PRIx64, demo_random(d));
	if (series->copied_from)
		strcpy(volume, "vol-ffffffff");
	for (int n = 0; n < series->count; n++) {
		struct sim_snapshot *s = sim_snapshot_create();

		if (!s)
			return -ENOMEM;
		if (demo_fill(d, r, series, volume, n, s) < 0) {
			sim_snapshot_destroy(s);
			return -ENOMEM;
		}
		if (sim_region_add(r, s) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Adds a completed snapshot and returns it; the caller then gives it another state or owner. NULL
 * on ENOMEM. */
static struct sim_snapshot *demo_add_special(
	struct demo *d, const char *region, const char *name, const char *description, int age_h)
{
	const struct series series = {
		region, name, "production", description, 250, 40, true, age_h, 24, 1, NULL};
	struct sim_region *r = sim_world_region(d->world, region);

	return demo_add_series(d, &series) < 0 ? NULL : r->stored[r->n_stored - 1];
}

static int demo_add_specials(struct demo *d)
{
	struct sim_snapshot *running = demo_add_special(
		d, "us-east-1", "orders-db-01 data", "before the schema change", 0);
	struct sim_snapshot *failed = demo_add_special(
		d, "eu-west-1", "warehouse", "[Copied from us-east-1] warehouse", 75);
	struct sim_snapshot *shared =
		demo_add_special(d, "us-east-1", NULL, "test data set, from our partner", 1500);
	struct sim_region *east = sim_world_region(d->world, "us-east-1");
	struct sim_region *west = sim_world_region(d->world, "eu-west-1");
	struct sim_time begin = d->now;

	if (!running || !failed || !shared)
		return -ENOMEM;
	running->start_ms = d->now.wall - 4 * 60000;
	running->completion_ms = 0;
	begin.mono -= 4 * 60000;
	sim_region_start(east, running, 22 * 60000, begin);
	failed->completion_ms = 0;
	failed->is_copy = true;
	return sim_region_restate(east, running, "pending") |
	       sim_region_restate(west, failed, "error") |
	       sim_snapshot_set(&failed->message, "Given key ID is not accessible") |
	       sim_snapshot_set(&failed->volume_id, "vol-ffffffff") |
	       sim_snapshot_set(&failed->transfer_type, "standard") |
	       sim_snapshot_set(&shared->owner_id, STRANGER) |
	       sim_snapshot_share(shared, SIM_ACCOUNT);
}

/* Returns the newest snapshot of the first series with this tag Name; NULL if there is none. */
static const struct sim_snapshot *demo_newest(const struct sim_region *r, const char *name)
{
	for (size_t i = 0; i < r->n_stored; i++) {
		const char *tag = sim_tags_get(&r->stored[i]->tags, "Name");

		if (tag && !strcmp(tag, name))
			return r->stored[i];
	}
	return NULL;
}

/* Adds the AMI that the snapshots of web-01 were made for. */
static int demo_add_image(struct sim_region *r, const struct sim_snapshot *root)
{
	struct sim_image *image = calloc(1, sizeof(*image));

	if (!image)
		return -ENOMEM;
	r->images = image;
	r->n_images = 1;
	*image = (struct sim_image){.id = strdup("ami-0a9b8c7d6e5f40312"),
		.owner_id = strdup(SIM_ACCOUNT),
		.name = strdup("web-01"),
		.architecture = strdup("x86_64"),
		.virtualization = strdup("hvm"),
		.root_device = strdup("/dev/xvda"),
		.ena = true,
		.created_ms = root->start_ms,
		.disks = calloc(1, sizeof(*image->disks))};
	if (!image->disks)
		return -ENOMEM;
	image->n_disks = 1;
	image->disks[0] = (struct sim_image_disk){.device = strdup("/dev/xvda"),
		.snapshot_id = strdup(root->id),
		.type = strdup("gp3"),
		.gib = root->volume_gib};
	return image->id && image->owner_id && image->name && image->architecture &&
			       image->virtualization && image->root_device &&
			       image->disks[0].device && image->disks[0].snapshot_id &&
			       image->disks[0].type
		       ? 0
		       : -ENOMEM;
}

/* Adds a volume, as if it had been made of a snapshot to look into it, and forgotten. */
static int demo_add_volume(struct sim_region *r, const struct sim_snapshot *s)
{
	struct sim_volume *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	r->volumes = v;
	r->n_volumes = 1;
	*v = (struct sim_volume){.id = strdup("vol-0c4d5e6f708192a3b"),
		.owner_id = strdup(SIM_ACCOUNT),
		.zone = strdup(r->zones[1].name),
		.snapshot_id = strdup(s->id),
		.type = strdup("gp3"),
		.gib = s->volume_gib,
		.iops = 3000,
		.throughput = 125,
		.created_ms = s->start_ms + 30 * HOUR_MS};
	return v->id && v->owner_id && v->zone && v->snapshot_id && v->type ? 0 : -ENOMEM;
}

/* Adds a zone to opt in to, an image and a volume. */
static int demo_add_made(struct demo *d)
{
	struct sim_region *east = sim_world_region(d->world, "us-east-1");
	struct sim_zone *lax =
		sim_zones_add(sim_world_region(d->world, "us-west-2"), "us-west-2-lax-1a");
	const struct sim_snapshot *web = demo_newest(east, "web-01"),
				  *cache = demo_newest(east, "build-cache");

	if (!lax || demo_add_image(east, web) < 0 || demo_add_volume(east, cache) < 0)
		return -ENOMEM;
	free(lax->opt_in);
	lax->opt_in = strdup("opted-in");
	return lax->opt_in ? 0 : -ENOMEM;
}

static int demo_seed(struct sim_world *w)
{
	struct demo d = {w, sim_world_now(w), 0x65627366732d7369};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (demo_add_series(&d, &all[i]) < 0)
			return -ENOMEM;
	return demo_add_specials(&d) < 0 || demo_add_made(&d) < 0 ? -ENOMEM : 0;
}

static int add_bulk(struct sim_world *w, const char *name, uint64_t n, struct err *err)
{
	struct sim_region *r;

	if (!*name || strlen(name) > SIM_BULK_REGION_MAX ||
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name))
		return err_set(err, EINVAL, "not a region's name: %s", name);
	r = sim_world_add_region(w, name);
	if (!r)
		return err_set(err, ENOMEM, "out of memory");
	if (r->n_stored)
		return err_set(err, EINVAL,
			"region %s has snapshots already: generated ones come first", name);
	r->n_alive += (size_t)n - r->n_bulk;
	r->n_bulk = (size_t)n;
	return 0;
}

static int add_regions(struct sim_world *w, int n, struct err *err)
{
	for (size_t i = 0; w->n_regions < (size_t)n; i++) {
		_cleanup_free_ char *name = sim_regions_name(i);
		struct sim_region *r = name ? sim_world_add_region(w, name) : NULL;

		if (!r)
			return err_set(err, ENOMEM, "out of memory");
		r->opt_in = sim_regions_opt_in(name);
	}
	return 0;
}

int sim_seed_world(struct sim_world *w, const struct sim_options *o, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < o->n_bulk && r == 0; i++)
		r = add_bulk(w, o->bulk[i].region, o->bulk[i].snapshots, err);
	if (r == 0 && o->demo && demo_seed(w) < 0)
		r = err_set(err, ENOMEM, "out of memory");
	if (r == 0)
		r = add_regions(w, o->n_regions, err);
	return r;
}
