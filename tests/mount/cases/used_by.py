# SPDX-License-Identifier: MIT
"""used-by in a snapshot's folder: the images and volumes made of it. EC2 is asked only when the file is read, by two requests."""
import os
from errno import EACCES, EBUSY, EPERM

from harness import ROOT, case, check, contains, read, refused, same
from world import BARE, ENCRYPTED, NIGHTLY, PUBLIC, SHARED

REGION = "us-east-1"


def asked(t):
    return (t.sim.count("DescribeImages"), t.sim.count("DescribeVolumes"))


def last_error(m):
    return read(m(".ebsfs/last-error")).split("\n\n")[0]


def make(ec2, snapshot, name, **params):
    return ec2.register_image(Name=name, Architecture="x86_64", RootDeviceName="/dev/xvda", VirtualizationType="hvm", BlockDeviceMappings=[
        {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}, *params.pop("disks", [])], **params)["ImageId"]


@case
def images_and_volumes(t):
    """As Amazon's client made them: own images, disabled ones too, also as a second disk; and volumes, attached or not."""
    m = t.mount()
    ec2 = t.boto(REGION)
    path = m.folder(REGION, NIGHTLY, "used-by")
    same(read(path), "", "unused")
    image = make(ec2, NIGHTLY, "web (1)")
    disabled = make(ec2, NIGHTLY, "old")
    second = make(ec2, BARE, "two disks", disks=[{"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": NIGHTLY}}])
    free = ec2.create_volume(AvailabilityZone="us-east-1a", SnapshotId=NIGHTLY)["VolumeId"]
    used = ec2.create_volume(AvailabilityZone="us-east-1b", SnapshotId=NIGHTLY)["VolumeId"]
    ec2.create_volume(AvailabilityZone="us-east-1b", SnapshotId=BARE)
    t.sim.change_image(REGION, disabled, set={"state": "disabled"})
    t.sim.change_volume(REGION, used, set={"instance": "i-0123456789abcdef0", "device": "/dev/sdh"})
    same(read(path).splitlines(), [f"{image} available web (1)", f"{disabled} disabled old", f"{second} available two disks",
                                   f"{free} available us-east-1a", f"{used} in-use us-east-1b i-0123456789abcdef0 /dev/sdh"])
    same(read(m.folder(REGION, BARE, "used-by")).split()[:4], [second, "available", "two", "disks"])
    same(read(m.folder(REGION, ENCRYPTED, "used-by")), "")
    # A snapshot of others has the account's own images and volumes too.
    shared = ec2.create_volume(AvailabilityZone="us-east-1a", SnapshotId=SHARED)["VolumeId"]
    same(read(m.folder(REGION, SHARED, "used-by")), f"{shared} available us-east-1a\n")
    same(read(m.folder(REGION, PUBLIC, "used-by")), "")
    t.sim.change_volume(REGION, free, delete=True)
    t.sim.change_image(REGION, image, deregister=True)
    same([line.split()[0] for line in read(path).splitlines()], [disabled, second, used])
    same(t.ok(f"cd {REGION}/snapshots; for s in *; do grep -l ^ami- $s/used-by; done; true").split(), sorted([f"{NIGHTLY}/used-by", f"{BARE}/used-by"]))


@case
def asked_when_it_is_read_only(t):
    m = t.mount()
    t.ok("ls -lR . > /dev/null; find . > /dev/null; grep -r nightly . > /dev/null; tar cf - us-east-1/snapshots > /dev/null 2>&1; true")
    check("used-by" not in os.listdir(m.folder(REGION, NIGHTLY)), "it is listed")
    path = m.folder(REGION, NIGHTLY, "used-by")
    same((os.stat(path).st_size, oct(os.stat(path).st_mode & 0o7777)), (0, oct(0o444)))
    os.close(os.open(path, os.O_RDONLY))
    same(asked(t), (0, 0), "before it is read")
    with open(path, encoding="utf-8") as f:
        f.read()
        f.seek(0)
        f.read()
        same(asked(t), (1, 1), "one opening")
    refused(EPERM, open, path, "w")
    t.fails(EPERM, f"rm -f {REGION}/snapshots/{NIGHTLY}/used-by")
    same(asked(t), (1, 1))


@case
def why_can_I_not_delete_it(t):
    """rmdir's reason leads to used-by, and that to the image."""
    m = t.mount("delete")
    m.allow("InvalidSnapshot.InUse")
    image = make(t.boto(REGION), NIGHTLY, "web")
    t.boto(REGION).create_volume(AvailabilityZone="us-east-1a", SnapshotId=BARE)
    t.sim.change_image(REGION, image, set={"state": "disabled"})
    refused(EBUSY, os.rmdir, m.folder(REGION, NIGHTLY))
    last = last_error(m)
    contains(last, f"is currently in use by {image}")
    contains(last, "next: an AMI uses the snapshot: the file used-by in its folder names it; deregister it first")
    contains(read(m.folder(REGION, NIGHTLY, "used-by")), f"{image} disabled web\n")
    t.sim.change_image(REGION, image, deregister=True)
    os.rmdir(m.folder(REGION, NIGHTLY))
    os.rmdir(m.folder(REGION, BARE))  # a volume is no reason


@case
def refusals(t):
    """Either request may fail: with EC2's reason, and nothing is shown as unused."""
    m = t.mount()
    m.allow("UnauthorizedOperation")
    path = m.folder(REGION, NIGHTLY, "used-by")
    make(t.boto(REGION), NIGHTLY, "web")
    for action in ("DescribeImages", "DescribeVolumes"):
        t.sim.clear_faults()
        t.sim.fault(action, code="UnauthorizedOperation", http=403, times=9)
        refused(EACCES, read, path)
        last = last_error(m)
        contains(last, f"operation: read regions/{REGION}/snapshots/{NIGHTLY}/used-by\n")
        contains(last, f"message: {action} in {REGION}: ")
        contains(last, 'add the statement "LookAtVolumesAndImages" of the policy')
    t.sim.clear_faults()
    contains(read(ROOT / "README.md"), '"Sid": "LookAtVolumesAndImages"')
    contains(read(path), " web\n")


@case
def interrupted(t):
    m = t.mount()
    t.ok(f"ls {REGION}/snapshots")
    t.sim.pause()
    try:
        done = t.run(f"timeout 0.5 cat {REGION}/snapshots/{NIGHTLY}/used-by")
        same(done.code, 124)
    finally:
        t.sim.resume()
    same(read(m.folder(REGION, NIGHTLY, "used-by")), "")
