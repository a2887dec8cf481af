# SPDX-License-Identifier: MIT
"""What is there: DescribeRegions and DescribeSnapshots, with owners, filters, pages, fields and delays."""
import re

from simulator import ACCOUNT, OTHER, Case

THIRD = "333333333333"
KMS = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"


def snap(n):
    return f"snap-{n:017x}"


FULL = {
    "SnapshotId": snap(1), "VolumeId": "vol-00000000000000001", "OwnerId": ACCOUNT, "Description": "nightly <db> & \"more\"\ttab",
    "State": "completed", "Progress": "100%", "StartTime": "2026-01-02T03:04:05.678Z", "CompletionTime": "2026-01-02T04:00:00.001Z",
    "VolumeSize": 100, "Encrypted": True, "KmsKeyId": KMS, "DataEncryptionKeyId": "66666666-7777-8888-9999-000000000000",
    "OutpostArn": "arn:aws:outposts:us-east-1:123456789012:outpost/op-1", "AvailabilityZone": "us-east-1a", "StorageTier": "standard",
    "RestoreExpiryTime": "2026-03-01T00:00:00.000Z", "SseType": "sse-kms", "TransferType": "time-based", "CompletionDurationMinutes": 60,
    "FullSnapshotSizeInBytes": 123456789, "OwnerAlias": "self-made", "StateMessage": "all is well",
    "Tags": {"Name": "db-1", "env": "prod", "aws:backup:plan": "p"},
}


