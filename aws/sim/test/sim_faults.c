/* SPDX-License-Identifier: MIT */
/* The fault plan: parses it, picks the fault of a request, and applies it to the response. */
#include "sim_faults.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "digest.h"
#include "encode.h"
#include "random.h"
#include "sim_text.h"

#define RULES_MAX  1000
#define HUGE_BYTES (80LL << 20)
#define DEEP_DEPTH 100000

static const struct {
	const char *name;
	bool after;
	double seconds;
} effects[SIM_N_EFFECTS] = {
	[SIM_FAULT_NONE] = {"none", false, 0},
	[SIM_FAULT_ERROR] = {"error", false, 0},
	[SIM_FAULT_THROTTLE] = {"throttle", false, 0},
	[SIM_FAULT_RESET] = {"reset", false, 0},
	[SIM_FAULT_HANG] = {"hang", false, 3600},
	[SIM_FAULT_SLOW] = {"slow", false, 1},
	[SIM_FAULT_TRICKLE] = {"trickle", true, 1},
	[SIM_FAULT_CUT] = {"cut", true, 0},
	[SIM_FAULT_CORRUPT] = {"corrupt", true, 0},
	[SIM_FAULT_SHORT] = {"short", true, 0},
	[SIM_FAULT_HEADER] = {"header", true, 0},
	[SIM_FAULT_MALFORMED] = {"malformed", true, 0},
	[SIM_FAULT_EMPTY] = {"empty", true, 0},
	[SIM_FAULT_BODY] = {"body", true, 0},
	[SIM_FAULT_HTML] = {"html", false, 0},
	[SIM_FAULT_BOMB] = {"bomb", true, 0},
	[SIM_FAULT_HUGE] = {"huge", true, 0},
	[SIM_FAULT_LONG] = {"long", true, 0},
	[SIM_FAULT_DEEP] = {"deep", true, 0},
	[SIM_FAULT_CLOCK] = {"clock", false, 3600},
	[SIM_FAULT_REVOKE] = {"revoke", false, 0},
};

struct rule {
	json_t *json; /* a reference; borrowed below */
	enum sim_effect effect;
	long long matches; /* matching requests so far */
	long long strikes;
};

struct sim_faults {
	pthread_mutex_t lock; /* guards the members below */
	struct rule *rules;
	size_t n;
	uint64_t dice;
};

static void rules_free(struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_decref(rules[i].json);
	free(rules);
}

struct sim_faults *sim_faults_create(void)
{
	struct sim_faults *f = calloc(1, sizeof(*f));

	if (f)
		pthread_mutex_init(&f->lock, NULL);
	return f;
}

