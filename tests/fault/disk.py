# SPDX-License-Identifier: MIT
"""A disk that fails, is full, or loses its power at a chosen write or sync of ebsfs's journal: the test's side of disk.c."""
import errno
import mmap
import os
import struct
from pathlib import Path

import harness

WRITE, SYNC, COUNT_WRITE, COUNT_SYNC = 1, 2, 4, 8  # of the journal; of the count of its transactions beside it
FAIL, SHORT, KILL_BEFORE, KILL_AFTER, POWER = range(1, 6)
FOREVER = -1

# struct control of disk.c: the places of its members
ARMED, OPERATIONS, ACTION, ERRNUM, FROM_SYNC, SKIP, TIMES, WRITES, SYNCS, HITS = range(10)


def library():
    build = os.environ.get("EBSFS_BUILD") or Path(harness.EBSFS).resolve().parents[1]
    found = Path(build) / "tests/fault/libdisk.so"
    harness.check(found.exists(), found, "is not built: it comes with meson's option `tests`")
    return str(found)


class Disk:
    """The disk under a state_dir. .env is what ebsfs must be started with. One thing goes wrong at a time: the last one asked for.

    syncs: it goes wrong only after so many more syncs; skip: so many calls pass before it does.
    """

    def __init__(self, path):
        with open(path, "wb") as f:
            f.write(bytes(mmap.PAGESIZE))
        fd = os.open(path, os.O_RDWR)
        self._map = mmap.mmap(fd, mmap.PAGESIZE)
        os.close(fd)
        self.env = {"LD_PRELOAD": library(), "EBSFS_FAULT_DISK": path}

    def _get(self, member):
        return struct.unpack_from("=I", self._map, 4 * member)[0]

    def _set(self, member, value):
        struct.pack_into("=i", self._map, 4 * member, value)

    def _arm(self, action, on, syncs=0, skip=0, times=1, number=0):
        self._set(ARMED, 0)
        self._set(OPERATIONS, on)
        self._set(ACTION, action)
        self._set(ERRNUM, number)
        self._set(FROM_SYNC, self.syncs + syncs)
        self._set(SKIP, skip)
        self._set(TIMES, times)
        self._set(ARMED, 1)

    def full(self, on=WRITE, times=FOREVER, **when):
        """ENOSPC, so many times or until well()."""
        self._arm(FAIL, on, times=times, number=errno.ENOSPC, **when)

    def broken(self, on=WRITE, times=1, **when):
        """EIO, so many times."""
        self._arm(FAIL, on, times=times, number=errno.EIO, **when)

    def torn(self, on=WRITE, **when):
        """Half of a write, and EIO."""
        self._arm(SHORT, on, number=errno.EIO, **when)

    def kill(self, on=WRITE, after=False, **when):
        """kill -9 of ebsfs at the next such call, instead of it or after it."""
        self._arm(KILL_AFTER if after else KILL_BEFORE, on, **when)

    def power(self, on=SYNC, **when):
        """At the next sync: what was written since the one before is gone, and so is ebsfs."""
        self._arm(POWER, on, **when)

    def well(self):
        self._set(ARMED, 0)

    @property
    def writes(self):
        return self._get(WRITES)

    @property
    def syncs(self):
        return self._get(SYNCS)

    @property
    def hits(self):
        return self._get(HITS)

    def close(self):
        self._map.close()
