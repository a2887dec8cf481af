# SPDX-License-Identifier: MIT
"""Snapshots with contents in the simulated account, and reads of their disks."""
import os
import random

from harness import read
from world import BARE, ENCRYPTED, GIB, NIGHTLY, SEED, snapshot

REGION = "us-east-1"
BLOCK = 512 << 10
TUESDAY, ARCHIVED, LOST = "snap-0a1b2c3d4e5f60719", "snap-0a1b2c3d4e5f60720", "snap-0a1b2c3d4e5f60721"


def blocks_of(seed, indexes):
    rng = random.Random(seed)
    return {i: rng.randbytes(BLOCK) for i in indexes}


# Most of it at the beginning, as file systems do, and something at the end.
MONDAY_BLOCKS = blocks_of(1, [*range(0, 40, 2), 100, 101, 1500, 2047])
TUESDAY_BLOCKS = {**MONDAY_BLOCKS, **blocks_of(2, [4, 101, 102])}


def write_image(path, size, blocks):
    with open(path, "wb") as f:
        f.truncate(size)
        for i, data in blocks.items():
            f.seek(i * BLOCK)
            f.write(data)


def disks(t, *args, **more):
    """A simulated account in which NIGHTLY and the next night's snapshot have contents."""
    folder = t.path("images")
    os.makedirs(folder)
    write_image(f"{folder}/{NIGHTLY}.img", 8 * GIB, MONDAY_BLOCKS)
    write_image(f"{folder}/{TUESDAY}.img", 8 * GIB, TUESDAY_BLOCKS)
    write_image(f"{folder}/{ENCRYPTED}.img", 8 * GIB, MONDAY_BLOCKS)
    write_image(f"{folder}/{BARE}.img", GIB, MONDAY_BLOCKS)
    world = {**SEED, "regions": {**SEED["regions"]}}
    there = world["regions"][REGION] = {**SEED["regions"][REGION]}
    there["snapshots"] = there["snapshots"] + [
        snapshot(TUESDAY, StartTime="2026-11-21T03:00:12.000Z"), snapshot(ARCHIVED, StorageTier="archive"), snapshot(LOST, State="error")]
    world.update(more)
    return t.start_sim("--disks", folder, *args, world=world)


def image(m, id=NIGHTLY):
    return m.folder(REGION, "..", "disks", f"{id}.img")


def pread(path, size, offset):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.pread(fd, size, offset)
    finally:
        os.close(fd)


def bought(t):
    return t.sim.count("GetSnapshotBlock")


def reason(m):
    return read(m(".ebsfs/last-error")).split("\n\n")[0]