void sim_faults_destroy(struct sim_faults *f)
{
	if (!f)
		return;
	rules_free(f->rules, f->n);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void sim_fault_finish(struct sim_fault *f)
{
	free(f->body);
	f->body = NULL;
}

const char *sim_fault_name(const struct sim_fault *f)
{
	return f->effect == SIM_FAULT_NONE ? NULL : effects[f->effect].name;
}

/* Checks every member and its type, so that a misspelt member is refused instead of ignored. */
static int rule_check(const json_t *json, struct err *err)
{
	static const struct {
		const char *name;
		char type; /* s: string, i: integer, n: number, b: boolean, o: object, l: integer or
			      list */
	} members[] = {{"action", 's'}, {"region", 's'}, {"param", 'o'}, {"nth", 'l'},
		{"every", 'i'}, {"from", 'i'}, {"to", 'i'}, {"probability", 'n'}, {"times", 'i'},
		{"effect", 's'}, {"after", 'b'}, {"status", 'i'}, {"code", 's'}, {"message", 's'},
		{"seconds", 'n'}, {"bytes", 'i'}, {"depth", 'i'}, {"body", 's'},
		{"content_type", 's'}, {"name", 's'}, {"value", 's'}};
	const char *name;
	json_t *v;

	if (!json_is_object(json))
		return err_set(err, EINVAL, "a rule is an object");
	json_object_foreach((json_t *)json, name, v)
	{
		bool ok = false;

		for (size_t i = 0; i < ARRAY_LEN(members); i++) {
			char t = members[i].type;

			if (!strcmp(members[i].name, name))
				ok = t == 's'   ? json_is_string(v)
				     : t == 'i' ? json_is_integer(v)
				     : t == 'n' ? json_is_number(v)
				     : t == 'b' ? json_is_boolean(v)
				     : t == 'o' ? json_is_object(v)
						: json_is_integer(v) || json_is_array(v);
		}
		if (!ok)
			return err_set(
				err, EINVAL, "%s: unknown, or a value of the wrong type", name);
	}
	return 0;
}

static int rule_read(json_t *json, struct rule *out, struct err *err)
{
	const char *effect = json_string_value(json_object_get(json, "effect"));
	int r = rule_check(json, err);

	if (r < 0)
		return r;
	for (int i = 1; i < SIM_N_EFFECTS; i++) {
		if (!effect || strcmp(effect, effects[i].name))
			continue;
		*out = (struct rule){json_incref(json), (enum sim_effect)i, 0, 0};
		return 0;
	}
	return err_set(err, EINVAL, "no such effect: %s", effect ? effect : "(none)");
}

int sim_faults_load(struct sim_faults *f, const json_t *plan, struct err *err)
{
	json_t *list = json_object_get(plan, "rules"), *seed = json_object_get(plan, "seed"), *item;
	size_t n = json_array_size(list), i;
	struct rule *rules;
	uint64_t dice;

	if (!json_is_array(list) || n > RULES_MAX)
		return err_set(err, EINVAL,
			"a fault plan is an object with a list \"rules\" of at most %d", RULES_MAX);
	rules = calloc(n + 1, sizeof(*rules));
	if (!rules)
		return err_set(err, ENOMEM, "out of memory");
	json_array_foreach(list, i, item)
	{
		if (rule_read(item, &rules[i], err) < 0) {
			rules_free(rules, n);
			return err_context(err, "rules[%zu]", i);
		}
	}
	random_bytes(&dice, sizeof(dice));
	pthread_mutex_lock(&f->lock);
	rules_free(f->rules, f->n);
	f->rules = rules;
	f->n = n;
	f->dice = seed ? (uint64_t)json_integer_value(seed) : dice;
	pthread_mutex_unlock(&f->lock);
	return 0;
}

int sim_faults_load_file(struct sim_faults *f, const char *path, struct err *err)
{
	json_error_t where;
	json_t *plan = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
	int r;

	if (!plan)
		return err_set(err, EINVAL, "%s:%d: %s", path, where.line, where.text);
	r = sim_faults_load(f, plan, err);
	json_decref(plan);
	return r < 0 ? err_context(err, "%s", path) : 0;
}

static bool rule_word_matches(const json_t *rule, const char *name, const char *word)
{
	const char *pattern = json_string_value(json_object_get(rule, name));

	return !pattern || sim_text_matches(word, pattern);
}

static bool rule_params_match(const json_t *rule, const struct sim_params *params)
{
	const char *name;
	json_t *pattern;

	json_object_foreach(json_object_get(rule, "param"), name, pattern)
	{
		const char *value = sim_params_get(params, name);

		if (!value || !json_is_string(pattern) ||
			!sim_text_matches(value, json_string_value(pattern)))
			return false;
	}
	return true;
}

static bool rule_nth_matches(const json_t *nth, long long n)
{
	json_t *item;
	size_t i;

	if (!nth || json_is_integer(nth))
		return !nth || json_integer_value(nth) == n;
	json_array_foreach(nth, i, item) if (json_integer_value(item) == n) return true;
	return false;
}

static double faults_random(struct sim_faults *f)
{
	uint64_t x = f->dice += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (double)((x ^ x >> 31) >> 11) / 9007199254740992.0;
}

/* Counts a matching request. Returns whether the rule strikes (see sim_faults.h). */
static bool rule_strikes(struct sim_faults *f, struct rule *r)
{
	const json_t *j = r->json, *every = json_object_get(j, "every"),
		     *from = json_object_get(j, "from");
	const json_t *to = json_object_get(j, "to"), *times = json_object_get(j, "times");
	const json_t *probability = json_object_get(j, "probability");
	long long n = ++r->matches;

	return rule_nth_matches(json_object_get(j, "nth"), n) &&
	       (!every || (json_integer_value(every) > 0 && n % json_integer_value(every) == 0)) &&
	       (!from || n >= json_integer_value(from)) && (!to || n <= json_integer_value(to)) &&
	       (!times || r->strikes < json_integer_value(times)) &&
	       (!probability || faults_random(f) < json_number_value(probability));
}

static void rule_copy_text(
	const json_t *rule, const char *name, const char *fallback, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(rule, name));

	snprintf(out, size, "%s", text ? text : fallback);
}

