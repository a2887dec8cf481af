# SPDX-License-Identifier: MIT
"""The gestures that copy: each starts exactly the CopySnapshot that it means, and leaves the receipt that it wrote."""
import os
import shutil
import stat
import time
from errno import EACCES

from harness import case, check, contains, matches, read, same, status, until, write
from world import AWKWARD, BARE, BY_ID, COMPLETED, ENCRYPTED, NIGHTLY, PENDING, SHARED


def file(id, region="us-east-1"):
    return f"{region}/snapshots/{id}/{id}.snapshot"


def one_copy(t, region="eu-west-1", source=NIGHTLY, of="us-east-1"):
    """There is one copy in region, made by one CopySnapshot, and it is of source."""
    found = t.sim.copies(region)
    same(len(found), 1, "copies in", region, found)
    same(t.sim.count("CopySnapshot", region), 1, "CopySnapshot requests to", region)
    same(found[0]["Tags"].get("ebsfs:source"), f"{of}/{source}", "its source")
    return found[0]


@case
def cp_into_a_region(t):
    """One CopySnapshot at the destination; the receipt reads back as written; its status is beside it."""
    m = t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/")
    new = one_copy(t)
    same(new["Description"], f"[Copied {NIGHTLY} from us-east-1] nightly db")
    same({k: v for k, v in new["Tags"].items() if not k.startswith("ebsfs:")}, {"Name": "db", "env": "prod"})
    same(new["VolumeSize"], 8)
    same(t.sim.count("CopySnapshot"), 1, "CopySnapshot requests anywhere")
    same(read(m.region("eu-west-1", NIGHTLY + ".snapshot")), read(m.file("us-east-1", NIGHTLY)), "the receipt")
    same(sorted(os.listdir(m.region("eu-west-1"))), sorted(["snapshots", NIGHTLY + ".snapshot", NIGHTLY + ".status"]))
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["snapshot"], new["SnapshotId"])
    check(new["SnapshotId"] in os.listdir(m.region("eu-west-1", "snapshots")), "the new snapshot is not listed")


@case
def the_log_tells_of_each_copy(t):
    """One line when EC2 accepts a copy and one at its end, so that it can be found afterwards where each snapshot came from."""
    m = t.mount()
    t.sim.set_copy_seconds(1)
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/")
    new = one_copy(t)["SnapshotId"]
    until(lambda: status(m.region("eu-west-1", NIGHTLY + ".status"))["state"] == "completed", "the end")
    t.sim.fault("CopySnapshot", region="us-west-2", code="UnauthorizedOperation", http=403)
    t.fails(EACCES, f"cp {file(NIGHTLY)} us-west-2/")
    told = [line.split("info: ")[1] for line in m.log_text().splitlines() if " info: copy " in line]
    same(len(told), 3, "lines about copies", told)
    matches(told[0], rf"^copy \d+ of us-east-1/{NIGHTLY} to eu-west-1/{new}: accepted, request id [0-9a-f-]{{36}}$")
    matches(told[1], rf"^copy \d+ of us-east-1/{NIGHTLY} to eu-west-1/{new}: completed$")
    matches(told[2], rf"^copy \d+ of us-east-1/{NIGHTLY} to us-west-2: failed: .* \(UnauthorizedOperation, request id [0-9a-f-]{{36}}\)$")


@case
def cp_into_snapshots(t):
    m = t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/snapshots/")
    new = one_copy(t)
    same(read(m.region("eu-west-1", "snapshots", NIGHTLY + ".snapshot")), read(m.file("us-east-1", NIGHTLY)))
    same(status(m.region("eu-west-1", "snapshots", NIGHTLY + ".status"))["snapshot"], new["SnapshotId"])


@case
def cp_many(t):
    t.mount()
    sources = " ".join(file(id) for id in COMPLETED)
    t.ok(f"cp {sources} eu-west-1/")
    found = t.sim.copies("eu-west-1")
    same(sorted(c["Tags"]["ebsfs:source"] for c in found), sorted(f"us-east-1/{id}" for id in COMPLETED))
    same(t.sim.count("CopySnapshot"), len(COMPLETED))


