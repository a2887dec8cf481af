# SPDX-License-Identifier: MIT
"""Zones, volumes and images: CreateVolume, DescribeVolumes, DescribeAvailabilityZones, RegisterImage, DescribeImages."""
import threading

from botocore.exceptions import ConnectionClosedError, WaiterError

from simulator import ACCOUNT, OTHER, Case

PLAIN, SECRET, LOST_KEY, RUNNING, ARCHIVED, FOREIGN, OTHERS, SHARED, HUGE = (f"snap-{n:017x}" for n in range(1, 10))
ARN = "arn:aws:kms:us-east-1:123456789012:key/"
WORLD = {
    "keys": [{"access_key": "AKIAOTHER00000000001", "secret": "other", "account": OTHER}],
    "regions": {
        "us-east-1": {
            "kms_keys": [{"id": "good", "alias": "alias/good"}, {"id": "bad", "alias": "alias/bad", "usable": False}],
            "snapshots": [
                {"SnapshotId": PLAIN, "VolumeSize": 100, "FullSnapshotSizeInBytes": 10 << 30},
                {"SnapshotId": SECRET, "VolumeSize": 8, "Encrypted": True, "KmsKeyId": ARN + "good"},
                {"SnapshotId": LOST_KEY, "VolumeSize": 8, "Encrypted": True, "KmsKeyId": ARN + "bad"},
                {"SnapshotId": RUNNING, "VolumeSize": 8, "State": "pending"},
                {"SnapshotId": ARCHIVED, "VolumeSize": 8, "StorageTier": "archive"},
                {"SnapshotId": FOREIGN, "OwnerId": OTHER},
                {"SnapshotId": SHARED, "VolumeSize": 8, "OwnerId": OTHER, "shared": [ACCOUNT]},
                {"SnapshotId": HUGE, "VolumeSize": 30000},
            ]},
        "us-west-2": {"snapshots": [{"SnapshotId": OTHERS, "VolumeSize": 8}],
                      "zones": [{"name": "us-west-2-lax-1a", "opt_in": "opted-in"}]},
    }}


class Zones(Case):
    shared = True
    world = WORLD

    def zones(self, region="us-west-2", **params):
        return {z["ZoneName"]: z for z in self.ec2(region).describe_availability_zones(**params)["AvailabilityZones"]}

    def test_default_and_all(self):
        shown = self.zones()
        self.assertEqual(sorted(shown), ["us-west-2-lax-1a", "us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d"])
        self.assertEqual((shown["us-west-2a"]["OptInStatus"], shown["us-west-2a"]["State"], shown["us-west-2a"]["ZoneType"]),
                         ("opt-in-not-required", "available", "availability-zone"))
        self.assertRegex(shown["us-west-2a"]["ZoneId"], r"^usw2-az[1-4]$")
        self.assertEqual(len({z["ZoneId"] for z in shown.values()}), 5)
        lax = shown["us-west-2-lax-1a"]
        self.assertEqual((lax["OptInStatus"], lax["ZoneType"], lax["GroupName"], lax["ParentZoneName"]),
                         ("opted-in", "local-zone", "us-west-2-lax-1", "us-west-2a"))
        self.assertEqual(set(self.zones(AllAvailabilityZones=True)) - set(shown), {"us-west-2-lax-1b"})
        self.assertNotIn("us-east-1-bos-1a", self.zones("us-east-1"))

    def test_named_and_filtered(self):
        self.assertEqual(set(self.zones(ZoneNames=["us-west-2b"])), {"us-west-2b"})
        self.assertEqual(set(self.zones(ZoneIds=["usw2-az1"])), {n for n, z in self.zones().items() if z["ZoneId"] == "usw2-az1"})
        self.assertEqual(set(self.zones(Filters=[{"Name": "zone-type", "Values": ["local-zone"]}])), {"us-west-2-lax-1a"})
        self.assertEqual(set(self.zones(AllAvailabilityZones=True, Filters=[{"Name": "opt-in-status", "Values": ["not-*"]}])),
                         {"us-west-2-lax-1b"})
        ask = self.ec2("us-west-2").describe_availability_zones
        self.refused("InvalidParameterValue", 400, ask, ZoneNames=["us-east-1a"])
        self.refused("InvalidParameterValue", 400, ask, Filters=[{"Name": "zone", "Values": ["x"]}])
        self.refused("DryRunOperation", 412, ask, DryRun=True)


