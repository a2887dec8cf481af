/* SPDX-License-Identifier: MIT */
/* One API call: responses, errors, and checks that several actions share. */
#include "sim_call.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "encode.h"
#include "num.h"
#include "sim_text.h"
#include "utf8.h"

void sim_reply_type(struct sim_reply *reply, const char *content_type)
{
	snprintf(reply->content_type, sizeof(reply->content_type), "%s", content_type);
}

void sim_reply_header(struct sim_reply *reply, const char *name, const char *value)
{
	if (reply->n_headers == ARRAY_LEN(reply->headers))
		return;
	reply->headers[reply->n_headers].name = name;
	snprintf(reply->headers[reply->n_headers].value, sizeof(reply->headers[0].value), "%s",
		value);
	reply->n_headers++;
}

/* Replaces an error code of STS or EC2 by that of the EBS direct APIs. */
static void fail_rename(struct sim_reply *reply)
{
	static const struct {
		const char *from, *to;
		int status; /* 0: unchanged */
	} names[] = {{"InvalidClientTokenId", "UnrecognizedClientException", 0},
		{"RegionDisabledException", "UnrecognizedClientException", 0},
		{"SignatureDoesNotMatch", "InvalidSignatureException", 0},
		{"ExpiredToken", "ExpiredTokenException", 0},
		{"MissingAuthenticationToken", "MissingAuthenticationTokenException", 0},
		{"IncompleteSignature", "IncompleteSignatureException", 0},
		{"AccessDenied", "AccessDeniedException", 0},
		{"InternalError", "InternalServerException", 0},
		{"InvalidAction", "UnknownOperationException", 404},
		{"MissingAction", "UnknownOperationException", 404},
		{"UnknownParameter", "ValidationException.INVALID_PARAMETER_VALUE", 0},
		{"MalformedQueryString", "ValidationException.INVALID_PARAMETER_VALUE", 0},
		{"RequestLimitExceeded", "ThrottlingException", 400}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(reply->code, names[i].from) != 0)
			continue;
		snprintf(reply->code, sizeof(reply->code), "%s", names[i].to);
		if (names[i].status)
			reply->status = names[i].status;
		return;
	}
}

static void fail_ebs(struct sim_reply *reply, const char *message)
{
	struct buf *b = &reply->body;
	char type[80];
	const char *dot;

	fail_rename(reply);
	dot = strchr(reply->code, '.');
	snprintf(type, sizeof(type), "%.*s", (int)strcspn(reply->code, "."), reply->code);
	reply->n_headers = 0;
	sim_reply_type(reply, "application/json");
	sim_reply_header(reply, "x-amzn-ErrorType", type);
	buf_puts(b, "{\"Message\":");
	encode_json_string(b, message, strlen(message));
	if (dot) {
		buf_puts(b, ",\"Reason\":");
		encode_json_string(b, dot + 1, strlen(dot + 1));
	}
	buf_putc(b, '}');
}

static void fail_ec2(struct sim_call *c, const char *code, const char *message)
{
	struct sim_xml x = {&c->reply->body, 0};

	sim_xml_open(&x, "Response");
	sim_xml_open(&x, "Errors");
	sim_xml_open(&x, "Error");
	sim_xml_leaf(&x, "Code", code);
	sim_xml_leaf(&x, "Message", message);
	sim_xml_close(&x, "Error");
	sim_xml_close(&x, "Errors");
	sim_xml_leaf(&x, "RequestID", c->reply->request_id);
	sim_xml_close(&x, "Response");
}

static void fail_sts(struct sim_call *c, int status, const char *code, const char *message)
{
	struct sim_xml x = {&c->reply->body, 1};

	buf_puts(&c->reply->body,
		"<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n");
	sim_xml_open(&x, "Error");
	sim_xml_leaf(&x, "Type", status >= 500 ? "Receiver" : "Sender");
	sim_xml_leaf(&x, "Code", code);
	sim_xml_leaf(&x, "Message", message);
	sim_xml_close(&x, "Error");
	sim_xml_leaf(&x, "RequestId", c->reply->request_id);
	sim_xml_close(&x, "ErrorResponse");
}

int sim_fail(struct sim_call *c, int status, const char *code, const char *fmt, ...)
{
	_cleanup_buf_ struct buf message = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&message, fmt, ap);
	va_end(ap);
	c->reply->status = status;
	snprintf(c->reply->code, sizeof(c->reply->code), "%s", code);
	buf_clear(&c->reply->body);
	if (c->reply->json) {
		fail_ebs(c->reply, buf_str(&message));
		return -1;
	}
	buf_puts(&c->reply->body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	if (c->sts)
		fail_sts(c, status, code, buf_str(&message));
	else
		fail_ec2(c, code, buf_str(&message));
	return -1;
}

int sim_fail_memory(struct sim_call *c)
{
	return sim_fail(c, 500, "InternalError", "The simulator is out of memory");
}

