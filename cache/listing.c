/* SPDX-License-Identifier: MIT */
/* Lists all snapshots that the account owns in one region: page by page, or, if there are many, by
 * ranges of ids in parallel. */
#include "listing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"

/* --- the ranges of ids --- */

#define ID_PREFIX "snap-"

static const char hex_digits[] = "0123456789abcdef";
/* Further characters that ids of EC2-compatible clouds may contain. */
static const char other_characters[] = "ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static const char *const id_prefixes[2] = {ID_PREFIX, ID_PREFIX "0"};

static unsigned listing_range_of(const char *prefix, const char *id)
{
	size_t len = strlen(prefix);
	const char *digit;

	if (strncmp(id, prefix, len) != 0 || !id[len])
		return LISTING_RANGES_REST;
	digit = strchr(hex_digits, id[len]);
	return digit ? (unsigned)(digit - hex_digits) : LISTING_RANGES_REST;
}

void listing_ranges_note(struct listing_ranges_sample *sample, const char *id)
{
	sample->n++;
	sample->with_zero += strncmp(id, id_prefixes[1], strlen(id_prefixes[1])) == 0;
	for (unsigned cut = 0; cut < ARRAY_LEN(id_prefixes); cut++) {
		unsigned range = listing_range_of(id_prefixes[cut], id);

		if (range == LISTING_RANGES_REST)
			continue;
		if (!sample->digits[cut][range].n++)
			snprintf(sample->digits[cut][range].witness,
				sizeof(sample->digits[cut][range].witness), "%s", id);
	}
}

bool listing_ranges_choose(struct listing_ranges *r, const struct listing_ranges_sample *sample,
	unsigned *fullest, const char **witness)
{
	/* If the first digit were evenly spread, one in sixteen would be a zero. */
	unsigned cut = sample->with_zero * 2 > sample->n, most = 0;

	strcpy(r->prefix, id_prefixes[cut]);
	for (unsigned i = 1; i < LISTING_RANGES_DIGITS; i++)
		if (sample->digits[cut][i].n > sample->digits[cut][most].n)
			most = i;
	*fullest = most;
	*witness = sample->digits[cut][most].witness;
	return sample->digits[cut][most].n > 0;
}

static void listing_ranges_add(struct listing_ranges_filter *out, const char *prefix, char c)
{
	snprintf(out->texts[out->n], sizeof(out->texts[0]), "%s%c*", prefix, c);
	out->values[out->n] = out->texts[out->n];
	out->n++;
}

void listing_ranges_filter(
	const struct listing_ranges *r, unsigned i, struct listing_ranges_filter *out)
{
	out->n = 0;
	if (i < LISTING_RANGES_DIGITS) {
		listing_ranges_add(out, r->prefix, hex_digits[i]);
		return;
	}
	for (const char *c = other_characters; *c; c++)
		listing_ranges_add(out, r->prefix, *c);
	if (strcmp(r->prefix, ID_PREFIX) == 0)
		return;
	/* The prefix ends with the zero: add the ids without one. */
	for (const char *c = hex_digits + 1; *c; c++)
		listing_ranges_add(out, ID_PREFIX, *c);
	for (const char *c = other_characters; *c; c++)
		listing_ranges_add(out, ID_PREFIX, *c);
}

unsigned listing_ranges_of(const struct listing_ranges *r, const char *id)
{
	return listing_range_of(r->prefix, id);
}

/* --- one listing --- */