@case
def cp_many_past_the_limit(t):
    """All are accepted at once; those past EC2's limit queue, and all are made in the end, each once."""
    m = t.mount()
    m.allow("ResourceLimitExceeded")
    t.sim.set_limit(2)
    t.sim.set_copy_seconds(3)
    t.ok("cp " + " ".join(file(id) for id in COMPLETED) + " eu-west-1/")
    states = [status(m.region("eu-west-1", id + ".status"))["state"] for id in COMPLETED]
    check(states.count("queued") >= 1, states)
    check(len([c for c in t.sim.copies("eu-west-1") if c["State"] == "pending"]) <= 2)

    def all_done():
        return all(status(m.region("eu-west-1", id + ".status"))["state"] == "completed" for id in COMPLETED)

    until(all_done, "all four copies complete", 90)
    same(sorted(c["Tags"]["ebsfs:source"] for c in t.sim.copies("eu-west-1")), sorted(f"us-east-1/{id}" for id in COMPLETED))


@case
def cp_with_a_new_name(t):
    m = t.mount()
    t.sim.set_copy_seconds(1)
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/nightly")
    new = one_copy(t)
    same(sorted(os.listdir(m.region("eu-west-1"))), ["nightly", "nightly.status", "snapshots"])
    same(status(m.region("eu-west-1", "nightly.status"))["snapshot"], new["SnapshotId"])
    contains(read(m.region("eu-west-1", "nightly.wait")), "state: completed\n")


@case
def cp_within_a_region(t):
    t.mount()
    t.ok(f"cp {file(NIGHTLY)} us-east-1/")
    one_copy(t, "us-east-1")


@case
def cp_of_a_shared_snapshot(t):
    t.mount()
    t.ok(f"cp {file(SHARED)} eu-west-1/")
    one_copy(t, source=SHARED)


@case
def cp_encrypted(t):
    """With the presigned URL that EC2 demands for it."""
    m = t.mount()
    t.sim.set_copy_seconds(1)
    t.ok(f"cp {file(ENCRYPTED)} eu-west-1/")
    new = one_copy(t, source=ENCRYPTED)
    check(new["Encrypted"], new)
    contains(read(m.region("eu-west-1", ENCRYPTED + ".wait")), "state: completed\n")


@case
def cp_keeps_mtime_and_mode(t):
    m = t.mount()
    t.ok(f"cp -p {file(NIGHTLY)} eu-west-1/")
    t.ok(f"cp {file(BARE)} eu-west-1/b; chmod 600 eu-west-1/b; touch -d '2020-02-02 UTC' eu-west-1/b")
    a, source = os.stat(m.region("eu-west-1", NIGHTLY + ".snapshot")), os.stat(m.file("us-east-1", NIGHTLY))
    same((a.st_mtime_ns, stat.S_IMODE(a.st_mode)), (source.st_mtime_ns, stat.S_IMODE(source.st_mode)))
    b = os.stat(m.region("eu-west-1", "b"))
    same((b.st_mtime, stat.S_IMODE(b.st_mode)), (1580601600, 0o600))
    same(b.st_size, len(read(m.region("eu-west-1", "b"))))
    m.unmount()
    m = t.mount()
    b = os.stat(m.region("eu-west-1", "b"))
    same((b.st_mtime, stat.S_IMODE(b.st_mode)), (1580601600, 0o600), "after another mount")


def folder_copied(t, m, where):
    new = one_copy(t)
    folder = os.path.join(where, NIGHTLY)
    check(os.path.isdir(folder), "no receipt folder")
    same(sorted(os.listdir(folder)), sorted(os.listdir(m.folder("us-east-1", NIGHTLY))), "what was written into the folder")
    same(status(folder + ".status")["snapshot"], new["SnapshotId"])
    check(os.path.islink(folder + ".copy"), "no link to the copy")
    same(os.path.realpath(folder + ".copy"), os.path.realpath(m.folder("eu-west-1", new["SnapshotId"])))
    same(read(os.path.join(folder, NIGHTLY + ".snapshot")), read(m.file("us-east-1", NIGHTLY)))
    same({k: v for k, v in new["Tags"].items() if not k.startswith("ebsfs:")}, {"Name": "db", "env": "prod"})
    same(new["Description"], "nightly db", "the description as it was written into the folder")
    return new


