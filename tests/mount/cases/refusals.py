# SPDX-License-Identifier: MIT
"""Every "no" of the tree: its errno, and in last-error what failed, on which path, why, and what to do instead."""
import ctypes
import os
import stat
from errno import EBUSY, EINVAL, EISDIR, ENAMETOOLONG, EPERM

from harness import case, check, contains, read, refused, same, status, until, write
from world import AWKWARD, BARE, NIGHTLY, SHARED

SNAPSHOT = f"regions/us-east-1/snapshots/{NIGHTLY}"
FILE = f"{SNAPSHOT}/{NIGHTLY}.snapshot"


def last_error(m):
    """The youngest entry, as a dict."""
    return dict(line.split(": ", 1) for line in read(m(".ebsfs/last-error")).split("\n\n")[0].splitlines())


def no(m, wanted, operation, hints, function, *args):
    """function(*args) is refused, and last-error says of which operation on which path, with these words of help."""
    refused(wanted, function, *args)
    told = last_error(m)
    same(told["operation"], operation)
    check(told["errno"].startswith(os.strerror(wanted)) or os.strerror(wanted) in told["errno"], told)
    for hint in [hints] if isinstance(hints, str) else hints:
        contains(told["message"], hint)


def each(m, wanted, table):
    for operation, path, hints, function in table:
        no(m, wanted, f"{operation} {path}", hints, function, m(path))


@case
def writing_what_is_read_only(t):
    m = t.mount()
    t.ok(f"cp us-east-1/snapshots/{BARE}/{BARE}.snapshot eu-west-1/x")
    each(m, EPERM, [("open for writing", path, hint, lambda p: write(p, "x")) for path, hint in (
        ("README", "ebsfs writes it itself"), ("copies", "ebsfs writes it itself"), (".ebsfs/last-error", "ebsfs writes it itself"),
        (f"{SNAPSHOT}/description", "copy.description: TEXT"), (f"{SNAPSHOT}/metadata.json", "write tags/KEY"),
        (f"{SNAPSHOT}/status", "ebsfs writes it from EC2's state"), (f"{SNAPSHOT}/.wait", "ebsfs writes it from EC2's state"),
        (FILE, ("regions/REGION/", "with other options")), ("regions/eu-west-1/x.status", "ebsfs writes it from EC2's state"),
        (f"regions/us-east-1/snapshots/{AWKWARD}/tags/aws:backup:source-resource", "AWS's and ebsfs's own"))])
    each(m, EPERM, [("change attributes of", path, hint, lambda p: os.truncate(p, 0)) for path, hint in (
        (f"{SNAPSHOT}/description", "copy.description: TEXT"), ("copies", "ebsfs writes it itself"))])


@case
def making_what_has_no_place(t):
    m = t.mount()
    each(m, EPERM, [("create", path, hint, lambda p: write(p, "x")) for path, hint in (
        ("x", "regions/REGION/"), ("regions/x", "regions/REGION/"), (".ebsfs/x", "regions/REGION/"),
        (f"{SNAPSHOT}/x", ("tags/KEY", "another region's folder")))])
    each(m, EPERM, [("mkdir", path, hint, os.mkdir) for path, hint in (
        ("x", "regions/REGION/"), ("regions/eu-north-1", "enabled"), (f"{SNAPSHOT}/x", "tags/KEY"),
        (f"{SNAPSHOT}/tags/x", "echo VALUE > tags/KEY"))])
    no(m, EPERM, "ln -s regions/eu-west-1/link", "use cp", os.symlink, "README", m.region("eu-west-1", "link"))
    no(m, EPERM, "ln regions/eu-west-1/link", "use cp", os.link, m("README"), m.region("eu-west-1", "link"))
    no(m, EPERM, "mknod regions/eu-west-1/pipe", "no devices, pipes or sockets", os.mkfifo, m.region("eu-west-1", "pipe"))
    long = "regions/eu-west-1/" + "n" * 256
    each(m, ENAMETOOLONG, [("find", long, "255 bytes", make) for make in (lambda p: write(p, "x"), os.mkdir, lambda p: os.rename(m("README"), p))])


