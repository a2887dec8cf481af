/* SPDX-License-Identifier: MIT */
/* The parameters of a Query API request: names and values from its query string and its form body.
 */
#ifndef EBSFS_SIM_PARAMS_H
#define EBSFS_SIM_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

#define SIM_PARAMS_MAX 20000

struct sim_param {
	char *name;
	char *value;
};

struct sim_params {
	struct sim_param *items; /* in the order of the request */
	size_t n, capacity;
};
#define SIM_PARAMS_INIT ((struct sim_params){0})

/* Adds the parameters of text ("a=b&c=d"). form: '+' is a space. Returns 0, -EINVAL (a bad escape,
 * a NUL, not UTF-8, a duplicate name), -E2BIG or -ENOMEM. */
int sim_params_parse(struct sim_params *p, const char *text, size_t len, bool form);
void sim_params_finish(struct sim_params *p);

/* Returns the value, borrowed, or NULL if absent. */
const char *sim_params_get(const struct sim_params *p, const char *name);
/* Like sim_params_get(), for a formatted name ("Filter.%zu.Name"). */
const char *sim_params_getf(const struct sim_params *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Whether any name begins with prefix. */
bool sim_params_has_prefix(const struct sim_params *p, const char *prefix);

/* Writes the distinct numbers N for which a name "<prefix>N" or "<prefix>N.…" exists to *out,
 * ascending; the caller frees it. Returns their number or -ENOMEM. */
int sim_params_numbers(const struct sim_params *p, const char *prefix, size_t **out);
/* Writes the values of "<prefix>1", "<prefix>2", … by number to *out; the caller frees it, the
 * strings are borrowed. Returns their number or -ENOMEM. */
int sim_params_list(const struct sim_params *p, const char *prefix, const char ***out);

/* Returns the first name that matches none of the patterns (NULL-terminated; '#' is a number from 1
 * on), NULL if all match. */
const char *sim_params_unknown(const struct sim_params *p, const char *const *patterns);

#endif
