# SPDX-License-Identifier: MIT
"""rm, rmdir, mv: nothing is deleted that the user did not delete, and what is deleted is what was meant."""
import os
from errno import EBUSY, EEXIST, ENOENT, EPERM

from harness import case, check, contains, read, refused, same, status, until
from world import AWKWARD, BARE, BY_ID, IRISH, NIGHTLY, OWN, SHARED


def file(id, region="us-east-1"):
    return f"{region}/snapshots/{id}/{id}.snapshot"


def untouched(t, but=()):
    """Every snapshot of ours and every tag of theirs is still there; nothing was asked to be deleted."""
    for region, ids in OWN.items():
        there = {s["SnapshotId"]: s for s in t.sim.snapshots(region)}
        for id in ids:
            check(id in there, id, "is gone")
            same(there[id]["Tags"], BY_ID[id]["Tags"], "tags of", id)
    same(t.sim.count("DeleteSnapshot"), 0, "DeleteSnapshot requests")
    same(t.sim.count("DeleteTags"), 0, "DeleteTags requests")


# --- rm of a receipt ---


@case
def rm_of_a_queued_receipt(t):
    """The copy is held for 5 seconds, and then cancelled: it is never made."""
    m = t.mount()
    m.allow("ResourceLimitExceeded")
    t.sim.set_limit(1)
    t.sim.set_copy_seconds(4)
    for id in (NIGHTLY, AWKWARD, BARE):
        t.ok(f"cp {file(id)} eu-west-1/")
    same(status(m.region("eu-west-1", AWKWARD + ".status"))["state"], "queued")
    t.ok(f"rm eu-west-1/{AWKWARD}.snapshot")
    check(not any(n.startswith(AWKWARD) for n in os.listdir(m.region("eu-west-1"))), "receipt or status is still there")
    until(lambda: status(m.region("eu-west-1", BARE + ".status"))["state"] == "completed", "the copy behind it is made", 90)
    same(sorted(c["Tags"]["ebsfs:source"] for c in t.sim.copies("eu-west-1")),
         sorted(f"us-east-1/{id}" for id in (NIGHTLY, BARE)))
    contains(read(m("copies")), "cancelled")


@case
def rm_of_a_running_receipt(t):
    """Only the receipt goes; the copy goes on."""
    m = t.mount()
    t.sim.set_copy_seconds(2)
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/")
    [new] = t.sim.copies("eu-west-1")
    t.ok(f"rm eu-west-1/{NIGHTLY}.snapshot")
    same(os.listdir(m.region("eu-west-1")), ["snapshots"])
    contains(read(m.folder("eu-west-1", new["SnapshotId"], ".wait")), "state: completed\n")
    same(t.sim.count("DeleteSnapshot"), 0)


@case
def rm_of_an_ended_receipt(t):
    m = t.mount()
    t.sim.set_copy_seconds(0)
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/")
    read(m.region("eu-west-1", NIGHTLY + ".wait"))
    t.ok(f"rm eu-west-1/{NIGHTLY}.snapshot")
    same(len(t.sim.copies("eu-west-1")), 1)
    same(t.sim.count("DeleteSnapshot"), 0)
    m.unmount()
    m = t.mount()
    same(os.listdir(m.region("eu-west-1")), ["snapshots"], "after another mount")


@case
def rm_r_of_a_receipt_folder(t):
    """A receipt folder is the user's own: rm -r removes it, not the snapshot behind its link."""
    m = t.mount()
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/snapshots/")
    [new] = t.sim.copies("eu-west-1")
    done = t.run(f"rm -r eu-west-1/snapshots/{NIGHTLY}")
    same(len(t.sim.copies("eu-west-1")), 1, "the copy itself")
    same(t.sim.count("DeleteSnapshot") + t.sim.count("DeleteTags"), 0)
    check(done.code == 0, repr(done))
    check(NIGHTLY not in os.listdir(m.region("eu-west-1", "snapshots")))
    check(new["SnapshotId"] in os.listdir(m.region("eu-west-1", "snapshots")))


# --- rm and rmdir of snapshots ---


@case
def rm_of_the_snapshot_file(t):
    for options in ((), ("delete",)):
        m = t.mount(*options)
        for name in (NIGHTLY + ".snapshot", "description", "metadata.json", "status"):
            refused(EPERM, os.unlink, m.folder("us-east-1", NIGHTLY, name))
        untouched(t)
        m.unmount()


