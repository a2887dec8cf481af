/* SPDX-License-Identifier: MIT */
/* The life of a mount: start, service, end. */
#ifndef EBSFS_START_H
#define EBSFS_START_H

#include "err.h"
#include "options.h"

struct mount;

/* Discovers the account and its regions (with retries for options->wait_ms), opens the journal and
 * mounts. Blocks, running the loop, until the mount can be used. Returns 0, or -errno with *err,
 * one line for the user, and the command's exit status. The options are borrowed. */
int start_mount(const struct options *options, struct mount **out, enum exit_status *status,
	struct err *err);
/* Tells the service manager that the mount is ready, and serves until the mount is unmounted or a
 * signal (SIGTERM, SIGINT) ends it. On SIGHUP the credentials are read again. */
void start_serve(struct mount *m);
/* Unmounts, closes and frees the mount. Requests that are queued or in progress are in the journal.
 * NULL is permitted. */
void start_finish(struct mount *m);

#endif