@case
def names_without_room_for_a_status(t):
    """Every receipt has its NAME.status: a name that leaves no room for that is refused, and nothing is sent."""
    m = t.mount()
    text = read(m.file("us-east-1", NIGHTLY))
    longest, longer = m.region("eu-west-1", "n" * 248), m.region("eu-west-1", "n" * 249)
    each(m, ENAMETOOLONG, [(word, "regions/eu-west-1/" + "n" * 249, "at most 248 bytes", make)
        for word, make in (("create", lambda p: write(p, text)), ("mkdir", os.mkdir))])
    same(t.sim.count("CopySnapshot"), 0, "copies under a name that is refused")
    write(longest, text)
    same(status(longest + ".status")["region"], "eu-west-1")
    refused(ENAMETOOLONG, os.rename, longest, longer)
    same(t.sim.count("CopySnapshot"), 1)


@case
def changing_facts(t):
    m = t.mount()
    each(m, EPERM, [("change attributes of", path, "only receipts keep them", lambda p: os.utime(p, (1, 1)))
                    for path in ("README", "regions", SNAPSHOT, f"{SNAPSHOT}/description", FILE)])
    no(m, EPERM, "change attributes of regions/us-east-1", "only times can be set", os.chmod, m.region("us-east-1"), 0o700)
    no(m, EPERM, "change attributes of regions/us-east-1/snapshots", "reads the region again", os.chmod, m.region("us-east-1", "snapshots"), 0o700)


@case
def removing_without_delete(t):
    m = t.mount()
    no(m, EPERM, f"rmdir {SNAPSHOT}", "mount with -o delete", os.rmdir, m(SNAPSHOT))
    no(m, EPERM, f"rm {SNAPSHOT}/tags/env", "mount with -o delete", os.unlink, m(SNAPSHOT, "tags/env"))
    each(m, EPERM, [("rm", f"{SNAPSHOT}/{name}", f"on a mount with -o delete, rmdir {SNAPSHOT} deletes the snapshot", os.unlink)
                    for name in ("description", "metadata.json", "status", f"{NIGHTLY}.snapshot")])
    no(m, EPERM, f"rmdir {SNAPSHOT}/tags", "-o delete", os.rmdir, m(SNAPSHOT, "tags"))
    each(m, EPERM, [("rm", path, "belongs to the mount", os.unlink) for path in ("README", ".ebsfs/health")])
    each(m, EPERM, [("rmdir", path, "belongs to the mount", os.rmdir) for path in ("regions", "regions/us-east-1", "regions/us-east-1/snapshots")])


@case
def removing_with_delete(t):
    m = t.mount("delete")
    no(m, EPERM, f"rm {FILE}", f"rmdir {SNAPSHOT} deletes the snapshot", os.unlink, m(FILE))
    no(m, EPERM, f"rmdir {SNAPSHOT}", "recursive command", os.rmdir, m(SNAPSHOT))
    t.ok(f"rmdir us-east-1/snapshots/{NIGHTLY}")  # another process, which means it


@case
def moving(t):
    m = t.mount()
    t.ok(f"cp us-east-1/snapshots/{BARE}/{BARE}.snapshot eu-west-1/x")

    def mv(path, new, wanted, hints):
        no(m, wanted, f"mv {path} to {new}", hints, os.rename, m(path), m(new))

    mv(SNAPSHOT, "regions/us-east-1/snapshots/nightly", EPERM, f"cannot change a snapshot's id; to give it a name, write {SNAPSHOT}/tags/Name")
    mv(SNAPSHOT, "regions/us-east-1/nightly", EPERM, "tags/Name")
    mv(SNAPSHOT, "nightly", EPERM, "another region, regions/REGION/")
    mv(SNAPSHOT, "regions/eu-west-1/snapshots/nightly", EPERM, ("-o delete", "cp only copies"))
    mv(f"{SNAPSHOT}/description", f"{SNAPSHOT}/d", EPERM, "ebsfs sets the name and place of")
    mv("regions/us-east-1", "regions/north", EPERM, "ebsfs sets the name and place of")
    mv("regions/eu-west-1/x", "regions/us-west-2/x", EPERM, "use cp")
    libc = ctypes.CDLL(None, use_errno=True)

    def exchange(a, b):
        if libc.renameat2(-100, os.fsencode(a), -100, os.fsencode(b), 2) < 0:
            raise OSError(ctypes.get_errno(), "renameat2")

    no(m, EINVAL, "mv regions/eu-west-1/x", "exchanged", exchange, m.region("eu-west-1", "x"), m.region("eu-west-1", "x.status"))


