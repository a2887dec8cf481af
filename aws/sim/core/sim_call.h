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
	} headers[4]; /* further ones */
	size_t n_headers;
	bool json;     /* errors in the form of the EBS direct APIs */
	char code[80]; /* of an error; "" for success */
	/* Set by injected faults: */
	bool drop;   /* no response: the connection is reset */
	bool is_cut; /* the connection is closed after cut_at bytes of the body */
	size_t cut_at;
	int64_t trickle_ms; /* the body is sent evenly over this time */
	int64_t clock_error_ms;
	int64_t wall_ms; /* for the Date header; 0: the machine's */
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

/* Replaces the response by an error. An error of the EBS direct APIs has a reason behind a dot:
 * "ValidationException.INVALID_BLOCK_TOKEN"; codes of EC2 and STS become theirs. Returns -1. */
int sim_fail(struct sim_call *c, int status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int sim_fail_memory(struct sim_call *c);

/* Opens the response's root element and writes the request id; sim_call_end() closes it. */
void sim_call_begin(struct sim_call *c);
int sim_call_end(struct sim_call *c); /* returns the action's result */
/* Writes a whole response that says only that the action succeeded. */
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
/* Returns the caller's own snapshot, to be changed; NULL after sim_fail(). */
struct sim_snapshot *sim_call_own_snapshot(struct sim_call *c, const char *id);
/* Returns the monotonic time at which a change made now becomes visible. */
int64_t sim_call_shown_at(struct sim_call *c);
/* Eventual consistency: whether this response shows a change that every response shows from `at`
 * on. */
bool sim_call_is_visible(struct sim_call *c, int64_t at);
/* Writes tagSet; NULL: none. */
void sim_call_write_tags(struct sim_call *c, const struct sim_tags *tags);
/* Replaces the tags of s by *tags, whose contents it takes over; they become visible after the
 * consistency delay. */
void sim_call_show_tags(struct sim_call *c, struct sim_snapshot *s, struct sim_tags *tags);

#endif
