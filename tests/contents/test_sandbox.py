#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A reader that was taken over: contents-forbidden enters the reader's sandbox and does what is forbidden there."""
import os
import signal
import socket
import subprocess
import sys

import reader
import tap

FORBIDDEN = reader.BUILD / "tests/contents/contents-forbidden"
SANITIZED = "ASAN_OPTIONS" in os.environ


def act(name):
    """The status of the process: negative for a signal."""
    if SANITIZED:
        raise tap.Skipped("a sanitizer needs more than the sandbox permits")
    ours, other = socket.socketpair()
    with ours, other:
        ours.sendall(b"x")
        process = subprocess.Popen([FORBIDDEN, name], stdin=other, stderr=subprocess.DEVNULL)
        return process.wait(30)


def test_permits_what_a_reader_needs(folder):
    assert act("none") == 0


def killed(name):
    def test(folder):
        status = act(name)
        assert status == -signal.SIGSYS, status
    return test


for word in ("open", "socket", "execve", "fork", "kill", "other-descriptor", "executable-memory"):
    globals()["test_kills_at_" + word.replace("-", "_")] = killed(word)


def test_limits_memory(folder):
    assert act("memory") == 3


def test_limits_processor_time(folder):
    assert act("cpu") == -signal.SIGPROF


def test_reader_is_confined(folder):
    """The kernel's own words about the reader's process."""
    if SANITIZED:
        raise tap.Skipped("a sanitizer needs more than the sandbox permits")
    image = folder / "image"
    image.write_bytes(bytes(1 << 20))
    with reader.Reader(image) as r:
        r.partitions()
        proc = f"/proc/{r.process.pid}"
        status = dict(line.split(":\t", 1) for line in open(f"{proc}/status").read().splitlines() if ":\t" in line)
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
        limits = open(f"{proc}/limits").read()
        assert any(line.split()[:4] == ["Max", "address", "space", str(256 << 20)] for line in limits.splitlines()), limits
        assert os.listdir(f"{proc}/fd") == ["0"], os.listdir(f"{proc}/fd")


tap.run(sys.modules[__name__])
