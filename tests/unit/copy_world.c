/* SPDX-License-Identifier: MIT */
/* Virtual time and the EC2 of the copy queue's tests. */
#include "copy_world.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "copy_disk.h"
#include "endpoint.h"
#include "log.h"
#include "loop.h"
#include "random.h"

#define START_MS INT64_C(1790000000000)

struct world *world;
struct world_snapshot *source;

/* --- time --- */

const int64_t virtual_start_ms = START_MS;

int64_t world_wall_ms(void)
{
	return clock_wall_ms();
}

double world_random(void)
{
	world->seed = world->seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(world->seed >> 33) / (double)(1u << 31);
}

double random_unit(void)
{
	return world_random();
}

void random_bytes(void *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((unsigned char *)out)[i] = (unsigned char)(world_random() * 256);
}

/* Nothing is kept on disk in this world. */
int loop_work(uv_loop_t *loop, void (*run)(void *arg), void (*done)(void *arg), void *arg)
{
	(void)loop;
	(void)run;
	(void)done;
	(void)arg;
	return -ENOMEM;
}

void world_run(int64_t ms)
{
	int64_t end = virtual_ms + ms;

	while (virtual_time_step(end))
		;
	virtual_ms = end;
}

void world_until(world_condition *condition, void *arg)
{
	int64_t end = virtual_ms + 3600 * 1000;

	while (!condition(arg))
		if (!virtual_time_step(end))
			fail_msg("it did not happen within an hour");
}

/* --- forms --- */

bool endpoint_is_region(const char *text)
{
	size_t len = strlen(text);

	return len > 3 && len <= 32 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
	       text[len - 1] >= '0' && text[len - 1] <= '9';
}

const char *endpoint_partition(const char *region)
{
	return strncmp(region, "cn-", 3) ? "aws" : "aws-cn";
}

/* --- snapshots --- */

static struct world_snapshot *new_snapshot(
	const char *region, const char *description, int64_t length_ms)
{
	struct world_snapshot *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_true(world->n_snapshots < WORLD_MAX);
	snprintf(s->region, sizeof(s->region), "%s", region);
	snprintf(s->id, sizeof(s->id), "snap-%017zx", world->n_snapshots + 0xa0000);
	snprintf(s->description, sizeof(s->description), "%s", description ? description : "");
	s->start_ms = virtual_ms;
	s->length_ms = length_ms;
	s->visible_at = virtual_ms;
	s->deleted_at = -1;
	s->owner = WORLD_ACCOUNT;
	s->gib = 8;
	world->snapshots[world->n_snapshots++] = s;
	return s;
}

struct world_snapshot *world_add(const char *region, const char *description, int64_t length_ms)
{
	return new_snapshot(region, description, length_ms);
}

void world_tag(struct world_snapshot *s, const char *key, const char *value)
{
	assert_true(s->n_tags < ARRAY_LEN(s->tags));
	s->tags[s->n_tags++] = (struct ec2_tag){strdup(key), strdup(value)};
}

const char *world_tag_of(const struct world_snapshot *s, const char *key)
{
	for (size_t i = 0; i < s->n_tags; i++)
		if (!strcmp(s->tags[i].key, key))
			return s->tags[i].value;
	return NULL;
}

struct world_snapshot *world_find(const char *region, const char *id)
{
	for (size_t i = 0; i < world->n_snapshots; i++)
		if (!strcmp(world->snapshots[i]->region, region) &&
			!strcmp(world->snapshots[i]->id, id))
			return world->snapshots[i];
	return NULL;
}

static bool is_pending(const struct world_snapshot *s)
{
	return s->deleted_at < 0 && virtual_ms < s->start_ms + s->length_ms;
}

static unsigned pending_copies(const char *region)
{
	unsigned n = 0;

	for (size_t i = 0; i < world->n_snapshots; i++)
		n += world->snapshots[i]->is_copy && !strcmp(world->snapshots[i]->region, region) &&
		     is_pending(world->snapshots[i]);
	return n;
}

struct world_snapshot *world_copy_in(const char *region, unsigned n)
{
	for (size_t i = 0; i < world->n_snapshots; i++) {
		struct world_snapshot *s = world->snapshots[i];

		if (s->is_copy && s->deleted_at < 0 && !strcmp(s->region, region) && !n--)
			return s;
	}
	return NULL;
}

unsigned world_copies_in(const char *region)
{
	unsigned n = 0;

	while (world_copy_in(region, n))
		n++;
	return n;
}

