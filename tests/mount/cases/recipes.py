# SPDX-License-Identifier: MIT
"""docs/recipes.md: each recipe's commands, run as they stand there."""
import os
import re
from datetime import datetime, timedelta, timezone

from harness import ROOT, Skip, case, check, contains, read, same, until, write
from world import ACCOUNT, OTHER, snapshot

FROM, TO = "us-east-1", "eu-west-1"
VOLUME = "vol-0123456789abcdef0"
AGES = [1, 3, 6, 20, 29, 31, 45, 90, 400]  # in days; the newest first


def ago(days):
    return (datetime.now(timezone.utc) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def db(days):
    """The id of the snapshot of orders-db's volume that is so old."""
    return f"snap-{0xdb0000 + days:017x}"


def other(days):
    return f"snap-{0xaa0000 + days:017x}"


PENDING = f"snap-{0xbb:017x}"
FAILED = f"snap-{0xee:017x}"


def account():
    """Of each age one of orders-db and one of another volume; one that is still pending, and one in error."""
    return [
        *(snapshot(db(d), VolumeId=VOLUME, StartTime=ago(d), CompletionTime=ago(d - 0.01), Description=f"orders {d}", Tags={"Name": "orders-db"}) for d in AGES),
        *(snapshot(other(d), VolumeId="vol-0aaaaaaaaaaaaaaaa", StartTime=ago(d), CompletionTime=ago(d - 0.01), Tags={"Name": "web"}) for d in AGES),
        snapshot(PENDING, VolumeId=VOLUME, StartTime=ago(0.1), State="pending", Progress="10%", CompletionTime=None, Tags={"Name": "web"}),
        snapshot(FAILED, VolumeId="vol-0eeeeeeeeeeeeeeee", StartTime=ago(2), State="error", CompletionTime=None),
    ]


def start(t, *options, there=()):
    t.start_sim(world={"regions": {FROM: {"snapshots": account()}, TO: {"snapshots": list(there)}}})
    t.sim.set_copy_seconds(0.2)
    return t.mount(*options)


def recipes():
    """Heading -> its blocks of commands."""
    sections = re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", read(ROOT / "docs/recipes.md"), re.M)
    return {heading: re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S) for heading, text in sections}


TRIED = {}


def recipe(heading):
    """A case that gets the recipe's blocks."""
    def register(function):
        TRIED[heading] = function

        def run(t):
            function(t, *recipes()[heading])

        run.__name__ = function.__name__
        case(run)
        return function
    return register


def ids(text):
    return re.findall(r"snap-[0-9a-f]{17}", text)


def sources(t):
    """The sources of the copies in the destination."""
    return sorted(c["Tags"]["ebsfs:source"].split("/")[1] for c in t.sim.snapshots(TO) if "ebsfs:source" in c["Tags"])


@case
def every_recipe_is_tried(t):
    same(sorted(recipes()), sorted(TRIED))
    check(all(recipes().values()), "a recipe without a command")


@recipe("Find snapshots by name")
def find_by_name(t, table, folder, everywhere):
    start(t, there=[snapshot(other(1), Tags={"Name": "orders-db"}, StartTime=ago(1))])
    t.ok(f"ls {FROM}/snapshots {TO}/snapshots")
    before = t.sim.total()
    same(ids(t.ok(table)), [db(d) for d in AGES])
    links, latest = folder.strip().split("\n")
    same([n for n in t.ok(links).split() if n != "latest"], [db(d) for d in reversed(AGES)])
    contains(t.ok(latest), f"snapshot: {db(1)}")
    same(ids(t.ok(everywhere)), [other(1)] + [db(d) for d in AGES])
    same(t.sim.total() - before, 0, "requests")


@recipe("Copy the newest snapshot of a volume")
def newest_of_a_volume(t, copy):
    start(t)
    for _ in range(2):
        t.ok(copy)
        same(sources(t), [db(1)])
    same(t.sim.count("CopySnapshot"), 1)
    # The next night.
    new = t.sim.add_snapshot(FROM, VolumeId=VOLUME, StartTime=ago(0), Tags={"Name": "orders-db"})
    t.ok(f"touch {FROM}/snapshots")
    t.ok(copy)
    same(sources(t), sorted([db(1), new]))