@case
def rmdir_without_delete(t):
    m = t.mount()
    refused(EPERM, os.rmdir, m.folder("us-east-1", NIGHTLY))
    t.fails(EPERM, f"rmdir us-east-1/snapshots/{NIGHTLY}")
    untouched(t)


@case
def rmdir_with_delete(t):
    m = t.mount("delete")
    t.ok(f"rmdir us-east-1/snapshots/{NIGHTLY}")
    same(t.sim.count("DeleteSnapshot", "us-east-1"), 1)
    check(NIGHTLY not in [s["SnapshotId"] for s in t.sim.snapshots("us-east-1")])
    check(NIGHTLY not in os.listdir(m.region("us-east-1", "snapshots")), "still listed")
    refused(ENOENT, os.stat, m.folder("us-east-1", NIGHTLY))


@case
def rmdir_of_a_running_copy(t):
    """DeleteSnapshot, which cancels it."""
    m = t.mount("delete")
    t.sim.set_copy_seconds(3600)
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/")
    [new] = t.sim.copies("eu-west-1")
    t.ok(f"rmdir eu-west-1/snapshots/{new['SnapshotId']}")
    same(t.sim.count("DeleteSnapshot", "eu-west-1"), 1)
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["state"], "cancelled")


@case
def rmdir_of_a_needed_source(t):
    """A snapshot that a queued or running copy needs is not deleted through the mount."""
    m = t.mount("delete")
    m.allow("ResourceLimitExceeded")
    t.sim.set_limit(1)
    t.sim.set_copy_seconds(3600)
    t.ok(f"cp {file(NIGHTLY)} {file(BARE)} eu-west-1/")
    for id in (NIGHTLY, BARE):
        refused(EBUSY, os.rmdir, m.folder("us-east-1", id))
    same(t.sim.count("DeleteSnapshot"), 0)
    contains(read(m(".ebsfs/last-error")), BARE)


@case
def rmdir_in_use(t):
    m = t.mount("delete")
    m.allow("InvalidSnapshot.InUse")
    t.sim.fault("DeleteSnapshot", code="InvalidSnapshot.InUse", message="The snapshot is currently in use by ami-1")
    refused(EBUSY, os.rmdir, m.folder("us-east-1", NIGHTLY))
    check(NIGHTLY in os.listdir(m.region("us-east-1", "snapshots")))
    contains(read(m(".ebsfs/last-error")), "ami-1")


@case
def rmdir_of_what_is_no_snapshot(t):
    m = t.mount("delete")
    for path in (m("regions"), m.region("us-east-1"), m.region("us-east-1", "snapshots"), m(".ebsfs"),
                 m.folder("us-east-1", NIGHTLY, "tags")):
        refused((EPERM, EBUSY), os.rmdir, path)
    untouched(t)


@case
def rm_r(t):
    """No recursive command wipes an account, not even where deletion is permitted."""
    for options in ((), ("delete",)):
        t.mount(*options)
        for command in (f"rm -r us-east-1/snapshots/{NIGHTLY}", "rm -rf us-east-1/snapshots", "rm -rf *", "rm -rf ../regions"):
            done = t.run(command)
            check(done.code != 0, "no failure:", done)
            untouched(t)
        t.mounts[-1].unmount()


@case
def find_delete(t):
    """find -delete goes on to rmdir after a file inside was refused; that must not count as the user's rmdir."""
    for options in ((), ("delete",)):
        t.mount(*options)
        done = t.run("find us-east-1/snapshots -delete")
        check(done.code != 0, "no failure:", done)
        untouched(t)
        t.mounts[-1].unmount()


WALKERS = """
import os, sys
root = sys.argv[1]
ids = sorted(i for i in os.listdir(root) if i.startswith("snap-"))
children = []
for n in range(80):  # each is refused a file of its own snapshot, and once all were, tries the folder
    ours, theirs = os.pipe()
    back, go = os.pipe()
    if not os.fork():
        try: os.unlink(f"{root}/{ids[n % len(ids)]}/description")
        except PermissionError: pass
        os.write(theirs, b"x"); os.read(back, 1)
        try: os.rmdir(f"{root}/{ids[n % len(ids)]}")
        except OSError as e: os._exit(e.errno)
        os._exit(0)
    os.read(ours, 1)
    children.append(go)
ends = []
for go in children:
    os.write(go, b"x")
    ends.append(os.waitstatus_to_exitcode(os.wait()[1]))
print(*sorted(set(ends)))
"""


