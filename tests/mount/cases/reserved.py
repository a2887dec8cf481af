# SPDX-License-Identifier: MIT
"""The names in a region's folder that are ebsfs's own, also those of later versions: no receipt gets one, and an old receipt makes room."""
import os
import sys
from errno import EEXIST, EINVAL, ENOENT, EPERM
from pathlib import Path

from harness import case, check, contains, read, refused, same, status
from world import BARE, NIGHTLY

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fault"))
import journal  # noqa: E402

NAMES = ["list", "list.json", "by", "filter", "shared", "disks", "files", "volumes", "images"]


@case
def new_receipts(t):
    m = t.mount()
    for name in NAMES:
        for command in (f"cp us-east-1/snapshots/{BARE}/{BARE}.snapshot eu-west-1/{name}", f"cat us-east-1/snapshots/{BARE}/{BARE}.snapshot > eu-west-1/{name}/x",
                        f"cp -r us-east-1/snapshots/{BARE} eu-west-1/{name}"):
            check(t.run(command).code != 0, "no failure:", command)
        t.ok(f"cp us-east-1/snapshots/{BARE}/{BARE}.snapshot eu-west-1/.draft")
        check(t.run(f"mv -T eu-west-1/.draft eu-west-1/{name}").code != 0, "mv to", name)
        contains(read(m(".ebsfs/last-error")), f"eu-west-1/{name}")
        refused((EINVAL, EEXIST, EPERM), os.mkdir, m.region("eu-west-1", name))
    same(t.sim.count("CopySnapshot"), 0, "copies")
    for name in NAMES:
        if not os.path.exists(m.region("eu-west-1", name)):  # a later version's
            refused(EINVAL, os.mkdir, m.region("eu-west-1", name))
            contains(read(m(".ebsfs/last-error")), f"ebsfs uses the name '{name}' itself; give the receipt another name")
    # Names like these, and these names elsewhere, are free.
    for name in ("lists", "by.snapshot", "snapshots/list"):
        t.ok(f"cp us-east-1/snapshots/{BARE}/{BARE}.snapshot eu-west-1/{name}")
        same(status(m.region("eu-west-1", name.removesuffix(".snapshot") + ".status"))["source"], f"us-east-1/{BARE}")
    same(t.sim.count("CopySnapshot"), 1, "copies")


@case
def receipts_of_an_earlier_version(t):
    m = t.mount()
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/a; cp us-east-1/snapshots/{BARE}/{BARE}.snapshot eu-west-1/b")
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/c; cp -r us-east-1/snapshots/{BARE} eu-west-1/d")
    text, pending = read(m.region("eu-west-1", "a")), status(m.region("eu-west-1", "a.status"))
    m.unmount()
    with journal.opened(t.path("state")) as db:
        for old, new in (("a", "list"), ("b", "list~1"), ("c", "images"), ("d", "by")):
            db.execute("UPDATE receipts SET name = ? WHERE name = ?", (new, old))
    for _ in range(2):
        m = t.mount()
        # `list~1` was another receipt's own name.
        same(sorted(n for n in os.listdir(m.region("eu-west-1")) if not n.endswith((".status", ".copy"))),
             ["by~1", "images~1", "list~1", "list~2", "snapshots"])
        same(read(m.region("eu-west-1", "list~2")), text)
        for name, id in (("list~1", BARE), ("list~2", NIGHTLY), ("images~1", NIGHTLY), ("by~1", BARE)):
            same(status(m.region("eu-west-1", name + ".status"))["source"], f"us-east-1/{id}")
        same(status(m.region("eu-west-1", "list~2.status"))["snapshot"], pending["snapshot"])
        contains(read(m.region("eu-west-1", "list")), "STARTED")
        same(os.listdir(m.region("eu-west-1", "images")), [])
        t.ok("cp eu-west-1/list~2 eu-west-1/onward; rm eu-west-1/onward")
        m.unmount()
    t.mount()
    t.ok("cp us-east-1/snapshots/*/*%s.snapshot eu-west-1/list~2; cat eu-west-1/list~2.wait > /dev/null; rm eu-west-1/list~2 eu-west-1/images~1; rm -r eu-west-1/by~1"
         % NIGHTLY[5:])
    same(t.sim.count("CopySnapshot"), 2, "copies")
