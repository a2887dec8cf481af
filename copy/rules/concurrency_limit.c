/* SPDX-License-Identifier: MIT */
/* How many copies a destination takes at once. */
#include "concurrency_limit.h"

#include <string.h>

#include "num.h"

#define LIMIT_MAX    100000 /* no account has more: another figure is not a limit */
#define PAUSE_GROWTH 15

void concurrency_limit_init(struct concurrency_limit *g, unsigned limit, int64_t first_ms)
{
	*g = (struct concurrency_limit){.limit = limit, .first_ms = first_ms, .pause_ms = first_ms};
}

static bool concurrency_is_sure(const struct concurrency_limit *g, int64_t now_ms)
{
	return g->learned && now_ms - g->learned_at < CONCURRENCY_LIMIT_LEARNED_MS;
}

bool concurrency_limit_admits(
	const struct concurrency_limit *g, unsigned used, unsigned sending, int64_t now_ms)
{
	if (g->held)
		return used < g->limit && (g->grants || now_ms >= g->grant_at);
	if (used < g->limit)
		return true;
	/* One at a time past an assumed limit, so that it costs one refusal to learn the true one.
	 */
	return !concurrency_is_sure(g, now_ms) && !sending;
}

bool concurrency_limit_paces(const struct concurrency_limit *g, unsigned sending, int64_t now_ms)
{
	return concurrency_is_sure(g, now_ms) || !sending || sending < g->accepted;
}

void concurrency_limit_sent(struct concurrency_limit *g, int64_t now_ms)
{
	if (!g->held)
		return;
	if (g->grants)
		g->grants--;
	else
		g->grant_at = now_ms + g->pause_ms;
}

void concurrency_limit_accepted(struct concurrency_limit *g, unsigned used, int64_t now_ms)
{
	concurrency_limit_seen(g, used);
	if (!g->learned)
		g->accepted++;
	if (!g->held)
		return;
	g->pause_ms = g->first_ms;
	if (g->grant_at > now_ms + g->first_ms)
		g->grant_at = now_ms + g->first_ms;
	if (used >= g->limit)
		g->held = false;
}

unsigned concurrency_limit_limit_of(const char *message)
{
	static const char words[] = "limit is ";
	const char *at = strstr(message, words);
	uint64_t limit;
	size_t digits;

	if (!at)
		return 0;
	at += sizeof(words) - 1;
	digits = strspn(at, "0123456789");
	return num_parse_u64(at, digits, 1, LIMIT_MAX, &limit) < 0 ? 0 : (unsigned)limit;
}

void concurrency_limit_refused(struct concurrency_limit *g, const char *message, unsigned used,
	int64_t now_ms, double unit)
{
	unsigned limit = concurrency_limit_limit_of(message);

	if (limit) {
		g->limit = limit;
		g->learned = true;
		g->learned_at = now_ms;
	}
	if (g->learned && used >= g->limit) {
		g->held = false; /* our count says the same: it suffices */
		return;
	}
	if (g->held)
		g->pause_ms = g->pause_ms * 2 < g->first_ms * PAUSE_GROWTH
				      ? g->pause_ms * 2
				      : g->first_ms * PAUSE_GROWTH;
	else
		g->pause_ms = g->first_ms;
	g->held = true;
	g->grants = 0;
	g->grant_at = now_ms + (int64_t)((double)g->pause_ms * (0.75 + unit / 2));
}

void concurrency_limit_freed(struct concurrency_limit *g)
{
	if (g->held)
		g->grants++;
}

void concurrency_limit_seen(struct concurrency_limit *g, unsigned used)
{
	/* EC2 carries them out, so its limit is not below that. What EC2 itself named counts for
	 * more: a listing may be late. */
	if (!g->learned && used > g->limit)
		g->limit = used;
}

int64_t concurrency_limit_next(const struct concurrency_limit *g)
{
	return g->held ? g->grant_at : INT64_MAX;
}
