# SPDX-License-Identifier: MIT
"""The EBS direct APIs: blocks of snapshots, lists, changes, tokens, refusals."""
import base64
import datetime
import hashlib
import http.client
import os
import subprocess
import tempfile
import time

import botocore.exceptions

from simulator import OTHER, Case

BLOCK = 512 << 10
OLD, NEW, ALONE, COPY, PENDING, ARCHIVED, PUBLIC, SHARED, HIDDEN, LOCKED, MADE, NEXT = (f"snap-{n:017x}" for n in range(1, 13))
VOLUME = "vol-0123456789abcdef0"
KEY = "arn:aws:kms:us-east-1:123456789012:key/off"
READER = {"access_key": "AKIAREADER0000000001", "secret": "may only list", "deny": ["GetSnapshotBlock"]}
NO_KMS = {"access_key": "AKIANOKMS00000000001", "secret": "may not decrypt", "deny": ["kms:*"]}
WORLD = {"keys": [READER, NO_KMS], "regions": {"us-east-1": {"kms_keys": [{"id": "off", "usable": False}, {"id": "on"}], "snapshots": [
    {"SnapshotId": OLD, "VolumeId": VOLUME, "VolumeSize": 8},
    {"SnapshotId": NEW, "VolumeId": VOLUME, "VolumeSize": 8},
    {"SnapshotId": ALONE, "VolumeSize": 1},
    {"SnapshotId": COPY, "VolumeId": "vol-ffffffff", "disk": f"{OLD}.img", "Encrypted": True,
     "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/on"},
    {"SnapshotId": PENDING, "ends_in": 600},
    {"SnapshotId": ARCHIVED, "StorageTier": "archive"},
    {"SnapshotId": PUBLIC, "OwnerId": OTHER, "public": True},
    {"SnapshotId": SHARED, "OwnerId": OTHER, "shared": ["123456789012"]},
    {"SnapshotId": HIDDEN, "OwnerId": OTHER},
    {"SnapshotId": LOCKED, "Encrypted": True, "KmsKeyId": KEY},
    {"SnapshotId": MADE, "VolumeId": "vol-0000000000000064a", "VolumeSize": 65536, "FullSnapshotSizeInBytes": 1 << 46, "disk": "made",
     "StartTime": "-2d"},
    {"SnapshotId": NEXT, "VolumeId": "vol-0000000000000064a", "VolumeSize": 65536, "FullSnapshotSizeInBytes": 1 << 46, "disk": "made",
     "StartTime": "-1d"},
]}, "eu-west-1": {}}}
# The written blocks: index -> data. The second night changed one block, wrote one more, and cannot take one back; but a trim can.
OLD_BLOCKS = {0: b"boot" * (BLOCK // 4), 3: os.urandom(BLOCK), 4: b"x" * BLOCK, 9: bytes(BLOCK), 16383: b"end" + bytes(BLOCK - 3)}
NEW_BLOCKS = {**OLD_BLOCKS, 4: b"y" * BLOCK, 7: b"new" + bytes(BLOCK - 3)}
del NEW_BLOCKS[9]
MANY = {i * 2: i.to_bytes(4, "big") * (BLOCK // 4) for i in range(250)}


def write_disk(path, size, blocks):
    with open(path, "wb") as f:
        f.truncate(size)
        for index, data in blocks.items():
            f.seek(index * BLOCK)
            f.write(data)


def setUpModule():
    global DISKS
    DISKS = tempfile.TemporaryDirectory()
    write_disk(f"{DISKS.name}/{OLD}.img", 8 << 30, OLD_BLOCKS)
    write_disk(f"{DISKS.name}/{NEW}.img", 8 << 30, NEW_BLOCKS)
    write_disk(f"{DISKS.name}/{ALONE}.img", 1 << 30, MANY)


def tearDownModule():
    DISKS.cleanup()


class Ebs(Case):
    def ebs(self, region="us-east-1", **how):
        return self.sim.client(region, "ebs", **how)

    def pages(self, snapshot, region="us-east-1", first=None, **params):
        """All pages of a list."""
        ebs, call = self.ebs(region), None
        if first:
            params["FirstSnapshotId"] = first
            call = lambda **more: ebs.list_changed_blocks(SecondSnapshotId=snapshot, **params, **more)
        else:
            call = lambda **more: ebs.list_snapshot_blocks(SnapshotId=snapshot, **params, **more)
        pages = [call()]
        while pages[-1].get("NextToken"):
            pages.append(call(NextToken=pages[-1]["NextToken"]))
        return pages

    def blocks(self, snapshot, **how):
        return {b["BlockIndex"]: b["BlockToken"] for p in self.pages(snapshot, **how) for b in p["Blocks"]}

    def get(self, snapshot, index, token, region="us-east-1"):
        got = self.ebs(region).get_snapshot_block(SnapshotId=snapshot, BlockIndex=index, BlockToken=token)
        data = got["BlockData"].read()
        self.assertEqual((got["DataLength"], got["ChecksumAlgorithm"]), (len(data), "SHA256"))
        self.assertEqual(got["ResponseMetadata"]["HTTPHeaders"]["content-type"], "application/octet-stream")
        self.assertEqual(got["Checksum"], base64.b64encode(hashlib.sha256(data).digest()).decode())
        return data

    def refused_why(self, code, reason, status, call, **params):
        with self.assertRaises(botocore.exceptions.ClientError) as e:
            call(**params)
        answer = e.exception.response
        self.assertEqual((answer["Error"]["Code"], answer.get("Reason"), answer["ResponseMetadata"]["HTTPStatusCode"]), (code, reason, status),
                         answer)
        return answer["Error"]["Message"]


class Blocks(Ebs):
    world = WORLD

    def setUp(self):
        self.start("--disks", DISKS.name, "--copy-seconds", "0")

    def test_list_and_get(self):
        page = self.ebs().list_snapshot_blocks(SnapshotId=OLD)
        self.assertEqual([b["BlockIndex"] for b in page["Blocks"]], sorted(OLD_BLOCKS))
        self.assertEqual((page["BlockSize"], page["VolumeSize"], page.get("NextToken")), (BLOCK, 8, None))
        week = page["ExpiryTime"] - datetime.datetime.now(datetime.timezone.utc)
        self.assertAlmostEqual(week.total_seconds(), 7 * 86400, delta=60)
        for b in page["Blocks"]:
            self.assertLessEqual(len(b["BlockToken"]), 256)
            self.assertEqual(self.get(OLD, b["BlockIndex"], b["BlockToken"]), OLD_BLOCKS[b["BlockIndex"]])
        self.assertEqual(self.sim.counts()["requests"]["us-east-1"], {"ListSnapshotBlocks": 1, "GetSnapshotBlock": 5})
        self.assertEqual(self.blocks(SHARED), {}, "a snapshot without an image is an empty disk")

    def test_pages(self):
        pages = self.pages(ALONE, MaxResults=100)
        self.assertEqual([len(p["Blocks"]) for p in pages], [100, 100, 50])
        self.assertEqual([b["BlockIndex"] for p in pages for b in p["Blocks"]], sorted(MANY))
        self.assertEqual(len(self.ebs().list_snapshot_blocks(SnapshotId=ALONE)["Blocks"]), 100, "the default")
        page = self.ebs().list_snapshot_blocks(SnapshotId=ALONE, StartingBlockIndex=301, MaxResults=10000)
        self.assertEqual([b["BlockIndex"] for b in page["Blocks"]], [i for i in sorted(MANY) if i >= 301])
        second = self.ebs().list_snapshot_blocks(SnapshotId=ALONE, StartingBlockIndex=400, NextToken=pages[0]["NextToken"])
        self.assertEqual(second["Blocks"][0]["BlockIndex"], 200, "the token counts more than the index")
        self.assertEqual(self.ebs().list_snapshot_blocks(SnapshotId=ALONE, StartingBlockIndex=500)["Blocks"], [])
        self.refused_why("ValidationException", "INVALID_PARAMETER_VALUE", 400,
                         self.ebs().list_snapshot_blocks, SnapshotId=ALONE, MaxResults=10001)

    def test_ragged_pages(self):
        self.sim.set(pages="ragged")
        lengths = set()
        for _ in range(10):
            pages = self.pages(ALONE, MaxResults=100)
            self.assertEqual([b["BlockIndex"] for p in pages for b in p["Blocks"]], sorted(MANY))
            lengths.update(len(p["Blocks"]) for p in pages)
        self.assertGreater(len(lengths), 5)

    def test_tokens(self):
        ebs, one, two = self.ebs(), self.blocks(OLD), self.blocks(OLD)
        self.assertEqual(one.keys(), two.keys())
        self.assertFalse(set(one.values()) & set(two.values()), "each list gives new ones")
        self.get(OLD, 3, one[3])
        self.get(OLD, 3, two[3])
        wrong = [(OLD, 3, one[4]), (NEW, 3, one[3]), (OLD, 5, one[3]), (OLD, 3, "AAAB"), (OLD, 3, ("B" if one[3][0] == "A" else "A") + one[3][1:])]
        for snapshot, index, token in wrong:
            self.refused_why("ValidationException", "INVALID_BLOCK_TOKEN", 400, ebs.get_snapshot_block,
                             SnapshotId=snapshot, BlockIndex=index, BlockToken=token)
        page = ebs.list_snapshot_blocks(SnapshotId=ALONE)
        for snapshot, token in [(OLD, page["NextToken"]), (ALONE, "AAAB"), (ALONE, one[3])]:
            self.refused_why("ValidationException", "INVALID_PAGE_TOKEN", 400, ebs.list_snapshot_blocks, SnapshotId=snapshot, NextToken=token)
        self.sim.set(block_token_seconds="1", page_token_seconds="1")
        time.sleep(1.1)
        self.refused_why("ValidationException", "INVALID_BLOCK_TOKEN", 400, ebs.get_snapshot_block,
                         SnapshotId=OLD, BlockIndex=3, BlockToken=one[3])
        self.refused_why("ValidationException", "INVALID_PAGE_TOKEN", 400, ebs.list_snapshot_blocks, SnapshotId=ALONE, NextToken=page["NextToken"])
        self.get(OLD, 3, self.blocks(OLD)[3])

    def test_changed(self):
        pages = self.pages(NEW, first=OLD)
        changed = {b["BlockIndex"]: b for p in pages for b in p["ChangedBlocks"]}
        self.assertEqual(list(changed), [4, 7, 9], "ascending")
        self.assertEqual({i: set(b) - {"BlockIndex"} for i, b in changed.items()},
                         {4: {"FirstBlockToken", "SecondBlockToken"}, 7: {"SecondBlockToken"}, 9: {"FirstBlockToken"}})
        self.assertEqual(self.get(OLD, 4, changed[4]["FirstBlockToken"]), OLD_BLOCKS[4])
        self.assertEqual(self.get(NEW, 4, changed[4]["SecondBlockToken"]), NEW_BLOCKS[4])
        self.assertEqual(self.get(NEW, 7, changed[7]["SecondBlockToken"]), NEW_BLOCKS[7])
        self.assertEqual(self.pages(OLD, first=OLD)[0]["ChangedBlocks"], [])
        self.assertEqual([b["BlockIndex"] for b in self.pages(NEW, first=OLD, StartingBlockIndex=5)[0]["ChangedBlocks"]], [7, 9])
        for first, second in [(OLD, ALONE), (OLD, COPY), (COPY, COPY)]:
            self.refused_why("ValidationException", "UNRELATED_SNAPSHOTS", 400, self.ebs().list_changed_blocks,
                             FirstSnapshotId=first, SecondSnapshotId=second)

    def test_refused(self):
        list_blocks = self.ebs().list_snapshot_blocks
        not_found = ("ResourceNotFoundException", "SNAPSHOT_NOT_FOUND", 404)
        invalid = ("ValidationException", "INVALID_SNAPSHOT_ID", 400)
        for snapshot, why in [(HIDDEN, not_found), ("snap-0999", not_found), ("snap-x", invalid), ("vol-0123", invalid),
                              (PENDING, invalid), (ARCHIVED, invalid), (PUBLIC, ("AccessDeniedException", "UNAUTHORIZED_ACCOUNT", 403)),
                              (LOCKED, ("AccessDeniedException", "DEPENDENCY_ACCESS_DENIED", 403))]:
            with self.subTest(snapshot):
                self.refused_why(*why, list_blocks, SnapshotId=snapshot)
        self.assertIn("completed", self.refused_why(*invalid, list_blocks, SnapshotId=PENDING))
        self.refused_why(*not_found, self.ebs("eu-west-1").list_snapshot_blocks, SnapshotId=OLD)
        self.refused_why(*not_found, self.ebs().list_changed_blocks, FirstSnapshotId=HIDDEN, SecondSnapshotId=OLD)
        token = self.blocks(OLD)[3]
        self.ec2().delete_snapshot(SnapshotId=OLD)
        self.refused_why(*not_found, self.ebs().get_snapshot_block, SnapshotId=OLD, BlockIndex=3, BlockToken=token)

    def test_keys(self):
        reader = self.ebs(key=READER["access_key"], secret=READER["secret"])
        token = reader.list_snapshot_blocks(SnapshotId=OLD)["Blocks"][0]["BlockToken"]
        message = self.refused_why("AccessDeniedException", None, 403, reader.get_snapshot_block, SnapshotId=OLD, BlockIndex=0, BlockToken=token)
        self.assertIn("ebs:GetSnapshotBlock", message)
        no_kms = self.ebs(key=NO_KMS["access_key"], secret=NO_KMS["secret"])
        no_kms.list_snapshot_blocks(SnapshotId=OLD)
        self.refused_why("AccessDeniedException", "DEPENDENCY_ACCESS_DENIED", 403, no_kms.list_snapshot_blocks, SnapshotId=COPY)
        self.refused_why("InvalidSignatureException", None, 403, self.ebs(secret="wrong").list_snapshot_blocks, SnapshotId=OLD)
        self.refused_why("UnrecognizedClientException", None, 403, self.ebs(key="AKIANOBODY0000000001").list_snapshot_blocks, SnapshotId=OLD)
        self.refused_why("UnrecognizedClientException", None, 403, self.ebs(token="stray").list_snapshot_blocks, SnapshotId=OLD)
        self.assertEqual(self.sim.send("GET", f"/snapshots/{OLD}/blocks")[1]["x-amzn-ErrorType"], "MissingAuthenticationTokenException")
        self.refused_why("UnknownOperationException", None, 404, self.ebs().complete_snapshot, SnapshotId=OLD, ChangedBlocksCount=0)

    def test_copy_has_the_disk(self):
        ids = [self.copy(id) for id in (OLD, MADE)]
        for id in ids:
            self.ended(id)
        self.ec2().delete_snapshot(SnapshotId=OLD)
        blocks = self.blocks(ids[0], region="eu-west-1")
        self.assertEqual(set(blocks), set(OLD_BLOCKS))
        self.assertEqual(self.get(ids[0], 3, blocks[3], "eu-west-1"), OLD_BLOCKS[3])
        made = [self.ebs(r).list_snapshot_blocks(SnapshotId=s, StartingBlockIndex=77)["Blocks"][0]["BlockToken"]
                for r, s in (("us-east-1", MADE), ("eu-west-1", ids[1]))]
        self.assertEqual(self.get(MADE, 77, made[0]), self.get(ids[1], 77, made[1], "eu-west-1"))

    def test_made(self):
        """64 TiB, none of it stored; the next day's differs by a 64th."""
        last = (64 << 40) // BLOCK - 1
        page = self.ebs().list_snapshot_blocks(SnapshotId=MADE, StartingBlockIndex=last - 500, MaxResults=10000)
        self.assertEqual([b["BlockIndex"] for b in page["Blocks"]], list(range(last - 500, last + 1)))
        self.assertEqual(page["VolumeSize"], 65536)
        tokens = {b["BlockIndex"]: b["BlockToken"] for b in page["Blocks"]}
        later = {b["BlockIndex"]: b["BlockToken"] for b in
                 self.ebs().list_snapshot_blocks(SnapshotId=NEXT, StartingBlockIndex=last - 500, MaxResults=10000)["Blocks"]}
        changed = {b["BlockIndex"] for p in self.pages(NEXT, first=MADE, StartingBlockIndex=last - 500, MaxResults=10000)
                   for b in p["ChangedBlocks"]}
        self.assertTrue(1 <= len(changed) <= 30, changed)
        different = {i for i in range(last - 60, last + 1) if self.get(MADE, i, tokens[i]) != self.get(NEXT, i, later[i])}
        self.assertEqual(different, {i for i in changed if i >= last - 60})

    def test_throttle(self):
        tokens = self.blocks(OLD)
        self.sim.set(throttle="0.01")
        get = lambda: self.ebs().get_snapshot_block(SnapshotId=OLD, BlockIndex=0, BlockToken=tokens[0])
        with self.assertRaises(botocore.exceptions.ClientError) as e:
            for _ in range(40):
                get()
        answer = e.exception.response
        self.assertEqual((answer["Error"]["Code"], answer["Reason"], answer["ResponseMetadata"]["HTTPStatusCode"]),
                         ("RequestThrottledException", "RESOURCE_LEVEL_THROTTLE", 400))
        with self.assertRaises(botocore.exceptions.ClientError) as e:
            for _ in range(5):
                self.ebs().list_snapshot_blocks(SnapshotId=OLD)
        self.assertEqual(e.exception.response["Error"]["Code"], "ThrottlingException")

    def test_faults(self):
        tokens = self.blocks(OLD)

        def got(**rule):
            self.sim.faults({"action": "GetSnapshotBlock", "param": {"BlockIndex": "3"}, **rule})
            self.assertEqual(self.get(OLD, 0, tokens[0]), OLD_BLOCKS[0], "another block")
            answer = self.ebs().get_snapshot_block(SnapshotId=OLD, BlockIndex=3, BlockToken=tokens[3])
            return answer, answer["BlockData"].read()

        true = base64.b64encode(hashlib.sha256(OLD_BLOCKS[3]).digest()).decode()
        answer, data = got(effect="corrupt", bytes=1000)
        self.assertEqual((answer["Checksum"], [i for i in range(BLOCK) if data[i] != OLD_BLOCKS[3][i]]), (true, [1000]))
        answer, data = got(effect="short", bytes=4096)
        self.assertEqual((answer["DataLength"], data), (4096, OLD_BLOCKS[3][:4096]))
        self.assertEqual(answer["Checksum"], base64.b64encode(hashlib.sha256(data).digest()).decode())
        answer, data = got(effect="header", name="x-amz-Data-Length", value="5")
        self.assertEqual((answer["DataLength"], data), (5, OLD_BLOCKS[3]))
        with self.assertRaises((botocore.exceptions.IncompleteReadError, botocore.exceptions.ResponseStreamingError, http.client.IncompleteRead)):
            got(effect="cut", bytes=1000)
        for rule, why in [({"effect": "throttle"}, ("ThrottlingException", None, 400)),
                          ({"effect": "error", "status": 400, "code": "ValidationException.INVALID_BLOCK_TOKEN"},
                           ("ValidationException", "INVALID_BLOCK_TOKEN", 400)),
                          ({"effect": "error"}, ("InternalServerException", None, 500))]:
            self.refused_why(*why, lambda rule=rule: got(**rule))


class Demo(Ebs):
    """The built-in account's disks hold a small file system, and the snapshots of a volume differ a little."""

    def setUp(self):
        self.start("--demo")

    def newest(self, name, n):
        found = self.snapshots(Filters=[{"Name": "tag:Name", "Values": [name]}, {"Name": "status", "Values": ["completed"]}])
        return sorted(found, key=lambda s: s["StartTime"], reverse=True)[:n]

    def image(self, snapshot):
        """The first 64 MiB as a file."""
        path = f"{DISKS.name}/{snapshot}.ext4"
        tokens = {i: t for i, t in self.blocks(snapshot, MaxResults=128).items() if i < 128}
        write_disk(path, 64 << 20, {i: self.get(snapshot, i, t) for i, t in tokens.items()})
        return path

    def debugfs(self, path, command):
        done = subprocess.run(["/usr/sbin/debugfs", "-R", command, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return done.stdout

    def blocks(self, snapshot, **params):
        """Only the first page: a disk has thousands."""
        page = self.ebs().list_snapshot_blocks(SnapshotId=snapshot, **params)
        return {b["BlockIndex"]: b["BlockToken"] for b in page["Blocks"]}

    def test_file_system(self):
        for s in self.newest("web-01", 2):
            path = self.image(s["SnapshotId"])
            check = subprocess.run(["/usr/sbin/e2fsck", "-fn", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual(check.returncode, 0, check.stdout)
            motd = self.debugfs(path, "cat /etc/motd")
            self.assertIn(s["SnapshotId"], motd)
            self.assertIn(s["VolumeId"], motd)
            self.assertNotIn("@@", motd)
            self.assertIn("User:     0   Group:     0", self.debugfs(path, "stat /etc/hostname"))
            self.assertIn("User:  1000   Group:  1000", self.debugfs(path, "stat /srv/app/config.yaml"))
            self.assertEqual(len(self.debugfs(path, "cat /srv/app/orders.csv").splitlines()), 5001)

    def test_siblings(self):
        new, old = (s["SnapshotId"] for s in self.newest("orders-db-01 data", 2))
        changed = self.ebs().list_changed_blocks(FirstSnapshotId=old, SecondSnapshotId=new, MaxResults=10000)["ChangedBlocks"]
        in_file_system = [b["BlockIndex"] for b in changed if b["BlockIndex"] < 128]
        self.assertEqual(len(in_file_system), 1, "the block of /etc/motd")
        self.assertGreater(len(changed), 1000)
        self.assertNotEqual(*(self.debugfs(self.image(s), "cat /etc/motd") for s in (new, old)))
        foreign = self.newest("web-01", 1)[0]["SnapshotId"]
        self.refused_why("ValidationException", "UNRELATED_SNAPSHOTS", 400, self.ebs().list_changed_blocks,
                         FirstSnapshotId=foreign, SecondSnapshotId=new)

    def test_amount_of_data(self):
        """As many blocks as fullSnapshotSizeInBytes says, a file system's more or less."""
        s = self.newest("web-01", 1)[0]
        n = sum(len(p["Blocks"]) for p in self.pages(s["SnapshotId"], MaxResults=10000))
        self.assertAlmostEqual(n, s["FullSnapshotSizeInBytes"] // BLOCK, delta=128)


class Cli(Case):
    world = WORLD

    def setUp(self):
        self.start("--disks", DISKS.name)

    def aws(self, *args):
        status, out, errors = self.sim.cli("ebs", *args)
        self.assertEqual((status, errors), (0, ""))
        return out

    def test_cli(self):
        listed = self.aws("list-snapshot-blocks", "--snapshot-id", OLD)
        self.assertEqual([b["BlockIndex"] for b in listed["Blocks"]], sorted(OLD_BLOCKS))
        changed = self.aws("list-changed-blocks", "--first-snapshot-id", OLD, "--second-snapshot-id", NEW)
        self.assertEqual([b["BlockIndex"] for b in changed["ChangedBlocks"]], [4, 7, 9])
        path = f"{DISKS.name}/block"
        got = self.aws("get-snapshot-block", "--snapshot-id", OLD, "--block-index", "3", "--block-token", listed["Blocks"][1]["BlockToken"], path)
        with open(path, "rb") as f:
            self.assertEqual(f.read(), OLD_BLOCKS[3])
        self.assertEqual(int(got["DataLength"]), BLOCK)
        status, _, errors = self.sim.cli("ebs", "list-snapshot-blocks", "--snapshot-id", PENDING)
        self.assertNotEqual(status, 0)
        self.assertIn("(ValidationException)", errors)
