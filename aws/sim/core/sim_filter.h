/* SPDX-License-Identifier: MIT */
/* EC2's filters. A resource is listed if it matches, for each filter, at least one value. */
#ifndef EBSFS_SIM_FILTER_H
#define EBSFS_SIM_FILTER_H

#include "sim_call.h"

/* The maximum numbers of filters in a request, of all their values, and of characters in a value.
 */
#define SIM_FILTERS_MAX       50
#define SIM_FILTER_VALUES_MAX 200
#define SIM_FILTER_VALUE_MAX  255

struct sim_filter {
	const char *name;
	const char **values;
	size_t *literal; /* for each value, the length before its first wildcard */
	int n_values;
};

struct sim_filters {
	struct sim_filter *items;
	int n;
};

/* Parses Filter.N. names: the filters of the action, NULL-terminated; "tag:" permits any tag:<key>.
 * Returns 0, or -1 after sim_fail(). The caller frees *f by sim_filters_finish() whatever the
 * result. */
int sim_filters_parse(struct sim_call *c, const char *const *names, struct sim_filters *f);
void sim_filters_finish(struct sim_filters *f);
/* Whether text matches a value of the filter; NULL (an absent field) matches no value. */
bool sim_filter_has(const struct sim_filter *f, const char *text);

#endif
