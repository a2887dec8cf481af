/* SPDX-License-Identifier: MIT */
/* Chooses regions to list in advance. */
#include "prefetch.h"

static bool was_looked_at(const struct prefetch *a, size_t index)
{
	return a->looked[index / 64] >> index % 64 & 1;
}

bool prefetch_look(struct prefetch *a, size_t index, int64_t now_ms)
{
	if (index >= PREFETCH_REGIONS)
		return false;
	if (!a->n || now_ms - a->at_ms > PREFETCH_GAP_MS)
		*a = (struct prefetch){0};
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
	return a->n >= PREFETCH_WALK;
}

bool prefetch_wants(const struct prefetch *a, size_t index)
{
	size_t far = a->row < PREFETCH_MAX ? a->row : PREFETCH_MAX;

	if (a->n < PREFETCH_WALK || index >= PREFETCH_REGIONS)
		return false;
	if (was_looked_at(a, index))
		return true;
	return a->row >= PREFETCH_WALK && index > a->latest && index - a->latest <= far;
}
