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

static void put_options(const struct copy_request *r, struct buf *out)
{
	put(out, "copy.description", r->description);
	put(out, "copy.kms-key", r->kms_key_id);
	put(out, "copy.again", r->again);
	for (size_t i = 0; i < r->n_tags; i++) {
		_cleanup_buf_ struct buf key = BUF_INIT;

		buf_printf(&key, "copy.tag.%s", r->tags[i].key);
		put(out, key.data, r->tags[i].value);
	}
}

/* The request as a text of ours. Options mean the same before and after the "...". */
static void write_again(const struct copy_request *r, bool options_first, struct buf *out)
{
	put(out, "region", r->source_region);
	put(out, "snapshot", r->source_id);
	if (options_first)
		put_options(r, out);
	if (r->complete)
		buf_puts(out, "...\n");
	if (!options_first)
		put_options(r, out);
}

static void require_same(const struct copy_request *r, bool options_first)
{
	_cleanup_buf_ struct buf again = BUF_INIT;
	struct copy_request same;
	struct err err = {0};

	write_again(r, options_first, &again);
	if (again.len <= REQUEST_TEXT_MAX) {
		require(snapshot_file_parse(buf_str(&again), again.len, true, &same, &err) == 0);
		require(equal(r->source_region, same.source_region) &&
			equal(r->source_id, same.source_id) &&
			equal(r->description, same.description) &&
			equal(r->kms_key_id, same.kms_key_id) && equal(r->again, same.again) &&
			r->n_tags == same.n_tags && r->complete == same.complete);
		for (size_t i = 0; i < r->n_tags; i++)
			require(equal(r->tags[i].key, same.tags[i].key) &&
				equal(r->tags[i].value, same.tags[i].value));
		snapshot_file_finish(&same);
	}
}

static void require_label(const char *label)
{
	size_t len = label ? strlen(label) : 1;

	require(len >= 1 && len <= 128);
	for (const char *c = label; c && *c; c++)
		require((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			(*c >= '0' && *c <= '9') || *c == '.' || *c == '_' || *c == '-');
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct copy_request r;
	struct err err = {0};
	int result = snapshot_file_parse((const char *)data, size, true, &r, &err);

	require(result == 0 || (result == -EINVAL && err.errnum == EINVAL && *err.message));
	if (result == 0) {
		/* The callers rely on these. */
		require(r.source_region && r.source_id);
		require_label(r.again);
		require_same(&r, true);
		require_same(&r, false);
	}
	snapshot_file_finish(&r);
	/* A text in the making is never judged worse than the same text at its end. */
	if (snapshot_file_parse((const char *)data, size, false, &r, &err) == 0)
		require(!r.complete || (r.source_region && r.source_id && result == 0));
	else
		require(result != 0);
	snapshot_file_finish(&r);
	return 0;
}