static struct world_snapshot *make_copy(
	const char *region, const char *description, int64_t length_ms)
{
	struct world_snapshot *s;
	unsigned pending = pending_copies(region);

	if (pending >= world->limit)
		return NULL;
	s = new_snapshot(region, description, length_ms);
	s->is_copy = true;
	s->visible_at = virtual_ms + (int64_t)((double)world->lag_ms * world_random());
	if (pending + 1 > world->most)
		world->most = pending + 1;
	return s;
}

struct world_snapshot *world_foreign_copy(const char *region, int64_t length_ms)
{
	return make_copy(region, "made by another tool", length_ms);
}

/* --- calls --- */

struct aws_call {
	struct loop_timer *arrival, *answer;
	bool cancelled;
	enum fault fault;
	char region[32];
	/* DescribeSnapshots */
	ec2_page_done *page_done;
	char *owner, *filter, *token;
	char **values;
	size_t n_values;
	/* CopySnapshot */
	ec2_copy_done *copy_done;
	char *source_region, *source_id, *description;
	struct ec2_tag *tags;
	size_t n_tags;
	bool dry_run;
	const char *made;
	/* DeleteSnapshot */
	ec2_done *done;
	char *id;
	/* encryption by default */
	ec2_by_default_done *on_done;
	ec2_key_done *key_done;
	/* volumes and images: `id` is the token or the name, `source_id` the snapshot,
	 * `description` the other parameters */
	ec2_volume_done *volume_done;
	ec2_volumes_done *volumes_done;
	ec2_image_done *image_done;
	ec2_images_done *images_done;
	struct world_made *thing;
	void *arg;
	struct err err;
	struct aws_call *next;
};

static struct aws_call *calls;

static void delete_answers(void *arg);

static void call_free(struct aws_call *call)
{
	for (struct aws_call **at = &calls; *at; at = &(*at)->next)
		if (*at == call) {
			*at = call->next;
			break;
		}
	loop_timer_destroy(call->arrival);
	loop_timer_destroy(call->answer);
	for (size_t i = 0; i < call->n_values; i++)
		free(call->values[i]);
	for (size_t i = 0; i < call->n_tags; i++) {
		free((char *)call->tags[i].key);
		free((char *)call->tags[i].value);
	}
	free(call->values);
	free(call->tags);
	free(call->owner);
	free(call->filter);
	free(call->token);
	free(call->source_region);
	free(call->source_id);
	free(call->description);
	free(call->id);
	free(call);
}

static char *dup_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void fail_call(
	struct aws_call *call, int errnum, int status, const char *code, const char *message)
{
	err_set(&call->err, errnum, "%s", message);
	call->err.http_status = status;
	snprintf(call->err.code, sizeof(call->err.code), "%s", code);
	if (status)
		snprintf(call->err.request_id, sizeof(call->err.request_id), "request-1");
}

/* Whether EC2 gets to do the work, and the error that goes back if not. */
static bool reaches_ec2(struct aws_call *call)
{
	switch (call->fault) {
	case FAULT_NONE:
	case FAULT_ECHO:
		return true;
	case FAULT_LOST_AFTER:
	case FAULT_LOST_BEFORE:
		fail_call(call, ETIMEDOUT, 0, "", "the connection was reset");
		call->err.maybe_done = true;
		call->err.retryable = true;
		return call->fault == FAULT_LOST_AFTER;
	case FAULT_UNSENT:
		fail_call(call, EHOSTUNREACH, 0, "", "connection refused");
		call->err.retryable = true;
		break;
	case FAULT_THROTTLED:
		fail_call(call, EAGAIN, 503, "RequestLimitExceeded", "Request limit exceeded.");
		call->err.retryable = true;
		break;
	case FAULT_DENIED:
		fail_call(call, EACCES, 403, "UnauthorizedOperation",
			"You are not authorized to perform this operation.");
		break;
	case FAULT_TAGS_DENIED:
		fail_call(call, EACCES, 403, "UnauthorizedOperation",
			"You are not authorized to perform this operation: ec2:CreateTags");
		break;
	case FAULT_EXPIRED:
		fail_call(call, EACCES, 400, "RequestExpired", "Request has expired.");
		break;
	case FAULT_INVALID:
		fail_call(call, EINVAL, 400, "InvalidParameterValue",
			"Invalid filter value: The escape sequence '\\D' is invalid");
		break;
	}
	return false;
}

