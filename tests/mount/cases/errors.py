# SPDX-License-Identifier: MIT
"""The errno table, row by row, and the reason behind each errno in last-error and in the copy's status."""
import os
import time
from errno import (EACCES, EAGAIN, EBUSY, EDQUOT, EHOSTUNREACH, EINVAL, EIO, ENOENT, ENOKEY, EOPNOTSUPP,
                   EPERM, EROFS, ETIMEDOUT)

from harness import SLOW, Timer, case, check, contains, read, refused, same, status, until, write
from world import BARE, IRISH, NIGHTLY, NOWHERE, OWN


def file(id, region="us-east-1"):
    return f"{region}/snapshots/{id}/{id}.snapshot"


def copy_refused(t, wanted, code, http=400, message="as the test wants it", times=1):
    """cp fails with this errno, and code, message and request id are where a person looks for them."""
    m = t.mounts[0] if t.mounts else t.mount()
    m.allow(code)
    name = code.replace(".", "-")
    t.sim.fault("CopySnapshot", code=code, http=http, message=message, times=times)
    t.fails(wanted, f"cp {file(NIGHTLY)} eu-west-1/{name}")
    t.sim.clear_faults()
    got = status(m.region("eu-west-1", name + ".status"))
    same((got["state"], got["code"]), ("failed", code))
    contains(got["message"], message)
    last = read(m(".ebsfs/last-error"))
    for part in (code, message, got["request-id"]):
        contains(last, part, "last-error")
    contains(m.log_text(), code, "the log")
    same(t.sim.copies("eu-west-1"), [])


@case
def enoent_snapshot(t):
    m = t.mount()
    m.allow("InvalidSnapshot.NotFound", NOWHERE)
    refused(ENOENT, os.stat, m.folder("us-east-1", NOWHERE))
    refused(ENOENT, write, m.region("eu-west-1", "x"), f"region: us-east-1\nsnapshot: {NOWHERE}\n...\n")


@case
def enoent_tag(t):
    m = t.mount("delete")
    refused(ENOENT, read, m.folder("us-east-1", NIGHTLY, "tags", "nosuch"))
    refused(ENOENT, os.unlink, m.folder("us-east-1", NIGHTLY, "tags", "nosuch"))
    same(t.sim.count("DeleteTags"), 0)


@case
def enoent_region(t):
    m = t.mount()
    refused(ENOENT, os.stat, m.region("mars-north-1"))
    refused(ENOENT, os.mkdir, m.region("mars-north-1", "x"))
    refused((EPERM, ENOENT), os.mkdir, m.region("mars-north-1"))
    m.allow("mars-north-1")
    # EC2 tells a region that does not exist as little from one that is not enabled as its answers do.
    refused((ENOENT, EACCES), write, m.region("eu-west-1", "x"), f"region: mars-north-1\nsnapshot: {NIGHTLY}\n...\n")
    same(t.sim.count("CopySnapshot"), 0)


@case
def eacces_unauthorized(t):
    copy_refused(t, EACCES, "UnauthorizedOperation", 403)


@case
def eacces_auth_failure(t):
    copy_refused(t, EACCES, "AuthFailure", 401)


@case
def eacces_expired(t):
    for code in ("ExpiredToken", "RequestExpired"):
        copy_refused(t, EACCES, code, 400, times=10)


@case
def eacces_region_not_enabled(t):
    """One region's refusal is that region's: the others go on working."""
    m = t.mount()
    m.allow("AuthFailure|OptInRequired")
    t.sim.fault("DescribeSnapshots", region="us-west-2", code="AuthFailure", http=401, times=1000)
    refused(EACCES, os.listdir, m.region("us-west-2", "snapshots"))
    same(len(os.listdir(m.region("us-east-1", "snapshots"))), len(OWN["us-east-1"]))
    t.fails(EACCES, "ls us-west-2/snapshots")
    contains(read(m(".ebsfs/last-error")), "AuthFailure")


@case
def eacces_listing_forbidden(t):
    m = t.mount()
    m.allow("UnauthorizedOperation")
    t.sim.fault("DescribeSnapshots", code="UnauthorizedOperation", http=403, times=1000)
    refused(EACCES, os.listdir, m.region("eu-west-1", "snapshots"))


