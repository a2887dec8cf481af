# SPDX-License-Identifier: MIT
"""Names that begin with a dot are drafts: in memory only, and without effect until they are renamed to a plain name."""
import os
import signal
import subprocess
import time
from errno import EACCES, EBUSY, EEXIST, EFBIG, EINVAL, ENOENT, ENOTEMPTY

from harness import case, check, contains, read, refused, same, status, until, write
from world import AWKWARD, BARE, ENCRYPTED, NIGHTLY

TEXT = "region: us-east-1\nsnapshot: {}\n...\n"
EVERYWHERE = ("", "snapshots", "folder", "folder/tags", ".folder", ".folder/deeper")


def file(id=NIGHTLY):
    return f"us-east-1/snapshots/{id}/{id}.snapshot"


@case
def a_draft_asks_for_nothing(t):
    """Wherever it is, whatever is written into it, whoever closes it; and it is gone with the mount."""
    m = t.mount()
    os.makedirs(m.region("eu-west-1", "folder/tags"))
    os.makedirs(m.region("eu-west-1", ".folder/deeper"))
    for place in EVERYWHERE:
        path = m.region("eu-west-1", place, ".draft")
        write(path, TEXT.format(NIGHTLY))
        same(read(path), TEXT.format(NIGHTLY), place)
        check(".draft" in os.listdir(os.path.dirname(path)), place, "does not list it")
        t.ok(f"(/bin/echo -n; cat {file()}) > {path}; cp -p {file()} {path}; chmod 600 {path}; cat {path}")
        same(os.stat(path).st_mtime, os.stat(m.file("us-east-1", NIGHTLY)).st_mtime)
    write(m.region("eu-west-1", ".folder", "plain"), TEXT.format(NIGHTLY))
    t.ok("rm eu-west-1/snapshots/.draft; mv eu-west-1/.draft eu-west-1/.other; rm -r eu-west-1/.folder/deeper")
    time.sleep(1)
    same((t.sim.count("CopySnapshot"), t.sim.count("CreateTags"), t.sim.count("DeleteTags")), (0, 0, 0))
    m.unmount()
    m = t.mount()
    same([n for n in os.listdir(m.region("eu-west-1")) if n.startswith(".")], [], "after another mount")
    same(t.sim.count("CopySnapshot"), 0)


@case
def a_rename_asks(t):
    """To a plain name, in the same folder or another; its result is EC2's, and a refused draft can be renamed again."""
    m = t.mount()
    m.allow("UnauthorizedOperation")
    for id, draft, name in ((NIGHTLY, ".a", "a"), (BARE, "snapshots/.b", "b"), (AWKWARD, ".c", "snapshots/c")):
        write(m.region("eu-west-1", draft), TEXT.format(id))
        os.rename(m.region("eu-west-1", draft), m.region("eu-west-1", name))
        same(status(m.region("eu-west-1", name + ".status"))["source"], f"us-east-1/{id}")
        check(not os.path.exists(m.region("eu-west-1", draft)), draft, "is still there")
    same(t.sim.count("CopySnapshot"), 3)
    draft = m.region("eu-west-1", ".d")
    write(draft, "nonsense\n")
    refused(EINVAL, os.rename, draft, m.region("eu-west-1", "d"))
    t.sim.fault("CopySnapshot", code="UnauthorizedOperation", http=403)
    write(m.region("eu-west-1", ".e"), TEXT.format(ENCRYPTED))
    refused(EACCES, os.rename, m.region("eu-west-1", ".e"), m.region("eu-west-1", "e"))
    contains(read(m(".ebsfs/last-error")), "UnauthorizedOperation")
    t.ok(f"cp {file(ENCRYPTED)} eu-west-1/e")
    same(len(t.sim.copies("eu-west-1")), 4)


@case
def onto_a_living_receipt(t):
    """The same request replaces the text; another one is EEXIST, and both stay."""
    m = t.mount()
    t.ok(f"cp {file()} eu-west-1/x")
    write(m.region("eu-west-1", ".same"), "# mine\n" + TEXT.format(NIGHTLY))
    os.rename(m.region("eu-west-1", ".same"), m.region("eu-west-1", "x"))
    same(read(m.region("eu-west-1", "x")), "# mine\n" + TEXT.format(NIGHTLY))
    write(m.region("eu-west-1", ".other"), TEXT.format(BARE))
    refused(EEXIST, os.rename, m.region("eu-west-1", ".other"), m.region("eu-west-1", "x"))
    same((read(m.region("eu-west-1", ".other")), read(m.region("eu-west-1", "x"))), (TEXT.format(BARE), "# mine\n" + TEXT.format(NIGHTLY)))
    same(t.sim.count("CopySnapshot"), 1)


