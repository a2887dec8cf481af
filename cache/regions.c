/* SPDX-License-Identifier: MIT */
/* All regions of the mount, shown and hidden. */
#include "regions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "catalogue_cache.h"
#include "cleanup.h"
#include "clock.h"
#include "digest.h"
#include "endpoint.h"
#include "view.h"
#include "watchers.h"

struct regions {
	struct region_options options; /* for new ones */
	char account[32];
	struct region *shown[REGIONS_MAX], *hidden[REGIONS_MAX];
	size_t n_shown, n_hidden;
	struct watchers each; /* regions_each_fn */
	struct regions_walk walk;
	char *cache_dir, *cache_scope; /* NULL: catalogues are not kept on disk */
};

struct regions *regions_create(uv_loop_t *loop, struct aws *aws, int64_t ttl_ms)
{
	struct regions *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return NULL;
	rs->options = (struct region_options){
		.loop = loop, .aws = aws, .ttl_ms = ttl_ms, .account = rs->account};
	return rs;
}

void regions_destroy(struct regions *rs)
{
	if (!rs)
		return;
	for (size_t i = 0; i < rs->n_shown; i++)
		region_destroy(rs->shown[i]);
	for (size_t i = 0; i < rs->n_hidden; i++)
		region_destroy(rs->hidden[i]);
	watchers_finish(&rs->each);
	free(rs->cache_dir);
	free(rs->cache_scope);
	free(rs);
}

void regions_set_account(struct regions *rs, const char *account)
{
	snprintf(rs->account, sizeof(rs->account), "%s", account ? account : "");
	for (size_t i = 0; i < rs->n_shown; i++)
		region_set_account(rs->shown[i], account);
	for (size_t i = 0; i < rs->n_hidden; i++)
		region_set_account(rs->hidden[i], account);
}

static int position(struct region *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(region_name(list[i]), name) == 0)
			return (int)i;
	}
	return -1;
}

/* --- on disk --- */

static int set_cache(const struct regions *rs, struct region *region)
{
	_cleanup_buf_ struct buf path = BUF_INIT, text = BUF_INIT;
	char scope[DIGEST_SHA256_HEX];

	buf_printf(&path, "%s/catalogue/%s", rs->cache_dir, region_name(region));
	buf_printf(&text, "%s\n%s", rs->cache_scope, region_name(region));
	if (path.error || text.error || digest_sha256_hex(text.data, text.len, scope) < 0)
		return -ENOMEM;
	return region_set_cache(region, path.data, scope);
}

int regions_set_cache(struct regions *rs, const char *dir, const char *scope)
{
	int r;

	rs->cache_dir = strdup(dir);
	rs->cache_scope = strdup(scope);
	r = rs->cache_dir && rs->cache_scope ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < rs->n_shown; i++)
		r = set_cache(rs, rs->shown[i]);
	return r;
}

void regions_cache_flush(struct regions *rs)
{
	for (size_t i = 0; i < rs->n_shown; i++)
		if (region_cache(rs->shown[i]))
			catalogue_cache_flush(region_cache(rs->shown[i]));
}

bool regions_cache_busy(const struct regions *rs)
{
	for (size_t i = 0; i < rs->n_shown; i++)
		if (region_cache(rs->shown[i]) && catalogue_cache_busy(region_cache(rs->shown[i])))
			return true;
	return false;
}

/* Appends a new region to a list. Returns 0, -EINVAL, -ENOSPC or -ENOMEM. */
static int create_region(struct regions *rs, const char *name, struct region **list, size_t *n)
{
	struct region_options options = rs->options;
	struct region *region;

	if (!endpoint_is_region(name))
		return -EINVAL;
	if (*n == REGIONS_MAX)
		return -ENOSPC;
	options.name = name;
	region = region_create(&options);
	if (!region)
		return -ENOMEM;
	/* Out of memory, the region is not kept on disk. */
	if (rs->cache_scope)
		(void)set_cache(rs, region);
	list[(*n)++] = region;
	for (size_t i = 0; i < rs->each.n; i++)
		((regions_each_fn *)rs->each.list[i].fn)(rs->each.list[i].arg, region);
	return 0;
}

int regions_show(struct regions *rs, const char *name)
{
	int index = regions_index(rs, name), hidden, result;

	if (index >= 0)
		return index;
	hidden = position(rs->hidden, rs->n_hidden, name);
	if (hidden < 0) {
		result = create_region(rs, name, rs->shown, &rs->n_shown);
		return result < 0 ? result : (int)rs->n_shown - 1;
	}
	if (rs->n_shown == REGIONS_MAX)
		return -ENOSPC;
	rs->shown[rs->n_shown] = rs->hidden[hidden];
	rs->hidden[hidden] = rs->hidden[--rs->n_hidden];
	return (int)rs->n_shown++;
}

size_t regions_shown(const struct regions *rs)
{
	return rs->n_shown;
}

struct region *regions_at(const struct regions *rs, size_t index)
{
	return index < rs->n_shown ? rs->shown[index] : NULL;
}

int regions_index(const struct regions *rs, const char *name)
{
	return position(rs->shown, rs->n_shown, name);
}

struct region *regions_get(struct regions *rs, const char *name)
{
	int index = regions_index(rs, name);

	if (index >= 0)
		return rs->shown[index];
	index = position(rs->hidden, rs->n_hidden, name);
	if (index >= 0)
		return rs->hidden[index];
	return create_region(rs, name, rs->hidden, &rs->n_hidden) < 0
		       ? NULL
		       : rs->hidden[rs->n_hidden - 1];
}

/* --- listing in advance --- */

static bool regions_walk_has(const struct regions_walk *a, size_t index)
{
	return a->looked[index / 64] >> index % 64 & 1;
}

bool regions_walk_look(struct regions_walk *a, size_t index, int64_t now_ms)
{
	if (index >= REGIONS_MAX)
		return false;
	if (!a->n || now_ms - a->at_ms > REGIONS_WALK_GAP_MS)
		*a = (struct regions_walk){0};
	a->at_ms = now_ms;
	if (!regions_walk_has(a, index)) {
		a->looked[index / 64] |= (uint64_t)1 << index % 64;
		a->n++;
	}
	if (a->row && index == a->latest + 1)
		a->row++;
	else if (!a->row || index != a->latest)
		a->row = 1;
	a->latest = index;
	return a->n >= REGIONS_WALK_MIN;
}

bool regions_walk_wants(const struct regions_walk *a, size_t index)
{
	size_t far = a->row < REGIONS_WALK_AHEAD ? a->row : REGIONS_WALK_AHEAD;

	if (a->n < REGIONS_WALK_MIN || index >= REGIONS_MAX)
		return false;
	if (regions_walk_has(a, index))
		return true;
	return a->row >= REGIONS_WALK_MIN && index > a->latest && index - a->latest <= far;
}

void regions_look(struct regions *rs, size_t index)
{
	if (!regions_walk_look(&rs->walk, index, clock_mono_ms()))
		return;
	for (size_t i = 0; i < rs->n_shown; i++)
		if (regions_walk_wants(&rs->walk, i))
			view_prefetch(region_own(rs->shown[i]));
}

int regions_each(struct regions *rs, regions_each_fn *fn, void *arg)
{
	int r = watchers_add(&rs->each, (watchers_fn *)fn, arg);

	for (size_t i = 0; i < rs->n_shown; i++)
		fn(arg, rs->shown[i]);
	for (size_t i = 0; i < rs->n_hidden; i++)
		fn(arg, rs->hidden[i]);
	return r;
}
