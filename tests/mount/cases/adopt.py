# SPDX-License-Identifier: MIT
"""Copies that another ebsfs made, on another machine or before this state folder was lost: they are found, and not made again."""
import copy
import json
import os
import threading
import time
from errno import EEXIST, EIO

from harness import case, check, contains, read, refused, same, status, until
from world import ACCOUNT, BARE, NIGHTLY, SEED, snapshot

MINE, THEIRS = "mine", "theirs"
PLACEHOLDER = "vol-ffffffff"


def file(id):
    return f"us-east-1/snapshots/{id}/{id}.snapshot"


def many(n):
    """A world with n more snapshots to copy, and their ids."""
    world = copy.deepcopy(SEED)
    ids = [f"snap-{0xcafe0000000000000 + i:017x}"[:22] for i in range(n)]
    world["regions"]["us-east-1"]["snapshots"] += [snapshot(id, Description=f"number {i}", Tags={"n": str(i)}) for i, id in enumerate(ids)]
    return world, ids


def two_mounts(t, *options, mine=(), theirs=()):
    """Two mounts of one account, each with a state folder of its own: as on two machines."""
    return (t.mount(*options, *mine, where="mnt-mine", state=MINE), t.mount(*options, *theirs, where="mnt-theirs", state=THEIRS))


def ask(t, m, ids, to="eu-west-1/"):
    t.ok(f"cp {' '.join(file(id) for id in ids)} {to}", cwd=m("regions"), seconds=120)


def ended(m, ids, state="completed"):
    until(lambda: all(status(m.region("eu-west-1", f"{id}.status"))["state"] == state for id in ids), f"all {state}", 60)


def shown(t, id):
    """EC2's listing shows what was copied of this source."""
    wanted = [{"Name": "tag:ebsfs:source", "Values": [f"us-east-1/{id}"]}]
    until(lambda: t.boto("eu-west-1").describe_snapshots(Filters=wanted)["Snapshots"], "EC2 shows the copy")


def copies_of(t, ids):
    """As many copies as sources, one each."""
    same(sorted(c["Tags"]["ebsfs:source"] for c in t.sim.copies("eu-west-1")), sorted(f"us-east-1/{id}" for id in ids))
    same(t.sim.count("CopySnapshot"), len(ids))


# --- one copy ---


def one_after_the_other(t, n):
    world, ids = many(n)
    t.start_sim("--copy-seconds", "0.1", world=world)
    mine, theirs = two_mounts(t)
    ask(t, mine, ids)
    ended(mine, ids)
    copies_of(t, ids)
    asked = t.sim.count("DescribeSnapshots", "eu-west-1")
    ask(t, theirs, ids)
    check(t.sim.count("DescribeSnapshots", "eu-west-1") - asked <= 2, "questions:", t.sim.count("DescribeSnapshots", "eu-west-1") - asked)
    ended(theirs, ids)
    copies_of(t, ids)
    same(t.sim.count("DeleteSnapshot"), 0)
    got = status(theirs.region("eu-west-1", f"{ids[0]}.status"))
    same((got["made by"], got["source"], got["progress"][:4]), ("another ebsfs", f"us-east-1/{ids[0]}", "100%"), got)
    check("made by" not in status(mine.region("eu-west-1", f"{ids[0]}.status")), "one of ours is another's")
    for m, by in ((mine, "ebsfs"), (theirs, "another ebsfs")):
        rows = json.loads(read(m("copies.json")))
        same({(r["made-by"], r["receipts"], r["state"]) for r in rows}, {(by, 1, "completed")})
        same(len(rows), n)
        contains(read(m("copies")), f"  {by:13}  1\n")


@case
def two_machines_one_after_the_other(t):
    """The second one makes nothing, and asks at most twice."""
    one_after_the_other(t, 20)


@case
def two_machines_one_after_the_other_a_hundred_times(t):
    one_after_the_other(t, 100)


two_machines_one_after_the_other_a_hundred_times.long = True


