# SPDX-License-Identifier: MIT
"""What EC2 would refuse, or accept and give up minutes later, is said when the copy is asked for: the tool's own error, and nothing is sent."""
import json
import os
import re
from errno import EACCES, EINVAL, ENOKEY, EOPNOTSUPP

from harness import case, check, contains, read, refused, same, status, until, write
from world import ACCOUNT, BROKEN, ENCRYPTED, GIB, KEY, KEYS, NIGHTLY

EAST, WEST = "us-east-1", "eu-west-1"
DR = f"arn:aws:kms:{WEST}:{ACCOUNT}:key/{KEYS[WEST][0]['id']}"


def text(*lines, source=NIGHTLY, region=EAST):
    return "".join(line + "\n" for line in (f"region: {region}", f"snapshot: {source}", *lines, "..."))


def not_sent(t, m, wanted, words, *lines, **of):
    """Refused with this errno; the words stand in last-error and, where there is a receipt, in its status. Nothing was sent."""
    path = m.region(WEST, "x")
    refused(wanted, write, path, text(*lines, **of))
    contains(read(m(".ebsfs/last-error")), words)
    if os.path.exists(path + ".status"):
        found = read(path + ".status")
        if "state: failed" in found:
            contains(found, words)
    same(t.sim.count("CopySnapshot"), 0, "CopySnapshot")
    if os.path.exists(path):
        os.unlink(path)


@case
def archived(t):
    """Must be restored first; one that is restored for a while can be copied; what was said is forgotten when EC2 says otherwise."""
    m = t.mount("ttl=1")
    t.sim.change(EAST, NIGHTLY, StorageTier="archive")
    not_sent(t, m, EOPNOTSUPP, "restore it first")
    done = t.fails(EOPNOTSUPP, f"cp {EAST}/snapshots/{NIGHTLY}/*.snapshot {WEST}/")
    check(done.code == 1, done)
    got = status(m.region(WEST, NIGHTLY + ".status"))
    same(got["state"], "failed")
    contains(got["message"], "archive tier")
    t.sim.change(EAST, NIGHTLY, RestoreExpiryTime="3d")
    t.ok(f"cp {EAST}/snapshots/{NIGHTLY}/*.snapshot {WEST}/again")
    same(t.sim.count("CopySnapshot"), 1)


@case
def in_error(t):
    m = t.mount()
    not_sent(t, m, EINVAL, "is in state error: Given key ID is not accessible", source=BROKEN)
    t.fails(EINVAL, f"cp {EAST}/snapshots/{BROKEN}/*.snapshot {WEST}/")
    check("hint" not in status(m.region(WEST, BROKEN + ".status")), "that is why the source failed, not the copy")


@case
def keys(t):
    """Forms of a key that EC2 would find fault with when the copy is under way."""
    m = t.mount()
    not_sent(t, m, EINVAL, "line 3: copy.kms-key must be a key's id", "copy.kms-key: dr")
    not_sent(t, m, EINVAL, "'1234abcd' is none of these", "copy.kms-key: 1234abcd")
    not_sent(t, m, EINVAL, "the service iam", f"copy.kms-key: arn:aws:iam::{ACCOUNT}:role/x".replace("iam::", "iam:us-east-1:"))
    not_sent(t, m, EINVAL, "copy.kms-key is given, but copy.encrypted is no", "copy.kms-key: alias/dr", "copy.encrypted: no")
    not_sent(t, m, ENOKEY, f"names a key of {EAST}, but the copy is made in {WEST}", f"copy.kms-key: {KEY}")
    for n, key in enumerate((KEYS[WEST][0]["id"], "alias/dr", DR, f"arn:aws:kms:{WEST}:{ACCOUNT}:alias/dr")):
        write(m.region(WEST, f"good{n}"), text(f"copy.kms-key: {key}", f"copy.again: {n}"))
    same([c["KmsKeyId"] for c in t.sim.copies(WEST)], [DR] * 4)