@case
def many_recursive_commands(t):
    """However many walk at once, each that was refused a file is refused the folder, too; and others wait until they are told apart again."""
    m = t.mount("delete")
    with open(t.path("walkers"), "w") as f:
        f.write(WALKERS)
    done = t.run(f"python3 {t.path('walkers')} {m.region('us-east-1', 'snapshots')}")
    same((done.code, done.err, done.out.split()), (0, "", [str(EPERM), str(EBUSY)]), repr(done))
    refused(EBUSY, os.rmdir, m.folder("us-east-1", NIGHTLY))
    contains(read(m(".ebsfs/last-error")), "try again when they have ended")
    untouched(t)


@case
def python_rmtree(t):
    t.mount("delete")
    t.run("python3 -c \"import shutil; shutil.rmtree('us-east-1/snapshots', ignore_errors=True)\"")
    untouched(t)


@case
def rsync_delete(t):
    """An empty folder mirrored over the snapshots."""
    t.need("rsync")
    t.mount("delete")
    t.run(f"mkdir {t.path('empty')}; rsync -a --delete {t.path('empty')}/ us-east-1/snapshots/")
    untouched(t)


# --- mv ---


@case
def mv_without_delete(t):
    """EPERM, and never EXDEV: mv would copy, and then delete the source of a copy that has not ended."""
    m = t.mount()
    for source, target in (
        (m.file("us-east-1", NIGHTLY), m.region("eu-west-1", NIGHTLY + ".snapshot")),
        (m.folder("us-east-1", NIGHTLY), m.region("eu-west-1", "snapshots", NIGHTLY)),
        (m.folder("us-east-1", NIGHTLY), m.region("eu-west-1", NIGHTLY)),
        (m.file("us-east-1", NIGHTLY), m.folder("us-east-1", NIGHTLY, "other")),
        (m.folder("us-east-1", NIGHTLY), m.region("us-east-1", "snapshots", "renamed")),
        (m.folder("us-east-1", NIGHTLY, "description"), m.region("eu-west-1", "x")),
    ):
        refused(EPERM, os.rename, source, target)
    t.fails(EPERM, f"mv {file(NIGHTLY)} eu-west-1/")
    t.fails(EPERM, f"mv us-east-1/snapshots/{NIGHTLY} eu-west-1/snapshots/")
    same(t.sim.count("CopySnapshot"), 0, "CopySnapshot requests")
    untouched(t)


@case
def mv_with_delete(t):
    """The copy, and only after it has completed the source's deletion."""
    m = t.mount("delete")
    t.sim.set_copy_seconds(4)
    source, receipt = m.file("us-east-1", NIGHTLY), m.region("eu-west-1", NIGHTLY + ".snapshot")
    os.stat(source)
    t.ok(f"mv {file(NIGHTLY)} eu-west-1/")
    check(os.stat(source).st_ino != os.stat(receipt).st_ino, "the receipt's name stands for the snapshot's file")
    [new] = t.sim.copies("eu-west-1")
    same(t.sim.count("CopySnapshot"), 1)
    same(t.sim.count("DeleteSnapshot"), 0, "deletions while the copy runs")
    check(NIGHTLY in [s["SnapshotId"] for s in t.sim.snapshots("us-east-1")])
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["snapshot"], new["SnapshotId"])
    until(lambda: t.sim.count("DeleteSnapshot", "us-east-1") == 1, "the source is deleted", 60)
    same(t.sim.copies("eu-west-1")[0]["State"], "completed")
    until(lambda: NIGHTLY not in os.listdir(m.region("us-east-1", "snapshots")), "the source vanishes")
    same(t.sim.count("CopySnapshot"), 1)
    check(f"info: deleted the snapshot us-east-1/{NIGHTLY}: mv has copied it to eu-west-1/{new['SnapshotId']}" in m.log_text(),
        "the log does not tell of the deletion", m.log_text())


