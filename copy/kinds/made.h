/* SPDX-License-Identifier: MIT */
/* Shared by volumes and images. Both are made of a snapshot in their region, requested again after
 * a lost response, and described by id. */
#ifndef EBSFS_MADE_H
#define EBSFS_MADE_H

#include "ec2.h"
#include "engine.h"

enum made_state {
	MADE_PENDING,
	MADE_DONE,   /* the result can be used */
	MADE_FAILED, /* EC2 reports that making it failed */
	MADE_GONE,   /* deleted, deregistered, or about to be */
};

/* A volume or an image, as EC2 describes it. Texts are borrowed. */
struct made_record {
	const char *id;
	const char *words;   /* its state, in EC2's words */
	const char *message; /* why it failed; "" */
	enum made_state state;
	int64_t created_ms; /* wall clock; 0: unknown */
};
/* A request in flight. */
struct made_attempt;

/* The functions in which volumes and images differ. */
struct made_type {
	/* Asks EC2 about ids (at most EC2_FILTER_VALUES_MAX); made_described() follows. NULL on
	 * ENOMEM. */
	struct aws_call *(*describe)(struct region_queue *queue, const char *const *ids, size_t n,
		struct presence_question *question);
	/* Sends the job's request. made_answered() gets the outcome, possibly after further
	 * requests. NULL with *err: nothing was sent. */
	struct aws_call *(*send)(struct job *job, struct made_attempt *attempt, struct err *err);
};

/* region_queue.kind_region of these kinds (made.c, made_send.c). */
struct made_region {
	const struct made_type *type;
	struct presence_question *poll;
	struct made_seen *seen; /* by id */
	struct presence_question *questions;
	struct made_attempt *attempts;
	struct loop_timer *again; /* when a request without a response is sent again */
};

static inline struct made_region *made_region(const struct region_queue *queue)
{
	return queue->kind_region;
}

/* job_kind.attach and detach. */
int made_attach(struct region_queue *queue, const struct made_type *type);
void made_detach(struct region_queue *queue);

/* --- made.c: members of job_kind --- */

int made_poll(struct region_queue *queue);
void made_poll_cancel(struct region_queue *queue);
enum job_presence made_presence(const struct region_queue *queue, const char *id);
bool made_is_fresh(const struct region_queue *queue, const struct copy *copy);
struct presence_question *made_ask(
	struct region_queue *queue, const char *id, region_done *done, void *arg);
void made_ask_cancel(struct presence_question *question);
/* EC2's word for the state of a completed job's result, if EC2 has described it since ("in-use").
 */
const char *made_state(const struct copies *c, const struct copy *copy);
/* Describes the i-th item of EC2's list as a record. */
typedef void made_record_fn(const void *list, size_t i, struct made_record *out);
/* Reports the response to a question, and frees the question. list: EC2's descriptions of n of the
 * question's ids, each of which record() describes; an id without one does not exist. err: the
 * request failed. */
void made_described(struct presence_question *question, const void *list, size_t n,
	made_record_fn *record, const struct err *err);

/* --- made_send.c --- */

/* Implement job_kind.send and find_lost. A lost request is sent again until a response comes; its
 * token or name makes it idempotent. */
int made_send(struct job *job, struct err *err);
int made_find_lost(struct job *job, const struct err *why, struct err *err);
void made_send_finish(struct region_queue *queue);
/* The job of an attempt; NULL: the job does not wait for a response any more. */
struct job *made_attempt_job(const struct made_attempt *attempt);
/* Continues the attempt with another call, such as a lookup of the image that has the name. */
void made_attempt_go_on(struct made_attempt *attempt, struct aws_call *call);
/* Whether the attempt repeats a request that had no response. */
bool made_attempt_is_again(const struct made_attempt *attempt);
/* Reports the attempt's outcome: the id, or NULL with *err; a dry run has neither. */
void made_answered(struct made_attempt *attempt, const char *id, const char *request_id,
	const struct err *err);
/* EC2 made nothing, because the token was used before: sends the job with the token of the next
 * generation. False: no further generation is possible. */
bool made_renew(struct made_attempt *attempt);

/* --- made_source.c --- */

/* Implement job_kind.resolve and check. */
int made_resolve(struct copies *c, struct journal_copy *row, struct err *err);
bool made_check(struct job *job);
/* Watches copies, to resume the jobs that wait for one. 0 or -ENOMEM. */
int made_source_watch(struct region_queue *queue);
/* Sets the row's members that depend on the snapshot at `slot`, and its tags. name: the value of
 * the tag Name; NULL: none. 0, or -errno with *err. */
int made_compose(struct copies *c, struct journal_copy *row, const struct copy_request *request,
	const struct catalogue *catalogue, catalogue_slot slot, const char *name,
	struct preflight *known, struct err *err);
/* Compares the options that a request names with those of the living job: 0, or -EEXIST with
 * *err. */
int made_difference(const struct copy *copy, const struct preflight *request, struct err *err);
/* Sets *err to EEXIST, with a message that names the difference. Returns -EEXIST. */
int made_differs(const struct copy *copy, const char *what, const char *option, struct err *err);

#endif