@case
def a_folder_of_drafts(t):
    """A folder that is written under a dot's name and then renamed is a receipt's folder."""
    m = t.mount()
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/.new; echo test > eu-west-1/.new/tags/env; echo weekly > eu-west-1/.new/description")
    same(t.sim.count("CopySnapshot"), 0)
    t.ok(f"mv eu-west-1/.new eu-west-1/{NIGHTLY}")
    [copy] = until(lambda: t.sim.copies("eu-west-1"), "the copy")
    same((copy["Description"], {k: v for k, v in copy["Tags"].items() if not k.startswith("ebsfs:")}), ("weekly", {"Name": "db", "env": "test"}))
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["snapshot"], copy["SnapshotId"])


@case
def a_killed_rsync_starts_nothing(t):
    """--delay-updates renames at the end: what was not renamed was not asked for. A draft that is left is no hindrance."""
    m = t.mount()
    m.allow("nterrupt")
    ids = (NIGHTLY, BARE, AWKWARD, ENCRYPTED)
    files = " ".join(file(id) for id in ids)
    rsync = subprocess.Popen(["bash", "-c", f"exec rsync -a --delay-updates --bwlimit=0.5 {files} eu-west-1/"], env=t.env, cwd=m("regions"), start_new_session=True,
                             stderr=subprocess.DEVNULL)
    until(lambda: ".~tmp~" in os.listdir(m.region("eu-west-1")) and os.listdir(m.region("eu-west-1", ".~tmp~")), "the first file is written")
    os.killpg(rsync.pid, signal.SIGKILL)
    rsync.wait()
    time.sleep(1)
    same(t.sim.count("CopySnapshot"), 0)
    t.ok(f"rsync -a --delay-updates {files} eu-west-1/")
    same(sorted(c["Tags"]["ebsfs:source"] for c in t.sim.copies("eu-west-1")), sorted(f"us-east-1/{id}" for id in ids))
    refused(ENOENT, os.stat, m.region("eu-west-1", ".~tmp~"))


@case
def a_status_says_that_it_is_a_draft(t):
    m = t.mount()
    t.ok(f"cp {file()} eu-west-1/.x.snapshot; cp {file()} eu-west-1/snapshots/.y")
    for name in (".x.status", "snapshots/.y.status"):
        same(status(m.region("eu-west-1", name))["state"], "draft")
        check(name not in os.listdir(m.region("eu-west-1")), "the status is listed")
    refused(ENOENT, os.stat, m.region("eu-west-1", ".z.status"))


@case
def a_receipt_becomes_a_draft(t):
    """Its copy goes on, and the text is the draft's. A folder too, with all that is in it."""
    m = t.mount()
    t.ok(f"cp -p {file()} eu-west-1/x; mv eu-west-1/x eu-west-1/.x; cat eu-west-1/.x; cmp {file()} eu-west-1/.x")
    check(not os.path.exists(m.region("eu-west-1", "x")) and not os.path.exists(m.region("eu-west-1", "x.status")), "the receipt is still there")
    same(os.stat(m.region("eu-west-1", ".x")).st_mtime, os.stat(m.file("us-east-1", NIGHTLY)).st_mtime)
    os.mkdir(m.region("eu-west-1", ".d"))
    os.rename(m.region("eu-west-1", ".x"), m.region("eu-west-1", "x"))
    os.rename(m.region("eu-west-1", "x"), m.region("eu-west-1", ".d/x"))
    os.rename(m.region("eu-west-1", ".d/x"), m.region("eu-west-1", "x"))
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/f; mv eu-west-1/f eu-west-1/.f; cmp {file()} eu-west-1/.f/{NIGHTLY}.snapshot; cat eu-west-1/.f/tags/Name")
    check(not os.path.exists(m.region("eu-west-1", "f")), "the folder is still there")
    t.ok("mv eu-west-1/.f eu-west-1/f; cat eu-west-1/f/tags/Name; rm -r eu-west-1/f")
    same(t.sim.count("CopySnapshot"), 1)
    m.unmount()
    m = t.mount()
    same(sorted(os.listdir(m.region("eu-west-1"))), ["snapshots", "x", "x.status"])


@case
def a_queued_copy_goes_on(t):
    """Its receipt became a draft, which is no removal."""
    m = t.mount()
    t.sim.set_limit(1)
    t.sim.set_copy_seconds(8)
    t.ok(f"cp {file()} eu-west-1/x; cp {file(BARE)} eu-west-1/y")
    same(status(m.region("eu-west-1", "y.status"))["state"], "queued")
    t.ok("mv eu-west-1/y eu-west-1/.y")
    until(lambda: len(t.sim.copies("eu-west-1")) == 2, "the queued copy", 15)