static struct aws_call *start(const char *region, const char *action, unsigned *counter,
	loop_timer_fn *arrive, loop_timer_fn *answer, void *arg)
{
	struct aws_call *call = calloc(1, sizeof(*call));
	int64_t latency = world->latency_ms;

	assert_non_null(call);
	snprintf(call->region, sizeof(call->region), "%s", region);
	call->arg = arg;
	call->fault = world->fault ? world->fault(action, *counter) : FAULT_NONE;
	++*counter;
	call->arrival = loop_timer_create(NULL, arrive, call);
	call->answer = loop_timer_create(NULL, answer, call);
	loop_timer_start(call->arrival, latency / 2);
	loop_timer_start(
		call->answer, call->fault == FAULT_LOST_BEFORE || call->fault == FAULT_LOST_AFTER
				      ? latency + 20000
				      : latency);
	call->next = calls;
	calls = call;
	return call;
}

void aws_cancel(struct aws_call *call)
{
	/* What was sent is on its way. */
	assert_false(call->cancelled);
	call->cancelled = true;
}

/* --- DescribeSnapshots --- */

static bool has_value(const struct aws_call *call, const char *text)
{
	for (size_t i = 0; i < call->n_values; i++)
		if (text && !strcmp(call->values[i], text))
			return true;
	return false;
}

static bool matches(const struct aws_call *call, const struct world_snapshot *s)
{
	bool pending = virtual_ms < s->start_ms + s->length_ms;

	if (strcmp(s->region, call->region) || s->visible_at > virtual_ms ||
		(s->deleted_at >= 0 && s->deleted_at <= virtual_ms))
		return false;
	if (call->owner && strcmp(s->owner, WORLD_ACCOUNT))
		return false;
	if (!call->filter)
		return true;
	if (!strcmp(call->filter, "snapshot-id"))
		return has_value(call, s->id);
	if (!strcmp(call->filter, "status"))
		return has_value(call, pending ? "pending" : s->failure ? "error" : "completed");
	if (!strcmp(call->filter, "description"))
		return has_value(call, s->description);
	if (!strcmp(call->filter, "tag-key")) {
		for (size_t i = 0; i < s->n_tags; i++)
			if (has_value(call, s->tags[i].key))
				return true;
		return false;
	}
	assert_true(!strncmp(call->filter, "tag:", 4));
	return has_value(call, world_tag_of(s, call->filter + 4));
}

static void fill(struct ec2_snapshot *out, struct world_snapshot *s)
{
	int64_t age = virtual_ms - s->start_ms;
	bool pending = age < s->length_ms;

	*out = (struct ec2_snapshot){.id = s->id,
		.volume_id = s->is_copy ? "vol-ffffffff" : "vol-0123456789abcdef0",
		.owner_id = s->owner,
		.description = s->description,
		.state = pending      ? EC2_SNAPSHOT_PENDING
			 : s->failure ? EC2_SNAPSHOT_ERROR
				      : EC2_SNAPSHOT_COMPLETED,
		.state_text = pending      ? "pending"
			      : s->failure ? "error"
					   : "completed",
		.state_message = !pending ? s->failure : NULL,
		.progress = s->no_progress ? EC2_PROGRESS_UNKNOWN
			    : pending      ? (int)(age * 100 / s->length_ms)
					   : 100,
		.start_ms = START_MS + s->start_ms,
		.completion_ms = pending ? 0 : START_MS + s->start_ms + s->length_ms,
		.volume_gib = s->gib,
		.full_size = 1 << 30,
		.encryption = s->kms_key ? EC2_ENCRYPTION_PRESENT : EC2_ENCRYPTION_NONE,
		.kms_key_id = s->kms_key,
		.tags = s->tags,
		.n_tags = s->n_tags};
}

static void describe_arrives(void *arg)
{
	struct aws_call *call = arg;

	if (!call->cancelled)
		reaches_ec2(call);
}

static void describe_answers(void *arg)
{
	struct aws_call *call = arg;
	struct ec2_page *page;
	size_t from = call->token ? (size_t)atoi(call->token) : 0, at;
	bool paged = world->page && call->page_done;

	if (call->cancelled || call->err.errnum) {
		ec2_page_done *done = call->page_done;
		void *done_arg = call->arg;
		struct err err = call->err;
		bool cancelled = call->cancelled;

		call_free(call);
		if (!cancelled)
			done(done_arg, NULL, &err);
		return;
	}
	page = calloc(1, sizeof(*page));
	page->n_refused = world->left_out;
	page->snapshots = calloc(world->n_snapshots + 1, sizeof(*page->snapshots));
	/* The first page is empty and has a token, as EC2's may be when it filters after paging. */
	for (at = from; at < world->n_snapshots && !(paged && !call->token); at++) {
		if (paged && page->n_snapshots == world->page)
			break;
		if (matches(call, world->snapshots[at]))
			fill(&page->snapshots[page->n_snapshots++], world->snapshots[at]);
	}
	if (paged && at < world->n_snapshots && asprintf(&page->next_token, "%zu", at) < 0)
		abort();
	{
		ec2_page_done *done = call->page_done;
		void *done_arg = call->arg;

		call_free(call);
		done(done_arg, page, NULL);
	}
}

