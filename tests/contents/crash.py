# SPDX-License-Identifier: MIT
"""Images of crashed file systems, compared with the kernel's recovery. Needs root and loop devices.

A file system is changed under load (load.py); meanwhile reflinks of its image are taken on a scratch XFS, each as the disk is after a power
cut. The kernel's view of such an image, after its own recovery, must equal what contents-manifest prints of the untouched image: names,
types, modes, links, owners, sizes, times, contents.
"""
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kernel_view

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("EBSFS_BUILD", HERE.parents[1] / "build"))
MANIFEST = BUILD / "tests/contents/contents-manifest"
SIZE = "3G"
WORKERS = 3
PAUSE = 2.3  # seconds between two images
BLOCKS, CONTENTS = 6, 12  # fields of a line


class Set:
    """A file system to be changed under load: how it is made, mounted, and what is done to it meanwhile."""

    def __init__(self, *mkfs, mount="", during=(), acts=(), size=None):
        self.mkfs = mkfs
        self.size = size  # if it is not the usual one
        self.acts = acts  # of load.py, beside the usual ones
        self.mount = ",".join(filter(None, ["noatime", mount]))
        self.during = during  # a command, run on the mounted folder after the first image


XFS = {
    "xfs": Set("mkfs.xfs", "-q"),
    "xfs-new": Set("mkfs.xfs", "-q", "-i", "nrext64=1", "-m", "rmapbt=1", "-d", "agcount=2", acts=["swap"]),
    "xfs-1k": Set("mkfs.xfs", "-q", "-b", "size=1024", "-n", "size=8192"),
    "xfs-log": Set("mkfs.xfs", "-q", "-l", "size=21m,su=256k", mount="logbsize=256k"),
    "xfs-full": Set("mkfs.xfs", "-q", "-b", "size=1024", "-l", "size=8m"),
    "xfs-64k": Set("mkfs.xfs", "-q", "-n", "size=65536", "-i", "size=1024"),
    "xfs-grow": Set("mkfs.xfs", "-q", "-d", "size=800m", during=["xfs_growfs"]),
}
EXT = {
    "ext4": Set("mkfs.ext4", "-q"),
    "ext4-1k": Set("mkfs.ext4", "-q", "-O", "^metadata_csum,^64bit", "-b", "1024"),
    # With a journal of 8 MiB, Linux 6.18 waits for itself: a commit that writes delayed data out needs room in the journal.
    "ext4-small": Set("mkfs.ext4", "-q", "-J", "size=64", "-O", "inline_data,bigalloc", "-C", "16384"),
    "ext4-data": Set("mkfs.ext4", "-q", mount="data=journal", acts=["magic"]),
    "ext4-async": Set("mkfs.ext4", "-q", "-J", "size=16", mount="journal_async_commit,data=writeback"),
    "ext3": Set("mkfs.ext3", "-q", "-I", "128"),
}
SETS = {**XFS, **EXT}


# mkfs.xfs refuses logs below 64 MB and disks below 300 MB, unless the file system is for its own tests.
ENVIRONMENT = {**os.environ, "TEST_DEV": "1", "TEST_DIR": "1", "QA_CHECK_FS": "1"}


def run(*command):
    subprocess.run(command, check=True, env=ENVIRONMENT)


class Scratch:
    """A folder on an XFS with reflinks, which lives in a sparse file."""

    def __init__(self):
        self.top = Path(tempfile.mkdtemp(prefix="contents-crash-", dir=os.environ.get("TMPDIR")))
        self.mount = self.top / "scratch"

    def __enter__(self):
        self.mount.mkdir()
        run("truncate", "-s", "40G", self.top / "scratch.img")
        run("mkfs.xfs", "-q", "-m", "reflink=1", self.top / "scratch.img")
        run("mount", "-o", "loop", self.top / "scratch.img", self.mount)
        return self.mount

    def __exit__(self, *_):
        run("umount", self.mount)
        run("rm", "-rf", self.top)


def mounted(image, options="noatime"):
    folder = Path(str(image) + ".mount")
    folder.mkdir(exist_ok=True)
    run("mount", "-o", f"loop,{options}", image, folder)
    return folder


