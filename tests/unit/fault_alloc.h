/* SPDX-License-Identifier: MIT */
/* Memory that runs out at a chosen moment: stands between the program and the C library's malloc()
 * and what is like it (the linker's --wrap). Allocations inside shared libraries are not counted.
 */
#ifndef EBSFS_FAULT_ALLOC_H
#define EBSFS_FAULT_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* The n-th allocation from now fails, counted from 1, and none after it. Only allocations of `size`
 * bytes are counted; 0: all. */
void fault_alloc_start(unsigned n, size_t size);
/* No more failures. Returns whether there was one. */
bool fault_alloc_end(void);

#endif