@case
def moving_what_others_share(t):
    m = t.mount("delete")
    path = f"regions/us-east-1/snapshots/{SHARED}"
    no(m, EPERM, f"mv {path} to regions/eu-west-1/x", ("belongs to account 2", "cp copies it"), os.rename, m(path), m.region("eu-west-1", "x"))
    same(t.sim.count("CopySnapshot"), 0)


@case
def naming_and_writing_tags(t):
    m = t.mount()
    folder = f"{SNAPSHOT}/tags"

    def creates(name, hint, value=b"x"):
        operation = "create" if value == b"x" else "close"
        def make(path):
            with open(path, "wb", buffering=0) as f:
                f.write(value)
        path = os.fsencode(m(folder)) + b"/" + name
        no(m, EINVAL, f"{operation} {folder}/" + name.decode(errors="replace").replace("\ufffd", "?").replace("\n", " "), hint, make, path)

    creates(b"50%", "write '/' as %2F")
    creates(b"line\nbreak", "control characters")
    creates(b"latin-\xe9", "not UTF-8")
    creates(b"k" * 128, "128 characters, and EC2 permits 127")
    creates(b"v", "257 characters, and EC2 permits 256", "ä".encode() * 257 + b"\n")
    creates(b"v", "not text in UTF-8", b"latin-\xe9\n")
    creates(b"v", "not text in UTF-8", b"a\0b")
    same(t.sim.count("CreateTags"), 0, "what EC2 can only refuse is not sent")
    write(m(folder, "k" * 127), "ä" * 256 + "\n")
    same(t.sim.snapshot("us-east-1", NIGHTLY)["Tags"]["k" * 127], "ä" * 256)
    no(m, EPERM, f"create {folder}/aws:mine", "choose another key", write, m(folder, "aws:mine"), "x")


@case
def tags_of_a_receipts_folder(t):
    """What EC2 cannot take is refused when it is written, and not left out of the copy."""
    m = t.mount()
    folder = "regions/eu-west-1/folder/tags"
    os.makedirs(m(folder))

    def writes(value):
        def function(path):
            with open(path, "wb", buffering=0) as f:
                f.write(value)
        return function

    no(m, EINVAL, f"create {folder}/50%", "write '/' as %2F", writes(b"x"), m(folder, "50%"))
    no(m, EINVAL, f"create {folder}/latin-?", "not UTF-8", writes(b"x"), os.fsencode(m(folder)) + b"/latin-\xe9")
    no(m, EINVAL, f"create {folder}/" + "k" * 128, "EC2 permits 127", writes(b"x"), m(folder, "k" * 128))
    no(m, EINVAL, f"close {folder}/v", "not text in UTF-8", writes(b"\xe9"), m(folder, "v"))
    no(m, EINVAL, f"close {folder}/v", "EC2 permits 256", writes(b"v" * 257), m(folder, "v"))
    no(m, EINVAL, "close regions/eu-west-1/folder/description", "not text in UTF-8", writes(b"\xe9"), m("regions/eu-west-1/folder/description"))
    t.ok(f"echo fine > eu-west-1/folder/tags/v; cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/folder/")
    [copy] = until(lambda: t.sim.copies("eu-west-1"), "the copy, which waits a moment for its description")
    same({k: v for k, v in copy["Tags"].items() if not k.startswith("ebsfs:")}, {"Name": "db", "env": "prod", "v": "fine"})


@case
def the_whole_path_of_an_entry(t):
    """Of receipts too, and of what EC2 refuses; a folder's file is named with its folder."""
    m = t.mount()
    m.allow("AuthFailure|TagLimitExceeded")
    no(m, EINVAL, "close regions/eu-west-1/snapshots/mine", "", write, m.region("eu-west-1", "snapshots", "mine"), "nonsense\n")
    os.mkdir(m.region("eu-west-1", "folder"))
    no(m, EINVAL, "close regions/eu-west-1/folder/mine.snapshot", "", write, m.region("eu-west-1", "folder", "mine.snapshot"), "nonsense\n")
    t.sim.fault("DescribeSnapshots", region="us-west-2", code="AuthFailure", http=401, times=100)
    no(m, 13, "list regions/us-west-2/snapshots", "as the test wants it", os.listdir, m.region("us-west-2", "snapshots"))