static void rule_describe(const struct rule *r, struct sim_fault *out)
{
	const json_t *j = r->json, *after = json_object_get(j, "after"),
		     *seconds = json_object_get(j, "seconds");
	const json_t *status = json_object_get(j, "status"), *bytes = json_object_get(j, "bytes");
	const json_t *depth = json_object_get(j, "depth");
	const char *body = json_string_value(json_object_get(j, "body"));

	out->effect = r->effect;
	out->after = after ? json_is_true(after) : effects[r->effect].after;
	out->seconds_ms =
		(int64_t)((seconds ? json_number_value(seconds) : effects[r->effect].seconds) *
			  1000);
	out->status = status                        ? (int)json_integer_value(status)
		      : r->effect == SIM_FAULT_BODY ? 200
						    : 500;
	out->amount = bytes ? json_integer_value(bytes) : depth ? json_integer_value(depth) : -1;
	rule_copy_text(j, "code", "InternalError", out->code, sizeof(out->code));
	rule_copy_text(
		j, "message", "An internal error has occurred", out->message, sizeof(out->message));
	rule_copy_text(j, "content_type", "text/xml;charset=UTF-8", out->content_type,
		sizeof(out->content_type));
	rule_copy_text(j, "name", "", out->name, sizeof(out->name));
	rule_copy_text(j, "value", "", out->value, sizeof(out->value));
	out->body = body ? strdup(body) : NULL;
}

void sim_faults_pick(struct sim_faults *f, const char *region, const char *action,
	const struct sim_params *params, struct sim_fault *out)
{
	*out = (struct sim_fault){0};
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->n; i++) {
		struct rule *r = &f->rules[i];

		if (!rule_word_matches(r->json, "action", action) ||
			!rule_word_matches(r->json, "region", region) ||
			!rule_params_match(r->json, params) || !rule_strikes(f, r) ||
			out->effect != SIM_FAULT_NONE)
			continue;
		r->strikes++;
		rule_describe(r, out);
	}
	pthread_mutex_unlock(&f->lock);
}

/* --- applying a fault to a response --- */

static void replace_body(struct sim_reply *reply, const char *text)
{
	buf_clear(&reply->body);
	buf_puts(&reply->body, text);
}

static void make_error(struct sim_reply *reply, int status, const char *code, const char *message)
{
	struct sim_call c = {.reply = reply};

	sim_fail(&c, status, code, "%s", message);
}

static void make_html(struct sim_reply *reply, int status)
{
	reply->status = status;
	sim_reply_type(reply, "text/html");
	replace_body(reply,
		"<!DOCTYPE html>\n<html><head><title>Service Unavailable</title></head>\n"
		"<body><h1>Http/1.1 Service Unavailable</h1><p>&nbsp;<br>Try again "
		"later</body></html>\n");
}

/* Nine levels of entities, each ten times the one below: expanding them needs gigabytes. */
static void make_bomb(struct sim_reply *reply)
{
	struct buf *b = &reply->body;

	replace_body(reply, "<?xml version=\"1.0\"?>\n<!DOCTYPE r [\n<!ENTITY a0 \"snapshot\">\n");
	for (int level = 1; level < 10; level++) {
		buf_printf(b, "<!ENTITY a%d \"", level);
		for (int i = 0; i < 10; i++)
			buf_printf(b, "&a%d;", level - 1);
		buf_puts(b, "\">\n");
	}
	buf_puts(b, "]>\n<DescribeSnapshotsResponse><requestId>&a9;</requestId></"
		    "DescribeSnapshotsResponse>");
}

static void make_huge(struct sim_reply *reply, int64_t bytes)
{
	struct buf *b = &reply->body;

	replace_body(reply, "<?xml version=\"1.0\"?>\n<DescribeSnapshotsResponse><snapshotSet>\n");
	for (uint64_t i = 0; (int64_t)b->len < bytes && !b->error; i++)
		buf_printf(b,
			"<item><snapshotId>snap-0%016llx</snapshotId><status>completed</status>"
			"<startTime>2026-01-01T00:00:00.000Z</startTime><volumeSize>8</"
			"volumeSize></item>\n",
			(unsigned long long)i);
	buf_puts(b, "</snapshotSet></DescribeSnapshotsResponse>");
}