/*
 * Pages are sequential: each is requested by the token of the one before. A large region is slow to
 * list because its pages wait for each other, not because of their size. So:
 *
 *   1. The plain listing starts. A region of one page is done after one request.
 *   2. If there are more pages, one sixteenth of the ids is requested in parallel (the probe). If
 * it is less than a page, the region is not large, and the plain listing continues to its end: one
 *      request more.
 *   3. If the probe fills a page too, there are some 16,000 snapshots or more: the other
 * sixteenths, and the range of all other ids, are requested in parallel, and the plain listing is
 * cancelled. At most one page per range is not full: some twenty requests more than the plain
 * listing. As many run at once as EC2's request rate permits without waiting.
 *
 * An endpoint may refuse a range (wildcards, so many values) or fail on it: then the region is
 * listed page by page, and no range is tried for an hour. An endpoint without wildcards is
 * recognised by the probe, which lacks ids that the first page had, or has others: the plain
 * listing continues.
 */
struct listing {
	struct aws *aws;
	const char *region;
	struct listing_memory *memory;
	pages_part *on_part;
	pages_done *done;
	void *arg;
	size_t n;            /* snapshots so far, duplicates included */
	struct pages *plain; /* NULL: ended */
	bool plain_begun, split;
	unsigned running; /* parts in flight */
	struct listing_ranges ranges;
	struct listing_ranges_sample sample; /* the plain listing's first page */
	unsigned probe;                      /* the first range requested */
	const char *witness; /* an id of the plain listing that is in the probe's range */
	bool witnessed;      /* the probe has returned it */
	struct part {
		struct listing *listing;
		struct pages *pages; /* NULL: not started, or ended */
		bool begun;
		struct listing_ranges_filter filter; /* borrowed by pages */
		struct ec2_filter ids;
	} parts[LISTING_RANGES];
};

static void cancel_parts(struct listing *l)
{
	for (unsigned i = 0; i < LISTING_RANGES; i++) {
		pages_cancel(l->parts[i].pages);
		l->parts[i].pages = NULL;
	}
}

static void listing_end(struct listing *l, const struct err *err)
{
	pages_done *done = l->done;
	void *arg = l->arg;

	pages_cancel(l->plain);
	cancel_parts(l);
	free(l);
	done(arg, err);
}

static int deliver_page(struct listing *l, const struct ec2_page *page, bool ends, struct err *err)
{
	l->n += page->n_snapshots + page->n_refused;
	if (l->n > LISTING_MAX)
		return err_set(
			err, EIO, "EC2 in %s sent more than %d snapshots", l->region, LISTING_MAX);
	return l->on_part(l->arg, page, ends, err);
}

static bool has_more(const struct ec2_page *page)
{
	return page->next_token && *page->next_token;
}

/* --- the listing by ranges --- */

static int part_page(void *arg, const struct ec2_page *page, bool ends, struct err *err);
static void part_done(void *arg, const struct err *err);

static int begin_part(struct listing *l, unsigned i)
{
	struct part *part = &l->parts[i];

	listing_ranges_filter(&l->ranges, i, &part->filter);
	part->ids = (struct ec2_filter){.name = "snapshot-id",
		.values = part->filter.values,
		.n_values = part->filter.n,
		.patterns = true};
	part->listing = l;
	part->pages = pages_start(l->aws,
		&(struct ec2_describe_snapshots){.region = l->region,
			.owner = "self",
			.filters = &part->ids,
			.n_filters = 1,
			.max_results = EC2_PAGE_MAX},
		part_page, part_done, part);
	if (!part->pages)
		return -ENOMEM;
	part->begun = true;
	l->running++;
	return 0;
}

/* Starts as many parts as EC2's request rate permits; the rest start when those end. */
static int begin_parts(struct listing *l, struct err *err)
{
	unsigned room = aws_allowance(l->aws, l->region, "DescribeSnapshots");

	for (unsigned i = 0; i < LISTING_RANGES; i++) {
		if (l->parts[i].begun || (l->running && !room))
			continue;
		if (begin_part(l, i) < 0)
			return err_set(err, ENOMEM, "out of memory");
		if (room)
			room--;
	}
	return 0;
}

