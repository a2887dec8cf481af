/* SPDX-License-Identifier: MIT */
/* DescribeAvailabilityZones. */
#include <string.h>

#include "sim_actions.h"
#include "sim_filter.h"

const char *const sim_zones_params[] = {"ZoneName.#", "ZoneId.#", "AllAvailabilityZones",
	"Filter.#.Name", "Filter.#.Value.#", NULL};

static const char *const zone_filters[] = {"group-long-name", "group-name", "message",
	"opt-in-status", "parent-zone-id", "parent-zone-name", "region-name", "state", "zone-id",
	"zone-name", "zone-type", NULL};

static const char *zone_field(
	const struct sim_region *r, const struct sim_zone *zone, const char *filter)
{
	const struct {
		const char *filter, *value;
	} fields[] = {{"group-name", zone->group}, {"group-long-name", zone->group},
		{"opt-in-status", zone->opt_in}, {"parent-zone-id", zone->parent_id},
		{"parent-zone-name", zone->parent}, {"region-name", r->name},
		{"state", zone->state}, {"zone-id", zone->id}, {"zone-name", zone->name},
		{"zone-type", zone->type}};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!strcmp(fields[i].filter, filter))
			return fields[i].value;
	return NULL;
}

static bool zone_matches(
	const struct sim_region *r, const struct sim_zone *zone, const struct sim_filters *f)
{
	for (int i = 0; i < f->n; i++)
		if (!sim_filter_has(&f->items[i], zone_field(r, zone, f->items[i].name)))
			return false;
	return true;
}

/* The zones that a request names; n 0: all. */
struct zone_names {
	const char **names, **ids;
	int n_names, n_ids;
};

static void zone_names_finish(struct zone_names *z)
{
	free(z->names);
	free(z->ids);
}

static int zone_names_parse(struct sim_call *c, struct zone_names *z)
{
	z->n_names = sim_params_list(c->params, "ZoneName.", &z->names);
	z->n_ids = sim_params_list(c->params, "ZoneId.", &z->ids);
	if (z->n_names < 0 || z->n_ids < 0)
		return sim_fail_memory(c);
	for (int i = 0; i < z->n_names; i++)
		if (!sim_zones_find(c->region, z->names[i], NULL))
			return sim_fail(c, 400, "InvalidParameterValue",
				"Invalid availability zone: [%s]", z->names[i]);
	for (int i = 0; i < z->n_ids; i++)
		if (!sim_zones_find(c->region, NULL, z->ids[i]))
			return sim_fail(c, 400, "InvalidParameterValue",
				"Invalid availability zone-id: [%s]", z->ids[i]);
	return 0;
}

static bool zone_is_listed(const char **list, int n, const char *text)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(list[i], text))
			return true;
	return !n;
}

static void zone_write(struct sim_call *c, const struct sim_zone *zone)
{
	struct sim_xml *x = &c->xml;

	sim_xml_open(x, "item");
	sim_xml_leaf(x, "optInStatus", zone->opt_in);
	sim_xml_leaf(x, "messageSet", "");
	sim_xml_leaf(x, "regionName", c->region->name);
	sim_xml_leaf(x, "zoneName", zone->name);
	sim_xml_leaf(x, "zoneId", zone->id);
	sim_xml_leaf(x, "groupName", zone->group);
	sim_xml_leaf(x, "networkBorderGroup", zone->group);
	sim_xml_leaf(x, "zoneType", zone->type);
	sim_xml_leaf(x, "parentZoneName", zone->parent);
	sim_xml_leaf(x, "parentZoneId", zone->parent_id);
	sim_xml_leaf(x, "zoneState", zone->state);
	sim_xml_close(x, "item");
}

int sim_describe_zones(struct sim_call *c)
{
	_cleanup_(sim_filters_finish) struct sim_filters f = {0};
	_cleanup_(zone_names_finish) struct zone_names named = {0};
	bool all;

	if (sim_call_bool(c, "AllAvailabilityZones", &all) < 0 ||
		sim_filters_parse(c, zone_filters, &f) < 0 || zone_names_parse(c, &named) < 0 ||
		sim_call_dry_run(c) < 0)
		return -1;
	sim_call_begin(c);
	sim_xml_open(&c->xml, "availabilityZoneInfo");
	for (size_t i = 0; i < c->region->n_zones; i++) {
		const struct sim_zone *zone = &c->region->zones[i];

		if ((all || sim_zones_is_usable(zone)) &&
			zone_is_listed(named.names, named.n_names, zone->name) &&
			zone_is_listed(named.ids, named.n_ids, zone->id) &&
			zone_matches(c->region, zone, &f))
			zone_write(c, zone);
	}
	sim_xml_close(&c->xml, "availabilityZoneInfo");
	return sim_call_end(c);
}
