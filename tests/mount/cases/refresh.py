# SPDX-License-Identifier: MIT
"""What looking costs: listings side by side, refreshes, storms of readers, and what the kernel's caches spare."""
import os
import subprocess
import time
from errno import ENOENT

from harness import case, check, read, refused, same, until
from world import NIGHTLY, OWN, REGIONS, snapshot

MANY = [f"xx-region-{n}" for n in range(1, 10)] + REGIONS


def many_regions(count=1):
    """A world of many regions, each with this many snapshots."""
    return {"regions": {region: {"snapshots": [
        snapshot(f"snap-{r:02x}{n:015x}", Tags={"Name": f"disk {n}", "env": "prod"}) for n in range(count)]}
        for r, region in enumerate(MANY)}}


def listings(t, region=None):
    return t.sim.count("DescribeSnapshots", region)


def asked(mount, *ops):
    return sum(mount.metric("ebsfs_kernel_requests_total", op=op) for op in ops)


def walks_side_by_side(t, command, regions=MANY):
    """While EC2 has not answered anybody yet, the walk has begun the listings of all regions; and one each suffices."""
    t.start_sim(world=many_regions())
    m = t.mount("poll=60")
    t.sim.pause()
    walk = t.background(["bash", "-c", command], cwd=m.path, stdout=subprocess.PIPE)
    try:
        until(lambda: m.metric("ebsfs_listings_total") == len(regions), f"all listings, beside each other: {command}")
    finally:
        t.sim.resume()
    out = walk.communicate(timeout=60)[0]
    same(walk.returncode, 0, command)
    same(listings(t), len(regions))
    return out


@case
def a_glob_lists_side_by_side(t):
    out = walks_side_by_side(t, "ls regions/*/snapshots")
    same(out.count("snap-"), len(MANY))


@case
def a_glob_of_dash_lists_side_by_side(t):
    walks_side_by_side(t, "exec dash -c 'ls regions/*/snapshots'")


@case
def one_and_two_regions_list_no_others(t):
    """A copy names two regions: the others are none of its business."""
    t.start_sim(world=many_regions())
    m = t.mount("poll=60")
    t.ok("ls xx-region-1/snapshots xx-region-2/snapshots; stat xx-region-1/snapshots xx-region-2/snapshots; ls xx-region-*/")
    same(listings(t), 2)
    t.ok("find . -maxdepth 2")
    same(listings(t), 2)
    same(m.metric("ebsfs_listings_total", why="ahead"), 0)


@case
def a_walk_reads_ahead(t):
    """find and ls -R open one region after the other: from the third on the next ones are listed already."""
    for number, command in enumerate(("find . -maxdepth 3", "ls -lR .", "for r in *; do ls $r/snapshots; done")):
        sim = t.start_sim(world=many_regions())
        m = t.mount("poll=60", where=f"mnt{number}", state=f"state{number}", endpoint=sim.url)
        t.ok(command)
        same(sim.count("DescribeSnapshots"), len(MANY), command)
        check(m.metric("ebsfs_listings_total", why="ahead") >= len(MANY) - 4, command)


@case
def a_region_not_looked_at_is_not_refreshed(t):
    """The listings get old; without anybody who looks, EC2 is not asked. Who looks then is shown the present state."""
    m = t.mount("ttl=0.2", "poll=60")
    t.ok("ls */snapshots")
    time.sleep(0.5)  # a slow ls may have begun a refresh, which ends meanwhile
    before = t.sim.total()
    stale = {region: m.metric("ebsfs_listings_total", region=region, why="stale") for region in OWN}
    time.sleep(2.5)  # more than VIEW_OLD_TTLS ttls
    same(t.sim.total(), before)
    new = t.sim.add_snapshot("eu-west-1", VolumeSize=1)
    check(new in os.listdir(m.region("eu-west-1", "snapshots")), "an old listing was shown")
    same(m.metric("ebsfs_listings_total", region="eu-west-1", why="stale"), stale["eu-west-1"] + 1)
    same(m.metric("ebsfs_listings_total", region="us-east-1", why="stale"), stale["us-east-1"])


@case
def an_old_listing_is_shown_when_ec2_is_gone(t):
    m = t.mount("ttl=0.2", "poll=60", "timeout=60")
    t.ok("ls us-east-1/snapshots")
    time.sleep(2.5)
    t.sim.pause()
    same(sorted(os.listdir(m.region("us-east-1", "snapshots"))), sorted(OWN["us-east-1"]))
    t.sim.resume()


def storm(t, command, n=100):
    processes = [t.background(["bash", "-c", command], stdout=subprocess.DEVNULL, cwd=t.mounts[-1].path) for _ in range(n)]
    for process in processes:
        same(process.wait(300), 0, command)