/* Whether the endpoint honours the wildcard. */
static bool honours_wildcard(struct listing *l, const struct ec2_page *page, bool ends)
{
	for (size_t i = 0; i < page->n_snapshots; i++) {
		if (listing_ranges_of(&l->ranges, page->snapshots[i].id) != l->probe)
			return false;
		l->witnessed |= strcmp(page->snapshots[i].id, l->witness) == 0;
	}
	/* The witness may arrive on a later page, or have been deleted. */
	return !ends || has_more(page) || l->witnessed;
}

static int split_listing(struct listing *l, struct err *err)
{
	l->split = true;
	pages_cancel(l->plain);
	l->plain = NULL;
	return begin_parts(l, err);
}

static int part_page(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct part *part = arg;
	struct listing *l = part->listing;

	if (!l->split) {
		if (!honours_wildcard(l, page, ends) || (ends && !has_more(page)))
			return err_set(err, ECANCELED, "not worth splitting");
		if (ends && split_listing(l, err) < 0)
			return -err->errnum;
	}
	return deliver_page(l, page, ends, err);
}

static int begin_plain(struct listing *l);

/* The endpoint failed with an HTTP error that is not about permissions or the rate: it may work
 * page by page. */
static bool is_refused(const struct err *err)
{
	return err && err->http_status >= 400 && err->errnum != EACCES && err->errnum != EAGAIN;
}

static int list_again(struct listing *l, struct err *err)
{
	cancel_parts(l);
	l->running = 0;
	l->split = false;
	l->n = 0;
	return begin_plain(l) < 0 ? err_set(err, ENOMEM, "out of memory") : 0;
}

static void part_done(void *arg, const struct err *err)
{
	struct part *part = arg;
	struct listing *l = part->listing;
	struct err mine;

	part->pages = NULL;
	l->running--;
	if (is_refused(err))
		l->memory->plain_until_ms = clock_mono_ms() + LISTING_PLAIN_MS;
	if (!l->split)
		return; /* the probe was not useful; the plain listing continues */
	if (is_refused(err)) {
		if (list_again(l, &mine) < 0)
			listing_end(l, &mine);
		return;
	}
	if (!err && begin_parts(l, &mine) < 0)
		err = &mine;
	if (err || !l->running)
		listing_end(l, err);
}

/* --- the plain listing --- */

static void begin_probe(struct listing *l)
{
	/* After a short page with a token, the number of snapshots cannot be guessed. */
	if (l->sample.n < EC2_PAGE_MAX / 2 || clock_mono_ms() < l->memory->plain_until_ms ||
		!listing_ranges_choose(&l->ranges, &l->sample, &l->probe, &l->witness))
		return;
	begin_part(l, l->probe); /* out of memory, the plain listing continues */
}

static int plain_page(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct listing *l = arg;
	int r = deliver_page(l, page, ends, err);

	for (size_t i = 0; !r && i < page->n_snapshots && !l->plain_begun; i++)
		listing_ranges_note(&l->sample, page->snapshots[i].id);
	if (!r && !l->plain_begun && ends && has_more(page))
		begin_probe(l);
	l->plain_begun |= ends;
	return r;
}

static void plain_done(void *arg, const struct err *err)
{
	struct listing *l = arg;

	l->plain = NULL;
	listing_end(l, err);
}

static int begin_plain(struct listing *l)
{
	/* Without an owner EC2 lists all public snapshots; without a page size it uses a smaller
	 * throttle bucket. */
	const struct ec2_describe_snapshots query = {
		.region = l->region, .owner = "self", .max_results = EC2_PAGE_MAX};

	l->plain = pages_start(l->aws, &query, plain_page, plain_done, l);
	return l->plain ? 0 : -ENOMEM;
}

struct listing *listing_start(struct aws *aws, const char *region, struct listing_memory *memory,
	pages_part *on_part, pages_done *done, void *arg)
{
	struct listing *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct listing){.aws = aws,
		.region = region,
		.memory = memory,
		.on_part = on_part,
		.done = done,
		.arg = arg};
	if (begin_plain(l) < 0) {
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
