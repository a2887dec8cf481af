/* SPDX-License-Identifier: MIT */
/* Snapshot files: whatever is written, no crash; and what can be written again reads back as the
 * same request. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot_file.h"
#include "utf8.h"
#include "yaml_scalar.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void put(struct buf *out, const char *key, const char *value)
{
	if (!value)
		return;
	yaml_scalar_format(out, key);
	buf_puts(out, ": ");
	yaml_scalar_format(out, value);
	buf_putc(out, '\n');
}

static bool equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* The request as a text of ours. */
static void write_again(const struct copy_request *r, struct buf *out)
{
	put(out, "region", r->source_region);
	put(out, "snapshot", r->source_id);
	put(out, "copy.description", r->description);
	put(out, "copy.kms-key", r->kms_key_id);
	for (size_t i = 0; i < r->n_tags; i++) {
		_cleanup_buf_ struct buf key = BUF_INIT;

		buf_printf(&key, "copy.tag.%s", r->tags[i].key);
		put(out, key.data, r->tags[i].value);
	}
	if (r->complete)
		buf_puts(out, "...\n");
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	_cleanup_buf_ struct buf again = BUF_INIT;
	struct copy_request r, same;
	struct err err = {0};
	int result = snapshot_file_parse((const char *)data, size, true, &r, &err);

	require(result == 0 || (result == -EINVAL && err.errnum == EINVAL && *err.message));
	if (result == 0) {
		/* Its users take both for granted. */
		require(r.source_region && r.source_id);
		write_again(&r, &again);
		require(snapshot_file_parse(buf_str(&again), again.len, true, &same, &err) == 0 ||
			again.len > REQUEST_TEXT_MAX);
		require(again.len > REQUEST_TEXT_MAX ||
			(equal(r.source_region, same.source_region) &&
				equal(r.source_id, same.source_id) &&
				equal(r.description, same.description) &&
				equal(r.kms_key_id, same.kms_key_id) && r.n_tags == same.n_tags &&
				r.complete == same.complete));
		for (size_t i = 0; again.len <= REQUEST_TEXT_MAX && i < r.n_tags; i++)
			require(equal(r.tags[i].key, same.tags[i].key) &&
				equal(r.tags[i].value, same.tags[i].value));
		snapshot_file_finish(&same);
	}
	snapshot_file_finish(&r);
	/* A text in the making is never judged worse than the same text at its end. */
	if (snapshot_file_parse((const char *)data, size, false, &r, &err) == 0)
		require(!r.complete || (r.source_region && r.source_id));
	else
		require(result != 0);
	snapshot_file_finish(&r);
	return 0;
}
