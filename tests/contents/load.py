#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Changes a file system without end: load.py FOLDER SEED [ACT…]. Files of many sizes, folders, links, renames, removals, truncations,
holes, devices; some of it fsynced. ACT: a further one, such as swap. Ends at EOF of its standard input."""
import fcntl
import os
import random
import select
import subprocess
import sys

FICLONE = 0x40049409


class Load:
    def __init__(self, top, seed, *more):
        self.more = [getattr(self, name) for name in more]
        self.random = random.Random(seed)
        self.top = top
        self.seed = seed
        os.makedirs(top, exist_ok=True)
        self.folders = [top]
        self.files = []
        self.n = 0

    def name(self):
        self.n += 1
        return f"{self.seed}-{self.n}" + "x" * self.random.choice((0, 0, 0, 3, 40, 180))

    def path(self):
        return os.path.join(self.random.choice(self.folders), self.name())

    def pick(self):
        return self.random.choice(self.files) if self.files else None

    def bytes(self, size):
        """Unlike those of other calls, and compressible."""
        return (self.random.randbytes(16) * (1 + size // 16))[:size]

    def create(self):
        path = self.path()
        size = self.random.choice((0, 1, 100, 500, 4096, 5000, 20000, 70000, 300000))
        with open(path, "wb") as f:
            f.write(self.bytes(size))
            if self.random.random() < 0.15:
                os.fsync(f.fileno())
        os.chmod(path, self.random.choice((0o644, 0o755, 0o600, 0o4755)))
        os.chown(path, self.random.randrange(70000), self.random.randrange(5))
        self.files.append(path)

    def magic(self):
        """Blocks that begin like those of ext4's journal, which must not be taken for its own there."""
        path = self.path()
        with open(path, "wb") as f:
            f.write((b"\xc0\x3b\x39\x98\0\0\0\x02" + self.bytes(1016)) * self.random.randrange(1, 20))
        self.files.append(path)

    def reuse(self):
        """A directory that is written and removed, and then its blocks as a file's: nothing old of them may come back. For small disks."""
        folder = self.path()
        os.mkdir(folder)
        for i in range(self.random.randrange(20, 120)):
            open(os.path.join(folder, f"{i}-" + "r" * 200), "wb").close()
        fd = os.open(folder, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)
        subprocess.run(["sync", "-f", self.top], check=False)
        filler = os.path.join(self.top, "filler")
        with open(filler, "wb") as f:
            room = os.statvfs(self.top)
            for _ in range(room.f_bavail * room.f_frsize // 65536):
                f.write(self.bytes(65536))
            f.flush()
            os.fsync(f.fileno())

    def burst(self):
        """Many names in one folder: its blocks, leaves and nodes."""
        folder = self.random.choice(self.folders)
        for _ in range(self.random.randrange(20, 300)):
            path = os.path.join(folder, self.name())
            open(path, "wb").close()
            self.files.append(path)

    def mkdir(self):
        path = self.path()
        os.mkdir(path)
        self.folders.append(path)

    def append(self):
        path = self.pick()
        if path:
            with open(path, "ab") as f:
                f.write(self.bytes(self.random.randrange(1, 9000)))
                if self.random.random() < 0.3:
                    os.fsync(f.fileno())

    def scatter(self):
        """Writes with gaps: many extents, holes, unwritten ones."""
        path = self.pick()
        if path:
            fd = os.open(path, os.O_RDWR)
            try:
                if self.random.random() < 0.3:
                    os.posix_fallocate(fd, self.random.randrange(1 << 20), 200000)
                for _ in range(self.random.randrange(1, 60)):
                    os.pwrite(fd, self.bytes(700), self.random.randrange(1 << 22))
            finally:
                os.close(fd)

    def truncate(self):
        path = self.pick()
        if path:
            os.truncate(path, self.random.randrange(1 << 16))

    def unlink(self):
        for _ in range(self.random.choice((1, 1, 1, 1, 5, 30))):
            if self.files:
                i = self.random.randrange(len(self.files))
                self.files[i], self.files[-1] = self.files[-1], self.files[i]
                os.unlink(self.files.pop())

    def rename(self):
        if self.files:
            i = self.random.randrange(len(self.files))
            to = self.path() if self.random.random() < 0.7 else self.pick()
            if to != self.files[i]:
                os.rename(self.files[i], to)
                if to in self.files:
                    self.files.remove(self.files[i])
                else:
                    self.files[i] = to

    def link(self):
        path = self.pick()
        if path:
            to = self.path()
            os.link(path, to)
            self.files.append(to)

    def symlink(self):
        path = self.path()
        os.symlink(self.random.choice("abc/") * self.random.choice((1, 20, 59, 60, 250, 900)), path)
        self.files.append(path)

    def device(self):
        path = self.path()
        os.mknod(path, self.random.choice((0o20600, 0o60600, 0o10644)), os.makedev(self.random.randrange(300), self.random.randrange(70000)))

    def clone(self):
        path = self.pick()
        if path:
            to = self.path()
            with open(path, "rb") as a, open(to, "wb") as b:
                fcntl.ioctl(b, FICLONE, a.fileno())
            self.files.append(to)

    def swap(self):
        """Two files of many extents exchange them: XFS only."""
        pair = [self.path(), self.path()]
        for path in pair:
            with open(path, "wb") as f:
                for i in range(self.random.choice((3, 60))):
                    f.seek(i * 8192)
                    f.write(self.bytes(4096))
                f.truncate(1 << 19)
                os.fsync(f.fileno())
        subprocess.run(["xfs_io", "-c", f"swapext {pair[0]}", pair[1]], capture_output=True)
        self.files += pair

    def sync(self):
        fd = os.open(self.random.choice(self.folders), os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)

    def run(self):
        acts = [self.create] * 30 + [self.append] * 6 + [self.scatter] * 2 + [self.truncate, self.rename, self.rename, self.link, self.symlink]
        acts += [self.mkdir] * 3 + [self.unlink, self.unlink, self.unlink, self.device, self.burst, self.burst, self.sync, self.clone, self.clone]
        acts += self.more * 2
        while not select.select([sys.stdin], [], [], 0)[0]:
            try:
                self.random.choice(acts)()
            except OSError:
                pass  # a full disk, a symbolic link that leads nowhere, no clones


Load(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]).run()
