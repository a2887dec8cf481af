/* SPDX-License-Identifier: MIT */
/* One API call: the arguments of every action, its response, and checks that several actions share.
 */
#ifndef EBSFS_SIM_CALL_H
#define EBSFS_SIM_CALL_H

#include "sim_params.h"
#include "sim_region.h"
#include "sim_world.h"
#include "sim_xml.h"

#define SIM_REPLY_MAX ((size_t)512 << 20)

struct sim_reply {
	int status;
	struct buf body;
	char content_type[80];
	char request_id[40];
	struct {
		const char *name;
		char value[96];
	} headers[4]; /* further headers, see sim_reply_header() */
	size_t n_headers;
	bool json;     /* errors in the form of the EBS direct APIs */
	char code[80]; /* of an error; "" for success */
	/* Set by injected faults: */
	bool drop;   /* no response: the connection is reset */
	bool is_cut; /* the connection is closed after cut_at bytes of the body */
	size_t cut_at;
	int64_t trickle_ms; /* not 0: the body is sent evenly over this time */
	int64_t clock_error_ms;
	int64_t wall_ms; /* time of the Date header; 0: the machine's clock */
};

struct sim_call {
	struct sim_world *world;
	struct sim_region *region;
	const struct sim_access_key *key;
	const char *host; /* as sent by the client */
	const struct sim_params *params;
	const char *action;
	const char *version;
	bool sts; /* responses in STS's form instead of EC2's */
	bool ebs; /* the EBS direct APIs */
	struct sim_time now;
	struct sim_xml xml; /* writes to reply->body */
	struct sim_reply *reply;
};

void sim_reply_type(struct sim_reply *reply, const char *content_type);
/* name is borrowed for the reply's life. */
void sim_reply_header(struct sim_reply *reply, const char *name, const char *value);

/* An action writes its response to c->reply. Returns 0, or -1 after sim_fail(). */
typedef int sim_action_fn(struct sim_call *c);

/* Replaces the response by an error. Returns -1. In calls of the EBS direct APIs, `code` may have a
 * reason behind a dot ("ValidationException.INVALID_BLOCK_TOKEN"), and codes of EC2 and STS are
 * replaced by the corresponding codes of these APIs. */
int sim_fail(struct sim_call *c, int status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int sim_fail_memory(struct sim_call *c);

/* Opens the response's root element and writes the request id; sim_call_end() closes it. */
void sim_call_begin(struct sim_call *c);
int sim_call_end(struct sim_call *c); /* returns the action's result */
/* Writes a whole response whose only information is that the action succeeded. */
int sim_call_true(struct sim_call *c);

/* Returns the value of a required parameter; NULL after sim_fail(). */
const char *sim_call_required(struct sim_call *c, const char *name);
/* Reads a boolean parameter, false if absent. Returns 0, or -1 after sim_fail(). */
int sim_call_bool(struct sim_call *c, const char *name, bool *out);
/* Returns -1 with EC2's DryRunOperation if the request has DryRun, else 0. */
int sim_call_dry_run(struct sim_call *c);
/* Checks that an id has EC2's form; kind: "snap" or "vol". Returns 0, or -1 after sim_fail(). */
int sim_call_check_id(struct sim_call *c, const char *kind, const char *parameter, const char *id);
/* Checks that a text has at most `max` characters and no control characters. Returns 0, or -1 after
 * sim_fail(). */
int sim_call_check_text(struct sim_call *c, const char *parameter, const char *text, size_t max);

/* Whether the snapshot is visible to the caller's account: its own, shared with it, or public. */
bool sim_call_may_see(const struct sim_call *c, const struct sim_snapshot *s);
/* Checks that volumes and images can be made from the snapshot: completed, and not archived.
 * Returns 0, or -1 after sim_fail(). */
int sim_call_check_usable(struct sim_call *c, const struct sim_snapshot *s);
/* Returns the caller's own snapshot, to be changed; NULL after sim_fail(). */
struct sim_snapshot *sim_call_own_snapshot(struct sim_call *c, const char *id);
/* Returns the monotonic time at which a change made now becomes visible. */
int64_t sim_call_shown_at(struct sim_call *c);
/* Eventual consistency: whether this response shows a change that becomes visible at `at`
 * (monotonic). With sim_behaviour.flicker, random responses show it earlier. */
bool sim_call_is_visible(struct sim_call *c, int64_t at);
/* Writes the element tagSet; an empty element if tags is NULL. */
void sim_call_write_tags(struct sim_call *c, const struct sim_tags *tags);
/* Moves the contents of *tags to s in the place of its tags, and leaves *tags empty. The new tags
 * become visible after the consistency delay. */
void sim_call_show_tags(struct sim_call *c, struct sim_snapshot *s, struct sim_tags *tags);

#endif
