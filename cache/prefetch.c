/* SPDX-License-Identifier: MIT */
/* Which regions to list before they are asked for. */
#include "prefetch.h"

static bool was_looked_at(const struct ahead *a, size_t index)
{
	return a->looked[index / 64] >> index % 64 & 1;
}

bool ahead_look(struct ahead *a, size_t index, int64_t now_ms)
{
	if (index >= AHEAD_REGIONS)
		return false;
	if (!a->n || now_ms - a->at_ms > AHEAD_GAP_MS)
		*a = (struct ahead){0};
	a->at_ms = now_ms;
	if (!was_looked_at(a, index)) {
		a->looked[index / 64] |= (uint64_t)1 << index % 64;
		a->n++;
	}
	if (a->row && index == a->latest + 1)
		a->row++;
	else if (!a->row || index != a->latest)
		a->row = 1;
	a->latest = index;
	return a->n >= AHEAD_WALK;
}

bool ahead_wants(const struct ahead *a, size_t index)
{
	size_t far = a->row < AHEAD_FAR ? a->row : AHEAD_FAR;

	if (a->n < AHEAD_WALK || index >= AHEAD_REGIONS)
		return false;
	if (was_looked_at(a, index))
		return true;
	return a->row >= AHEAD_WALK && index > a->latest && index - a->latest <= far;
}