static void make_long(struct sim_reply *reply, int64_t bytes)
{
	struct buf *b = &reply->body;
	char block[4096];

	memset(block, 'A', sizeof(block));
	replace_body(reply,
		"<?xml "
		"version=\"1.0\"?>\n<DescribeSnapshotsResponse><snapshotSet><item><description>");
	while ((int64_t)b->len < bytes && !b->error)
		buf_add(b, block, sizeof(block));
	buf_puts(b, "</description></item></snapshotSet></DescribeSnapshotsResponse>");
}

static void make_deep(struct sim_reply *reply, int64_t depth)
{
	struct buf *b = &reply->body;

	replace_body(reply, "<?xml version=\"1.0\"?>\n<DescribeSnapshotsResponse>");
	for (int64_t i = 0; i < depth && !b->error; i++)
		buf_puts(b, "<item>");
	for (int64_t i = 0; i < depth && !b->error; i++)
		buf_puts(b, "</item>");
	buf_puts(b, "</DescribeSnapshotsResponse>");
}

/* Replaces the end of the document by tags that do not match its beginning. */
static void make_malformed(struct sim_reply *reply)
{
	if (reply->body.len > 24)
		buf_resize(&reply->body, reply->body.len - 24);
	buf_puts(&reply->body, "</oops><");
}

/* Gives a header another value, or adds it. */
static void set_header(struct sim_reply *reply, const char *name, const char *value)
{
	for (size_t i = 0; i < reply->n_headers; i++) {
		if (strcasecmp(reply->headers[i].name, name) != 0)
			continue;
		snprintf(reply->headers[i].value, sizeof(reply->headers[i].value), "%s", value);
		return;
	}
	sim_reply_header(reply, name, value);
}

static size_t fault_place(const struct sim_fault *f, const struct sim_reply *reply)
{
	return f->amount >= 0 && (size_t)f->amount < reply->body.len ? (size_t)f->amount
								     : reply->body.len / 2;
}

static void make_corrupt(const struct sim_fault *f, struct sim_reply *reply)
{
	if (reply->body.len)
		reply->body.data[fault_place(f, reply)] ^= 0x10;
}

static void make_short(const struct sim_fault *f, struct sim_reply *reply)
{
	unsigned char sha[DIGEST_SHA256_SIZE];
	_cleanup_buf_ struct buf base64 = BUF_INIT;
	char length[32];

	if (reply->status != 200 || !reply->n_headers)
		return;
	buf_resize(&reply->body, fault_place(f, reply));
	snprintf(length, sizeof(length), "%zu", reply->body.len);
	digest_sha256(reply->body.data, reply->body.len, sha);
	encode_base64(&base64, sha, sizeof(sha));
	set_header(reply, "x-amz-Data-Length", length);
	set_header(reply, "x-amz-Checksum", buf_str(&base64));
}

void sim_fault_apply(const struct sim_fault *f, struct sim_reply *reply)
{
	switch (f->effect) {
	case SIM_FAULT_ERROR:
		make_error(reply, f->status, f->code, f->message);
		break;
	case SIM_FAULT_THROTTLE:
		make_error(reply, 503, "RequestLimitExceeded", "Request limit exceeded.");
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
	case SIM_FAULT_CORRUPT:
		make_corrupt(f, reply);
		break;
	case SIM_FAULT_SHORT:
		make_short(f, reply);
		break;
	case SIM_FAULT_HEADER:
		set_header(reply, f->name, f->value);
		break;
	case SIM_FAULT_MALFORMED:
		make_malformed(reply);
		break;
	case SIM_FAULT_EMPTY:
		replace_body(reply, "");
		break;
	case SIM_FAULT_BODY:
		reply->status = f->status;
		sim_reply_type(reply, f->content_type);
		replace_body(reply, f->body ? f->body : "");
		break;
	case SIM_FAULT_HTML:
		make_html(reply, f->status);
		break;
	case SIM_FAULT_BOMB:
		make_bomb(reply);
		break;
	case SIM_FAULT_HUGE:
		make_huge(reply, f->amount >= 0 ? f->amount : HUGE_BYTES);
		break;
	case SIM_FAULT_LONG:
		make_long(reply, f->amount >= 0 ? f->amount : HUGE_BYTES);
		break;
	case SIM_FAULT_DEEP:
		make_deep(reply, f->amount >= 0 ? f->amount : DEEP_DEPTH);
		break;
	default:
		break; /* the other effects change the request, not its response */
	}
}