unsigned aws_allowance(struct aws *aws, const char *region, const char *action)
{
	return UINT_MAX;
}

static char describe_kind(const struct ec2_describe_snapshots *in)
{
	if (!in->n_filters)
		return 'l';
	return !strcmp(in->filters[0].name, "tag-key")            ? 'k'
	       : !strcmp(in->filters[0].name, "tag:ebsfs:source") ? 'o'
								  : in->filters[0].name[1];
}

struct aws_call *ec2_describe_snapshots(
	struct aws *aws, const struct ec2_describe_snapshots *in, ec2_page_done *done, void *arg)
{
	struct aws_call *call;

	(void)aws;
	assert_true(world->describes < ARRAY_LEN(world->describe_at));
	assert_true(in->n_filters <= 1);
	world->describe_at[world->describes] = virtual_ms;
	world->describe_what[world->describes] = describe_kind(in);
	snprintf(world->last_owner, sizeof(world->last_owner), "%s",
		in->owners ? in->owners[0] : "");
	call = start(in->region, "DescribeSnapshots", &world->describes, describe_arrives,
		describe_answers, arg);
	call->page_done = done;
	call->owner = dup_text(in->owners ? in->owners[0] : NULL);
	call->token = dup_text(in->next_token);
	if (in->n_filters) {
		call->filter = dup_text(in->filters[0].name);
		call->n_values = in->filters[0].n_values;
		assert_in_range(call->n_values, 1, EC2_FILTER_VALUES_MAX);
		call->values = calloc(call->n_values, sizeof(char *));
		for (size_t i = 0; i < call->n_values; i++) {
			for (size_t n = 0; n < i; n++)
				assert_string_not_equal(
					in->filters[0].values[i], in->filters[0].values[n]);
			call->values[i] = dup_text(in->filters[0].values[i]);
		}
	}
	return call;
}

void ec2_page_destroy(struct ec2_page *page)
{
	if (!page)
		return;
	free(page->snapshots);
	free(page->next_token);
	free(page);
}

/* --- CopySnapshot --- */

bool aws_endpoint_is_named(const struct aws *aws)
{
	(void)aws;
	return !world->amazons;
}

static void copy_arrives(void *arg)
{
	struct aws_call *call = arg;
	bool lost = call->fault == FAULT_LOST_AFTER;
	struct world_snapshot *from, *s;
	char message[160];

	if (!reaches_ec2(call))
		return;
	from = world_find(call->source_region, call->source_id);
	if (!from || from->deleted_at >= 0) {
		if (!lost)
			fail_call(call, ENOENT, 400, "InvalidSnapshot.NotFound",
				"The snapshot does not exist.");
		return;
	}
	if (is_pending(from)) {
		if (!lost)
			fail_call(call, EBUSY, 400, "IncorrectState", "The snapshot is pending.");
		return;
	}
	if (call->fault == FAULT_ECHO) {
		call->made = from->id;
		return;
	}
	if (call->dry_run && !world->ignores_dry_run)
		return;
	s = make_copy(call->region, call->description,
		world->copy_ms + (int64_t)((double)world->copy_spread_ms * world_random()));
	if (!s) {
		if (world->silent_limit)
			snprintf(message, sizeof(message), "Too many snapshot copies in progress.");
		else
			snprintf(message, sizeof(message),
				"Too many snapshot copies in progress. The limit is %u for this "
				"destination region.",
				world->limit);
		world->refusals++;
		if (!lost)
			fail_call(call, EDQUOT, 400, "ResourceLimitExceeded", message);
		return;
	}
	snprintf(s->source, sizeof(s->source), "%s/%s", call->source_region, call->source_id);
	for (size_t i = 0; i < call->n_tags; i++)
		world_tag(s, call->tags[i].key, call->tags[i].value);
	world->no_tags_seen |= !call->n_tags;
	call->made = s->id;
}

