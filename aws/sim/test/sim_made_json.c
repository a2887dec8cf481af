/* SPDX-License-Identifier: MIT */
/* Zones, volumes and images as JSON. */
#include "sim_made_json.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "cleanup.h"
#include "sim_image_calls.h"
#include "sim_volume_calls.h"

/* Members that are texts. */
struct made_text {
	const char *name;
	size_t offset;
};
#define AT(type, name, member)                                                                     \
	{                                                                                          \
		name, offsetof(struct type, member)                                                \
	}

static const struct made_text zone_texts[] = {AT(sim_zone, "id", id), AT(sim_zone, "type", type),
	AT(sim_zone, "state", state), AT(sim_zone, "opt_in", opt_in), AT(sim_zone, "group", group),
	AT(sim_zone, "parent", parent), AT(sim_zone, "parent_id", parent_id), {NULL, 0}};

static const struct made_text volume_texts[] = {AT(sim_volume, "id", id),
	AT(sim_volume, "owner", owner_id), AT(sim_volume, "zone", zone),
	AT(sim_volume, "snapshot", snapshot_id), AT(sim_volume, "kms_key", kms_key_id),
	AT(sim_volume, "type", type), AT(sim_volume, "token", token),
	AT(sim_volume, "state", state), AT(sim_volume, "instance", instance_id),
	AT(sim_volume, "device", device), {NULL, 0}};

static const struct made_text image_texts[] = {AT(sim_image, "id", id),
	AT(sim_image, "owner", owner_id), AT(sim_image, "name", name),
	AT(sim_image, "description", description), AT(sim_image, "architecture", architecture),
	AT(sim_image, "boot_mode", boot_mode), AT(sim_image, "root_device", root_device),
	AT(sim_image, "state", state), AT(sim_image, "message", message), {NULL, 0}};

static int made_no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "out of memory");
}

static char **made_field(const struct made_text *table, void *record, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return (char **)((char *)record + table->offset);
	return NULL;
}

/* Sets a text of a record; null removes it. Returns 1, or 0 if the table has no such member, or
 * -errno with *err. */
static int made_set_text(const struct made_text *table, void *record, const char *name,
	const json_t *v, struct err *err)
{
	char **field = made_field(table, record, name);
	char *copy = NULL;

	if (!field)
		return 0;
	if (!json_is_string(v) && !json_is_null(v))
		return err_set(err, EINVAL, "%s: not a string", name);
	if (json_is_string(v)) {
		copy = strdup(json_string_value(v));
		if (!copy)
			return made_no_memory(err);
	}
	free(*field);
	*field = copy;
	return 1;
}

static int made_set_tags(struct sim_tags *tags, const json_t *v, struct err *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(v))
		return err_set(err, EINVAL, "tags: not an object");
	sim_tags_finish(tags);
	json_object_foreach((json_t *)v, key, value)
	{
		if (!json_is_string(value))
			return err_set(err, EINVAL, "tags: %s: not a string", key);
		if (sim_tags_set(tags, key, json_string_value(value)) < 0)
			return made_no_memory(err);
	}
	return 0;
}

/* --- zones --- */

int sim_made_json_zone(struct sim_region *r, const json_t *json, struct err *err)
{
	const char *name = json_string_value(json_object_get(json, "name")), *member;
	struct sim_zone *zone;
	json_t *v;

	if (!name)
		return err_set(err, EINVAL, "zones: name is missing");
	zone = sim_zones_add(r, name);
	if (!zone)
		return made_no_memory(err);
	json_object_foreach((json_t *)json, member, v)
	{
		int set = strcmp(member, "name") ? made_set_text(zone_texts, zone, member, v, err)
						 : 1;

		if (set < 0)
			return set;
		if (!set)
			return err_set(err, EINVAL, "zones: unknown: %s", member);
	}
	return 0;
}

/* --- volumes --- */

