/* SPDX-License-Identifier: MIT */
/* One call to AWS, from its parameters to its parsed response: the base of ec2.h (a Query API) and
 * ebs.h (REST). */
#ifndef EBSFS_AWS_QUERY_H
#define EBSFS_AWS_QUERY_H

#include <string.h>

#include "aws.h"
#include "aws_stream.h"
#include "buf.h"
#include "credentials.h"
#include "endpoint.h"
#include "err.h"
#include "http.h"
#include "pacing.h"
#include "workers.h"

enum aws_effect {
	AWS_READS,      /* the call changes nothing */
	AWS_REPEATABLE, /* the call changes something and is idempotent */
	AWS_ONCE, /* the call is not idempotent: it is never sent again if AWS may have carried it
		   * out */
};

/* The keys, time and version that one attempt is signed with. */
struct aws_signer {
	const struct credentials *credentials;
	const struct endpoint_config *endpoints;
	enum aws_signature signature;
	int64_t time_ms; /* by AWS's clock */
};

struct aws_memory {
	unsigned char *data;
	size_t size;
};

/* A call to start. The functions get arg. Every function but done and release may be NULL. */
struct aws_query {
	const char *region;
	const char *service; /* "ec2": selects the endpoint and is part of the signature */
	const char *action;
	enum aws_effect effect;
	bool dry_run; /* EC2's DryRunOperation counts as success; no response is parsed */
	struct buf
		*form; /* the parameters; aws_query() takes the text out of it, also on failure */
	/* For a REST API: sends a GET of this path below the endpoint ("/snapshots") with the form
	 * as its query. NULL: sends the form by POST to the endpoint. */
	const char *path;
	/* The name of a resource with its own request rate: a snapshot's id. NULL: none. */
	const char *resource;
	size_t max_response; /* of a response's body, in bytes; 0: http.h's bound. A longer body is
				EIO */
	/* Memory for the body of a response, which each attempt fills from its beginning. It must
	 * stay valid until release is called. A longer body is EIO. NULL: the call has a buffer of
	 * its own. */
	struct aws_memory into;
	/* Gets the wanted headers of each response with success, before parse is called. */
	const char *const *wanted; /* names of headers, as in http_request */
	void (*head)(void *arg, const struct http_response *response);
	struct workers *workers; /* threads that call parse; NULL: libuv's thread pool does */
	/* Called before each attempt: appends parameters that depend on the keys and the time (a
	 * presigned URL). Returns 0 or -errno with *err. */
	int (*complete)(
		void *arg, const struct aws_signer *signer, struct buf *form, struct err *err);
	/* Parses the body of each response, in another thread. It may use only arg, which the loop
	 * does not touch meanwhile. Returns 0 or -errno with *err. */
	int (*parse)(void *arg, const char *body, size_t len, struct err *err);
	/* Replaces parse for long responses: reads a response while it arrives. Each attempt
	 * creates a new reader. took() gets arg and may cancel the call. */
	const struct aws_reader *reader;
	/* Called once, on the loop; err is NULL on success. Not called after aws_cancel(). */
	void (*done)(void *arg, const struct err *err);
	/* Called exactly once, after all other functions, also after aws_cancel(): frees arg. */
	void (*release)(void *arg);
	void *arg;
};

/* Starts the call. Returns NULL on ENOMEM (also if the form ran out of memory): then release has
 * been called, and done is not called. */
struct aws_call *aws_query(struct aws *aws, const struct aws_query *query);

/* The client and its state of each region, for aws.c and aws_query.c only. */

/* A resource (a snapshot) that has its own request rate for one action. */
struct aws_resource {
	struct aws_resource *next;
	char name[64];
	unsigned users; /* calls that use the record */
	struct throttle_queue queue;
};

struct aws_action {
	struct aws_action *next;
	struct aws_counter counter;
	struct throttle_queue queue;
	struct aws_resource *resources;
	unsigned n_resources;
};

struct aws_region {
	struct aws_region *next;
	char name[40];
	struct aws_action *actions;
	struct aws_health health;
	struct retry_budget budget;
	char accepted_key[132]; /* the last access key that this region accepted */
};

/* AWS's clock minus this machine's, in ms. */
struct aws_clock {
	int64_t skew_ms; /* correction for signatures: 0 until a refusal showed that the clock is
			    wrong */
	int64_t seen_ms; /* by the Date header of the last response, accurate to a second or two */
};

struct aws {
	struct aws_options options; /* with the defaults filled in */
	struct aws_region *regions;
	struct aws_call *calls; /* in flight */
	struct aws_clock clock;
	struct err held; /* the error of aws_hold(); errnum 0: calls are sent */
};

/* Returns whether calls to the service must not be sent: aws_hold() excepts STS. */
static inline bool aws_is_held(const struct aws *aws, const char *service)
{
	return aws->held.errnum && strcmp(service, "sts") != 0;
}

/* Frees the client, which must have no call in flight. */
void aws_free(struct aws *aws);

/* Return the record of a region, or of an action in a region, and make it if necessary. NULL on
 * ENOMEM, or if region is NULL. Records live as long as the client. */
struct aws_region *aws_region(struct aws *aws, const char *name);
struct aws_action *aws_action(
	struct aws *aws, struct aws_region *region, const char *service, const char *action);

/* Returns the record of a resource, and makes it if necessary. The record stays until
 * aws_resource_put(). NULL on ENOMEM. */
struct aws_resource *aws_resource_get(
	struct aws *aws, struct aws_action *action, const char *service, const char *name);
void aws_resource_put(struct aws_resource *resource); /* NULL is permitted */

/* Notes the Date header of a response, in ms since 1970; 0: the response had none. */
void aws_clock_note(struct aws_clock *clock, int64_t date_ms);
/* Returns whether the last response (aws_clock_note()) refused its request because of the time in
 * the request's signature, which was signed_skew_ms ahead of this machine's clock. The first such
 * refusal corrects the clock for all later requests and logs one line; requests that were in flight
 * then need only be sent again. Only a refusal corrects the clock: an accepted request shows that
 * its time was right, whatever Date the response has. */
bool aws_clock_explains(
	struct aws_clock *clock, const char *code, int64_t date_ms, int64_t signed_skew_ms);

#endif
