/* SPDX-License-Identifier: MIT */
/* Marks the slots that nodes of this mount refer to. */
#include "held_slots.h"

#include <errno.h>

#include "delete.h"
#include "draft.h"
#include "tags.h"

/* A request that has no reply yet needs no mark: the kernel keeps a reference to each node in it.
 * After an interrupt or the last close, an operation may continue without a request. */

struct marking {
	uint32_t region;
	struct slot_set *named;
	int result;
};

static void mark_node(void *arg, struct node n)
{
	struct marking *m = arg;

	if (n.region == m->region && tree_ops(n)->counted == NODE_SNAPSHOT &&
		slot_set_add(m->named, n.slot) < 0)
		m->result = -ENOMEM;
}

static int held_slots_mark(void *arg, struct slot_set *named)
{
	const struct held_slots *h = arg;
	struct marking m = {.region = h->region, .named = named};

	m.result = kernel_refs_mark(&h->fs->kernel_refs, NODE_SNAPSHOT, h->region, named);
	drafts_each_folder(h->fs->drafts, mark_node, &m);
	delete_each(h->fs, mark_node, &m);
	tags_each_change(h->fs, mark_node, &m);
	return m.result;
}

static void held_slots_of_region(void *arg, struct region *region)
{
	struct fs *fs = arg;
	int index = regions_index(fs->regions, region_name(region));

	if (index < 0)
		return; /* a region that is only the source of a copy has no nodes */
	fs->held_slots[index] = (struct held_slots){.fs = fs, .region = (uint32_t)index};
	catalogue_hold(region_catalogue(region), held_slots_mark, &fs->held_slots[index]);
}

void held_slots_watch(struct fs *fs)
{
	/* On ENOMEM regions that are added later are not covered; they have no nodes, because every
	 * shown region exists already. */
	regions_each(fs->regions, held_slots_of_region, fs);
}