@case
def never_decrypted(t):
    not_sent(t, t.mount(), EINVAL, "EC2 never decrypts", "copy.encrypted: no", source=ENCRYPTED)


@case
def a_short_time(t):
    """Never rounded; EC2 has the last word, for an incremental copy needs less than all of the data would."""
    m = t.mount()
    t.sim.change(EAST, NIGHTLY, FullSnapshotSizeInBytes=1000 * GIB)
    t.ok("touch us-east-1/snapshots")
    not_sent(t, m, EINVAL, "line 3: copy.completion-minutes must be a multiple of 15", "copy.completion-minutes: 50")
    refused(EINVAL, write, m.region(WEST, "short"), text("copy.completion-minutes: 30"))
    contains(read(m(".ebsfs/last-error")), "cannot be copied in 30 minutes")
    write(m.region(WEST, "good"), text("copy.completion-minutes: 45"))
    same(t.sim.copies(WEST)[0]["CompletionDurationMinutes"], 45)
    t.sim.set_limit(1)
    write(m.region(WEST, "full"), text("copy.again: full"))
    write(m.region(WEST, "queued"), text("copy.completion-minutes: 30", "copy.again: queued"))
    same(status(m.region(WEST, "queued.status"))["state"], "queued")
    contains(status(m.region(WEST, "queued.status"))["note"], "30 minutes are enough only if the copy is incremental")
    contains(status(m.region(WEST, "queued.status"))["note"], "all 1000 GiB of data take 45 minutes")
    check("note" not in status(m.region(WEST, "good.status")), "45 minutes are enough")


@case
def another_partition(t):
    m = t.mount()
    refused(EOPNOTSUPP, write, m.region(WEST, "x"), text(region="cn-north-1"))
    contains(read(m(".ebsfs/last-error")), "cn-north-1 belongs to the partition aws-cn")
    same(t.sim.count("CopySnapshot"), 0)


@case
def mv_and_rsync(t):
    """A refusal is the tool's own error; nothing is deleted, and rsync goes on with the other files."""
    m = t.mount("delete", "ttl=1")
    t.sim.change(EAST, NIGHTLY, StorageTier="archive")
    t.fails(EOPNOTSUPP, f"mv {EAST}/snapshots/{NIGHTLY} {WEST}/snapshots/")
    t.fails(EOPNOTSUPP, f"mv {EAST}/snapshots/{NIGHTLY} {WEST}/")
    t.need("rsync")
    done = t.run(f"rsync -a {EAST}/snapshots/{NIGHTLY}/*.snapshot {EAST}/snapshots/{ENCRYPTED}/*.snapshot {WEST}/")
    same(done.code, 23, done)
    contains(done.err, os.strerror(EOPNOTSUPP))
    same([c["Tags"]["ebsfs:source"] for c in t.sim.copies(WEST)], [f"{EAST}/{ENCRYPTED}"])
    same((t.sim.count("DeleteSnapshot"), t.sim.snapshot(EAST, NIGHTLY)["State"]), (0, "completed"))
    check(NIGHTLY in os.listdir(m.region(EAST, "snapshots")))


def encryption(m, name="x"):
    return status(m.region(WEST, name + ".status")).get("encryption")


def encrypt_by_default(t, on=True):
    t.sim._ask("set", {"region": WEST, "encrypts_by_default": on, "default_kms_key": "alias/dr"})


@case
def encrypted_with_a_key(t):
    """The status says which key it will be, and then which it is."""
    m = t.mount("ttl=1")
    t.sim.set_copy_seconds(1)
    write(m.region(WEST, "x"), text("copy.kms-key: alias/dr"))
    check(encryption(m) in ("yes, with alias/dr", f"yes, with {DR}"), encryption(m))
    contains(read(m.region(WEST, "x.wait")), f"encryption: yes, with {DR}\n")
    check(t.sim.copies(WEST)[0]["Encrypted"])
    same(t.sim.count("GetEbsEncryptionByDefault"), 0, "what does not matter is not asked for")