static void copy_answers(void *arg)
{
	struct aws_call *call = arg;
	ec2_copy_done *done = call->copy_done;
	void *done_arg = call->arg;
	struct err err = call->err;
	const char *made = call->made;
	bool cancelled = call->cancelled;

	call_free(call);
	if (!cancelled)
		done(done_arg, err.errnum ? NULL : made, err.errnum ? NULL : "request",
			err.errnum ? &err : NULL);
}

struct aws_call *ec2_copy_snapshot(
	struct aws *aws, const struct ec2_copy_snapshot *in, ec2_copy_done *done, void *arg)
{
	struct aws_call *call =
		start(in->region, "CopySnapshot", &world->copies, copy_arrives, copy_answers, arg);

	(void)aws;
	call->copy_done = done;
	call->source_region = dup_text(in->source_region);
	call->source_id = dup_text(in->source_id);
	call->description = dup_text(in->description);
	call->dry_run = in->dry_run;
	world->dry_runs += in->dry_run;
	call->n_tags = in->n_tags;
	assert_true(in->n_tags <= EC2_TAGS_MAX);
	call->tags = calloc(in->n_tags + 1, sizeof(*call->tags));
	for (size_t i = 0; i < in->n_tags; i++)
		call->tags[i] =
			(struct ec2_tag){dup_text(in->tags[i].key), dup_text(in->tags[i].value)};
	return call;
}

/* --- CreateTags --- */

static void tags_arrive(void *arg)
{
	struct aws_call *call = arg;
	struct world_snapshot *s;

	if (!reaches_ec2(call))
		return;
	s = world_find(call->region, call->id);
	if (!s || s->deleted_at >= 0) {
		fail_call(call, ENOENT, 400, "InvalidSnapshot.NotFound",
			"The snapshot does not exist.");
		return;
	}
	for (size_t i = 0; i < call->n_tags; i++) {
		size_t n = 0;

		while (n < s->n_tags && strcmp(s->tags[n].key, call->tags[i].key) != 0)
			n++;
		if (n == s->n_tags) {
			world_tag(s, call->tags[i].key, call->tags[i].value);
			continue;
		}
		free((char *)s->tags[n].value);
		s->tags[n].value = strdup(call->tags[i].value);
	}
}

struct aws_call *ec2_create_tags(struct aws *aws, const char *region, const char *id,
	const struct ec2_tag *tags, size_t n_tags, ec2_done *done, void *arg)
{
	struct aws_call *call =
		start(region, "CreateTags", &world->tagged, tags_arrive, delete_answers, arg);

	(void)aws;
	call->done = done;
	call->id = dup_text(id);
	call->n_tags = n_tags;
	call->tags = calloc(n_tags + 1, sizeof(*call->tags));
	for (size_t i = 0; i < n_tags; i++)
		call->tags[i] = (struct ec2_tag){dup_text(tags[i].key), dup_text(tags[i].value)};
	return call;
}

/* --- CreateVolume, RegisterImage, and what describes them --- */

unsigned world_made_in(const char *region, bool image)
{
	unsigned n = 0;

	for (size_t i = 0; i < world->n_made; i++)
		n += world->made[i].image == image && !strcmp(world->made[i].region, region);
	return n;
}

static struct world_made *made_find(const struct aws_call *call, bool image)
{
	for (size_t i = world->n_made; i--;) {
		struct world_made *m = &world->made[i];

		if (m->image == image && !strcmp(m->region, call->region) &&
			!strcmp(m->token, call->id))
			return m;
	}
	return NULL;
}

static void make_arrives(void *arg)
{
	struct aws_call *call = arg;
	bool image = call->image_done != NULL;
	struct world_made *m;

	if (!reaches_ec2(call) || call->dry_run)
		return;
	m = made_find(call, image);
	if (image && m) {
		fail_call(call, EEXIST, 400, "InvalidAMIName.Duplicate",
			"AMI name is already in use");
		return;
	}
	if (m && (m->gone || strcmp(m->parameters, call->description))) {
		fail_call(call, EEXIST, 400, "IdempotentParameterMismatch",
			m->gone ? "The client token you have provided is associated with a "
				  "resource that is already deleted."
				: "Arguments on this idempotent request are inconsistent with "
				  "arguments used in previous request(s).");
		return;
	}
	if (!m) {
		assert_true(world->n_made < ARRAY_LEN(world->made));
		m = &world->made[world->n_made++];
		*m = (struct world_made){.image = image, .made_at = virtual_ms};
		snprintf(m->id, sizeof(m->id), "%s-%017zx", image ? "ami" : "vol", world->n_made);
		snprintf(m->region, sizeof(m->region), "%s", call->region);
		snprintf(m->token, sizeof(m->token), "%s", call->id);
		snprintf(m->snapshot, sizeof(m->snapshot), "%s", call->source_id);
		snprintf(m->parameters, sizeof(m->parameters), "%s", call->description);
	}
	call->thing = m;
}

