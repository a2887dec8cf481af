/* SPDX-License-Identifier: MIT */
/* What the tests of the AWS client share: a client with fake keys, a server with a script, one call
 * at a time. */
#ifndef EBSFS_TEST_AWS_WORLD_H
#define EBSFS_TEST_AWS_WORLD_H

#include "ec2.h"
#include "endpoint.h"
#include "fake_credentials.h"
#include "http_fixture.h"

/* What the server does with its n-th request; the last goes on for ever. */
struct step {
	const char *status; /* NULL: nothing is answered */
	const char *headers;
	const char *body;
	enum http_server_then then;
};

struct world {
	struct http_fixture *f;
	struct profiles *profiles;
	struct credentials_chain *chain;
	struct endpoint_config endpoints;
	struct aws *aws;
	char url[64];
	/* How the last call ended. */
	int called;
	struct err err;
	char id[80], request_id[80];
	size_t n_snapshots;
};

#define ERROR_BODY(code)                                                                           \
	"<Response><Errors><Error><Code>" code                                                     \
	"</Code><Message>m</Message></Error></Errors></Response>"
#define RESET                                                                                      \
	{                                                                                          \
		.then = THEN_RESET                                                                 \
	}
#define REFUSED(s, code)                                                                           \
	{                                                                                          \
		.status = s, .body = ERROR_BODY(code)                                              \
	}
#define INTERNAL     REFUSED("500 Internal Server Error", "InternalError")
#define THROTTLED    REFUSED("503 Service Unavailable", "RequestLimitExceeded")
#define EXPIRED      REFUSED("400 Bad Request", "ExpiredToken")
#define UNAUTHORIZED REFUSED("403 Forbidden", "UnauthorizedOperation")
#define GARBAGE                                                                                    \
	{                                                                                          \
		.status = "200 OK", .body = "<html/>"                                              \
	}
#define PAGE                                                                                       \
	{                                                                                          \
		.status = "200 OK",                                                                \
		.body = "<DescribeSnapshotsResponse><snapshotSet><item><snapshotId>snap-01234567<" \
			"/snapshotId></item></snapshotSet></DescribeSnapshotsResponse>"            \
	}
#define DELETED                                                                                    \
	{                                                                                          \
		.status = "200 OK",                                                                \
		.body = "<DeleteSnapshotResponse><return>true</return></DeleteSnapshotResponse>"   \
	}
#define COPIED                                                                                     \
	{                                                                                          \
		.status = "200 OK",                                                                \
		.body = "<CopySnapshotResponse><snapshotId>snap-0123456789abcdef0</snapshotId></"  \
			"CopySnapshotResponse>"                                                    \
	}

/* For cmocka: *state becomes a struct world, with three pairs of keys. */
int world_setup(void **state);
int world_teardown(void **state);

/* Starts a script, which ends at the first step of zeros or the fourth. */
void world_script(const struct step *steps);
int world_came(void);          /* requests since then */
const char *world_head(int n); /* of the n-th of them, from 0 */

/* Calls of three kinds: one that reads, one that may be repeated, one that must not. */
struct aws_call *world_describe(struct world *w);
struct aws_call *world_delete(struct world *w);
struct aws_call *world_copy(struct world *w);
void world_copy_ended(void *arg, const char *id, const char *request_id, const struct err *err);

void world_wait(struct world *w);
/* Starts the script and the call, and waits for its end. */
void world_run(
	struct world *w, struct aws_call *(*start)(struct world *w), const struct step *steps);

#endif
