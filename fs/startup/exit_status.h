/* SPDX-License-Identifier: MIT */
/* What the command ends with; ebsfs(1) has the same table. */
#ifndef EBSFS_EXIT_STATUS_H
#define EBSFS_EXIT_STATUS_H

enum exit_status {
	EXIT_STATUS_DONE = 0,
	EXIT_STATUS_OTHER = 1,
	EXIT_STATUS_USAGE = 2,       /* an option or its value */
	EXIT_STATUS_CREDENTIALS = 3, /* none, or refused; an AWS configuration that is no good */
	EXIT_STATUS_UNREACHABLE = 4, /* AWS, or what hands out credentials */
	EXIT_STATUS_MOUNT = 5,       /* this machine does not let the user mount there */
};

#endif
