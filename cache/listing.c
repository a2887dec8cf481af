/* SPDX-License-Identifier: MIT */
/* One listing of all snapshots that the account owns in a region: what is asked for, and the bound
 * on all of it. */
#include "listing.h"

#include <errno.h>

#include "cleanup.h"

struct listing {
	const char *region;
	struct pages *pages;
	pages_page *on_page;
	pages_done *done;
	void *arg;
	size_t n; /* snapshots so far */
};

static int listing_page(void *arg, const struct ec2_page *page, struct err *err)
{
	struct listing *l = arg;

	l->n += page->n_snapshots;
	if (l->n > LISTING_MAX)
		return err_set(
			err, EIO, "EC2 in %s sent more than %d snapshots", l->region, LISTING_MAX);
	return l->on_page(l->arg, page, err);
}

static void listing_done(void *arg, const struct err *err)
{
	struct listing *l = arg;
	pages_done *done = l->done;
	void *done_arg = l->arg;

	free(l);
	done(done_arg, err);
}

struct listing *listing_start(
	struct aws *aws, const char *region, pages_page *on_page, pages_done *done, void *arg)
{
	/* Without an owner EC2 lists everybody's public snapshots; without a size of pages it
	 * answers from a smaller throttle bucket. */
	const struct ec2_describe_snapshots query = {
		.region = region, .owner = "self", .max_results = EC2_PAGE_MAX};
	struct listing *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct listing){.region = region, .on_page = on_page, .done = done, .arg = arg};
	l->pages = pages_start(aws, &query, listing_page, listing_done, l);
	if (!l->pages) {
		free(l);
		return NULL;
	}
	return l;
}

void listing_cancel(struct listing *l)
{
	if (!l)
		return;
	pages_cancel(l->pages);
	free(l);
}
