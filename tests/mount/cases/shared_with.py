# SPDX-License-Identifier: MIT
"""shared-with in a snapshot's folder: the accounts that may use the snapshot. EC2 is asked only when the file is read."""
import os
from errno import EACCES, ENOENT, EPERM

from harness import ROOT, case, check, contains, read, refused, same
from world import BARE, ENCRYPTED, NIGHTLY, OTHER, PUBLIC, SHARED

REGION = "us-east-1"
THIRD = "333344445555"


def asked(t):
    return t.sim.count("DescribeSnapshotAttribute")


def last_error(m):
    return read(m(".ebsfs/last-error")).split("\n\n")[0]


@case
def who(t):
    """As Amazon's client hears it."""
    m = t.mount()
    ec2 = t.boto(REGION)

    def share(operation, **whom):
        ec2.modify_snapshot_attribute(SnapshotId=NIGHTLY, Attribute="createVolumePermission", OperationType=operation, **whom)

    def judged():
        told = ec2.describe_snapshot_attribute(SnapshotId=NIGHTLY, Attribute="createVolumePermission")["CreateVolumePermissions"]
        return [p.get("UserId") or p["Group"] for p in told]

    path = m.folder(REGION, NIGHTLY, "shared-with")
    same(read(path), "", "private")
    share("add", UserIds=[OTHER, THIRD])
    same(read(path).splitlines(), judged())
    same(sorted(read(path).split()), sorted([OTHER, THIRD]))
    share("add", GroupNames=["all"])
    same(read(path).splitlines(), judged())
    check("all" in read(path).split(), read(path))
    share("remove", UserIds=[OTHER, THIRD])
    same(read(path), "all\n")
    same(read(m.folder(REGION, BARE, "shared-with")), "")
    same(t.ok(f"cd {REGION}/snapshots; for s in *; do [ -z \"$(cat $s/shared-with)\" ] || echo $s; done").split(), [NIGHTLY])


@case
def asked_when_it_is_read_only(t):
    m = t.mount()
    t.ok("ls -lR . > /dev/null; find . > /dev/null; grep -r nightly . > /dev/null; tar cf - us-east-1/snapshots > /dev/null 2>&1; true")
    check("shared-with" not in os.listdir(m.folder(REGION, NIGHTLY)), "it is listed")
    path = m.folder(REGION, NIGHTLY, "shared-with")
    same((os.stat(path).st_size, oct(os.stat(path).st_mode & 0o7777)), (0, oct(0o444)))
    os.close(os.open(path, os.O_RDONLY))
    same(asked(t), 0, "before it is read")
    with open(path, encoding="utf-8") as f:
        f.read()
        f.seek(0)
        f.read()
        same(asked(t), 1, "one opening")
    read(path)
    same(asked(t), 2)


@case
def read_only(t):
    m = t.mount()
    refused(EPERM, open, m.folder(REGION, NIGHTLY, "shared-with"), "w")
    contains(read(m(".ebsfs/last-error")), "aws ec2 modify-snapshot-attribute")
    t.fails(EPERM, f"rm -f {REGION}/snapshots/{NIGHTLY}/shared-with")
    same(asked(t), 0)


@case
def refusals(t):
    """Each with EC2's reason; and AuthFailure is of the snapshot here: no keys are blamed, or fetched anew."""
    m = t.mount()
    for id in (SHARED, PUBLIC):
        refused(EACCES, read, m.folder(REGION, id, "shared-with"))
    last = last_error(m)
    contains(last, f"read regions/{REGION}/snapshots/{PUBLIC}/shared-with")
    contains(last, "belongs to another account")
    contains(last, "EC2 tells only the owner")
    path = m.folder(REGION, ENCRYPTED, "shared-with")
    for code, http, wanted in (("AuthFailure", 401, EACCES), ("OperationNotPermitted", 400, EPERM), ("UnauthorizedOperation", 403, EACCES),
                               ("InvalidSnapshot.NotFound", 400, ENOENT)):
        before = asked(t)
        t.sim.clear_faults()
        t.sim.fault("DescribeSnapshotAttribute", code=code, http=http, message="Not authorized for snapshot")
        refused(wanted, read, path)
        same(asked(t) - before, 1, code, "requests")
        last = last_error(m)
        contains(last, code)
        check("access key AKIA" not in last, last)
    t.sim.clear_faults()
    t.sim.fault("DescribeSnapshotAttribute", code="AuthFailure", http=401, message="Not authorized for snapshot")
    refused(EACCES, read, path)
    contains(last_error(m), "EC2 tells only the owner")
    t.sim.clear_faults()
    same(read(path), "")
    contains(read(ROOT / "README.md"), '"Sid": "SeeSharing"')
    refused(ENOENT, read, m.folder(REGION, "snap-09999999999999999", "shared-with"))


@case
def interrupted(t):
    m = t.mount()
    t.ok(f"ls {REGION}/snapshots")
    t.sim.pause()
    try:
        done = t.run(f"timeout 0.5 cat {REGION}/snapshots/{NIGHTLY}/shared-with")
        same(done.code, 124)
    finally:
        t.sim.resume()
    same(read(m.folder(REGION, NIGHTLY, "shared-with")), "")