@recipe("Find snapshots older than 30 days")
def older_than_30_days(t, by_time, by_day, by_table):
    start(t)
    wanted = sorted(f(d) for d in AGES if d > 30 for f in (db, other))
    for command in (by_time, by_day, by_table):
        same(sorted(ids(t.ok(command))), wanted, command)


@recipe("Copy last week's snapshots of a volume to another region")
def last_weeks(t, copy):
    start(t)
    t.sim.end_snapshot(FROM, PENDING)
    for _ in range(2):
        t.ok(copy)
        until(lambda: len(sources(t)) == 4, "the copies are made")
        same(sources(t), sorted([db(d) for d in AGES if d < 7] + [PENDING]))
    same(t.sim.count("CopySnapshot"), 4)


@recipe("Copy 100,000 snapshots")
def very_many(t, copy, left):
    t.start_sim(bulk={FROM: 300, TO: 0}, world=False)
    t.sim.set(copy_seconds=3600, copy_limit=20)
    m = t.mount()
    done = t.run(copy, seconds=100)
    # Some are in the archive tier.
    archived = done.err.count("Operation not supported")
    same((done.code, len(done.err.splitlines())), (1, archived), done)
    receipts = [n for n in os.listdir(m.region(TO)) if n.endswith(".snapshot")]
    same(sorted(receipts), sorted(n + ".snapshot" for n in os.listdir(m.region(FROM, "snapshots"))))
    until(lambda: int(t.ok(left)) == 280 - archived, "twenty are under way")


@recipe("Be told what has failed")
def what_has_failed(t, copies, snapshots):
    m = start(t)
    t.sim.delete_snapshot(FROM, FAILED)
    t.ok(f"cp {FROM}/snapshots/{db(1)}/*.snapshot {TO}/; cat {TO}/{db(1)}.wait > /dev/null")
    same(t.ok(copies), "")
    same(t.ok(snapshots), "")
    t.sim.set_copy_seconds(3600)
    t.ok(f"cp {FROM}/snapshots/{db(3)}/*.snapshot {TO}/")
    t.sim.fail_copy(TO, "Given key ID is not accessible")
    t.ok(f"cat {TO}/{db(3)}.wait > /dev/null")
    t.sim.fault("CopySnapshot", code="InvalidParameterValue")
    check(t.run(f"cp {FROM}/snapshots/{db(6)}/*.snapshot {TO}/").code != 0, "the copy is refused")
    told = t.run(copies)
    same((told.code, told.err), (1, ""), told)
    same([line.split()[0] for line in sorted(told.out.splitlines())], ["error", "failed"])
    for id in (db(3), db(6)):
        contains(told.out, id)
    until(lambda: len(os.listdir(m.region(TO, "snapshots"))) == 2, "the copies are there")
    told = t.run(snapshots)
    same((told.code, told.err), (1, ""), told)
    same(len(told.out.splitlines()), 1, told.out)
    # As cron runs it.
    same(t.run(f"sh -c '{copies.strip()}'".replace("'^(failed|error) '", '"^(failed|error) "')).code, 1)


def run_retention(t, command, kept):
    t.ok(command)
    same(sorted(s["SnapshotId"] for s in t.sim.snapshots(TO)), sorted(kept))


@recipe("Delete old copies")
def retention(t, by_age, by_count):
    there = [s for s in account() if s["SnapshotId"] != PENDING]
    everything = [s["SnapshotId"] for s in there]
    start(t, "delete", there=there)
    same(len(ids(t.ok(by_age.split("| xargs")[0]))), 4, "a look at what would go")
    run_retention(t, by_age, [i for i in everything if i not in [db(d) for d in AGES if d > 30]])
    run_retention(t, by_age, [i for i in everything if i not in [db(d) for d in AGES if d > 30]])
    for n in range(5):
        t.sim.add_snapshot(TO, StartTime=ago(60 + n), Tags={"Name": "orders-db"})
    t.ok(f"touch {TO}/snapshots")
    there = {s["SnapshotId"]: s for s in t.sim.snapshots(TO)}
    named = sorted((i for i, s in there.items() if s["Tags"].get("Name") == "orders-db"), key=lambda i: there[i]["StartTime"])
    same(len(named), 10)
    run_retention(t, by_count, [i for i in there if i not in named[:3]])
    run_retention(t, by_count, [i for i in there if i not in named[:3]])


