#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Messages that break the protocol end the reader; errors of the disk pass through it."""
import errno
import os
import struct
import subprocess
import sys

import reader
import tap


def image(folder, size=4 << 20):
    path = folder / "image"
    with open(path, "wb") as f:
        f.truncate(size)
    return path


def ends(r):
    """Whether the reader ends by itself, with status 1."""
    try:
        r.receive()
    except (EOFError, ConnectionResetError):
        return r.process.wait(20) == 1
    return False


def test_ends_at_eof(folder):
    r = reader.Reader(image(folder))
    assert r.partitions()[0] == "none"
    assert r.close() == 0


def test_ends_at_a_wrong_request(folder):
    disk = image(folder)
    size = struct.pack("=Q", 4 << 20)
    wrong = {"version": (reader.PARTITIONS, size, 2), "type": (9, size, 1), "type 0": (0, size, 1), "short": (reader.PARTITIONS, size[:4], 1),
             "long": (reader.PARTITIONS, size + b"x", 1), "much too long": (reader.PARTITIONS, bytes(5000), 1),
             "size": (reader.PARTITIONS, struct.pack("=Q", 513), 1), "before open": (reader.STAT, struct.pack("=Q", 1), 1),
             "data": (reader.DATA, bytes(16), 1), "outside": (reader.OPEN, struct.pack("=QQQ", 4 << 20, 4 << 20, 512), 1)}
    for name, (kind, payload, version) in wrong.items():
        with reader.Reader(disk) as r:
            r.send(kind, payload, version)
            assert ends(r), name


def test_ends_at_wrong_data(folder):
    disk = image(folder)
    for name, answer in {"another range": (512 << 10, 512 << 10, 0), "short": (0, 512, 0), "negative": (0, 0, -5), "with bytes": (0, 512, 5)}.items():
        with reader.Reader(disk) as r:
            r.id = 7
            r.send(reader.PARTITIONS, struct.pack("=Q", 4 << 20))
            kind, payload = r.receive()
            assert kind == reader.NEED and list(reader.RANGE.iter_unpack(payload)) == [(0, 512 << 10, 0)]
            try:
                r.send(reader.DATA, reader.ANSWER.pack(*answer) + bytes(answer[1]))
            except BrokenPipeError:
                pass
            assert ends(r), name


def test_answers_with_the_error_of_the_disk(folder):
    with reader.Reader(image(folder)) as r:
        r.fault = lambda offset, length: errno.EDQUOT
        for act in (r.partitions, r.open):
            try:
                act()
                raise AssertionError("no error")
            except reader.Failed as e:
                assert e.errno == errno.EDQUOT, e
        r.fault = None
        assert r.partitions()[0] == "none"


def test_says_what_it_is_for(folder):
    done = subprocess.run([reader.PROGRAM], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 2 and "ebsfs starts this program" in done.stderr, done


def test_refuses_unknown_contents(folder):
    with reader.Reader(image(folder)) as r:
        try:
            r.open()
            raise AssertionError("no error")
        except reader.Failed as e:
            assert e.errno == errno.EOPNOTSUPP and "disks/<id>" in str(e), e


os.environ.setdefault("LC_ALL", "C.UTF-8")
tap.run(sys.modules[__name__])
