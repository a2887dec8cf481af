/* SPDX-License-Identifier: MIT */
/* The sandbox of a process that parses foreign data: the process first gives up the rights that it
 * does not need. */
#ifndef EBSFS_SANDBOX_H
#define EBSFS_SANDBOX_H

#include <stddef.h>

/* Closes all descriptors but `fd`, limits the address space to `memory` bytes, and permits only
 * reads and writes of `fd`, memory without executable pages, and exit: any other system call kills
 * the process with SIGSYS. Returns 0 or -errno; after an error the process must end. A build with a
 * sanitizer, which needs more system calls, only closes the descriptors. */
int sandbox_enter(int fd, size_t memory);

/* Ends the process with SIGPROF after this many seconds of processor time from now on. */
void sandbox_limit_cpu(unsigned seconds);

#endif
