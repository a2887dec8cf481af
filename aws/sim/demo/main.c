/* SPDX-License-Identifier: MIT */
/* ebsfs-simulate PID: the built-in account on loopback, for -o simulate of the process PID. Writes
 * its port to standard output, has no control paths, and ends with that process. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "num.h"
#include "sim.h"

int main(int argc, char **argv)
{
	struct sim_options options;
	struct err err = {0};
	uint64_t parent;

	if (argc != 2 || num_parse_u64(argv[1], strlen(argv[1]), 1, INT32_MAX, &parent) < 0) {
		fputs("ebsfs-simulate is started by ebsfs -o simulate\n", stderr);
		return 2;
	}
	sim_options_demo(&options);
	options.parent = (pid_t)parent;
	if (sim_run(&options, NULL, STDOUT_FILENO, &err) == 0)
		return 0;
	fprintf(stderr, "ebsfs-simulate: %s\n", err.message);
	return 1;
}
