/* SPDX-License-Identifier: MIT */
/* The simulated world: its memory, its clock, its random numbers. */
#include "sim_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "random.h"

static void access_key_finish(struct sim_access_key *k)
{
	for (size_t i = 0; i < k->n_allow; i++)
		free(k->allow[i]);
	for (size_t i = 0; i < k->n_deny; i++)
		free(k->deny[i]);
	free(k->allow);
	free(k->deny);
	free(k->id);
	free(k->secret);
	free(k->token);
	free(k->account);
	free(k->arn);
}

static void region_destroy(struct sim_region *r)
{
	HASH_CLEAR(by_id, r->by_id);
	for (size_t i = 0; i < r->n_stored; i++)
		sim_snapshot_destroy(r->stored[i]);
	for (size_t i = 0; i < r->n_changed; i++)
		sim_snapshot_destroy(r->changed[i]);
	for (size_t i = 0; i < r->n_keys; i++) {
		free(r->keys[i].id);
		free(r->keys[i].arn);
		free(r->keys[i].alias);
	}
	for (size_t i = 0; i < r->n_volumes; i++)
		sim_volume_finish(&r->volumes[i]);
	for (size_t i = 0; i < r->n_images; i++)
		sim_image_finish(&r->images[i]);
	sim_zones_finish(r);
	free(r->images);
	free(r->stored);
	free(r->changed);
	free(r->pending);
	free(r->keys);
	free(r->volumes);
	free(r->default_kms_arn);
	free(r->name);
	free(r);
}

void sim_world_destroy(struct sim_world *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n_regions; i++)
		region_destroy(w->regions[i]);
	for (size_t i = 0; i < w->n_keys; i++)
		access_key_finish(&w->keys[i]);
	free(w->regions);
	free(w->keys);
	free(w->xmlns);
	free(w->disks);
	pthread_rwlock_destroy(&w->lock);
	free(w);
}
DEFINE_CLEANUP(struct sim_world *, sim_world_destroy)

int sim_world_create(const struct sim_options *o, struct sim_world **out, struct err *err)
{
	_cleanup_(sim_world_destroyp) struct sim_world *w = calloc(1, sizeof(*w));
	uint64_t seed = o->seed;
	pthread_rwlockattr_t fair;

	if (!w)
		return err_set(err, ENOMEM, "out of memory");
	pthread_rwlockattr_init(&fair);
	/* The default would let overlapping readers starve a writer. */
	pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&w->lock, &fair);
	pthread_rwlockattr_destroy(&fair);
	w->behaviour = o->behaviour;
	if (!seed)
		random_bytes(&seed, sizeof(seed));
	atomic_init(&w->random, seed);
	random_bytes(&w->token_secret, sizeof(w->token_secret));
	w->xmlns = o->xmlns ? strdup(o->xmlns) : NULL;
	w->disks = o->disks ? strdup(o->disks) : NULL;
	if ((o->xmlns && !w->xmlns) || (o->disks && !w->disks) ||
		!sim_world_add_key(w, SIM_ACCESS_KEY, SIM_SECRET_KEY, SIM_ACCOUNT))
		return err_set(err, ENOMEM, "out of memory");
	*out = steal(&w);
	return 0;
}

struct sim_time sim_world_now(const struct sim_world *w)
{
	return (struct sim_time){clock_wall_ms() + w->behaviour.clock_shift_ms, clock_mono_ms()};
}

/* splitmix64 over a counter: needs no lock, and a seed gives the same sequence each time. */
uint64_t sim_world_random(struct sim_world *w)
{
	uint64_t x = atomic_fetch_add(&w->random, 0x9e3779b97f4a7c15u) + 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

int64_t sim_world_draw(struct sim_world *w, struct sim_range range)
{
	if (range.max <= range.min)
		return range.min;
	return range.min + (int64_t)(sim_world_random(w) % (uint64_t)(range.max - range.min + 1));
}

struct sim_region *sim_world_region(const struct sim_world *w, const char *name)
{
	for (size_t i = 0; i < w->n_regions; i++)
		if (!strcmp(w->regions[i]->name, name))
			return w->regions[i];
	return NULL;
}

/* Adds the key that AWS manages for EBS in every region. Its id follows from the region's name, so
 * that it is the same in every world. */
static int add_managed_key(struct sim_region *r)
{
	struct sim_kms_key *k = calloc(1, sizeof(*k));
	uint64_t h = 0xcbf29ce484222325u;

	if (!k)
		return -ENOMEM;
	r->keys = k;
	r->n_keys = 1;
	for (const char *p = r->name; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	if (asprintf(&k->id, "%08x-eb50-4a05-8000-%012llx", (unsigned)(h >> 32),
		    (unsigned long long)(h & 0xffffffffffff)) < 0) {
		k->id = NULL;
		return -ENOMEM;
	}
	if (asprintf(&k->arn, "arn:aws:kms:%s:%s:key/%s", r->name, SIM_ACCOUNT, k->id) < 0) {
		k->arn = NULL;
		return -ENOMEM;
	}
	k->alias = strdup("alias/aws/ebs");
	k->usable = true;
	return k->alias ? 0 : -ENOMEM;
}

struct sim_region *sim_world_add_region(struct sim_world *w, const char *name)
{
	struct sim_region *r = sim_world_region(w, name), **grown;

	if (r)
		return r;
	grown = realloc(w->regions, (w->n_regions + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	w->regions = grown;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->name = strdup(name);
	r->enabled = true;
	r->copy_limit = -1;
	if (!r->name || add_managed_key(r) < 0 || sim_zones_add_default(r) < 0) {
		region_destroy(r);
		return NULL;
	}
	w->regions[w->n_regions++] = r;
	return r;
}

struct sim_access_key *sim_world_key(const struct sim_world *w, const char *id)
{
	for (size_t i = 0; i < w->n_keys; i++)
		if (!strcmp(w->keys[i].id, id))
			return &w->keys[i];
	return NULL;
}

struct sim_access_key *sim_world_add_key(
	struct sim_world *w, const char *id, const char *secret, const char *account)
{
	struct sim_access_key *grown = realloc(w->keys, (w->n_keys + 1) * sizeof(*grown)), *k;

	if (!grown)
		return NULL;
	w->keys = grown;
	k = &grown[w->n_keys];
	*k = (struct sim_access_key){
		.id = strdup(id), .secret = strdup(secret), .account = strdup(account)};
	if (asprintf(&k->arn, "arn:aws:iam::%s:user/simulated", account) < 0)
		k->arn = NULL;
	if (!k->id || !k->secret || !k->account || !k->arn) {
		access_key_finish(k);
		return NULL;
	}
	w->n_keys++;
	return k;
}
