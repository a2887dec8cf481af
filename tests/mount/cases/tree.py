# SPDX-License-Identifier: MIT
"""The tree: what stands where, and that what stat() says of it is true."""
import json
import os
import re
import stat
from datetime import datetime, timezone

from harness import ROOT, case, check, contains, fields, matches, read, refused, same, until
from world import (ACCOUNT, AWKWARD, BARE, BY_ID, ENCRYPTED, GIB, IRISH, NIGHTLY, NOWHERE, OWN, PENDING,
                   PUBLIC, REGIONS, SHARED)
from errno import ENODATA, ENOENT, ENOTSUP


def stamp(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


@case
def root(t):
    m = t.mount()
    same(sorted(os.listdir(m.path)), [".ebsfs", "README", "copies", "copies.json", "regions"], "the root")
    for name in (".ebsfs", "regions"):
        check(stat.S_ISDIR(os.stat(m(name)).st_mode), name, "is no folder")


@case
def readme(t):
    text = read(t.mount()("README"))
    for part in (ACCOUNT, "cp ", "last-error"):
        contains(text, part, "README")
    check(5 <= len(text.splitlines()) <= 15, "README has", len(text.splitlines()), "lines instead of about ten")


@case
def regions(t):
    m = t.mount()
    same(sorted(os.listdir(m("regions"))), sorted(REGIONS))
    refused(ENOENT, os.stat, m.region("mars-north-1"))


@case
def regions_option(t):
    m = t.mount("regions=us-east-1:us-west-2")
    same(sorted(os.listdir(m("regions"))), ["us-east-1", "us-west-2"])
    refused(ENOENT, os.stat, m.region("eu-west-1"))


@case
def region_folder(t):
    m = t.mount()
    same(os.listdir(m.region("us-east-1")), ["snapshots"])


@case
def lists_own_snapshots_only(t):
    m = t.mount()
    for region in REGIONS:
        same(sorted(os.listdir(m.region(region, "snapshots"))), sorted(OWN[region]), region)


@case
def shared_opens_by_name(t):
    m = t.mount()
    for id in (SHARED, PUBLIC):
        same(fields(read(m.folder("us-east-1", id, "status")))["snapshot"], id)
        check(id not in os.listdir(m.region("us-east-1", "snapshots")), id, "is listed")
        contains(read(m.file("us-east-1", id)), f"owner: {BY_ID[id]['OwnerId']}\n")


@case
def unknown_id(t):
    m = t.mount()
    for name in (NOWHERE, "snap-xyz", "snap-", "vol-0123456789abcdef0", "nightly", ".wait", NIGHTLY.upper(), NIGHTLY + "0"):
        refused(ENOENT, os.stat, m.folder("us-east-1", name))
    # An id of another region is not known here.
    refused(ENOENT, os.stat, m.folder("us-east-1", IRISH))


@case
def snapshot_folder(t):
    m = t.mount()
    same(sorted(os.listdir(m.folder("us-east-1", NIGHTLY))),
         sorted(["description", "metadata.json", "tags", "status", NIGHTLY + ".snapshot"]))


@case
def snapshot_file_comes_last(t):
    m = t.mount()
    for id in (NIGHTLY, AWKWARD, BARE):
        folder = m.folder("us-east-1", id)
        with os.scandir(folder) as entries:
            names = [e.name for e in entries]
        same(names[-1], id + ".snapshot", "the order of", folder, names)
        numbers = {n: os.lstat(os.path.join(folder, n)).st_ino for n in names}
        same(max(numbers, key=numbers.get), id + ".snapshot", "the highest inode number of", numbers)
        check(len(set(numbers.values())) == len(numbers), "two files with one inode number:", numbers)


@case
def inode_numbers_are_unique(t):
    m = t.mount()
    seen = {}
    for folder, folders, files in os.walk(m.path):
        for name in folders + files:
            path = os.path.join(folder, name)
            number = os.lstat(path).st_ino
            check(number not in seen, path, "and", seen.get(number), "have one inode number")
            seen[number] = path
    check(len(seen) > 50, "walked only", len(seen))


@case
def room_and_links(t):
    """df counts no inodes, so no monitor finds them used up, and shows room; one link for a folder, or find and perl would look for few subfolders."""
    m = t.mount()
    found = 0
    for folder, folders, files in os.walk(m.path):
        for path in [folder] + [os.path.join(folder, name) for name in files]:
            same(os.lstat(path).st_nlink, 1, "links of", path)
            found += 1
    room = os.statvfs(m.path)
    same((room.f_files, room.f_ffree, room.f_favail), (0, 0, 0))
    check(room.f_bavail == room.f_blocks > 1 << 30, room)
    check(found > 50, "walked only", found)
    t.need("perl")
    walked = t.ok(f"perl -MFile::Find -e 'find(sub {{ $n++ if -f }}, \"{m.path}\"); print $n'")
    same(int(walked), sum(len(files) for _, _, files in os.walk(m.path)), "files that File::Find finds")


@case
def times_and_sizes(t):
    m = t.mount()
    for region in ("us-east-1", "eu-west-1"):
        for id in OWN[region]:
            s, wanted = os.stat(m.folder(region, id)), BY_ID[id]
            same(s.st_mtime, stamp(wanted["StartTime"]), id, "mtime")
            if "CompletionTime" in wanted:
                same(s.st_ctime, stamp(wanted["CompletionTime"]), id, "ctime")
                same(s.st_blocks * 512, wanted["FullSnapshotSizeInBytes"], id, "blocks")  # EC2 says it at the end
            same(s.st_size, wanted["VolumeSize"] * GIB, id, "size")


@case
def owner_and_modes(t):
    m = t.mount()
    for path in (m("regions"), m.folder("us-east-1", NIGHTLY), m.file("us-east-1", NIGHTLY)):
        s = os.stat(path)
        same((s.st_uid, s.st_gid), (os.getuid(), os.getgid()), path)
    for path in (m.file("us-east-1", NIGHTLY), m.folder("us-east-1", NIGHTLY, "status"), m("copies"), m("README"),
                 m.folder("us-east-1", NIGHTLY, "metadata.json"), m.folder("us-east-1", NIGHTLY, "description"),
                 m.folder("us-east-1", AWKWARD, "tags", "aws:backup:source-resource")):
        check(not os.stat(path).st_mode & 0o222, path, "looks writable")
        check(os.stat(path).st_mode & 0o400, path, "looks unreadable")
    for path in (m.folder("us-east-1", NIGHTLY, "tags", "env"), m.folder("us-east-1", NIGHTLY, "tags"),
                 m.region("us-east-1"), m.region("us-east-1", "snapshots")):
        check(os.stat(path).st_mode & 0o200, path, "looks read-only")


@case
def modes_read_only_mount(t):
    m = t.mount("ro")
    for folder, folders, files in os.walk(m.path):
        for name in folders + files:
            path = os.path.join(folder, name)
            check(not os.lstat(path).st_mode & 0o222, path, "looks writable on a read-only mount")


@case
def ls_by_time(t):
    t.mount()
    wanted = sorted(OWN["us-east-1"], key=lambda id: BY_ID[id]["StartTime"], reverse=True)
    same(t.ok("ls -t us-east-1/snapshots").split(), wanted)
    lines = t.ok("ls -lt --time-style=long-iso us-east-1/snapshots").splitlines()[1:]
    same([l.split()[-1] for l in lines], wanted)
    contains(lines[0], "2026-11-22 19:40")


@case
def ls_by_size(t):
    t.mount()
    lines = t.ok("ls -lhS us-east-1/snapshots").splitlines()[1:]
    same(lines[0].split()[-1], AWKWARD)
    same(lines[0].split()[4], "100G")
    same(lines[-1].split()[-1], BARE)


@case
def find_newer(t):
    t.mount()
    found = t.ok("find us-east-1/snapshots -mindepth 1 -maxdepth 1 -newermt 2026-11-01").split()
    same(sorted(os.path.basename(f) for f in found), sorted([NIGHTLY, PENDING]))


@case
def du(t):
    t.mount()
    out = t.ok(f"du -s -B1 us-east-1/snapshots/{AWKWARD}")
    used = int(out.split()[0])
    # The folder's own blocks are the snapshot's; the small files in it may add a little.
    check(40 * GIB <= used < 40 * GIB + (1 << 20), "du says", used)


@case
def description(t):
    m = t.mount()
    same(read(m.folder("us-east-1", AWKWARD, "description")), BY_ID[AWKWARD]["Description"] + "\n")
    same(read(m.folder("us-east-1", BARE, "description")), "")


@case
def metadata_as_boto3_sees_it(t):
    """Every field that boto3 decodes is in metadata.json, under the same name and with the same value."""
    m = t.mount()
    for region in ("us-east-1", "eu-west-1"):
        described = t.boto(region).describe_snapshots(OwnerIds=["self"])["Snapshots"]
        check(len(described) == len(OWN[region]), "boto3 lists", len(described))
        for s in described:
            ours = json.loads(read(m.folder(region, s["SnapshotId"], "metadata.json")))
            for name, value in s.items():
                check(name in ours, "metadata.json lacks", name, "of", s["SnapshotId"], ours)
                if isinstance(value, datetime):
                    same(stamp(ours[name]), value.astimezone(timezone.utc).timestamp(), name)
                elif name == "Tags":
                    same(sorted((x["Key"], x["Value"]) for x in ours[name]), sorted((x["Key"], x["Value"]) for x in value), name)
                else:
                    same(ours[name], value, s["SnapshotId"], name)


@case
def snapshot_file(t):
    m = t.mount()
    text = read(m.file("us-east-1", NIGHTLY))
    lines = text.splitlines()
    check(lines[0].startswith("#"), "no comment at its head:", lines[0])
    same(lines[-1], "...")
    check(text.endswith("...\n"), "text goes on after its end")
    got = fields("".join(l + "\n" for l in lines if not l.startswith("#") and l != "..."))
    same(got, {
        "region": "us-east-1",
        "snapshot": NIGHTLY,
        "volume": "vol-0123456789abcdef0",
        "size": "8 GiB",
        "started": "2026-11-20T03:00:12Z",
        "owner": ACCOUNT,
        "encrypted": "no",
        "description": "nightly db",
    })
    contains(read(m.file("us-east-1", ENCRYPTED)), "encrypted: yes\n")


@case
def snapshot_file_never_changes(t):
    """Bytes, size and mtime stay when the snapshot ends, is tagged, and is mounted again."""
    t.start_sim()
    m = t.mount("ttl=1")
    path = m.file("us-east-1", PENDING)
    before = read(path), os.stat(path).st_mtime_ns, os.stat(path).st_size
    same(before[2], len(before[0].encode()), "its size")
    t.sim.end_snapshot("us-east-1", PENDING)
    until(lambda: "state: completed" in read(m.folder("us-east-1", PENDING, "status")), "the snapshot's end is seen")
    with open(m.folder("us-east-1", PENDING, "tags", "new"), "w") as f:
        f.write("tag")
    same((read(path), os.stat(path).st_mtime_ns, os.stat(path).st_size), before)
    m.unmount()
    m = t.mount()
    same((read(path), os.stat(path).st_mtime_ns, os.stat(path).st_size), before, "after another mount")


@case
def touch_reads_the_region_again(t):
    m = t.mount("ttl=3600")
    folder = m.region("us-east-1", "snapshots")
    same(sorted(os.listdir(folder)), sorted(OWN["us-east-1"]))
    new = t.sim.add_snapshot("us-east-1")
    same(sorted(os.listdir(folder)), sorted(OWN["us-east-1"]), "within the ttl nothing is asked")
    t.ok("touch us-east-1/snapshots")
    same(sorted(os.listdir(folder)), sorted(OWN["us-east-1"] + [new]), "after touch")


@case
def listing_grows_old(t):
    m = t.mount("ttl=1")
    folder = m.region("us-east-1", "snapshots")
    same(len(os.listdir(folder)), len(OWN["us-east-1"]))
    new = t.sim.add_snapshot("us-east-1")
    until(lambda: new in os.listdir(folder), "a snapshot made elsewhere appears by itself")
    t.sim.delete_snapshot("us-east-1", new)
    until(lambda: new not in os.listdir(folder), "a snapshot deleted elsewhere vanishes by itself")
    refused(ENOENT, os.stat, m.folder("us-east-1", new))


@case
def copies_files(t):
    m = t.mount()
    read(m("copies"))
    same(json.loads(read(m("copies.json"))), [], "copies.json of a mount without copies")


@case
def copies_name_each_copy(t):
    m = t.mount()
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/")
    [copy] = t.sim.copies("eu-west-1")
    contains(read(m("copies")), NIGHTLY)
    [entry] = json.loads(read(m("copies.json")))
    text = json.dumps(entry)
    for part in (NIGHTLY, copy["SnapshotId"], "us-east-1", "eu-west-1"):
        contains(text, part, "copies.json")
    check(entry["state"] in ("pending", "completed"), entry)


@case
def ebsfs_folder(t):
    m = t.mount()
    names = os.listdir(m(".ebsfs"))
    for name in ("health", "metrics", "version", "last-error"):
        check(name in names, ".ebsfs has no", name)
    same(read(m(".ebsfs/last-error")), "no error since the mount\n", "last-error before any error")
    version = re.search(r"version: '(\S+)'", read(ROOT / "meson.build"))[1]
    same(read(m(".ebsfs/version")).strip(), t.ebsfs("--version").out.strip())
    contains(t.ebsfs("--version").out, version)
    os.listdir(m.region("us-east-1", "snapshots"))
    contains(read(m(".ebsfs/health")), "us-east-1")


@case
def metrics_count_requests(t):
    m = t.mount()
    os.listdir(m.region("us-east-1", "snapshots"))
    text = read(m(".ebsfs/metrics"))
    for line in text.splitlines():
        matches(line, r"^(# (HELP|TYPE) [a-z_]+ .+|[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^}]*\})? [0-9.eE+-]+)$", "Prometheus text")
    same(m.metric("ebsfs_requests_total", action="DescribeSnapshots", region="us-east-1"),
         t.sim.count("DescribeSnapshots", "us-east-1"))


@case
def no_extended_attributes(t):
    """ENOSYS once, so that `ls -l` does not ask three an entry."""
    m = t.mount()
    refused((ENOTSUP, ENODATA), os.getxattr, m.folder("us-east-1", NIGHTLY), "user.x")


@case
def statfs(t):
    m = t.mount()
    t.ok(f"df {m.path}")
    os.statvfs(m.path)


@case
def mounted_as_fuse_ebsfs(t):
    m = t.mount()
    line = matches(read("/proc/self/mounts"), rf"^(\S+) {m.path} (\S+) ")
    same(line[2], "fuse.ebsfs", "the type in /proc/mounts")


@case
def listing_twice_costs_nothing(t):
    m = t.mount("ttl=3600", "poll=60")
    folder = m.region("us-east-1", "snapshots")
    os.listdir(folder)
    before = t.sim.total()
    for _ in range(3):
        t.ok("ls -lR us-east-1/snapshots")
    same(t.sim.total(), before, "requests of three `ls -lR` in the ttl")


@case
def read_only_files_have_a_size(t):
    """wc, tail and less go by st_size: what has one must be that long; what is made anew at each read may say 0."""
    m = t.mount()
    for path in (m.file("us-east-1", NIGHTLY), m.folder("us-east-1", NIGHTLY, "metadata.json"),
                 m.folder("us-east-1", NIGHTLY, "description"), m.folder("us-east-1", NIGHTLY, "tags", "env"), m("README")):
        same(os.stat(path).st_size, len(read(path).encode()), path)
    for path in ("status", "metadata.json", "description", NIGHTLY + ".snapshot"):
        out = t.ok(f"wc -c < us-east-1/snapshots/{NIGHTLY}/{path}")
        check(int(out) > 0, path, "is empty for wc")
