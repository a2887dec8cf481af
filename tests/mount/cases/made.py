# SPDX-License-Identifier: MIT
"""Volumes and images: texts that are copied into volumes/ZONE/ and images/."""
import errno
import json
import os
import shutil

from harness import case, check, contains, read, refused, same, status, until, write
from world import BARE, NIGHTLY, PENDING

HOME, AWAY = "us-east-1", "eu-west-1"
ZONE = HOME + "a"


def text(id=NIGHTLY, region=HOME, *options):
    return "".join(f"{line}\n" for line in [*options, f"region: {region}", f"snapshot: {id}", "..."])


def ask(t, path, *options, id=NIGHTLY, region=HOME):
    """As cp does it: the error is that of close()."""
    write(t.path("text"), text(id, region, *options))
    return t.run(f"cp {t.path('text')} {path}")


def reason(m):
    return next(line for line in read(m(".ebsfs/last-error")).splitlines() if line.startswith("message: "))


@case
def a_volume(t):
    t.start_sim("--volume-seconds", "0.2")
    m = t.mount("ttl=0.1")
    check("volumes" not in os.listdir(m.region(HOME)) and "images" not in os.listdir(m.region(HOME)), "they are not listed")
    contains(" ".join(sorted(os.listdir(m.region(HOME, "volumes")))), f"{ZONE} {HOME}b")
    refused(errno.ENOENT, os.listdir, m.region(HOME, "volumes", "eu-north-9z"))
    same(ask(t, f"{HOME}/volumes/{ZONE}/db", "volume.type: io2", "volume.iops: 500", "volume.tag.env: prod", "volume.size: 100 GiB").code, 0)
    contains(read(m.region(HOME, "volumes", ZONE, "db.wait")), "state: available")
    got, [volume] = status(m.region(HOME, "volumes", ZONE, "db.status")), t.sim.volumes(HOME)
    same((got["volume"], got["zone"], got["type"], got["size"], got["iops"]), (volume["id"], ZONE, "io2", "100 GiB", "500"))
    same((volume["type"], volume["size"], volume["iops"], volume["snapshot"]), ("io2", 100, 500, NIGHTLY))
    same(volume["Tags"] if "Tags" in volume else volume["tags"], {"Name": "db", "env": "prod"})
    last = read(m.region(HOME, "volumes", ZONE, "db.status")).splitlines()[-2:]
    contains(last[0], f"aws ec2 attach-volume --region {HOME} --volume-id {volume['id']}")
    contains(last[1], "lsblk")
    row = next(r for r in json.loads(read(m("copies.json"))) if r["kind"] == "volume")
    same((row["state"], row["volume"], row["place"]), ("available", volume["id"], ZONE))
    contains(read(m("copies")), f"available   volume  -            {HOME}       {volume['id']}")
    t.sim.change_volume(HOME, volume["id"], set={"instance": "i-0123456789abcdef0"})
    until(lambda: status(m.region(HOME, "volumes", ZONE, "db.status"))["state"] == "in-use", "it is in use")
    same(t.sim.count("CreateVolume"), 1)


@case
def the_rule(t):
    m = t.mount("window=0.3", "ttl=0.1")
    path = f"{HOME}/volumes/{ZONE}/db"
    for name in (path, path, f"{HOME}/volumes/{ZONE}/other", f"{HOME}/volumes/{ZONE}/again.snapshot"):
        same(ask(t, name).code, 0)
    same(ask(t, path, "volume.type: gp2").code, 1)
    contains(reason(m), "its type is gp3, not gp2")
    same(ask(t, path, "volume.again: x").code, 1)  # this name is that of another
    for name, option in ((f"{HOME}/volumes/{ZONE}/x", "volume.again: x"), (f"{HOME}/volumes/{HOME}b/db", "volume.type: gp3")):
        same(ask(t, name, option).code, 0)
    same(t.sim.made(HOME)["volumes"], 3)
    # rm removes the receipt, and asking again makes a new one of the same volume.
    id = status(m.region(HOME, "volumes", ZONE, "db.status"))["volume"]
    until(lambda: status(m.region(HOME, "volumes", ZONE, "db.status"))["state"] == "available", "it is there")
    t.ok(f"rm {path}")
    same(len(t.sim.volumes(HOME)), 3)
    same(ask(t, path).code, 0)
    same(status(m.region(HOME, "volumes", ZONE, "db.status"))["volume"], id)
    # A volume that was deleted is made again when it is asked for.
    t.sim.change_volume(HOME, id, delete=True)
    until(lambda: status(m.region(HOME, "volumes", ZONE, "db.status"))["state"] == "deleted", "it is deleted")
    same(ask(t, path).code, 0)
    check(status(m.region(HOME, "volumes", ZONE, "db.status"))["volume"] != id, "a new one")
    same(t.sim.made(HOME)["volumes"], 4)


