/* SPDX-License-Identifier: MIT */
/* The test part of the simulator: counts requests, injects faults, answers /_sim/. */
#ifndef EBSFS_SIM_TEST_H
#define EBSFS_SIM_TEST_H

#include "sim_counts.h"
#include "sim_faults.h"
#include "sim_service.h"

/* The hooks_data of a server whose hooks are sim_test_hooks. */
struct sim_test {
	struct sim_counts *counts;
	struct sim_faults *faults;
};

extern const struct sim_hooks sim_test_hooks;

#endif
