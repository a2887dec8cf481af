# SPDX-License-Identifier: MIT
"""Against moto, an EC2 that this project did not write. It has neither progress nor limits nor paging: see the product, not these."""
import os

from harness import case, check, contains, read, same, status
from errno import ENOENT
from moto_world import account, boto, mount


@case
def lists(t):
    moto, ids = account(t)
    m = mount(t, moto)
    same(sorted(os.listdir(m.region("us-east-1", "snapshots"))), sorted(ids))
    same(os.listdir(m.region("eu-west-1", "snapshots")), [])
    same(read(m.folder("us-east-1", ids[1], "description")), "nightly 1\n")
    same(sorted(os.listdir(m.folder("us-east-1", ids[1], "tags"))), ["Name", "a%2Fb"])
    same(status(m.folder("us-east-1", ids[0], "status"))["state"], "completed")
    same(os.stat(m.folder("us-east-1", ids[0])).st_size, 8 << 30)
    check(not os.path.exists(m.folder("us-east-1", "snap-09999999999999999")))


@case
def all_regions(t):
    """DescribeRegions as moto answers it, which names those that are not enabled too."""
    moto, _ = account(t, 1)
    m = t.mount(endpoint=moto.url)
    wanted = [r["RegionName"] for r in boto(t, moto, "us-east-1").describe_regions()["Regions"]
              if r["OptInStatus"] != "not-opted-in"]
    same(sorted(os.listdir(m("regions"))), sorted(wanted))


@case
def copies_by_cp(t):
    moto, ids = account(t)
    m = mount(t, moto)
    t.ok(" ".join(["cp", *(f"us-east-1/snapshots/{id}/{id}.snapshot" for id in ids), "eu-west-1/"]))
    made = boto(t, moto, "eu-west-1").describe_snapshots()["Snapshots"]
    same(sorted(s["Description"] for s in made), sorted(f"[Copied {id} from us-east-1] nightly {k}" for k, id in enumerate(ids)))
    for s in made:
        tags = {x["Key"]: x["Value"] for x in s["Tags"]}
        same(tags["ebsfs:source"], "us-east-1/" + s["Description"].split()[1])
        same(tags["a/b"], "c")
    for id in ids:
        contains(read(m.region("eu-west-1", id + ".wait")), "state: completed")
    same(len(boto(t, moto, "us-east-1").describe_snapshots()["Snapshots"]), len(ids), "in the source's region")


@case
def makes_volumes(t):
    """moto ignores client tokens and zones: only one request each, in the zone that was named, is right."""
    moto, ids = account(t)
    m = mount(t, moto)
    ec2 = boto(t, moto, "us-east-1")
    same(sorted(os.listdir(m.region("us-east-1", "volumes"))), sorted(z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"]))
    for _ in range(2):
        t.ok(" ".join(["cp", *(f"us-east-1/snapshots/{id}/{id}.snapshot" for id in ids), "us-east-1/volumes/us-east-1b/"]))
    made = [v for v in ec2.describe_volumes()["Volumes"] if v["AvailabilityZone"] == "us-east-1b"]
    same(sorted(v["SnapshotId"] for v in made), sorted(ids))
    same({v["VolumeType"] for v in made}, {"gp3"})
    for v in made:
        told = read(m.region("us-east-1", "volumes", "us-east-1b", v["SnapshotId"] + ".wait"))
        contains(told, "state: available\n")
        contains(told, f"volume: {v['VolumeId']}\n")


@case
def copies_by_rsync(t):
    t.need("rsync")
    moto, ids = account(t)
    mount(t, moto)
    for _ in range(2):
        t.ok("rsync -a us-east-1/snapshots/*/*.snapshot us-west-2/")
        made = boto(t, moto, "us-west-2").describe_snapshots()["Snapshots"]
        same(sorted(s["Description"].split()[1] for s in made), sorted(ids))


@case
def copies_folders(t):
    moto, ids = account(t, 1)
    m = mount(t, moto)
    t.ok(f"cp -r us-east-1/snapshots/{ids[0]} eu-west-1/snapshots/")
    [made] = boto(t, moto, "eu-west-1").describe_snapshots()["Snapshots"]
    same(os.path.basename(os.path.realpath(m.region("eu-west-1", "snapshots", ids[0] + ".copy"))), made["SnapshotId"])


@case
def tags_and_deletion(t):
    moto, ids = account(t, 2)
    t.mount("regions=us-east-1", "delete", endpoint=moto.url)
    t.ok(f"echo new > us-east-1/snapshots/{ids[0]}/tags/New; rm us-east-1/snapshots/{ids[0]}/tags/Name; rmdir us-east-1/snapshots/{ids[1]}")
    [left] = boto(t, moto, "us-east-1").describe_snapshots()["Snapshots"]
    same(left["SnapshotId"], ids[0])
    same({x["Key"]: x["Value"] for x in left["Tags"]}, {"a/b": "c", "New": "new"})


@case
def missing_source(t):
    moto, ids = account(t, 1)
    m = mount(t, moto)
    m.allow("NotFound", "not")
    done = t.run("printf 'region: us-east-1\\nsnapshot: snap-09999999999999999\\n...\\n' > eu-west-1/x; cat eu-west-1/x.status")
    check("failed" in done.out or os.strerror(ENOENT) in done.err, repr(done))
    same(boto(t, moto, "eu-west-1").describe_snapshots()["Snapshots"], [])
