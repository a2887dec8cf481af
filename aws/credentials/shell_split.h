/* SPDX-License-Identifier: MIT */
/* Words of a line, divided as a POSIX shell would, without a shell. */
#ifndef EBSFS_SHELL_SPLIT_H
#define EBSFS_SHELL_SPLIT_H

#include <stddef.h>

/* Divides text at white space; '…' and "…" and backslash quote; nothing is expanded, '#' is a
 * character as any other. *words becomes a NULL-terminated array, freed (words and all) by one
 * free(). Returns the number of words, -EINVAL (a quote that is not closed, a backslash at the
 * end), -E2BIG (more than max words) or -ENOMEM. */
int shell_split(const char *text, size_t max, char ***words);

#endif
