# SPDX-License-Identifier: MIT
"""Receipts: their attributes, what may be removed of them, and what a refused gesture leaves (nothing)."""
import os
import signal
import stat
import time
from errno import EBUSY, ENOTEMPTY

from harness import case, check, contains, read, refused, same, status, until
from world import BARE, IRISH, NIGHTLY


def copy(t, id=NIGHTLY):
    t.ok(f"cp us-east-1/snapshots/{id}/{id}.snapshot eu-west-1/")


# --- attributes ---


@case
def no_special_bits(t):
    """A text is no program: no set-user-id, set-group-id or sticky bit, on a file or on a folder, now or after another mount."""
    m = t.mount()
    copy(t)
    os.mkdir(m.region("eu-west-1", "folder"))
    file, folder = m.region("eu-west-1", NIGHTLY + ".snapshot"), m.region("eu-west-1", "folder")
    for path in (file, folder):
        os.chmod(path, 0o7751)
        same(oct(stat.S_IMODE(os.stat(path).st_mode)), oct(0o751), path)
    m.unmount()
    t.mount()
    same(oct(stat.S_IMODE(os.stat(file).st_mode)), oct(0o751), "after another mount")


@case
def modes_of_a_folder_and_its_file_are_kept(t):
    m = t.mount()
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/")
    folder = m.region("eu-west-1", NIGHTLY)
    file = os.path.join(folder, NIGHTLY + ".snapshot")
    os.chmod(folder, 0o700)
    os.chmod(file, 0o440)
    m.unmount()
    t.mount()
    same([oct(stat.S_IMODE(os.stat(path).st_mode)) for path in (folder, file)], ["0o700", "0o440"], "after another mount")


@case
def times_are_kept(t):
    """Before 1970 too. A time that a receipt cannot keep becomes the nearest one that it can, as on other file systems."""
    m = t.mount()
    copy(t)
    path = m.region("eu-west-1", NIGHTLY + ".snapshot")
    last = 2**63 - 1
    for ns, kept in ((-500_000_000, None), (-10**18 - 1, None), (1_700_000_000_123_456_789, None), (16_725_225_600 * 10**9, last)):
        os.utime(path, ns=(ns, ns))
        same(os.stat(path).st_mtime_ns, ns if kept is None else kept, ns)
    os.utime(path, ns=(-1, -1))
    m.unmount()
    t.mount()
    same(os.stat(path).st_mtime_ns, -1, "after another mount")


@case
def sizes_and_dates_without_end(t):
    """The largest size that a snapshot can have is shown; a larger one is noted; a date before 1970 counts as none. Nothing overflows."""
    m = t.mount()
    t.sim.change("us-east-1", BARE, FullSnapshotSizeInBytes=2**63 - 1)
    t.ok("touch us-east-1/snapshots")
    same(os.stat(m.folder("us-east-1", BARE)).st_blocks, 0)
    contains(read(m.folder("us-east-1", BARE, "status")), "note: ")
    t.sim.change("us-east-1", BARE, FullSnapshotSizeInBytes=2**50, StartTime="1969-12-31T23:59:59.500Z")
    t.ok("touch us-east-1/snapshots")
    found = os.stat(m.folder("us-east-1", BARE))
    same(found.st_blocks, 2**41)
    same(found.st_mtime_ns, 0)
    check("StartTime" not in read(m.folder("us-east-1", BARE, "metadata.json")), "a date is shown")
    # It is copied as any other.
    t.ok(f"(cat us-east-1/snapshots/{BARE}/{BARE}.snapshot | grep -v '^[.]'; echo copy.completion-minutes: 15; echo ...) > eu-west-1/x")
    check("state" in status(m.region("eu-west-1", "x.status")))


# --- what is removed is removed ---


