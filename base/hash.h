/* SPDX-License-Identifier: MIT */
/* Includes uthash, so configured that a lack of memory is an error of the call. No other file
 * includes uthash.h. */
#ifndef EBSFS_HASH_H
#define EBSFS_HASH_H

/* Out of memory, HASH_ADD… adds nothing instead of ending the process. The element's hh.tbl is then
 * NULL: check it after every HASH_ADD… and return -ENOMEM. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#endif