@recipe("Give all copies a tag")
def a_tag_for_all(t, asked, later):
    m = start(t)
    t.ok(f"cp {FROM}/snapshots/{other(1)}/*.snapshot {TO}/")
    t.ok(asked, seconds=100)
    until(lambda: len(sources(t)) == len(AGES) + 1, "the copies are made")
    tags = {c["Tags"]["ebsfs:source"].split("/")[1]: c["Tags"].get("Schedule") for c in t.sim.snapshots(TO)}
    same(tags, {**{db(d): "weekly" for d in AGES}, other(1): None})
    until(lambda: len(os.listdir(m.region(TO, "snapshots"))) == len(tags), "all are shown")
    t.ok(later, seconds=100)
    same({c["Tags"].get("Schedule") for c in t.sim.snapshots(TO)}, {"weekly"})


@recipe("Keep a snapshot's disk on this machine")
def disk_on_this_machine(t, raw, qcow2, budget):
    t.need("qemu-img")
    id, images = f"snap-{0x123456789abcdef0:017x}", t.path("images")
    os.makedirs(images)
    with open(f"{images}/{id}.img", "wb") as f:
        f.truncate(1 << 30)
        for at in (0, 3, 100, 2047):
            f.seek(at << 19)
            f.write(bytes([at % 256 or 1]) * (1 << 19))
    t.start_sim("--disks", images, world={"regions": {FROM: {"snapshots": [snapshot(id, VolumeSize=1, FullSnapshotSizeInBytes=1 << 21)]}}})
    t.mount()
    t.ok(raw.replace("/var/tmp/", t.path("")))
    t.ok(f"cmp {images}/{id}.img {t.path(id)}.img", cwd="/")
    check(os.stat(t.path(id + ".img")).st_blocks * 512 <= 1.02 * (4 << 19), "the raw image is not sparse")
    t.ok(qcow2.replace("/var/tmp/", t.path("")))
    t.ok(f"qemu-img compare -q {images}/{id}.img {t.path('disk.qcow2')}", cwd="/")
    same(t.sim.count("GetSnapshotBlock"), 4, "no block is bought twice")
    out = t.ok(budget)
    contains(out, "limit: 1.00 USD")
    contains(read(t.mounts[-1](".ebsfs/budget")), "limit: 5.00 USD")


@recipe("Look into a snapshot, and get a lost file back")
def look_into_a_snapshot(t, look, compare, back):
    nights, images, tree = [f"snap-{0x123456789abcdef0 + i:017x}" for i in (0, 1)], t.path("images"), t.path("tree")
    os.makedirs(images)
    os.makedirs(f"{tree}/etc")
    for name, text in (("lost", "found\n"), ("fstab", "old\n"), ("same", "same\n")):
        write(f"{tree}/etc/{name}", text)
    for night in nights:
        t.ok(f"/usr/sbin/mke2fs -q -F -t ext4 -d {tree} {images}/{night}.img 1G", cwd="/")
        write(f"{tree}/etc/fstab", "new\n")
        if night == nights[0]:
            os.unlink(f"{tree}/etc/lost")
    t.start_sim("--disks", images, world={"regions": {FROM: {"snapshots": [
        snapshot(night, VolumeSize=1, FullSnapshotSizeInBytes=1 << 26, StartTime=ago(2 - i)) for i, night in enumerate(nights)]}}})
    t.mount()
    out = t.ok(look)
    contains(out, "file system: ext4")
    contains(out, "fstab")
    out = t.ok(compare)
    contains(out, "Only in")
    contains(out, "> new")
    t.ok(back.replace("/var/tmp/", t.path("")))
    same(read(t.path("lost")), "found\n")
    check(t.sim.count("GetSnapshotBlock") <= 20, "blocks bought:", t.sim.count("GetSnapshotBlock"))