@case
def cp_r(t):
    m = t.mount()
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/snapshots/")
    folder_copied(t, m, m.region("eu-west-1", "snapshots"))


@case
def cp_a(t):
    m = t.mount()
    t.ok(f"cp -a us-east-1/snapshots/{NIGHTLY} eu-west-1/snapshots/")
    folder_copied(t, m, m.region("eu-west-1", "snapshots"))


@case
def cp_r_into_the_region(t):
    m = t.mount()
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/")
    folder_copied(t, m, m.region("eu-west-1"))


@case
def cp_r_of_awkward_tags(t):
    """Keys that are no file names arrive as they were; aws: tags cannot be set and are left out."""
    t.mount()
    t.ok(f"cp -r us-east-1/snapshots/{AWKWARD} eu-west-1/snapshots/")
    new = one_copy(t, source=AWKWARD)
    wanted = {k: v for k, v in BY_ID[AWKWARD]["Tags"].items() if not k.startswith("aws:")}
    same({k: v for k, v in new["Tags"].items() if not k.startswith("ebsfs:")}, wanted)


@case
def folder_by_hand(t):
    """The tags and the description that are written into the folder before the snapshot file are laid over the source's."""
    m = t.mount()
    t.ok(f"cd eu-west-1/snapshots; mkdir mine mine/tags; echo by hand > mine/description; echo x > mine/tags/Only;"
         f" cp ../../{file(NIGHTLY)} mine/{NIGHTLY}.snapshot")
    new = one_copy(t)
    same(new["Description"], "by hand")
    same({k: v for k, v in new["Tags"].items() if not k.startswith("ebsfs:")}, {"Name": "db", "env": "prod", "Only": "x"})
    same(status(m.region("eu-west-1", "snapshots", "mine.status"))["snapshot"], new["SnapshotId"])


@case
def cp_many_folders(t):
    t.mount()
    t.ok("cp -r " + " ".join(f"us-east-1/snapshots/{id}" for id in COMPLETED) + " eu-west-1/snapshots/")
    same(sorted(c["Tags"]["ebsfs:source"] for c in t.sim.copies("eu-west-1")), sorted(f"us-east-1/{id}" for id in COMPLETED))
    same(t.sim.count("CopySnapshot"), len(COMPLETED))


@case
def rsync_twice(t):
    """What has its copy is not copied again."""
    t.need("rsync")
    m = t.mount()
    sources = " ".join(file(id) for id in COMPLETED)
    t.ok(f"rsync -a {sources} eu-west-1/")
    found = t.sim.copies("eu-west-1")
    same(sorted(c["Tags"]["ebsfs:source"] for c in found), sorted(f"us-east-1/{id}" for id in COMPLETED))
    same(t.sim.count("CopySnapshot"), len(COMPLETED))
    same(read(m.region("eu-west-1", NIGHTLY + ".snapshot")), read(m.file("us-east-1", NIGHTLY)))
    t.ok(f"rsync -a {sources} eu-west-1/")
    same(t.sim.count("CopySnapshot"), len(COMPLETED), "after the second run")
    m.unmount()
    t.mount()
    t.ok(f"rsync -a {sources} eu-west-1/")
    same(t.sim.count("CopySnapshot"), len(COMPLETED), "after another mount and the third run")
    same(sorted(os.listdir(t.mounts[-1].region("eu-west-1"))),
         sorted(["snapshots"] + [f"{id}.{end}" for id in COMPLETED for end in ("snapshot", "status")]))


@case
def rsync_glob(t):
    """The command of the manual, over a region with a snapshot that has failed and one that is pending."""
    t.need("rsync")
    m = t.mount()
    m.allow("IncorrectState", "InvalidSnapshot", "failed", "error")
    for _ in range(2):
        t.run("rsync -a us-east-1/snapshots/*/*.snapshot eu-west-1/")
    found = sorted(c["Tags"]["ebsfs:source"] for c in t.sim.copies("eu-west-1"))
    same(found, sorted(f"us-east-1/{id}" for id in COMPLETED))
    same(status(m.region("eu-west-1", PENDING + ".status"))["state"], "queued")


