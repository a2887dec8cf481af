# SPDX-License-Identifier: MIT
"""files/: the files on snapshots' disks, against the trees that they were made of and the kernel's own mounts."""
import ctypes
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from errno import EACCES, EBUSY, EDQUOT, EIO, ENOENT, ENOTDIR, ENXIO, EOPNOTSUPP, EPERM

import harness
from harness import Skip, case, check, contains, read, refused, same, until, write
from world import BARE, ENCRYPTED, GIB, KEY, NIGHTLY, PENDING, PUBLIC, SEED, snapshot

REGION = "us-east-1"
TUESDAY, ARCHIVED = "snap-0a1b2c3d4e5f60719", "snap-0a1b2c3d4e5f60720"
NAMES = [b"plain", b"two words", b"line\nbreak", b"\xff\xfe bytes", b"x" * 255, b"-n", b"..."]
MIB = 1 << 20


def fill(root):
    """A tree with a bit of everything that a user without rights can make."""
    os.makedirs(f"{root}/etc/deep/er", mode=0o750)
    os.makedirs(f"{root}/many")
    write(f"{root}/etc/fstab", "LABEL=demo / ext4 defaults 0 1\n", 0o640)
    write(f"{root}/etc/lost", "do not lose me\n")
    write(f"{root}/empty", "")
    for i in range(1200):
        write(f"{root}/many/{i:04}", f"{i}\n" * (i % 9))
    for name in NAMES:
        with open(os.fsencode(root) + b"/etc/deep/" + name, "wb") as f:
            f.write(name)
    with open(f"{root}/big", "wb") as f:
        f.write(bytes(i * 7 % 251 for i in range(1 << 16)) * 48 + b"end")
    with open(f"{root}/sparse", "wb") as f:
        f.truncate(64 * MIB)
        f.seek(20 * MIB)
        f.write(b"island" * 1000)
    os.link(f"{root}/big", f"{root}/etc/big")
    os.symlink("/nowhere/at all", f"{root}/absolute")
    os.symlink("etc/fstab", f"{root}/relative")
    os.symlink("y" * 900, f"{root}/long")
    os.utime(f"{root}/etc/fstab", ns=(1700000000123456789, 1600000000987654321))


def view(top):
    """Path -> what a kernel mount and a tree agree on."""
    out = {}
    for folder, folders, files in os.walk(os.fsencode(top)):
        for name in folders + files:
            path = os.path.join(folder, name)
            s = os.lstat(path)
            shown = os.path.relpath(path, os.fsencode(top))
            if shown == b"lost+found":
                continue
            value = None
            if stat.S_ISLNK(s.st_mode):
                value = os.readlink(path)
            elif stat.S_ISREG(s.st_mode):
                with open(path, "rb") as f:
                    value = f.read()
            size = 0 if stat.S_ISDIR(s.st_mode) else s.st_size
            links = 0 if stat.S_ISDIR(s.st_mode) else s.st_nlink
            out[shown] = (oct(s.st_mode), links, s.st_uid, s.st_gid, size, s.st_mtime_ns, value)
    return out


def agree(got, wanted, whole_seconds=True):
    """mke2fs -d keeps whole seconds."""
    same(sorted(got), sorted(wanted))
    for path in wanted:
        g, w = ((*v[:5], v[5] // 10**9 if whole_seconds else v[5]) for v in (got[path], wanted[path]))
        same(g, w, path)
        check(got[path][6] == wanted[path][6], "contents of", path)


def ext4(path, tree, size="96M"):
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, path, size], check=True, stdout=subprocess.DEVNULL)
    os.truncate(path, 8 * GIB)


def table(path, parts):
    """A GPT with file systems of 96 MiB each; parts: images, or the magic of something else by its offset. sfdisk would sync the whole machine."""
    with open(path, "wb") as f:
        f.truncate(8 * GIB)
    lines = "label: gpt\n" + "".join(f"start={(1 + 128 * i) * 2048}, size={128 * 2048}\n" for i in range(len(parts)))
    subprocess.run(["eatmydata", "/usr/sbin/sfdisk", "-q", path], input=lines.encode(), check=True)
    with open(path, "r+b") as f:
        for i, part in enumerate(parts):
            start = (1 + 128 * i) * MIB
            if isinstance(part, str):
                subprocess.run(["dd", "status=none", f"if={part}", f"of={path}", "bs=1M", f"seek={start // MIB}", "count=96", "conv=notrunc,sparse"], check=True)
            else:
                f.seek(start + part[0])
                f.write(part[1])