class Made(Case):
    world = WORLD

    def create(self, snapshot=PLAIN, zone="us-east-1a", region="us-east-1", **params):
        return self.ec2(region).create_volume(AvailabilityZone=zone, **({"SnapshotId": snapshot} if snapshot else {}), **params)

    def create_refused(self, code, status=400, snapshot=PLAIN, zone="us-east-1a", region="us-east-1", **params):
        before = self.sim.counts()["made"]
        words = self.refused(code, status, self.create, snapshot, zone, region, **params)
        self.assertEqual(self.sim.counts()["made"], before, "a refusal makes nothing")
        return words

    def volumes(self, region="us-east-1", **params):
        return self.ec2(region).describe_volumes(**params)["Volumes"]

    def register(self, name="web", disks=(("/dev/xvda", PLAIN),), region="us-east-1", **params):
        params.setdefault("Architecture", "x86_64")
        params.setdefault("VirtualizationType", "hvm")
        params.setdefault("RootDeviceName", "/dev/xvda")
        mapping = [{"DeviceName": d, "Ebs": s if isinstance(s, dict) else {"SnapshotId": s}} for d, s in disks]
        return self.ec2(region).register_image(Name=name, BlockDeviceMappings=mapping, **params)["ImageId"]

    def register_refused(self, code, *args, **params):
        before = self.sim.counts()["made"]
        words = self.refused(code, 400, self.register, *args, **params)
        self.assertEqual(self.sim.counts()["made"], before, "a refusal makes nothing")
        return words

    def images(self, region="us-east-1", **params):
        return self.ec2(region).describe_images(**params)["Images"]

    def made(self, region="us-east-1"):
        return self.sim.counts()["made"][region]