static int volume_set(struct sim_volume *v, const json_t *json, struct err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)json, name, value)
	{
		int set = made_set_text(volume_texts, v, name, value, err);

		if (set < 0)
			return set;
		if (set)
			continue;
		if (!strcmp(name, "tags")) {
			if (made_set_tags(&v->tags, value, err) < 0)
				return -err->errnum;
		} else if (!strcmp(name, "size") && json_is_integer(value)) {
			v->gib = (uint32_t)json_integer_value(value);
		} else {
			return err_set(
				err, EINVAL, "volumes: unknown, or of another type: %s", name);
		}
	}
	if (!v->id || !v->owner_id)
		return err_set(err, EINVAL, "volumes: id is missing");
	return 0;
}

int sim_made_json_volume(struct sim_region *r, const json_t *json, struct err *err)
{
	struct sim_volume *grown = realloc(r->volumes, (r->n_volumes + 1) * sizeof(*grown)), *v;

	if (!grown)
		return made_no_memory(err);
	r->volumes = grown;
	v = &grown[r->n_volumes++];
	*v = (struct sim_volume){.owner_id = strdup(SIM_ACCOUNT), .gib = 8};
	return volume_set(v, json, err);
}

static json_t *made_tags(const struct sim_tags *tags)
{
	json_t *json = json_object();

	for (size_t i = 0; i < tags->n; i++)
		json_object_set_new_nocheck(
			json, tags->items[i].key, json_string_nocheck(tags->items[i].value));
	return json;
}

/* Returns the texts of a record that are not absent. */
static json_t *made_texts(const struct made_text *table, const void *record)
{
	json_t *json = json_object();

	for (; table->name; table++) {
		const char *text = *(char *const *)((const char *)record + table->offset);

		if (text)
			json_object_set_new(json, table->name, json_string_nocheck(text));
	}
	return json;
}

json_t *sim_made_json_volumes(const struct sim_region *r, struct sim_time now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_volumes; i++) {
		const struct sim_volume *v = &r->volumes[i];
		const char *state = sim_volume_state(r, v, now);
		json_t *json = state ? made_texts(volume_texts, v) : NULL;

		if (!state)
			continue;
		json_object_set_new(json, "state", json_string(state));
		json_object_set_new(json, "size", json_integer(v->gib));
		json_object_set_new(json, "iops", json_integer(v->iops));
		json_object_set_new(json, "throughput", json_integer(v->throughput));
		json_object_set_new(json, "rate", json_integer(v->rate));
		json_object_set_new(json, "tags", made_tags(&v->tags));
		json_array_append_new(list, json);
	}
	return list;
}

/* --- images --- */

/* Adds a disk of the snapshot: the root first, then /dev/sdb, … */
static int image_add_disk(
	struct sim_region *r, struct sim_image *image, const char *snapshot, struct err *err)
{
	struct sim_image_disk *grown = realloc(image->disks, (image->n_disks + 1) * sizeof(*grown));
	struct sim_bulk_scratch scratch;
	const struct sim_snapshot *s = sim_region_find(r, snapshot, &scratch);
	char device[16];

	if (!grown)
		return made_no_memory(err);
	image->disks = grown;
	snprintf(device, sizeof(device), "/dev/sd%c", (char)('a' + image->n_disks % 26));
	grown[image->n_disks] = (struct sim_image_disk){
		.device = strdup(image->n_disks ? device : image->root_device),
		.snapshot_id = strdup(snapshot),
		.type = strdup("gp3"),
		.gib = s ? s->volume_gib : 8,
		.encrypted = s && s->encrypted};
	image->n_disks++;
	return 0;
}

static int image_set(
	struct sim_region *r, struct sim_image *image, const json_t *json, struct err *err)
{
	const char *name;
	json_t *value, *item;
	size_t i;

	json_object_foreach((json_t *)json, name, value)
	{
		int set = made_set_text(image_texts, image, name, value, err);

		if (set < 0)
			return set;
		if (set)
			continue;
		if (!strcmp(name, "tags")) {
			if (made_set_tags(&image->tags, value, err) < 0)
				return -err->errnum;
		} else if (!strcmp(name, "snapshots") && json_is_array(value)) {
			json_array_foreach(value, i, item)
			{
				if (!json_is_string(item) ||
					image_add_disk(r, image, json_string_value(item), err) < 0)
					return err_set(err, EINVAL, "images: snapshots");
			}
		} else {
			return err_set(
				err, EINVAL, "images: unknown, or of another type: %s", name);
		}
	}
	return image->id ? 0 : err_set(err, EINVAL, "images: id is missing");
}