def interleaved(t, n):
    world, ids = many(n)
    t.start_sim("--copy-seconds", "0.3", "--consistency-ms", "300", world=world)
    mounts = two_mounts(t)
    for i, id in enumerate(ids):
        first, second = mounts[i % 2], mounts[1 - i % 2]
        ask(t, first, [id])
        shown(t, id)
        ask(t, second, [id])
    copies_of(t, ids)
    for m in mounts:
        ended(m, ids)
    copies_of(t, ids)


@case
def two_machines_by_turns(t):
    """With gaps above EC2's delay: one copy each, whichever came first."""
    interleaved(t, 10)


@case
def two_machines_by_turns_a_hundred_times(t):
    interleaved(t, 100)


two_machines_by_turns_a_hundred_times.long = True
two_machines_by_turns_a_hundred_times.seconds = 300


def lost_state_folder(t, n):
    world, ids = many(n)
    t.start_sim("--copy-seconds", "0.1", world=world)
    t.need("rsync")
    m = t.mount()
    command = f"rsync -a {' '.join(file(id) for id in ids)} eu-west-1/"
    t.ok(command, seconds=120)
    ended(m, ids)
    copies_of(t, ids)
    m.unmount()
    t.mount(state="another")
    asked = t.sim.count("DescribeSnapshots", "eu-west-1")
    t.ok(command, seconds=120)
    copies_of(t, ids)
    check(t.sim.count("DescribeSnapshots", "eu-west-1") - asked <= 2, "questions:", t.sim.count("DescribeSnapshots", "eu-west-1") - asked)


@case
def a_lost_state_folder(t):
    """rsync of everything again: no copy, and at most two questions."""
    lost_state_folder(t, 20)


@case
def a_lost_state_folder_of_a_hundred(t):
    lost_state_folder(t, 100)


a_lost_state_folder_of_a_hundred.long = True


