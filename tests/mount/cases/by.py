# SPDX-License-Identifier: MIT
"""by/: a region's own snapshots, sorted into folders of links by tag, name, volume, day and state."""
import os
import stat
import subprocess
import time
from errno import ENOENT, EPERM

from harness import case, check, contains, matches, read, refused, same, until
from world import AWKWARD, BARE, BROKEN, BY_ID, ENCRYPTED, NIGHTLY, OWN, PENDING, snapshot

REGION = "us-east-1"
FIELDS = ["day", "name", "state", "tag", "volume"]


def by(m, *parts):
    return m.region(REGION, "by", *parts)


def links(m, *parts):
    """A folder's links, `latest` apart, and where that leads: an id, or None."""
    folder = by(m, *parts)
    names = os.listdir(folder)
    latest = os.path.basename(os.readlink(os.path.join(folder, "latest"))) if "latest" in names else None
    return sorted(n for n in names if n != "latest"), latest


def small(*tags, **fields):
    """A world of one region, with a snapshot for each dictionary of tags: a minute apart, the first the oldest."""
    shots = [snapshot(f"snap-{i:017x}", StartTime=f"2026-11-20T03:{i:02}:00.000Z", Tags=t, **fields) for i, t in enumerate(tags)]
    return {"regions": {REGION: {"snapshots": shots}}}, [s["SnapshotId"] for s in shots]


def refresh(m):
    """The region is listed again: returns when the listing is there."""
    os.utime(m.region(REGION, "snapshots"))


def soon(condition, what):
    """Within a second of a refresh."""
    until(condition, f"{what}, a second after the refresh", 1)


def gone(path):
    try:
        os.lstat(path)
    except FileNotFoundError:
        return True
    return False


@case
def structure(t):
    m = t.mount()
    same(sorted(os.listdir(by(m))), FIELDS)
    same(sorted(os.listdir(by(m, "tag"))), sorted({k.replace("%", "%25").replace("/", "%2F") for i in OWN[REGION] for k in BY_ID[i]["Tags"]} -
                                                  {".", ".."} | {"%2E", "%2E%2E"}))
    same(links(m, "name", "db"), ([NIGHTLY], NIGHTLY))
    same(links(m, "tag", "env", "prod"), ([NIGHTLY], NIGHTLY))
    same(links(m, "volume", BY_ID[BARE]["VolumeId"]), ([BARE], BARE))
    same(links(m, "day", "2026-06-01"), ([ENCRYPTED], ENCRYPTED))
    same(links(m, "day", "2026-11-22"), ([PENDING], None))
    same(links(m, "state", "pending"), ([PENDING], None))
    same(links(m, "state", "error"), ([BROKEN], None))
    same(links(m, "state", "completed"), (sorted([NIGHTLY, AWKWARD, BARE, ENCRYPTED]), NIGHTLY))
    same(sorted(os.listdir(by(m, "state"))), ["completed", "error", "pending"])
    same(os.readlink(by(m, "name", "db", NIGHTLY)), f"../../../snapshots/{NIGHTLY}")
    same(os.readlink(by(m, "tag", "Name", "db", "latest")), f"../../../../snapshots/{NIGHTLY}")
    for path in (by(m, "name", "db", NIGHTLY), by(m, "tag", "Name", "db", NIGHTLY), by(m, "name", "db", "latest")):
        same(read(os.path.join(path, "description")), "nightly db\n")
        same(os.path.realpath(path), os.path.realpath(m.folder(REGION, NIGHTLY)))
        same(os.lstat(path).st_mtime, os.stat(path).st_mtime)
    for folder in (by(m), by(m, "name"), by(m, "name", "db")):
        same(stat.filemode(os.stat(folder).st_mode), "dr-xr-xr-x")