class World(Case):
    shared = True
    world = {
        "keys": [{"access_key": "AKIAOTHER00000000001", "secret": "other", "account": OTHER}],
        "regions": {
            "us-east-1": {"snapshots": [
                FULL,
                {"SnapshotId": snap(2), "VolumeId": "vol-00000000000000002", "Description": "weekly", "VolumeSize": 8, "StorageTier": "archive",
                 "TransferType": "standard", "Tags": {"Name": "web-1", "env": "test"}, "StartTime": "2026-02-02T00:00:00Z"},
                {"SnapshotId": snap(3), "State": "pending", "Progress": "42%", "Tags": {"Name": "web-2", "star*": "a?b"}},
                {"SnapshotId": snap(4), "State": "error", "Progress": "17%", "StateMessage": "Given key ID is not accessible",
                 "FullSnapshotSizeInBytes": None, "Description": None},
                {"SnapshotId": snap(5), "OwnerId": OTHER, "shared": [ACCOUNT], "Tags": {"secret": "of the other"}},
                {"SnapshotId": snap(6), "OwnerId": OTHER, "public": True},
                {"SnapshotId": snap(7), "OwnerId": OTHER},
                {"SnapshotId": snap(8), "OwnerId": THIRD, "OwnerAlias": "amazon", "public": True},
                {"SnapshotId": snap(9), "shared": [OTHER], "Tags": {"Name": "ünïcode €"}},
                {"SnapshotId": "snap-0123abcd", "State": "recoverable"},
            ]},
            "eu-west-1": {},
            "me-south-1": {"enabled": False, "opt_in": True},
            "ap-east-1": {"opt_in": True},
        },
    }
    own = {snap(n) for n in (1, 2, 3, 4, 9)} | {"snap-0123abcd"}

    # --- regions ---

    def regions(self, **params):
        return {r["RegionName"]: r["OptInStatus"] for r in self.ec2().describe_regions(**params)["Regions"]}

    def test_regions(self):
        enabled = {"us-east-1": "opt-in-not-required", "eu-west-1": "opt-in-not-required", "ap-east-1": "opted-in"}
        self.assertEqual(self.regions(), enabled)
        self.assertEqual(self.regions(AllRegions=True), {**enabled, "me-south-1": "not-opted-in"})
        self.assertEqual(self.ec2().describe_regions()["Regions"][0]["Endpoint"], "ec2.us-east-1.amazonaws.com")

    def test_regions_chosen(self):
        self.assertEqual(set(self.regions(RegionNames=["eu-west-1"])), {"eu-west-1"})
        self.refused("InvalidParameterValue", 400, self.ec2().describe_regions, RegionNames=["xx-nowhere-1"])

        def filtered(name, *values, **params):
            return set(self.regions(Filters=[{"Name": name, "Values": [*values]}], **params))

        self.assertEqual(filtered("region-name", "*-east-1"), {"us-east-1", "ap-east-1"})
        self.assertEqual(filtered("endpoint", "ec2.eu*"), {"eu-west-1"})
        self.assertEqual(filtered("opt-in-status", "not-opted-in"), set())
        self.assertEqual(filtered("opt-in-status", "not-opted-in", "opted-in", AllRegions=True), {"me-south-1", "ap-east-1"})
        self.refused("InvalidParameterValue", 400, self.ec2().describe_regions, Filters=[{"Name": "nonsense", "Values": ["x"]}])

    # --- whose ---

    def test_owners(self):
        visible = self.own | {snap(5), snap(6), snap(8)}
        self.assertEqual(self.ids(), visible)
        self.assertEqual(self.ids(OwnerIds=["self"]), self.own)
        self.assertEqual(self.ids(OwnerIds=[ACCOUNT]), self.own)
        self.assertEqual(self.ids(OwnerIds=[OTHER]), {snap(5), snap(6)})
        self.assertEqual(self.ids(OwnerIds=["amazon"]), {snap(8)})
        self.assertEqual(self.ids(OwnerIds=["self", OTHER]), self.own | {snap(5), snap(6)})
        self.assertEqual(self.ids(OwnerIds=["999999999999"]), set())
        self.refused("InvalidUserID.Malformed", 400, self.ec2().describe_snapshots, OwnerIds=["me"])

    def test_restorable_by(self):
        self.assertEqual(self.ids(RestorableByUserIds=["self"]), self.own | {snap(5)})
        self.assertEqual(self.ids(RestorableByUserIds=["all"]), {snap(6), snap(8)})
        self.assertEqual(self.ids(RestorableByUserIds=[OTHER]), {snap(5), snap(6), snap(9)})
        self.assertEqual(self.ids(RestorableByUserIds=["self"], OwnerIds=[OTHER]), {snap(5)})

    def test_another_account(self):
        other = self.ec2(key="AKIAOTHER00000000001", secret="other").describe_snapshots()["Snapshots"]
        self.assertEqual({s["SnapshotId"] for s in other}, {snap(5), snap(6), snap(7), snap(8), snap(9)})
        tags = {s["SnapshotId"]: s.get("Tags") for s in other}
        self.assertEqual(tags[snap(5)], [{"Key": "secret", "Value": "of the other"}])
        self.assertFalse(tags[snap(9)], "tags belong to the account that set them")

    # --- ids ---

    def test_ids(self):
        self.assertEqual(self.ids(SnapshotIds=[snap(2), snap(1), snap(2)]), {snap(1), snap(2)})
        self.assertEqual(self.ids(SnapshotIds=["snap-0123abcd"]), {"snap-0123abcd"})
        self.assertEqual(self.ids(SnapshotIds=[snap(1), snap(7)]), {snap(1)}, "what the caller may not see is left out")
        describe = self.ec2().describe_snapshots
        message = self.refused("InvalidSnapshot.NotFound", 400, describe, SnapshotIds=[snap(1), snap(99)])
        self.assertEqual(message, f"The snapshot '{snap(99)}' does not exist.")
        for bad in ("snap-xyz", "snap-", "snap-0123456789ABCDEF0", "snap-012345678", snap(1) + "0"):
            self.refused("InvalidSnapshotID.Malformed", 400, describe, SnapshotIds=[bad])
        for bad in ("vol-00000000000000001", "snapshot", "../snap-01234567"):
            self.refused("InvalidParameterValue", 400, describe, SnapshotIds=[bad])
        self.refused("InvalidSnapshot.NotFound", 400, self.ec2("eu-west-1").describe_snapshots, SnapshotIds=[snap(1)])

    # --- filters ---

    def filtered(self, *filters, **params):
        return self.ids(Filters=[{"Name": n, "Values": [v] if isinstance(v, str) else v} for n, v in filters], OwnerIds=["self"], **params)

    def test_every_filter(self):
        table = [
            ("description", "weekly", {2}), ("description", "nightly*", {1}), ("encrypted", "true", {1}),
            ("owner-alias", "self-made", {1}), ("owner-id", ACCOUNT, {1, 2, 3, 4, 9, "r"}), ("owner-id", OTHER, set()),
            ("progress", "42%", {3}), ("progress", "1?%", {4}), ("progress", "4?2%", {3}), ("progress", "42%?", {3}), ("progress", "4?%?", {3}), ("snapshot-id", snap(2), {2}), ("snapshot-id", "snap-0*1", {1}),
            ("snapshot-id", [snap(1), snap(99)], {1}), ("start-time", "2026-01-02T03:04:05.678Z", {1}), ("start-time", "2026-02-*", {2}),
            ("start-time", "2026-02-02T00:00:00.000Z", {2}), ("status", "pending", {3}), ("status", ["error", "recoverable"], {4, "r"}),
            ("storage-tier", "archive", {2}), ("transfer-type", "time-based", {1}), ("transfer-type", "standard", {2}),
            ("tag:Name", "web-*", {2, 3}), ("tag:env", ["prod", "test"], {1, 2}), ("tag:Name", "ünïcode ?", {9}), ("tag:Name", "?n*", {9}), ("tag:Name", "*?code €", {9}), ("tag:name", "web-1", set()),
            ("tag:star*", "a\\?b", {3}), ("tag:star*", "a\\*b", set()), ("tag-key", "env", {1, 2}), ("tag-key", "aws:*", {1}),
            ("tag-key", "star\\*", {3}), ("volume-id", "vol-00000000000000002", {2}), ("volume-size", "100", {1}),
            ("tag:Name", "", set()), ("status", "Pending", set()),
        ]
        for name, value, wanted in table:
            with self.subTest(filter=name, value=value):
                self.assertEqual(self.filtered((name, value)), {"snap-0123abcd" if n == "r" else snap(n) for n in wanted})

    def test_filters_together(self):
        self.assertEqual(self.filtered(("tag:Name", "web-*"), ("status", "completed")), {snap(2)})
        self.assertEqual(self.filtered(("tag:Name", "web-*"), ("tag:Name", "*-2")), {snap(3)})
        self.assertEqual(self.filtered(("tag:env", "prod"), SnapshotIds=[snap(1), snap(2)]), {snap(1)})

    def test_filters_refused(self):
        describe = self.ec2().describe_snapshots
        self.refused("InvalidParameterValue", 400, describe, Filters=[{"Name": "completion-time", "Values": ["x"]}])
        self.refused("InvalidParameterValue", 400, describe, Filters=[{"Name": "Status", "Values": ["pending"]}])
        self.refused("InvalidParameterValue", 400, describe, Filters=[{"Name": "status", "Values": []}])
        self.refused("InvalidParameterValue", 400, describe, Filters=[{"Name": "tag:", "Values": ["x"]}])
        self.refused("MissingParameter", 400, describe, Filters=[{"Values": ["x"]}])
        for bad in (r"D:\Data", "x\\", r"\\\a"):
            self.refused("InvalidParameterValue", 400, describe, Filters=[{"Name": "description", "Values": [bad]}])
        self.assertEqual(self.filtered(("description", r"D:\\Data")), set())
        self.refused("InvalidParameterValue", 400, describe, Filters=[{"Name": "description", "Values": ["ü" * 256]}])
        self.assertEqual(self.filtered(("description", "ü" * 255)), set())
        filters = [{"Name": f"tag:{n}", "Values": ["x"]} for n in range(51)]
        self.refused("FilterLimitExceeded", 400, describe, Filters=filters)
        describe(Filters=filters[:50])
        values = [snap(n) for n in range(201)]
        self.refused("FilterLimitExceeded", 400, describe, Filters=[{"Name": "snapshot-id", "Values": values}])
        self.assertEqual(self.filtered(("snapshot-id", values[:200])), {snap(n) for n in (1, 2, 3, 4, 9)})

    # --- fields ---

    def test_every_field(self):
        got = self.one(snap(1))
        for name in {"StartTime", "CompletionTime", "RestoreExpiryTime"} & set(got):
            got[name] = got[name].strftime("%Y-%m-%dT%H:%M:%S.") + f"{got[name].microsecond // 1000:03d}Z"
        got["Tags"] = {t["Key"]: t["Value"] for t in got["Tags"]}
        # An older boto3 does not know all of today's fields.
        new = {"AvailabilityZone", "TransferType", "CompletionDurationMinutes", "CompletionTime", "FullSnapshotSizeInBytes", "SseType"}
        self.assertEqual({k: v for k, v in FULL.items() if k in got or k not in new}, got)
        _, _, text = self.sim.post({"Action": "DescribeSnapshots", "SnapshotId.1": snap(1)})
        for element in ("snapshotId", "volumeId", "status", "statusMessage", "startTime", "completionTime", "progress", "ownerId", "ownerAlias",
                        "volumeSize", "description", "encrypted", "kmsKeyId", "dataEncryptionKeyId", "outpostArn", "availabilityZone",
                        "storageTier", "restoreExpiryTime", "sseType", "transferType", "completionDurationMinutes",
                        "fullSnapshotSizeInBytes", "tagSet"):
            self.assertEqual(text.count(f"<{element}>"), 1, element)

    def test_fields_that_are_absent(self):
        pending, failed = self.one(snap(3)), self.one(snap(4))
        self.assertEqual((pending["State"], pending["Progress"]), ("pending", "42%"))
        self.assertNotIn("CompletionTime", pending)
        self.assertNotIn("FullSnapshotSizeInBytes", pending)
        self.assertEqual(failed["StateMessage"], "Given key ID is not accessible")
        self.assertNotIn("Description", failed)
        self.assertNotIn("KmsKeyId", failed)
        self.assertEqual(self.one("snap-0123abcd")["State"], "recoverable")

    def test_dry_run(self):
        message = self.refused("DryRunOperation", 412, self.ec2().describe_snapshots, DryRun=True)
        self.assertEqual(message, "Request would have succeeded, but DryRun flag is set.")
        self.refused("DryRunOperation", 412, self.ec2().describe_regions, DryRun=True)


