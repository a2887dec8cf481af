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
SETS = {
    "xfs": ["mkfs.xfs", "-q"],
    "xfs-new": ["mkfs.xfs", "-q", "-i", "nrext64=1", "-m", "rmapbt=1", "-d", "agcount=2"],
    "xfs-1k": ["mkfs.xfs", "-q", "-b", "size=1024", "-n", "size=8192"],
    "xfs-log": ["mkfs.xfs", "-q", "-l", "size=64m,su=256k"],
    "xfs-64k": ["mkfs.xfs", "-q", "-n", "size=65536", "-i", "size=1024"],
}
MOUNT = {"xfs-log": "logbsize=256k"}
WORKERS = 3


def run(*command):
    subprocess.run(command, check=True)


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


def take_images(scratch, name, n):
    """Images of one file system under load; the last one after it was unmounted."""
    base = scratch / f"{name}.img"
    run("truncate", "-s", SIZE, base)
    run(*SETS[name], base)
    folder = mounted(base, ",".join(filter(None, ["noatime", MOUNT.get(name)])))
    load = [subprocess.Popen([sys.executable, HERE / "load.py", folder / f"w{i}", str(int(time.time()) % 10000 * 10 + i)], stdin=subprocess.PIPE)
            for i in range(WORKERS)]
    images = []
    for i in range(n):
        time.sleep(2.3)
        image = scratch / f"{name}-{i}.img"
        run("cp", "--reflink=always", base, image)
        images.append(image)
    for process in load:
        process.stdin.close()
        process.wait()
    run("umount", folder)
    return [*images, base]


def manifest(image, *options):
    found = subprocess.run([MANIFEST, *options, image], capture_output=True, text=True)
    return sorted(found.stdout.splitlines()), found.stderr.strip()


def check(image):
    """Compares one image. Returns the differing lines, the share of entries that need the log, and a sentence."""
    stale, _ = manifest(image, "-l", "-n")
    stale = {" ".join(line.split()[:-1]) for line in stale}
    ours, said = manifest(image)
    copy = Path(str(image) + ".recovered")
    run("cp", "--reflink=always", image, copy)
    folder = mounted(copy)
    kernel = kernel_view.lines(folder)
    run("umount", folder)
    copy.unlink()
    changed = sum(" ".join(line.split()[:-1]) not in stale for line in kernel)
    share = changed / max(1, len(kernel))
    both = set(ours), set(kernel)
    differences = [("ours   " if line in both[0] else "kernel ") + line for line in sorted(both[0] ^ both[1])]
    return differences, share, f"{image.name}: {len(kernel)} entries, {share:.0%} need the log, {len(differences)} differences; {said}"
