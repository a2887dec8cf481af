/* SPDX-License-Identifier: MIT */
/* Lists all snapshots of a query in one region: page by page, or, if there are many, by ranges of
 * ids in parallel. */
#include "listing.h"

#include <errno.h>
#include <stdarg.h>
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

static void listing_ranges_add(struct listing_ranges_filter *out, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(out->texts[out->n], sizeof(out->texts[0]), format, ap);
	va_end(ap);
	out->values[out->n] = out->texts[out->n];
	out->n++;
}

/* The ids that continue neither with a hex digit after `prefix`, nor, if the prefix ends with the
 * zero, with that zero. */
static void listing_ranges_add_others(struct listing_ranges_filter *out, const char *prefix)
{
	for (const char *c = other_characters; *c; c++)
		listing_ranges_add(out, "%s%c*", prefix, *c);
	if (strcmp(prefix, ID_PREFIX) == 0)
		return;
	for (const char *c = hex_digits + 1; *c; c++)
		listing_ranges_add(out, ID_PREFIX "%c*", *c);
	for (const char *c = other_characters; *c; c++)
		listing_ranges_add(out, ID_PREFIX "%c*", *c);
}

void listing_ranges_filter(
	const struct listing_ranges *r, unsigned i, struct listing_ranges_filter *out)
{
	out->n = 0;
	if (i < LISTING_RANGES_DIGITS)
		listing_ranges_add(out, "%s%c*", r->prefix, hex_digits[i]);
	else
		listing_ranges_add_others(out, r->prefix);
}

unsigned listing_ranges_of(const struct listing_ranges *r, const char *id)
{
	return listing_range_of(r->prefix, id);
}

/* --- groups of ranges --- */

/* Ids expected in a group: with the density known from 400 to 1,000 ids, one group in some fifty
 * takes a second page. */
#define GROUP_IDS   ((size_t)900)
#define PAIRS       ((LISTING_RANGES_DIGITS - 1) * LISTING_RANGES_DIGITS)
/* Letters as the second character, with any first one; no second character; the witness. */
#define OTHER_PAIRS (sizeof(other_characters) - 1 + 2)

static size_t listing_others_count(const struct listing_ranges *r)
{
	size_t letters = sizeof(other_characters) - 1;

	return strcmp(r->prefix, ID_PREFIX) == 0 ? letters
						 : 2 * letters + LISTING_RANGES_DIGITS - 1;
}

void listing_groups_plan(
	struct listing_groups *g, const struct listing_ranges *ranges, unsigned probe, size_t found)
{
	size_t ids = found * (LISTING_RANGES_DIGITS - 1), last;

	*g = (struct listing_groups){.ranges = ranges, .probe = probe};
	g->n = (unsigned)((ids + GROUP_IDS - 1) / GROUP_IDS);
	if (!g->n)
		g->n = 1;
	if (g->n > LISTING_GROUPS_MAX - 1)
		g->n = LISTING_GROUPS_MAX - 1;
	while ((PAIRS + g->n - 1) / g->n > EC2_FILTER_VALUES_MAX)
		g->n++;
	last = PAIRS - (size_t)PAIRS * (g->n - 1) / g->n;
	g->parts =
		g->n + (last + listing_others_count(ranges) + OTHER_PAIRS > EC2_FILTER_VALUES_MAX);
}

/* Pair k of the digits outside the probe's range. */
static void listing_groups_add_pair(
	const struct listing_groups *g, unsigned k, struct listing_ranges_filter *out)
{
	unsigned first = k / LISTING_RANGES_DIGITS;

	first += first >= g->probe;
	listing_ranges_add(out, "%s%c%c*", g->ranges->prefix, hex_digits[first],
		hex_digits[k % LISTING_RANGES_DIGITS]);
}

void listing_groups_filter(const struct listing_groups *g, unsigned i, const char *witness,
	struct listing_ranges_filter *out)
{
	size_t digit = strlen(g->ranges->prefix);

	out->n = 0;
	if (i < g->n)
		for (unsigned k = PAIRS * i / g->n; k < PAIRS * (i + 1) / g->n; k++)
			listing_groups_add_pair(g, k, out);
	if (i + 1 < g->parts)
		return;
	listing_ranges_add_others(out, g->ranges->prefix);
	for (const char *c = other_characters; *c; c++)
		listing_ranges_add(out, "%s?%c*", g->ranges->prefix, *c);
	listing_ranges_add(out, "%s?", g->ranges->prefix);
	snprintf(out->witness, sizeof(out->witness), "%s", witness);
	out->witness[digit] = '?';
	out->values[out->n++] = out->witness;
}

/* --- one listing --- */