class Volumes(Made):
    def test_of_a_snapshot(self):
        self.sim.set({"region": "us-east-1", "freeze": True}, volume_seconds="1")
        v = self.create(ClientToken="t", TagSpecifications=[{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "a b"}]}])
        self.assertEqual((v["Size"], v["State"], v["VolumeType"], v["Iops"], v["SnapshotId"], v["Encrypted"], v["Tags"]),
                         (100, "creating", "gp2", 300, PLAIN, False, [{"Key": "Name", "Value": "a b"}]))
        self.assertRegex(v["AvailabilityZoneId"], "^use1-az[1-6]$")
        shown = self.volumes(VolumeIds=[v["VolumeId"]])[0]
        self.assertEqual((shown["State"], shown["Attachments"]), ("creating", []))
        self.sim.set({"region": "us-east-1", "volume": v["VolumeId"], "finish": True})
        self.ec2().get_waiter("volume_available").wait(VolumeIds=[v["VolumeId"]], WaiterConfig={"Delay": 0, "MaxAttempts": 3})
        self.assertEqual(self.made(), {"volumes": 1, "images": 0})

    def test_types_and_their_ranges(self):
        v = self.create(VolumeType="gp3")
        self.assertEqual((v["Iops"], v["Throughput"]), (3000, 125))
        v = self.create(VolumeType="gp3", Size=200, Iops=8000, Throughput=2000)
        self.assertEqual((v["Size"], v["Iops"], v["Throughput"]), (200, 8000, 2000))
        self.assertEqual(self.create(VolumeType="io2", Iops=256000, Size=300)["Iops"], 256000)
        self.assertNotIn("Iops", self.create(None, Size=125, VolumeType="st1"))
        for params in (dict(Size=99), dict(Size=65537, VolumeType="gp3"), dict(Size=16385), dict(Iops=2999, VolumeType="gp3"),
                       dict(Iops=80001, VolumeType="gp3"), dict(Throughput=124, VolumeType="gp3"), dict(Throughput=2001, VolumeType="gp3", Iops=10000),
                       dict(Throughput=751, VolumeType="gp3"), dict(Iops=50001, VolumeType="gp3"), dict(Iops=99, VolumeType="io1"),
                       dict(Iops=5001, VolumeType="io1"), dict(snapshot=None, Size=124, VolumeType="sc1"), dict(snapshot=HUGE),
                       dict(snapshot=None, Size=1025, VolumeType="standard"), dict(VolumeInitializationRate=99),
                       dict(VolumeInitializationRate=301), dict(ClientToken="x" * 65), dict(ClientToken="ä")):
            with self.subTest(params):
                self.create_refused("InvalidParameterValue", **params)
        for params in (dict(Iops=3000), dict(Throughput=125), dict(Throughput=125, VolumeType="io1", Iops=100),
                       dict(Iops=500, VolumeType="st1", Size=125), dict(MultiAttachEnabled=True),
                       dict(snapshot=None, Size=8, VolumeInitializationRate=100)):
            with self.subTest(params):
                self.create_refused("InvalidParameterCombination", **params)
        self.create_refused("MissingParameter", VolumeType="io1")
        self.create_refused("MissingParameter", VolumeType="io2")
        self.create_refused("MissingParameter", snapshot=None)
        self.create_refused("UnknownVolumeType", VolumeType="gp9")

    def test_sources(self):
        self.create_refused("InvalidSnapshot.NotFound", snapshot="snap-09999999999999999")
        self.create_refused("InvalidSnapshot.NotFound", snapshot=OTHERS)
        self.create_refused("InvalidSnapshot.NotFound", snapshot=FOREIGN)
        self.create_refused("InvalidSnapshotID.Malformed", snapshot="snap-x")
        self.assertIn("pending", self.create_refused("IncorrectState", snapshot=RUNNING))
        self.create_refused("IncorrectState", snapshot=ARCHIVED)
        self.assertEqual(self.create(SHARED)["Size"], 8)
        self.create_refused("DryRunOperation", 412, DryRun=True)

    def test_zones(self):
        self.create_refused("InvalidZone.NotFound", zone="us-west-2a")
        self.create_refused("InvalidZone.NotFound", zone="us-east-1-bos-1a")
        ec2 = self.ec2("us-west-2")
        id = ec2.describe_availability_zones(ZoneNames=["us-west-2c"])["AvailabilityZones"][0]["ZoneId"]
        self.assertEqual(ec2.create_volume(AvailabilityZoneId=id, SnapshotId=OTHERS)["AvailabilityZone"], "us-west-2c")
        self.refused("InvalidParameterCombination", 400, ec2.create_volume, AvailabilityZoneId=id, AvailabilityZone="us-west-2c", Size=1)
        self.create(OTHERS, "us-west-2-lax-1a", "us-west-2", VolumeType="gp3")
        self.create_refused("VolumeTypeNotAvailableInZone", snapshot=OTHERS, zone="us-west-2-lax-1a", region="us-west-2", VolumeType="io2", Iops=100)
        self.create_refused("UnsupportedOperation", snapshot=OTHERS, zone="us-west-2-lax-1a", region="us-west-2", VolumeInitializationRate=100)
        self.sim.set({"region": "us-east-1", "zones": [{"name": "us-east-1a", "state": "constrained"}]})
        self.create_refused("InsufficientVolumeCapacity", 500)
        self.create(zone="us-east-1b")

    def test_encryption(self):
        managed = self.create(Encrypted=True)["KmsKeyId"]
        self.assertTrue(managed.startswith(ARN))
        self.assertEqual(self.create(Encrypted=True, KmsKeyId="alias/good")["KmsKeyId"], ARN + "good")
        self.assertEqual(self.create(SECRET)["KmsKeyId"], ARN + "good", "the snapshot's own")
        self.create_refused("InvalidParameterDependency", KmsKeyId="alias/good")
        self.create_refused("InvalidParameterValue", snapshot=SECRET, Encrypted=False)
        self.sim.set({"region": "us-east-1", "encrypts_by_default": True})
        self.assertEqual(self.create()["KmsKeyId"], managed)
        self.assertEqual(self.create(SECRET)["KmsKeyId"], managed, "the region's default")
        self.assertEqual(self.create(SECRET, Encrypted=True, KmsKeyId="good")["KmsKeyId"], ARN + "good")

    def test_a_bad_key_shows_later(self):
        """HTTP 200 and "creating"; then it has never been there, and its token is spent."""
        for n, params in enumerate((dict(Encrypted=True, KmsKeyId="alias/bad"), dict(Encrypted=True, KmsKeyId="alias/none"), dict(snapshot=LOST_KEY))):
            with self.subTest(params):
                self.sim.set({"region": "us-east-1", "freeze": True}, volume_seconds="1")
                v = self.create(ClientToken=f"t{n}", **params)
                self.assertEqual((v["State"], self.volumes(VolumeIds=[v["VolumeId"]])[0]["State"]), ("creating", "creating"))
                self.assertEqual(self.create(ClientToken=f"t{n}", **params)["VolumeId"], v["VolumeId"])
                self.sim.set({"region": "us-east-1", "finish": True, "freeze": False}, volume_seconds="0")
                self.refused("InvalidVolume.NotFound", 400, self.volumes, VolumeIds=[v["VolumeId"]])
                self.assertEqual(self.volumes(Filters=[{"Name": "volume-id", "Values": [v["VolumeId"]]}]), [])
                self.assertIn("already deleted", self.create_refused("IdempotentParameterMismatch", ClientToken=f"t{n}", **params))
        self.assertEqual(self.made()["volumes"], 3)

    def test_client_tokens(self):
        first = self.create(ClientToken="t", VolumeType="gp3")
        again = self.create(ClientToken="t", VolumeType="gp3")
        self.assertEqual(again["VolumeId"], first["VolumeId"])
        self.assertEqual(again["State"], "available", "its state by then")
        self.create_refused("IdempotentParameterMismatch", ClientToken="t", VolumeType="gp2")
        self.create_refused("IdempotentParameterMismatch", ClientToken="t")
        self.create_refused("IdempotentParameterMismatch", ClientToken="t", VolumeType="gp3", zone="us-east-1b")
        self.create_refused("DryRunOperation", 412, ClientToken="t", VolumeType="gp3", DryRun=True)
        # Another token, another volume; another region or account knows none of them.
        self.assertNotEqual(self.create(ClientToken="u", VolumeType="gp3")["VolumeId"], first["VolumeId"])
        self.create(OTHERS, "us-west-2a", "us-west-2", ClientToken="t")
        self.ec2(key="AKIAOTHER00000000001", secret="other").create_volume(AvailabilityZone="us-east-1a", SnapshotId=FOREIGN, ClientToken="t")
        self.assertEqual((self.made()["volumes"], self.made("us-west-2")["volumes"]), (3, 1))
        self.sim.set({"region": "us-east-1", "volume": first["VolumeId"], "delete": True})
        self.create_refused("IdempotentParameterMismatch", ClientToken="t", VolumeType="gp3")

    def test_tokens_at_once(self):
        made, threads = [], []
        client = self.sim.client(pool=8)
        for _ in range(8):
            threads.append(threading.Thread(target=lambda: made.append(
                client.create_volume(AvailabilityZone="us-east-1a", SnapshotId=PLAIN, ClientToken="one")["VolumeId"])))
            threads[-1].start()
        for t in threads:
            t.join()
        self.assertEqual((len(made), len(set(made)), self.made()["volumes"]), (8, 1, 1))

    def test_a_token_is_forgotten(self):
        self.sim.set(client_token_s="1")
        first = self.create(ClientToken="t")
        self.until("a forgotten token", lambda: self.create(ClientToken="t")["VolumeId"] != first["VolumeId"])

    def test_a_lost_response(self):
        self.sim.faults({"action": "CreateVolume", "nth": 1, "effect": "reset", "after": True})
        with self.assertRaises(ConnectionClosedError):
            self.create(ClientToken="t")
        made = self.volumes(Filters=[{"Name": "snapshot-id", "Values": [PLAIN]}])
        self.assertEqual(len(made), 1)
        self.assertEqual(self.create(ClientToken="t")["VolumeId"], made[0]["VolumeId"])
        self.assertEqual(self.made()["volumes"], 1)

    def test_limits(self):
        self.sim.set({"region": "us-east-1", "volume_gib_limit": 250})
        self.create(), self.create()
        self.create_refused("VolumeLimitExceeded")
        self.create(VolumeType="gp3")
        self.sim.set({"region": "us-east-1", "volume_gib_limit": 0, "volume_iops_limit": 9000})
        self.create(VolumeType="io1", Iops=5000)
        self.create_refused("MaxIOPSLimitExceeded", VolumeType="io1", Iops=4001)
        self.create(VolumeType="io1", Iops=4000)
        self.sim.set({"region": "us-east-1", "volume_iops_limit": 0})
        for _ in range(16):
            self.create(VolumeInitializationRate=300)
        self.create(VolumeInitializationRate=200)
        self.create_refused("VolumeInitializationRateLimitExceeded", VolumeInitializationRate=100)

    def test_lag(self):
        self.sim.set(consistency_ms="60000")
        v = self.create(ClientToken="t")
        self.refused("InvalidVolume.NotFound", 400, self.volumes, VolumeIds=[v["VolumeId"]])
        self.assertEqual(self.volumes(), [])
        self.assertEqual(self.create(ClientToken="t")["VolumeId"], v["VolumeId"], "the token knows it")
        self.sim.set(flicker=True)
        self.until("a flicker", lambda: self.volumes())

    def test_describe(self):
        ids = [self.create(VolumeType=t, zone="us-east-1" + z)["VolumeId"] for t, z in (("gp2", "a"), ("gp3", "b"), ("gp3", "a"))]
        ids.append(self.create(None, Size=5)["VolumeId"])
        self.sim.set({"region": "us-east-1", "volume": ids[1], "set": {"instance": "i-0123456789abcdef0", "device": "/dev/sdh"}},
                     {"region": "us-east-1", "volume": ids[2], "set": {"state": "error"}})

        def named(**params):
            return [v["VolumeId"] for v in self.volumes(**params)]

        def filtered(name, *values):
            return named(Filters=[{"Name": name, "Values": list(values)}])

        self.assertEqual(named(), ids)
        self.assertEqual(named(VolumeIds=[ids[3], ids[0]]), [ids[0], ids[3]])
        self.assertEqual(filtered("snapshot-id", PLAIN), ids[:3])
        self.assertEqual(filtered("volume-id", ids[2], "vol-09999999999999999"), [ids[2]])
        self.assertEqual(filtered("status", "in-use"), [ids[1]])
        self.assertEqual(filtered("status", "error"), [ids[2]])
        self.assertEqual(filtered("attachment.instance-id", "i-*"), [ids[1]])
        self.assertEqual(filtered("volume-type", "gp3"), ids[1:3])
        self.assertEqual(filtered("availability-zone", "us-east-1b"), [ids[1]])
        self.assertEqual(filtered("size", "5"), [ids[3]])
        attached = self.volumes(VolumeIds=[ids[1]])[0]
        self.assertEqual((attached["State"], attached["Attachments"][0]["InstanceId"], attached["Attachments"][0]["Device"]),
                         ("in-use", "i-0123456789abcdef0", "/dev/sdh"))
        self.ec2().get_waiter("volume_in_use").wait(VolumeIds=[ids[1]], WaiterConfig={"Delay": 0, "MaxAttempts": 2})
        self.refused("InvalidVolume.NotFound", 400, self.volumes, VolumeIds=[ids[0], "vol-09999999999999999"])
        self.refused("InvalidParameterValue", 400, self.volumes, Filters=[{"Name": "nonsense", "Values": ["x"]}])
        self.refused("InvalidParameterCombination", 400, self.volumes, VolumeIds=ids[:1], MaxResults=5)
        self.assertEqual(self.ec2(key="AKIAOTHER00000000001", secret="other").describe_volumes()["Volumes"], [])
        self.sim.set({"region": "us-east-1", "volume": ids[0], "delete": True})
        self.assertEqual(named(), ids[1:])
        self.sim.set(consistency_ms="60000")
        self.sim.set({"region": "us-east-1", "volume": ids[3], "delete": True})
        self.assertEqual(filtered("status", "deleting"), [ids[3]], "for a while")

    def test_pages(self):
        ids = [self.create()["VolumeId"] for _ in range(23)]
        for pages in ("full", "after", "ragged"):
            with self.subTest(pages):
                self.sim.set(pages=pages)
                got = [v["VolumeId"] for page in self.ec2().get_paginator("describe_volumes").paginate(
                    PaginationConfig={"PageSize": 5}) for v in page["Volumes"]]
                self.assertEqual(got, ids)
        self.refused("InvalidPaginationToken", 400, self.volumes, MaxResults=5, NextToken="x")

    def test_permissions(self):
        self.sim.set({"key": "AKIASOME000000000001", "secret": "s", "allow": ["CreateVolume", "Describe*"]})
        some = self.ec2(key="AKIASOME000000000001", secret="s")
        some.create_volume(AvailabilityZone="us-east-1a", SnapshotId=PLAIN)
        message = self.refused("UnauthorizedOperation", 403, some.create_volume, AvailabilityZone="us-east-1a", SnapshotId=PLAIN,
                               TagSpecifications=[{"ResourceType": "volume", "Tags": [{"Key": "a", "Value": "b"}]}])
        self.assertIn("ec2:CreateTags", message)
        self.refused("UnauthorizedOperation", 403, some.register_image, Name="web")

    def test_rates(self):
        """The bucket of CreateVolume is its own; listing all at once has a smaller one."""
        self.sim.set(throttle="0.05")
        some = self.sim.client()
        for _ in range(5):
            some.describe_volumes(MaxResults=5)
        self.refused("RequestLimitExceeded", 503, some.describe_volumes, MaxResults=5)
        for _ in range(2):
            some.describe_volumes()
        self.refused("RequestLimitExceeded", 503, some.describe_volumes)
        for _ in range(5):
            self.create()
        self.create_refused("RequestLimitExceeded", 503)

    def test_tags_of_all_kinds(self):
        v, image = self.create()["VolumeId"], self.register()
        tag = [{"Key": "k", "Value": "v"}]
        self.ec2().create_tags(Resources=[v, image, PLAIN], Tags=tag)
        self.assertEqual((self.volumes(VolumeIds=[v])[0]["Tags"], self.images(ImageIds=[image])[0]["Tags"], self.one(PLAIN)["Tags"]), (tag,) * 3)
        self.ec2().delete_tags(Resources=[v], Tags=[{"Key": "k"}])
        self.assertEqual(self.volumes(VolumeIds=[v])[0].get("Tags", []), [])
        self.assertEqual([w["VolumeId"] for w in self.volumes(Filters=[{"Name": "tag:k", "Values": ["v"]}])], [])
        self.refused("InvalidVolume.NotFound", 400, self.ec2().create_tags, Resources=["vol-09999999999999999"], Tags=tag)
        self.refused("InvalidAMIID.NotFound", 400, self.ec2().create_tags, Resources=["ami-09999999999999999"], Tags=tag)


