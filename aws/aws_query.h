/* SPDX-License-Identifier: MIT */
/* One call to a Query API, from its form to its parsed answer: the engine under ec2.h. */
#ifndef EBSFS_AWS_QUERY_H
#define EBSFS_AWS_QUERY_H

#include "aws.h"
#include "aws_sign.h"
#include "aws_stream.h"
#include "buf.h"

enum aws_effect {
	AWS_READS,      /* changes nothing */
	AWS_REPEATABLE, /* changes something; carried out twice is the same as once */
	AWS_ONCE,       /* twice is wrong: what may have been carried out is never repeated */
};

/* The functions get `arg`; complete, parse and reader may be NULL. */
struct aws_query {
	const char *region;
	const char *service; /* "ec2": endpoint and signature */
	const char *action;
	enum aws_effect effect;
	bool dry_run;     /* EC2's DryRunOperation is success, without an answer to parse */
	struct buf *form; /* its text is taken, in any case */
	/* Appends what depends on the keys and the time (a presigned URL), anew for each try.
	 * Returns 0 or -errno with *err. */
	int (*complete)(
		void *arg, const struct aws_signer *signer, struct buf *form, struct err *err);
	/* Reads the answer, in the thread pool: touches only arg, which nobody else does meanwhile.
	 * Again for each try that gets an answer. Returns 0 or -errno with *err. */
	int (*parse)(void *arg, const char *body, size_t len, struct err *err);
	/* Instead of parse, for long answers: reads while they arrive, with a reader of its own for
	 * each try; `took` gets arg and may cancel the call. */
	const struct aws_reader *reader;
	/* Once, on the loop; err is NULL on success. Not after aws_cancel(). */
	void (*done)(void *arg, const struct err *err);
	/* Once, last of all, whatever happened: frees arg. */
	void (*release)(void *arg);
	void *arg;
};

/* Starts the call. NULL on ENOMEM (the form's too): then release has been called, done is not. */
struct aws_call *aws_query(struct aws *aws, const struct aws_query *query);

#endif
