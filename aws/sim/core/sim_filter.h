/* SPDX-License-Identifier: MIT */
/* EC2's filters: any value of one filter, and every filter. */
#ifndef EBSFS_SIM_FILTER_H
#define EBSFS_SIM_FILTER_H

#include "sim_call.h"

#define SIM_FILTER_VALUES_MAX 200

struct sim_filter {
	const char *name;
	const char **values;
	size_t *literal; /* of each value: how much of it stands before the first wildcard */
	int n_values;
};

struct sim_filters {
	struct sim_filter *items;
	int n;
};

/* Reads Filter.N; names: what the action knows, NULL-terminated; "tag:" permits any tag:<key>.
 * Returns 0, or -1 after sim_fail(). To be freed by sim_filters_finish() whatever the result. */
int sim_filters_parse(struct sim_call *c, const char *const *names, struct sim_filters *f);
void sim_filters_finish(struct sim_filters *f);
/* Whether text (NULL: the thing has no such field) is among a filter's values. */
bool sim_filter_has(const struct sim_filter *f, const char *text);

#endif