class Bulk(Case):
    shared = True
    world = {"regions": {"eu-west-1": {}}}
    args = ("--snapshots", "2345,us-east-1,us-west-2", "--snapshots=7,sa-east-1")

    def pages(self, region="us-east-1", **params):
        """All pages as lists of ids; the paginator stops at an absent or empty token."""
        pages = self.ec2(region).get_paginator("describe_snapshots").paginate(OwnerIds=["self"], **params)
        return [[s["SnapshotId"] for s in p["Snapshots"]] for p in pages]

    def test_all_of_them_in_pages(self):
        pages = self.pages(MaxResults=1000)
        self.assertEqual([len(p) for p in pages], [1000, 1000, 345])
        self.assertEqual(len({i for p in pages for i in p}), 2345)
        self.assertEqual([len(p) for p in self.pages(MaxResults=2345)], [1000, 1000, 345], "more than 1000 is 1000")
        self.assertEqual([i for p in pages for i in p], [s["SnapshotId"] for s in self.snapshots(OwnerIds=["self"])])
        self.assertFalse(set(pages[0]) & set(self.pages("us-west-2", MaxResults=1000)[0]))
        self.assertEqual(sum(map(len, self.pages("sa-east-1", MaxResults=5))), 7)
        self.assertEqual(self.pages("eu-west-1", MaxResults=5), [[]])

    def test_exactly_full_pages_have_no_token(self):
        answer = self.ec2("sa-east-1").describe_snapshots(MaxResults=7)
        self.assertEqual((len(answer["Snapshots"]), answer.get("NextToken")), (7, None))

    def test_max_results(self):
        describe = self.ec2().describe_snapshots
        for bad in (4, 0, -1):
            self.refused("InvalidParameterValue", 400, describe, MaxResults=bad)
        self.refused("InvalidParameterCombination", 400, describe, MaxResults=5, SnapshotIds=[snap(1)])
        self.assertIn("<Code>InvalidParameterValue</Code>", self.sim.post({"Action": "DescribeSnapshots", "MaxResults": "ten"})[2])

    def test_tokens_belong_to_their_query(self):
        describe = self.ec2().describe_snapshots
        token = describe(OwnerIds=["self"], MaxResults=5)["NextToken"]
        again = describe(OwnerIds=["self"], MaxResults=5)["NextToken"]
        self.assertNotEqual(token, again, "no two tokens are alike")
        second = self.pages(MaxResults=5)[1]
        for t in (token, again):
            self.assertEqual([s["SnapshotId"] for s in describe(OwnerIds=["self"], MaxResults=5, NextToken=t)["Snapshots"]], second)
        self.assertEqual(len(describe(OwnerIds=["self"], MaxResults=10, NextToken=token)["Snapshots"]), 10)
        bad = [dict(OwnerIds=[ACCOUNT]), dict(OwnerIds=["self"], Filters=[{"Name": "status", "Values": ["completed"]}]), {}]
        for params in bad:
            self.refused("InvalidPaginationToken", 400, describe, MaxResults=5, NextToken=token, **params)
        forged = token[:-4] + ("0" if token[-4] != "0" else "1") + token[-3:]
        for t in ("nonsense", token[:-1], token + "=", forged):
            self.refused("InvalidPaginationToken", 400, describe, MaxResults=5, OwnerIds=["self"], NextToken=t)
        west = self.ec2("us-west-2").describe_snapshots
        self.refused("InvalidPaginationToken", 400, west, MaxResults=5, OwnerIds=["self"], NextToken=token)

    def test_tokens_survive_deletion(self):
        first = self.ec2("us-west-2").describe_snapshots(OwnerIds=["self"], MaxResults=5)
        everything = [i for p in self.pages("us-west-2", MaxResults=1000) for i in p]
        self.sim.set({"region": "us-west-2", "snapshot": everything[2], "delete": True},
                     {"region": "us-west-2", "snapshot": everything[5], "delete": True})
        second = self.ec2("us-west-2").describe_snapshots(OwnerIds=["self"], MaxResults=5, NextToken=first["NextToken"])
        self.assertEqual([s["SnapshotId"] for s in second["Snapshots"]], everything[6:11])

    def test_filters_and_pages(self):
        wanted = self.ids(OwnerIds=["self"], Filters=[{"Name": "tag:team", "Values": ["storefront"]}])
        self.assertTrue(50 < len(wanted) < 1000, len(wanted))
        pages = self.pages(MaxResults=50, Filters=[{"Name": "tag:team", "Values": ["storefront"]}])
        self.assertEqual([len(p) for p in pages[:-1]], [50] * (len(pages) - 1))
        self.assertEqual({i for p in pages for i in p}, wanted)

    def test_a_generated_one_by_id(self):
        some = self.pages(MaxResults=1000)[1][77]
        self.assertEqual(self.one(some)["SnapshotId"], some)
        self.assertEqual(self.ids(Filters=[{"Name": "snapshot-id", "Values": [some]}]), {some})
        self.refused("InvalidSnapshot.NotFound", 400, self.ec2("us-west-2").describe_snapshots, SnapshotIds=[some])
        self.ec2().create_tags(Resources=[some], Tags=[{"Key": "changed", "Value": "yes"}])
        self.assertEqual(self.ids(Filters=[{"Name": "tag:changed", "Values": ["yes"]}]), {some})
        self.assertEqual(self.pages(MaxResults=1000)[1][77], some, "it keeps its place")

    def test_as_rich_as_real_ones(self):
        _, _, text = self.sim.post({"Action": "DescribeSnapshots", "Owner.1": "self", "MaxResults": "1000"})
        n = text.count("<snapshotId>")
        self.assertEqual(n, 1000)
        self.assertAlmostEqual(len(text) / n, 1370, delta=25)
        self.assertAlmostEqual(text.count("<key>") / n, 3, delta=0.3)

    def test_the_same_every_time(self):
        def first():
            return [{k: v for k, v in s.items()} for s in self.snapshots("sa-east-1")]

        before = first()
        self.end_and_start_again()
        self.assertEqual(first(), before)

    def end_and_start_again(self):
        from simulator import Sim

        old = type(self).sim
        type(self).sim = Sim(*self.args, world=self.world)
        self.assertEqual(old.stop(), 0)