@case
def a_lost_state_folder(t):
    """The same token: EC2 answers with the volume that it has made. Other options are another request of that token."""
    m = t.mount()
    path = f"{HOME}/volumes/{ZONE}/db"
    same(ask(t, path).code, 0)
    id = status(m.region(HOME, "volumes", ZONE, "db.status"))["volume"]
    m.unmount()
    shutil.rmtree(t.path("state"))
    m = t.mount()
    same(ask(t, path, "volume.size: 200").code, 1)
    contains(reason(m), "an equal request with other options, or from a file of another name")
    same(ask(t, path).code, 0)
    same(status(m.region(HOME, "volumes", ZONE, "db.status"))["volume"], id)
    same(t.sim.made(HOME)["volumes"], 1)


@case
def of_another_region(t):
    m = t.mount()
    path = f"{AWAY}/volumes/{AWAY}a/db"
    same(ask(t, path).code, 1)
    contains(reason(m), "copy it there first")
    contains(read(m.region(AWAY, "volumes", AWAY + "a", "db.status")), "state: failed")
    t.sim.set_copy_seconds(0.5)
    t.ok(f"cp {HOME}/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot {AWAY}/c")
    same(ask(t, path).code, 0)
    got = status(m.region(AWAY, "volumes", AWAY + "a", "db.status"))
    same(got["state"], "queued")
    contains(got["reason"], "is still pending")
    contains(read(m.region(AWAY, "volumes", AWAY + "a", "db.wait")), "state: available")
    same([v["snapshot"] for v in t.sim.volumes(AWAY)], [status(m.region(AWAY, "c.status"))["snapshot"]])