def account(t, *args, **more):
    folder = t.path("images")
    os.makedirs(folder, exist_ok=True)
    world = {**SEED, "regions": {**SEED["regions"]}}
    there = world["regions"][REGION] = {**SEED["regions"][REGION]}
    there["snapshots"] = there["snapshots"] + [snapshot(TUESDAY, StartTime="2026-11-21T03:00:12.000Z"), snapshot(ARCHIVED, StorageTier="archive")]
    world.update(more)
    return t.start_sim("--disks", folder, *args, world=world)


def disk(t):
    """NIGHTLY's disk is an ext4 of the tree `tree`."""
    fill(t.path("tree"))
    os.makedirs(t.path("images"))
    ext4(t.path("images", f"{NIGHTLY}.img"), t.path("tree"))
    account(t)


def files(m, id=NIGHTLY, *parts):
    return m("regions", REGION, "files", id, *parts)


def reason(m):
    return read(m(".ebsfs/last-error")).split("\n\n")[0]


def readers(m):
    """The processes of ebsfs-reader that a mount has started."""
    out = subprocess.run(["ps", "--ppid", str(m.process.pid), "-o", "pid=,comm="], stdout=subprocess.PIPE, text=True).stdout
    return [int(line.split()[0]) for line in out.splitlines() if "ebsfs-reader" in line]


@case
def the_tree_that_was_put_in(t):
    disk(t)
    m = t.mount()
    m.allow("")
    top = files(m, NIGHTLY, "disk")
    agree(view(top), view(t.path("tree")))
    same(os.stat(f"{top}/big").st_ino, os.stat(f"{top}/etc/big").st_ino)
    check(os.stat(f"{top}/big").st_ino != os.stat(f"{top}/empty").st_ino)
    same(sorted(os.listdir(files(m))), ["disk", "partitions"])
    contains(read(files(m, NIGHTLY, "partitions")), "file system: ext4\nopened: clean\n")
    refused(ENOENT, os.stat, f"{top}/none")
    refused(ENOENT, os.stat, files(m, NIGHTLY, "1"))
    refused(ENOTDIR, os.stat, f"{top}/empty/x")
    t.ok(f"cp {top}/etc/lost {t.path('back')} && cmp {t.path('back')} {t.path('tree')}/etc/lost")
    t.ok(f"tar cf - -C {top} . | tar df - -C {t.path('tree')} --exclude=lost+found 2>&1 | grep -v 'Mode differs\\|Uid differs\\|Gid differs\\|Mod time\\|lost+found' | grep . && exit 1; exit 0")


@case
def holes(t):
    disk(t)
    m = t.mount()
    fd = os.open(files(m, NIGHTLY, "disk", "sparse"), os.O_RDONLY)
    start = os.lseek(fd, 0, os.SEEK_DATA)
    end = os.lseek(fd, start, os.SEEK_HOLE)
    check(start == 20 * MIB and 20 * MIB + 6000 <= end <= 20 * MIB + 8192, start, end)
    refused(ENXIO, os.lseek, fd, end, os.SEEK_DATA)
    same(os.lseek(fd, end, os.SEEK_HOLE), end)
    refused(ENXIO, os.lseek, fd, 64 * MIB, os.SEEK_HOLE)
    same(os.pread(fd, 100, 64 * MIB - 10), bytes(10))
    os.close(fd)
    t.ok(f"cp {files(m, NIGHTLY, 'disk', 'sparse')} {t.path('copy')}")
    check(os.stat(t.path("copy")).st_blocks * 512 <= MIB, "the copy is not sparse")


@case
def nothing_can_be_changed(t):
    disk(t)
    m = t.mount()
    m.allow("")
    top = files(m, NIGHTLY, "disk")
    for how in ("touch empty", "touch new", "mkdir new", "rm empty", "rmdir many", "mv empty new", "ln empty new", "ln -s x new", "chmod 777 empty",
                "truncate -s 5 empty", "echo x > empty", "echo x >> big", "mkfifo new", "mv empty ..", "cp empty /dev/stdout > ../new", "rm -rf etc"):
        check(subprocess.run(how, shell=True, cwd=top, stderr=subprocess.DEVNULL).returncode != 0, how)
    for how in (lambda: os.unlink(f"{top}/empty"), lambda: os.rename(f"{top}/empty", f"{top}/new"), lambda: os.mkdir(f"{top}/new"),
                lambda: os.rmdir(f"{top}/many"), lambda: os.unlink(files(m, NIGHTLY, "partitions"))):
        refused(EPERM, how)
        contains(reason(m), "copy them out of the mount")
    agree(view(top), view(t.path("tree")))


