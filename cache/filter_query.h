/* SPDX-License-Identifier: MIT */
/* The terms of a path below filter/, as the query of a view. Pure. */
#ifndef EBSFS_FILTER_QUERY_H
#define EBSFS_FILTER_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "view.h"

/*
 * A term is NAME=VALUE, as a file name:
 *
 *   one of EC2's 14 filter names     the key of tag:KEY is decoded as the value is
 *   owner                            self, amazon or an account's 12 digits
 *   restorable-by                    self, all or an account's 12 digits
 *
 * In a filter's value * and ? are EC2's wildcards; \*, \? and \\ are EC2's escapes, any other
 * backslash is itself. %XX is the byte of these hex digits, and never a wildcard; a % before
 * anything else is itself.
 */

/* Checks one term. ENOENT: no such name, with the list of names; EINVAL: a value that EC2 does not
 * take. Returns 0 or -errno with *err. */
int filter_query_check(const char *term, struct err *err);

/* The query of several terms: values of the same name are alternatives, different names are
 * conditions that all hold. Neither the order of the terms nor a repeated one counts, so equal
 * conditions make equal queries. E2BIG: more filters or values than EC2 takes in a request. Returns
 * 0 or -errno with *err; out is to be finished either way. */
struct filter_query {
	struct view_query query; /* borrows from the other members */
	struct filter_query_term *terms;
	const char **words;
	struct ec2_filter *filters;
};
int filter_query_make(
	struct filter_query *out, const char *const *terms, size_t n, struct err *err);
void filter_query_finish(struct filter_query *q);

/* Whether the query would list the world: public snapshots or Amazon's, without an account that
 * owns them, and without ids of snapshots or volumes or a tag. */
bool filter_query_is_world(const struct view_query *q);

#endif