@case
def eperm_without_delete(t):
    m = t.mount()
    refused(EPERM, os.rmdir, m.folder("us-east-1", NIGHTLY))
    refused(EPERM, os.unlink, m.folder("us-east-1", NIGHTLY, "tags", "env"))
    refused(EPERM, os.rename, m.folder("us-east-1", NIGHTLY), m.region("eu-west-1", "snapshots", NIGHTLY))


@case
def eperm_read_only_files(t):
    m = t.mount()
    wanted = EPERM if os.getuid() == 0 else (EPERM, EACCES)
    for path in (m("README"), m("copies"), m(".ebsfs/health"), m.folder("us-east-1", NIGHTLY, "description"),
                 m.folder("us-east-1", NIGHTLY, "status"), m.folder("us-east-1", NIGHTLY, "metadata.json")):
        refused(wanted, write, path, "x")
    for path in (m("new"), m("regions/new"), m(".ebsfs/new"), m.folder("us-east-1", NIGHTLY, "new")):
        refused(wanted, write, path, "x")
    for path in (m("new"), m("regions/new-region-1"), m.folder("us-east-1", NIGHTLY, "new")):
        refused(wanted, os.mkdir, path)
    for make in (os.symlink, os.link):
        refused((EPERM, EOPNOTSUPP, 38), make, m("README"), m.region("eu-west-1", "link"))


@case
def erofs(t):
    m = t.mount("ro", "delete")
    refused(EROFS, write, m.region("eu-west-1", "x"), "x")
    refused(EROFS, os.mkdir, m.region("eu-west-1", "x"))
    refused(EROFS, os.rmdir, m.folder("us-east-1", NIGHTLY))
    refused(EROFS, os.unlink, m.folder("us-east-1", NIGHTLY, "tags", "env"))
    refused(EROFS, write, m.folder("us-east-1", NIGHTLY, "tags", "env"), "x")
    refused(EROFS, os.rename, m.folder("us-east-1", NIGHTLY), m.region("eu-west-1", "x"))
    t.fails(EROFS, f"cp {file(NIGHTLY)} eu-west-1/")
    same(t.sim.count("CopySnapshot") + t.sim.count("CreateTags") + t.sim.count("DeleteTags") + t.sim.count("DeleteSnapshot"), 0)
    contains(read(m.folder("us-east-1", NIGHTLY, "status")), "state: completed")


@case
def einval_text(t):
    m = t.mount()
    refused(EINVAL, write, m.region("eu-west-1", "x"), "nonsense\n...\n")
    contains(read(m(".ebsfs/last-error")), "line 1")


@case
def einval_parameter(t):
    for code in ("InvalidParameterValue", "InvalidParameter", "InvalidParameterCombination"):
        copy_refused(t, EINVAL, code)


@case
def enokey(t):
    for code in ("KMS.NotFoundException", "KMS.DisabledException", "CustomerKeyHasBeenRevoked"):
        copy_refused(t, ENOKEY, code)


@case
def edquot_snapshots(t):
    copy_refused(t, EDQUOT, "SnapshotLimitExceeded")


@case
def edquot_tags(t):
    m = t.mount()
    m.allow("TagLimitExceeded")
    t.sim.fault("CreateTags", code="TagLimitExceeded")
    refused(EDQUOT, write, m.folder("us-east-1", BARE, "tags", "x"), "y")


@case
def ebusy_in_use(t):
    m = t.mount("delete")
    m.allow("InvalidSnapshot.InUse", "SnapshotLocked|IncorrectState")
    t.sim.fault("DeleteSnapshot", code="InvalidSnapshot.InUse")
    refused(EBUSY, os.rmdir, m.folder("us-east-1", NIGHTLY))


@case
def eagain_throttled(t):
    """Throttled beyond all retries; within a bound, and nothing was copied."""
    m = t.mount("timeout=20")
    m.allow("RequestLimitExceeded")
    t.sim.fault("CreateTags", code="RequestLimitExceeded", http=503, times=1000)
    with Timer() as timer:
        refused(EAGAIN, write, m.folder("us-east-1", BARE, "tags", "x"), "y")
    check(timer.seconds < 20 + 30 * SLOW, "took", timer.seconds)
    check(1 < t.sim.count("CreateTags") < 30, t.sim.count("CreateTags"), "tries")


@case
def throttled_a_little_is_no_error(t):
    t.mount()
    t.sim.fault("CopySnapshot", code="RequestLimitExceeded", http=503, times=2)
    t.sim.fault("DescribeSnapshots", code="RequestLimitExceeded", http=503, times=2)
    t.ok(f"ls us-west-2/snapshots; cp {file(NIGHTLY)} eu-west-1/")
    same(len(t.sim.copies("eu-west-1")), 1)


