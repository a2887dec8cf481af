/* SPDX-License-Identifier: MIT */
/* Blocks of a catalogue on disk: no input crashes the reader, and what it accepts is written and
 * read again unchanged. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "catalogue_block.h"
#include "isotime.h"
#include "members.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void add(void *arg, catalogue_slot slot, bool listed)
{
	require(!listed || members_add(arg, slot) == 0);
}

static void read_all(const struct catalogue *c)
{
	struct catalogue_snapshot s;
	struct ec2_field field;
	struct ec2_tag tag;

	for (catalogue_slot slot = 0; slot < catalogue_slots(c); slot++) {
		size_t sum = 0;

		require(catalogue_get(c, slot, &s) && catalogue_from_disk(c, slot));
		require(isotime_is_date(s.start_ms) && isotime_is_date(s.completion_ms));
		require(ec2_is_snapshot_id(s.id) && strlen(s.description) <= RECORDS_TEXT_MAX);
		sum += strlen(s.volume_id) + strlen(s.kms_key_id) + strlen(s.state_message);
		for (unsigned n = 0; catalogue_tag(c, slot, n, &tag); n++)
			sum += strlen(tag.key) + strlen(tag.value);
		for (unsigned n = 0; catalogue_field(c, slot, n, &field); n++)
			sum += strlen(field.name) + strlen(field.value);
		require(sum < (size_t)8 << 20);
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct catalogue *c = catalogue_create(), *again = catalogue_create();
	struct catalogue_block_writer *w = catalogue_block_writer_create();
	struct buf block = BUF_INIT;
	catalogue_slot slot = 0;
	struct members listed, listed_again;
	int result;

	require(members_init(&listed, c, NULL, NULL) == 0);
	require(members_init(&listed_again, again, NULL, NULL) == 0);
	result = catalogue_read(c, data, size, add, &listed);
	require(result == 0 || result == -EINVAL);
	read_all(c);
	while (catalogue_write(c, &listed.set, w, &slot, &block) > 0)
		require(catalogue_read(again, block.data, block.len, add, &listed_again) == 0);
	read_all(again);
	require(listed.count == listed_again.count);
	catalogue_forget_disk(c);
	require(!listed.count);
	members_finish(&listed);
	members_finish(&listed_again);
	buf_finish(&block);
	catalogue_block_writer_destroy(w);
	catalogue_destroy(again);
	catalogue_destroy(c);
	return 0;
}
