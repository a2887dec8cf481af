/* SPDX-License-Identifier: MIT */
/* ebsfs-sim: the simulator as a program for tests and benchmarks. */
#include <stdio.h>
#include <unistd.h>

#include "err.h"
#include "sim_options.h"
#include "sim_test.h"

int main(int argc, char **argv)
{
	struct sim_options options;
	struct err err = {0};
	int r = sim_options_parse(&options, argc, argv, &err);

	if (r == 0)
		r = sim_run(&options, &sim_test_hooks, STDOUT_FILENO, &err);
	if (r < 0)
		fprintf(stderr, "ebsfs-sim: %s\n", err.message);
	return r < 0;
}