@case
def hundred_walks_of_everything(t):
    """100 times ls -lR of the whole mount at once: requests as by one."""
    t.start_sim(world=many_regions(20))
    t.mount("poll=60", "ttl=600")
    before = t.sim.total()
    storm(t, "ls -lR . > /dev/null")
    same(listings(t), len(MANY))
    same(t.sim.total() - before, len(MANY))


hundred_walks_of_everything.seconds = 400


@case
def an_indexer_that_reads_every_file(t):
    """What reads every text of every snapshot (grep -r, an indexer) costs the listings, too, and no request a snapshot."""
    t.start_sim(world=many_regions(30))
    t.mount("poll=60", "ttl=600")
    before = t.sim.total()
    storm(t, "find . -type f -exec cat {} + > /dev/null", 3)
    same(t.sim.total() - before, len(MANY))


@case
def pending_snapshots_cost_no_request_each(t):
    """Their status is asked for by one poller in one request, however many are read."""
    world = {"regions": {"us-east-1": {"snapshots": [
        snapshot(f"snap-{n:017x}", State="pending", Progress="5%", CompletionTime=None) for n in range(1, 150)]}}}
    t.start_sim(world=world)
    t.mount("ttl=600")
    t.ok("ls us-east-1/snapshots")
    before = t.sim.total()
    start = time.monotonic()
    storm(t, "cat regions/us-east-1/snapshots/*/status", 5)
    polls = (time.monotonic() - start) / 0.2 + 2
    check(t.sim.total() - before <= polls, "requests:", t.sim.total() - before, "instead of", polls)


@case
def a_walk_that_outlasts_the_ttl(t):
    """Ids that are looked up again because the listing got stale: one refresh a ttl, no request an id."""
    m = t.mount("ttl=1", "poll=60")
    t.ok("ls -lR us-east-1/snapshots")
    first = listings(t, "us-east-1")
    start = time.monotonic()
    while time.monotonic() - start < 4:
        for id in OWN["us-east-1"]:
            os.stat(m.folder("us-east-1", id, "description"))
    refreshes = time.monotonic() - start + 1
    same(m.metric("ebsfs_id_requests_total", region="us-east-1"), 0)
    check(1 <= listings(t, "us-east-1") - first <= refreshes, listings(t, "us-east-1") - first, "refreshes in", refreshes)


@case
def random_ids_travel_together(t):
    """A storm of ids that nobody has: what is asked for while EC2 has not answered yet goes in one request."""
    m = t.mount("poll=60")
    t.ok("ls us-east-1/snapshots")
    names, before, known = 60, t.sim.total(), asked(m, "lookup")
    t.sim.pause()
    storm = [t.background(["stat", m.folder("us-east-1", f"snap-{n:017x}")], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) for n in range(1, names + 1)]
    until(lambda: asked(m, "lookup") - known >= names, "all of them ask", 60)
    t.sim.resume()
    for process in storm:
        same(process.wait(60), 1)
    check(t.sim.total() - before <= 5, "requests:", t.sim.total() - before)


@case
def a_lookup_does_not_wait_for_a_reader(t):
    """Who reads a listing that does not come to its end holds up nobody else in that folder."""
    m = t.mount("poll=60")
    t.sim.pause()
    reader = t.background(["ls", m.region("us-east-1", "snapshots")], stdout=subprocess.DEVNULL)
    askers = [t.background(["stat", m.folder("us-east-1", f"snap-0000000000000000{n}")], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL) for n in range(1, 9)]
    until(lambda: asked(m, "lookup") >= 3 + len(askers), "all of them ask")
    t.sim.resume()
    same(reader.wait(30), 0)
    for asker in askers:
        same(asker.wait(30), 1)
    check(t.sim.total() <= 12, "requests:", t.sim.counts())


# --- the kernel's caches ---


@case
def a_warm_ls_asks_the_kernel_only(t):
    t.start_sim(bulk={"us-east-1": 3000}, world=False)
    m = t.mount("ttl=600")
    t.ok("ls -l us-east-1/snapshots", seconds=120)  # is read while it comes, which no cache keeps
    t.ok("ls -l us-east-1/snapshots", seconds=120)
    same(asked(m, "readdir"), 0, "readdir instead of readdirplus")
    check(asked(m, "getxattr", "listxattr") <= 2, "extended attributes:", asked(m, "getxattr", "listxattr"))
    names = ("lookup", "getattr", "readdir", "readdirplus", "getxattr", "listxattr")
    before = {op: asked(m, op) for op in names}
    t.ok("ls -l us-east-1/snapshots", seconds=120)
    t.ok("find us-east-1/snapshots -maxdepth 1 -printf '%s %T@ %m %n\\n'", seconds=120)
    after = {op: asked(m, op) for op in names}
    for op in names:
        # The metrics file itself is looked at between: its attributes are never trusted.
        allowed = 4 * len(names) + 4 if op == "getattr" else 0
        check(after[op] - before[op] <= allowed, op, after[op] - before[op])