/*
 * Pages are sequential: each is requested by the token of the one before. A large region is slow to
 * list because its pages wait for each other, not because of their size. So:
 *
 *   1. The plain listing starts. A region of one page is done after one request.
 *   2. If there are more pages, one sixteenth of the ids (the probe) is requested beside the second
 *      page, and shows how many snapshots there are.
 *   3. Few (LISTING_SPLIT_PAGES): the plain listing continues to its end, for one request more. Up
 *      to some 16,000: the other ids are requested in parallel in as many groups as they are
 *      expected to fill pages. More, and the probe fills a page too: the other sixteenths, and the
 *      range of all other ids, are requested in parallel; at most one page per range is not full,
 *      some twenty requests more than the plain listing. Then the plain listing is cancelled. As
 *      many run at once as EC2's request rate permits without waiting.
 *
 * An endpoint may refuse a range (wildcards, so many values) or fail on it: then the region is
 * listed page by page, and no range is tried for an hour. An endpoint without wildcards is
 * recognised by the probe, which lacks ids that the first page had, or has others: the plain
 * listing continues. The last group recognises an endpoint that knows '*' but not '?': it lacks an
 * id that it must have.
 */
#define LISTING_SPLIT_PAGES 5

struct listing {
	struct aws *aws;
	struct ec2_describe_snapshots query;
	struct listing_memory *memory;
	pages_part *on_part;
	pages_done *done;
	void *arg;
	size_t n;            /* snapshots received so far, duplicates included */
	struct pages *plain; /* NULL: ended */
	bool plain_begun, split;
	unsigned running; /* parts in flight */
	struct listing_ranges ranges;
	struct listing_ranges_sample sample; /* the plain listing's first page */
	const char *witness; /* an id of the plain listing that is in the probe's range */
	unsigned probe;      /* the probe's range */
	size_t found;        /* ids that the probe has returned */
	bool witnessed;      /* the probe has returned the witness */
	bool grouped;        /* split into groups, not into ranges */
	struct listing_groups groups;
	struct part {
		struct listing *listing;
		struct pages *pages; /* NULL: not started, or ended */
		bool begun;
		bool witnessed;                     /* of the last group */
		struct listing_ranges_filter texts; /* borrowed by pages, as is the filter */
		struct ec2_filter filter;
	} parts[1 + LISTING_GROUPS_MAX]; /* the first is the probe */
	unsigned n_parts;
};

