/* SPDX-License-Identifier: MIT */
/* Counts requests by region and action, with their errors and faults. */
#include "sim_counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_region.h"

#define LINES_MAX 100000 /* regions times actions times codes, with room to spare */

enum kind { REQUESTS, ERRORS, FAULTS, N_KINDS };

struct line {
	enum kind kind;
	char region[65];
	char action[41];
	char code[80];
	long long n;
};

struct sim_counts {
	pthread_mutex_t lock; /* guards the members below */
	struct line *lines;
	size_t n;
	long long total;
	int parallel, max_parallel;
};

struct sim_counts *sim_counts_create(void)
{
	struct sim_counts *c = calloc(1, sizeof(*c));

	if (c)
		pthread_mutex_init(&c->lock, NULL);
	return c;
}

void sim_counts_destroy(struct sim_counts *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c->lines);
	free(c);
}

static void counts_add(struct sim_counts *c, enum kind kind, const char *region, const char *action,
	const char *code)
{
	struct line *grown;

	for (size_t i = 0; i < c->n; i++) {
		struct line *l = &c->lines[i];

		if (l->kind == kind && !strcmp(l->action, action) && !strcmp(l->code, code) &&
			!strncmp(l->region, region, sizeof(l->region) - 1)) {
			l->n++;
			return;
		}
	}
	grown = c->n < LINES_MAX ? realloc(c->lines, (c->n + 1) * sizeof(*grown)) : NULL;
	if (!grown)
		return;
	c->lines = grown;
	grown += c->n++;
	memset(grown, 0, sizeof(*grown));
	grown->kind = kind;
	snprintf(grown->region, sizeof(grown->region), "%s", region);
	snprintf(grown->action, sizeof(grown->action), "%s", action);
	snprintf(grown->code, sizeof(grown->code), "%s", code);
	grown->n = 1;
}

void sim_counts_begin(struct sim_counts *c, const char *region, const char *action)
{
	pthread_mutex_lock(&c->lock);
	c->total++;
	if (++c->parallel > c->max_parallel)
		c->max_parallel = c->parallel;
	counts_add(c, REQUESTS, region, action, "");
	pthread_mutex_unlock(&c->lock);
}

void sim_counts_end(struct sim_counts *c, const char *region, const char *action, const char *code,
	const char *fault)
{
	pthread_mutex_lock(&c->lock);
	c->parallel--;
	if (*code)
		counts_add(c, ERRORS, region, action, code);
	if (fault)
		counts_add(c, FAULTS, region, action, fault);
	pthread_mutex_unlock(&c->lock);
}

void sim_counts_reset(struct sim_counts *c)
{
	pthread_mutex_lock(&c->lock);
	c->n = 0;
	c->total = 0;
	c->max_parallel = c->parallel;
	pthread_mutex_unlock(&c->lock);
}

/* Returns the object parent[name], borrowed, creating it if needed; NULL on ENOMEM. */
static json_t *json_child(json_t *parent, const char *name)
{
	json_t *o = json_object_get(parent, name);

	if (!o && !json_object_set_new(parent, name, json_object()))
		o = json_object_get(parent, name);
	return o;
}

static bool json_add_line(json_t *root, const struct line *l)
{
	static const char *const names[N_KINDS] = {"requests", "errors", "faults"};
	json_t *region = json_child(json_child(root, names[l->kind]), l->region);

	if (l->kind == REQUESTS)
		return !json_object_set_new(region, l->action, json_integer(l->n));
	return !json_object_set_new(json_child(region, l->action), l->code, json_integer(l->n));
}

json_t *sim_counts_json(struct sim_counts *c, const struct sim_world *w)
{
	json_t *root = json_object();
	bool ok = root && json_child(root, "requests") && json_child(root, "errors") &&
		  json_child(root, "faults") && json_child(root, "copies") &&
		  json_child(root, "made");

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->n && ok; i++)
		ok = json_add_line(root, &c->lines[i]);
	ok = ok && !json_object_set_new(root, "total", json_integer(c->total)) &&
	     !json_object_set_new(root, "max_parallel", json_integer(c->max_parallel));
	pthread_mutex_unlock(&c->lock);
	for (size_t i = 0; i < w->n_regions && ok; i++) {
		const struct sim_region *r = w->regions[i];

		ok = !json_object_set_new(json_child(root, "copies"), r->name,
			     json_pack("{s:I, s:I, s:I}", "started", (json_int_t)r->copies_started,
				     "pending", (json_int_t)sim_region_pending(r, sim_world_now(w)),
				     "max_pending", (json_int_t)r->max_copies)) &&
		     !json_object_set_new(json_child(root, "made"), r->name,
			     json_pack("{s:I, s:I}", "volumes", (json_int_t)r->volumes_created,
				     "images", (json_int_t)r->images_registered));
	}
	if (ok)
		return root;
	json_decref(root);
	return NULL;
}
