/* SPDX-License-Identifier: MIT */
/* One listing of all snapshots that the account owns in a region: page after page, or, where there
 * are many, in ranges of ids side by side. */
#include "listing.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "ranges.h"

/*
 * Pages can only be asked for one after the other, each by the token of the one before; a large
 * region's pages take long not because they are large but because they wait for each other. So:
 *
 *   1. The plain listing begins. If its first page is all, that was one request.
 *   2. If not, one sixteenth of the ids is asked for beside it. If that is less than a page, the
 *      region is not large, and the plain listing goes on to its end: one request more.
 *   3. If the sixteenth fills a page too, there are some 16,000 or more: all other sixteenths, and
 *      whatever lies outside them, are asked for side by side, and the plain listing ends. At most
 *      one page of each range is not full: some twenty requests more than the plain listing's.
 *
 * An endpoint that knows no wildcards shows itself in the sixteenth, which then lacks ids that the
 * first page had, or has others: the plain listing goes on as if nothing had been asked.
 */
struct listing {
	struct aws *aws;
	const char *region;
	pages_page *on_page;
	pages_done *done;
	void *arg;
	size_t n;            /* snapshots so far, those that came twice counted twice */
	struct pages *plain; /* NULL: ended */
	bool plain_begun, probe_begun, split;
	struct ranges ranges;
	unsigned probe;   /* the range that was asked for first */
	char witness[72]; /* an id of the plain listing that is in it */
	struct part {
		struct listing *listing;
		struct pages *pages;         /* NULL: not begun, or ended */
		struct ranges_filter filter; /* lent to pages */
		struct ec2_filter ids;
	} parts[RANGES];
};

static void cancel_parts(struct listing *l)
{
	for (unsigned i = 0; i < RANGES; i++) {
		pages_cancel(l->parts[i].pages);
		l->parts[i].pages = NULL;
	}
}

static void end(struct listing *l, const struct err *err)
{
	pages_done *done = l->done;
	void *arg = l->arg;

	pages_cancel(l->plain);
	cancel_parts(l);
	free(l);
	done(arg, err);
}

static int pass_on(struct listing *l, const struct ec2_page *page, struct err *err)
{
	l->n += page->n_snapshots;
	if (l->n > LISTING_MAX)
		return err_set(
			err, EIO, "EC2 in %s sent more than %d snapshots", l->region, LISTING_MAX);
	return l->on_page(l->arg, page, err);
}

static bool has_more(const struct ec2_page *page)
{
	return page->next_token && *page->next_token;
}

/* --- the ranges --- */

static int part_page(void *arg, const struct ec2_page *page, struct err *err);
static void part_done(void *arg, const struct err *err);

static int begin_part(struct listing *l, unsigned i)
{
	struct part *part = &l->parts[i];

	ranges_filter(&l->ranges, i, &part->filter);
	part->ids = (struct ec2_filter){"snapshot-id", part->filter.values, part->filter.n};
	part->listing = l;
	part->pages = pages_start(l->aws,
		&(struct ec2_describe_snapshots){.region = l->region,
			.owner = "self",
			.filters = &part->ids,
			.n_filters = 1,
			.max_results = EC2_PAGE_MAX},
		part_page, part_done, part);
	return part->pages ? 0 : -ENOMEM;
}

/* Whether the endpoint did what the wildcard says. */
static bool is_honest(const struct listing *l, const struct ec2_page *page)
{
	bool witnessed = has_more(page); /* it may come on a later page, or have been deleted */

	for (size_t i = 0; i < page->n_snapshots; i++) {
		if (ranges_of(&l->ranges, page->snapshots[i].id) != l->probe)
			return false;
		witnessed |= strcmp(page->snapshots[i].id, l->witness) == 0;
	}
	return witnessed;
}

static int split(struct listing *l, struct err *err)
{
	l->split = true;
	pages_cancel(l->plain);
	l->plain = NULL;
	for (unsigned i = 0; i < RANGES; i++)
		if (i != l->probe && begin_part(l, i) < 0)
			return err_set(err, ENOMEM, "out of memory");
	return 0;
}

static int part_page(void *arg, const struct ec2_page *page, struct err *err)
{
	struct part *part = arg;
	struct listing *l = part->listing;

	if (!l->split) {
		if (!is_honest(l, page) || !has_more(page))
			return err_set(err, ECANCELED, "not worth splitting");
		if (split(l, err) < 0)
			return -err->errnum;
	}
	return pass_on(l, page, err);
}

static void part_done(void *arg, const struct err *err)
{
	struct part *part = arg;
	struct listing *l = part->listing;

	part->pages = NULL;
	if (!l->split)
		return; /* the sixteenth was asked in vain; the plain listing goes on */
	if (err) {
		end(l, err);
		return;
	}
	for (unsigned i = 0; i < RANGES; i++)
		if (l->parts[i].pages)
			return;
	end(l, NULL);
}

/* --- the plain listing --- */

static void begin_probe(struct listing *l, const struct ec2_page *page)
{
	unsigned count[RANGES] = {0};

	/* A short page with a token says nothing of how many there are. */
	if (page->n_snapshots < EC2_PAGE_MAX / 2 ||
		!ranges_choose(&l->ranges, page->snapshots, page->n_snapshots))
		return;
	for (size_t i = 0; i < page->n_snapshots; i++)
		count[ranges_of(&l->ranges, page->snapshots[i].id)]++;
	for (unsigned i = 1; i < RANGES_DIGITS; i++)
		if (count[i] > count[l->probe])
			l->probe = i;
	if (!count[l->probe])
		return;
	for (size_t i = 0; i < page->n_snapshots; i++)
		if (ranges_of(&l->ranges, page->snapshots[i].id) == l->probe)
			snprintf(l->witness, sizeof(l->witness), "%s", page->snapshots[i].id);
	begin_part(l, l->probe); /* without memory for it the plain listing does */
}

static int plain_page(void *arg, const struct ec2_page *page, struct err *err)
{
	struct listing *l = arg;

	if (!l->plain_begun && has_more(page))
		begin_probe(l, page);
	l->plain_begun = true;
	return pass_on(l, page, err);
}

static void plain_done(void *arg, const struct err *err)
{
	struct listing *l = arg;

	l->plain = NULL;
	end(l, err);
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
	*l = (struct listing){
		.aws = aws, .region = region, .on_page = on_page, .done = done, .arg = arg};
	l->plain = pages_start(aws, &query, plain_page, plain_done, l);
	if (!l->plain) {
		free(l);
		return NULL;
	}
	return l;
}

void listing_cancel(struct listing *l)
{
	if (!l)
		return;
	pages_cancel(l->plain);
	cancel_parts(l);
	free(l);
}
