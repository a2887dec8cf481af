/* SPDX-License-Identifier: MIT */
/* The regions that AWS has, DescribeRegions, and encryption by default. */
#include "sim_regions.h"

#include <string.h>

#include "sim_actions.h"
#include "sim_filter.h"

static const struct {
	const char *name;
	bool opt_in;
} real[] = {
	{"us-east-1", false},
	{"eu-west-1", false},
	{"ap-southeast-2", false},
	{"us-west-2", false},
	{"us-east-2", false},
	{"us-west-1", false},
	{"eu-central-1", false},
	{"eu-west-2", false},
	{"eu-west-3", false},
	{"eu-north-1", false},
	{"ap-northeast-1", false},
	{"ap-northeast-2", false},
	{"ap-northeast-3", false},
	{"ap-south-1", false},
	{"ap-southeast-1", false},
	{"ca-central-1", false},
	{"sa-east-1", false},
	{"af-south-1", true},
	{"ap-east-1", true},
	{"ap-east-2", true},
	{"ap-south-2", true},
	{"ap-southeast-3", true},
	{"ap-southeast-4", true},
	{"ap-southeast-5", true},
	{"ap-southeast-6", true},
	{"ap-southeast-7", true},
	{"ca-west-1", true},
	{"eu-central-2", true},
	{"eu-south-1", true},
	{"eu-south-2", true},
	{"il-central-1", true},
	{"me-central-1", true},
	{"me-south-1", true},
	{"mx-central-1", true},
};

char *sim_regions_name(size_t n)
{
	char *name;

	if (n < ARRAY_LEN(real))
		return strdup(real[n].name);
	return asprintf(&name, "us-simulated-%zu", n - ARRAY_LEN(real) + 1) < 0 ? NULL : name;
}

bool sim_regions_opt_in(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(real); i++)
		if (!strcmp(real[i].name, name))
			return real[i].opt_in;
	return false;
}

const char *const sim_regions_params[] = {
	"RegionName.#", "AllRegions", "Filter.#.Name", "Filter.#.Value.#", NULL};

static const char *opt_in_status(const struct sim_region *r)
{
	return !r->opt_in && r->enabled ? "opt-in-not-required"
	       : r->enabled             ? "opted-in"
					: "not-opted-in";
}

static bool region_matches(
	const struct sim_filters *f, const struct sim_region *r, const char *endpoint)
{
	for (int i = 0; i < f->n; i++) {
		const char *name = f->items[i].name;
		const char *value = !strcmp(name, "endpoint")      ? endpoint
				    : !strcmp(name, "region-name") ? r->name
								   : opt_in_status(r);

		if (!sim_filter_has(&f->items[i], value))
			return false;
	}
	return true;
}

static bool is_named(const char **names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return !n;
}

static int write_regions(
	struct sim_call *c, const struct sim_filters *f, const char **names, int n, bool all)
{
	sim_call_begin(c);
	sim_xml_open(&c->xml, "regionInfo");
	for (size_t i = 0; i < c->world->n_regions; i++) {
		const struct sim_region *r = c->world->regions[i];
		_cleanup_buf_ struct buf endpoint = BUF_INIT;

		buf_printf(&endpoint, "ec2.%s.amazonaws.com", r->name);
		if ((!r->enabled && !all) || !is_named(names, n, r->name) ||
			!region_matches(f, r, buf_str(&endpoint)))
			continue;
		sim_xml_open(&c->xml, "item");
		sim_xml_leaf(&c->xml, "regionName", r->name);
		sim_xml_leaf(&c->xml, "regionEndpoint", buf_str(&endpoint));
		sim_xml_leaf(&c->xml, "optInStatus", opt_in_status(r));
		sim_xml_close(&c->xml, "item");
	}
	sim_xml_close(&c->xml, "regionInfo");
	return sim_call_end(c);
}

int sim_describe_regions(struct sim_call *c)
{
	static const char *const filters[] = {"endpoint", "opt-in-status", "region-name", NULL};
	_cleanup_(sim_filters_finish) struct sim_filters f = {0};
	_cleanup_free_ const char **names = NULL;
	bool all;
	int n;

	if (sim_call_bool(c, "AllRegions", &all) < 0 || sim_filters_parse(c, filters, &f) < 0)
		return -1;
	n = sim_params_list(c->params, "RegionName.", &names);
	if (n < 0)
		return sim_fail_memory(c);
	for (int i = 0; i < n; i++)
		if (!sim_world_region(c->world, names[i]))
			return sim_fail(c, 400, "InvalidParameterValue",
				"Invalid region names provided: %s", names[i]);
	if (sim_call_dry_run(c) < 0)
		return -1;
	return write_regions(c, &f, names, n, all);
}

/* --- encryption by default --- */

int sim_get_encryption_by_default(struct sim_call *c)
{
	if (sim_call_dry_run(c) < 0)
		return -1;
	sim_call_begin(c);
	sim_xml_leaf(&c->xml, "ebsEncryptionByDefault",
		c->region->encrypts_by_default ? "true" : "false");
	return sim_call_end(c);
}

/* GetEbsDefaultKmsKeyId responds with an alias unless the account has set a key. */
int sim_get_default_key(struct sim_call *c)
{
	if (sim_call_dry_run(c) < 0)
		return -1;
	sim_call_begin(c);
	sim_xml_leaf(&c->xml, "kmsKeyId",
		c->region->default_kms_arn ? c->region->default_kms_arn : "alias/aws/ebs");
	return sim_call_end(c);
}