static void cancel_parts(struct listing *l)
{
	for (unsigned i = 0; i < ARRAY_LEN(l->parts); i++) {
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
		return err_set(err, EIO, "EC2 in %s sent more than %d snapshots", l->query.region,
			LISTING_MAX);
	return l->on_part(l->arg, page, ends, err);
}

static bool has_more(const struct ec2_page *page)
{
	return page->next_token && *page->next_token;
}

/* --- the listing in parts --- */

static int part_page(void *arg, const struct ec2_page *page, bool ends, struct err *err);
static void part_done(void *arg, const struct err *err);

static bool is_probe(const struct part *part)
{
	return part == part->listing->parts;
}

static bool is_last_group(const struct part *part)
{
	const struct listing *l = part->listing;

	return l->grouped && part == &l->parts[l->n_parts - 1];
}

static void part_filter(const struct listing *l, unsigned i, struct listing_ranges_filter *out)
{
	if (!i)
		listing_ranges_filter(&l->ranges, l->probe, out);
	else if (l->grouped)
		listing_groups_filter(&l->groups, i - 1, l->witness, out);
	else
		listing_ranges_filter(&l->ranges, i - (i <= l->probe), out);
}

static int begin_part(struct listing *l, unsigned i)
{
	struct part *part = &l->parts[i];
	struct ec2_describe_snapshots query = l->query;

	part_filter(l, i, &part->texts);
	part->filter = (struct ec2_filter){.name = "snapshot-id",
		.values = part->texts.values,
		.n_values = part->texts.n,
		.patterns = true};
	query.filters = &part->filter;
	query.n_filters = 1;
	part->listing = l;
	part->pages = pages_start(l->aws, &query, part_page, part_done, part);
	if (!part->pages)
		return -ENOMEM;
	part->begun = true;
	l->running++;
	return 0;
}

/* Starts as many parts as EC2's request rate permits; the rest start when those end. */
static int begin_parts(struct listing *l, struct err *err)
{
	unsigned room = aws_allowance(l->aws, l->query.region, "DescribeSnapshots");

	for (unsigned i = 0; i < l->n_parts; i++) {
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

/* The probe's first page is complete: it shows whether the region is large enough to be split. */
static bool is_worth_splitting(const struct listing *l, bool more)
{
	return more || l->found * LISTING_RANGES_DIGITS > (LISTING_SPLIT_PAGES - 1) * EC2_PAGE_MAX;
}

static int split_listing(struct listing *l, bool more, struct err *err)
{
	l->split = true;
	l->grouped = !more;
	if (l->grouped)
		listing_groups_plan(&l->groups, &l->ranges, l->probe, l->found);
	l->n_parts = 1 + (l->grouped ? l->groups.parts : LISTING_RANGES - 1);
	pages_cancel(l->plain);
	l->plain = NULL;
	return begin_parts(l, err);
}

static int part_page(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct part *part = arg;
	struct listing *l = part->listing;

	if (is_probe(part))
		l->found += page->n_snapshots + page->n_refused;
	if (!l->split) {
		if (!honours_wildcard(l, page, ends) ||
			(ends && !is_worth_splitting(l, has_more(page))))
			return err_set(err, ECANCELED, "not worth splitting");
		if (ends && split_listing(l, has_more(page), err) < 0)
			return -err->errnum;
	}
	for (size_t i = 0; is_last_group(part) && i < page->n_snapshots; i++)
		part->witnessed |= strcmp(page->snapshots[i].id, l->witness) == 0;
	return deliver_page(l, page, ends, err);
}

static int begin_plain(struct listing *l);

/* The endpoint failed with an HTTP error that is not about permissions or the rate: it may work
 * page by page. */
static bool is_refused(const struct err *err)
{
	return err && err->http_status >= 400 && err->errnum != EACCES && err->errnum != EAGAIN;
}

static void list_again(struct listing *l)
{
	struct err err;

	cancel_parts(l);
	l->running = 0;
	l->split = false;
	l->n = 0;
	if (begin_plain(l) == 0)
		return;
	err_set(&err, ENOMEM, "out of memory");
	listing_end(l, &err);
}

static void part_done(void *arg, const struct err *err)
{
	struct part *part = arg;
	struct listing *l = part->listing;
	bool refused = is_refused(err) || (!err && is_last_group(part) && !part->witnessed);
	struct err mine;

	part->pages = NULL;
	l->running--;
	if (refused)
		l->memory->plain_until_ms = clock_mono_ms() + LISTING_PLAIN_MS;
	if (!l->split) {
		/* The probe was not useful; the plain listing continues. */
		if (pages_hold(l->plain, false) < 0) {
			err_set(&mine, ENOMEM, "out of memory");
			listing_end(l, &mine);
		}
		return;
	}
	if (refused) {
		list_again(l);
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
	if (!l->memory || l->sample.n < EC2_PAGE_MAX / 2 ||
		clock_mono_ms() < l->memory->plain_until_ms ||
		!listing_ranges_choose(&l->ranges, &l->sample, &l->probe, &l->witness))
		return;
	begin_part(l, 0); /* out of memory, the plain listing continues */
}

static int plain_page(void *arg, const struct ec2_page *page, bool ends, struct err *err)
{
	struct listing *l = arg;
	int r = deliver_page(l, page, ends, err);

	for (size_t i = 0; !r && i < page->n_snapshots && !l->plain_begun; i++)
		listing_ranges_note(&l->sample, page->snapshots[i].id);
	if (!r && ends && has_more(page)) {
		if (!l->plain_begun)
			begin_probe(l);
		else if (l->parts[0].pages)
			pages_hold(l->plain, true); /* until the probe decides */
	}
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
	l->plain = pages_start(l->aws, &l->query, plain_page, plain_done, l);
	return l->plain ? 0 : -ENOMEM;
}

/* Whether the query names its snapshots: the response is short then. With a page size EC2, which
 * filters a page after it has cut it, would send an empty page for each thousand public snapshots.
 */
static bool names_ids(const struct ec2_describe_snapshots *query)
{
	for (size_t i = 0; i < query->n_filters; i++) {
		const struct ec2_filter *f = &query->filters[i];
		bool names = strcmp(f->name, "snapshot-id") == 0;

		for (size_t k = 0; names && f->patterns && k < f->n_values; k++)
			names = !strpbrk(f->values[k], "*?");
		if (names)
			return true;
	}
	return false;
}

struct listing *listing_start(struct aws *aws, const struct ec2_describe_snapshots *query,
	struct listing_memory *memory, pages_part *on_part, pages_done *done, void *arg)
{
	struct listing *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct listing){.aws = aws,
		.query = *query,
		.memory = memory,
		.on_part = on_part,
		.done = done,
		.arg = arg};
	/* Without a page size EC2 uses a smaller throttle bucket. */
	l->query.max_results = names_ids(query) ? 0 : EC2_PAGE_MAX;
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
