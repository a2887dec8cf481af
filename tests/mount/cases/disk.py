# SPDX-License-Identifier: MIT
"""What is kept on disk of a region's listing: shown at once by the next mount, and never decided by."""
import os
import threading
from errno import ENOENT

from harness import case, check, contains, matches, read, refused, same, until
from world import BARE, NIGHTLY, OWN


def names(m, region="us-east-1"):
    return sorted(os.listdir(m.region(region, "snapshots")))


def kept(t, region="us-east-1"):
    return t.path("state", "catalogue", region)


def list_and_unmount(t, *options):
    m = t.mount(*options)
    names(m)
    m.unmount()
    check(os.path.isfile(kept(t)), "nothing is kept")


def resume_soon(t):
    """EC2 answers again once what follows has had time to ask."""
    timer = threading.Timer(1, t.sim.resume)
    timer.start()
    t.closers.append(timer.join)


@case
def second_mount_needs_no_request(t):
    """The listing of an earlier mount is there before EC2 has been asked, says how old it is, and is refreshed behind."""
    list_and_unmount(t)
    same(os.stat(kept(t)).st_mode & 0o777, 0o600)
    same(os.stat(t.path("state", "catalogue")).st_mode & 0o777, 0o700)
    m = t.mount("timeout=600")
    before = t.sim.count("DescribeSnapshots")
    t.sim.pause()
    same(names(m), sorted(OWN["us-east-1"]))
    matches(read(m(".ebsfs/health")), r"^us-east-1 +disk +[0-9hms]+ .*being refreshed$")
    same(m.metric("ebsfs_from_disk", region="us-east-1"), 1)
    t.sim.resume()
    until(lambda: m.metric("ebsfs_from_disk", region="us-east-1") == 0, "the refresh behind")
    matches(read(m(".ebsfs/health")), r"^us-east-1 +fresh ")
    same(t.sim.count("DescribeSnapshots") - before, 1)


@case
def differences_come_behind(t):
    """What changed since is shown as soon as EC2 has said so, through the kernel's caches too."""
    list_and_unmount(t)
    t.sim.delete_snapshot("us-east-1", BARE)
    new = t.sim.add_snapshot("us-east-1", State="completed", VolumeSize=1)
    t.sim.change("us-east-1", NIGHTLY, Description="edited meanwhile")
    m = t.mount("ttl=600", "timeout=600")
    t.sim.pause()
    same(names(m), sorted(OWN["us-east-1"]))
    same(read(m.folder("us-east-1", NIGHTLY, "description")), "nightly db\n")
    t.sim.resume()
    wanted = sorted({*OWN["us-east-1"], new} - {BARE})
    until(lambda: names(m) == wanted, "the new listing")
    until(lambda: not os.path.exists(m.folder("us-east-1", BARE)), "its end")
    until(lambda: read(m.folder("us-east-1", NIGHTLY, "description")) == "edited meanwhile\n", "the new description")


@case
def one_id_costs_one_request(t):
    """Looking at one snapshot of a region known from disk asks for that one, behind."""
    list_and_unmount(t)
    before = t.sim.count("DescribeSnapshots")
    m = t.mount()
    same(read(m.folder("us-east-1", NIGHTLY, "description")), "nightly db\n")
    until(lambda: t.sim.count("DescribeSnapshots") > before, "the question behind")
    os.stat(m.folder("us-east-1", NIGHTLY))
    same(t.sim.count("DescribeSnapshots") - before, 1)


@case
def never_decides(t):
    """A snapshot that is on disk only, and gone at EC2, can be looked at until EC2 has spoken; it cannot be copied."""
    list_and_unmount(t)
    t.sim.delete_snapshot("us-east-1", NIGHTLY)
    m = t.mount("delete")
    m.allow(NIGHTLY)
    t.sim.pause()
    contains(names(m), NIGHTLY)
    same(read(m.folder("us-east-1", NIGHTLY, "description")), "nightly db\n")
    resume_soon(t)
    t.fails(ENOENT, f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/")
    same(t.sim.count("CopySnapshot"), 0)


@case
def what_is_written_is_not_the_disks(t):
    """A tag that is appended to, or renamed, has EC2's value in it and not the one on disk."""
    list_and_unmount(t)
    t.sim.change("us-east-1", NIGHTLY, Tags={"env": "staging", "team": "blue"})
    m = t.mount()
    t.sim.pause()
    names(m)
    same(read(m.folder("us-east-1", NIGHTLY, "tags", "env")), "prod\n")
    resume_soon(t)
    t.ok(f"printf x >> us-east-1/snapshots/{NIGHTLY}/tags/env")
    same(t.sim.snapshot("us-east-1", NIGHTLY)["Tags"]["env"], "staging\nx")
    m.unmount()
    t.sim.change("us-east-1", NIGHTLY, Tags={"env": "production", "team": "blue"})
    m = t.mount("delete")
    t.sim.pause()
    names(m)
    resume_soon(t)
    t.ok(f"mv us-east-1/snapshots/{NIGHTLY}/tags/env us-east-1/snapshots/{NIGHTLY}/tags/stage")
    same(t.sim.snapshot("us-east-1", NIGHTLY)["Tags"], {"stage": "production", "team": "blue"})


@case
def damaged_is_listed_anew(t):
    list_and_unmount(t)
    with open(kept(t), "r+b") as f:
        f.seek(300)
        byte = f.read(1)
        f.seek(300)
        f.write(bytes([byte[0] ^ 1]))
    before = t.sim.count("DescribeSnapshots")
    m = t.mount()
    same(names(m), sorted(OWN["us-east-1"]))
    same(t.sim.count("DescribeSnapshots") - before, 1)
    contains(m.log_text(), "the saved listing of us-east-1 is not used")
    m.unmount()
    m = t.mount()
    names(m)
    check("not used" not in m.log_text(), m.log_text())


@case
def another_endpoints_is_not_shown(t):
    list_and_unmount(t)
    other = t.start_sim(world={"regions": {"us-east-1": {}, "eu-west-1": {}, "us-west-2": {}}})
    m = t.mount(endpoint=other.url)
    same(names(m), [])


@case
def not_kept_is_no_harm(t):
    """Where it cannot be written, the log says so once, and all else goes on."""
    os.makedirs(t.path("state"), mode=0o700)
    open(t.path("state", "catalogue"), "w").close()
    m = t.mount("ttl=0.2")
    for _ in range(3):
        same(names(m), sorted(OWN["us-east-1"]))
    until(lambda: "is not saved" in m.log_text(), "the warning")
    m.unmount()
    same(m.log_text().count("is not saved"), 1)


@case
def simulated_keeps_nothing(t):
    m = t.mount("simulate", endpoint="", state="simulated")
    os.listdir(m.region("us-east-1", "snapshots"))
    m.unmount()
    check(not os.path.exists(t.path("simulated", "catalogue")), "kept")
