# SPDX-License-Identifier: MIT
"""disks/<id>.rw, which can be written; a disk as the thing to copy; what is refused."""
import os
import random
import signal
import subprocess
from errno import EACCES, EINVAL, ENOENT, ENOSPC, ENOTCONN, EOPNOTSUPP, EPERM, EROFS

from harness import Skip, case, check, contains, matches, read, refused, same, status, until
from world import BARE, GIB, NIGHTLY, SEED, snapshot

REGION, TO = "us-east-1", "eu-west-1"
EXT4, XFS = "snap-0a1b2c3d4e5f60719", "snap-0a1b2c3d4e5f60720"
BLOCK = 512 << 10
DATA = {i: random.Random(i).randbytes(BLOCK) for i in (0, 1, 3, 900, 2047)}


def world(t, images=(), *args):
    """BARE has DATA; images: the ids of snapshots with a file system of a GiB, made by the caller below t.path("images")."""
    folder = t.path("images")
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{BARE}.img", "wb") as f:
        f.truncate(GIB)
        for i, data in DATA.items():
            f.seek(i * BLOCK)
            f.write(data)
    there = {**SEED["regions"][REGION]}
    there["snapshots"] = there["snapshots"] + [snapshot(id, VolumeSize=1, FullSnapshotSizeInBytes=GIB // 2, VolumeId=f"vol-{id[5:]}") for id in images]
    return t.start_sim("--disks", folder, *args, world={**SEED, "regions": {**SEED["regions"], REGION: there}})


def disk(m, id=BARE, suffix=".rw", region=REGION):
    return m.region(region, "disks", id + suffix)


def bought(t):
    return t.sim.count("GetSnapshotBlock")


def reason(m):
    return read(m(".ebsfs/last-error")).split("\n\n")[0]


class Disk:
    """A disk that is written, and what it must read as."""

    def __init__(self, path):
        self.fd, self.written = os.open(path, os.O_RDWR), {}

    def write(self, at, data):
        same(os.pwrite(self.fd, data, at), len(data))
        for i, byte in enumerate(data):
            self.written[at + i] = byte

    def check(self, at, size):
        wanted = bytes(self.written.get(i, DATA[i // BLOCK][i % BLOCK] if i // BLOCK in DATA else 0) for i in range(at, at + size))
        same(os.pread(self.fd, size, at) == wanted, True, "bytes at", at)

    def close(self):
        os.close(self.fd)


@case
def bytes_that_are_written(t):
    """At any offset and of any length, over data and holes, through the page cache and past it; shared by all openings."""
    world(t)
    m = t.mount("cache=none")
    d = Disk(disk(m))
    rng = random.Random(7)
    places = [0, 511, 512, 4095, 4096, BLOCK - 3, 2 * BLOCK - 700, 3 * BLOCK, 5 * BLOCK + 100, GIB - 2000]
    for at in places:
        for size in (1, 511, 513, 1999):
            d.write(at, rng.randbytes(size))
    for at in places:
        d.check(max(0, at - 600), 3000 if at < GIB - 3000 else 1000)
    os.posix_fadvise(d.fd, 0, 0, os.POSIX_FADV_DONTNEED)
    for at in places:
        d.check(max(0, at - 600), 3000 if at < GIB - 3000 else 1000)
    os.fsync(d.fd)
    d.close()
    d.fd = os.open(disk(m), os.O_RDONLY)
    d.check(0, 5000)
    with open(disk(m, suffix=".img"), "rb") as f:
        same(f.read(BLOCK), DATA[0], "the snapshot itself")
    d.close()
    m.unmount()
    d.written, m = {}, t.mount("cache=none")
    d.fd = os.open(disk(m), os.O_RDWR)
    d.check(0, 5000)
    d.close()


@case
def what_is_there_as_a_file(t):
    """Size, blocks, times, mode; nothing in the cache's folder; nothing listed; a whole block that is written costs nothing."""
    world(t)
    m = t.mount()
    before = os.stat(disk(m))
    same((before.st_size, before.st_blocks * 512, oct(before.st_mode)), (GIB, GIB // 2, "0o100600"))
    check(BARE + ".rw" not in os.listdir(m.region(REGION, "disks")), "it is listed")
    fd = os.open(disk(m), os.O_RDWR)
    os.pwrite(fd, b"x" * (1 << 20), 512 << 20)
    os.pwrite(fd, b"x" * BLOCK, 0)
    same(bought(t), 0, "blocks that were written as a whole")
    after = os.fstat(fd)
    same((after.st_blocks - before.st_blocks) * 512, 3 * BLOCK)
    check(after.st_mtime > before.st_mtime, "the time of the write")
    same([n for _, _, names in os.walk(t.path("cache")) for n in names if "rw" in n], [], "files in the cache")
    contains(" ".join(os.readlink(f"/proc/{m.process.pid}/fd/{n}") for n in os.listdir(f"/proc/{m.process.pid}/fd")), "(deleted)")
    os.close(fd)
    refused(ENOENT, os.stat, disk(m, "snap-09999999999999999"))


@case
def holes(t):
    """TRIM gives the space back; SEEK_DATA finds what was written; fallocate that only reserves is refused."""
    world(t)
    m = t.mount()
    d = Disk(disk(m))
    d.write(10 * BLOCK + 100, b"y" * 9000)
    fd, size = d.fd, GIB

    def data():
        found, at = [], 0
        while at < size:
            try:
                at = os.lseek(fd, at, os.SEEK_DATA)
            except OSError:
                break
            end = os.lseek(fd, at, os.SEEK_HOLE)
            found += range(at // BLOCK, (end + BLOCK - 1) // BLOCK)
            at = end
        return found

    same(data(), sorted([*DATA, 10]))
    used = os.fstat(fd).st_blocks
    t.ok(f"fallocate -p -o {10 * BLOCK} -l {BLOCK} {disk(m)}")
    same(data(), sorted(DATA))
    check(os.fstat(fd).st_blocks < used, "space is given back")
    t.ok(f"fallocate -p -o 100 -l 5000 {disk(m)}; fallocate -z -o {900 * BLOCK - 1000} -l 2000 {disk(m)}; fallocate -p -o {3 * BLOCK} -l {GIB} {disk(m)}")
    for at, length in ((10 * BLOCK + 100, 9000), (100, 5000), (900 * BLOCK - 1000, 2000), (3 * BLOCK, BLOCK), (900 * BLOCK, BLOCK), (2047 * BLOCK, BLOCK)):
        d.written.update({at + i: 0 for i in range(length)})
    for at in (0, 9 * BLOCK, 10 * BLOCK, 3 * BLOCK - 600, 900 * BLOCK - 1500, 2047 * BLOCK):
        d.check(at, 6000)
    same(bought(t), 2, "only the blocks of sectors that stay")
    d.write(3 * BLOCK + 700, b"again")
    d.check(3 * BLOCK, 2000)
    same(bought(t), 2, "only the blocks of sectors that stay")
    for how in ("-l 1M", "-c -o 0 -l 1M"):
        contains(t.run(f"fallocate {how} {disk(m)}").err, "not supported")
    d.close()


@case
def its_limits(t):
    """rw_size, the disk's end, cutting; a full file system; a mount that is read-only."""
    world(t)
    m = t.mount("rw_size=1M")
    m.allow("")
    fd = os.open(disk(m), os.O_RDWR)
    same(os.pwrite(fd, b"z" * (1 << 20), BLOCK), 1 << 20)
    refused(ENOSPC, os.pwrite, fd, b"z", 8 * BLOCK)
    contains(reason(m), "write regions/us-east-1/disks/", "limit of 1 MiB", "rw_size=")
    same(os.pwrite(fd, b"again", BLOCK), 5, "in its place")
    same(os.pwrite(fd, b"q" * 1000, BLOCK), 1000)
    os.close(fd)
    m.unmount()
    m = t.mount()
    m.allow("")
    fd = os.open(disk(m), os.O_RDWR)
    refused(ENOSPC, os.pwrite, fd, b"z", GIB)
    same(os.pwrite(fd, b"z" * 1000, GIB - 10), 10)
    refused(EPERM, os.ftruncate, fd, 100)
    os.ftruncate(fd, GIB)
    refused(EPERM, os.open, disk(m), os.O_WRONLY | os.O_TRUNC)
    contains(reason(m), "keeps its size", "conv=notrunc")
    same(os.fstat(fd).st_size, GIB)
    os.close(fd)
    t.ok(f"head -c 1000 /dev/zero | dd of={disk(m)} conv=notrunc status=none")
    m.unmount()
    m = t.mount("ro")
    refused(EROFS, os.open, disk(m), os.O_RDWR)
    same(oct(os.stat(disk(m)).st_mode), "0o100400")
    with open(disk(m), "rb") as f:
        same(f.read(BLOCK), DATA[0])
    m.unmount()
    done = t.ebsfs("-o", "rw_size=much", t.path("mnt"))
    same((done.code, "rw_size=20G" in done.err), (2, True), done)


# --- file systems in it ---

def crashed(t, id, make, options=""):
    """The image of a file system that was in use: some files are only in its log."""
    for program in ("losetup", make.split()[0]):
        t.need(program)
    if os.getuid():
        raise Skip("mount -o loop needs root")
    os.makedirs(t.path("images"), exist_ok=True)
    live, image, where = t.path("live"), t.path("images", id + ".img"), t.path("there")
    os.makedirs(where, exist_ok=True)
    t.ok(f"truncate -s {GIB} {live} && {make} {live} >/dev/null && mount -o loop{options} {live} {where}", cwd="/")
    try:
        for i in range(200):
            with open(f"{where}/file{i}", "w") as f:
                f.write(f"{i}\n" * 500)
        t.ok(f"sync -f {where}; cp --sparse=always {live} {image}", cwd="/")
    finally:
        t.ok(f"umount {where}", cwd="/")
    os.unlink(live)
    return where


def mounted_from(t, id, make, options="", log=True):
    where = crashed(t, id, make, options)
    world(t, [id])
    m = t.mount()
    done = t.run(f"mount -o loop,ro{options} {disk(m, id, '.img')} {where}", cwd="/")
    if done.code == 0:
        t.ok(f"umount {where}", cwd="/")
    check(done.code != 0 or not log, "the image needs no log to be replayed")
    for turn in range(2):
        t.ok(f"mount -o loop{options} {disk(m, id)} {where}", cwd="/")
        try:
            same(sorted(n for n in os.listdir(where) if n.startswith("file")), sorted(f"file{i}" for i in range(200)))
            same(read(f"{where}/file77"), "77\n" * 500)
            if turn == 0:
                t.ok(f"head -c 8M /dev/urandom > {where}/new; sha256sum < {where}/new > {where}/sum; rm {where}/file0*; sync -f {where}; fstrim {where}", cwd="/")
                os.rename(f"{where}/file1", f"{where}/file0")
                os.rename(f"{where}/file0", f"{where}/file1")
            t.ok(f"sha256sum < {where}/new | cmp - {where}/sum", cwd="/")
            with open(f"{where}/file0", "w") as f:
                f.write("back")
        finally:
            t.ok(f"umount {where}", cwd="/")
    return m


@case
def ext4_in_use(t):
    m = mounted_from(t, EXT4, "mkfs.ext4 -q")
    t.ok(f"fsck.ext4 -fn {disk(m, EXT4)} 2>&1")
    loop = t.ok(f"losetup -f --show {disk(m, EXT4)}", cwd="/").strip()
    try:
        matches(t.ok(f"blkid -p {loop}", cwd="/"), 'TYPE="ext4"')
    finally:
        t.ok(f"losetup -d {loop}", cwd="/")
    # A copy of what was written is the disk as it is now, and sparse.
    t.ok(f"cp {disk(m, EXT4)} {t.path('out.img')} && fsck.ext4 -fn {t.path('out.img')} 2>&1", seconds=100)
    check(os.stat(t.path("out.img")).st_blocks * 512 < 200 << 20, "the copy is not sparse")
    m.unmount()
    m = t.mount()
    t.ok(f"cmp -n 1M {disk(m, EXT4)} {t.path('images', EXT4 + '.img')}")


@case
def xfs_in_use(t):
    m = mounted_from(t, XFS, "mkfs.xfs -q", ",nouuid")
    t.ok(f"xfs_repair -n {disk(m, XFS)} 2>&1")


@case
def btrfs_in_use(t):
    """Each commit of btrfs is whole: its image needs no replay."""
    mounted_from(t, EXT4, "mkfs.btrfs -q", log=False)


@case
def a_killed_mount(t):
    """kill -9: what was written is gone, also from the disk."""
    world(t)
    m = t.mount()
    fd = os.open(disk(m), os.O_RDWR)
    os.pwrite(fd, b"k" * (8 << 20), 0)
    m.kill()
    refused(ENOTCONN, os.close, fd)
    same([n for _, _, names in os.walk(t.path("cache")) for n in names if not n.startswith(BARE)], [])
    m = t.mount()
    with open(disk(m), "rb") as f:
        same(f.read(BLOCK), DATA[0])


# --- copying a disk ---

def copy_range(source, target, size=GIB, step=300 << 20, create=True):
    """copy_file_range() as cp does it; the result of close() counts."""
    a = os.open(source, os.O_RDONLY)
    b = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644) if create else os.open(target, os.O_WRONLY)
    try:
        done = 0
        while done < size:
            done += os.copy_file_range(a, b, min(step, size - done))
        fd, b = b, -1
        os.close(fd)
    finally:
        os.close(a)
        if b >= 0:
            try:
                os.close(b)
            except OSError:
                pass


@case
def the_whole_of_a_disk(t):
    """One CopySnapshot, whichever way it is asked for and however often; NAME.img is a link to the new disk."""
    world(t)
    t.sim.set_copy_seconds(0.2)
    m = t.mount()
    target = disk(m, "mine", ".img", TO)
    copy_range(disk(m, suffix=".img"), target)
    same((t.sim.count("CopySnapshot"), bought(t)), (1, 0))
    until(lambda: os.path.islink(target), "the link")
    new = [c["SnapshotId"] for c in t.sim.copies(TO)]
    same(os.readlink(target), f"{new[0]}.img")
    t.ok(f"cat {m.region(TO, 'mine.img.wait')} >/dev/null")
    same(status(m.region(TO, "mine.img.status"))["state"], "completed")
    same(status(m.region(TO, "mine.img.status"))["source"], f"{REGION}/{BARE}")
    contains("".join(os.listdir(m.region(TO, "disks"))), "mine.img")
    # The receipt holds the text, so that a cp of it, and the text itself, are the same request.
    t.ok(f"cmp {m.region(TO, 'mine.img')} {m.file(REGION, BARE)}")
    t.ok(f"cp {m.file(REGION, BARE)} {m.region(TO)}/")
    copy_range(disk(m, suffix=".img"), disk(m, "second", ".img", TO))
    copy_range(disk(m, suffix=".img"), disk(m, BARE, ".img", TO))
    same(os.readlink(disk(m, BARE, ".img", TO)), f"{new[0]}.img")
    same(t.sim.count("CopySnapshot"), 1)
    m.unmount()
    m = t.mount()
    same(os.readlink(target), f"{new[0]}.img", "after a remount")
    os.unlink(target)
    check(not os.path.lexists(target) and not os.path.exists(m.region(TO, "mine.img")), "the receipt went with its link")
    same([c["SnapshotId"] for c in t.sim.copies(TO)], new, "the copy stays")


@case
def by_cat(t):
    """cat copies by copy_file_range() too, whatever st_blocks says; cp does if the disk has no holes."""
    world(t)
    m = t.mount()
    m.allow("")
    t.ok(f"cat {REGION}/disks/{BARE}.img > {TO}/disks/cat.img")
    same((t.sim.count("CopySnapshot"), bought(t)), (1, 0))
    t.sim.change(REGION, NIGHTLY, FullSnapshotSizeInBytes=8 * GIB)
    t.ok(f"touch {REGION}/snapshots; ls {REGION}/snapshots >/dev/null; cp -p {REGION}/disks/{NIGHTLY}.img {TO}/disks/")
    same((t.sim.count("CopySnapshot"), bought(t)), (2, 0))


@case
def a_part_of_a_disk(t):
    """Starts nothing, whatever its close says."""
    world(t)
    m = t.mount()
    m.allow("")
    source, target = disk(m, suffix=".img"), disk(m, "part", ".img", TO)
    refused(EOPNOTSUPP, copy_range, source, target, GIB - 4096)
    contains(reason(m), "only 1073737728 of the disk's 1073741824 bytes", f"cp regions/{REGION}/snapshots/{BARE}/{BARE}.snapshot regions/{TO}/")
    check(not os.path.lexists(target), "it stays")
    # Not from its beginning.
    a, b = os.open(source, os.O_RDONLY), os.open(target, os.O_WRONLY | os.O_CREAT)
    refused((EOPNOTSUPP, EINVAL), os.copy_file_range, a, b, GIB, 4096, 4096)
    os.close(b)
    # A program that is killed.
    code = f"import os,signal\na=os.open({source!r},0)\nb=os.open({target!r},65)\nos.copy_file_range(a,b,{GIB // 2})\nos.kill(os.getpid(),9)"
    same(subprocess.run(["python3", "-c", code]).returncode, -signal.SIGKILL)
    # What was written locally is no snapshot's; a region copies its own disks by their texts.
    refused(EOPNOTSUPP, copy_range, disk(m), target)
    refused(EOPNOTSUPP, copy_range, source, disk(m, "same", ".img"))
    os.close(a)
    same((t.sim.count("CopySnapshot"), os.listdir(m.region(TO, "disks"))), (0, os.listdir(m.region(TO, "disks"))))
    same([n for n in os.listdir(m.region(TO)) if "img" in n], [])


@case
def bytes_into_a_region(t):
    """Refused at the first block, with the command that copies instead."""
    world(t)
    m = t.mount()
    m.allow("")
    advice = f"cp regions/{REGION}/snapshots/{BARE}/{BARE}.snapshot regions/{TO}/"
    target = disk(m, "x", ".img", TO)
    for how in (f"cp {REGION}/disks/{BARE}.img {TO}/disks/x.img", f"cp --sparse=never {REGION}/disks/{BARE}.img {TO}/disks/x.img",
                f"cp {REGION}/disks/{BARE}.img {TO}/disks/", f"dd if={REGION}/disks/{BARE}.img of={TO}/disks/x.img bs=1M count=1"):
        t.fails(EOPNOTSUPP, how)
        contains(reason(m), "write regions/eu-west-1/disks/", advice)
        check(not os.path.lexists(target), how)
    check(bought(t) <= len(DATA), bought(t))
    for how in ("echo x > {}/disks/x.img", "touch {}/disks/x.img", "truncate -s 1G {}/disks/x.img", f"head -c 1M {REGION}/disks/{BARE}.img > {{}}/disks/x.img"):
        t.fails(EOPNOTSUPP, how.format(TO))
    for how in ("cp /etc/hostname {}/disks/x", "cp /etc/hostname {}/disks/.x.img", "mkdir {}/disks/x", "ln -s a {}/disks/x.img"):
        t.fails(EPERM, how.format(TO))
    same([n for n in os.listdir(m.region(TO, "disks")) if "x" in n], [])
    same(t.sim.count("CopySnapshot"), 0)
    m.unmount()
    m = t.mount("ro")
    t.fails(EROFS, f"cat {REGION}/disks/{BARE}.img > {TO}/disks/x.img")


@case
def refused_by_ec2(t):
    """EC2's refusal is the close's; asked again, the copy is made."""
    world(t)
    m = t.mount()
    m.allow("")
    t.sim.fault("CopySnapshot", code="UnauthorizedOperation")
    t.fails(EACCES, f"cat {REGION}/disks/{BARE}.img > {TO}/disks/x.img")
    same(status(m.region(TO, "x.img.status"))["state"], "failed")
    copy_range(disk(m, suffix=".img"), disk(m, "x", ".img", TO))
    same(len(t.sim.copies(TO)), 1)


# --- the mount itself ---

@case
def never_suid_nor_dev(t):
    """suid and dev are accepted, and have no effect: a snapshot may hold any program and device."""
    world(t)
    m = t.mount("suid", "dev", "exec")
    options = next(line.split()[3].split(",") for line in read("/proc/self/mounts").splitlines() if line.split()[1] == m.path)
    check("nosuid" in options and "nodev" in options, options)
    check("noexec" not in options, options)