@case
def encryption_by_default_is_on(t):
    m = t.mount("ttl=1")
    encrypt_by_default(t)
    t.sim.set_copy_seconds(1)
    write(m.region(WEST, "dry"), text("copy.dry-run: yes"))
    same(encryption(m, "dry"), f"yes, with the region's default key {DR} (expected)")
    not_sent_since(t, m, 1, EINVAL, "the account encrypts every copy in eu-west-1", "copy.encrypted: no")
    for n in range(5):
        write(m.region(WEST, f"x{n}"), text(f"copy.again: {n}"))
    contains(read(m.region(WEST, "x0.wait")), f"encryption: yes, with {DR}\n")
    contains([c.get("encryption") for c in json.loads(read(m("copies.json")))], f"yes, with {DR}")
    same((t.sim.count("GetEbsEncryptionByDefault"), t.sim.count("GetEbsDefaultKmsKeyId")), (1, 1), "once for all copies")


def not_sent_since(t, m, n, wanted, words, *lines):
    refused(wanted, write, m.region(WEST, "refused"), text(*lines))
    contains(read(m(".ebsfs/last-error")), words)
    same(t.sim.count("CopySnapshot"), n, "CopySnapshot")


@case
def encryption_by_default_is_off(t):
    m = t.mount()
    for name, source, lines, words in (("plain", NIGHTLY, (), "no"), ("asked", NIGHTLY, ("copy.encrypted: no", "copy.again: asked"), "no"),
                                       ("secret", ENCRYPTED, (), "yes, with (AWS's own key for EBS, alias/aws/ebs|arn:aws:kms:eu-west-1:)")):
        write(m.region(WEST, name), text(*lines, source=source))
        # What EC2 shows of the copy itself takes the place of what is expected.
        until(lambda: re.match(words, encryption(m, name) or ""), f"{name}: {words}")
    same(len(t.sim.copies(WEST)), 3)


@case
def a_forbidden_question_is_no_failure(t):
    """Neither forbidden, nor unknown to the cloud, nor unanswered: the copy goes on."""
    m = t.mount("timeout=20")
    for region, fault in (("eu-west-1", dict(code="UnauthorizedOperation", http=403)), ("us-west-2", dict(code="InvalidAction")),
                          ("us-east-1", dict(effect="html"))):
        for action in ("GetEbsEncryptionByDefault", "GetEbsDefaultKmsKeyId"):
            t.sim.fault(action, region=region, times=1000, **fault)
        for lines in ((), ("copy.encrypted: no", "copy.again: no"), ("copy.dry-run: yes",)):
            write(m.region(region, "x" + str(len(lines and lines[0]))), text(*lines))
        same(len(t.sim.copies(region)), 2)
        check(t.sim.count("GetEbsEncryptionByDefault", region) <= (10 if "effect" in fault else 1), "asked for all the time")


@case
def a_question_without_an_answer_is_no_failure(t):
    m = t.mount()
    for action in ("GetEbsEncryptionByDefault", "GetEbsDefaultKmsKeyId"):
        t.sim.fault(action, effect="hang", times=1000)
    write(m.region(WEST, "x"), text("copy.encrypted: no"))
    same(len(t.sim.copies(WEST)), 1)


@case
def tags_are_forbidden(t):
    """Said with what helps, and nothing is copied."""
    m = t.mount()
    m.allow("UnauthorizedOperation")
    t.sim._ask("set", {"key": "AKIASIMULATED0000001", "deny": ["CreateTags"]})
    refused(EACCES, write, m.region(WEST, "x"), text())
    contains(status(m.region(WEST, "x.status"))["hint"], "-o notags")
    same(t.sim.copies(WEST), [])


def fill(t, m):
    """The region takes no more copies for now, and the mount has learned it from a refusal."""
    t.sim.set_limit(1)
    t.sim.set_copy_seconds(3600)
    for name in ("first", "second"):
        write(m.region(WEST, name), text(f"copy.again: {name}"))
    same(status(m.region(WEST, "second.status"))["state"], "queued")
    return t.sim.count("CopySnapshot")