@case
def partitions(t):
    fill(t.path("tree"))
    os.makedirs(t.path("images"))
    ext4(t.path("one"), t.path("tree"))
    table(t.path("images", f"{NIGHTLY}.img"), [t.path("one"), (512, b"LABELONE" + bytes(16) + b"LVM2 001"), (4086, b"SWAPSPACE2"), t.path("one")])
    account(t)
    m = t.mount()
    m.allow("")
    same(sorted(os.listdir(files(m))), ["1", "4", "partitions"])
    refused(EOPNOTSUPP, os.listdir, files(m, NIGHTLY, "2"))
    contains(reason(m), "LVM")
    parts = read(files(m, NIGHTLY, "partitions")).split("\n\n")
    same(len(parts), 5)
    same(parts[0], f"disk: regions/{REGION}/disks/{NIGHTLY}.img\ntable: GPT")
    contains(parts[1], "partition: 1\n")
    contains(parts[1], "\nopened: ")
    contains(parts[2], "file system: LVM2\n")
    contains(parts[2], ".rw")
    contains(parts[2], "vgchange -ay")
    contains(parts[3], "file system: swap\n")
    agree(view(files(m, NIGHTLY, "4")), view(t.path("tree")))


@case
def two_nights(t):
    disk(t)
    write(t.path("tree", "etc/fstab"), "LABEL=demo / ext4 defaults,discard 0 1\n")
    os.unlink(t.path("tree", "etc/lost"))
    ext4(t.path("images", f"{TUESDAY}.img"), t.path("tree"))
    m = t.mount()
    done = t.run(f"diff -r --no-dereference {files(m)}/disk {files(m, TUESDAY)}/disk")
    same(done.code, 1)
    contains(done.out, "Only in " + files(m, NIGHTLY, "disk", "etc") + ": lost")
    contains(done.out, "> LABEL=demo / ext4 defaults,discard 0 1")
    same(done.out.count("Only in"), 1)
    same(done.out.count("\ndiff ") + done.out.startswith("diff "), 1)


@case
def nothing_is_read_from_above(t):
    disk(t)
    m = t.mount("ttl=3600")
    t.ok("cd ..; ls -lR . >/dev/null; find . >/dev/null; du -s . >/dev/null; tar cf - regions 2>/dev/null | wc -c; true", seconds=300)
    t.ok(f"ls -l {m('regions', REGION, 'files')} >/dev/null; ls -ld {files(m)} >/dev/null")
    same((t.sim.count("GetSnapshotBlock"), t.sim.count("ListSnapshotBlocks")), (0, 0))
    same(readers(m), [])
    t.ok(f"ls {files(m)}/disk && cat {files(m)}/disk/etc/fstab")
    check(t.sim.count("GetSnapshotBlock") <= 8, t.sim.count("GetSnapshotBlock"), "blocks")


@case
def refusals(t):
    disk(t)
    m = t.mount("timeout=5")
    m.allow("")
    for id, errno, words in [(PENDING, EBUSY, "once it is completed"), (ARCHIVED, EOPNOTSUPP, "archived"), (PUBLIC, EOPNOTSUPP, "public")]:
        refused(errno, os.listdir, files(m, id))
        contains(reason(m), words)
    refused(ENOENT, os.stat, files(m, "snap-09999999999999999"))
    refused(ENOENT, os.stat, files(m, "other"))


@case
def without_kms_decrypt(t):
    key = {"access_key": "AKIANOKMS00000000001", "secret": "may not decrypt", "deny": ["kms:*"]}
    fill(t.path("tree"))
    os.makedirs(t.path("images"))
    ext4(t.path("images", f"{ENCRYPTED}.img"), t.path("tree"))
    account(t, keys=[key])
    t.env.update(AWS_ACCESS_KEY_ID=key["access_key"], AWS_SECRET_ACCESS_KEY=key["secret"])
    m = t.mount()
    m.allow("")
    refused(EACCES, os.listdir, files(m, ENCRYPTED))
    contains(reason(m), "kms:Decrypt")
    contains(reason(m), KEY)


@case
def budget(t):
    disk(t)
    m = t.mount("budget=0.000009", "cache=none")
    m.allow("")
    refused(EDQUOT, os.listdir, files(m, NIGHTLY, "disk"))
    contains(reason(m), "budget")
    write(m(".ebsfs/budget"), "1\n")
    agree(view(files(m, NIGHTLY, "disk")), view(t.path("tree")))


@case
def readers_are_killed(t):
    disk(t)
    m = t.mount()
    m.allow("")
    top = files(m, NIGHTLY, "disk")
    look = "import os, sys\nfor i in range(10**6):\n  try: os.stat(f'{sys.argv[1]}/many/none-{i}')\n  except OSError as e: e.errno in (2, 5) or sys.exit(1)"
    walk = subprocess.Popen([sys.executable, "-c", look, top])
    killed = 0
    while killed < 30:
        for pid in readers(m):
            try:
                os.kill(pid, 9)
                killed += 1
            except ProcessLookupError:
                pass
    same(walk.poll(), None)
    walk.kill()
    walk.wait()

    def listed():
        """The last kill may still cost a request."""
        try:
            return os.listdir(top)
        except OSError:
            return None

    until(listed, "the folder is listed again")
    agree(view(top), view(t.path("tree")))