@case
def what_unlink_says_is_true(t):
    """Each file of a receipt's folder, or beside it, that is removed is gone; nothing of the copy goes with it."""
    m = t.mount()
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/snapshots/")
    folder = m.region("eu-west-1", "snapshots", NIGHTLY)
    for path in (*(os.path.join(folder, name) for name in ("description", "status", "metadata.json")), folder + ".status"):
        name = os.path.basename(path)
        check(os.path.lexists(path), name, "is not there")
        os.unlink(path)
        check(not os.path.lexists(path), name, "is still there")
        check(name not in os.listdir(os.path.dirname(path)), name, "is still listed")
    refused(ENOTEMPTY, os.rmdir, os.path.join(folder, "tags"))
    for key in os.listdir(os.path.join(folder, "tags")):
        os.unlink(os.path.join(folder, "tags", key))
    os.rmdir(os.path.join(folder, "tags"))
    same(os.listdir(folder), [NIGHTLY + ".snapshot"])
    same(len(t.sim.copies("eu-west-1")), 1)
    t.ok(f"rm -r eu-west-1/snapshots/{NIGHTLY}")
    check(not os.path.exists(folder))
    same(len(t.sim.copies("eu-west-1")), 1)


@case
def tar_over_a_receipt_ends(t):
    """tar removes what stands in its way and makes it anew. In any order of the files there is one copy."""
    m = t.mount()
    t.ok(f"tar cf {t.path('a.tar')} {NIGHTLY}", cwd=m.region("us-east-1", "snapshots"))
    to = m.region("eu-west-1", "snapshots")
    t.ok(f"tar xf {t.path('a.tar')} -C {to}")
    t.ok(f"tar xf {t.path('a.tar')} -C {to}", seconds=20)
    same(t.sim.count("CopySnapshot"), 1)
    # Here description, status and tags come after the file that asks.
    members = [f"{NIGHTLY}/{n}" for n in (NIGHTLY + ".snapshot", "description", "metadata.json", "status", "tags")]
    t.ok(f"tar cf {t.path('b.tar')} {' '.join(members)}", cwd=m.region("us-east-1", "snapshots"))
    t.ok(f"tar xf {t.path('b.tar')} -C {m.region('us-west-2', 'snapshots')}", seconds=20)
    same(t.sim.count("CopySnapshot", "us-west-2"), 1)
    same(read(m.region("us-west-2", "snapshots", NIGHTLY, "description")), "nightly db\n")


@case
def the_link_beside_a_folder(t):
    """cp -a of a receipt's folder makes a receipt whose link, beside it, leads to the new copy."""
    m = t.mount()
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/")
    t.ok(f"cp -a eu-west-1/{NIGHTLY} us-west-2/")
    same(t.ok(f"cat us-west-2/{NIGHTLY}.copy/status | grep ^region"), "region: us-west-2\n")
    t.ok(f"cp -a eu-west-1/{NIGHTLY} us-east-1/")
    same(t.ok(f"cat us-east-1/{NIGHTLY}.copy/status | grep ^region"), "region: us-east-1\n")
    check(os.path.islink(m.region("us-east-1", NIGHTLY + ".copy")), "no link")


# --- what is refused leaves nothing ---


@case
def a_refused_mv_leaves_nothing(t):
    """mv of a snapshot whose deletion is under way is EBUSY, each time, and no receipt is left."""
    m = t.mount("delete")
    m.allow("being deleted")
    os.listdir(m.region("us-east-1", "snapshots"))
    t.sim.fault("DeleteSnapshot", effect="slow", seconds=4)
    rmdir = t.background(["rmdir", m.folder("us-east-1", BARE)])
    time.sleep(0.5)  # that it asked and still waits is what EBUSY below shows
    rmdir.send_signal(signal.SIGTERM)  # it stops waiting; EC2 goes on
    rmdir.wait(10)
    for _ in range(2):
        done = t.fails(EBUSY, f"mv us-east-1/snapshots/{BARE}/{BARE}.snapshot eu-west-1/")
        check("File exists" not in done.err and "overwrite" not in done.err, done.err)
        same(os.listdir(m.region("eu-west-1")), ["snapshots"], "a refused mv leaves")
    contains(read(m(".ebsfs/last-error")), "is being deleted")
    same(t.sim.count("CopySnapshot"), 0)
    until(lambda: not os.path.exists(m.folder("us-east-1", BARE)), "EC2 deletes it")
    check(os.path.exists(m.folder("eu-west-1", IRISH)))