@case
def it_opens_by_name_only(t):
    m = t.mount()
    same(sorted(os.listdir(m.region(REGION))), ["snapshots"])
    found = t.ok("find .. -print")
    check("/by" not in found, "find met by/")
    check(found.count(f"snapshots/{NIGHTLY}\n") == 1, "a snapshot is met once")
    same(len(t.ok(f"bash -O dotglob -c 'echo {REGION}/by/name/d*'").split()), 1)


@case
def no_request_beyond_the_listing(t):
    m = t.mount("ttl=600", "poll=60")
    before = t.sim.total()
    t.ok(f"ls {REGION}/by {REGION}/by/name/ > /dev/null")
    same(t.sim.total() - before, 1, "the listing")
    for command in (f"ls {REGION}/by/*/*", f"ls -lR {REGION}/by", f"find -L {REGION}/by/name", f"cat {REGION}/by/*/*/latest/status"):
        t.ok(f"{command} > /dev/null")
    refused(ENOENT, os.lstat, by(m, "name", "no such name"))
    refused(ENOENT, os.lstat, by(m, "name", "db", BARE))
    refused(ENOENT, os.lstat, by(m, "tag", "no such key"))
    refused(ENOENT, os.lstat, by(m, "owner"))
    same(t.sim.total() - before, 1)


@case
def links_are_in_the_order_of_their_start(t):
    world, ids = small(*[{"Name": "db"}] * 50)
    shots = world["regions"][REGION]["snapshots"]
    for n, shot in enumerate(shots):
        shot["StartTime"] = f"2026-11-20T03:{n * 7 % 50:02}:00.000Z"
    t.start_sim(world=world)
    t.mount()
    names = t.ok(f"ls -U {REGION}/by/name/db").split()
    same(names, ["latest"] + [s["SnapshotId"] for s in sorted(shots, key=lambda s: s["StartTime"])])
    same(t.ok(f"ls -t {REGION}/by/name/db | grep -v latest").split(), names[:0:-1])


@case
def names(t):
    values = ["", "%empty", "a/b", "100%", ".", "..", ".hidden", "two\nlines", "tail~", "ünï", " ", "latest", "x" * 255]
    shown = ["%empty", "%25empty", "a%2Fb", "100%25", "%2E", "%2E%2E", "%2Ehidden", "two%0Alines", "%74ail~", "ünï", " ", "latest", "x" * 255]
    world, ids = small(*[{"Name": v, "a/b": v} for v in values], {"Name": "x" * 256}, {"Name": "/" * 86}, {"k" * 127: "v"}, {"/" * 127: "v"})
    t.start_sim(world=world)
    m = t.mount()
    for id, name in zip(ids, shown):  # looked up, before a listing tells the kernel of them
        same(links(m, "name", name), ([id], id), name)
    same(sorted(os.listdir(by(m, "name"))), sorted(shown))
    same(sorted(os.listdir(by(m, "tag", "a%2Fb"))), sorted(shown))
    same(sorted(os.listdir(by(m, "tag"))), ["Name", "a%2Fb", "k" * 127])
    refused(ENOENT, os.lstat, by(m, "name", "%65mpty"))
    refused(ENOENT, os.lstat, by(m, "name", "a%2fb"))
    matches(read(m(".ebsfs/health")), rf"^{REGION} .*; 3 tags not in by/ \(a name would be too long\)")
    # No snapshot is lost.
    same(len(links(m, "state", "completed")[0]), len(ids))