class AwkwardPages(Case):
    args = ("--snapshots", "500")

    def all_pages(self, **params):
        pages, token, describe = [], None, self.ec2().describe_snapshots
        while True:
            answer = describe(OwnerIds=["self"], **params, **({"NextToken": token} if token else {}))
            pages.append([s["SnapshotId"] for s in answer["Snapshots"]])
            token = answer.get("NextToken")
            if not token:
                return pages

    def test_filters_after_paging(self):
        last = self.all_pages(MaxResults=500)[0][480]
        self.sim.set(pages="after")
        self.ec2().create_tags(Resources=[last], Tags=[{"Key": "rare", "Value": "1"}])
        pages = self.all_pages(MaxResults=100, Filters=[{"Name": "tag:rare", "Values": ["1"]}])
        self.assertEqual(pages, [[], [], [], [], [last]])

    def test_ragged_pages(self):
        self.sim.set(pages="ragged")
        pages = self.all_pages(MaxResults=20)
        sizes = {len(p) for p in pages}
        self.assertTrue(len(sizes) > 3 and max(sizes) <= 20, sizes)
        self.assertEqual(len({i for p in pages for i in p}), 500)
        self.assertEqual(sum(map(len, pages)), 500)

    def test_an_empty_token_ends_the_list(self):
        self.sim.set(pages="ragged")
        _, _, text = self.sim.post({"Action": "DescribeSnapshots", "Owner.1": "self"})
        self.assertIn("<nextToken/>", text)

    def test_another_namespace(self):
        self.start("--snapshots", "1", "--xmlns", "http://example.org/old")
        self.assertEqual(len(self.snapshots()), 1)
        self.assertIn('xmlns="http://example.org/old"', self.sim.post({"Action": "DescribeRegions"})[2])

    def test_many_regions(self):
        self.start("--regions", "50")
        names = [r["RegionName"] for r in self.ec2().describe_regions()["Regions"]]
        self.assertEqual((len(names), len(set(names))), (50, 50))
        self.assertIn("us-simulated-16", names)
        self.assertEqual(self.ids("us-simulated-16", OwnerIds=["self"]), set())


