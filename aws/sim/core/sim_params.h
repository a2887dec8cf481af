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

/* Adds what text ("a=b&c=d") holds. form: '+' is a space. Returns 0, -EINVAL (a bad escape, a NUL,
 * not UTF-8, a name twice), -E2BIG or -ENOMEM. */
int sim_params_parse(struct sim_params *p, const char *text, size_t len, bool form);
void sim_params_finish(struct sim_params *p);

/* The value, NULL if absent. Borrowed. */
const char *sim_params_get(const struct sim_params *p, const char *name);
/* The same for a name made by a format ("Filter.%zu.Name"). */
const char *sim_params_getf(const struct sim_params *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Whether any name begins with this. */
bool sim_params_has_prefix(const struct sim_params *p, const char *prefix);

/* The distinct numbers N for which a name "<prefix>N" or "<prefix>N.…" exists, ascending, in *out
 * (freed by the caller). Returns how many, or -ENOMEM. */
int sim_params_numbers(const struct sim_params *p, const char *prefix, size_t **out);
/* The values of "<prefix>1", "<prefix>2", … by number. *out is freed by the caller, the strings are
 * borrowed. Returns how many, or -ENOMEM. */
int sim_params_list(const struct sim_params *p, const char *prefix, const char ***out);

/* The first name that fits none of the patterns (NULL-terminated; '#' stands for a number from 1
 * on), NULL if all fit. */
const char *sim_params_unknown(const struct sim_params *p, const char *const *patterns);

#endif