@case
def right_within_a_second_of_a_refresh(t):
    world, (one, two, three) = small({"Name": "db"}, {"Name": "db"}, {"Name": "web", "env": "test"})
    t.start_sim(world=world)
    m = t.mount("poll=60")
    same(links(m, "name", "db"), ([one, two], two))
    same(links(m, "name", "web"), ([three], three))
    t.ok(f"ls -lR {REGION}/by > /dev/null")
    kept = os.open(by(m, "name", "web"), os.O_RDONLY)
    # One is renamed: it leaves a folder, and a new one is there.
    t.sim.change(REGION, two, Tags={"Name": "new"})
    t.ok(f"stat {REGION}/by/name/db/{two} {REGION}/by/name/db/latest > /dev/null; cat {REGION}/by/name/db/latest/status > /dev/null")
    refresh(m)
    soon(lambda: os.path.basename(os.readlink(by(m, "name", "db", "latest"))) == one, "latest")
    soon(lambda: links(m, "name", "db") == ([one], one), "the folder that it left")
    soon(lambda: gone(by(m, "name", "db", two)), "the link that it was")
    soon(lambda: links(m, "name", "new") == ([two], two), "the new folder")
    # The last one of a value goes, and with it the folder.
    t.sim.delete_snapshot(REGION, three)
    t.ok(f"stat {REGION}/by/name/web/{three} {REGION}/by/tag/env > /dev/null")
    refresh(m)
    soon(lambda: gone(by(m, "name", "web")), "its folder")
    soon(lambda: gone(by(m, "tag", "env")), "its key")
    soon(lambda: "web" not in os.listdir(by(m, "name")), "the entry of its folder")
    soon(lambda: "env" not in os.listdir(by(m, "tag")), "the entry of its key")
    refused(ENOENT, os.listdir, kept)
    # The value comes again.
    t.sim.change(REGION, one, Tags={"Name": "web"})
    refresh(m)
    soon(lambda: links(m, "name", "web") == ([one], one), "the folder again")
    os.close(kept)


@case
def latest_is_the_newest_completed(t):
    world, (one, two) = small({"Name": "db"}, {"Name": "db"})
    world["regions"][REGION]["snapshots"][1].update(State="pending", Progress="1%", CompletionTime=None)
    t.start_sim(world=world)
    m = t.mount("poll=60")
    same(links(m, "name", "db"), ([one, two], one))
    same(links(m, "state", "pending"), ([two], None))
    refused(ENOENT, os.readlink, by(m, "state", "pending", "latest"))
    t.sim.end_snapshot(REGION, two)
    refresh(m)
    soon(lambda: links(m, "name", "db") == ([one, two], two), "latest")
    soon(lambda: gone(by(m, "state", "pending")), "the folder of the pending")


@case
def a_tag_that_is_written_here_counts_at_once(t):
    m = t.mount("delete", "poll=60", "ttl=600")
    same(links(m, "name", "db"), ([NIGHTLY], NIGHTLY))
    t.ok(f"echo orders > {REGION}/snapshots/{BARE}/tags/Name")
    soon(lambda: links(m, "name", "orders") == ([BARE], BARE), "the new name")
    t.ok(f"rm {REGION}/snapshots/{BARE}/tags/Name; rmdir {REGION}/snapshots/{NIGHTLY}")
    soon(lambda: os.listdir(by(m, "name")) == [], "no name is left")


@case
def cp_of_the_latest(t):
    m = t.mount()
    t.sim.set_copy_seconds(0)
    t.ok(f"cp {REGION}/by/name/db/latest/*.snapshot eu-west-1/")
    copies = t.sim.copies("eu-west-1")
    same([c["Tags"]["ebsfs:source"] for c in copies], [f"{REGION}/{NIGHTLY}"])
    same(os.listdir(m.region("eu-west-1")).count(f"{NIGHTLY}.snapshot"), 1)
    id = copies[0]["SnapshotId"]
    until(lambda: not gone(m.region("eu-west-1", "by", "name", "db", id)), "the copy has the name too")