@case
def xattrs_are_never_asked_for_again(t):
    """The first ENOSYS is the last question: ls -l would ask three an entry."""
    m = t.mount()
    t.ok("ls -lR us-east-1 eu-west-1 > /dev/null")
    for path in (m.folder("us-east-1", NIGHTLY), m.file("us-east-1", NIGHTLY)):
        for name in ("security.capability", "system.posix_acl_access", "user.x"):
            try:
                os.getxattr(path, name)
            except OSError:
                pass
        try:
            os.listxattr(path)
        except OSError:
            pass
    check(asked(m, "getxattr") <= 1, "GETXATTR:", asked(m, "getxattr"))
    check(asked(m, "listxattr") <= 1, "LISTXATTR:", asked(m, "listxattr"))


@case
def a_refresh_tells_the_kernel_what_changed(t):
    """Nothing changed: nothing is told. One tag, one deletion: that snapshot, and no other."""
    m = t.mount("ttl=600", "poll=60")
    t.ok("ls -lR us-east-1/snapshots > /dev/null")
    same(m.metric("ebsfs_kernel_invalidations_total"), 0)
    t.ok("touch us-east-1/snapshots")
    same(m.metric("ebsfs_kernel_invalidations_total"), 0, "the same listing again")
    t.sim.change("us-east-1", NIGHTLY, Description="otherwise")
    t.ok("touch us-east-1/snapshots")
    told = m.metric("ebsfs_kernel_invalidations_total")
    check(1 <= told <= 5, "one snapshot was changed:", told)
    same(read(m.folder("us-east-1", NIGHTLY, "description")), "otherwise\n")
    t.sim.delete_snapshot("us-east-1", NIGHTLY)
    t.ok("touch us-east-1/snapshots")
    check(1 <= m.metric("ebsfs_kernel_invalidations_total") - told <= 5, "one was deleted")
    for path in ("", "description", "tags", NIGHTLY + ".snapshot"):
        check(not os.path.exists(m.folder("us-east-1", NIGHTLY, path)), path, "is still there")
    refused(ENOENT, os.listdir, m.folder("us-east-1", NIGHTLY))
    check(NIGHTLY not in os.listdir(m.region("us-east-1", "snapshots")), "it is still listed")


@case
def after_the_ttl_attributes_come_with_the_listing(t):
    """When the attributes have got old, ls -l reads the folder again instead of asking for them one by one."""
    t.start_sim(bulk={"us-east-1": 3000}, world=False)
    for ttl in (4, 16, 64):  # the first in which this machine gets through
        m = t.mount(f"ttl={ttl}", where=f"mnt{ttl}", state=f"state{ttl}")
        t.ok("ls -l us-east-1/snapshots", seconds=120)
        t.ok("ls -l us-east-1/snapshots", seconds=120)  # is kept by the kernel
        time.sleep(ttl + 0.2)
        before = m.metric("ebsfs_listing_pages_total")
        t.ok("ls us-east-1/snapshots", seconds=120)  # begins the refresh; what it is told holds for a second
        until(lambda: m.metric("ebsfs_listing_pages_total") > before and m.metric("ebsfs_listing_age_seconds") < ttl, "the refresh")
        time.sleep(1.2)
        before = asked(m, "getattr", "lookup")
        t.ok("ls -l us-east-1/snapshots", seconds=120)
        asked_for = asked(m, "getattr", "lookup") - before
        if m.metric("ebsfs_listing_age_seconds") < ttl:
            break
        m.unmount()
    check(asked_for < 50, "asked one by one:", asked_for)


@case
def what_refreshing_costs_is_in_the_metrics(t):
    m = t.mount("ttl=600", "poll=60")
    os.stat(m.folder("eu-west-1", OWN["eu-west-1"][0]))
    same(m.metric("ebsfs_id_requests_total", region="eu-west-1"), 1)
    t.ok("ls us-east-1/snapshots")
    same(m.metric("ebsfs_listings_total", region="us-east-1", why="first"), 1)
    t.ok("touch us-east-1/snapshots")
    same(m.metric("ebsfs_listings_total", region="us-east-1", why="anew"), 1)
    same(m.metric("ebsfs_listing_pages_total", region="us-east-1"), 2)

    def every_request_has_its_cause():
        return (m.metric("ebsfs_listing_pages_total") + m.metric("ebsfs_id_requests_total") ==
                m.metric("ebsfs_requests_total", action="DescribeSnapshots"))

    check(every_request_has_its_cause())
    m = t.mount("ttl=0.2", "poll=60", where="mnt2", state="state2")
    t.ok("ls us-east-1/snapshots")
    time.sleep(0.3)
    t.ok("ls us-east-1/snapshots")
    check(m.metric("ebsfs_listings_total", region="us-east-1", why="stale") >= 1)
    until(every_request_has_its_cause, "every request has its cause")
