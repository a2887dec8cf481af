# SPDX-License-Identifier: MIT
"""CopySnapshot with all its rules, DeleteSnapshot, CreateVolume, CreateSnapshot and sharing."""
import re
import time

from simulator import ACCOUNT, OTHER, Case

GIB = 1 << 30
PLAIN, SECRET, PENDING, FAILED, ARCHIVED, FOREIGN, HIDDEN, USED, LOCKED, DISABLED = (f"snap-{n:017x}" for n in range(1, 11))
NOWHERE = "snap-09999999999999999"


def arn(region, id):
    return f"arn:aws:kms:{region}:{ACCOUNT}:key/{id}"


class Copies(Case):
    args = ("--copy-seconds", "0.3")
    world = {
        "keys": [{"access_key": "AKIAOTHER00000000001", "secret": "other", "account": OTHER},
                 {"access_key": "ASIATEMPORARY0000001", "secret": "temporary", "token": "token/+="}],
        "regions": {
            "us-east-1": {
                "kms_keys": [{"id": "key-east", "alias": "alias/east"}, {"id": "key-off", "usable": False}],
                "snapshots": [
                    {"SnapshotId": PLAIN, "VolumeSize": 100, "FullSnapshotSizeInBytes": 40 * GIB, "Description": "db", "Tags": {"a": "b"}},
                    {"SnapshotId": SECRET, "Encrypted": True, "KmsKeyId": arn("us-east-1", "key-east"), "DataEncryptionKeyId": "dek"},
                    {"SnapshotId": PENDING, "State": "pending", "Progress": "7%"},
                    {"SnapshotId": FAILED, "State": "error"},
                    {"SnapshotId": ARCHIVED, "StorageTier": "archive"},
                    {"SnapshotId": FOREIGN, "OwnerId": OTHER, "shared": [ACCOUNT]},
                    {"SnapshotId": HIDDEN, "OwnerId": OTHER},
                    {"SnapshotId": USED, "in_use": True},
                    {"SnapshotId": LOCKED, "locked": True},
                    {"SnapshotId": DISABLED, "Encrypted": True, "KmsKeyId": arn("us-east-1", "key-off")},
                ]},
            "eu-west-1": {"kms_keys": [{"id": "key-dr", "alias": "alias/dr"}, {"id": "key-off", "alias": "alias/off", "usable": False}]},
            "eu-west-2": {"encrypts_by_default": True, "kms_keys": [{"id": "key-usual"}], "default_kms_key": "key-usual"},
            "us-west-2": {},
            "ap-east-2": {"copies_only_inside": True},
            "me-south-1": {"enabled": False},
        },
    }

    def copy_refused(self, code, status, id, region="eu-west-1", source="us-east-1", **params):
        def there():
            return {s["SnapshotId"] for r in ("us-east-1", "eu-west-1", "us-west-2") for s in self.sim.truth(r)}

        before = there()
        message = self.refused(code, status, self.copy, id, region, source, **params)
        self.assertEqual(there(), before, "a refusal changes nothing")
        return message

    def managed(self, region):
        """The key that AWS manages for EBS there."""
        return self.ended(self.copy(PLAIN, region, Encrypted=True), region)["KmsKeyId"]

    # --- the copy ---

    def test_a_copy(self):
        id = self.copy(PLAIN, Description="moved", TagSpecifications=[{"ResourceType": "snapshot", "Tags": [{"Key": "k", "Value": "v"}]}])
        first = self.one(id, "eu-west-1")
        self.assertEqual((first["State"], first["Progress"][-1]), ("pending", "%"))
        self.assertNotIn("CompletionTime", first)
        done = self.ended(id)
        self.assertEqual((done["State"], done["Progress"]), ("completed", "100%"))
        self.assertRegex(id, "^snap-0[0-9a-f]{16}$")
        self.assertNotEqual(id, PLAIN)
        self.assertEqual(done["VolumeId"], "vol-ffffffff")
        self.assertEqual((done["VolumeSize"], done["Description"], done["OwnerId"], done["Encrypted"]), (100, "moved", ACCOUNT, False))
        self.assertEqual(done["Tags"], [{"Key": "k", "Value": "v"}], "the source's tags are not copied")
        truth = self.sim.true(id, "eu-west-1")
        self.assertEqual((truth["source_region"], truth["source_id"], truth["FullSnapshotSizeInBytes"]), ("us-east-1", PLAIN, 40 * GIB))
        self.assertEqual(truth["TransferType"], "standard")
        self.assertEqual(self.ended(id), done, "what has ended does not change")

    def test_it_goes_where_the_signature_says(self):
        id = self.ec2("us-west-2").copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=PLAIN, DestinationRegion="eu-west-1")["SnapshotId"]
        self.assertTrue(self.sim.true(id, "us-west-2"))
        self.assertFalse(self.sim.true(id, "eu-west-1"))

    def test_within_a_region(self):
        id = self.copy(PLAIN, "us-east-1")
        self.assertEqual(self.ended(id, "us-east-1")["State"], "completed")
        encrypted = self.copy(SECRET, "us-east-1", Encrypted=True, KmsKeyId="alias/east")
        self.assertEqual(self.ended(encrypted, "us-east-1")["KmsKeyId"], arn("us-east-1", "key-east"))

    def test_another_accounts(self):
        self.assertEqual(self.ended(self.copy(FOREIGN))["OwnerId"], ACCOUNT)
        self.copy_refused("InvalidSnapshot.NotFound", 400, HIDDEN)

    def test_not_idempotent(self):
        self.assertNotEqual(self.copy(PLAIN), self.copy(PLAIN))

    # --- refusals ---

    def test_states_of_the_source(self):
        for id in (PENDING, FAILED, ARCHIVED):
            self.copy_refused("IncorrectState", 400, id)
        self.sim.set({"region": "us-east-1", "snapshot": ARCHIVED, "set": {"RestoreExpiryTime": "1m"}})
        self.assertEqual(self.ended(self.copy(ARCHIVED))["State"], "completed", "restored for a while")

    def test_sources_that_are_not(self):
        self.copy_refused("InvalidSnapshot.NotFound", 400, NOWHERE)
        self.copy_refused("InvalidSnapshotID.Malformed", 400, "snap-nonsense")
        self.copy_refused("InvalidParameterValue", 400, "nonsense")
        self.copy_refused("InvalidSnapshot.NotFound", 400, PLAIN, source="us-west-2")
        self.copy_refused("InvalidRegion", 400, PLAIN, source="xx-nowhere-1")
        self.copy_refused("InvalidRegion", 400, PLAIN, source="me-south-1")
        self.copy_refused("SnapshotCopyUnsupported.InterRegion", 400, PLAIN, region="ap-east-2")
        text = self.sim.post({"Action": "CopySnapshot", "SourceRegion": "us-east-1"}, region="eu-west-1")[2]
        self.assertIn("<Code>MissingParameter</Code>", text)

    def test_late_errors_of_the_source(self):
        self.sim.set(late_source_errors=True)
        failed = self.ended(self.copy(NOWHERE))
        self.assertEqual((failed["State"], failed["StateMessage"]), ("error", "Source snapshot is not found"))
        self.copy_refused("InvalidSnapshotID.Malformed", 400, "snap-nonsense")

    def test_description(self):
        self.assertEqual(len(self.one(self.copy(PLAIN, Description="ü" * 255), "eu-west-1")["Description"]), 255)
        self.copy_refused("InvalidParameterValue", 400, PLAIN, Description="ü" * 256)
        self.copy_refused("InvalidParameterValue", 400, PLAIN, Description="bell\x07")
        self.assertEqual(self.one(self.copy(PLAIN), "eu-west-1")["Description"], "")

    def test_tags(self):
        def spec(tags, kind="snapshot"):
            return [{"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in tags]}]

        self.copy_refused("InvalidParameterValue", 400, PLAIN, TagSpecifications=spec([("aws:x", "y")]))
        self.copy_refused("InvalidParameterValue", 400, PLAIN, TagSpecifications=spec([("AWS:x", "y")]))
        self.copy_refused("InvalidParameterValue", 400, PLAIN, TagSpecifications=spec([("k", "1"), ("k", "2")]))
        self.copy_refused("InvalidParameterValue", 400, PLAIN, TagSpecifications=spec([("k", "1")], "volume"))
        self.copy_refused("InvalidParameterValue", 400, PLAIN, TagSpecifications=spec([("k" * 128, "1")]))
        self.copy_refused("InvalidParameterValue", 400, PLAIN, TagSpecifications=spec([("k", "v" * 257)]))
        self.copy_refused("TagLimitExceeded", 400, PLAIN, TagSpecifications=spec([(f"k{n}", "v") for n in range(51)]))
        many = self.one(self.copy(PLAIN, TagSpecifications=spec([(f"k{n}", "ä b") for n in range(49)] + [("k" * 127, "")])), "eu-west-1")
        self.assertEqual(len(many["Tags"]), 50)

    def test_dry_run(self):
        self.copy_refused("DryRunOperation", 412, PLAIN, DryRun=True)
        self.copy_refused("InvalidSnapshot.NotFound", 400, NOWHERE, DryRun=True)

    def test_time_based(self):
        for bad in ("7", "20", "0", "2895", "x"):
            text = self.sim.post({"Action": "CopySnapshot", "SourceRegion": "us-east-1", "SourceSnapshotId": PLAIN,
                                  "CompletionDurationMinutes": bad}, region="eu-west-1")[2]
            self.assertIn("<Code>InvalidParameterValue</Code>", text, bad)
        text = self.sim.post({"Action": "CopySnapshot", "SourceRegion": "us-east-1", "SourceSnapshotId": PLAIN,
                              "CompletionDurationMinutes": "30"}, region="eu-west-1")[2]
        truth = self.sim.true(re.search("<snapshotId>(.*?)<", text)[1], "eu-west-1")
        self.assertEqual((truth["TransferType"], truth["CompletionDurationMinutes"]), ("time-based", 30))
        # 500 MiB/s move 439 GiB in a quarter of an hour.
        self.sim.set({"region": "us-east-1", "snapshot": PLAIN, "set": {"FullSnapshotSizeInBytes": 500 * GIB}})
        text = self.sim.post({"Action": "CopySnapshot", "SourceRegion": "us-east-1", "SourceSnapshotId": PLAIN,
                              "CompletionDurationMinutes": "15"}, region="eu-west-1")[2]
        self.assertIn("<Code>InvalidParameterValue</Code>", text)

    # --- limits ---

    def test_limit(self):
        self.sim.set({"region": "*", "freeze": True}, copy_limit="3")
        first = [self.copy(PLAIN) for _ in range(3)]
        message = self.copy_refused("ResourceLimitExceeded", 400, PLAIN)
        self.assertEqual(message, "Too many snapshot copies in progress. The limit is 3 for this destination region.")
        self.copy(PLAIN, "us-west-2")  # another destination has a limit of its own
        self.sim.set({"region": "eu-west-1", "snapshot": first[0], "finish": True})
        self.copy(PLAIN)
        self.assertEqual(self.sim.counts()["copies"]["eu-west-1"], {"started": 4, "pending": 3, "max_pending": 3})
        self.sim.set({"region": "eu-west-1", "copy_limit": 4})
        self.copy(PLAIN)
        self.copy_refused("ResourceLimitExceeded", 400, PLAIN)
        self.sim.set({"region": "eu-west-1", "freeze": False})
        self.until("room", lambda: self.sim.counts()["copies"]["eu-west-1"]["pending"] < 4)
        self.copy(PLAIN)

    def test_the_limit_counts_what_others_started(self):
        self.sim.set({"region": "eu-west-1", "snapshots": [{"State": "pending", "copy": True}] * 2 + [{"State": "pending"}]}, copy_limit="3")
        self.copy(PLAIN)
        self.copy_refused("ResourceLimitExceeded", 400, PLAIN)

    def test_failed_copies_do_not_count(self):
        self.sim.set({"region": "eu-west-1", "freeze": True}, copy_limit="1")
        id = self.copy(PLAIN)
        self.sim.set({"region": "eu-west-1", "fail": "no luck"})
        failed = self.one(id, "eu-west-1")
        self.assertEqual((failed["State"], failed["StateMessage"]), ("error", "no luck"))
        self.copy(PLAIN)

    def test_snapshots_of_a_region(self):
        self.sim.set({"region": "us-west-2", "snapshot_limit": 1})
        self.copy(PLAIN, "us-west-2")
        self.refused("SnapshotLimitExceeded", 400, self.copy, PLAIN, "us-west-2")

    # --- encryption ---

    def test_encryption_outcomes(self):
        managed = self.managed("eu-west-1")
        self.assertTrue(managed.startswith("arn:aws:kms:eu-west-1:"))
        usual = arn("eu-west-2", "key-usual")
        table = [  # region, source, parameters, key
            ("eu-west-1", PLAIN, {}, None), ("eu-west-1", PLAIN, {"Encrypted": True}, managed), ("eu-west-1", SECRET, {}, managed),
            ("eu-west-1", SECRET, {"Encrypted": True, "KmsKeyId": "key-dr"}, arn("eu-west-1", "key-dr")),
            ("eu-west-1", PLAIN, {"Encrypted": True, "KmsKeyId": "alias/dr"}, arn("eu-west-1", "key-dr")),
            ("eu-west-1", PLAIN, {"Encrypted": True, "KmsKeyId": arn("eu-west-1", "key-dr")}, arn("eu-west-1", "key-dr")),
            ("eu-west-1", PLAIN, {"Encrypted": True, "KmsKeyId": f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/dr"}, arn("eu-west-1", "key-dr")),
            ("eu-west-2", PLAIN, {}, usual), ("eu-west-2", SECRET, {}, usual), ("eu-west-2", PLAIN, {"Encrypted": True}, usual),
        ]
        for region, source, params, key in table:
            with self.subTest(region=region, source=source, params=params):
                done = self.ended(self.copy(source, region, **params), region)
                self.assertEqual((done["State"], done["Encrypted"], done.get("KmsKeyId")), ("completed", key is not None, key))

    def test_encryption_of_what_is_encrypted(self):
        """Asking for encryption changes nothing where it is there anyway."""
        self.assertEqual(self.ended(self.copy(SECRET, Encrypted=True))["KmsKeyId"], self.managed("eu-west-1"))

    def test_encryption_by_default(self):
        for region, on, key in (("eu-west-1", False, "alias/aws/ebs"), ("eu-west-2", True, arn("eu-west-2", "key-usual"))):
            self.assertIs(self.ec2(region).get_ebs_encryption_by_default()["EbsEncryptionByDefault"], on)
            self.assertEqual(self.ec2(region).get_ebs_default_kms_key_id()["KmsKeyId"], key)
        self.sim.set({"region": "eu-west-1", "encrypts_by_default": True, "default_kms_key": "alias/dr"})
        self.assertIs(self.ec2("eu-west-1").get_ebs_encryption_by_default()["EbsEncryptionByDefault"], True)
        self.assertEqual(self.ended(self.copy(PLAIN))["KmsKeyId"], arn("eu-west-1", "key-dr"))
        for call in ("get_ebs_encryption_by_default", "get_ebs_default_kms_key_id"):
            self.refused("DryRunOperation", 412, getattr(self.ec2(), call), DryRun=True)
            self.sim.set({"key": "ASIATEMPORARY0000001", "deny": ["GetEbs*"]})
            keys = {"key": "ASIATEMPORARY0000001", "secret": "temporary", "token": "token/+="}
            self.refused("UnauthorizedOperation", 403, getattr(self.ec2(**keys), call))

    def test_tags_need_a_permission_of_their_own(self):
        self.sim.set({"key": "AKIASIMULATED0000001", "deny": ["CreateTags"]})
        tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "k", "Value": "v"}]}]
        for dry in ({}, {"DryRun": True}):
            message = self.copy_refused("UnauthorizedOperation", 403, PLAIN, TagSpecifications=tags, **dry)
            self.assertIn("ec2:CreateTags", message)
        self.copy(PLAIN)

    def test_keys_that_will_not_do(self):
        for key in ("alias/nobody", "alias/off", "key-off", arn("us-east-1", "key-east"), "nonsense"):
            failed = self.ended(self.copy(PLAIN, Encrypted=True, KmsKeyId=key))
            self.assertEqual((failed["State"], failed["StateMessage"]), ("error", "Given key ID is not accessible"), key)
            self.assertNotIn("CompletionTime", failed)
        self.assertEqual(self.ended(self.copy(DISABLED))["StateMessage"], "Given key ID is not accessible")

    def test_parameters_of_encryption(self):
        self.copy_refused("InvalidParameterDependency", 400, PLAIN, KmsKeyId="alias/dr")
        self.copy_refused("InvalidParameterValue", 400, PLAIN, Encrypted=False)

    # --- presigned URLs ---

    def raw_copy(self, id, url=None, region="eu-west-1", **how):
        params = {"Action": "CopySnapshot", "SourceRegion": "us-east-1", "SourceSnapshotId": id, **({"PresignedUrl": url} if url else {})}
        status, _, text = self.sim.post(params, region=region, **how)
        code = re.search("<Code>(.*?)</Code>", text)
        return (status, code[1]) if code else re.search("<snapshotId>(.*?)<", text)[1]

    def url(self, region="us-east-1", params=None, **how):
        five = {"Action": "CopySnapshot", "SourceRegion": "us-east-1", "SourceSnapshotId": SECRET, "DestinationRegion": "eu-west-1"}
        return self.sim.presign({**five, **(params or {})}, region=region, **how)

    def test_an_encrypted_source_needs_a_presigned_url(self):
        self.assertEqual(self.raw_copy(SECRET), (400, "MissingParameter"))
        self.assertEqual(self.ended(self.raw_copy(PLAIN))["State"], "completed")
        self.assertEqual(self.ended(self.raw_copy(SECRET, self.url()))["State"], "completed")
        real = self.url(url="https://ec2.us-east-1.amazonaws.com")
        self.assertEqual(self.ended(self.raw_copy(SECRET, real))["State"], "completed")
        longer = self.url(params={"Description": "a b/é", "TagSpecification.1.ResourceType": "snapshot"})
        self.assertEqual(self.ended(self.raw_copy(SECRET, longer))["State"], "completed")

    def test_a_bad_one_fails_later(self):
        good = self.url()
        bad = {
            "not a URL": "nonsense",
            "tampered": good.replace("Expires=3600", "Expires=3599"),
            "not signed": good.split("&X-Amz-Algorithm")[0],
            "signed for another region": self.url(region="eu-west-1"),
            "another host": self.url(url="https://ec2.eu-west-1.amazonaws.com"),
            "another snapshot": self.url(params={"SourceSnapshotId": PLAIN}),
            "another destination": self.url(params={"DestinationRegion": "us-west-2"}),
            "another action": self.url(params={"Action": "DescribeSnapshots"}),
            "another secret": self.url(secret="wrong"),
            "another account's": self.url(key="AKIAOTHER00000000001", secret="other"),
            "without its token": self.url(key="ASIATEMPORARY0000001", secret="temporary"),
        }
        for what, url in bad.items():
            with self.subTest(what):
                failed = self.ended(self.raw_copy(SECRET, url))
                self.assertEqual(failed["State"], "error")
                self.assertIn("PresignedUrl is not valid", failed["StateMessage"])
        self.assertEqual(self.ended(self.raw_copy(SECRET, self.url(key="ASIATEMPORARY0000001", secret="temporary", token="token/+=")))["State"],
                         "completed")

    def test_an_old_one_has_expired(self):
        url = self.url(expires=1)
        time.sleep(1.1)
        failed = self.ended(self.raw_copy(SECRET, url))
        self.assertEqual(failed["StateMessage"], "The PresignedUrl is not valid: it has expired")

    # --- in time ---

    def test_progress_in_steps(self):
        for seconds in ("1.2", "6", "30"):  # the first in which this machine asks often enough
            self.sim.set(copy_seconds=seconds, progress_step="10")
            id, seen = self.copy(PLAIN), []
            while True:
                s = self.one(id, "eu-west-1")
                if not seen or seen[-1] != s["Progress"]:
                    seen.append(s["Progress"])
                if s["State"] != "pending":
                    break
            numbers = [int(p.rstrip("%")) for p in seen]
            self.assertEqual(numbers, sorted(numbers))
            self.assertTrue(all(n % 10 == 0 for n in numbers), seen)
            if len(numbers) >= 5:
                break
        self.assertGreaterEqual(len(numbers), 5, seen)

    def frozen(self, progress):
        """The progress that a copy shows at its beginning."""
        self.sim.set({"region": "eu-west-1", "freeze": True}, progress=progress)
        _, _, text = self.sim.post({"Action": "DescribeSnapshots", "SnapshotId.1": self.copy(PLAIN)}, region="eu-west-1")
        self.assertIn("<status>pending</status>", text)
        return re.search("<progress/>|<progress>.*?</progress>", text)[0]

    def test_other_kinds_of_progress(self):
        self.assertEqual(self.frozen("jump"), "<progress>0%</progress>")
        self.assertEqual(self.frozen("empty"), "<progress/>")
        self.assertEqual(self.frozen("bare"), "<progress>0</progress>")
        self.sim.set({"region": "eu-west-1", "freeze": False}, progress="early", copy_seconds="3")
        id = self.copy(PLAIN)

        def shown():
            s = self.one(id, "eu-west-1")
            return (s["State"], s["Progress"]) == ("pending", "100%")

        self.until("100% of what has not ended", shown)

    def test_frozen_copies(self):
        self.sim.set({"region": "eu-west-1", "freeze": True})
        id = self.copy(PLAIN)
        other = self.copy(PLAIN, "us-west-2")
        self.ended(other, "us-west-2")
        self.assertEqual(self.one(id, "eu-west-1")["State"], "pending")
        self.sim.set({"region": "eu-west-1", "freeze": False})
        done = self.ended(id)
        seconds = (done["CompletionTime"] - done["StartTime"]).total_seconds() if "CompletionTime" in done else 1
        self.assertGreater(seconds, 0.3, "the pause counts")

    def test_by_size(self):
        self.sim.set(copy_rate=str(400 << 10), copy_seconds="0")  # 40 GiB at 400 GiB/s
        self.sim.set({"region": "us-east-1", "snapshot": SECRET, "set": {"FullSnapshotSizeInBytes": 40000 * GIB}})
        short, long = self.copy(PLAIN), self.copy(SECRET)
        self.assertEqual(self.ended(short)["State"], "completed")
        self.assertEqual(self.one(long, "eu-west-1")["State"], "pending")

    # --- deletion ---

    def test_delete(self):
        self.ec2().delete_snapshot(SnapshotId=PLAIN)
        self.assertNotIn(PLAIN, self.ids(OwnerIds=["self"]))
        delete = self.ec2().delete_snapshot
        self.refused("InvalidSnapshot.NotFound", 400, delete, SnapshotId=PLAIN)
        self.refused("InvalidSnapshot.InUse", 400, delete, SnapshotId=USED)
        self.refused("SnapshotLocked", 400, delete, SnapshotId=LOCKED)
        self.refused("InvalidSnapshot.NotFound", 400, delete, SnapshotId=HIDDEN)
        self.refused("UnauthorizedOperation", 403, delete, SnapshotId=FOREIGN)
        self.refused("InvalidSnapshotID.Malformed", 400, delete, SnapshotId="snap-x")
        self.refused("DryRunOperation", 412, delete, SnapshotId=SECRET, DryRun=True)
        self.assertTrue(self.one(SECRET))

    def test_deleting_a_copy_cancels_it(self):
        self.sim.set({"region": "eu-west-1", "freeze": True}, copy_limit="1")
        id = self.copy(PLAIN)
        self.ec2("eu-west-1").delete_snapshot(SnapshotId=id)
        self.assertEqual(self.sim.truth("eu-west-1"), [])
        self.copy(PLAIN)

    def test_deleting_may_wait_for_the_end(self):
        self.sim.set({"region": "eu-west-1", "freeze": True}, copy_limit="1", deleting_waits=True)
        id = self.copy(PLAIN)
        self.ec2("eu-west-1").delete_snapshot(SnapshotId=id)
        self.assertEqual(self.one(id, "eu-west-1")["State"], "pending")
        self.copy_refused("ResourceLimitExceeded", 400, PLAIN)
        self.sim.set({"region": "eu-west-1", "finish": True})
        self.assertEqual(self.sim.truth("eu-west-1"), [])

    def test_a_copy_needs_its_source_to_the_end(self):
        self.sim.set({"region": "eu-west-1", "freeze": True})
        id = self.copy(PLAIN)
        self.ec2().delete_snapshot(SnapshotId=PLAIN)
        failed = self.one(id, "eu-west-1")
        self.assertEqual((failed["State"], failed["StateMessage"]), ("error", "Source snapshot is not found"))

    # --- making snapshots and sharing them ---

    def test_volumes_and_snapshots(self):
        ec2 = self.ec2("us-west-2")
        volume = ec2.create_volume(AvailabilityZone="us-west-2a", Size=7)
        self.assertEqual((volume["Size"], volume["State"]), (7, "creating"))
        made = ec2.create_snapshot(VolumeId=volume["VolumeId"], Description="first",
                                   TagSpecifications=[{"ResourceType": "snapshot", "Tags": [{"Key": "a", "Value": "b"}]}])
        self.assertEqual((made["State"], made["Progress"], made["VolumeSize"], made["Tags"]), ("pending", "", 7, [{"Key": "a", "Value": "b"}]))
        done = self.ended(made["SnapshotId"], "us-west-2")
        self.assertEqual((done["State"], done["VolumeId"], done["Description"]), ("completed", volume["VolumeId"], "first"))
        self.copy(made["SnapshotId"], "us-east-1", "us-west-2")
        self.refused("InvalidVolume.NotFound", 400, ec2.create_snapshot, VolumeId="vol-00000000000000009")
        self.refused("InvalidZone.NotFound", 400, ec2.create_volume, AvailabilityZone="us-east-1a", Size=1)
        self.refused("MissingParameter", 400, ec2.create_volume, AvailabilityZone="us-west-2a")
        bigger = self.ec2().create_volume(AvailabilityZone="us-east-1b", SnapshotId=PLAIN)
        self.assertEqual(bigger["Size"], 100)
        self.refused("InvalidParameterValue", 400, self.ec2().create_volume, AvailabilityZone="us-east-1b", SnapshotId=PLAIN, Size=99)

    def test_sharing(self):
        other = self.ec2(key="AKIAOTHER00000000001", secret="other")

        def seen():
            return PLAIN in {s["SnapshotId"] for s in other.describe_snapshots()["Snapshots"]}

        modify = self.ec2().modify_snapshot_attribute
        self.assertFalse(seen())
        modify(SnapshotId=PLAIN, Attribute="createVolumePermission", OperationType="add", UserIds=[OTHER])
        self.assertTrue(seen())
        told = self.ec2().describe_snapshot_attribute(SnapshotId=PLAIN, Attribute="createVolumePermission")["CreateVolumePermissions"]
        self.assertEqual(told, [{"UserId": OTHER}])
        modify(SnapshotId=PLAIN, CreateVolumePermission={"Remove": [{"UserId": OTHER}]})
        self.assertFalse(seen())
        modify(SnapshotId=PLAIN, CreateVolumePermission={"Add": [{"Group": "all"}]})
        self.assertTrue(seen())
        modify(SnapshotId=PLAIN, Attribute="createVolumePermission", OperationType="remove", GroupNames=["all"])
        self.assertFalse(seen())
        self.refused("OperationNotPermitted", 400, modify, SnapshotId=SECRET, CreateVolumePermission={"Add": [{"Group": "all"}]})
        self.refused("InvalidParameterCombination", 400, modify, SnapshotId=PLAIN,
                     CreateVolumePermission={"Add": [{"UserId": OTHER}], "Remove": [{"UserId": OTHER}]})
        self.refused("UnauthorizedOperation", 403, modify, SnapshotId=FOREIGN, CreateVolumePermission={"Add": [{"Group": "all"}]})