void sim_call_begin(struct sim_call *c)
{
	struct buf *b = &c->reply->body;

	c->xml = (struct sim_xml){b, 1};
	buf_puts(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	if (c->world->xmlns)
		buf_printf(b, "<%sResponse xmlns=\"%s\">\n", c->action, c->world->xmlns);
	else
		buf_printf(b, "<%sResponse xmlns=\"http://ec2.amazonaws.com/doc/%s/\">\n",
			c->action, c->version);
	sim_xml_leaf(&c->xml, "requestId", c->reply->request_id);
}

int sim_call_end(struct sim_call *c)
{
	buf_printf(&c->reply->body, "</%sResponse>", c->action);
	if (c->reply->body.error == EFBIG)
		return sim_fail(c, 500, "InternalError",
			"The result is too large for one response: use MaxResults");
	return c->reply->body.error ? sim_fail_memory(c) : 0;
}

int sim_call_true(struct sim_call *c)
{
	sim_call_begin(c);
	sim_xml_bool(&c->xml, "return", true);
	return sim_call_end(c);
}

const char *sim_call_required(struct sim_call *c, const char *name)
{
	const char *value = sim_params_get(c->params, name);

	if (!value || !*value)
		sim_fail(c, 400, "MissingParameter", "The request must contain the parameter %s",
			name);
	return value && *value ? value : NULL;
}

int sim_call_bool(struct sim_call *c, const char *name, bool *out)
{
	const char *value = sim_params_get(c->params, name);

	*out = value && (!strcmp(value, "true") || !strcmp(value, "1"));
	if (!value || *out || !strcmp(value, "false") || !strcmp(value, "0"))
		return 0;
	return sim_fail(c, 400, "InvalidParameterValue",
		"Invalid value '%s' for %s. Expected 'true' or 'false'", value, name);
}

int sim_call_dry_run(struct sim_call *c)
{
	bool dry;

	if (sim_call_bool(c, "DryRun", &dry) < 0)
		return -1;
	if (dry)
		return sim_fail(c, 412, "DryRunOperation",
			"Request would have succeeded, but DryRun flag is set.");
	return 0;
}

int sim_call_check_id(struct sim_call *c, const char *kind, const char *parameter, const char *id)
{
	size_t n = strlen(kind);

	if (sim_text_is_id(id, kind))
		return 0;
	if (strncmp(id, kind, n) || id[n] != '-')
		return sim_fail(c, 400, "InvalidParameterValue",
			"Value (%s) for parameter %s is invalid. Expected: '%s-...'.", id,
			parameter, kind);
	return sim_fail(c, 400,
		!strcmp(kind, "snap") ? "InvalidSnapshotID.Malformed" : "InvalidParameterValue",
		"Invalid id: \"%s\"", id);
}

int sim_call_check_text(struct sim_call *c, const char *parameter, const char *text, size_t max)
{
	if (!sim_text_is_printable(text))
		return sim_fail(c, 400, "InvalidParameterValue",
			"Invalid value for parameter %s: it holds control characters", parameter);
	if (utf8_count(text, strlen(text)) > (ssize_t)max)
		return sim_fail(c, 400, "InvalidParameterValue",
			"Value for parameter %s is invalid. It exceeds the maximum length of %zu "
			"characters.",
			parameter, max);
	return 0;
}

bool sim_call_may_see(const struct sim_call *c, const struct sim_snapshot *s)
{
	return !strcmp(s->owner_id, c->key->account) || s->is_public ||
	       sim_snapshot_is_shared_with(s, c->key->account);
}

int sim_call_check_usable(struct sim_call *c, const struct sim_snapshot *s)
{
	struct sim_view v;

	sim_region_view(c->region, s, &c->world->behaviour, c->now, &v);
	if (strcmp(v.state, "completed"))
		return sim_fail(
			c, 400, "IncorrectState", "Snapshot is in invalid state - %s", v.state);
	if (s->storage_tier && !strcmp(s->storage_tier, "archive") &&
		s->restore_expiry_ms <= c->now.wall)
		return sim_fail(c, 400, "IncorrectState",
			"The snapshot '%s' is archived. Restore it first.", s->id);
	return 0;
}

struct sim_snapshot *sim_call_own_snapshot(struct sim_call *c, const char *id)
{
	struct sim_snapshot *s = sim_region_edit(c->region, id);

	if (!s || !sim_call_may_see(c, s)) {
		sim_fail(c, 400, "InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.",
			id);
		return NULL;
	}
	if (strcmp(s->owner_id, c->key->account)) {
		sim_fail(c, 403, "UnauthorizedOperation",
			"You are not authorized to perform this operation. The snapshot '%s' "
			"belongs to another account.",
			id);
		return NULL;
	}
	return s;
}

int64_t sim_call_shown_at(struct sim_call *c)
{
	return c->now.mono + sim_world_draw(c->world, c->world->behaviour.consistency_ms);
}

bool sim_call_is_visible(struct sim_call *c, int64_t at)
{
	return c->now.mono >= at || (c->world->behaviour.flicker && sim_world_random(c->world) & 1);
}

void sim_call_write_tags(struct sim_call *c, const struct sim_tags *tags)
{
	if (!tags || !tags->n) {
		sim_xml_leaf(&c->xml, "tagSet", "");
		return;
	}
	sim_xml_open(&c->xml, "tagSet");
	for (size_t i = 0; i < tags->n; i++) {
		sim_xml_open(&c->xml, "item");
		sim_xml_leaf(&c->xml, "key", tags->items[i].key);
		sim_xml_leaf(&c->xml, "value", tags->items[i].value);
		sim_xml_close(&c->xml, "item");
	}
	sim_xml_close(&c->xml, "tagSet");
}

void sim_call_show_tags(struct sim_call *c, struct sim_snapshot *s, struct sim_tags *tags)
{
	/* While an earlier change is hidden, old_tags stay: the visible tags from before it. */
	if (c->now.mono >= s->tags_at) {
		sim_tags_finish(&s->old_tags);
		s->old_tags = s->tags;
		s->tags_at = sim_call_shown_at(c);
	} else {
		sim_tags_finish(&s->tags);
	}
	s->tags = *tags;
	*tags = (struct sim_tags){0};
}
