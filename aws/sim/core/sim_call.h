/* SPDX-License-Identifier: MIT */
/* One API call: what every action is given, and how it answers. */
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
	char code[80]; /* of an error; "" for success */
	/* What faults make of it: */
	bool drop;   /* no answer: the connection is reset */
	bool is_cut; /* the connection ends after cut_at bytes of the body */
	size_t cut_at;
	int64_t trickle_ms; /* the body comes evenly over this time */
	int64_t clock_error_ms;
	int64_t wall_ms; /* for the Date header; 0: the machine's */
};

struct sim_call {
	struct sim_world *world;
	struct sim_region *region;
	const struct sim_access_key *key;
	const char *host; /* as the client wrote it */
	const struct sim_params *params;
	const char *action;
	const char *version;
	bool sts; /* STS' form of answers, not EC2's */
	struct sim_time now;
	struct sim_xml xml; /* writes to reply->body */
	struct sim_reply *reply;
};

void sim_reply_type(struct sim_reply *reply, const char *content_type);

/* Every action returns 0, or -1 after sim_fail(): the answer stands in c->reply. */
typedef int sim_action_fn(struct sim_call *c);

/* Makes the answer an error. Returns -1. */
int sim_fail(struct sim_call *c, int status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int sim_fail_memory(struct sim_call *c);

/* The answer's root element with the request's id; end closes it. */
void sim_call_begin(struct sim_call *c);
int sim_call_end(struct sim_call *c); /* returns what the action returns */
/* The whole of an answer that says no more than "done". */
int sim_call_true(struct sim_call *c);

/* The value of a parameter that must be there; NULL after sim_fail(). */
const char *sim_call_required(struct sim_call *c, const char *name);
/* false if absent. Returns 0 or -1 after sim_fail(). */
int sim_call_bool(struct sim_call *c, const char *name, bool *out);
/* DryRun: -1 with EC2's DryRunOperation if it was asked for, else 0. */
int sim_call_dry_run(struct sim_call *c);
/* Whether an id has the form of EC2's ("snap", "vol"); else -1 with EC2's error. */
int sim_call_check_id(struct sim_call *c, const char *kind, const char *parameter, const char *id);
/* Whether text is fit for a description: at most 255 characters. 0, or -1 after sim_fail(). */
int sim_call_check_text(struct sim_call *c, const char *parameter, const char *text, size_t max);

/* Whether the caller may see it: its own, shared with it, or public. */
bool sim_call_may_see(const struct sim_call *c, const struct sim_snapshot *s);
/* An own snapshot to be changed; NULL after sim_fail(). */
struct sim_snapshot *sim_call_own_snapshot(struct sim_call *c, const char *id);
/* When a change that is made now will be shown. */
int64_t sim_call_shown_at(struct sim_call *c);
/* Replaces the tags of s by changed tags (taken over), seen after a while. */
void sim_call_show_tags(struct sim_call *c, struct sim_snapshot *s, struct sim_tags *tags);

#endif