static void make_answers(void *arg)
{
	struct aws_call *call = arg, mine = *call;
	const struct err *err = mine.err.errnum ? &mine.err : NULL;
	struct ec2_volume volume = {.state = EC2_VOLUME_CREATING, .state_text = "creating"};
	const char *id = !err && mine.thing ? mine.thing->id : NULL;

	call_free(call);
	if (mine.cancelled)
		return;
	if (id)
		snprintf(volume.id, sizeof(volume.id), "%s", id);
	if (mine.image_done)
		mine.image_done(mine.arg, id, err ? NULL : "request-1", err);
	else
		mine.volume_done(mine.arg, id ? &volume : NULL, err ? NULL : "request-1", err);
}

struct aws_call *ec2_create_volume(
	struct aws *aws, const struct ec2_create_volume *in, ec2_volume_done *done, void *arg)
{
	struct aws_call *call = start(
		in->region, "CreateVolume", &world->made_requests, make_arrives, make_answers, arg);

	(void)aws;
	assert_true(in->dry_run || in->client_token);
	call->volume_done = done;
	call->id = dup_text(in->client_token ? in->client_token : "");
	call->source_id = dup_text(in->snapshot_id);
	call->dry_run = in->dry_run;
	if (asprintf(&call->description, "%s %s %u %s", in->zone, in->type, in->size_gib,
		    in->n_tags ? in->tags[0].value : "") < 0)
		abort();
	return call;
}

struct aws_call *ec2_register_image(
	struct aws *aws, const struct ec2_register_image *in, ec2_image_done *done, void *arg)
{
	struct aws_call *call = start(in->region, "RegisterImage", &world->made_requests,
		make_arrives, make_answers, arg);

	(void)aws;
	assert_true(in->n_disks == 1 && in->architecture && !strcmp(in->root_device, "/dev/xvda"));
	call->image_done = done;
	call->id = dup_text(in->name);
	call->source_id = dup_text(in->disks[0].snapshot_id);
	call->description = dup_text(in->architecture);
	call->dry_run = in->dry_run;
	return call;
}

static void made_described_arrives(void *arg)
{
	reaches_ec2(arg);
}

static bool made_matches(const struct aws_call *call, const struct world_made *m)
{
	return m->image == (call->images_done != NULL) && !strcmp(m->region, call->region) &&
	       !m->gone && has_value(call, call->filter[0] == 'n' ? m->token : m->id);
}

static void made_described_answers(void *arg)
{
	struct aws_call *call = arg;
	struct aws_call *mine = call;
	const struct err *err = mine->err.errnum ? &mine->err : NULL;
	struct ec2_volume volumes[20] = {0};
	struct ec2_image images[20] = {0};
	struct ec2_image_disk disks[20] = {0};
	size_t n = 0;

	for (size_t i = 0; i < world->n_made && !err && n < 20; i++) {
		const struct world_made *m = &world->made[i];
		bool done = virtual_ms - m->made_at >= world->making_ms;

		if (!made_matches(call, m))
			continue;
		snprintf(volumes[n].id, sizeof(volumes[n].id), "%s", m->id);
		volumes[n].state = done ? EC2_VOLUME_AVAILABLE : EC2_VOLUME_CREATING;
		snprintf(images[n].id, sizeof(images[n].id), "%s", m->id);
		snprintf(images[n].architecture, sizeof(images[n].architecture), "%s",
			m->parameters);
		strcpy(images[n].root_device, "/dev/xvda");
		strcpy(disks[n].device, "/dev/xvda");
		snprintf(disks[n].snapshot_id, sizeof(disks[n].snapshot_id), "%s", m->snapshot);
		images[n].disks = &disks[n];
		images[n].n_disks = 1;
		images[n].state = done ? EC2_IMAGE_AVAILABLE : EC2_IMAGE_PENDING;
		n++;
	}
	if (!call->cancelled && call->images_done)
		call->images_done(call->arg, err ? NULL : images, n, false, err);
	else if (!call->cancelled)
		call->volumes_done(call->arg, err ? NULL : volumes, n, false, err);
	call_free(call);
}

