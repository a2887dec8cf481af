# SPDX-License-Identifier: MIT
"""The promises as far as one mount shows them: one request, one copy, also after a lost answer or a kill -9.

What breaks at each step of the journal is tests/fault's.
"""
import json
import os
import subprocess
import time
from errno import EACCES, EEXIST, ENOSPC, ETIMEDOUT

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
    same(status(m.region("eu-west-1", "snapshots", BARE + ".status"))["source"], f"us-east-1/{BARE}")
    same(len(json.loads(read(m("copies.json")))), 2)
    same(t.sim.count("CopySnapshot"), 2)


@case
def one_source_one_destination_one_copy(t):
    """Whatever the receipt's name, and however it is written: the same request starts nothing, and each of its receipts shows the copy."""
    m = t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/x; cp {file(NIGHTLY)} eu-west-1/y; cp {file(NIGHTLY)} eu-west-1/snapshots/; cat {file(NIGHTLY)} > eu-west-1/x")
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/snapshots/; cp -f {file(NIGHTLY)} eu-west-1/x; install {file(NIGHTLY)} eu-west-1/y")
    t.ok(f"rm eu-west-1/x eu-west-1/y; cp {file(NIGHTLY)} eu-west-1/x; rm eu-west-1/snapshots/{NIGHTLY}.snapshot; rm -r eu-west-1/snapshots/{NIGHTLY}; cp eu-west-1/x eu-west-1/z")
    [copy] = t.sim.copies("eu-west-1")
    same(t.sim.count("CopySnapshot"), 1)
    same([status(m.region("eu-west-1", name + ".status"))["snapshot"] for name in "xz"], [copy["SnapshotId"]] * 2)
    [job] = json.loads(read(m("copies.json")))
    same((job["snapshot"], job["receipts"]), (copy["SnapshotId"], 2))
    # Another source, another destination or another label is another request.
    t.ok(f"cp {file(BARE)} eu-west-1/; cp {file(NIGHTLY)} us-west-2/; (cat {file(NIGHTLY)}; echo copy.again: second) > eu-west-1/again")
    t.ok(f"(cat {file(NIGHTLY)}; echo copy.again: second) > eu-west-1/again-too")
    same((len(t.sim.copies("eu-west-1")), len(t.sim.copies("us-west-2")), t.sim.count("CopySnapshot")), (3, 1, 4))
    # After another mount too.
    m.unmount()
    t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/another; (cat {file(NIGHTLY)}; echo copy.again: second) > eu-west-1/and-another")
    same(t.sim.count("CopySnapshot"), 4)


DIFFERENCES = ("copy.encrypted: yes", "copy.kms-key: alias/dr", "copy.description: another", "copy.completion-minutes: 60")


@case
def what_a_living_copy_cannot_be_given(t):
    """EEXIST, nothing is sent, no receipt is left; the reason names the copy, what differs, and copy.again. Tags are set."""
    m = t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/x")
    [copy] = t.sim.copies("eu-west-1")
    for line in DIFFERENCES:
        done = t.fails(EEXIST, f"sed '$i {line}' {file(NIGHTLY)} > {t.path('text')}; cp {t.path('text')} eu-west-1/other")
        last = read(m(".ebsfs/last-error")).split("\n\n")[0]
        for part in (copy["SnapshotId"], "copy.again: LABEL", {"copy.encrypted: yes": "encrypt"}.get(line, line.split(":")[0].removeprefix("copy.").split("-")[0])):
            contains(last, part, done)
        check("snapshot" not in status(m.region("eu-west-1", "other.status")) if os.path.exists(m.region("eu-west-1", "other.status")) else True, "a receipt of the copy")
        t.ok("rm -f eu-west-1/other")
    for line in ("copy.encrypted: no", f"copy.description: [Copied {NIGHTLY} from us-east-1] nightly db", "copy.description: nightly db"):
        t.ok(f"sed '$i {line}' {file(NIGHTLY)} > eu-west-1/same; rm eu-west-1/same")
    t.ok(f"sed '$i copy.tag.env: dr' {file(NIGHTLY)} > eu-west-1/tagged")
    until(lambda: t.sim.copies("eu-west-1")[0]["Tags"].get("env") == "dr", "the tag is set")
    same((len(t.sim.copies("eu-west-1")), t.sim.count("CopySnapshot")), (1, 1))


@case
def a_dry_run_is_no_copy(t):
    """It satisfies no request, and is satisfied by none."""
    m = t.mount()
    dry = f"sed '$i copy.dry-run: yes' {file(NIGHTLY)} > eu-west-1/"
    t.ok(dry + "dry")
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/x")
    [copy] = t.sim.copies("eu-west-1")
    t.ok(dry + "too")
    contains(read(m.region("eu-west-1", "too.status")), f"would copy nothing: {copy['SnapshotId']} is the copy")
    same(len(t.sim.copies("eu-west-1")), 1)


