/* SPDX-License-Identifier: MIT */
/* One call to a Query API, from its form to its parsed response: the base of ec2.h. */
#ifndef EBSFS_AWS_QUERY_H
#define EBSFS_AWS_QUERY_H

#include "aws.h"
#include "aws_sign.h"
#include "aws_stream.h"
#include "buf.h"

enum aws_effect {
	AWS_READS,      /* changes nothing */
	AWS_REPEATABLE, /* changes something; idempotent */
	AWS_ONCE,       /* not idempotent: never sent again if it may have been carried out */
};

/* The functions get arg. complete, parse and reader may be NULL. */
struct aws_query {
	const char *region;
	const char *service; /* "ec2": for endpoint and signature */
	const char *action;
	enum aws_effect effect;
	bool dry_run;     /* EC2's DryRunOperation is success; nothing is parsed */
	struct buf *form; /* its text is taken, also on failure */
	/* Appends parameters that depend on the keys and the time (a presigned URL), before each
	 * attempt. Returns 0 or -errno with *err. */
	int (*complete)(
		void *arg, const struct aws_signer *signer, struct buf *form, struct err *err);
	/* Parses the response in the thread pool. Touches only arg, which the loop leaves alone
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

#endif