class Images(Made):
    def test_registered(self):
        self.sim.set({"region": "us-east-1", "freeze": True}, volume_seconds="1")
        id = self.register("web 1", (("/dev/xvda", {"SnapshotId": PLAIN, "VolumeType": "gp3"}), ("/dev/sdf", SECRET)), EnaSupport=True,
                           BootMode="uefi", TpmSupport="v2.0", ImdsSupport="v2.0", Description="d",
                           TagSpecifications=[{"ResourceType": "image", "Tags": [{"Key": "Name", "Value": "w"}]}])
        image = self.images(ImageIds=[id])[0]
        self.assertEqual(image["State"], "pending")
        self.assertEqual({k: image[k] for k in ("Name", "Description", "Architecture", "VirtualizationType", "EnaSupport", "BootMode", "TpmSupport",
                                                "ImdsSupport", "RootDeviceName", "RootDeviceType", "OwnerId", "Public", "Tags")},
                         {"Name": "web 1", "Description": "d", "Architecture": "x86_64", "VirtualizationType": "hvm", "EnaSupport": True,
                          "BootMode": "uefi", "TpmSupport": "v2.0", "ImdsSupport": "v2.0", "RootDeviceName": "/dev/xvda", "RootDeviceType": "ebs",
                          "OwnerId": ACCOUNT, "Public": False, "Tags": [{"Key": "Name", "Value": "w"}]})
        root, data = image["BlockDeviceMappings"]
        self.assertEqual((root["DeviceName"], root["Ebs"]["SnapshotId"], root["Ebs"]["VolumeSize"], root["Ebs"]["Encrypted"]),
                         ("/dev/xvda", PLAIN, 100, False))
        self.assertEqual((data["DeviceName"], data["Ebs"]["SnapshotId"], data["Ebs"]["Encrypted"]), ("/dev/sdf", SECRET, True))
        self.sim.set({"region": "us-east-1", "image": id, "finish": True})
        self.ec2().get_waiter("image_available").wait(ImageIds=[id], WaiterConfig={"Delay": 0, "MaxAttempts": 2})
        self.assertEqual(self.made(), {"volumes": 0, "images": 1})

    def test_defaults_of_2009(self):
        image = self.images(ImageIds=[self.ec2().register_image(Name="old", RootDeviceName="/dev/sda1", BlockDeviceMappings=[
            {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": PLAIN}}])["ImageId"]])[0]
        self.assertEqual((image["Architecture"], image["VirtualizationType"], image.get("EnaSupport"), image.get("BootMode")),
                         ("i386", "paravirtual", None, None))

    def test_names(self):
        for name in ("x" * 129, "a:b", "ümlaut", "tab\tname", "star*"):
            with self.subTest(name):
                self.register_refused("InvalidAMIName.Malformed", name)
        # boto3 itself refuses a shorter one.
        status, _, body = self.sim.post({"Action": "RegisterImage", "Name": "ab", "RootDeviceName": "/dev/xvda"})
        self.assertEqual((status, "InvalidAMIName.Malformed" in body), (400, True))
        for name in ("abc", "x" * 128, "a (b) [c] d.e/f-g'h@i_j"):
            self.register(name)
        first = self.register("web")
        self.assertEqual(self.register_refused("InvalidAMIName.Duplicate", "web"), f"AMI name web is already in use by AMI {first}")
        self.register_refused("InvalidAMIName.Duplicate", "web", (("/dev/xvda", SECRET),))
        self.register("Web")
        self.register("web", (("/dev/xvda", OTHERS),), "us-west-2")
        self.assertEqual(self.made(), {"volumes": 0, "images": 5})

    def test_a_deregistered_name_stays_taken(self):
        self.sim.set(consistency_ms="60000")
        id = self.register()
        self.sim.set({"region": "us-east-1", "image": id, "deregister": True})
        self.register_refused("InvalidAMIName.Duplicate")
        self.sim.set(consistency_ms="0")
        id = self.register("other")
        self.sim.set({"region": "us-east-1", "image": id, "deregister": True})
        self.refused("InvalidAMIID.NotFound", 400, self.images, ImageIds=[id])
        self.assertNotEqual(self.register("other"), id)

    def test_combinations(self):
        for params in (dict(VirtualizationType="paravirtual", EnaSupport=True), dict(VirtualizationType="paravirtual", Architecture="arm64"),
                       dict(Architecture="arm64", BootMode="legacy-bios"), dict(TpmSupport="v2.0"), dict(TpmSupport="v2.0", BootMode="uefi-preferred")):
            with self.subTest(params):
                self.register_refused("InvalidParameterCombination", **params)
        for params in (dict(Architecture="x86"), dict(BootMode="bios"), dict(TpmSupport="v1.2", BootMode="uefi"), dict(ImdsSupport="v1.0"),
                       dict(Description="x" * 256), dict(VirtualizationType="pv")):
            with self.subTest(params):
                self.register_refused("InvalidParameterValue", **params)
        self.register_refused("MissingParameter", RootDeviceName="")
        self.refused("DryRunOperation", 412, self.register, DryRun=True)
        self.register("arm", Architecture="arm64", BootMode="uefi")

    def test_disks(self):
        for disks in ((("/dev/sda1", PLAIN),), (("/dev/xvda", {"VolumeSize": 8}),), (("/dev/xvda", PLAIN), ("/dev/xvda", SECRET)),
                      (("/dev/xvda", {"SnapshotId": PLAIN, "Encrypted": True}),), (("/dev/xvda", {"SnapshotId": PLAIN, "Encrypted": False}),),
                      (("/dev/xvda", {"SnapshotId": PLAIN, "VolumeSize": 99}),), (("/dev/xvda", PLAIN), ("/dev/sdb", {"VolumeType": "gp3"}))):
            with self.subTest(disks):
                self.register_refused("InvalidBlockDeviceMapping", disks=disks)
        self.assertIn("expect size >= 100 GB", self.register_refused(
            "InvalidBlockDeviceMapping", disks=(("/dev/xvda", {"SnapshotId": PLAIN, "VolumeSize": 99}),)))
        self.register_refused("BootForVolumeTypeUnsupported", disks=(("/dev/xvda", {"SnapshotId": PLAIN, "VolumeType": "st1", "VolumeSize": 125}),))
        self.register_refused("InvalidSnapshot.NotFound", disks=(("/dev/xvda", OTHERS),))
        self.register_refused("InvalidSnapshot.NotFound", disks=(("/dev/xvda", PLAIN), ("/dev/sdf", "snap-09999999999999999")))
        self.register_refused("InvalidSnapshotID.Malformed", disks=(("/dev/xvda", "snap-x"),))
        self.register_refused("IncorrectState", disks=(("/dev/xvda", RUNNING),))
        self.register_refused("IncorrectState", disks=(("/dev/xvda", ARCHIVED),))
        self.register_refused("InvalidParameterCombination", disks=(("/dev/xvda", {"SnapshotId": SECRET, "KmsKeyId": "alias/good"}),))
        id = self.register(disks=(("/dev/xvda", {"SnapshotId": PLAIN, "VolumeSize": 120}), ("/dev/sdb", {"VolumeSize": 10, "VolumeType": "gp3"})))
        self.assertEqual([d["Ebs"]["VolumeSize"] for d in self.images(ImageIds=[id])[0]["BlockDeviceMappings"]], [120, 10])

    def test_describe(self):
        ids = [self.register(f"web-{n}", (("/dev/xvda", s),)) for n, s in enumerate((PLAIN, SECRET, PLAIN))]

        def named(**params):
            return [i["ImageId"] for i in self.images(**params)]

        def of(*snapshots, **params):
            return named(Filters=[{"Name": "block-device-mapping.snapshot-id", "Values": list(snapshots)}], **params)

        self.assertEqual(named(Owners=["self"]), ids)
        self.assertEqual(named(Owners=["amazon"]), [])
        self.assertEqual(of(PLAIN, Owners=["self"]), [ids[0], ids[2]])
        self.assertEqual(of(PLAIN, SECRET), ids)
        self.assertEqual(named(Filters=[{"Name": "name", "Values": ["web-1"]}], Owners=["self"]), [ids[1]])
        self.assertEqual(named(Filters=[{"Name": "state", "Values": ["available"]}, {"Name": "architecture", "Values": ["x86*"]}]), ids)
        # Disabled ones are left out unless asked for.
        self.sim.set({"region": "us-east-1", "image": ids[0], "set": {"state": "disabled"}})
        self.assertEqual(of(PLAIN), [ids[2]])
        self.assertEqual(of(PLAIN, IncludeDisabled=True), [ids[0], ids[2]])
        self.assertEqual(named(ImageIds=[ids[0]]), [])
        self.sim.set({"region": "us-east-1", "image": ids[1], "set": {"state": "failed", "message": "no room"}})
        self.assertEqual(self.images(ImageIds=[ids[1]])[0]["StateReason"]["Message"], "no room")
        with self.assertRaises(WaiterError):
            self.ec2().get_waiter("image_available").wait(ImageIds=[ids[1]], WaiterConfig={"Delay": 0, "MaxAttempts": 2})
        self.refused("InvalidAMIID.NotFound", 400, self.images, ImageIds=["ami-09999999999999999"])
        self.refused("InvalidAMIID.Malformed", 400, self.images, ImageIds=["x"])
        self.refused("InvalidUserID.Malformed", 400, self.images, Owners=["me"])
        self.assertEqual(self.ec2(key="AKIAOTHER00000000001", secret="other").describe_images()["Images"], [])
        got = [i["ImageId"] for page in self.ec2().get_paginator("describe_images").paginate(
            IncludeDisabled=True, PaginationConfig={"PageSize": 5}) for i in page["Images"]]
        self.assertEqual(got, ids)

    def test_lag(self):
        self.sim.set(consistency_ms="60000")
        id = self.register()
        self.assertEqual(self.images(Filters=[{"Name": "name", "Values": ["web"]}], Owners=["self"]), [])
        self.refused("InvalidAMIID.NotFound", 400, self.images, ImageIds=[id])
        self.register_refused("InvalidAMIName.Duplicate")

    def test_a_snapshot_in_use(self):
        delete = self.ec2().delete_snapshot
        id = self.register(disks=(("/dev/xvda", PLAIN), ("/dev/sdf", SECRET)))
        for snapshot in (PLAIN, SECRET):
            words = self.refused("InvalidSnapshot.InUse", 400, delete, SnapshotId=snapshot)
            self.assertEqual(words, f"The snapshot {snapshot} is currently in use by {id}")
        self.sim.set({"region": "us-east-1", "image": id, "set": {"state": "disabled"}})
        self.refused("InvalidSnapshot.InUse", 400, delete, SnapshotId=PLAIN)
        self.create(SECRET)
        self.sim.set({"region": "us-east-1", "image": id, "deregister": True})
        delete(SnapshotId=PLAIN)
        delete(SnapshotId=SECRET)  # a volume of it is no reason


class Control(Made):
    world = {"regions": {"us-east-1": {
        "snapshots": [{"SnapshotId": PLAIN, "VolumeSize": 8}],
        "zones": [{"name": "us-east-1b", "state": "impaired"}],
        "volumes": [{"id": "vol-0000000000000000a", "zone": "us-east-1a", "snapshot": PLAIN, "type": "gp3", "tags": {"a": "b"}}],
        "images": [{"id": "ami-0000000000000000a", "name": "web", "snapshots": [PLAIN], "state": "disabled"}]}}}

    def test_a_world(self):
        v = self.volumes()[0]
        self.assertEqual((v["VolumeId"], v["SnapshotId"], v["State"], v["Size"], v["Tags"]),
                         ("vol-0000000000000000a", PLAIN, "available", 8, [{"Key": "a", "Value": "b"}]))
        image = self.images(IncludeDisabled=True)[0]
        self.assertEqual((image["ImageId"], image["Name"], image["State"], image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]),
                         ("ami-0000000000000000a", "web", "disabled", PLAIN))
        self.assertEqual(self.sim.control("GET", "volumes?region=us-east-1")[0]["snapshot"], PLAIN)
        self.assertEqual(self.sim.control("GET", "images?region=us-east-1")[0]["disks"], {"/dev/xvda": PLAIN})
        self.assertEqual(self.made(), {"volumes": 0, "images": 0}, "a world's own are not counted")

    def test_counts(self):
        self.create()
        self.register("x.y")
        self.assertEqual(self.made(), {"volumes": 1, "images": 1})
        self.sim.control("POST", "reset-counts", {})
        self.assertEqual(self.made(), {"volumes": 0, "images": 0})
        listed = self.sim.control("GET", "volumes?region=us-east-1")
        self.assertEqual([v["id"] for v in listed][0], "vol-0000000000000000a")
        self.sim.set({"region": "us-east-1", "volume": listed[1]["id"], "vanish": True})
        self.refused("InvalidVolume.NotFound", 400, self.volumes, VolumeIds=[listed[1]["id"]])
        self.assertEqual(len(self.sim.control("GET", "volumes?region=us-east-1")), 1)


class Cli(Made):
    """The same through the AWS CLI."""
    shared = True

    def aws(self, *args, **how):
        status, out, errors = self.sim.cli("ec2", *args, **how)
        self.assertEqual((status, errors), (0, ""))
        return out

    def test_from_the_command_line(self):
        zone = self.aws("describe-availability-zones", "--query", "AvailabilityZones[0].ZoneName", "--output", "text").strip()
        made = self.aws("create-volume", "--availability-zone", zone, "--snapshot-id", PLAIN, "--volume-type", "gp3", "--throughput", "250",
                        "--client-token", "t", "--tag-specifications", "ResourceType=volume,Tags=[{Key=k,Value=v/w}]")
        self.aws("wait", "volume-available", "--volume-ids", made["VolumeId"])
        shown = self.aws("describe-volumes", "--filters", f"Name=snapshot-id,Values={PLAIN}")["Volumes"]
        self.assertEqual([(v["VolumeId"], v["Throughput"], v["Tags"]) for v in shown], [(made["VolumeId"], 250, [{"Key": "k", "Value": "v/w"}])])
        image = self.aws("register-image", "--name", "cli", "--architecture", "x86_64", "--virtualization-type", "hvm", "--ena-support",
                         "--root-device-name", "/dev/xvda", "--block-device-mappings", f"DeviceName=/dev/xvda,Ebs={{SnapshotId={PLAIN}}}")["ImageId"]
        self.aws("wait", "image-available", "--image-ids", image)
        self.assertEqual([i["Name"] for i in self.aws("describe-images", "--owners", "self")["Images"]], ["cli"])
        status, _, errors = self.sim.cli("ec2", "register-image", "--name", "cli", "--root-device-name", "/dev/xvda",
                                         "--block-device-mappings", f"DeviceName=/dev/xvda,Ebs={{SnapshotId={PLAIN}}}")
        self.assertNotEqual(status, 0)
        self.assertIn("(InvalidAMIName.Duplicate)", errors)
