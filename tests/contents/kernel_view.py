# SPDX-License-Identifier: MIT
"""The entries of a mounted file system, as contents-manifest prints those of an image."""
import hashlib
import os
import stat

def quoted(name):
    return "".join(chr(b) if 0x20 < b < 0x7F and b != 0x25 else f"%{b:02x}" for b in name)

def digest(path):
    sum = hashlib.sha256()
    with open(path, "rb") as f:
        while data := f.read(1 << 20):
            sum.update(data)
    return sum.hexdigest()

def line(path, shown):
    s = os.lstat(path)
    value = "-"
    if stat.S_ISREG(s.st_mode):
        value = digest(path)
    elif stat.S_ISLNK(s.st_mode):
        value = "->" + quoted(os.readlink(path)) + "-"

    def time(ns):
        return f"{ns // 10**9}.{ns % 10**9:09d}"
    return (f"{shown} {s.st_mode:o} {s.st_nlink} {s.st_uid} {s.st_gid} {s.st_size} {s.st_blocks} {time(s.st_atime_ns)} {time(s.st_mtime_ns)} {time(s.st_ctime_ns)} "
            f"{os.major(s.st_rdev)}:{os.minor(s.st_rdev)} {s.st_ino} {value}")

def lines(top):
    """One line for every entry below the folder `top` of a mount."""
    out = []
    pending = [(os.fsencode(top), "/")]
    while pending:
        folder, shown = pending.pop()
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            out.append(line(path, shown + quoted(name)))
            if stat.S_ISDIR(os.lstat(path).st_mode):
                pending.append((path, shown + quoted(name) + "/"))
    return sorted(out)
