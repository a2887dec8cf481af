/* SPDX-License-Identifier: MIT */
/* .ebsfs/last-error: the reasons of the latest errnos, for users. This module reports every error
 * of a request, to that file and to the log; no other does. */
#ifndef EBSFS_LAST_ERROR_H
#define EBSFS_LAST_ERROR_H

#include <stdbool.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

struct last_error;

struct last_error *last_error_create(void); /* NULL on ENOMEM */
void last_error_destroy(struct last_error *l);

/* Records and logs the error of a request. `what` names the operation and its object ("rmdir
 * regions/us-east-1/snapshots/snap-…"), `user` is the user of the requesting process. Returns the
 * positive errno for the reply; EIO if err has none. */
int last_error_report(struct last_error *l, uid_t user, const char *what, const struct err *err);
/* Appends the errors of the user's own requests, or (everybody) of all users' requests, the latest
 * first. Results as buf_add. */
int last_error_text(const struct last_error *l, uid_t user, bool everybody, struct buf *out);

#endif
