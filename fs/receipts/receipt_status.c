/* SPDX-License-Identifier: MIT */
/* The text of a receipt's status. */
#include "clock.h"
#include "receipts.h"

static int refusal_text(const char *region, const struct err *err, struct buf *out)
{
	buf_printf(out, "state: failed\nregion: %s\n", region);
	if (err->code[0])
		buf_printf(out, "code: %s\n", err->code);
	buf_printf(out, "message: %s\n", err->message);
	return err->request_id[0] ? buf_printf(out, "request-id: %s\n", err->request_id)
				  : -out->error;
}

int receipt_status(struct fs *fs, const struct receipt *r, struct buf *out)
{
	const struct copy *copy = receipts_copy(fs, r);
	const char *region = receipts_region(fs, r);

	if (copy)
		return copies_status(fs->copies, copy, clock_wall_ms(), out);
	if (r->state == RECEIPT_ASKING)
		return buf_printf(out, "state: submitting\nregion: %s\n", region);
	if (r->work && r->work->has_refused)
		return refusal_text(region, &r->work->refused, out);
	if (r->copy)
		return buf_printf(out,
			"state: unknown\nregion: %s\nmessage: the journal no longer has its copy\n",
			region);
	return buf_printf(out,
		"state: unfinished\nregion: %s\nhint: no copy was asked for yet: the text has no "
		"'...' line\n",
		region);
}