def getdents(fd):
    """The names of one getdents64()."""
    buf = ctypes.create_string_buffer(4096)
    n = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(217 if os.uname().machine == "x86_64" else 61), fd, buf, len(buf))
    if n < 0:
        raise OSError(ctypes.get_errno(), "getdents64")
    names, at = [], 0
    while at < n:
        length = int.from_bytes(buf[at + 16:at + 18], "little")
        names.append(buf[at + 19:at + length].split(b"\0")[0].decode())
        at += length
    return names


@case
def a_folder_from_its_beginning_after_an_error(t):
    """The rest of an earlier batch is not taken for the beginning."""
    disk(t)
    m = t.mount()
    fd = os.open(files(m, NIGHTLY, "disk", "many"), os.O_RDONLY)
    first = getdents(fd)
    check(len(first) < 1000, len(first))
    os.lseek(fd, 0, os.SEEK_SET)
    for pid in readers(m):
        os.kill(pid, signal.SIGSTOP)
        threading.Timer(0.5, os.kill, (pid, signal.SIGKILL)).start()
    refused(EIO, getdents, fd)
    names = []
    while more := getdents(fd):
        names += more
    os.close(fd)
    same(names[:len(first)], first)
    same(sorted(names), sorted([".", "..", *os.listdir(t.path("tree", "many"))]))


@case
def readers_that_misbehave(t):
    disk(t)
    os.makedirs(t.path("build/fs"))
    os.makedirs(t.path("build/contents"))
    shutil.copy(harness.EBSFS, t.path("build/fs/ebsfs"))
    good = os.path.join(os.path.dirname(harness.EBSFS), "../contents/ebsfs-reader")
    harness.EBSFS = t.path("build/fs/ebsfs")
    fake = t.path("build/contents/ebsfs-reader")
    write(fake, "#!/bin/sh\nexit 3\n", 0o755)
    m = t.mount()
    m.allow("")
    for body, words in [("exit 3", "ended with status 3"), ("kill -SEGV $$", "ended by signal 11"), ("exec /bin/cat 1>&0", "broke the protocol"),
                        ("exec /usr/bin/head -c 99999 /dev/zero 1>&0", "broke the protocol")]:
        write(fake + ".new", f"#!/bin/sh\n{body}\n", 0o755)
        os.rename(fake + ".new", fake)
        refused(EIO, os.listdir, files(m))
        contains(reason(m), words)
    os.unlink(fake)
    refused(EIO, os.listdir, files(m))
    contains(reason(m), "install ebsfs again")
    shutil.copy(good, fake)
    agree(view(files(m, NIGHTLY, "disk")), view(t.path("tree")))


@case
def the_log_of_a_volume_in_use(t):
    """Two copies of a mounted file system's device, after writes and an fsync: the kernel's recovery and ebsfs agree."""
    if os.getuid():
        raise Skip("needs root: a kernel mount")
    os.makedirs(t.path("images"))
    os.makedirs(t.path("k"))
    for id, make in ((NIGHTLY, ["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4"]), (BARE, ["/usr/sbin/mkfs.xfs", "-q"])):
        image = t.path("images", f"{id}.img")
        with open(image, "wb") as f:
            f.truncate(GIB)
        subprocess.run([*make, image], check=True)
        subprocess.run(["mount", "-o", "loop", image, t.path("k")], check=True)
        try:
            fill(t.path("k", "work"))
            subprocess.run(["sync", "-f", t.path("k")], check=True)
            for i in range(0, 1200, 3):
                os.unlink(t.path("k", "work", "many", f"{i:04}"))
            write(t.path("k", "work", "new"), "written last\n")
            fd = os.open(t.path("k", "work", "new"), os.O_RDONLY)
            os.fsync(fd)
            os.close(fd)
            subprocess.run(["cp", "--sparse=always", image, t.path("crashed")], check=True)
        finally:
            subprocess.run(["umount", t.path("k")], check=True)
        os.rename(t.path("crashed"), image)
        shutil.copyfile(image, t.path(f"{id}.copy"))
        os.truncate(image, (8 if id == NIGHTLY else 1) * GIB)
    account(t)
    m = t.mount()
    for id in (NIGHTLY, BARE):
        subprocess.run(["mount", "-o", "loop", t.path(f"{id}.copy"), t.path("k")], check=True)
        try:
            wanted = view(t.path("k", "work"))
        finally:
            subprocess.run(["umount", t.path("k")], check=True)
        check(b"new" in wanted and b"many/0000" not in wanted, "the kernel's recovery")
        agree(view(files(m, id, "disk", "work")), wanted, whole_seconds=False)
        contains(read(files(m, id, "partitions")), "opened: log replayed")