static void made_describe_fill(struct aws_call *call, const struct ec2_filter *filter)
{
	call->filter = dup_text(filter->name);
	call->values = calloc(filter->n_values + 1, sizeof(*call->values));
	for (; call->n_values < filter->n_values; call->n_values++)
		call->values[call->n_values] = dup_text(filter->values[call->n_values]);
}

struct aws_call *ec2_describe_volumes(
	struct aws *aws, const struct ec2_describe_volumes *in, ec2_volumes_done *done, void *arg)
{
	struct aws_call *call = start(in->region, "DescribeVolumes", &world->made_described,
		made_described_arrives, made_described_answers, arg);

	(void)aws;
	call->volumes_done = done;
	made_describe_fill(call, in->filters);
	return call;
}

struct aws_call *ec2_describe_images(
	struct aws *aws, const struct ec2_describe_images *in, ec2_images_done *done, void *arg)
{
	struct aws_call *call = start(in->region, "DescribeImages", &world->made_described,
		made_described_arrives, made_described_answers, arg);

	(void)aws;
	call->images_done = done;
	made_describe_fill(call, in->filters);
	return call;
}

/* --- encryption by default --- */

static void settings_arrive(void *arg)
{
	reaches_ec2(arg);
}

static void settings_answer(void *arg)
{
	struct aws_call *call = arg;
	const struct aws_call was = *call;
	const struct err *err = was.err.errnum ? &was.err : NULL;

	call_free(call);
	if (was.cancelled)
		return;
	if (was.on_done)
		was.on_done(was.arg, !err && world->encrypts, err);
	else
		was.key_done(was.arg, err ? NULL : "alias/aws/ebs", err);
}

static struct aws_call *ask_for_settings(const char *region, const char *action, void *arg)
{
	struct aws_call *call =
		start(region, action, &world->settings, settings_arrive, settings_answer, arg);

	if (world->settings_ms)
		loop_timer_start(call->answer, world->latency_ms + world->settings_ms);
	return call;
}

struct aws_call *ec2_get_encryption_by_default(
	struct aws *aws, const char *region, ec2_by_default_done *done, void *arg)
{
	struct aws_call *call = ask_for_settings(region, "GetEbsEncryptionByDefault", arg);

	(void)aws;
	call->on_done = done;
	return call;
}

struct aws_call *ec2_get_default_key(
	struct aws *aws, const char *region, ec2_key_done *done, void *arg)
{
	struct aws_call *call = ask_for_settings(region, "GetEbsDefaultKmsKeyId", arg);

	(void)aws;
	call->key_done = done;
	return call;
}

/* --- DeleteSnapshot --- */

static void delete_arrives(void *arg)
{
	struct aws_call *call = arg;
	struct world_snapshot *s;

	if (!reaches_ec2(call))
		return;
	s = world_find(call->region, call->id);
	if (!s || s->deleted_at >= 0)
		fail_call(call, ENOENT, 400, "InvalidSnapshot.NotFound",
			"The snapshot does not exist.");
	else
		s->deleted_at = virtual_ms;
}

static void delete_answers(void *arg)
{
	struct aws_call *call = arg;
	ec2_done *done = call->done;
	void *done_arg = call->arg;
	struct err err = call->err;
	bool cancelled = call->cancelled;

	call_free(call);
	if (!cancelled)
		done(done_arg, err.errnum ? &err : NULL);
}

struct aws_call *ec2_delete_snapshot(
	struct aws *aws, const char *region, const char *id, ec2_done *done, void *arg)
{
	struct aws_call *call = start(
		region, "DeleteSnapshot", &world->deletes, delete_arrives, delete_answers, arg);

	(void)aws;
	call->done = done;
	call->id = dup_text(id);
	return call;
}

/* --- the test's life --- */

int world_setup(void **state)
{
	(void)state;
	world = calloc(1, sizeof(*world));
	virtual_ms = 0;
	assert_non_null(world);
	assert_int_equal(uv_loop_init(&world->loop), 0);
	world->seed = 42;
	world->limit = 20;
	world->latency_ms = 100;
	world->copy_ms = 60000;
	world->commit_ms = 5;
	log_setup(LOG_EMERG, false);
	disk_start();
	source = world_add(EAST, "nightly db", 0);
	virtual_ms = 3600 * 1000;
	return 0;
}

int world_setup_mounted(void **state)
{
	world_setup(state);
	world_mount();
	return 0;
}

