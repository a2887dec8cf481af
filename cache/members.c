/* SPDX-License-Identifier: MIT */
/* The snapshots of one view. */
#include "members.h"

#include <errno.h>
#include <stdlib.h>

static int members_append(struct members *m, catalogue_slot slot)
{
	size_t capacity = m->order_capacity ? m->order_capacity * 2 : 16;
	catalogue_slot *order;

	if (slot_set_has(&m->ever, slot))
		return 0;
	if (m->n_order == m->order_capacity) {
		order = realloc(m->order, capacity * sizeof(*order));
		if (!order)
			return -ENOMEM;
		m->order = order;
		m->order_capacity = capacity;
	}
	if (slot_set_add(&m->ever, slot) < 0)
		return -ENOMEM;
	m->order[m->n_order++] = slot;
	return 0;
}

static int members_join(struct members *m, catalogue_slot slot)
{
	if (slot_set_has(&m->set, slot))
		return 0;
	if ((!m->admit && members_append(m, slot) < 0) || slot_set_add(&m->set, slot) < 0)
		return -ENOMEM;
	m->count++;
	m->version++;
	return 0;
}

static void members_leave(struct members *m, catalogue_slot slot)
{
	if (!slot_set_has(&m->set, slot))
		return;
	slot_set_remove(&m->set, slot);
	m->count--;
	m->version++;
	catalogue_let_go(m->catalogue, 1);
}

static void members_changed(void *arg, enum catalogue_change change, catalogue_slot slot)
{
	struct members *m = arg;

	if (change == CATALOGUE_REMOVED)
		members_leave(m, slot);
	else if (m->putting || (!slot_set_has(&m->set, slot) && m->admit && m->admit(m->arg, slot)))
		(void)members_join(m, slot); /* out of memory, the next listing adds it */
}

/* Adds the slots of the members, and of those that a listing in flight has found so far, to
 * `named`: the sweep keeps them. */
static int members_mark(void *arg, struct slot_set *named)
{
	const struct members *m = arg;

	if (m->listing && slot_set_add_all(named, &m->seen.slots) < 0)
		return -ENOMEM;
	return slot_set_add_all(named, &m->set);
}

int members_init(struct members *m, struct catalogue *c, members_admit_fn *admit, void *arg)
{
	*m = (struct members){.catalogue = c, .version = 1, .admit = admit, .arg = arg};
	catalogue_hold(c, members_mark, m);
	return catalogue_watch(c, members_changed, m);
}

void members_finish(struct members *m)
{
	catalogue_unwatch(m->catalogue, members_changed, m);
	catalogue_unhold(m->catalogue, members_mark, m);
	catalogue_let_go(m->catalogue, m->count);
	members_abort(m);
	slot_set_finish(&m->set);
	slot_set_finish(&m->ever);
	slot_set_finish(&m->seen.slots);
	free(m->order);
}

uint64_t members_positions(const struct members *m)
{
	return m->admit ? catalogue_slots(m->catalogue) : m->n_order;
}

bool members_next(const struct members *m, uint64_t *pos, catalogue_slot *slot)
{
	uint64_t end = members_positions(m);

	while (*pos < end) {
		*slot = m->admit ? (catalogue_slot)*pos : m->order[*pos];
		++*pos;
		if (slot_set_has(&m->set, *slot))
			return true;
	}
	return false;
}

size_t members_flawed(const struct members *m)
{
	catalogue_slot slots = catalogue_slots(m->catalogue);
	size_t n = 0;

	for (catalogue_slot slot = 0; slot < slots; slot++)
		n += catalogue_flaws(m->catalogue, slot) && slot_set_has(&m->set, slot);
	return n;
}

size_t members_memory(const struct members *m)
{
	return slot_set_memory(&m->set) + slot_set_memory(&m->ever) +
	       slot_set_memory(&m->seen.slots) + m->order_capacity * sizeof(*m->order);
}

int members_add(struct members *m, catalogue_slot slot)
{
	if (m->listing && !m->admit && slot_set_add(&m->seen.slots, slot) < 0)
		return -ENOMEM;
	return catalogue_exists(m->catalogue, slot) ? members_join(m, slot) : 0;
}

catalogue_slot members_put(struct members *m, const struct ec2_snapshot *s, int64_t now_ms)
{
	catalogue_slot slot;

	m->putting = true;
	slot = catalogue_put(m->catalogue, s, now_ms);
	m->putting = false;
	if (slot == CATALOGUE_NONE || members_add(m, slot) < 0)
		return CATALOGUE_NONE;
	return slot;
}

void members_review(struct members *m)
{
	catalogue_slot slots = catalogue_slots(m->catalogue);

	for (catalogue_slot slot = 0; slot < slots; slot++)
		if (catalogue_exists(m->catalogue, slot))
			members_changed(m, CATALOGUE_CHANGED, slot);
}

void members_begin(struct members *m)
{
	members_abort(m);
	m->listing = true;
	slot_set_clear(&m->seen.slots);
	if (m->admit)
		catalogue_seen_begin(m->catalogue, &m->seen);
}

void members_end(struct members *m, int64_t now_ms)
{
	catalogue_slot slots = catalogue_slots(m->catalogue);

	if (!m->listing)
		return;
	members_abort(m);
	for (catalogue_slot slot = 0; slot < slots; slot++) {
		if (!slot_set_has(&m->set, slot) || slot_set_has(&m->seen.slots, slot))
			continue;
		if (m->admit)
			catalogue_absent(m->catalogue, slot, now_ms);
		else
			members_leave(m, slot);
	}
	catalogue_expire_overrides(m->catalogue, now_ms);
}

void members_abort(struct members *m)
{
	m->listing = false;
	catalogue_seen_end(m->catalogue, &m->seen);
}
