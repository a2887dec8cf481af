# SPDX-License-Identifier: MIT
"""The promises as far as one mount shows them: one request, one copy, also after a lost answer or a kill -9.

What breaks at each step of the journal is tests/fault's.
"""
import json
import os
import subprocess
from errno import ENOSPC

from harness import Skip, case, check, contains, read, same, status, until
from world import AWKWARD, BARE, NIGHTLY


def file(id):
    return f"us-east-1/snapshots/{id}/{id}.snapshot"


@case
def receipts_survive_unmount(t):
    m = t.mount()
    t.ok(f"cp -p {file(NIGHTLY)} eu-west-1/; cp -r us-east-1/snapshots/{BARE} eu-west-1/snapshots/")
    before = read(m.region("eu-west-1", NIGHTLY + ".snapshot")), os.stat(m.region("eu-west-1", NIGHTLY + ".snapshot")).st_mtime_ns
    m.unmount()
    m = t.mount()
    same((read(m.region("eu-west-1", NIGHTLY + ".snapshot")), os.stat(m.region("eu-west-1", NIGHTLY + ".snapshot")).st_mtime_ns), before)
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["source"], f"us-east-1/{NIGHTLY}")
    same(status(m.region("eu-west-1", "snapshots", BARE, "status"))["source"], f"us-east-1/{BARE}")
    same(len(json.loads(read(m("copies.json")))), 2)
    same(t.sim.count("CopySnapshot"), 2)


@case
def commands_that_overwrite(t):
    """cp -f removes what it may not write, install removes without having tried: neither copies a second time. rm and then cp does."""
    m = t.mount()
    m.allow("was refused to write it", "removed by this same command", "asked for its copy already")
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/x; cp {file(NIGHTLY)} eu-west-1/y; cp -r us-east-1/snapshots/{BARE} eu-west-1/snapshots/")
    same(t.sim.count("CopySnapshot"), 3)
    for n in range(2):
        done = t.run(f"cp -f {file(NIGHTLY)} eu-west-1/x")
        same(done.code, 1)
        contains(done.err, "File exists")
        contains(read(m(".ebsfs/last-error")), "rm it first, by a command of its own")
        check(os.path.exists(m.region("eu-west-1", "x")), "the receipt is gone")
    same(t.run(f"cp -rf us-east-1/snapshots/{BARE} eu-west-1/snapshots/").code, 1)
    check(os.path.exists(m.region("eu-west-1", "snapshots", BARE, f"{BARE}.snapshot")), "the receipt's file is gone")
    done = t.run(f"install {file(NIGHTLY)} eu-west-1/y")
    same(done.code, 1)
    contains(done.err, "File exists")
    contains(read(m(".ebsfs/last-error")), "to copy again use cp")
    same(t.sim.count("CopySnapshot"), 3)
    # By commands of their own, and at once.
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/y; rm eu-west-1/x; cp {file(NIGHTLY)} eu-west-1/x; rm eu-west-1/x; install {file(NIGHTLY)} eu-west-1/x")
    same(t.sim.count("CopySnapshot"), 6)
    # One process may remove again what another has written again.
    os.unlink(m.region("eu-west-1", "x"))
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/x")
    os.unlink(m.region("eu-west-1", "x"))
    same(t.sim.count("CopySnapshot"), 7)


@case
def what_waits_may_be_overwritten(t):
    """A queued copy is cancelled by its receipt's removal: one takes the place of the other."""
    m = t.mount()
    m.allow("ResourceLimitExceeded", "asked for its copy already")
    t.sim.set_limit(1)
    t.sim.set_copy_seconds(3600)
    t.ok(f"cp {file(NIGHTLY)} {file(BARE)} eu-west-1/")
    same(status(m.region("eu-west-1", BARE + ".status"))["state"], "queued")
    t.ok(f"cp -f {file(BARE)} eu-west-1/; install {file(BARE)} eu-west-1/{BARE}.snapshot")
    same([c["state"] for c in json.loads(read(m("copies.json")))], ["pending", "cancelled", "cancelled", "queued"])


@case
def queue_survives_kill_9(t):
    """None lost, none doubled."""
    m = t.mount()
    m.allow("ResourceLimitExceeded")
    t.sim.set_limit(1)
    t.sim.set_copy_seconds(3)
    t.ok(f"cp {file(NIGHTLY)} {file(AWKWARD)} {file(BARE)} eu-west-1/")
    m.kill()
    t.ok(f"fusermount3 -u {m.path}", cwd="/")
    m = t.mount()
    m.allow("ResourceLimitExceeded")
    ids = (NIGHTLY, AWKWARD, BARE)
    until(lambda: all(status(m.region("eu-west-1", id + ".status"))["state"] == "completed" for id in ids), "all complete", 90)
    same(sorted(c["Tags"]["ebsfs:source"] for c in t.sim.copies("eu-west-1")), sorted(f"us-east-1/{id}" for id in ids))