@case
def nothing_in_it_can_be_changed(t):
    m = t.mount("delete")
    before = len(t.sim.snapshots(REGION))
    for command in ("rm -r {0}/by", "rm {0}/by/name/db/*", "rmdir {0}/by/name/db", "mkdir {0}/by/name/x", "touch {0}/by/name/x",
                    "mv {0}/by/name/db/latest eu-west-1/", "mv {0}/by/name/db eu-west-1/", "cp {0}/snapshots/{1}/{1}.snapshot {0}/by/name/db/"):
        t.fails(EPERM, command.format(REGION, NIGHTLY))
    contains(read(m(".ebsfs/last-error")), f"create regions/{REGION}/by/name/db/{NIGHTLY}.snapshot")
    contains(read(m(".ebsfs/last-error")), "tags/KEY")
    same((len(t.sim.snapshots(REGION)), t.sim.copies("eu-west-1")), (before, []))


@case
def a_first_listing_is_waited_for(t):
    t.start_sim(bulk={REGION: 3000}, world=False)
    m = t.mount(f"regions={REGION}")
    t.sim.set(latency_ms=200)
    reader = t.background(["ls", "-U", m.region(REGION, "snapshots")], stdout=subprocess.DEVNULL)
    until(lambda: m.metric("ebsfs_listings_total") == 1, "the listing has begun")
    there = sum(len(links(m, "state", state)[0]) for state in os.listdir(by(m, "state")))
    same(there, 3000)
    same(reader.wait(60), 0)


@case
def a_region_without_snapshots(t):
    t.mount()
    same(t.ok("ls us-west-2/by us-west-2/by/*").split(), ["us-west-2/by:"] + FIELDS + [f"us-west-2/by/{f}:" for f in FIELDS])
    t.fails(ENOENT, "ls us-west-2/by/state/completed")


@case
def a_folder_that_changes_while_it_is_read(t):
    """Entries that stay are met once each, whatever comes and goes before and behind the reader."""
    n = 2000
    shots = [snapshot(f"snap-{i:017x}", StartTime=f"2026-11-20T{i // 3600 + 1:02}:{i // 60 % 60:02}:{i % 60:02}.000Z",
                      Tags={"Name": "db", "number": f"{i:04}-{'x' * 100}"}) for i in range(n)]
    t.start_sim(world={"regions": {REGION: {"snapshots": shots}}})
    m = t.mount("poll=60")
    gone_ids = [shots[i]["SnapshotId"] for i in (0, 1, 2, 3, 50, n - 1, n - 50)]
    with os.scandir(by(m, "name", "db")) as folder, os.scandir(by(m, "tag", "number")) as values:
        met = [next(folder).name for _ in range(10)]
        met_values = [next(values).name for _ in range(10)]
        for id in gone_ids:
            t.sim.delete_snapshot(REGION, id)
        for i in range(20):
            t.sim.add_snapshot(REGION, VolumeSize=1, StartTime=f"2026-11-{1 + i:02}T01:00:00.000Z", Tags={"Name": "db", "number": f"new {i}"})
        refresh(m)
        check(len(links(m, "name", "db")[0]) == n - len(gone_ids) + 20, "the listing is the new one")
        met += [entry.name for entry in folder]
        met_values += [entry.name for entry in values]
    stayed = {s["SnapshotId"] for s in shots} - set(gone_ids)
    same(len(met), len(set(met)), "none is met twice")
    same(stayed - set(met), set(), "none is missed")
    same(len(met_values), len(set(met_values)), "none is met twice")
    same({s["Tags"]["number"] for s in shots if s["SnapshotId"] in stayed} - set(met_values), set(), "none is missed")


@case
def many_values(t):
    t.start_sim(bulk={REGION: 20000}, world=False)
    m = t.mount(f"regions={REGION}", "ttl=600")
    os.listdir(m.region(REGION, "snapshots"))
    before, began = t.sim.total(), time.monotonic()
    volumes = os.listdir(by(m, "volume"))
    check(len(volumes) > 1000, "volumes:", len(volumes))
    same(sum(len(os.listdir(by(m, "volume", v))) - 1 for v in volumes[:200]) >= 200, True)
    same(t.sim.total() - before, 0)
    check(time.monotonic() - began < 60, "seconds:", time.monotonic() - began)
