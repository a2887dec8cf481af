/* SPDX-License-Identifier: MIT */
/* The file system on the disks of the built-in account. */
#include "sim_demo_disk.h"

#include <string.h>

#include "isotime.h"

#define PAGES_PER_BLOCK 128

/* Returns the index, in the list of pages, of the block's first page; if the block has none, of the
 * first page after the block. */
static unsigned demo_first(uint32_t block)
{
	unsigned i = 0;

	while (i < sim_demo_n_pages && sim_demo_numbers[i] / PAGES_PER_BLOCK < block)
		i++;
	return i;
}

static bool demo_has(unsigned i, uint32_t block)
{
	return i < sim_demo_n_pages && sim_demo_numbers[i] / PAGES_PER_BLOCK == block;
}

bool sim_demo_exists(uint32_t block)
{
	return demo_has(demo_first(block), block);
}

/* Replaces a mark and the rest of its line by text and blanks, so that files keep their sizes. */
static void demo_mark(unsigned char *page, const char *mark, const char *text)
{
	unsigned char *at = memmem(page, SIM_DEMO_PAGE, mark, strlen(mark));

	for (; at && at < page + SIM_DEMO_PAGE && *at != '\n'; at++)
		*at = *text ? (unsigned char)*text++ : ' ';
}

void sim_demo_read(const struct sim_demo *demo, uint32_t block, unsigned char *data)
{
	char time[ISOTIME_SIZE];

	isotime_format(demo->start_ms, time);
	memset(data, 0, (size_t)PAGES_PER_BLOCK * SIM_DEMO_PAGE);
	for (unsigned i = demo_first(block); demo_has(i, block); i++) {
		unsigned char *page =
			data + (size_t)(sim_demo_numbers[i] % PAGES_PER_BLOCK) * SIM_DEMO_PAGE;

		memcpy(page, sim_demo_pages + (size_t)i * SIM_DEMO_PAGE, SIM_DEMO_PAGE);
		demo_mark(page, "@@SNAPSHOT-ID", demo->snapshot);
		demo_mark(page, "@@VOLUME-ID", demo->volume);
		demo_mark(page, "@@SNAPSHOT-TIME", time);
	}
}
