/* SPDX-License-Identifier: MIT */
/* What faults do to an answer that is ready to be sent. */
#include <string.h>

#include "sim_faults.h"

#define HUGE_BYTES (80LL << 20)
#define DEEP_DEPTH 100000

static void replace(struct sim_reply *reply, const char *text)
{
	buf_clear(&reply->body);
	buf_puts(&reply->body, text);
}

static void error_answer(struct sim_reply *reply, int status, const char *code, const char *message)
{
	struct sim_call c = {.reply = reply};

	sim_fail(&c, status, code, "%s", message);
}

static void spoil_html(struct sim_reply *reply, int status)
{
	reply->status = status;
	sim_reply_type(reply, "text/html");
	replace(reply, "<!DOCTYPE html>\n<html><head><title>Service Unavailable</title></head>\n"
		       "<body><h1>Http/1.1 Service Unavailable</h1><p>&nbsp;<br>Try again "
		       "later</body></html>\n");
}

/* Nine levels, each ten times the one below: a parser that expands them needs gigabytes. */
static void spoil_bomb(struct sim_reply *reply)
{
	struct buf *b = &reply->body;

	replace(reply, "<?xml version=\"1.0\"?>\n<!DOCTYPE r [\n<!ENTITY a0 \"snapshot\">\n");
	for (int level = 1; level < 10; level++) {
		buf_printf(b, "<!ENTITY a%d \"", level);
		for (int i = 0; i < 10; i++)
			buf_printf(b, "&a%d;", level - 1);
		buf_puts(b, "\">\n");
	}
	buf_puts(b, "]>\n<DescribeSnapshotsResponse><requestId>&a9;</requestId></"
		    "DescribeSnapshotsResponse>");
}

static void spoil_huge(struct sim_reply *reply, int64_t bytes)
{
	struct buf *b = &reply->body;

	replace(reply, "<?xml version=\"1.0\"?>\n<DescribeSnapshotsResponse><snapshotSet>\n");
	for (uint64_t i = 0; (int64_t)b->len < bytes && !b->error; i++)
		buf_printf(b,
			"<item><snapshotId>snap-0%016llx</snapshotId><status>completed</status>"
			"<startTime>2026-01-01T00:00:00.000Z</startTime><volumeSize>8</"
			"volumeSize></item>\n",
			(unsigned long long)i);
	buf_puts(b, "</snapshotSet></DescribeSnapshotsResponse>");
}

static void spoil_long(struct sim_reply *reply, int64_t bytes)
{
	struct buf *b = &reply->body;
	char block[4096];

	memset(block, 'A', sizeof(block));
	replace(reply,
		"<?xml "
		"version=\"1.0\"?>\n<DescribeSnapshotsResponse><snapshotSet><item><description>");
	while ((int64_t)b->len < bytes && !b->error)
		buf_add(b, block, sizeof(block));
	buf_puts(b, "</description></item></snapshotSet></DescribeSnapshotsResponse>");
}

static void spoil_deep(struct sim_reply *reply, int64_t depth)
{
	struct buf *b = &reply->body;

	replace(reply, "<?xml version=\"1.0\"?>\n<DescribeSnapshotsResponse>");
	for (int64_t i = 0; i < depth && !b->error; i++)
		buf_puts(b, "<item>");
	for (int64_t i = 0; i < depth && !b->error; i++)
		buf_puts(b, "</item>");
	buf_puts(b, "</DescribeSnapshotsResponse>");
}

/* The end of the document is another than its beginning promised. */
static void spoil_malformed(struct sim_reply *reply)
{
	if (reply->body.len > 24)
		buf_resize(&reply->body, reply->body.len - 24);
	buf_puts(&reply->body, "</oops><");
}

void sim_fault_spoil(const struct sim_fault *f, struct sim_reply *reply)
{
	switch (f->effect) {
	case SIM_FAULT_ERROR:
		error_answer(reply, f->status, f->code, f->message);
		break;
	case SIM_FAULT_THROTTLE:
		error_answer(reply, 503, "RequestLimitExceeded", "Request limit exceeded.");
		break;
	case SIM_FAULT_RESET:
	case SIM_FAULT_HANG:
		reply->drop = true;
		break;
	case SIM_FAULT_TRICKLE:
		reply->trickle_ms = f->seconds_ms;
		break;
	case SIM_FAULT_CUT:
		reply->is_cut = true;
		reply->cut_at = f->amount >= 0 ? (size_t)f->amount : reply->body.len / 2;
		break;
	case SIM_FAULT_MALFORMED:
		spoil_malformed(reply);
		break;
	case SIM_FAULT_EMPTY:
		replace(reply, "");
		break;
	case SIM_FAULT_BODY:
		reply->status = f->status;
		sim_reply_type(reply, f->content_type);
		replace(reply, f->body ? f->body : "");
		break;
	case SIM_FAULT_HTML:
		spoil_html(reply, f->status);
		break;
	case SIM_FAULT_BOMB:
		spoil_bomb(reply);
		break;
	case SIM_FAULT_HUGE:
		spoil_huge(reply, f->amount >= 0 ? f->amount : HUGE_BYTES);
		break;
	case SIM_FAULT_LONG:
		spoil_long(reply, f->amount >= 0 ? f->amount : HUGE_BYTES);
		break;
	case SIM_FAULT_DEEP:
		spoil_deep(reply, f->amount >= 0 ? f->amount : DEEP_DEPTH);
		break;
	default:
		break; /* those that change the request, not its answer */
	}
}
