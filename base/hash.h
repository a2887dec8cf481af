/* SPDX-License-Identifier: MIT */
/* uthash, and the one rule for its memory. Nothing else includes uthash.h. */
#ifndef EBSFS_HASH_H
#define EBSFS_HASH_H

/* Out of memory HASH_ADD… adds nothing, instead of ending the process: the element's hh.tbl is then
 * NULL, and the caller answers ENOMEM. Every HASH_ADD… is followed by that check. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#endif
