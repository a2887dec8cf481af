# SPDX-License-Identifier: MIT
"""What the benchmarks share: a table of measures, each beside what it is compared with in the same run; and timing whole programs."""
import os
import platform
import subprocess
import sys
import time


class Table:
    def __init__(self):
        self.rows = []
        self.missed = 0

    def add(self, measure, ours, other="", ratio="", must="", met=None):
        self.missed += met is False
        self.rows.append((measure, ours, other, ratio, must, "" if met is None else "yes" if met else "NO"))
        print(f"  {measure}: {ours}  {other}  {ratio}", file=sys.stderr, flush=True)

    def print(self):
        rows = [("measure", "ebsfs", "beside it", "ratio", "must", "met"), *self.rows]
        widths = [max(len(r[k]) for r in rows) for k in range(6)]
        rows.insert(1, tuple("-" * w for w in widths))
        for row in rows:
            print("| " + " | ".join(f"{c:{w}}" for c, w in zip(row, widths)) + " |", flush=True)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        cpu = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.machine())
    return f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} x {cpu}, Linux {platform.release()}"


def timed(argv, env=None, cwd=None):
    """Runs a program. Returns (seconds, peak resident MiB, the beginning of what it printed, its own processor seconds)."""
    start = time.monotonic()
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, env=env, cwd=cwd)
    pieces = []
    while piece := process.stdout.read(1 << 16):
        pieces.append(piece if len(pieces) < 16 else b"")
    _, code, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode != 0:
        sys.exit(f"{argv} ended with status {process.returncode}")
    return seconds, usage.ru_maxrss / 1024, b"".join(pieces), usage.ru_utime + usage.ru_stime


def best(rounds, measure):
    return min(measure() for _ in range(rounds))
