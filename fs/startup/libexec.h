/* SPDX-License-Identifier: MIT */
/* The programs that ebsfs starts: ebsfs-simulate and ebsfs-reader. */
#ifndef EBSFS_LIBEXEC_H
#define EBSFS_LIBEXEC_H

#include <limits.h>

/* Finds a program: in a build that is not installed at `place`, a path from the build's folder
 * ("aws/sim/ebsfs-simulate"), else in libexec under its name. */
void libexec_find(const char *place, char path[PATH_MAX]);

#endif