void world_mount(void)
{
	struct err err = {0};

	assert_null(world->copies_);
	world->regions = regions_create(&world->loop, NULL, 30000);
	assert_non_null(world->regions);
	world->options.loop = &world->loop;
	world->options.regions = world->regions;
	world->options.journal = disk_journal();
	world->options.account = WORLD_ACCOUNT;
	if (copies_create(&world->options, NULL, NULL, &world->copies_, &err) < 0)
		fail_msg("%s", err.message);
}

void world_unmount(enum unmount how)
{
	if (!world->copies_)
		return;
	copies_destroy(world->copies_);
	regions_destroy(world->regions);
	world->copies_ = NULL;
	world->regions = NULL;
	disk_end_writes(how == UNMOUNT);
}

int world_teardown(void **state)
{
	(void)state;
	world_unmount(UNMOUNT);
	while (calls)
		call_free(calls);
	disk_end();
	assert_null(virtual_timers);
	for (size_t i = 0; i < world->n_snapshots; i++) {
		struct world_snapshot *s = world->snapshots[i];

		for (size_t n = 0; n < s->n_tags; n++) {
			free((char *)s->tags[n].key);
			free((char *)s->tags[n].value);
		}
		free(s);
	}
	uv_run(&world->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&world->loop), 0);
	free(world);
	world = NULL;
	return 0;
}

/* --- requests --- */

static void word(void *arg, struct copy *copy, const struct err *err)
{
	struct asked *asked = arg;

	asked->answers++;
	asked->failed = err != NULL;
	if (err)
		asked->err = *err;
	asked->row = copy ? copy->row.id : 0;
	asked->answered_at = virtual_ms;
}

void world_ask_with(
	struct asked *asked, const char *region, const struct copy_request *request, bool move)
{
	struct journal_receipt receipt = {.id = journal_next_receipt_id(disk_journal()),
		.region = (char *)region,
		.folder = (char *)"",
		.name = (char *)"a.snapshot",
		.text = (char *)"text"};

	*asked = (struct asked){0};
	assert_int_equal(
		copies_request(world->copies_, region, request, move, &receipt, word, asked), 0);
	assert_int_equal(asked->answers, 0);
}

/* NULL for the first request of a source. */
static char *next_label(const char *region, const char *id)
{
	static char label[20];
	size_t i = 0;

	while (world->asks[i].n &&
		(strcmp(world->asks[i].region, region) != 0 || strcmp(world->asks[i].id, id) != 0))
		i++;
	snprintf(world->asks[i].region, sizeof(world->asks[i].region), "%s", region);
	snprintf(world->asks[i].id, sizeof(world->asks[i].id), "%s", id);
	snprintf(label, sizeof(label), "again-%u", world->asks[i].n);
	return world->asks[i].n++ ? label : NULL;
}

struct copy_request world_request(void)
{
	return (struct copy_request){.source_region = (char *)EAST, .source_id = source->id};
}

void world_ask_again(
	struct asked *asked, const char *region, const struct copy_request *request, bool move)
{
	struct copy_request mine = *request;

	mine.again = next_label(region, request->source_id);
	world_ask_with(asked, region, &mine, move);
}

void world_ask(
	struct asked *asked, const char *region, const char *source_region, const char *source_id)
{
	struct copy_request request = {
		.source_region = (char *)source_region, .source_id = (char *)source_id};

	world_ask_again(asked, region, &request, false);
}

static void ask_for_source(struct asked *asked, bool move)
{
	struct copy_request request = world_request();

	world_ask_again(asked, WEST, &request, move);
	world_until(world_answered, asked);
}

void world_ask_and_wait(struct asked *asked)
{
	ask_for_source(asked, false);
}

void world_ask_to_move(struct asked *asked)
{
	ask_for_source(asked, true);
}

bool world_answered(void *asked)
{
	return ((struct asked *)asked)->answers > 0;
}

struct copy *world_copy(const struct asked *asked)
{
	return copies_by_row(world->copies_, asked->row);
}

struct awaited {
	const struct asked *asked;
	enum copy_state state;
};

static bool is_in_state(void *arg)
{
	const struct awaited *a = arg;

	return world_copy(a->asked)->state == a->state;
}

void world_until_state(const struct asked *asked, enum copy_state state)
{
	struct awaited a = {asked, state};

	world_until(is_in_state, &a);
}

const char *world_status(const struct asked *asked)
{
	static char text[4096];
	_cleanup_buf_ struct buf out = BUF_INIT;

	assert_int_equal(
		copies_status(world->copies_, world_copy(asked), clock_wall_ms(), &out), 0);
	snprintf(text, sizeof(text), "%s", buf_str(&out));
	return text;
}
