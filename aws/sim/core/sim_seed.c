/* SPDX-License-Identifier: MIT */
/* Fills a new world as the options say. */
#include "sim_seed.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "sim_regions.h"
#include "sim_text.h"

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
	int r = o->world_file ? sim_seed_file(w, o->world_file, err) : 0;

	for (size_t i = 0; i < o->n_bulk && r == 0; i++)
		r = add_bulk(w, o->bulk[i].region, o->bulk[i].snapshots, err);
	if (r == 0 && o->demo && sim_demo_seed(w) < 0)
		r = err_set(err, ENOMEM, "out of memory");
	if (r == 0)
		r = add_regions(w, o->n_regions, err);
	return r;
}
