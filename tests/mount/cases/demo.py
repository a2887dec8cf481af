# SPDX-License-Identifier: MIT
"""scripts/demo, from its beginning to its end, with the ebsfs that is tested."""
import os
import subprocess
from pathlib import Path

from harness import EBSFS, ROOT, case, check, contains, matches, same


@case
def once(t):
    """Looks around, copies a snapshot, watches the copy, and leaves nothing behind."""
    where = t.path("demo")
    os.makedirs(where)
    done = t.run(f"{ROOT}/scripts/demo --once {where}", cwd="/", seconds=60, env={"EBSFS_BUILD": str(Path(EBSFS).parents[1]), "TMPDIR": t.dir})
    same((done.code, done.err), (0, ""), done)
    for command in ("ebsfs -o simulate,", "ls -lht", "cut -c -150 ", "ls -t ", "cp ", "fusermount3 -u "):
        contains(done.out, f"\n$ {command}")
    matches(done.out, r"^STARTED +ID +SIZE", "the table")
    matches(done.out, r" latest -> ", "the newest of a name")
    contains(done.out, "\nstate: completed\n")
    matches(done.out, r"^completed +100% ", "the table of copies")
    same(os.listdir(where), [])
    same([n for n in os.listdir(t.dir) if n.startswith("ebsfs-demo-state")], [], "its state")
    check(where not in subprocess.check_output(["cat", "/proc/self/mounts"], text=True), "still mounted")
