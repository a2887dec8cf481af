# SPDX-License-Identifier: MIT
"""A mount while AWS cannot be reached: it shows what is on disk, changes nothing, and becomes an ordinary one when AWS answers."""
import hashlib
import json
import os
import time
from errno import EACCES, EHOSTUNREACH, ETIMEDOUT
from pathlib import Path

from harness import SLOW, Timer, case, check, contains, matches, read, refused, same, until, write
from world import ACCOUNT, BARE, NIGHTLY, NOWHERE, OTHER, OWN, SEED

AWAY = (EHOSTUNREACH, ETIMEDOUT)


def names(m, region="us-east-1"):
    return sorted(os.listdir(m.region(region, "snapshots")))


def copy(region="eu-west-1"):
    return f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot {region}/"


def list_and_stop(t):
    m = t.mount()
    names(m)
    m.unmount()
    t.sim.stop()


@case
def shows_what_was(t):
    list_and_stop(t)
    journal = hashlib.sha256(Path(t.path("state/journal.db")).read_bytes()).hexdigest()
    with Timer() as timer:
        m = t.mount()
    check(timer.seconds < 20 * SLOW, "a refused connection is known at once:", timer.seconds)
    m.allow("offline", "onnect")
    matches(m.log_text(), rf"^ebsfs: AWS cannot be reached, so the mount shows what is on disk of account {ACCOUNT}: .*connect")
    same(sorted(os.listdir(m("regions"))), ["eu-west-1", "us-east-1", "us-west-2"])
    with Timer() as timer:
        same(names(m), sorted(OWN["us-east-1"]))
        same(read(m.folder("us-east-1", NIGHTLY, "description")), "nightly db\n")
        contains(read(m.folder("us-east-1", NIGHTLY, "metadata.json")), '"VolumeId"')
        same(read(m.folder("us-east-1", NIGHTLY, "tags", "env")), "prod\n")
        contains(read(m.folder("us-east-1", NIGHTLY, "status")), "state: completed")
        contains(read(m.file("us-east-1", NIGHTLY)), f"snapshot: {NIGHTLY}")
    check(timer.seconds < 20 * SLOW, "what is on disk waits for nothing:", timer.seconds)
    # What EC2 did not say is gone is not gone.
    refused(AWAY, os.stat, m.folder("us-east-1", NOWHERE))
    refused(AWAY, names, m, "us-west-2")
    matches(read(m(".ebsfs/health")), r"^offline: since 20.*connect")
    matches(read(m(".ebsfs/health")), r"^us-east-1 +disk +")
    matches(read(m("README")), r"^offline: since 20")
    m.unmount()
    same(hashlib.sha256(Path(t.path("state/journal.db")).read_bytes()).hexdigest(), journal)


