/* SPDX-License-Identifier: MIT */
/* The pages of a listing: MaxResults, and page tokens, each valid only for the query that it was
 * made for. */
#ifndef EBSFS_SIM_PAGE_H
#define EBSFS_SIM_PAGE_H

#include "sim_call.h"

struct sim_page {
	size_t max;   /* 0: all in one page */
	size_t start; /* the first slot */
};
/* Reads MaxResults and NextToken. ids: if the request has a parameter with ids, with which
 * MaxResults cannot be combined, the parameter's name; else NULL. Returns 0, or -1 after
 * sim_fail(). */
int sim_page_parse(struct sim_call *c, const char *ids, struct sim_page *page);
/* Returns the number of slots that the page may have; sets *count_all if slots that a filter
 * excludes count too. */
size_t sim_page_size(struct sim_call *c, const struct sim_page *page, bool *count_all);
/* Writes nextToken. next: the first slot of the next page; SIZE_MAX: this page is the last. */
void sim_page_end(struct sim_call *c, size_t next);

/* Returns a hash of region, account and the parameters in any order, but without those that may
 * differ between equal requests (page, signature, ClientToken, DryRun, Version). */
uint64_t sim_page_hash(const struct sim_call *c);

#endif
