#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ext2, ext3 and ext4 that are clean: written by mkfs and debugfs, judged by the files that were put in, and by sleuthkit's fls and icat."""
import errno
import os
import random
import subprocess
import sys

import kernel_view
import reader
import tap

os.environ["TZ"] = "UTC"


def run(*command, text=None):
    return subprocess.run([str(c) for c in command], check=True, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def tree(top, end=60 << 20):
    """Every type of file that needs no root, and names of every form. end: of the file with holes."""
    dice = random.Random(3)
    top.mkdir()
    files = {b"empty": b"", b"tiny": b"t", b"inline": b"i" * 100, b"one block": b"b" * 4096, b"more": dice.randbytes(30000), b"large": dice.randbytes(3 << 20),
             b"sub/sub/deep": b"d", b"new\nline": b"n", b"\xff\xfe not text": b"u", b"x" * 255: b"long", b"%": b"p"}
    files.update({b"many/file-%04d" % i + b"-" * (i % 90): b"%d" % i for i in range(700)})
    for name, data in files.items():
        path = os.path.join(os.fsencode(top), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
    with open(top / "holes", "wb") as f:
        for at in (70000, 5 << 20, 40 << 20):
            f.seek(at)
            f.write(b"data at %d" % at)
        f.truncate(end)
    for n in (1, 59, 60, 61, 255, 900):
        os.symlink("t" * n, top / f"link-{n}")
    os.symlink("/etc/passwd", top / "absolute")
    os.link(top / "tiny", top / "sub/same")
    os.chmod(top / "tiny", 0o4751)
    os.mkfifo(top / "fifo")
    os.utime(top / "inline", (0, -86400))


def fields(lines):
    """What mkfs takes over: no times but that of the last change, in seconds."""
    out = []
    for line in lines:
        name, mode, nlink, uid, gid, size, _, _, mtime, _, device, _, value = line.split()
        if name != "/lost+found":
            out.append(" ".join([name, mode, nlink, uid, gid, "-" if mode[:-4] == "4" else size, mtime.split(".")[0], device, value]))
    return sorted(out)


def check(folder, kind, *options, judge=True):
    top, image = folder / "tree", folder / "image"
    tree(top, end=(40 << 20) + 16 if "inline_data" in options else 60 << 20)  # mkfs forgets the hole at the end
    run("truncate", "-s", "64M", image)
    run(f"mkfs.{kind}", "-q", "-L", "a label", "-d", top, *options, image)
    with reader.Reader(image) as r:
        r.open()
        assert (r.kind, r.label, r.note) == (kind, "a label", ""), (r.kind, r.label, r.note)
        ours, theirs = fields(r.manifest()), fields(kernel_view.lines(top))
        assert ours == theirs, [*sorted(set(ours) ^ set(theirs))[:6]]
        same = r.path("sub/same")
        assert same.inode == r.path("tiny").inode and same.nlink == 2
        found = r.path("holes")
        kinds = {extent[3] for extent in r.extents(found.inode, found.size)}
        assert kinds == {reader.HOLE, reader.DISK} and found.blocks * 512 < 1 << 20, (kinds, found.blocks)
        assert len(list(r.readdir(r.path("many").inode, 1024))) == 700
        if judge:
            numbers = {}
            for line in run("fls", "-r", "-p", image).stdout.decode(errors="surrogateescape").splitlines():
                kind_, _, rest = line.partition(" ")
                number, _, name = rest.partition(":\t")
                numbers[name] = int(number)
            for name in ("sub/sub/deep", "many", "large", "fifo"):  # fls fails in "many": it knows no trees of extents there
                assert r.path(name).inode == numbers[name], name
            for name in ("large", "holes", "sub/same"):
                a = r.path(name)
                assert b"".join(r.contents(a.inode, a.size)) == run("icat", image, numbers[name]).stdout, name
    return image


def test_ext4(folder):
    check(folder, "ext4")


def test_ext4_inline_data(folder):
    image = check(folder, "ext4", "-O", "inline_data", judge=False)
    with reader.Reader(image) as r:
        a = r.open().path("inline")
        assert {e[3] for e in r.extents(a.inode, a.size)} == {reader.BYTES} and a.blocks == 1


def test_ext4_bigalloc_1k(folder):
    check(folder, "ext4", "-b", "1024", "-O", "bigalloc,^metadata_csum", "-C", "8192", judge=False)


def test_ext4_meta_bg(folder):
    check(folder, "ext4", "-O", "meta_bg,^resize_inode,metadata_csum_seed,large_dir")


def test_ext3(folder):
    check(folder, "ext3")


def test_ext2_1k_small_inodes(folder):
    check(folder, "ext2", "-b", "1024", "-I", "128")


def refused(image, error, *words):
    with reader.Reader(image) as r:
        try:
            r.open()
        except reader.Failed as e:
            assert e.errno == error and all(w in str(e) for w in words), e
            return
        raise AssertionError("it was opened")


def small(folder, *options):
    image = folder / "image"
    run("truncate", "-s", "16M", image)
    run("mkfs.ext4", "-q", "-F", *options, image)
    return image


def poke(image, offset, data):
    with open(image, "r+b") as f:
        f.seek(offset)
        f.write(data)


def test_refusals(folder):
    """Each by name: a feature that is not known, a journal elsewhere, a file system that was cut off."""
    image = small(folder, "-O", "^metadata_csum")
    poke(image, 1024 + 96, b"\xff\xff\xff\x7f")  # all incompatible features
    refused(image, errno.EOPNOTSUPP)
    image.unlink()
    image = small(folder)
    poke(image, 1024 + 120, b"\x01")  # the checksum covers this byte
    refused(image, errno.EIO, "checksum")
    image.unlink()
    image = small(folder)
    os.truncate(image, 8 << 20)
    refused(image, errno.EIO, "larger than its partition")
    image.unlink()
    image = small(folder, "-O", "journal_dev")
    refused(image, errno.EOPNOTSUPP, "journal")


def test_fast_commit(folder):
    """A journal in use with fast_commit is refused by name."""
    image = small(folder, "-O", "fast_commit,^metadata_csum")
    data = image.read_bytes()
    journal = data.index(b"\xc0\x3b\x39\x98\x00\x00\x00\x04")
    incompatible = int.from_bytes(data[journal + 40:journal + 44], "big")
    poke(image, journal + 40, (incompatible | 0x20).to_bytes(4, "big"))
    poke(image, journal + 28, (1).to_bytes(4, "big"))  # the log begins
    features = int.from_bytes(data[1024 + 96:1024 + 100], "little")
    poke(image, 1024 + 96, (features | 4).to_bytes(4, "little"))  # needs recovery
    refused(image, errno.EOPNOTSUPP, "fast_commit")


def test_times(folder):
    """Past 2038, and nanoseconds: as debugfs prints them."""
    image = small(folder, "-O", "^metadata_csum")
    extra = 1 | 123456789 << 2
    commands = [f"write {__file__} f", "set_inode_field f mtime @0xf4865700", f"set_inode_field f mtime_extra {extra}", "set_inode_field f crtime @1", "stat f"]
    said = run("debugfs", "-w", "-f", "-", image, text="\n".join(commands).encode()).stdout.decode()
    assert "2100" in said, said
    with reader.Reader(image) as r:
        a = r.open().path("f")
        assert a.mtime == (4102444800, 123456789) and a.birth[0] == 1, vars(a)


def test_encrypted(folder):
    """What fscrypt has encrypted is marked, and the rest is readable."""
    image = small(folder, "-O", "encrypt,^metadata_csum")
    secret = folder / "secret"
    secret.write_bytes(b"s" * 5000)
    commands = ["mkdir d", f"write {secret} f", f"write {secret} open", "set_inode_field d flags 0x80800", "set_inode_field f flags 0x80800"]
    run("debugfs", "-w", "-f", "-", image, text="\n".join(commands).encode())
    with reader.Reader(image) as r:
        r.open()
        for path, act in (("d", lambda a: list(r.readdir(a.inode))), ("f", lambda a: list(r.contents(a.inode, a.size)))):
            try:
                act(r.path(path))
                raise AssertionError("no error")
            except reader.Failed as e:
                assert e.errno == errno.ENOKEY and "fscrypt" in str(e), e
        a = r.path("open")
        assert b"".join(r.contents(a.inode, a.size)) == b"s" * 5000


tap.run(sys.modules[__name__])