@case
def at_the_same_moment(t):
    """Within EC2's delay nobody can know of the other: both copies are there, and each mount's status names the other."""
    t.start_sim("--copy-seconds", "0.2", "--consistency-ms", "1500")
    mounts = two_mounts(t, "ttl=1")
    threads = [threading.Thread(target=ask, args=(t, m, [NIGHTLY])) for m in mounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(t.sim.count("CopySnapshot"), 2)
    made = {c["SnapshotId"] for c in t.sim.copies("eu-west-1")}
    same(len(made), 2)
    named = {}
    for m in mounts:
        path = m.region("eu-west-1", f"{NIGHTLY}.status")
        until(lambda: os.listdir(m.region("eu-west-1", "snapshots")) and "another copy" in status(path).get("note", ""), "the note")
        got = status(path)
        same(got["note"], f"another copy with the same source: {(made - {got['snapshot']}).pop()}", got)
        check("made by" not in got, got)
        named[got["snapshot"]] = m
    same(set(named), made, "each mount has its own")


# --- what an adopted copy is, and is not ---


@case
def an_adopted_copy_in_progress(t):
    """It is followed to its end; removing its receipt leaves it alone; the user's command runs once, and not for a copy that had ended before."""
    t.start_sim("--copy-seconds", "3600")
    ends = t.path("ends")
    mine, theirs = two_mounts(t, theirs=("delete", "on_end=echo $EBSFS_STATE $EBSFS_SOURCE_SNAPSHOT >> " + ends))
    ask(t, mine, [NIGHTLY, BARE])
    ask(t, theirs, [NIGHTLY, BARE])
    ask(t, theirs, [NIGHTLY], "eu-west-1/again")
    copies_of(t, [NIGHTLY, BARE])
    got = status(theirs.region("eu-west-1", "again.status"))
    same((got["state"], got["made by"]), ("pending", "another ebsfs"))
    check(got["progress"] != "unknown", "EC2 has shown its progress:", got)
    contains(theirs.log_text(), f"copy 1 of us-east-1/{NIGHTLY} to eu-west-1/{got['snapshot']}: made by another ebsfs")
    os.unlink(theirs.region("eu-west-1", f"{BARE}.snapshot"))
    time.sleep(6)  # a queued one would be cancelled after 5
    same([c["State"] for c in t.sim.copies("eu-west-1")], ["pending", "pending"])
    same(t.sim.count("DeleteSnapshot"), 0)
    for c in t.sim.copies("eu-west-1"):
        t.sim.end_snapshot("eu-west-1", c["SnapshotId"])
    ended(theirs, [NIGHTLY])
    until(lambda: os.path.exists(ends) and len(read(ends).splitlines()) == 2, "on_end is run for both")
    ask(t, theirs, [NIGHTLY, BARE])
    theirs.unmount()
    third = t.mount("on_end=echo third $EBSFS_STATE >> " + ends, where="mnt-third", state="third")
    ask(t, third, [NIGHTLY])
    same(status(third.region("eu-west-1", f"{NIGHTLY}.status"))["state"], "completed")
    third.unmount()
    same(sorted(read(ends).splitlines()), sorted([f"completed {NIGHTLY}", f"completed {BARE}"]))
    copies_of(t, [NIGHTLY, BARE])


@case
def mv_never_deletes_the_source_of_an_adopted_copy(t):
    t.start_sim("--copy-seconds", "0.1")
    mine, theirs = two_mounts(t, theirs=("delete",))
    ask(t, mine, [NIGHTLY])
    ended(mine, [NIGHTLY])
    [made] = t.sim.copies("eu-west-1")
    t.fails(EEXIST, f"mv {file(NIGHTLY)} eu-west-1/", cwd=theirs("regions"))
    contains(read(theirs(".ebsfs/last-error")), made["SnapshotId"])
    # mv(1) takes EEXIST for a file in a folder's way, and says that instead.
    refused(EEXIST, os.rename, theirs.folder("us-east-1", NIGHTLY), theirs.folder("eu-west-1", NIGHTLY))
    copies_of(t, [NIGHTLY])
    same(t.sim.count("DeleteSnapshot"), 0)
    check(any(s["SnapshotId"] == NIGHTLY for s in t.sim.snapshots("us-east-1")), "the source is gone")


@case
def a_label_is_part_of_the_request(t):
    """The same source with another label is another copy; with the same label it is found."""
    t.start_sim("--copy-seconds", "0.1")
    mine, theirs = two_mounts(t)
    weekly = f"(cat {file(NIGHTLY)}; echo 'copy.again: weekly') > eu-west-1/weekly"
    t.ok(weekly, cwd=mine("regions"))
    same([c["Tags"]["ebsfs:again"] for c in t.sim.copies("eu-west-1")], ["weekly"])
    ask(t, theirs, [NIGHTLY])
    same(t.sim.count("CopySnapshot"), 2)
    t.ok(weekly, cwd=theirs("regions"))
    ask(t, mine, [NIGHTLY])
    same(t.sim.count("CopySnapshot"), 2)
    same(sorted(c["Tags"].get("ebsfs:again", "") for c in t.sim.copies("eu-west-1")), ["", "weekly"])


@case
def what_is_not_the_copy(t):
    """Another size, begun too early, of a volume, failed, another label, of another source: none is taken for the copy."""
    tags = {"ebsfs:source": f"us-east-1/{NIGHTLY}", "ebsfs:request": "0123456789abcdef"}
    fits = dict(VolumeId=PLACEHOLDER, VolumeSize=8, State="completed", Progress="100%", StartTime="2026-11-21T03:00:00.000Z",
                CompletionTime="2026-11-21T03:05:00.000Z", OwnerId=ACCOUNT, Description="made elsewhere", Tags=tags)
    others = {
        "size": dict(VolumeSize=9),
        "early": dict(StartTime="2026-11-20T03:10:41.000Z"),  # a second before the source was complete
        "volume": dict(VolumeId="vol-0123456789abcdef0"),
        "failed": dict(State="error", StateMessage="Given key ID is not accessible"),
        "label": dict(Tags={**tags, "ebsfs:again": "weekly"}),
        "source": dict(Tags={**tags, "ebsfs:source": f"us-east-1/{BARE}"}),
        "malformed": dict(Tags={**tags, "ebsfs:source": f"{NIGHTLY}"}),
        "plain": dict(Tags={"Name": "x"}),
    }
    t.start_sim("--copy-seconds", "0.1")
    for state, changed in others.items():
        before = t.sim.count("CopySnapshot")
        id = t.sim.add_snapshot("eu-west-1", **{**fits, **changed})
        m = t.mount(state=state)
        ask(t, m, [NIGHTLY])
        same(t.sim.count("CopySnapshot"), before + 1, state)
        got = status(m.region("eu-west-1", f"{NIGHTLY}.status"))
        check(got["snapshot"] != id and "made by" not in got, state, got)
        m.unmount()
        t.sim.delete_snapshot("eu-west-1", id)
        t.sim.delete_snapshot("eu-west-1", got["snapshot"])
    id = t.sim.add_snapshot("eu-west-1", **fits)
    m = t.mount(state="fits")
    ask(t, m, [NIGHTLY])
    got = status(m.region("eu-west-1", f"{NIGHTLY}.status"))
    same((got["snapshot"], got["made by"], got["state"]), (id, "another ebsfs", "completed"))
    same(t.sim.count("CopySnapshot"), len(others))


@case
def a_copy_made_while_the_request_waited(t):
    """A request can wait in the queue for hours: EC2 is asked once more before it is sent."""
    m = t.mount()
    m.allow("ResourceLimitExceeded")
    t.sim.set_copy_seconds(3600)
    t.sim.set_limit(1)
    ask(t, m, [NIGHTLY, BARE])
    same(status(m.region("eu-west-1", f"{BARE}.status"))["state"], "queued")
    [first] = t.sim.copies("eu-west-1")
    id = t.sim.add_snapshot("eu-west-1", VolumeId=PLACEHOLDER, VolumeSize=1, State="completed", Progress="100%", OwnerId=ACCOUNT,
                            StartTime="2026-11-21T03:00:00.000Z", CompletionTime="2026-11-21T03:05:00.000Z",
                            Tags={"ebsfs:source": f"us-east-1/{BARE}", "ebsfs:request": "0123456789abcdef"})
    t.sim.end_snapshot("eu-west-1", first["SnapshotId"])
    ended(m, [NIGHTLY, BARE])
    got = status(m.region("eu-west-1", f"{BARE}.status"))
    same((got["snapshot"], got["made by"]), (id, "another ebsfs"), got)
    same(got["note"], "another ebsfs has made this copy: it is as that one asked for it")
    same({c["SnapshotId"] for c in t.sim.copies("eu-west-1")}, {first["SnapshotId"], id})


@case
def ec2_cannot_be_asked(t):
    """Then nothing is sent and nothing recorded, cp says so, and the next cp copies."""
    m = t.mount()
    t.sim.fault("DescribeSnapshots", "eu-west-1", code="UnauthorizedOperation", http=403, times=1000)
    done = t.run(f"cp {file(NIGHTLY)} eu-west-1/")
    same(done.code, 1, done)
    contains(done.err, "Permission denied")
    contains(read(m(".ebsfs/last-error")), "nothing was sent: cannot find out whether eu-west-1 has a copy of us-east-1/" + NIGHTLY)
    same(json.loads(read(m("copies.json"))), [])
    t.sim.clear_faults()
    t.sim.fault("DescribeSnapshots", "eu-west-1", effect="reset", times=1000)
    t.fails(EIO, f"cp {file(NIGHTLY)} eu-west-1/")
    same(t.sim.count("CopySnapshot"), 0)
    t.sim.clear_faults()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/")
    same(t.sim.count("CopySnapshot"), 1)


@case
def without_tags_nobody_is_asked(t):
    """-o notags: others cannot tell, and neither can this one."""
    m = t.mount("notags")
    ask(t, m, [NIGHTLY])
    same(t.sim.count("DescribeSnapshots", "eu-west-1"), 0)
    same(t.sim.count("CopySnapshot"), 1)
