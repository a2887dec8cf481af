/* SPDX-License-Identifier: MIT */
/* Building a mount from the bottom up, and taking it down again. */
#ifndef EBSFS_START_H
#define EBSFS_START_H

#include "err.h"
#include "exit_status.h"
#include "options.h"

struct mount;

/* Speaks to AWS (again and again for options->wait_ms, if the network or credentials come late),
 * opens the journal, mounts: blocks, running the loop, until all of it stands. Returns 0, or -errno
 * with *err, one line for the user, and the command's exit status. The options are borrowed. */
int start_mount(const struct options *options, struct mount **out, enum exit_status *status,
	struct err *err);
/* Tells a service manager that the mount stands, and serves until the mount ends or a signal asks
 * for it (SIGTERM, SIGINT). SIGHUP reads the credentials anew. */
void start_serve(struct mount *m);
/* Unmounts, closes, frees. What is queued or under way is in the journal. NULL is permitted. */
void start_finish(struct mount *m);

#endif