class Hostile(Case):
    """A world may hold what AWS would never send."""

    ids_sent = ["../x", "", "a" * 4096, "snap-<b>&", snap(1), snap(1)]
    world = {"regions": {"us-east-1": {"snapshots": [{"SnapshotId": i} for i in ids_sent]}, "../../etc": {}, "": {}, "r" * 4096: {}}}

    def test_ids_are_sent_as_they_are(self):
        self.assertEqual([s["SnapshotId"] for s in self.snapshots(OwnerIds=["self"])], self.ids_sent)

    def test_region_names_too(self):
        self.assertEqual({r["RegionName"] for r in self.ec2().describe_regions()["Regions"]}, set(self.world["regions"]))

    def test_characters_that_xml_cannot_carry(self):
        self.sim.set({"region": "us-east-1", "snapshots": [{"Description": "bell\x07"}]})
        self.assertIn("bell&#7;", self.sim.post({"Action": "DescribeSnapshots", "Owner.1": "self"})[2])


class Consistency(Case):
    """EC2's listings do not know at once of what has happened."""

    world = {"regions": {"us-east-1": {"snapshots": [{"SnapshotId": snap(1), "Tags": {"a": "old"}}]}, "eu-west-1": {}}}
    args = ("--consistency-ms", "600000", "--copy-seconds", "0.1")
    tag = [{"ResourceType": "snapshot", "Tags": [{"Key": "t", "Value": "1"}]}]

    def test_a_new_snapshot_is_not_there_yet(self):
        id = self.copy(snap(1), TagSpecifications=self.tag)
        self.refused("InvalidSnapshot.NotFound", 400, self.ec2("eu-west-1").describe_snapshots, SnapshotIds=[id])
        self.assertEqual(self.ids("eu-west-1", OwnerIds=["self"]), set())
        self.assertEqual(self.ids("eu-west-1", Filters=[{"Name": "tag:t", "Values": ["1"]}]), set())
        self.assertEqual([s["SnapshotId"] for s in self.sim.truth("eu-west-1")], [id])
        self.assertEqual(self.sim.true(id, "eu-west-1")["Tags"], {"t": "1"})

    def test_it_comes_after_a_while(self):
        self.sim.set(consistency_ms="200-400")
        id = self.copy(snap(1), TagSpecifications=self.tag)
        self.assertEqual(self.ids("eu-west-1", OwnerIds=["self"]), set())
        self.until("the copy", lambda: self.ids("eu-west-1", OwnerIds=["self"]) == {id})
        self.until("its tag", lambda: self.ids("eu-west-1", Filters=[{"Name": "tag:t", "Values": ["1"]}]) == {id})

    def test_its_tags_may_come_later(self):
        self.sim.set(consistency_ms="0")
        id = self.copy(snap(1))
        self.sim.set(consistency_ms="600000")
        self.ec2("eu-west-1").create_tags(Resources=[id], Tags=[{"Key": "t", "Value": "1"}])
        self.assertEqual(self.one(id, "eu-west-1").get("Tags", []), [])

    def test_changed_tags_and_deletions(self):
        self.ec2().create_tags(Resources=[snap(1)], Tags=[{"Key": "a", "Value": "new"}])
        self.ec2().create_tags(Resources=[snap(1)], Tags=[{"Key": "b", "Value": "newer"}])
        self.assertEqual(self.one(snap(1))["Tags"], [{"Key": "a", "Value": "old"}])
        self.assertEqual(self.sim.true(snap(1))["Tags"], {"a": "new", "b": "newer"})
        self.ec2().delete_snapshot(SnapshotId=snap(1))
        self.assertEqual(self.ids(OwnerIds=["self"]), {snap(1)}, "still listed")
        self.assertEqual(self.sim.truth(), [])
        self.refused("InvalidSnapshot.NotFound", 400, self.ec2().delete_snapshot, SnapshotId=snap(1))

    def test_flicker(self):
        self.sim.set(flicker=True)
        self.copy(snap(1))
        seen = [len(self.ids("eu-west-1", OwnerIds=["self"])) for _ in range(64)]
        self.assertEqual(set(seen), {0, 1})

    def test_the_truth_is_not_delayed_in_the_xml_of_a_copy(self):
        answer = self.ec2("eu-west-1").copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=snap(1), TagSpecifications=self.tag)
        self.assertTrue(re.fullmatch("snap-0[0-9a-f]{16}", answer["SnapshotId"]))
        self.assertEqual(answer["Tags"], self.tag[0]["Tags"])