@case
def unreachable(t):
    """The endpoint goes down later: what is cached is served, cp fails soon, nothing hangs, nothing becomes ENOENT."""
    m = t.mount("ttl=1", "timeout=10")
    listed = sorted(os.listdir(m.region("us-east-1", "snapshots")))
    text = read(m.file("us-east-1", NIGHTLY))
    m.allow("onnect", "nreachable", "refused")
    t.sim.stop()
    time.sleep(1.5)  # the listing is stale now, whatever else happens
    with Timer() as timer:
        same(sorted(os.listdir(m.region("us-east-1", "snapshots"))), listed)
        same(read(m.file("us-east-1", NIGHTLY)), text)
        contains(read(m.folder("us-east-1", NIGHTLY, "status")), "state: completed")
    check(timer.seconds < 20 * SLOW, "cached reading took", timer.seconds)
    with Timer() as timer:
        t.fails((EHOSTUNREACH, ETIMEDOUT), f"cp {file(NIGHTLY)} eu-west-1/", seconds=100)
    check(timer.seconds < 20 + 30 * SLOW, "cp took", timer.seconds)
    with Timer() as timer:
        refused((EHOSTUNREACH, ETIMEDOUT), os.stat, m.folder("us-east-1", NOWHERE))
        refused((EHOSTUNREACH, ETIMEDOUT), os.listdir, m.region("us-west-2", "snapshots"))
    check(timer.seconds < 100 * SLOW, "looking took", timer.seconds)
    health = read(m(".ebsfs/health"))
    contains(health, "us-east-1")
    check(len(read(m(".ebsfs/last-error"))) > 10)


unreachable.seconds = 300


@case
def unreachable_and_back(t):
    """When the endpoint answers again, so does the mount."""
    m = t.mount("ttl=1", "timeout=10")
    m.allow("onnect", "nreachable", "refused")
    os.listdir(m.region("us-east-1", "snapshots"))
    t.sim.stop()
    refused((EHOSTUNREACH, ETIMEDOUT), os.listdir, m.region("us-west-2", "snapshots"))
    t.sim.start_again()
    until(lambda: not t.run("ls us-west-2/snapshots").code, "the region is listed again", 60)
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/again")
    same(len(t.sim.copies("eu-west-1")), 1)


unreachable_and_back.seconds = 300


@case
def stalled(t):
    """An endpoint that accepts and then says nothing: a bounded time, then ETIMEDOUT; cached data meanwhile."""
    m = t.mount("timeout=5")
    m.allow("imed out|imeout")
    os.listdir(m.region("us-east-1", "snapshots"))
    t.sim.pause()
    try:
        child = t.background(["ls", m.region("us-west-2", "snapshots")], stdout=-3, stderr=-1)
        before = m.metric("ebsfs_requests_total", region="us-east-1")
        same(len(os.listdir(m.region("us-east-1", "snapshots"))), len(OWN["us-east-1"]))
        contains(read(m.folder("us-east-1", NIGHTLY, "status")), "completed")
        same(m.metric("ebsfs_requests_total", region="us-east-1"), before, "requests for what is known")
        _, err = child.communicate(timeout=200)
        check(child.returncode != 0)
        contains(err, os.strerror(ETIMEDOUT))
    finally:
        t.sim.resume()


stalled.seconds = 300


@case
def eopnotsupp(t):
    for code in ("SnapshotCopyUnsupported.InterRegion", "UnsupportedOperation"):
        copy_refused(t, EOPNOTSUPP, code)


@case
def eio_anything_else(t):
    copy_refused(t, EIO, "SomethingNew", message="an error that this version does not know")


@case
def last_error_is_the_last(t):
    m = t.mount()
    copy_refused(t, EACCES, "UnauthorizedOperation", 403, "the first")
    copy_refused(t, EINVAL, "InvalidParameterValue", 400, "the second")
    lines = read(m(".ebsfs/last-error"))
    contains(lines, "the second")


@case
def retry_after_a_server_error(t):
    """A 500 on a listing is asked again."""
    m = t.mount()
    t.sim.fault("DescribeSnapshots", code="InternalError", http=500, times=2)
    same(sorted(os.listdir(m.region("eu-west-1", "snapshots"))), [IRISH])
