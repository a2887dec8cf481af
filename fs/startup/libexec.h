/* SPDX-License-Identifier: MIT */
/* The programs that ebsfs starts: ebsfs-simulate and ebsfs-reader. */
#ifndef EBSFS_LIBEXEC_H
#define EBSFS_LIBEXEC_H

#include <limits.h>

/* Finds a program. If this build is not installed, its path is `place`, relative to the build's
 * folder ("aws/sim/ebsfs-simulate"); otherwise the program is in libexec under its name. */
void libexec_find(const char *place, char path[PATH_MAX]);

#endif