@case
def rsync_goes_on_after_a_refusal(t):
    """One snapshot that EC2 refuses is rsync's error for that file; the others are copied in the same run."""
    t.need("rsync")
    m = t.mount()
    m.allow("IncorrectState")
    t.sim.fault("CopySnapshot", code="IncorrectState", message="The snapshot is archived. Restore it first")
    done = t.run("rsync -a " + " ".join(file(id) for id in COMPLETED) + " eu-west-1/")
    check(done.code != 0, "no failure:", done)
    same(len(t.sim.copies("eu-west-1")), len(COMPLETED) - 1, "copies", repr(done))
    t.ok("rsync -a " + " ".join(file(id) for id in COMPLETED) + " eu-west-1/")
    same(sorted(c["Tags"]["ebsfs:source"] for c in t.sim.copies("eu-west-1")), sorted(f"us-east-1/{id}" for id in COMPLETED))


@case
def rsync_without_times(t):
    """`rsync -r` keeps no times and so may write the receipt again at each run: that asks for nothing, and the others are copied."""
    t.need("rsync")
    m = t.mount()
    t.ok(f"rsync -r {file(NIGHTLY)} eu-west-1/; touch eu-west-1/{NIGHTLY}.snapshot")
    t.ok(f"rsync -r {file(NIGHTLY)} {file(BARE)} eu-west-1/")
    same(sorted(c["Tags"]["ebsfs:source"] for c in t.sim.copies("eu-west-1")), sorted(f"us-east-1/{id}" for id in (NIGHTLY, BARE)))
    # mkstemp() tries thousands of names when it is told EEXIST.
    check(len(m.log_text().splitlines()) < 20, len(m.log_text().splitlines()), "lines in the log")


@case
def rsync_of_folders(t):
    """As cp -r, and with nothing left to do for a second run."""
    t.need("rsync")
    m = t.mount()
    sources = " ".join(f"us-east-1/snapshots/{id}" for id in (NIGHTLY, BARE))
    t.ok(f"rsync -a {sources} eu-west-1/snapshots/")
    for _ in range(2):
        same(sorted(c["Tags"]["ebsfs:source"] for c in t.sim.copies("eu-west-1")), sorted(f"us-east-1/{id}" for id in (NIGHTLY, BARE)))
        same(t.sim.count("CopySnapshot"), 2)
        t.ok(f"rsync -a {sources} eu-west-1/snapshots/")
    check(os.path.islink(m.region("eu-west-1", "snapshots", NIGHTLY + ".copy")), "no link to the copy")


@case
def rsync_inplace(t):
    t.need("rsync")
    t.mount()
    t.ok(f"rsync -a --inplace {file(NIGHTLY)} eu-west-1/")
    t.ok(f"rsync -a --inplace {file(NIGHTLY)} eu-west-1/")
    one_copy(t)


@case
def cat(t):
    m = t.mount()
    t.ok(f"cat {file(NIGHTLY)} > eu-west-1/x")
    one_copy(t)
    same(read(m.region("eu-west-1", "x")), read(m.file("us-east-1", NIGHTLY)))


@case
def sed(t):
    t.mount()
    t.ok(f"sed 's/^\\.\\.\\.$/copy.description: by sed\\n.../' {file(NIGHTLY)} > eu-west-1/x")
    same(one_copy(t)["Description"], "by sed")


@case
def tee(t):
    t.mount()
    t.ok(f"tee eu-west-1/x us-west-2/y < {file(NIGHTLY)} > /dev/null")
    one_copy(t, "eu-west-1")
    one_copy(t, "us-west-2")


@case
def install(t):
    m = t.mount()
    t.ok(f"install -m 640 {file(NIGHTLY)} eu-west-1/x")
    one_copy(t)
    same(stat.S_IMODE(os.stat(m.region("eu-west-1", "x")).st_mode), 0o640)


@case
def dd(t):
    """One byte a write."""
    t.mount()
    t.ok(f"dd if={file(NIGHTLY)} of=eu-west-1/x bs=1 status=none")
    one_copy(t)


@case
def file_managers(t):
    """shutil.copy2 does what file managers do: create, data, mode, times, attributes."""
    m = t.mount()
    shutil.copy2(m.file("us-east-1", NIGHTLY), m.region("eu-west-1"))
    one_copy(t)


@case
def gio(t):
    t.need("gio")
    t.mount()
    t.ok(f"gio copy {file(NIGHTLY)} eu-west-1/x")
    one_copy(t)


