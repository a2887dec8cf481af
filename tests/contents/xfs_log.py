# SPDX-License-Identifier: MIT
"""Damages the log of an XFS image, in the ways that the kernel distinguishes."""
import struct

SECTOR = 512
MAGIC = 0xFEEDBABE


CRC = []
for i in range(256):
    for _ in range(8):
        i = i >> 1 ^ 0x82F63B78 * (i & 1)
    CRC.append(i)


def crc32c(data, crc=0xFFFFFFFF):
    for byte in data:
        crc = crc >> 8 ^ CRC[(crc ^ byte) & 255]
    return crc


class Log:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as f:
            sb = f.read(SECTOR)
            block, = struct.unpack_from(">I", sb, 4)
            start, = struct.unpack_from(">Q", sb, 48)
            ag_blocks, = struct.unpack_from(">I", sb, 84)
            blocks, = struct.unpack_from(">I", sb, 96)
            ag_log = sb[124]
            self.start = ((start >> ag_log) * ag_blocks + (start & (1 << ag_log) - 1)) * block
            self.sectors = blocks * block // SECTOR
            f.seek(self.start)
            log = f.read(self.sectors * SECTOR)
        headers = {}
        for at in range(self.sectors):
            magic, cycle, _, length, lsn, tail = struct.unpack_from(">IIIIQQ", log, at * SECTOR)
            size, = struct.unpack_from(">I", log, at * SECTOR + 320)
            if magic == MAGIC and lsn == cycle << 32 | at:
                headers[lsn] = at, max(1, -(-size // 32768)), length, tail
        self.headers = headers
        last = max(headers)
        tail = headers[last][3]
        self.records = [headers[lsn][:3] for lsn in sorted(headers) if lsn >= tail]  # (sector, sectors of the header, bytes of data)

    def flip(self, index):
        """Changes a byte of a record's data."""
        at, header, length = self.records[index]
        offset = self.start + (at + header) % self.sectors * SECTOR + min(40, length - 1)
        with open(self.path, "r+b") as f:
            f.seek(offset)
            byte = f.read(1)
            f.seek(offset)
            f.write(bytes([byte[0] ^ 0x55]))

    def fill(self):
        """Makes the log a full one: its tail is the oldest record that is whole, right after the head. The changes that it replays are on the disk."""
        last = max(self.headers)
        at, header, length, _ = self.headers[last]
        assert header == 1
        end = at + header + -(-length // SECTOR)
        oldest = min(lsn for lsn, h in self.headers.items() if lsn >> 32 == (last >> 32) - 1 and h[0] >= end)
        with open(self.path, "r+b") as f:
            f.seek(self.start + at * SECTOR)
            record = bytearray(f.read(SECTOR + length))
            struct.pack_into(">Q", record, 24, oldest)
            struct.pack_into("<I", record, 32, 0)
            struct.pack_into("<I", record, 32, ~crc32c(record[SECTOR:], crc32c(record[:328])) & 0xFFFFFFFF)
            f.seek(self.start + at * SECTOR)
            f.write(record)
        self.records = [self.headers[lsn][:3] for lsn in sorted(self.headers) if lsn >= oldest]
        return self

    def unwrite(self, index):
        """Makes a record one that was never written: its sectors are of the cycle before."""
        at, header, length = self.records[index]
        with open(self.path, "r+b") as f:
            for i in range(header + -(-length // SECTOR)):
                f.seek(self.start + (at + i) % self.sectors * SECTOR)
                first = f.read(8)
                magic, cycle = struct.unpack(">II", first)
                cycle = cycle if magic == MAGIC else magic
                f.seek(-8, 1)
                f.write(struct.pack(">II", cycle - 1, 0))


def has_wrapped(path):
    """Whether the records right after the head are of the round before."""
    return max(Log(path).headers) >> 32 > 3


DAMAGE = {
    "head-torn": lambda log: log.flip(-1),
    "flight-torn": lambda log: log.flip(-min(4, len(log.records))),
    "flight-hole": lambda log: log.unwrite(-min(3, len(log.records))),
    "head-hole": lambda log: log.unwrite(-1),
    "tail-torn": lambda log: log.flip(0),
    "second-torn": lambda log: log.flip(1),
    "full": lambda log: log.fill(),
    "full-tail-torn": lambda log: log.fill().flip(0),
    "full-second-torn": lambda log: log.fill().flip(1),
    "middle-torn": lambda log: log.flip(len(log.records) // 2),
}
FULL = {"full", "full-tail-torn", "full-second-torn"}  # these need a log that has_wrapped()