@case
def changes_nothing(t):
    list_and_stop(t)
    m = t.mount("delete")
    m.allow("offline", "onnect")
    names(m)
    t.fails(AWAY, copy())
    t.fails(AWAY, f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/snapshots/")
    contains(read(m(".ebsfs/last-error")), "the mount is offline")
    refused(AWAY, os.rmdir, m.folder("us-east-1", NIGHTLY))
    refused(AWAY, os.unlink, m.folder("us-east-1", NIGHTLY, "tags", "env"))
    refused(AWAY, write, m.folder("us-east-1", NIGHTLY, "tags", "env"), "x")
    refused(AWAY, os.open, m.folder("us-east-1", NIGHTLY, "tags", "env"), os.O_WRONLY | os.O_APPEND)
    contains(read(m(".ebsfs/last-error")).split("\n\n")[0], "the mount is offline, so nothing can be changed")
    refused(AWAY, write, m.folder("us-east-1", NIGHTLY, "tags", "new"), "x")
    refused(AWAY, os.rename, m.folder("us-east-1", NIGHTLY, "tags", "env"), m.folder("us-east-1", NIGHTLY, "tags", "e"))
    refused(AWAY, os.rename, m.folder("us-east-1", NIGHTLY), m.region("eu-west-1", "snapshots", NIGHTLY))
    refused(AWAY, os.utime, m.region("us-east-1", "snapshots"))
    same(sorted(os.listdir(m.region("eu-west-1"))), ["snapshots"])
    same(names(m), sorted(OWN["us-east-1"]))


@case
def comes_back(t):
    list_and_stop(t)
    m = t.mount()
    m.allow("offline", "onnect")
    names(m)
    t.fails(AWAY, copy())
    t.sim.start_again()
    t.sim.delete_snapshot("us-east-1", BARE)
    until(lambda: names(m) == sorted({*OWN["us-east-1"]} - {BARE}), "what EC2 lists", 60)
    check("offline" not in read(m(".ebsfs/health")), read(m(".ebsfs/health")))
    check("offline" not in read(m("README")), "README")
    t.ok(copy())
    same(len(t.sim.copies("eu-west-1")), 1)


@case
def waits_no_longer_than_it_must(t):
    """An endpoint that takes connections and says nothing."""
    m = t.mount()
    names(m)
    m.unmount()
    t.sim.pause()
    with Timer() as timer:
        m = t.mount()
    check(timer.seconds < 10 + 20 * SLOW, "mounting took", timer.seconds)
    m.allow("offline", "onnect", "timed out")
    same(names(m), sorted(OWN["us-east-1"]))
    t.fails(AWAY, copy())
    t.sim.resume()
    until(lambda: "offline" not in read(m(".ebsfs/health")), "AWS's answer", 90)
    t.ok(copy())
    same(len(t.sim.copies("eu-west-1")), 1)


waits_no_longer_than_it_must.seconds = 200


@case
def waits_first_where_it_shall(t):
    """With wait= the mount is an ordinary one if AWS answers in time."""
    list_and_stop(t)
    m = t.start("wait=60")
    until(lambda: "waiting up to" in m.log_text(), "the wait")
    t.sim.start_again()
    m.wait_ready()
    m.allow("onnect", "waiting")
    check("offline" not in read(m(".ebsfs/health")), read(m(".ebsfs/health")))
    m.unmount()
    t.sim.stop()
    m = t.mount("wait=1")
    m.allow("offline", "onnect", "waiting")
    contains(read(m(".ebsfs/health")), "offline")


@case
def another_account_sees_nothing(t):
    """The key that reached one account reaches another when AWS answers: nothing is shown, and nothing is sent."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIAMOVES00000000001", "AWS_SECRET_ACCESS_KEY": "moves"}

    def world(account):
        key = {"access_key": keys["AWS_ACCESS_KEY_ID"], "secret": keys["AWS_SECRET_ACCESS_KEY"], "account": account}
        return {**SEED, "keys": [key]}

    t.start_sim("--copy-limit", "0", world=world(ACCOUNT))
    m = t.mount(env=keys)
    names(m)
    t.ok(copy())  # it queues
    m.unmount()
    t.sim.stop()
    m = t.mount(env=keys)
    m.allow("offline", "onnect", "are account", "EC2 cannot be asked")
    names(m)
    folder = os.open(m.region("us-east-1", "snapshots"), os.O_RDONLY)
    Path(t.path("world0.json")).write_text(json.dumps(world(OTHER)))
    t.sim.start_again()
    until(lambda: f"account {OTHER}" in read(m(".ebsfs/health")), "the other account", 60)
    contains(m.log_text(), f"the credentials are account {OTHER}'s now")
    refused(EACCES, os.listdir, folder)
    os.close(folder)
    refused(EACCES, os.listdir, m("regions"))
    refused(EACCES, names, m)
    refused(EACCES, read, m.folder("us-east-1", NIGHTLY, "description"))
    refused(EACCES, read, m("copies"))
    refused(EACCES, write, m.region("eu-west-1", "x"), f"region: us-east-1\nsnapshot: {NIGHTLY}\n...\n")
    contains(read(m("README")), "unmount and mount again")
    time.sleep(2)  # what is queued would have been sent
    same([t.sim.count(a) for a in ("DescribeSnapshots", "CopySnapshot", "DescribeRegions")], [0, 0, 0])


@case
def refused_keys_do_not_mount(t):
    """Bad credentials, and whatever else AWS itself says, are no reason to mount from disk."""
    m = t.mount()
    names(m)
    m.unmount()
    m = t.start(env={"AWS_SECRET_ACCESS_KEY": "wrong"})
    same(m.process.wait(30), 3)
    m.ended = True
    contains(m.log_text(), "AuthFailure")


@case
def an_unknown_account_does_not_mount(t):
    """Nothing is known of another key, whatever is known of others."""
    list_and_stop(t)
    m = t.start("timeout=3", env={"AWS_ACCESS_KEY_ID": "AKIAOTHER00000000000"})
    same(m.process.wait(60), 4)
    m.ended = True


@case
def holds_no_secret(t):
    """What is kept names no secret, and only its owner may read it."""
    list_and_stop(t)
    for path in Path(t.path("state")).rglob("*"):
        if path.is_file() and path.name != "journal.lock":
            same(path.stat().st_mode & 0o77, 0, path)
            check(t.env["AWS_SECRET_ACCESS_KEY"].encode() not in path.read_bytes(), path)
            check(t.env["AWS_ACCESS_KEY_ID"].encode() not in path.read_bytes(), path)