int sim_made_json_image(struct sim_region *r, const json_t *json, struct err *err)
{
	struct sim_image *grown = realloc(r->images, (r->n_images + 1) * sizeof(*grown)), *image;

	if (!grown)
		return made_no_memory(err);
	r->images = grown;
	image = &grown[r->n_images++];
	*image = (struct sim_image){.owner_id = strdup(SIM_ACCOUNT),
		.architecture = strdup("x86_64"),
		.virtualization = strdup("hvm"),
		.root_device = strdup("/dev/xvda"),
		.ena = true};
	return image_set(r, image, json, err);
}

json_t *sim_made_json_images(const struct sim_region *r, struct sim_time now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_images; i++) {
		const struct sim_image *image = &r->images[i];
		const char *state = sim_image_state(r, image, now);
		json_t *json = state ? made_texts(image_texts, image) : NULL, *disks;

		if (!state)
			continue;
		disks = json_object();
		for (size_t j = 0; j < image->n_disks; j++)
			json_object_set_new(disks, image->disks[j].device,
				image->disks[j].snapshot_id
					? json_string(image->disks[j].snapshot_id)
					: json_null());
		json_object_set_new(json, "state", json_string(state));
		json_object_set_new(json, "ena", json_boolean(image->ena));
		json_object_set_new(json, "virtualization",
			json_string(image->virtualization ? image->virtualization : ""));
		json_object_set_new(json, "disks", disks);
		json_object_set_new(json, "tags", made_tags(&image->tags));
		json_array_append_new(list, json);
	}
	return list;
}

/* --- changes --- */

static bool change_has(const json_t *change, const char *name)
{
	return json_is_true(json_object_get(change, name));
}

static int change_volume(struct sim_world *w, struct sim_region *r, struct sim_volume *v,
	const json_t *change, struct err *err)
{
	const json_t *set = json_object_get(change, "set");

	if (set && volume_set(v, set, err) < 0)
		return -err->errnum;
	if (change_has(change, "finish") || change_has(change, "vanish"))
		sim_region_start_run(r, &v->run, 0, sim_world_now(w));
	if (change_has(change, "vanish") && !v->run.failure) {
		v->run.failure = strdup("vanished");
		if (!v->run.failure)
			return made_no_memory(err);
	}
	if (change_has(change, "delete")) {
		v->deleted = true;
		v->gone_at = sim_world_now(w).mono + sim_world_draw(w, w->behaviour.consistency_ms);
	}
	return 0;
}

static int change_image(struct sim_world *w, struct sim_region *r, struct sim_image *image,
	const json_t *change, struct err *err)
{
	const json_t *set = json_object_get(change, "set");
	struct sim_time now = sim_world_now(w);

	if (set && image_set(r, image, set, err) < 0)
		return -err->errnum;
	if (change_has(change, "finish"))
		sim_region_start_run(r, &image->run, 0, now);
	if (change_has(change, "deregister")) {
		image->deregistered = true;
		image->gone_at = now.mono + sim_world_draw(w, w->behaviour.consistency_ms);
	}
	return 0;
}

int sim_made_json_change(
	struct sim_world *w, struct sim_region *r, const json_t *change, struct err *err)
{
	const char *volume = json_string_value(json_object_get(change, "volume"));
	const char *image = json_string_value(json_object_get(change, "image"));

	for (size_t i = 0; volume && i < r->n_volumes; i++)
		if (!strcmp(r->volumes[i].id, volume))
			return change_volume(w, r, &r->volumes[i], change, err);
	for (size_t i = 0; image && i < r->n_images; i++)
		if (!strcmp(r->images[i].id, image))
			return change_image(w, r, &r->images[i], change, err);
	return err_set(err, ENOENT, "%s has no %s", r->name, volume ? volume : image);
}

void sim_made_json_finish(struct sim_region *r, struct sim_time now)
{
	for (size_t i = 0; i < r->n_volumes; i++)
		sim_region_start_run(r, &r->volumes[i].run, 0, now);
	for (size_t i = 0; i < r->n_images; i++)
		sim_region_start_run(r, &r->images[i].run, 0, now);
}