@case
def a_missing_permission_is_said_before_the_queue(t):
    """At an endpoint that has heeded the user's own dry run: one dry run, for what would be queued, and its refusal is cp's."""
    m = t.mount()
    m.allow("UnauthorizedOperation", "ResourceLimitExceeded")
    write(m.region(WEST, "dry"), text("copy.dry-run: yes"))
    sent = fill(t, m)
    for n in range(3):
        write(m.region(WEST, f"queued{n}"), text("copy.encrypted: yes", f"copy.again: {n}"))
        same(status(m.region(WEST, f"queued{n}.status"))["state"], "queued")
    same(t.sim.count("CopySnapshot") - sent, 1, "one dry run for all of a kind")
    t.sim._ask("set", {"key": "AKIASIMULATED0000001", "deny": ["CreateTags"]})
    refused(EACCES, write, m.region(WEST, "x"), text("copy.kms-key: alias/dr"))
    contains(read(m(".ebsfs/last-error")), "ec2:CreateTags")
    got = status(m.region(WEST, "x.status"))
    same((got["state"], got["code"]), ("failed", "UnauthorizedOperation"))
    same(len(t.sim.copies(WEST)), 1)


@case
def no_dry_run_that_might_copy(t):
    """An endpoint of which it is not known that it heeds DryRun gets none: what is forbidden is then said when the copy's turn comes."""
    m = t.mount()
    m.allow("ResourceLimitExceeded")
    sent = fill(t, m)
    write(m.region(WEST, "x"), text("copy.kms-key: alias/dr"))
    same(status(m.region(WEST, "x.status"))["state"], "queued")
    same(t.sim.count("CopySnapshot"), sent)
    check("DryRunOperation" not in json.dumps(t.sim.counts()["errors"]))


@case
def mv_before_the_queue(t):
    """What a dry run forbids is mv's error, and the source stays."""
    m = t.mount("delete")
    m.allow("UnauthorizedOperation", "ResourceLimitExceeded")
    write(m.region(WEST, "dry"), text("copy.dry-run: yes", "copy.kms-key: alias/dr"))
    t.sim.set_limit(1)
    t.sim.set_copy_seconds(3600)
    for name in ("first", "second"):
        write(m.region(WEST, name), text("copy.kms-key: alias/dr", f"copy.again: {name}"))
    same(status(m.region(WEST, "second.status"))["state"], "queued")
    t.sim._ask("set", {"key": "AKIASIMULATED0000001", "deny": ["CopySnapshot"]})
    t.fails(EACCES, f"mv {EAST}/snapshots/{ENCRYPTED} {WEST}/snapshots/")
    t.fails(EACCES, f"mv {EAST}/snapshots/{ENCRYPTED} {WEST}/")
    same((len(t.sim.copies(WEST)), t.sim.count("DeleteSnapshot")), (1, 0))
    check(ENCRYPTED in os.listdir(m.region(EAST, "snapshots")))


@case
def failures_that_come_later(t):
    """What EC2 finds out when the copy is under way is in the status, with the next step; cp had returned 0."""
    m = t.mount()
    t.sim.set_copy_seconds(1)
    write(m.region(WEST, "key"), text("copy.kms-key: alias/nobody-has-it"))
    found = read(m.region(WEST, "key.wait"))
    for words in ("state: error\n", "message: Given key ID is not accessible\n", "hint: the caller needs kms:DescribeKey, kms:CreateGrant, kms:GenerateDataKey, ",
                  "in the destination's region", "the owner must share the key too"):
        contains(found, words)
    t.sim.set_copy_seconds(3600)
    for n, (message, words) in enumerate((("The PresignedUrl is not valid: it has expired", "the clock of this machine may be wrong"),
                                          ("Source snapshot is not found", "is not shared with this account"))):
        write(m.region(WEST, f"x{n}"), text())
        t.sim.fail_copy(WEST, message)
        found = read(m.region(WEST, f"x{n}.wait"))
        contains(found, f"message: {message}\n")
        contains(found, words)