@case
def an_image(t):
    m = t.mount("window=0.3", "ttl=0.1")
    path = f"{HOME}/images/web"
    same(ask(t, path).code, 1)
    contains(reason(m), "image.architecture is missing")
    same(ask(t, path, "image.architecture: arm64", "image.boot-mode: uefi", "image.description: a web server", "image.tag.env: prod",
             f"image.disk./dev/sdb: {BARE}").code, 0)
    contains(read(m.region(HOME, "images", "web.wait")), "state: available")
    got, [image] = status(m.region(HOME, "images", "web.status")), t.sim.images(HOME)
    same((got["image"], got["virtualization"], got["ena"]), (image["id"], "hvm (always)", "yes (always)"))
    same((image["name"], image["architecture"], image["boot_mode"], image["description"]), ("web", "arm64", "uefi", "a web server"))
    [described] = t.boto(HOME).describe_images(Owners=["self"])["Images"]
    same([(d["DeviceName"], d["Ebs"]["SnapshotId"]) for d in described["BlockDeviceMappings"]], [("/dev/xvda", NIGHTLY), ("/dev/sdb", BARE)])
    same((described["VirtualizationType"], described["EnaSupport"], described["Tags"]), ("hvm", True, [{"Key": "env", "Value": "prod"}]))
    # The name is the key: other contents are refused, the same succeed.
    same(ask(t, path, "image.architecture: arm64").code, 0)
    same(ask(t, path, "image.architecture: arm64", id=BARE).code, 1)
    same(ask(t, path, "image.architecture: x86_64").code, 1)
    contains(reason(m), "its architecture is arm64, not x86_64")
    refused(errno.EINVAL, open, m.region(HOME, "images", "a:b"), "w")
    # Another tool's image has the name.
    other = t.boto(HOME).register_image(Name="taken", Architecture="x86_64", RootDeviceName="/dev/xvda", VirtualizationType="hvm",
                                        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": BARE}}])["ImageId"]
    same(ask(t, f"{HOME}/images/taken", "image.architecture: x86_64").code, 1)
    contains(reason(m), f"is that of another image in {HOME}, {other}")
    same(t.sim.made(HOME)["images"], 2)
    t.sim.change_image(HOME, image["id"], deregister=True)
    until(lambda: status(m.region(HOME, "images", "web.status"))["state"] == "deregistered", "it is deregistered")


@case
def refusals(t):
    m = t.mount()
    zone = m.region(HOME, "volumes", ZONE)
    refused(errno.EPERM, os.mkdir, os.path.join(zone, "folder"))
    contains(reason(m), "a volume is requested by one file")
    for option, words in (("volume.size: 1", "has 8 to 65536 GiB as gp3"), ("volume.type: st1", "add volume.size"),
                          ("volume.iops: 1000", "is from 3000 to 80000"), ("volume.speed: 9", "volume.throughput")):
        same(ask(t, f"{HOME}/volumes/{ZONE}/db", option).code, 1)
        contains(reason(m), words)
    same(t.sim.count("CreateVolume"), 0)
    t.sim.fault("CreateVolume", code="VolumeLimitExceeded", message="You have exceeded your maximum gp3 storage limit")
    same(ask(t, f"{HOME}/volumes/{ZONE}/db").code, 1)
    contains(read(m(".ebsfs/last-error")), "EDQUOT")
    same(ask(t, f"{HOME}/volumes/{ZONE}/dry", "volume.dry-run: yes").code, 0)
    contains(read(os.path.join(zone, "dry.status")), "dry run: EC2 would carry it out")
    same(t.sim.made(HOME)["volumes"], 0)
    check(t.run(f"mv {HOME}/snapshots/{NIGHTLY} {HOME}/images/web").code != 0, "mv of a snapshot")
    contains(reason(m), "an image needs its snapshot: use cp")
    # A receipt stays in its folder, and a receipt of a copy elsewhere.
    same(ask(t, f"{HOME}/volumes/{ZONE}/db").code, 0)
    for to in (f"{HOME}/volumes/{HOME}b/db", f"{HOME}/db", f"{HOME}/images/db"):
        check(t.run(f"mv -n {HOME}/volumes/{ZONE}/db {to}").code != 0 or os.path.exists(os.path.join(zone, "db")), "moved to", to)
    t.ok(f"mv {HOME}/volumes/{ZONE}/db {HOME}/volumes/{ZONE}/renamed")
    same(sorted(n for n in os.listdir(zone) if not n.endswith(".status")), ["dry", "renamed"])
    same(t.sim.made(HOME)["volumes"], 1)


@case
def a_key_that_cannot_be_used(t):
    """EC2 accepts the request, and drops the volume later."""
    t.start_sim("--volume-seconds", "5")
    m = t.mount("window=0.5", "poll=0.1")
    same(ask(t, f"{HOME}/volumes/{ZONE}/db").code, 0)
    t.sim.change_volume(HOME, t.sim.volumes(HOME)[0]["id"], vanish=True)
    got = read(m.region(HOME, "volumes", ZONE, "db.wait"))
    contains(got, "state: error")
    contains(got, "hint: EC2 drops a new volume whose KMS key it cannot use")
    same(os.stat(m.region(HOME, "volumes", ZONE, "db")).st_mtime, 0)


@case
def temporary_names_of_an_image(t):
    """An image's name is its file's: editors that write a temporary file and rename it register none of that name, and backups keep the image."""
    m = t.mount()
    write(t.path("text"), text(NIGHTLY, HOME, "image.architecture: x86_64"))
    images = m.region(HOME, "images")
    for command in (f"cp {t.path('text')} web", "sed -i s/x/x/ web", "sed -i.orig s/x/x/ web", "perl -pi -e s/x/x/ web", f"cp -b {t.path('text')} web",
                    f"install -b {t.path('text')} web"):
        t.ok(command, cwd=images)
    same([i["name"] for i in t.sim.images(HOME)], ["web"])
    check(t.run("sed -i s/x86_64/arm64/ web", cwd=images).code != 0, "another architecture")
    contains(reason(m), "its architecture is x86_64, not arm64")
    fd = os.open(os.path.join(images, "tmpfile"), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(fd, text(NIGHTLY, HOME, "image.architecture: x86_64").encode())
    os.close(fd)
    contains(read(os.path.join(images, "tmpfile.status")), "nothing is requested under a temporary file's name")
    same(t.sim.made(HOME)["images"], 1)
    os.rename(os.path.join(images, "tmpfile"), os.path.join(images, "second"))
    same(sorted(i["name"] for i in t.sim.images(HOME)), ["second", "web"])


@case
def names_and_tags(t):
    """A file's name becomes the tag Name, and EC2 takes 50 tags."""
    m = t.mount()
    zone = m.region(HOME, "volumes", ZONE)
    for name in (b"\xff\xfe", b"a\x01b", b"a\nb"):
        refused(errno.EINVAL, write, os.path.join(zone.encode(), name), text())
        contains(reason(m), "the file's name becomes the volume's tag Name")
    same(t.sim.count("CreateVolume"), 0)
    write(os.path.join(zone.encode(), b"\xff\xfe"), text(NIGHTLY, HOME, "volume.tag.Name: db"))
    same([v["tags"] for v in t.sim.volumes(HOME)], [{"Name": "db"}])
    tags = [f"volume.tag.k{i}: v" for i in range(50)]
    same(ask(t, f"{HOME}/volumes/{ZONE}/many", *tags, id=BARE).code, 1)
    contains(reason(m), "more than 50 tags are asked for (a volume's Name is one)")
    same(ask(t, f"{HOME}/volumes/{ZONE}/many", *tags[1:], id=BARE).code, 0)
    same([len(v["tags"]) for v in t.sim.volumes(HOME) if v["snapshot"] == BARE], [50])


@case
def a_snapshot_that_is_needed(t):
    m = t.mount("delete")
    same(ask(t, f"{HOME}/volumes/{ZONE}/db", id=PENDING).code, 0)
    refused(errno.EBUSY, os.rmdir, m.folder(HOME, PENDING))
    contains(reason(m), "a queued or running copy, volume or image still needs it")
