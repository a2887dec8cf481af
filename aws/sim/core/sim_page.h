/* SPDX-License-Identifier: MIT */
/* The pages of a listing: MaxResults, and tokens that fit their own query only. */
#ifndef EBSFS_SIM_PAGE_H
#define EBSFS_SIM_PAGE_H

#include "sim_call.h"

struct sim_page {
	size_t max;   /* 0: all in one page */
	size_t start; /* the first slot */
};
/* Reads MaxResults and NextToken. ids: the name of the parameter with ids that the request has,
 * with which MaxResults cannot be combined; NULL: it has none. Returns 0, or -1 after sim_fail().
 */
int sim_page_parse(struct sim_call *c, const char *ids, struct sim_page *page);
/* Returns how many slots the page has; *count_all: slots that a filter excludes count too. */
size_t sim_page_size(struct sim_call *c, const struct sim_page *page, bool *count_all);
/* Writes nextToken. next: the first slot of the next page; SIZE_MAX: this is the last. */
void sim_page_end(struct sim_call *c, size_t next);

/* Hashes the parameters that make two requests the same, in any order, with region and account. */
uint64_t sim_page_hash(const struct sim_call *c);

#endif
