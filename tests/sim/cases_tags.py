# SPDX-License-Identifier: MIT
"""CreateTags and DeleteTags."""
from simulator import ACCOUNT, OTHER, Case

A, B, FOREIGN, FULL = (f"snap-{n:017x}" for n in range(1, 5))


class Tags(Case):
    world = {"regions": {"us-east-1": {"snapshots": [
        {"SnapshotId": A, "Tags": {"Name": "a", "empty": "", "aws:managed": "by AWS"}},
        {"SnapshotId": B, "Tags": {"Name": "b"}},
        {"SnapshotId": FOREIGN, "OwnerId": OTHER, "shared": [ACCOUNT]},
        {"SnapshotId": FULL, "Tags": {**{f"k{n}": "v" for n in range(50)}, "aws:one-more": "does not count"}},
    ]}}}

    def tags(self, id):
        return {t["Key"]: t["Value"] for t in self.one(id).get("Tags", [])}

    def create(self, ids, **tags):
        self.ec2().create_tags(Resources=ids, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])

    def delete(self, ids, *tags):
        self.ec2().delete_tags(Resources=ids, **({"Tags": list(tags)} if tags else {}))

    def create_refused(self, code, status, ids, tags, **params):
        before = self.sim.truth()
        self.refused(code, status, self.ec2().create_tags, Resources=ids, Tags=[{"Key": k, "Value": v} for k, v in tags.items()], **params)
        self.assertEqual(self.sim.truth(), before, "a refusal changes nothing")

    def test_create(self):
        self.create([A, B], Name="new", other="ä /:=+-@ b")
        self.assertEqual(self.tags(A), {"Name": "new", "other": "ä /:=+-@ b", "empty": "", "aws:managed": "by AWS"})
        self.assertEqual(self.tags(B), {"Name": "new", "other": "ä /:=+-@ b"})

    def test_create_refused(self):
        self.create_refused("InvalidParameterValue", 400, [A], {"aws:x": "y"})
        self.create_refused("InvalidParameterValue", 400, [A], {"": "y"})
        self.create_refused("InvalidParameterValue", 400, [A], {"k" * 128: "y"})
        self.create_refused("InvalidParameterValue", 400, [A], {"k": "v" * 257})
        self.create_refused("InvalidParameterValue", 400, [A], {"k": "bell\x07"})
        self.create_refused("InvalidSnapshot.NotFound", 400, [A, "snap-09999999999999999"], {"k": "v"})
        self.create_refused("InvalidSnapshotID.Malformed", 400, ["snap-x"], {"k": "v"})
        self.create_refused("InvalidID", 400, ["nonsense"], {"k": "v"})
        self.create_refused("UnauthorizedOperation", 403, [FOREIGN], {"k": "v"})
        self.create_refused("DryRunOperation", 412, [A], {"k": "v"}, DryRun=True)
        self.create_refused("MissingParameter", 400, [A], {})

    def test_fifty(self):
        self.create_refused("TagLimitExceeded", 400, [FULL], {"one": "more"})
        self.create_refused("TagLimitExceeded", 400, [A, FULL], {"one": "more"})
        self.create([FULL], k1="changed")
        self.assertEqual(self.tags(FULL)["k1"], "changed")
        self.create([B], **{f"x{n}": "" for n in range(49)})
        self.assertEqual(len(self.tags(B)), 50)

    def test_delete(self):
        self.delete([A], {"Key": "Name", "Value": "another"})
        self.assertIn("Name", self.tags(A), "another value stays")
        self.delete([A], {"Key": "Name", "Value": ""})
        self.assertIn("Name", self.tags(A), "an empty value is a value")
        self.delete([A], {"Key": "empty", "Value": ""})
        self.assertNotIn("empty", self.tags(A))
        self.delete([A, B], {"Key": "Name"})
        self.assertEqual((self.tags(A), self.tags(B)), ({"aws:managed": "by AWS"}, {}))
        self.delete([A], {"Key": "never there"})

    def test_delete_without_a_tag_deletes_all_of_the_user(self):
        self.delete([A])
        self.assertEqual(self.tags(A), {"aws:managed": "by AWS"})

    def test_delete_refused(self):
        delete = self.ec2().delete_tags
        self.refused("InvalidParameterValue", 400, delete, Resources=[A], Tags=[{"Key": "aws:managed"}])
        self.refused("DryRunOperation", 412, delete, Resources=[A], DryRun=True)
        self.refused("UnauthorizedOperation", 403, delete, Resources=[FOREIGN])
        self.assertEqual(len(self.tags(A)), 3)
