#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Judges the simulated AWS with Amazon's own clients, boto3 and the AWS CLI: tests/sim/test_sim.py [PATTERN…]

Writes TAP. EBSFS_SIM names the program to be judged (default: the one in build/).
"""
import sys

import cases_cli
import cases_control
import cases_copy
import cases_describe
import cases_ebs
import cases_faults
import cases_gate
import cases_sts
import cases_tags
import cases_volumes
import simulator

if __name__ == "__main__":
    sys.exit(simulator.main(cases_gate, cases_describe, cases_copy, cases_sts, cases_tags, cases_faults, cases_control, cases_cli, cases_ebs,
                            cases_volumes))
