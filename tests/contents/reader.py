#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Drives ebsfs-reader over its protocol, with a file as the disk, and holds every message against the protocol's rules:

    tests/contents/reader.py IMAGE partitions
    tests/contents/reader.py IMAGE manifest [PARTITION]     every entry, as kernel_view.py prints those of a mount
    tests/contents/reader.py IMAGE cat PARTITION PATH

PARTITION: a number of `partitions`, or disk (the default). EBSFS_BUILD: the build (default: build).
"""
import hashlib
import os
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

BUILD = Path(os.environ.get("EBSFS_BUILD", Path(__file__).resolve().parents[2] / "build"))
PROGRAM = BUILD / "contents/ebsfs-reader"
PARTITIONS, OPEN, STAT, LOOKUP, READDIR, READLINK, MAP, READ = range(1, 9)
NEED, DATA, REPLY = range(16, 19)
HEADER, RANGE, ANSWER, STATUS = struct.Struct("=IHHQ"), struct.Struct("=QII"), struct.Struct("=QIi"), struct.Struct("=iI160s")
TABLE, PARTITION = struct.Struct("=II160s"), struct.Struct("=QQII64s112s16s128s160s")
OPENED, ATTRIBUTES = struct.Struct("=Q16s128s160s"), struct.Struct("=QQQIIIIII" + "qII" * 4)
BATCH, ENTRY, EXTENT = struct.Struct("=QII"), struct.Struct("=QiI"), struct.Struct("=QQQII")
BLOCK, SIZE_MAX, INODE_MAX = 512 << 10, 1 << 62, (1 << 47) - 1
HOLE, DISK, BYTES = range(3)


def text(field):
    assert b"\0" in field, field
    return field[:field.index(b"\0")]


class Failed(OSError):
    """A reply with an error."""


class Attributes:
    def __init__(self, data):
        fields = ATTRIBUTES.unpack(data)
        self.inode, self.size, self.blocks, self.mode, self.nlink, self.uid, self.gid, self.major, self.minor = fields[:9]
        self.atime, self.mtime, self.ctime, self.birth = ((fields[i], fields[i + 1]) for i in (9, 12, 15, 18))
        assert 1 <= self.inode <= INODE_MAX, self.inode

    def check(self):
        assert self.size <= SIZE_MAX and stat.S_IFMT(self.mode) in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK,
                                                                    stat.S_IFIFO, stat.S_IFSOCK), vars(self)
        assert all(0 <= t[1] < 10**9 for t in (self.atime, self.mtime, self.ctime, self.birth)), vars(self)
        return self


class Reader:
    """One process. `blocks` are the indexes of the blocks that it has fetched, `rounds` counts its NEED messages."""

    def __init__(self, image, size=None):
        self.disk = open(image, "rb")
        self.disk_size = size or os.path.getsize(image) // 512 * 512
        self.id, self.blocks, self.rounds, self.start, self.size = 0, set(), 0, 0, 0
        self.fault = None  # a function of (offset, length): an errno for a range
        self.socket, other = socket.socketpair()
        with other:
            self.process = subprocess.Popen([PROGRAM], executable=PROGRAM, stdin=other, env={})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Returns the process's status."""
        self.socket.close()
        self.disk.close()
        return self.process.wait(20)

    def send(self, kind, payload, version=1):
        self.socket.sendall(HEADER.pack(len(payload), kind, version, self.id) + payload)

    def receive(self):
        def exactly(n):
            data = bytearray()
            while len(data) < n:
                part = self.socket.recv(n - len(data))
                if not part:
                    raise EOFError("the reader ended")
                data += part
            return bytes(data)
        length, kind, version, number = HEADER.unpack(exactly(HEADER.size))
        assert version == 1 and number == self.id and length <= 1 << 20, (length, kind, version, number)
        return kind, exactly(length)

    def serve(self, payload):
        """Answers a NEED, the last range first."""
        ranges = list(RANGE.iter_unpack(payload))
        assert 1 <= len(ranges) <= 64, len(ranges)
        self.rounds += 1
        for offset, length, _ in reversed(ranges):
            assert offset % 512 == 0 and length % 512 == 0 and 0 < length <= BLOCK and offset + length <= self.disk_size, (offset, length)
            assert offset // BLOCK == (offset + length - 1) // BLOCK, (offset, length)
            self.blocks.add(offset // BLOCK)
            error = self.fault(offset, length) if self.fault else 0
            data = b"" if error else os.pread(self.disk.fileno(), length, offset).ljust(length, b"\0")
            self.send(DATA, ANSWER.pack(offset, len(data), error) + data)

    def request(self, kind, payload):
        self.id += 1
        self.send(kind, payload)
        while True:
            answer, data = self.receive()
            if answer == NEED:
                self.serve(data)
                continue
            assert answer == REPLY, answer
            error, _, reason = STATUS.unpack(data[:STATUS.size])
            if error:
                assert len(data) == STATUS.size and text(reason), (error, reason)
                raise Failed(error, text(reason).decode(errors="replace"))
            return data[STATUS.size:]

    def partitions(self):
        """The table's kind and note, and dictionaries."""
        data = self.request(PARTITIONS, struct.pack("=Q", self.disk_size))
        kind, count, note = TABLE.unpack(data[:TABLE.size])
        assert count <= 128 and len(data) == TABLE.size + count * PARTITION.size
        out = []
        for start, size, number, readable, *texts in PARTITION.iter_unpack(data[TABLE.size:]):
            assert start + size <= self.disk_size and readable in (0, 1)
            names = ("type", "name", "content", "label", "note")
            out.append({"number": number, "start": start, "size": size, "readable": bool(readable),
                        **{k: text(v).decode(errors="backslashreplace") for k, v in zip(names, texts)}})
        assert all(a["number"] < b["number"] for a, b in zip(out, out[1:])), out
        return ("none", "mbr", "gpt")[kind], text(note).decode(), out

    def open(self, start=0, size=None):
        self.start, self.size = start, size or self.disk_size - start
        data = self.request(OPEN, struct.pack("=QQQ", self.disk_size, self.start, self.size))
        self.root, kind, label, note = OPENED.unpack(data)
        self.kind, self.label, self.note = (text(t).decode(errors="backslashreplace") for t in (kind, label, note))
        return self

    def open_number(self, number):
        for p in self.partitions()[2]:
            if p["number"] == int(number if number != "disk" else 0):
                return self.open(p["start"], p["size"])
        raise SystemExit(f"no partition {number}")

    def stat(self, inode):
        return Attributes(self.request(STAT, struct.pack("=Q", inode))).check()

    def lookup(self, directory, name):
        return Attributes(self.request(LOOKUP, struct.pack("=QII", directory, len(name), 0) + name)).check()

    def path(self, path):
        found = self.stat(self.root)
        for name in filter(None, os.fsencode(path).split(b"/")):
            found = self.lookup(found.inode, name)
        return found

    def readdir(self, directory, length=64 << 10):
        """Pairs of a name and attributes; None for attributes that cannot be read."""
        position, last = 0, 0
        while not last:
            data = self.request(READDIR, struct.pack("=QQQ", directory, position, length))
            following, count, last = BATCH.unpack(data[:BATCH.size])
            at = BATCH.size
            assert last or count
            for _ in range(count):
                ahead, error, n = ENTRY.unpack(data[at:at + ENTRY.size])
                attributes = Attributes(data[at + ENTRY.size:at + 128])
                name = data[at + 128:at + 128 + n]
                assert position < ahead <= SIZE_MAX and 1 <= n <= 255 and b"/" not in name and b"\0" not in name and name not in (b".", b"..")
                assert len(name) == n
                position = ahead
                at += 128 + (n + 7) // 8 * 8
                yield name, None if error else attributes.check()
            assert at == len(data) <= BATCH.size + length and following >= position, (at, len(data))
            position = following

    def readlink(self, inode):
        target = self.request(READLINK, struct.pack("=Q", inode))
        assert 1 <= len(target) <= 4095 and b"\0" not in target
        return target

    def extents(self, inode, size):
        offset = 0
        while offset < size:
            found = list(EXTENT.iter_unpack(self.request(MAP, struct.pack("=QQQ", inode, offset, size - offset))))
            assert 1 <= len(found) <= 256
            for at, length, disk, kind, _ in found:
                assert at == offset and 0 < length <= size - at and kind <= BYTES, (at, offset, length, size)
                assert kind != DISK or (disk >= self.start and disk + length <= self.start + self.size)
                yield at, length, disk, kind
                offset += length

    def contents(self, inode, size):
        """The bytes of a file, in pieces. Its data counts as fetched blocks too."""
        for at, length, disk, kind in self.extents(inode, size):
            most = 128 << 10 if kind == BYTES else 1 << 20
            for skip in range(0, length, most):
                n = min(most, length - skip)
                if kind == HOLE:
                    yield bytes(n)
                elif kind == DISK:
                    self.blocks.update(range((disk + skip) // BLOCK, (disk + skip + n - 1) // BLOCK + 1))
                    yield os.pread(self.disk.fileno(), n, disk + skip).ljust(n, b"\0")
                else:
                    data = self.request(READ, struct.pack("=QQQ", inode, at + skip, n))
                    assert len(data) == n
                    yield data

    def line(self, shown, a, contents):
        value = "-"
        if stat.S_ISREG(a.mode) and contents:
            sum = hashlib.sha256()
            for piece in self.contents(a.inode, a.size):
                sum.update(piece)
            value = sum.hexdigest()
        elif stat.S_ISLNK(a.mode):
            value = "->" + quoted(self.readlink(a.inode)) + "-"
        times = " ".join(f"{t[0]}.{t[1]:09d}" for t in (a.atime, a.mtime, a.ctime))
        return f"{shown} {a.mode:o} {a.nlink} {a.uid} {a.gid} {a.size} {a.blocks} {times} {a.major}:{a.minor} {a.inode} {value}"

    def manifest(self, contents=True):
        """One line for every entry, sorted."""
        out, pending = [], [(self.root, "/", 0)]
        while pending:
            inode, shown, depth = pending.pop()
            try:
                entries = list(self.readdir(inode))
            except Failed as e:
                out.append(f"{shown} readdir: {e}")
                continue
            for name, a in entries:
                path = shown + quoted(name)
                try:
                    out.append(f"{path} stat" if a is None else self.line(path, a, contents))
                except Failed as e:
                    out.append(f"{path} error: {e}")
                if a is not None and stat.S_ISDIR(a.mode) and depth < 64:
                    pending.append((a.inode, path + "/", depth + 1))
        return sorted(out)


def quoted(name):
    return "".join(chr(b) if 0x20 < b < 0x7F and b != 0x25 else f"%{b:02x}" for b in name)


def main():
    image, act, *rest = sys.argv[1:]
    with Reader(image) as reader:
        if act == "partitions":
            kind, note, found = reader.partitions()
            print(kind, note)
            for p in found:
                print(*p.values(), sep="\t")
        elif act == "manifest":
            reader.open_number(rest[0] if rest else "disk")
            print("\n".join(reader.manifest()))
            print(f"{reader.kind} {reader.label!r}: {reader.note}; {len(reader.blocks)} blocks, {reader.rounds} rounds", file=sys.stderr)
        elif act == "cat":
            found = reader.open_number(rest[0]).path(rest[1])
            for piece in reader.contents(found.inode, found.size):
                sys.stdout.buffer.write(piece)
        else:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