@case
def scp(t):
    """From another host: scp speaks sftp with a server on this one, here without the ssh between them."""
    server = t.need("/usr/lib/openssh/sftp-server")
    t.need("scp")
    m = t.mount()
    outside = t.path("from-elsewhere.snapshot")
    shutil.copy(m.file("us-east-1", NIGHTLY), outside)
    t.ok(f"scp -q -D {server} {outside} host:{m.region('eu-west-1')}/")
    one_copy(t)
    same(read(m.region("eu-west-1", "from-elsewhere.snapshot")), read(outside))


@case
def sftp_put(t):
    server = t.need("/usr/lib/openssh/sftp-server")
    t.need("sftp")
    m = t.mount()
    outside = t.path("x.snapshot")
    shutil.copy(m.file("us-east-1", NIGHTLY), outside)
    t.ok(f"echo 'put -p {outside} {m.region('eu-west-1')}/x.snapshot' | sftp -q -b - -D {server}", cwd=t.dir)
    one_copy(t)


@case
def from_outside_the_mount(t):
    """Only the text matters, not where it came from."""
    t.mount()
    write(t.path("note"), f"region: us-east-1\nsnapshot: {NIGHTLY}\n...\n")
    t.ok(f"cp {t.path('note')} eu-west-1/")
    one_copy(t)


@case
def two_writers_in_one_subshell(t):
    t.mount()
    t.ok(f'(echo "copy.description: two writers"; cat {file(NIGHTLY)}) > eu-west-1/x')
    same(one_copy(t)["Description"], "two writers")


@case
def two_processes_in_one_subshell(t):
    """The first writer's exit flushes an unfinished text: that starts nothing."""
    t.mount()
    t.ok(f'(/bin/echo "copy.description: two processes"; cat {file(NIGHTLY)}) > eu-west-1/x')
    same(one_copy(t)["Description"], "two processes")


@case
def source_pending(t):
    """Queued until the source completes; then copied."""
    m = t.mount("ttl=1")
    t.ok(f"cp {file(PENDING)} eu-west-1/")
    path = m.region("eu-west-1", PENDING + ".status")
    got = status(path)
    same(got["state"], "queued")
    contains(got["reason"], "pending")
    same(t.sim.copies("eu-west-1"), [])
    t.sim.end_snapshot("us-east-1", PENDING)
    until(lambda: status(path)["state"] in ("pending", "completed"), "the copy starts after its source has completed", 60)
    same(len(t.sim.copies("eu-west-1")), 1)


@case
def a_receipt_onward(t):
    """Copies the receipt's source."""
    t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/nightly")
    t.ok("cp eu-west-1/nightly us-west-2/")
    one_copy(t, "eu-west-1")
    one_copy(t, "us-west-2")


@case
def the_copy_onward(t):
    """The new snapshot is a snapshot like others."""
    m = t.mount()
    t.sim.set_copy_seconds(1)
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/")
    read(m.region("eu-west-1", NIGHTLY + ".wait"))
    new = one_copy(t)["SnapshotId"]
    t.ok(f"cp {file(new, 'eu-west-1')} us-west-2/")
    one_copy(t, "us-west-2", new, "eu-west-1")


@case
def appears_on_another_mount(t):
    """cp on one mount is seen by a second mount of the account."""
    m = t.mount()
    other = t.mount("ttl=1", where="other", state="other-state")
    t.run(f"cp {m.file('us-east-1', NIGHTLY)} {m.region('eu-west-1')}/")
    new = one_copy(t)["SnapshotId"]
    until(lambda: new in os.listdir(other.region("eu-west-1", "snapshots")), "the other mount lists the copy")
    same(status(other.folder("eu-west-1", new, "status"))["source"], f"us-east-1/{NIGHTLY}")


@case
def cp_prints_nothing_and_returns_soon(t):
    """cp returns when EC2 has accepted, not when the copy has ended."""
    t.mount()
    t.sim.set_copy_seconds(3600)
    start = time.monotonic()
    same(t.ok(f"cp {file(NIGHTLY)} eu-west-1/"), "")
    check(time.monotonic() - start < 5, "cp took", time.monotonic() - start)