@case
def what_came_to_nothing_is_copied_again(t):
    """Refused, given up by EC2, or deleted in EC2: not alive. rsync -a and cp -u send the first two again by themselves."""
    m = t.mount("window=1", "ttl=1")
    m.allow("UnauthorizedOperation")
    t.sim.set_copy_seconds(3600)
    path = m.region("eu-west-1", NIGHTLY + ".snapshot")

    def ended(state):
        until(lambda: status(m.region("eu-west-1", NIGHTLY + ".status"))["state"] == state, f"state {state}", 30)

    t.sim.fault("CopySnapshot", code="UnauthorizedOperation", http=403)
    t.fails(EACCES, f"cp -p {file(NIGHTLY)} eu-west-1/")
    ended("failed")
    same(os.stat(path).st_mtime, 0)
    t.ok(f"rsync -a {file(NIGHTLY)} eu-west-1/")
    same(os.stat(path).st_mtime, os.stat(m.file("us-east-1", NIGHTLY)).st_mtime)
    t.sim.fail_copy("eu-west-1", "Given key ID is not accessible")
    ended("error")
    same(os.stat(path).st_mtime, 0)
    t.ok(f"cp -u {file(NIGHTLY)} eu-west-1/")
    copy = next(c for c in t.sim.copies("eu-west-1") if c["State"] == "pending")["SnapshotId"]
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["snapshot"], copy)
    t.sim.end_snapshot("eu-west-1", copy)
    ended("completed")
    sent = t.sim.count("CopySnapshot")
    # Deleted in EC2: what keeps the destination small is not undone by the next rsync, and cp copies.
    time.sleep(1.2)
    t.sim.delete_snapshot("eu-west-1", copy)
    ended("deleted")
    check("deleted" in status(m.region("eu-west-1", NIGHTLY + ".status")), "no `deleted:`")
    same(os.stat(path).st_mtime, os.stat(m.file("us-east-1", NIGHTLY)).st_mtime)
    t.ok(f"rsync -a {file(NIGHTLY)} eu-west-1/")
    same(t.sim.count("CopySnapshot"), sent)
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/")
    same(t.sim.count("CopySnapshot"), sent + 1)


@case
def a_completed_copy_is_confirmed(t):
    """Before it answers a new request EC2 is asked whether it is there. Without an answer: ETIMEDOUT, and nothing is recorded."""
    m = t.mount("window=1", "ttl=1", "timeout=3")
    t.sim.set_copy_seconds(0)
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/")
    contains(read(m.region("eu-west-1", NIGHTLY + ".wait")), "state: completed")
    time.sleep(1.5)
    t.sim.fault("DescribeSnapshots", region="eu-west-1", effect="hang", times=100)
    m.allow("DescribeSnapshots", "imed out")
    t.fails(ETIMEDOUT, f"cp {file(NIGHTLY)} eu-west-1/y")
    check("snapshot" not in read(m.region("eu-west-1", "y.status")) if os.path.exists(m.region("eu-west-1", "y.status")) else True, "something was recorded")
    t.sim.clear_faults()
    t.ok(f"rm -f eu-west-1/y; cp {file(NIGHTLY)} eu-west-1/y")
    same(t.sim.count("CopySnapshot"), 1)


@case
def what_waits_may_be_overwritten(t):
    """A command that removes the receipt of a queued copy and writes it again finds the same copy, still queued."""
    m = t.mount()
    m.allow("ResourceLimitExceeded")
    t.sim.set_limit(1)
    t.sim.set_copy_seconds(3600)
    t.ok(f"cp {file(NIGHTLY)} {file(BARE)} eu-west-1/")
    same(status(m.region("eu-west-1", BARE + ".status"))["state"], "queued")
    t.ok(f"cp -f {file(BARE)} eu-west-1/; install {file(BARE)} eu-west-1/{BARE}.snapshot")
    same([c["state"] for c in json.loads(read(m("copies.json")))], ["pending", "queued"])
    time.sleep(6)
    same(status(m.region("eu-west-1", BARE + ".status"))["state"], "queued", "after the 5 seconds that a copy without receipts is held")


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
        t.ok(f"cp {file(NIGHTLY)} eu-west-1/")
        same(len(t.sim.copies("eu-west-1")), 1)


@case
def the_request_carries_its_token(t):
    """CopySnapshot has no client token: tags in the same call are the only way to know it again."""
    t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/; cp {file(NIGHTLY)} us-west-2/")
    tokens = [c["Tags"]["ebsfs:request"] for region in ("eu-west-1", "us-west-2") for c in t.sim.copies(region)]
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
        done = t.run(f"(cat {file(NIGHTLY)}; echo copy.again: {n}) > {t.path('text')}; cp {t.path('text')} eu-west-1/{n}")
        if done.code != 0:
            contains(done.err, os.strerror(ENOSPC))
            failed += 1
            if failed == 2:
                break
    check(failed == 2, "200 copies were journalled on a full disk")
    same(t.sim.count("CopySnapshot"), n + 1 - failed, "CopySnapshot requests for the copies that were acknowledged")
    os.unlink(os.path.join(small, "ballast"))
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/after")
