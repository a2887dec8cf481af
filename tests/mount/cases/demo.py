# SPDX-License-Identifier: MIT
"""scripts/demo, from its beginning to its end, with the ebsfs that is tested; and what it builds with."""
import os
import shutil
import socket
import subprocess
from pathlib import Path

from harness import EBSFS, ROOT, Skip, case, check, contains, matches, same

BUILT = {"EBSFS_BUILD": str(Path(EBSFS).parents[1])}
USER = 65534


@case
def leaves_nothing_behind(t):
    """Looks around, copies a snapshot, watches the copy. Then --once has unmounted, and the last line of a demo without it does so, also from
    a shell inside the mount. Both run side by side, since each waits for its copy."""
    where, runtime = t.path("demo"), t.path("runtime")
    for path in (where, runtime):
        os.makedirs(path)
    before = sorted(os.listdir(t.dir))
    t.closers.append(lambda: [subprocess.run(["fusermount3", "-u", "-z", p], capture_output=True) for p in (where, *Path(runtime).glob("*"))])
    demo = f"{ROOT}/scripts/demo"
    done = t.run(f"once=$({demo} --once {where}) & {demo}; wait $! || exit 1", cwd="/", seconds=110,
                 env={**BUILT, "TMPDIR": t.dir, "XDG_RUNTIME_DIR": runtime})
    same((done.code, done.err), (0, ""), done)
    for command in ("ebsfs -o simulate ", "ls -lht", "cut -c -150 ", "ls -t ", "blkid -p ", "cp "):
        contains(done.out, f"\n$ {command}")
    matches(done.out, r"disks/snap-.*\.img: .*TYPE=\"ext4\"", "the disk")
    matches(done.out, r"^spent: 0\.0000[0-9]+ USD", "its costs")
    matches(done.out, r"^STARTED +ID +SIZE", "the table")
    matches(done.out, r" latest -> ", "the newest of a name")
    contains(done.out, "\nstate: completed\n")
    matches(done.out, r"^completed +copy +100% ", "the table of copies")
    matches(done.out, r"^available +volume ", "the volume in it")
    matches(done.out, r"^next: aws ec2 attach-volume ", "what to do with it")
    same(os.listdir(where), [])
    check(where not in subprocess.check_output(["cat", "/proc/self/mounts"], text=True), "still mounted")
    mounted = os.listdir(runtime)
    same(len(mounted), 1, mounted)
    t.ok(done.out.splitlines()[-1], cwd=f"{runtime}/{mounted[0]}/regions")
    same(os.listdir(runtime), [])
    same(sorted(os.listdir(t.dir)), before)
    same([n for n in os.listdir(t.path("home")) if n != ".aws"], [], "in the home folder")


@case
def no_device(t):
    """Without /dev/fuse the demo says so before it installs or compiles."""
    if os.getuid() != 0:
        raise Skip("only root can hide /dev/fuse")
    shutil.copytree(ROOT / "scripts", t.path("tree/scripts"))
    closed = socket.socket(socket.AF_UNIX)
    closed.bind(t.path("no-device"))  # open() of a socket's name fails
    t.closers.append(closed.close)
    done = t.run(f"unshare -m sh -c 'mount --bind {t.path('no-device')} /dev/fuse && {t.path('tree/scripts/demo')} --once'", cwd="/")
    same(done.code, 1, done)
    same(done.out, "", done)
    contains(done.err, "/dev/fuse cannot be opened")
    contains(done.err, "modprobe fuse")
    same(os.listdir(t.path("tree")), ["scripts"])


@case
def files_belong_to_the_trees_owner(t):
    """sudo scripts/demo, then scripts/build as the user: root compiles as the owner of the tree, and mends an earlier root's folder."""
    if os.getuid() != 0:
        raise Skip("only root can become another user")
    tree = t.path("tree")
    shutil.copytree(ROOT / "scripts", f"{tree}/scripts")
    Path(f"{tree}/meson.build").write_text("project('p', 'c')\nexecutable('p', 'p.c', install: true)\nexecutable('test-p', 'p.c')\n")
    Path(f"{tree}/p.c").write_text("int main(void)\n{\n\treturn 0;\n}\n")
    os.chmod(t.dir, 0o755)
    for path in (tree, *map(str, Path(tree).rglob("*"))):
        os.chown(path, USER, USER)
    as_user = f"setpriv --reuid {USER} --regid {USER} --clear-groups env HOME=/nonexistent CCACHE_DISABLE=1 "

    def owners():
        return {os.lstat(p).st_uid for p in Path(tree).rglob("*")}

    out = t.ok(f"CCACHE_DISABLE=1 {tree}/scripts/compile build", cwd="/")
    matches(out, r"^Compiling into build: 2 of 2$")
    same(owners(), {USER})
    check(not os.path.exists(f"{tree}/build/test-p"), "only what is installed")
    Path(f"{tree}/p.c").touch()
    t.ok(f"{as_user} {tree}/scripts/compile build", cwd="/")
    os.chown(f"{tree}/build", 0, 0)
    done = t.run(f"{as_user} {tree}/scripts/compile build", cwd="/")
    same(done.code, 1, done)
    contains(done.err, f"sudo rm -r {tree}/build")
    t.ok(f"{tree}/scripts/compile build", cwd="/")
    same(owners(), {USER})