@case
def lost_answer(t):
    """EC2 carried the request out, and its answer was lost: the copy is found by its tag, not made again."""
    m = t.mount("window=10")
    m.allow("CopySnapshot", "eset", "closed")
    t.sim.fault("CopySnapshot", effect="reset", after=True)
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/")
    until(lambda: status(m.region("eu-west-1", NIGHTLY + ".status"))["state"] in ("pending", "completed"), "the copy is found", 90)
    same(len(t.sim.copies("eu-west-1")), 1)
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["snapshot"], t.sim.copies("eu-west-1")[0]["SnapshotId"])
    same(t.sim.count("CopySnapshot"), 1)


@case
def lost_answer_with_wildcards(t):
    """Without tags the description is what a copy is found by, whatever is in it."""
    id = "snap-0bbbbbbbbbbbbbbb1"
    t.start_sim()
    t.sim.add_snapshot("us-east-1", SnapshotId=id, Description=r"D:\Data *? nightly")
    m = t.mount("notags", "window=3", "answer=10")
    m.allow("CopySnapshot", "eset", "closed")
    t.sim.fault("CopySnapshot", effect="reset", after=True)
    t.ok(f"cp {file(id)} eu-west-1/")
    until(lambda: status(m.region("eu-west-1", id + ".status"))["state"] in ("pending", "completed"), "the copy is found", 30)
    same(t.sim.count("CopySnapshot"), 1)


@case
def lost_answer_that_cannot_be_looked_for(t):
    """EC2 refuses every search: the request ends, says that its outcome is unknown, and is not sent again."""
    m = t.mount("notags", "window=3", "answer=30")
    m.allow("CopySnapshot", "DescribeSnapshots", "eset", "closed", "The copy may exist")
    t.ok(f"cat {file(NIGHTLY)} >/dev/null")
    t.sim.fault("CopySnapshot", effect="reset", after=True)
    t.sim.fault("DescribeSnapshots", region="eu-west-1", code="InvalidParameterValue", times=1000)
    check(t.run(f"cp {file(NIGHTLY)} eu-west-1/").code != 0, "cp is told")
    s = status(m.region("eu-west-1", NIGHTLY + ".status"))
    same((s["state"], s["code"]), ("failed", "UnknownOutcome"))
    contains(s["message"], "The copy may exist: look in eu-west-1 for a snapshot with the description")
    same(t.sim.count("CopySnapshot"), 1)


@case
def lost_request(t):
    """The connection broke before the work was done: cp succeeds and there is one copy, or it fails and there is none."""
    m = t.mount("window=3", "answer=30")
    m.allow("CopySnapshot", "eset", "closed")
    t.sim.fault("CopySnapshot", effect="reset")
    path = m.region("eu-west-1", NIGHTLY + ".status")
    if t.run(f"cp {file(NIGHTLY)} eu-west-1/").code == 0:
        until(lambda: status(path)["state"] in ("pending", "completed"), "the copy is made", 60)
        same(len(t.sim.copies("eu-west-1")), 1)
    else:
        same(status(path)["state"], "failed")
        same(t.sim.copies("eu-west-1"), [])
        # Asked for once more by the user, it is made once.
        t.ok(f"rm -f eu-west-1/{NIGHTLY}.snapshot; cp {file(NIGHTLY)} eu-west-1/")
        same(len(t.sim.copies("eu-west-1")), 1)


@case
def the_request_carries_its_token(t):
    """CopySnapshot has no client token: tags in the same call are the only way to know it again."""
    t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/; cp {file(NIGHTLY)} eu-west-1/second")
    tokens = [c["Tags"]["ebsfs:request"] for c in t.sim.copies("eu-west-1")]
    check(len(set(tokens)) == 2 and all(len(x) >= 16 for x in tokens), tokens)


@case
def a_full_disk(t):
    """A journal that cannot be written: cp fails, and nothing is sent."""
    if os.getuid() != 0:
        raise Skip("a small file system needs root")
    t.start_sim()
    small = t.path("small")
    os.makedirs(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True).returncode != 0:
        raise Skip("no tmpfs here")
    t.closers.append(lambda: subprocess.run(["umount", "-l", small], capture_output=True))
    m = t.mount(state="small/state")
    m.allow("space|full|ENOSPC")
    fd = os.open(os.path.join(small, "ballast"), os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(fd, b"x" * 4096)
    except OSError:
        os.close(fd)
    failed = 0
    for n in range(200):
        done = t.run(f"cp {file(NIGHTLY)} eu-west-1/{n}")
        if done.code != 0:
            contains(done.err, os.strerror(ENOSPC))
            failed += 1
            if failed == 2:
                break
    check(failed == 2, "200 copies were journalled on a full disk")
    same(t.sim.count("CopySnapshot"), n + 1 - failed, "CopySnapshot requests for the copies that were acknowledged")
    os.unlink(os.path.join(small, "ballast"))
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/after")