@case
def mv_where_nobody_listed(t):
    """Whose a snapshot is comes from its owner or from EC2, not from an earlier ls: so mv works from cron, with or without STS."""
    t.sim.set_copy_seconds(1)
    t.sim.fault("GetCallerIdentity", code="UnauthorizedOperation", http=403, times=1000)
    for sts in (False, True):
        if sts:
            t.sim.clear_faults()
        m = t.mount("delete", where=f"mnt{sts}", state=f"state{sts}")
        m.allow("GetCallerIdentity")
        id = (NIGHTLY, AWKWARD)[sts]
        os.rename(m.file("us-east-1", id), m.region("eu-west-1", "moved"))
        same(t.sim.count("CopySnapshot"), 1 + sts)
        until(lambda: id not in {s["SnapshotId"] for s in t.sim.snapshots("us-east-1")}, "the source goes", 60)
        # Another's is not ours, and EC2 was asked before that was said.
        refused(EPERM, os.rename, m.file("us-east-1", SHARED), m.region("eu-west-1", "theirs"))
        contains(read(m(".ebsfs/last-error")), "cp copies it")
        same(t.sim.count("CopySnapshot"), 1 + sts)
        m.unmount()


@case
def mv_of_a_folder_with_delete(t):
    m = t.mount("delete")
    t.sim.set_copy_seconds(3)
    os.listdir(m.folder("us-east-1", NIGHTLY, "tags"))
    t.ok(f"mv us-east-1/snapshots/{NIGHTLY} eu-west-1/snapshots/")
    check(os.path.isfile(m.folder("eu-west-1", NIGHTLY)), "the receipt's name stands for the snapshot's folder")
    check(os.path.isdir(m.folder("us-east-1", NIGHTLY)), "the snapshot's name stands for the receipt")
    same(len(t.sim.copies("eu-west-1")), 1)
    same(t.sim.count("DeleteSnapshot"), 0)
    until(lambda: t.sim.count("DeleteSnapshot", "us-east-1") == 1, "the source is deleted", 60)
    same(t.sim.copies("eu-west-1")[0]["State"], "completed")


@case
def mv_of_a_copy_that_fails(t):
    """The source stays."""
    m = t.mount("delete")
    t.sim.set_copy_seconds(3600)
    t.ok(f"mv {file(NIGHTLY)} eu-west-1/")
    t.sim.fail_copy("eu-west-1", "Given key ID is not accessible")
    until(lambda: status(m.region("eu-west-1", NIGHTLY + ".status"))["state"] == "error", "the copy's failure is seen", 60)
    untouched(t)


@case
def mv_refused_by_ec2(t):
    m = t.mount("delete")
    m.allow("UnauthorizedOperation")
    t.sim.fault("CopySnapshot", code="UnauthorizedOperation", http=403)
    t.fails(13, f"mv {file(NIGHTLY)} eu-west-1/")
    untouched(t)


@case
def mv_whose_deletion_is_refused(t):
    """The copy completes and the source stays; its status and the log say so."""
    m = t.mount("delete")
    t.sim.set_copy_seconds(0.1)
    t.sim.fault("DeleteSnapshot", code="UnauthorizedOperation", http=403)
    t.ok(f"mv {file(NIGHTLY)} eu-west-1/")
    until(lambda: "kept the snapshot" in m.log_text(), "the log tells that the source stays")
    [new] = t.sim.copies("eu-west-1")
    contains(m.log_text(), f"warning: kept the snapshot us-east-1/{NIGHTLY}, which mv copied to eu-west-1/{new['SnapshotId']}: ")
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["move"], "the source was not deleted")
    check(NIGHTLY in [s["SnapshotId"] for s in t.sim.snapshots("us-east-1")], "the source is gone")
    same(t.sim.count("DeleteSnapshot"), 1)


@case
def mv_survives_another_mount(t):
    """The mount ends in the middle; the next one takes it up."""
    m = t.mount("delete")
    t.sim.set_copy_seconds(3)
    t.ok(f"mv {file(NIGHTLY)} eu-west-1/")
    m.unmount()
    t.mount("delete")
    until(lambda: t.sim.count("DeleteSnapshot", "us-east-1") == 1, "the source is deleted", 60)
    same(t.sim.count("CopySnapshot"), 1)


@case
def mv_out_of_the_mount(t):
    """mv to another file system copies the text and then removes the source, which is refused."""
    t.mount("delete")
    t.fails(EPERM, f"mv {file(NIGHTLY)} {t.path('away')}")
    untouched(t)


@case
def mv_into_the_mount(t):
    """A text from elsewhere: mv copies it in, which asks for the copy, and removes its own file."""
    t.mount()
    t.ok(f"cp {file(NIGHTLY)} {t.path('x')}; mv {t.path('x')} eu-west-1/")
    same(t.sim.count("CopySnapshot"), 1)
    check(not os.path.exists(t.path("x")))