@case
def among_plain_names(t):
    """A receipt takes the place of another one of its copy. One of another living copy stays, and so does what should have replaced it."""
    m = t.mount()
    t.ok(f"cp {file()} eu-west-1/a; cp {file()} eu-west-1/b; cp {file(BARE)} eu-west-1/c; mkdir eu-west-1/d")
    os.rename(m.region("eu-west-1", "a"), m.region("eu-west-1", "b"))
    refused(EBUSY, os.rename, m.region("eu-west-1", "b"), m.region("eu-west-1", "c"))
    os.rename(m.region("eu-west-1", "c"), m.region("eu-west-1", "snapshots", "c"))
    t.ok("mv -n eu-west-1/b eu-west-1/snapshots/c", cwd=m("regions"))
    same((status(m.region("eu-west-1", "b.status"))["source"], status(m.region("eu-west-1", "snapshots/c.status"))["source"]),
         (f"us-east-1/{NIGHTLY}", f"us-east-1/{BARE}"))
    same(sorted(os.listdir(m.region("eu-west-1"))), ["b", "b.status", "d", "d.status", "snapshots"])
    same(t.sim.count("CopySnapshot"), 2)


@case
def rsync_goes_on_after_a_refusal(t):
    """One file is refused: the others are copied, and the status says that something is missing. The next time it is sent again."""
    m = t.mount()
    m.allow("UnauthorizedOperation")
    for region, options in (("eu-west-1", "-a"), ("us-west-2", "-a --delay-updates")):
        t.sim.fault("CopySnapshot", region, code="UnauthorizedOperation", http=403)
        files = " ".join(file(id) for id in (NIGHTLY, BARE, AWKWARD))
        done = t.fails(EACCES, f"rsync {options} {files} {region}/")
        same(done.code, 23)
        check(not os.path.exists(m.region(region, NIGHTLY + ".snapshot")), "the refused one has a receipt")
        same(len(t.sim.copies(region)), 2)
        t.ok(f"rsync {options} {files} {region}/; rsync {options} {files} {region}/")
        same(len(t.sim.copies(region)), 3)


@case
def rsync_keeps_backups_in_a_draft_folder(t):
    """--backup-dir moves the receipts there that it replaces; they ask for nothing there."""
    m = t.mount()
    t.ok(f"rsync -a {file()} eu-west-1/; rsync -a --ignore-times --backup --backup-dir=.old {file()} eu-west-1/")
    same(os.listdir(m.region("eu-west-1", ".old")), [NIGHTLY + ".snapshot"])
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["source"], f"us-east-1/{NIGHTLY}")
    same(t.sim.count("CopySnapshot"), 1)


@case
def drafts_are_files(t):
    """What programs do with temporary files works: openings outlive their name, O_EXCL, holes, links, folders that are not empty."""
    m = t.mount()
    path = m.region("eu-west-1", ".t")
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    refused(EEXIST, os.open, path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    os.unlink(path)
    os.pwrite(fd, b"end", 100)
    os.ftruncate(fd, 102)
    same((os.fstat(fd).st_size, os.pread(fd, 200, 0)), (102, bytes(100) + b"en"))
    os.close(fd)
    os.makedirs(m.region("eu-west-1", ".d/e"))
    os.symlink("../x", m.region("eu-west-1", ".d/link"))
    same(os.readlink(m.region("eu-west-1", ".d/link")), "../x")
    refused(ENOTEMPTY, os.rmdir, m.region("eu-west-1", ".d"))
    os.mkdir(m.region("eu-west-1", ".e"))
    refused(ENOTEMPTY, os.rename, m.region("eu-west-1", ".e"), m.region("eu-west-1", ".d"))
    os.rename(m.region("eu-west-1", ".d"), m.region("eu-west-1", ".e"))
    same(sorted(os.listdir(m.region("eu-west-1", ".e"))), ["e", "link"])
    for i in range(300):
        write(m.region("eu-west-1", ".e/e", str(i)), str(i))
    same(len(os.listdir(m.region("eu-west-1", ".e/e"))), 300)
    write(m.region("eu-west-1", ".big"), "x")
    refused(EFBIG, os.truncate, m.region("eu-west-1", ".big"), (1 << 20) + 1)
    contains(read(m(".ebsfs/last-error")), "1048576 bytes at most")
    t.ok("rm -r eu-west-1/.[a-z]*")
    same(os.listdir(m.region("eu-west-1")), ["snapshots"])


@case
def written_after_the_rename(t):
    """A program that renames first and writes on: the text counts when it closes."""
    m = t.mount()
    fd = os.open(m.region("eu-west-1", ".t"), os.O_WRONLY | os.O_CREAT)
    os.rename(m.region("eu-west-1", ".t"), m.region("eu-west-1", "t"))
    os.write(fd, TEXT.format(NIGHTLY).encode())
    os.close(fd)
    same(status(m.region("eu-west-1", "t.status"))["source"], f"us-east-1/{NIGHTLY}")
    same(t.sim.count("CopySnapshot"), 1)
