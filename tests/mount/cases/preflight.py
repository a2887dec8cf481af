# SPDX-License-Identifier: MIT
"""What EC2 would refuse, or accept and give up minutes later, is said when the copy is asked for: the tool's own error, and nothing is sent."""
import os
from errno import EINVAL, ENOKEY, EOPNOTSUPP

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
    not_sent(t, t.mount(), EINVAL, "is in state error: Given key ID is not accessible", source=BROKEN)


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
        write(m.region(WEST, f"good{n}"), text(f"copy.kms-key: {key}"))
    same([c["KmsKeyId"] for c in t.sim.copies(WEST)], [DR] * 4)


@case
def never_decrypted(t):
    not_sent(t, t.mount(), EINVAL, "EC2 never decrypts", "copy.encrypted: no", source=ENCRYPTED)


@case
def too_short_a_time(t):
    """Not rounded: the least that works is named."""
    m = t.mount()
    t.sim.change(EAST, NIGHTLY, FullSnapshotSizeInBytes=1000 * GIB)
    t.ok("touch us-east-1/snapshots")
    not_sent(t, m, EINVAL, "45 is the least that works", "copy.completion-minutes: 30")
    not_sent(t, m, EINVAL, "line 3: copy.completion-minutes must be a multiple of 15", "copy.completion-minutes: 50")
    write(m.region(WEST, "good"), text("copy.completion-minutes: 45"))
    same(t.sim.copies(WEST)[0]["CompletionDurationMinutes"], 45)


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