# --- receipts by another name ---


@case
def renaming_a_receipt(t):
    """The receipt and its status have the new name; nothing is copied."""
    m = t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/")
    t.ok(f"mv eu-west-1/{NIGHTLY}.snapshot eu-west-1/monday")
    same(sorted(os.listdir(m.region("eu-west-1"))), ["monday", "monday.status", "snapshots"])
    same(status(m.region("eu-west-1", "monday.status"))["source"], f"us-east-1/{NIGHTLY}")
    refused(ENOENT, os.stat, m.region("eu-west-1", NIGHTLY + ".status"))
    same(t.sim.count("CopySnapshot"), 1)
    m.unmount()
    m = t.mount()
    same(sorted(os.listdir(m.region("eu-west-1"))), ["monday", "monday.status", "snapshots"], "after another mount")


@case
def renaming_a_receipt_folder(t):
    m = t.mount()
    t.ok(f"cp -r us-east-1/snapshots/{BARE} eu-west-1/")
    t.ok(f"mv eu-west-1/{BARE} eu-west-1/monday")
    same(status(m.region("eu-west-1", "monday.status"))["source"], f"us-east-1/{BARE}")
    same(t.sim.count("CopySnapshot"), 1)


@case
def renaming_onto_a_receipt(t):
    m = t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/a; cp {file(BARE)} eu-west-1/b")
    refused(EBUSY, os.rename, m.region("eu-west-1", "a"), m.region("eu-west-1", "b"))
    same(status(m.region("eu-west-1", "b.status"))["source"], f"us-east-1/{BARE}")


@case
def moving_a_receipt_to_another_region(t):
    """A receipt says what was copied here: it cannot become another region's. Not EXDEV, or mv would copy once more."""
    m = t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/x")
    refused(EPERM, os.rename, m.region("eu-west-1", "x"), m.region("us-west-2", "x"))
    same(t.sim.count("CopySnapshot"), 1)


# --- onto what exists ---


@case
def cp_onto_a_receipt(t):
    """The same request starts nothing; another one is EEXIST, and the old text stays."""
    m = t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/; cp {file(NIGHTLY)} eu-west-1/")
    for command in (f"cp {file(BARE)} eu-west-1/{NIGHTLY}.snapshot", f"cat {file(BARE)} > eu-west-1/{NIGHTLY}.snapshot",
                    f"cp {file(BARE)} eu-west-1/.bare; mv -f eu-west-1/.bare eu-west-1/{NIGHTLY}.snapshot"):
        t.fails(EEXIST, command)
        same(read(m.region("eu-west-1", NIGHTLY + ".snapshot")), read(m.file("us-east-1", NIGHTLY)))
    same(t.sim.count("CopySnapshot"), 1)
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["source"], f"us-east-1/{NIGHTLY}")
    t.ok(f"cp -n {file(NIGHTLY)} eu-west-1/; cp -u {file(NIGHTLY)} eu-west-1/")
    same(t.sim.count("CopySnapshot"), 1)


@case
def cp_r_onto_a_receipt_folder(t):
    """Nothing is asked for; a snapshot of another source does not come into the folder."""
    m = t.mount()
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/snapshots/; cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/snapshots/")
    refused(EPERM, open, m.region("eu-west-1", "snapshots", NIGHTLY, "other.snapshot"), "w", encoding="utf-8")
    same(t.sim.count("CopySnapshot"), 1)


@case
def cp_onto_a_snapshot_file(t):
    t.mount()
    done = t.run(f"cp {file(BARE)} {file(IRISH, 'eu-west-1')}")
    check(done.code != 0, "no failure")
    same(t.sim.count("CopySnapshot"), 0)


@case
def a_failed_receipt_can_be_asked_again(t):
    """A refused request leaves its receipt; it can be removed, or written again, and the second try counts."""
    m = t.mount()
    m.allow("UnauthorizedOperation")
    t.sim.fault("CopySnapshot", code="UnauthorizedOperation", http=403)
    t.fails(13, f"cp {file(NIGHTLY)} eu-west-1/")
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["state"], "failed")
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/")
    same(len(t.sim.copies("eu-west-1")), 1)
    check(status(m.region("eu-west-1", NIGHTLY + ".status"))["state"] in ("pending", "completed"))
