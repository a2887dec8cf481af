# SPDX-License-Identifier: MIT
"""How many blocks of 512 KiB of a clean image are read for ls, cat, find and a file of 10 MB: by ebsfs-reader, and by the kernel's loop
mount of the same image, whose reads are seen in the page cache of its file. Needs root and loop devices."""
import ctypes
import mmap
import os
import subprocess

import crash
import reader

ENTRIES = 20000
MAKE = {"ext4": ["mkfs.ext4", "-q"], "xfs": ["mkfs.xfs", "-q"]}
LIMIT = {"ls": 8, "cat": 8, "copy": 27}
HEAD = {"ext4": 0, "xfs": 8}  # to find the head of the log
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p


def make(kind, image):
    """A tree like that of a small system: 20,000 entries and a file of 10 MB."""
    subprocess.run(["truncate", "-s", "8G", image], check=True)
    subprocess.run([*MAKE[kind], image], check=True)
    top = crash.mounted(image)
    n = 3
    os.mkdir(top / "etc")
    (top / "etc/fstab").write_text("/dev/sda1 / ext4 defaults 0 1\n")
    folder = top
    while n < ENTRIES:
        if n % 61 == 0:
            folder = top / f"d{n % 19}" / f"e{n}"
            folder.mkdir(parents=True)
        (folder / f"file-{n}").write_bytes(b"%d\n" % n * (n % 1500))
        n += 1
    (top / "big").write_bytes(os.urandom(10 << 20))
    subprocess.run(["umount", top], check=True)


def cached(image):
    """The blocks of a file that are in the page cache."""
    size = os.path.getsize(image)
    pages = size // 4096
    seen = (ctypes.c_ubyte * pages)()
    with open(image, "rb") as f:
        address = ctypes.c_void_p(libc.mmap(None, ctypes.c_size_t(size), mmap.PROT_READ, mmap.MAP_SHARED, f.fileno(), ctypes.c_long(0)))
        if libc.mincore(address, ctypes.c_size_t(size), seen):
            raise OSError(ctypes.get_errno(), "mincore")
        libc.munmap(address, ctypes.c_size_t(size))
    resident = bytes(b & 1 for b in bytes(seen))
    per = reader.BLOCK // 4096
    return sum(1 in resident[i:i + per] for i in range(0, pages, per))


def kernel(image, act):
    """The blocks that the kernel reads for a command, from a fresh mount on."""
    subprocess.run(["sync", image], check=True)
    with open(image, "rb") as f:
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    before = cached(image)
    top = crash.mounted(image, "ro,noatime")
    try:
        subprocess.run(act, cwd=top, check=True, stdout=subprocess.DEVNULL)
        return cached(image) - before
    finally:
        subprocess.run(["umount", top], check=True)


def ours(image, act):
    with reader.Reader(image) as r:
        r.open()
        act(r)
        return len(r.blocks), r.rounds


def copy(r, path):
    found = r.path(path)
    return sum(len(piece) for piece in r.contents(found.inode, found.size))


def check(kind, scratch):
    """Sentences: the figures, and what is wrong."""
    image = scratch / f"blocks-{kind}.img"
    make(kind, image)
    acts = {"ls": (lambda r: list(r.readdir(r.root)), ["ls"]), "cat": (lambda r: copy(r, "etc/fstab"), ["cat", "etc/fstab"]),
            "find": (lambda r: r.manifest(contents=False), ["find", ".", "-newer", "."]), "copy": (lambda r: copy(r, "big"), ["cat", "big"])}
    figures, wrong = [], []
    for name, (act, command) in acts.items():
        theirs = kernel(image, command)
        blocks, rounds = ours(image, act)
        most = LIMIT[name] + HEAD[kind] if name in LIMIT else 1.1 * theirs
        figures.append(f"{name} {blocks} in {rounds} rounds (kernel {theirs})")
        if blocks > most:
            wrong.append(f"{name}: {blocks} blocks, {most:.0f} at most")
    image.unlink()
    return f"{kind}: " + ", ".join(figures), wrong
