#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""FAT: written by mkfs.fat and mtools, judged by sleuthkit's fls and icat, and by the files that were put in."""
import os
import random
import stat
import subprocess
import sys

import reader
import tap

os.environ.update(LC_ALL="C.UTF-8", MTOOLS_SKIP_CHECK="1", TZ="UTC")


def run(*command):
    return subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def tree(top, big):
    """Files below a folder, and their contents by path."""
    dice = random.Random(1)
    files = {"UPPER.TXT": b"u", "lower.txt": b"l", "Mixed.Txt": b"m", ".hidden": b"", "no suffix": b"n" * 700,
             "a long name with \u00fcml\u00e4uts and \u6f22\u5b57.conf": b"long", "EFI/BOOT/grub.cfg": b"set x\n", "x" * 120 + ".y": b"very long",
             "sub folder/empty": b"", "big": dice.randbytes(big)}
    files.update({f"EFI/many/file number {i}.conf": b"%d" % i for i in range(70)})
    for name, data in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1700000000 + 2 * len(name),) * 2)
    return files


def fls(image):
    """What sleuthkit sees: path -> (is a folder, its number)."""
    out = {}
    for line in run("fls", "-u", "-r", "-p", image).decode().splitlines():
        kind, number, name = line.replace(":\t", " ", 1).split(" ", 2)
        if kind in ("r/r", "d/d") and "(Volume Label Entry)" not in name:
            out[name] = kind == "d/d", number
    return out


def check(folder, bits, size, big, *options):
    image, top = folder / "image", folder / "tree"
    files = tree(top, big)
    run("truncate", "-s", size, image)
    run("mkfs.fat", "-F", bits, "-n", f"LABEL{bits}", *options, image)
    run("mcopy", "-s", "-m", "-i", image, *top.iterdir(), "::")
    run("mattrib", "+r", "-i", image, "::UPPER.TXT")
    run("mdel", "-i", image, "::EFI/many/file number 7.conf")
    del files["EFI/many/file number 7.conf"]
    judge = fls(image)
    with reader.Reader(image) as r:
        assert r.partitions()[2][0]["content"] == "vfat"
        r.open()
        assert (r.kind, r.label) == ("vfat", f"LABEL{bits}"), (r.kind, r.label)
        seen, pending = {}, [(r.root, "")]
        while pending:
            inode, shown = pending.pop()
            for name, a in r.readdir(inode, 1024):
                path = shown + name.decode()
                seen[path] = a
                if stat.S_ISDIR(a.mode):
                    pending.append((a.inode, path + "/"))
        assert {p: stat.S_ISDIR(a.mode) for p, a in seen.items()} == {p: f for p, (f, _) in judge.items()}, set(seen) ^ set(judge)
        assert {p for p, a in seen.items() if stat.S_ISREG(a.mode)} == set(files), set(seen) ^ set(files)
        for path, data in files.items():
            a = seen[path]
            assert b"".join(r.contents(a.inode, a.size)) == data == run("icat", image, judge[path][1]), path
            assert a.mtime[0] == os.stat(top / path).st_mtime // 2 * 2, (path, a.mtime)
            assert a.mode == stat.S_IFREG | (0o555 if path == "UPPER.TXT" else 0o755), (path, oct(a.mode))
        assert seen["EFI"].nlink == 4 and r.stat(r.root).nlink == 4, (seen["EFI"].nlink, r.stat(r.root).nlink)
        found = r.path("efi/Boot/GRUB.CFG")  # as the kernel does it
        assert found.inode == seen["EFI/BOOT/grub.cfg"].inode
        assert len(r.blocks) < 20 + big // reader.BLOCK


def test_fat12(folder):
    check(folder, 12, "4M", 300000)


def test_fat16(folder):
    check(folder, 16, "40M", 1500000, "-s", 4)


def test_fat32(folder):
    check(folder, 32, "80M", 700000, "-s", 1)


def test_fat32_sectors_of_4096(folder):
    check(folder, 32, "300M", 50000, "-s", 1, "-S", 4096)


def test_damaged_chain(folder):
    """A file whose clusters lead in a circle or end early; a folder that contains itself."""
    image = folder / "image"
    top = folder / "tree"
    tree(top, 100000)
    run("truncate", "-s", "4M", image)
    run("mkfs.fat", "-F", 12, "-s", 4, image)
    run("mcopy", "-s", "-i", image, *top.iterdir(), "::")
    data = bytearray(image.read_bytes())
    table = 512 * int.from_bytes(data[14:16], "little")
    dice = random.Random(2)
    for _ in range(12):
        for _ in range(20):
            data[table + dice.randrange(6000)] = dice.randrange(256)
        image.write_bytes(data)
        with reader.Reader(image) as r:
            try:
                r.open()
                r.manifest()
            except reader.Failed:
                pass


tap.run(sys.modules[__name__])
