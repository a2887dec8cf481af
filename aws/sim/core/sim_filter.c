/* SPDX-License-Identifier: MIT */
/* EC2's filters: parsing and matching. */
#include "sim_filter.h"

#include <string.h>

#include "sim_text.h"
#include "utf8.h"

static bool filter_is_known(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (!strcmp(*names, "tag:") ? !strncmp(name, "tag:", 4) && name[4]
					    : !strcmp(*names, name))
			return true;
	return false;
}

/* EC2 accepts a backslash before *, ? and itself only. */
static int check_value(struct sim_call *c, const char *value)
{
	if (utf8_count(value, strlen(value)) > SIM_FILTER_VALUE_MAX)
		return sim_fail(c, 400, "InvalidParameterValue",
			"Invalid filter value: more than %d characters", SIM_FILTER_VALUE_MAX);
	for (; *value; value++) {
		if (*value != '\\')
			continue;
		if (!value[1] || !strchr("*?\\", value[1]))
			return sim_fail(c, 400, "InvalidParameterValue",
				"Invalid filter value: The escape sequence '%.2s' is invalid",
				value);
		value++;
	}
	return 0;
}

static int filter_parse(
	struct sim_call *c, const char *const *names, size_t number, struct sim_filter *f)
{
	char prefix[64];

	f->name = sim_params_getf(c->params, "Filter.%zu.Name", number);
	if (!f->name)
		return sim_fail(c, 400, "MissingParameter",
			"The request must contain the parameter Filter.%zu.Name", number);
	if (!filter_is_known(names, f->name))
		return sim_fail(
			c, 400, "InvalidParameterValue", "The filter '%s' is invalid", f->name);
	snprintf(prefix, sizeof(prefix), "Filter.%zu.Value.", number);
	f->n_values = sim_params_list(c->params, prefix, &f->values);
	if (f->n_values < 0)
		return sim_fail_memory(c);
	if (!f->n_values)
		return sim_fail(c, 400, "InvalidParameterValue",
			"The filter '%s' must have at least one value", f->name);
	f->literal = calloc((size_t)f->n_values, sizeof(*f->literal));
	if (!f->literal)
		return sim_fail_memory(c);
	for (int i = 0; i < f->n_values; i++) {
		if (check_value(c, f->values[i]) < 0)
			return -1;
		f->literal[i] = sim_text_literal(f->values[i]);
	}
	return 0;
}

int sim_filters_parse(struct sim_call *c, const char *const *names, struct sim_filters *f)
{
	_cleanup_free_ size_t *numbers = NULL;
	int n = sim_params_numbers(c->params, "Filter.", &numbers), values = 0;

	*f = (struct sim_filters){0};
	if (n < 0)
		return sim_fail_memory(c);
	if (n > SIM_FILTERS_MAX)
		return sim_fail(c, 400, "FilterLimitExceeded",
			"The maximum number of filters specified on a single call is %d",
			SIM_FILTERS_MAX);
	f->items = calloc((size_t)n + 1, sizeof(*f->items));
	if (!f->items)
		return sim_fail_memory(c);
	for (int i = 0; i < n; i++) {
		f->n++;
		if (filter_parse(c, names, numbers[i], &f->items[i]) < 0)
			return -1;
		values += f->items[i].n_values;
	}
	if (values > SIM_FILTER_VALUES_MAX)
		return sim_fail(c, 400, "FilterLimitExceeded",
			"The maximum number of filter values specified on a single call is %d",
			SIM_FILTER_VALUES_MAX);
	return 0;
}

void sim_filters_finish(struct sim_filters *f)
{
	for (int i = 0; i < f->n; i++) {
		free(f->items[i].values);
		free(f->items[i].literal);
	}
	free(f->items);
	*f = (struct sim_filters){0};
}

bool sim_filter_has(const struct sim_filter *f, const char *text)
{
	for (int i = 0; text && i < f->n_values; i++)
		if (strncmp(text, f->values[i], f->literal[i]) == 0 &&
			sim_text_matches(text + f->literal[i], f->values[i] + f->literal[i]))
			return true;
	return false;
}
