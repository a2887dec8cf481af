# SPDX-License-Identifier: MIT
"""The AWS CLI, for the calls that matter."""
from simulator import ACCOUNT, Case

PLAIN, SECRET = (f"snap-{n:017x}" for n in (1, 2))


class Cli(Case):
    shared = True
    args = ("--copy-seconds", "0.5")
    world = {"regions": {"us-east-1": {"snapshots": [
        {"SnapshotId": PLAIN, "Description": "nightly", "Tags": {"Name": "a b"}},
        {"SnapshotId": SECRET, "Encrypted": True, "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/k"},
        *({"Tags": {"many": "yes"}} for _ in range(23)),
    ]}, "eu-west-1": {}}}

    def aws(self, *args, **how):
        status, out, errors = self.sim.cli(*args, **how)
        self.assertEqual((status, errors), (0, ""))
        return out

    def aws_refused(self, code, *args, **how):
        status, _, errors = self.sim.cli(*args, **how)
        self.assertNotEqual(status, 0)
        self.assertIn(f"({code})", errors)

    def test_regions_and_identity(self):
        self.assertEqual([r["RegionName"] for r in self.aws("ec2", "describe-regions")["Regions"]], ["us-east-1", "eu-west-1"])
        self.assertEqual(self.aws("sts", "get-caller-identity")["Account"], ACCOUNT)

    def test_wrong_secret(self):
        self.aws_refused("AuthFailure", "ec2", "describe-regions", env={"AWS_SECRET_ACCESS_KEY": "wrong"})
        self.aws_refused("SignatureDoesNotMatch", "sts", "get-caller-identity", env={"AWS_SECRET_ACCESS_KEY": "wrong"})

    def test_list_in_pages(self):
        self.sim.control("POST", "reset-counts", {})
        listed = self.aws("ec2", "describe-snapshots", "--owner-ids", "self", "--page-size", "10", "--filters", "Name=tag:many,Values=y*")
        self.assertEqual(len(listed["Snapshots"]), 23)
        self.assertEqual(self.sim.counts()["requests"]["us-east-1"]["DescribeSnapshots"], 3)
        one = self.aws("ec2", "describe-snapshots", "--snapshot-ids", PLAIN)["Snapshots"][0]
        self.assertEqual((one["Description"], one["Tags"]), ("nightly", [{"Key": "Name", "Value": "a b"}]))
        self.aws_refused("InvalidSnapshot.NotFound", "ec2", "describe-snapshots", "--snapshot-ids", "snap-09999999999999999")

    def copy(self, id, *more):
        made = self.aws("ec2", "copy-snapshot", "--source-region", "us-east-1", "--source-snapshot-id", id, *more, region="eu-west-1")
        return made["SnapshotId"]

    def test_copy_wait_tag_and_delete(self):
        id = self.copy(SECRET, "--description", "ein Ümläut & more", "--tag-specifications", "ResourceType=snapshot,Tags=[{Key=k,Value=v/w}]")
        self.until("the end of the copy", lambda: self.sim.true(id, "eu-west-1")["State"] == "completed")
        self.aws("ec2", "wait", "snapshot-completed", "--snapshot-ids", id, region="eu-west-1")
        truth = self.sim.true(id, "eu-west-1")
        self.assertEqual((truth["Description"], truth["Tags"], truth["Encrypted"]), ("ein Ümläut & more", {"k": "v/w"}, True))
        self.aws("ec2", "create-tags", "--resources", id, "--tags", "Key=a,Value=b", region="eu-west-1")
        self.aws("ec2", "delete-tags", "--resources", id, "--tags", "Key=k", region="eu-west-1")
        self.assertEqual(self.sim.true(id, "eu-west-1")["Tags"], {"a": "b"})
        self.aws("ec2", "delete-snapshot", "--snapshot-id", id, region="eu-west-1")
        self.assertIsNone(self.sim.true(id, "eu-west-1"))

    def test_copy_refused(self):
        arguments = ("ec2", "copy-snapshot", "--source-region", "us-east-1", "--source-snapshot-id", PLAIN)
        self.aws_refused("DryRunOperation", *arguments, "--dry-run", region="eu-west-1")
        self.aws_refused("InvalidParameterDependency", *arguments, "--kms-key-id", "alias/x", region="eu-west-1")
