/* SPDX-License-Identifier: MIT */
/* Keys from a program of the user's. */
#ifndef EBSFS_CREDENTIAL_PROCESS_H
#define EBSFS_CREDENTIAL_PROCESS_H

#include "credential_source.h"

/* A profile with credential_process: a command whose words are divided as a shell does, but which
 * no shell runs. It gets this process's environment and no standard input. It has a minute to
 * print, on standard output, JSON with Version 1 and the keys, and to exit with status 0; then it
 * is killed with all that it started. Neither its arguments nor its output get into a message; the
 * first line that a failing command prints on standard error does. Returns 0 with *out NULL if
 * there is none, 0 with the source, or -errno with *err. */
int credential_process_create(const struct credential_context *context, const char *profile,
	struct credential_source **out, struct err *err);

#endif