class Taken:
    def __init__(self, base, crashed, synced, live):
        self.crashed = crashed  # images taken under load
        self.synced = synced    # one taken after sync, when the load had ended,
        self.live = live        # and what the kernel showed then
        self.clean = base       # after it was unmounted


def take_images(scratch, name, n, ready=lambda image: True):
    """Images of one file system. ready(): whether enough has been changed for the first."""
    base = scratch / f"{name}.img"
    made = SETS[name]
    run("truncate", "-s", made.size or SIZE, base)
    run(*made.mkfs, base)
    folder = mounted(base, made.mount)
    seed = int(time.time()) % 10000 * 10
    load = [subprocess.Popen([sys.executable, HERE / "load.py", folder / f"w{i}", str(seed + i), *made.acts], stdin=subprocess.PIPE)
            for i in range(WORKERS)]
    crashed = []
    for i in range(n):
        time.sleep(PAUSE)
        while not ready(base):
            time.sleep(PAUSE)
        image = scratch / f"{name}-{i}.img"
        run("cp", "--reflink=always", base, image)
        crashed.append(image)
        if made.during and not i:
            subprocess.run([*made.during, folder], check=True, stdout=subprocess.DEVNULL)
    for process in load:
        process.stdin.close()
        process.wait(120)
    run("sync", "-f", folder)
    synced = scratch / f"{name}-synced.img"
    run("cp", "--reflink=always", base, synced)
    live = kernel_view.lines(folder)
    run("umount", folder)
    return Taken(base, crashed, synced, live)


def take_exchanged(scratch):
    """An image after two files have exchanged their trees of extents, whose blocks on the disk still have the old owners. Linux 6.18 does
    not recover it: it verifies an inode before it has computed its checksum."""
    base = scratch / "exchanged.img"
    run("truncate", "-s", SIZE, base)
    run("mkfs.xfs", "-q", base)
    folder = mounted(base)
    for name, extents in ("a", 60), ("b", 90):
        with open(folder / name, "wb") as f:
            for i in range(extents):
                f.seek(i * 8192)
                f.write(name.encode() * 4096)
            f.truncate(1 << 20)
    run("umount", folder)
    folder = mounted(base)
    run("xfs_io", "-c", f"swapext {folder}/a", folder / "b")
    run("sync", "-f", folder)
    synced = scratch / "exchanged-synced.img"
    run("cp", "--reflink=always", base, synced)
    live = kernel_view.lines(folder)
    run("umount", folder)
    return Taken(base, [], synced, live)


def manifest(image, *options):
    found = subprocess.run([MANIFEST, *options, image], capture_output=True, text=True)
    return sorted(found.stdout.splitlines()), found.stderr.strip()


def recovered(image):
    """The kernel's view of an image after recovery; None if it does not mount it."""
    copy = Path(str(image) + ".recovered")
    run("cp", "--reflink=always", image, copy)
    try:
        folder = mounted(copy)
    except subprocess.CalledProcessError:
        return None
    finally:
        copy.unlink()
    lines = kernel_view.lines(folder)
    run("umount", folder)
    return lines


def differences(ours, kernel):
    ours, kernel = set(ours), set(kernel)
    return [("ours   " if line in ours else "kernel ") + line for line in sorted(ours ^ kernel)]


def fields(line, *left_out):
    return " ".join(field for i, field in enumerate(line.split()) if i not in left_out)


def check(image, kernel):
    """Compares one image. Returns the differing lines, the share of entries that need the log, and a sentence."""
    stale = {fields(line, CONTENTS) for line in manifest(image, "-l", "-n")[0]}
    ours, said = manifest(image)
    share = sum(fields(line, CONTENTS) not in stale for line in kernel) / max(1, len(kernel))
    wrong = differences(ours, kernel)
    return wrong, share, f"{image.name}: {len(kernel)} entries, {share:.0%} need the log, {len(wrong)} differences; {said}"


def check_synced(taken):
    """The same for the image that was taken after sync. The kernel counts blocks that it has reserved in memory only."""
    ours, said = manifest(taken.synced)
    wrong = differences([fields(line, BLOCKS) for line in ours], [fields(line, BLOCKS) for line in taken.live])
    return wrong, f"{taken.synced.name}: {len(taken.live)} entries, {len(wrong)} differences; {said}"