@recipe("Take files out of a snapshot")
def files_out_of_a_snapshot(t, commands):
    if os.getuid():
        raise Skip("mount -o loop needs root")
    id, images, live, there = f"snap-{0x123456789abcdef0:017x}", t.path("images"), t.path("live"), t.path("there")
    os.makedirs(images)
    os.makedirs(there)
    contains(commands, id)
    # A file system in use: its files are in its log only.
    t.ok(f"truncate -s 1G {live}; mkfs.xfs -q {live}; mount -o loop {live} {there}; mkdir -p {there}/home/ann; echo letter > {there}/home/ann/letter", cwd="/")
    t.ok(f"sync -f {there}; cp --sparse=always {live} {images}/{id}.img; umount {there}; rm {live}", cwd="/")
    t.start_sim("--disks", images, world={"regions": {FROM: {"snapshots": [snapshot(id, VolumeSize=1, FullSnapshotSizeInBytes=1 << 28)]}}})
    t.mount()
    t.ok(commands.replace("/tmp/restore", t.path("restore")).replace("/var/tmp/", t.path("")))
    same(read(t.path("home/ann/letter")), "letter\n")
    check(t.sim.count("GetSnapshotBlock") < 20, "blocks bought:", t.sim.count("GetSnapshotBlock"))


@recipe("Rehearse a disaster recovery")
def a_drill(t, make, wait, tidy):
    boot = f"snap-{0x123456789abcdef0:017x}"
    disks = [snapshot(boot, Tags={"Name": "boot"}), *(snapshot(db(d), Tags={"Name": "orders-db"}) for d in AGES)]
    t.start_sim("--volume-seconds", "0.1", world={"regions": {FROM: {"snapshots": disks}, TO: {"snapshots": []}}})
    t.sim.set_copy_seconds(0.2)
    m = t.mount()
    for _ in range(2):
        t.ok(make)
    steps = t.ok(wait).splitlines()
    volumes, images = t.sim.volumes(TO), t.sim.images(TO)
    same((len(volumes), len(images)), (len(disks), 1))
    same(t.sim.made(TO), {"volumes": len(disks), "images": 1})
    same(len(steps), len(disks) + 1)
    for made in (*volumes, *images):
        check(any(made["id"] in line for line in steps), made, steps)
    t.ok(tidy)
    same(os.listdir(m.region(TO, "volumes", TO + "a")), [])
    same(len(t.sim.volumes(TO)), len(disks), "volumes after rm of the receipts")


@recipe("See what is public, and who may use a snapshot")
def who_may_use(t, public, shared):
    start(t)
    ec2 = t.boto(FROM)

    def share(id, **whom):
        ec2.modify_snapshot_attribute(SnapshotId=id, Attribute="createVolumePermission", OperationType="add", **whom)

    share(db(3), UserIds=[OTHER])
    share(other(1), GroupNames=["all"])
    same(ids(t.ok(public)), [other(1)])
    same(t.ok(shared).split(), [f"{FROM}/by/name/orders-db/{db(3)}/", OTHER])
    check(ACCOUNT not in t.ok(shared), "the owner is no other account")


@recipe("See what a snapshot is used by")
def what_uses_it(t, used_by):
    start(t)
    same(t.ok(used_by), "")
    ec2 = t.boto(FROM)
    image = ec2.register_image(Name="orders", RootDeviceName="/dev/xvda", VirtualizationType="hvm", Architecture="arm64", BlockDeviceMappings=[
        {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": db(1)}}])["ImageId"]
    volume = ec2.create_volume(AvailabilityZone=FROM + "a", SnapshotId=db(3))["VolumeId"]
    before = t.sim.total()
    same(sorted(line.split("/")[-2:] for line in t.ok(used_by).splitlines()),
         sorted([[db(1), f" {image} available orders"], [db(3), f" {volume} available {FROM}a"]]))
    same(t.sim.total() - before, 2 * len(AGES), "requests")
