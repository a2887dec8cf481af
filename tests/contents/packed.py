#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Packed images: the sectors of a small disk that are not zero, and the kernel's view of it after recovery.

    packed.py make NAME SEED ENTRIES FILE   makes one under load, with at least so many; needs root and loop devices. NAME: of MADE
    packed.py unpack FILE IMAGE             writes it as a sparse file
    packed.py sectors FILE OUT              for the fuzz targets: the size, then the number and the bytes of each sector

A file is compressed with xz: a JSON line {"size": …, "sectors": […], "view": […]}, then the sectors.
"""
import json
import lzma
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import crash

SECTOR = 512
MADE = {
    "xfs": crash.Set("mkfs.xfs", "-q", "-l", "size=6m"),
    "xfs-new": crash.Set("mkfs.xfs", "-q", "-b", "size=1024", "-l", "size=6m", "-i", "nrext64=1", "-m", "rmapbt=1", "-d", "agcount=2",
                         acts=["swap"]),
    "xfs-1k": crash.Set("mkfs.xfs", "-q", "-b", "size=1024", "-l", "size=6m", "-n", "size=8192"),
    "xfs-64k": crash.Set("mkfs.xfs", "-q", "-l", "size=12m", "-n", "size=65536", "-i", "size=1024"),
    "xfs-log": crash.Set("mkfs.xfs", "-q", "-l", "size=21m,su=256k", mount="logbsize=256k"),
    "ext4": crash.Set("mkfs.ext4", "-q", "-J", "size=4"),
    "ext4-1k": crash.Set("mkfs.ext4", "-q", "-O", "^metadata_csum,^64bit", "-b", "1024", "-J", "size=1"),
    "ext4-small": crash.Set("mkfs.ext4", "-q", "-J", "size=4", "-O", "inline_data,bigalloc", "-C", "16384"),
    "ext4-data": crash.Set("mkfs.ext4", "-q", "-J", "size=8", mount="data=journal", acts=["magic"]),
    "ext4-full": crash.Set("mkfs.ext4", "-q", "-J", "size=4", size="24M", acts=["reuse"] * 10),
    "ext3": crash.Set("mkfs.ext3", "-q", "-I", "128", "-J", "size=4"),
}
SIZE = "160M"


def read(path):
    """Returns the header and a list of (number, bytes)."""
    with lzma.open(path) as f:
        header = json.loads(f.readline())
        return header, [(number, f.read(SECTOR)) for number in header["sectors"]]


def write(path, image, view):
    size = image.stat().st_size
    sectors, data = [], []
    with open(image, "rb") as f:
        for number in range(size // SECTOR):
            sector = f.read(SECTOR)
            if any(sector):
                sectors.append(number)
                data.append(sector)
    with lzma.open(path, "wb") as f:
        f.write(json.dumps({"size": size, "sectors": sectors, "view": view}).encode() + b"\n" + b"".join(data))


def unpack(path, image):
    header, sectors = read(path)
    with open(image, "wb") as f:
        f.truncate(header["size"])
        for number, data in sectors:
            f.seek(number * SECTOR)
            f.write(data)
    return header["view"]


def make(name, seed, entries, out):
    made = MADE[name]
    with crash.Scratch() as scratch:
        base = scratch / "image"
        crash.run("truncate", "-s", made.size or SIZE, base)
        crash.run(*made.mkfs, base)
        folder = crash.mounted(base, made.mount)
        load = subprocess.Popen([sys.executable, crash.HERE / "load.py", folder, seed, *made.acts], stdin=subprocess.PIPE)
        while sum(len(folders) + len(files) for _, folders, files in os.walk(folder)) < int(entries):
            time.sleep(0.05)
        image = scratch / "taken"
        crash.run("sync", "-f", folder)
        crash.run("cp", "--reflink=always", base, image)
        load.stdin.close()
        load.wait()
        crash.run("umount", folder)
        view = crash.recovered(image)
        write(Path(out), image, view)
        print(f"{out}: {len(view)} entries, {Path(out).stat().st_size} bytes")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(*sys.argv[2:])
    elif sys.argv[1] == "unpack":
        unpack(*sys.argv[2:])
    else:
        header, sectors = read(sys.argv[2])
        with open(sys.argv[3], "wb") as f:
            f.write(struct.pack("=Q", header["size"]) + b"".join(struct.pack("=Q", number) + data for number, data in sectors))
