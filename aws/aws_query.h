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
	AWS_READS,      /* changes nothing */
	AWS_REPEATABLE, /* changes something; idempotent */
	AWS_ONCE,       /* not idempotent: never sent again if it may have been carried out */
};

/* The keys, time and version of one attempt's signature. */
struct aws_signer {
	const struct credentials *credentials;
	const struct endpoint_config *endpoints;
	enum aws_signature signature;
	int64_t time_ms; /* AWS's clock */
};

struct aws_memory {
	unsigned char *data;
	size_t size;
};

/* The functions get arg. All but done and release may be NULL. */
struct aws_query {
	const char *region;
	const char *service; /* "ec2": for endpoint and signature */
	const char *action;
	enum aws_effect effect;
	bool dry_run;     /* EC2's DryRunOperation is success; nothing is parsed */
	struct buf *form; /* its text is taken, also on failure */
	/* REST: a GET of this path below the endpoint ("/snapshots"), whose query the form is.
	 * NULL: a POST of the form to the endpoint. */
	const char *path;
	/* The name of a resource with a request rate of its own: a snapshot's id. NULL: none. */
	const char *resource;
	size_t max_response; /* of the body; 0: http.h's bound. More is EIO */
	/* Memory for the body of a response: each attempt begins it anew. It must stay until
	 * release. A longer body is EIO. NULL: the body is in a buffer of the call. */
	struct aws_memory into;
	/* Gets the head of each response with success, before parse: for the wanted headers. */
	const char *const *wanted; /* as http_request's */
	void (*head)(void *arg, const struct http_response *response);
	struct workers *workers; /* their threads call parse; NULL: libuv's pool does */
	/* Appends parameters that depend on the keys and the time (a presigned URL), before each
	 * attempt. Returns 0 or -errno with *err. */
	int (*complete)(
		void *arg, const struct aws_signer *signer, struct buf *form, struct err *err);
	/* Parses the response in another thread. Touches only arg, which the loop leaves alone
	 * meanwhile. Called for each attempt with a response. Returns 0 or -errno with *err. */
	int (*parse)(void *arg, const char *body, size_t len, struct err *err);
	/* Instead of parse, for long responses: reads them while they arrive, each attempt with a
	 * new reader. took() gets arg and may cancel the call. */
	const struct aws_reader *reader;
	/* Called once, on the loop; err is NULL on success. Not called after aws_cancel(). */
	void (*done)(void *arg, const struct err *err);
	/* Called once, last, in every case: frees arg. */
	void (*release)(void *arg);
	void *arg;
};

/* Starts the call. Returns NULL on ENOMEM (the form's included): then release has been called, and
 * done is not called. */
struct aws_call *aws_query(struct aws *aws, const struct aws_query *query);

/* The client and its state per region: only aws.c and aws_query.c look inside. */

/* A rate of its own within an action. */
struct aws_resource {
	struct aws_resource *next;
	char name[64];
	unsigned users; /* calls that hold it */
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
	int64_t skew_ms; /* used for signing: 0 until it explained a refusal */
	int64_t seen_ms; /* by the Date of the last response, to a second or two */
};

struct aws {
	struct aws_options options; /* with the defaults filled in */
	struct aws_region *regions;
	struct aws_call *calls; /* in flight */
	struct aws_clock clock;
	struct err held; /* aws_hold(); errnum 0: not held */
};

/* While the client is held only STS's calls are sent. */
static inline bool aws_is_held(const struct aws *aws, const char *service)
{
	return aws->held.errnum && strcmp(service, "sts") != 0;
}

/* Frees the client, which must have no call in flight. */
void aws_free(struct aws *aws);

/* Finds or makes the record of a region, or of an action in it. Returns NULL on ENOMEM, and for
 * a region that is NULL. Records live as long as the client. */
struct aws_region *aws_region(struct aws *aws, const char *name);
struct aws_action *aws_action(
	struct aws *aws, struct aws_region *region, const char *service, const char *action);

/* Finds or makes the record of a resource, and holds it until it is put. NULL on ENOMEM. */
struct aws_resource *aws_resource_get(
	struct aws *aws, struct aws_action *action, const char *service, const char *name);
void aws_resource_put(struct aws_resource *resource); /* NULL is permitted */

/* Notes the Date of a response, in ms since 1970; 0: it had none. */
void aws_clock_note(struct aws_clock *clock, int64_t date_ms);
/* Returns whether the response noted last refused its request because of the time in its signature,
 * which was off by signed_skew_ms from this machine's clock. The first such refusal corrects the
 * clock for all requests, with one line in the log; requests that were in flight meanwhile only
 * need to be sent again. Only a refusal corrects the clock: an accepted request proves its time,
 * whatever Date the response has. */
bool aws_clock_explains(
	struct aws_clock *clock, const char *code, int64_t date_ms, int64_t signed_skew_ms);

#endif
