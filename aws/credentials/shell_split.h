/* SPDX-License-Identifier: MIT */
/* Divides a line into words as a POSIX shell does, without a shell. */
#ifndef EBSFS_SHELL_SPLIT_H
#define EBSFS_SHELL_SPLIT_H

#include <stddef.h>

/* Divides text at white space. '…', "…" and backslash quote; no variable or pattern is expanded;
 * '#' does not begin a comment. *words becomes a NULL-terminated array; one free() frees the array
 * and its words. Returns the number of words, -EINVAL (a quote that is not closed, a backslash at
 * the end), -E2BIG (more than max words) or -ENOMEM. */
int shell_split(const char *text, size_t max, char ***words);

#endif
