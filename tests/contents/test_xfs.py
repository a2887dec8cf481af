#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""XFS without a kernel: version 4, which new kernels do not mount, as mkfs.xfs fills it, and what is refused by name."""
import os
import stat
import struct
import subprocess
import sys

import crash
import packed
import reader
import tap


def mkfs(image, *options):
    subprocess.run(["truncate", "-s", "400M", image], check=True)
    subprocess.run(["mkfs.xfs", "-q", *options, image], check=True, capture_output=True, env=crash.ENVIRONMENT)


def opened(image):
    """The reader's sentence about an image that it does not open."""
    try:
        with reader.Reader(image) as r:
            r.open()
    except reader.Failed as e:
        return str(e)
    raise AssertionError("it was opened")


def test_version_4(folder):
    files = {f"file-{i}": b"%d\n" % i * i for i in range(300)}
    files["big"] = os.urandom(700000)
    lines = ["/dev/null", "0 0", "d--755 0 0"]
    for name, data in files.items():
        (folder / name).write_bytes(data)
        lines.append(f"{name} ---644 5 6 {folder / name}")
    lines += ["sub d--750 7 8", "link l--777 0 0 target/of/link", "device b--600 0 0 8 300", "$", "$"]
    (folder / "proto").write_text("\n".join(lines) + "\n")
    image = folder / "v4.img"
    mkfs(image, "-m", "crc=0", "-p", folder / "proto")
    with reader.Reader(image) as r:
        r.open()
        for name, data in files.items():
            a = r.path(name)
            assert (a.uid, a.gid, stat.S_IMODE(a.mode), a.size) == (5, 6, 0o644, len(data)), name
            assert b"".join(r.contents(a.inode, a.size)) == data, name
        assert r.readlink(r.path("sub/link").inode) == b"target/of/link"
        device = r.path("sub/device")
        assert (device.major, device.minor, stat.S_ISBLK(device.mode)) == (8, 300, True)
        names = subprocess.run(["xfs_db", "-r", "-c", "ls /", image], check=True, capture_output=True, text=True).stdout
        assert {name.decode() for name, _ in r.readdir(r.root)} == {line.split()[-2] for line in names.splitlines()[1:]} - {".", ".."}


def test_external_log(folder):
    subprocess.run(["truncate", "-s", "20M", folder / "log"], check=True)
    mkfs(folder / "image", "-l", f"logdev={folder / 'log'}")
    assert "log of XFS is on another device" in opened(folder / "image")


def test_newer_features(folder):
    image = folder / "image"
    for offset, value, sentence in ((216, 1 << 20, "incompatible feature (bit 20)"), (220, 1 << 5, "feature (bit 5)")):
        packed.unpack(crash.HERE / "packed/xfs-1.xz", image)
        with open(image, "r+b") as f:
            f.seek(offset)
            old, = struct.unpack(">I", f.read(4))
        subprocess.run(["xfs_db", "-x", "-c", "sb 0", "-c", f"write -d {'features_incompat' if offset == 216 else 'features_log_incompat'} {old | value}", image],
                       check=True, capture_output=True)
        said = opened(image)
        assert sentence in said, said


def test_damaged_superblock(folder):
    image = folder / "image"
    packed.unpack(crash.HERE / "packed/xfs-1.xz", image)
    with open(image, "r+b") as f:
        f.seek(140)  # a counter
        f.write(b"\1\2\3\4")
    assert "its checksum is wrong" in opened(image)
    packed.unpack(crash.HERE / "packed/xfs-1.xz", image)
    os.truncate(image, 20 << 20)
    assert "smaller" in opened(image)


if __name__ == "__main__":
    tap.run(sys.modules[__name__])
