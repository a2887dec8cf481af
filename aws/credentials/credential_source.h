/* SPDX-License-Identifier: MIT */
/* What every source of credentials looks like to the chain: start, cancel, one answer. */
#ifndef EBSFS_CREDENTIAL_SOURCE_H
#define EBSFS_CREDENTIAL_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "cleanup.h"
#include "credentials.h"
#include "err.h"

struct http;
struct profiles;
struct credential_source;

/* What sources are made from. Everything is borrowed and outlives them. */
struct credential_context {
	uv_loop_t *loop;
	struct http *http;
	const struct profiles *profiles;
	/* The profile in force: its region and endpoints count for every source. */
	const char *profile;
	/* It was named by the user, not by the environment: then the environment's keys do not
	 * count. */
	bool explicit_profile;
};

/* Gets a reference that the callee owns, or NULL and *err. Called once for each fetch that was not
 * cancelled; perhaps before credential_source_fetch() has returned. The callee may destroy the
 * source. */
typedef void credential_source_done(
	void *arg, struct credentials *credentials, const struct err *err);

struct credential_source_ops {
	/* Ends, at once or later, in one credential_source_end(). */
	void (*fetch)(struct credential_source *source);
	/* Stops what fetch began, and frees the source. */
	void (*destroy)(struct credential_source *source);
};

/* The first member of every kind of source. */
struct credential_source {
	const struct credential_source_ops *ops;
	bool local;    /* asking it costs neither a request nor a process */
	char name[64]; /* for `struct credentials` and messages */
	credential_source_done *done;
	void *arg;
};

void credential_source_init(struct credential_source *source,
	const struct credential_source_ops *ops, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Not while a fetch is in flight. */
void credential_source_fetch(
	struct credential_source *source, credential_source_done *done, void *arg);
/* Cancels a fetch in flight and frees the source. NULL is permitted. */
void credential_source_destroy(struct credential_source *source);
DEFINE_CLEANUP(struct credential_source *, credential_source_destroy)

/* For the sources themselves. Ends the fetch: takes over the reference, or NULL and *err. The
 * source may be gone when this returns. */
void credential_source_end(
	struct credential_source *source, struct credentials *credentials, const struct err *err);
/* A triple of these strings under the source's name. They are checked: what cannot be sent in a
 * header, or is empty, is no key (EACCES); an empty session token is none. Returns 0, or -errno
 * with *err. */
int credential_make(const struct credential_source *source, const char *access_key,
	const char *secret_key, const char *session_token, int64_t expires_ms,
	struct credentials **out, struct err *err);
/* Makes one and ends the fetch with it, or with the error. */
void credential_source_end_with(struct credential_source *source, const char *access_key,
	const char *secret_key, const char *session_token, int64_t expires_ms);

/* A date as AWS's files and tools write it: ISO 8601 with "Z", "UTC", an offset, or nothing (UTC).
 * Returns 0 or -EINVAL. */
int credential_date(const char *text, int64_t *ms);

#endif
