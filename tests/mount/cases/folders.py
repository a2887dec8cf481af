# SPDX-License-Identifier: MIT
"""A snapshot's folder, copied: its copy is what the folder says, in whatever order the files arrive, and nothing is lost without a word."""
import itertools
import os
import shutil
import time
from errno import EDQUOT, EEXIST, EINVAL, EPERM

from harness import case, check, contains, read, refused, same, status, until, write
from world import BARE, NIGHTLY, snapshot

TEXT = "region: us-east-1\nsnapshot: {}\n...\n"
WAIT = 3  # seconds that a copy waits for its description, after the last write


def file(id=NIGHTLY):
    return f"us-east-1/snapshots/{id}/{id}.snapshot"


def copies_of(t, id=NIGHTLY, region="eu-west-1"):
    return [c for c in t.sim.copies(region) if c["Tags"].get("ebsfs:source") == f"us-east-1/{id}"]


def users_tags(copy):
    return {k: v for k, v in copy["Tags"].items() if not k.startswith("ebsfs:")}


def the_copy(t, id=NIGHTLY, region="eu-west-1"):
    """Its description and its tags, once it is made."""
    found = until(lambda: copies_of(t, id, region), f"a copy of {id}", WAIT + 10)
    same(len(found), 1, "copies of", id)
    return found[0]["Description"], users_tags(found[0])


def has(t, wanted, id=NIGHTLY, region="eu-west-1"):
    """Late tags take a moment."""
    try:
        until(lambda: copies_of(t, id, region) and the_copy(t, id, region) == wanted, "", WAIT + 5)
    finally:
        same(the_copy(t, id, region), wanted, "the copy of", id)


# --- order ---


@case
def any_order(t):
    """Description, a changed tag, a new tag and the snapshot file in each order."""
    ids = [f"snap-0{n:02d}00000000000000" for n in range(24)]
    t.start_sim(world={"regions": {"us-east-1": {"snapshots": [snapshot(id, Description="old", Tags={"Name": "db", "env": "prod"}) for id in ids]}, "eu-west-1": {"snapshots": []}}})
    m = t.mount()
    t.sim.set(copy_limit=1000)
    for id, order in zip(ids, itertools.permutations(("description", "tags/env", "tags/new", "text"))):
        folder = m.region("eu-west-1", "snapshots", id)
        os.makedirs(os.path.join(folder, "tags"))
        for name in order:
            write(os.path.join(folder, id + ".snapshot" if name == "text" else name),
                  {"description": "edited\n", "tags/env": "test\n", "tags/new": "x\n", "text": TEXT.format(id)}[name])
    for id in ids:
        has(t, ("edited", {"Name": "db", "env": "test", "new": "x"}), id)
    same(t.sim.count("CopySnapshot"), 24)


@case
def edited_folders(t):
    """A folder that was copied out and edited, and is copied in by a tool with an order of its own."""
    m = t.mount()
    tools = {"eu-west-1": "cp -r {0} {1}/", "us-west-2": "rsync -a {0} {1}/", "us-east-1": "python3 -c 'import shutil; shutil.copytree(\"{0}\", \"{1}/{2}\")'"}
    for id, edit, wanted in ((NIGHTLY, "sed -i s/nightly/weekly/ description", ("weekly db", {"Name": "db", "env": "prod"})),
                             (BARE, "echo ours > description; mkdir -p tags; echo test > tags/env", ("ours", {"env": "test"}))):
        t.ok(f"cp -r {m.folder('us-east-1', id)} {t.path()}; chmod -R u+w {id}; cd {id}; {edit}", cwd=t.dir)
        for region, tool in tools.items():
            t.ok(tool.format(t.path(id), m.region(region), id))
            has(t, wanted, id, region)


@case
def without_a_description(t):
    """The copy is queued, says what it waits for, and is sent a moment after the last write; its description is the default."""
    m = t.mount()
    os.mkdir(m.region("eu-west-1", NIGHTLY))
    write(m.region("eu-west-1", NIGHTLY, "x.snapshot"), TEXT.format(NIGHTLY))
    got = status(m.region("eu-west-1", NIGHTLY + ".status"))
    same(got["state"], "queued")
    contains(got["reason"], "description")
    for _ in range(WAIT):
        time.sleep(1)
        same(t.sim.count("CopySnapshot"), 0)
        os.makedirs(m.region("eu-west-1", NIGHTLY, "tags"), exist_ok=True)
        write(m.region("eu-west-1", NIGHTLY, "tags/env"), "test")
    has(t, (f"[Copied {NIGHTLY} from us-east-1] nightly db", {"Name": "db", "env": "test"}))
    # A plain file has nothing to wait for.
    t.ok(f"cp {file(BARE)} eu-west-1/")
    same(len(copies_of(t, BARE)), 1)


@case
def what_comes_late(t):
    """After the copy was sent: a tag is set, the same description is no change, and another one cannot be given."""
    m = t.mount()
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/")
    folder = m.region("eu-west-1", NIGHTLY)
    the_copy(t)
    write(os.path.join(folder, "tags/late"), "x\n")
    write(os.path.join(folder, "description"), "nightly db\n")
    has(t, ("nightly db", {"Name": "db", "env": "prod", "late": "x"}))
    refused(EEXIST, write, os.path.join(folder, "description"), "another\n")
    last = read(m(".ebsfs/last-error"))
    contains(last, copies_of(t)[0]["SnapshotId"])
    contains(last, "copy.again")
    has(t, ("nightly db", {"Name": "db", "env": "prod", "late": "x"}))
    same(t.sim.count("CopySnapshot"), 1)


@case
def kept_before_the_copy_is_asked_for(t):
    """Description and tags are durable when the close that brought them has returned: kill -9, and the snapshot file comes a mount later."""
    m = t.mount()
    os.makedirs(m.region("eu-west-1", "kept/tags"))
    write(m.region("eu-west-1", "kept/description"), "by hand\n")
    write(m.region("eu-west-1", "kept/tags/env"), "test\n")
    m.kill()
    t.ok(f"fusermount3 -uz {m.path}", cwd="/")
    m = t.mount()
    same((read(m.region("eu-west-1", "kept/description")), read(m.region("eu-west-1", "kept/tags/env"))), ("by hand\n", "test\n"))
    same(t.sim.count("CopySnapshot"), 0)
    t.ok(f"cp {file()} eu-west-1/kept/")
    has(t, ("by hand", {"Name": "db", "env": "test"}))


# --- what a folder is ---


@case
def what_stands_beside(t):
    """Status, wait and link stand beside the folder; inside is what was written, and all of it can be removed."""
    m = t.mount()
    t.sim.set_copy_seconds(1)
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/")
    the_copy(t)
    folder, new = m.region("eu-west-1", NIGHTLY), copies_of(t)[0]["SnapshotId"]
    same(sorted(os.listdir(folder)), sorted(os.listdir(m.folder("us-east-1", NIGHTLY))), "inside")
    same(sorted(os.listdir(m.region("eu-west-1"))), sorted([NIGHTLY, NIGHTLY + ".copy", NIGHTLY + ".status", "snapshots"]), "beside")
    contains(read(m.region("eu-west-1", NIGHTLY + ".wait")), "state: completed\n")
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["snapshot"], new)
    same(os.path.realpath(folder + ".copy"), m.folder("eu-west-1", new))
    same(read(os.path.join(folder, NIGHTLY + ".snapshot")), read(m.file("us-east-1", NIGHTLY)))
    t.ok(f"rm -r eu-west-1/{NIGHTLY}")
    check(not os.path.exists(folder), "the folder is still there")
    same(len(copies_of(t)), 1)


@case
def one_text_in_a_folder(t):
    """And no other folders than tags/ and those whose name begins with a dot."""
    m = t.mount()
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/")
    refused(EPERM, write, m.region("eu-west-1", NIGHTLY, "second.snapshot"), TEXT.format(BARE))
    refused(EPERM, os.mkdir, m.region("eu-west-1", NIGHTLY, "other"))
    os.mkdir(m.region("eu-west-1", NIGHTLY, ".rsync-partial"))
    the_copy(t)
    same(copies_of(t, BARE), [])
    same(t.sim.count("CopySnapshot"), 1)


@case
def a_mistake_is_told(t):
    """Whatever the file is called: a text that names a snapshot and cannot be read is refused, not kept as a note."""
    m = t.mount()
    for number, (name, mistake) in enumerate((("mine", "copy.descripton: typo"), ("x.snapshot", "hello"), ("any.name", "copy.completion-minutes: 7"))):
        folder = m.region("eu-west-1", f"folder{number}")
        os.mkdir(folder)
        refused(EINVAL, write, os.path.join(folder, name), TEXT.format(NIGHTLY).replace("...", mistake + "\n..."))
        contains(read(m(".ebsfs/last-error")), "line 3")
    t.ok(f"cat {m.folder('us-east-1', NIGHTLY, 'status')} > eu-west-1/folder0/status.partial; mv eu-west-1/folder0/status.partial eu-west-1/folder0/status")
    time.sleep(WAIT + 1)
    same(t.sim.count("CopySnapshot"), 0)
    t.ok(f"cp {file()} eu-west-1/folder0/mine")
    the_copy(t)


@case
def keys_too_long_for_a_file(t):
    """A tag whose key is a good one for EC2 and too long for a file's name is copied all the same; and what was not copied is said."""
    tags = {"Name": "db", "環境" * 50: "x", "a/" * 63: "y"}
    t.start_sim()
    id = t.sim.add_snapshot("us-east-1", Description="long keys", Tags=tags)
    t.mount()
    t.ok(f"cp us-east-1/snapshots/{id}/{id}.snapshot us-west-2/")
    same(users_tags(copies_of(t, id, "us-west-2")[0]), tags)
    for region, tool in (("eu-west-1", "cp -r"), ("us-east-1", "rsync -a")):
        t.ok(f"{tool} us-east-1/snapshots/{id} {region}/")
        has(t, ("long keys", tags), id, region)


@case
def without_the_sources_tags(t):
    """A tag that was removed from the folder is still copied, unless the text says otherwise."""
    m = t.mount()
    t.ok(f"cp -r {m.folder('us-east-1', NIGHTLY)} {t.path()}; chmod -R u+w {NIGHTLY}; rm {NIGHTLY}/tags/env", cwd=t.dir)
    shutil.copytree(t.path(NIGHTLY), m.region("eu-west-1", NIGHTLY))
    has(t, ("nightly db", {"Name": "db", "env": "prod"}))
    with open(t.path(NIGHTLY, NIGHTLY + ".snapshot"), "a", encoding="utf-8") as text:
        text.write("copy.no-tags: yes\n")
    shutil.copytree(t.path(NIGHTLY), m.region("us-west-2", NIGHTLY))
    has(t, ("nightly db", {"Name": "db"}), region="us-west-2")


@case
def a_receipts_folder_onward(t):
    """cp -a of a receipt's folder copies its source, with the description and tags that were written into it."""
    t.mount()
    t.ok(f"mkdir -p eu-west-1/mine/tags; echo by hand > eu-west-1/mine/description; echo x > eu-west-1/mine/tags/only; cp {file()} eu-west-1/mine/")
    has(t, ("by hand", {"Name": "db", "env": "prod", "only": "x"}))
    t.ok("cp -a eu-west-1/mine us-west-2/")
    has(t, ("by hand", {"Name": "db", "env": "prod", "only": "x"}), region="us-west-2")


@case
def tar_from_outside_in_any_order(t):
    """tar removes what stands in its way and makes it anew: it must find it gone, and the copy is what the folder says."""
    m = t.mount()
    names = ("description", "metadata.json", "status", "tags", NIGHTLY + ".snapshot")
    for region, order in (("eu-west-1", names), ("us-west-2", names[::-1])):
        t.ok(f"tar cf {t.path(region)} {' '.join(f'{NIGHTLY}/{name}' for name in order)}", cwd=m.region("us-east-1", "snapshots"))
        for _ in range(2):
            t.ok(f"tar xf {t.path(region)} -C {m.region(region, 'snapshots')}", seconds=20)
        has(t, ("nightly db", {"Name": "db", "env": "prod"}), region=region)
        same(t.sim.count("CopySnapshot", region), 1)


@case
def a_second_rsync_sends_nothing(t):
    """All that was written is kept with its size and time, also what means nothing; after another mount only that is sent again."""
    m = t.mount()
    command = f"rsync -ai us-east-1/snapshots/{NIGHTLY} eu-west-1/"
    contains(t.ok(command), "metadata.json")
    same(t.ok(command), "")
    same(read(m.region("eu-west-1", NIGHTLY, "metadata.json")), read(m.folder("us-east-1", NIGHTLY, "metadata.json")))
    contains(read(m.region("eu-west-1", NIGHTLY, "status")), f"snapshot: {NIGHTLY}\n")
    t.ok(f"touch eu-west-1/{NIGHTLY}/status")
    contains(t.ok(command), "status")
    m.unmount()
    m = t.mount()
    same(sorted(os.listdir(m.region("eu-west-1", NIGHTLY))), ["description", NIGHTLY + ".snapshot", "tags"])
    sent = [line.split("/")[-1] for line in t.ok(command).splitlines() if line.startswith(">f")]
    same(sent, ["metadata.json", "status"])
    has(t, ("nightly db", {"Name": "db", "env": "prod"}))
    same(t.sim.count("CopySnapshot"), 1)


@case
def files_under_other_names(t):
    """A program that writes each file under a plain temporary name, as rclone does, and renames it. A text is the snapshot file under any name, and there is one of it."""
    m = t.mount()
    source, folder = m.folder("us-east-1", NIGHTLY), m.region("eu-west-1", "f")
    os.makedirs(os.path.join(folder, "tags"))
    for name in ("metadata.json", NIGHTLY + ".snapshot", "status", "description"):
        temporary = os.path.join(folder, name + ".1a2b3c4d.partial")
        t.ok(f"cp -p {source}/{name} {temporary}")
        os.rename(temporary, os.path.join(folder, name))
    has(t, ("nightly db", {"Name": "db", "env": "prod"}))
    same(sorted(os.listdir(folder)), sorted(["description", "metadata.json", "status", "tags", NIGHTLY + ".snapshot"]))
    same(os.stat(os.path.join(folder, NIGHTLY + ".snapshot")).st_mtime, os.stat(m.file("us-east-1", NIGHTLY)).st_mtime)
    write(os.path.join(folder, "notes"), "not a text\n")
    refused(EPERM, write, os.path.join(folder, "second"), TEXT.format(BARE))
    t.ok(f"mkdir us-west-2/f; (cat {file(BARE)} | grep -v '^[.]') > us-west-2/f/nightly")
    until(lambda: copies_of(t, BARE, "us-west-2"), "the copy of a text without its end")
    same(status(m.region("us-west-2", "f.status"))["source"], f"us-east-1/{BARE}")
    same(t.sim.count("CopySnapshot"), 2)


@case
def a_refused_part_leaves_what_was(t):
    """A tag that EC2 refuses, a description that comes too late, a key that is none: the file is as it was before."""
    m = t.mount()
    m.allow("TagLimitExceeded")
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/")
    folder = m.region("eu-west-1", NIGHTLY)
    t.sim.fault("CreateTags", code="TagLimitExceeded", message="The maximum number of tags is 50", times=2)
    refused(EDQUOT, write, os.path.join(folder, "tags/more"), "x\n")
    refused(EDQUOT, write, os.path.join(folder, "tags/env"), "test\n")
    refused(EEXIST, write, os.path.join(folder, "description"), "other\n")
    refused(EINVAL, write, os.path.join(folder, "tags/a%2fb"), "x\n")
    same(sorted(os.listdir(os.path.join(folder, "tags"))), ["Name", "env"])
    same((read(os.path.join(folder, "tags/env")), read(os.path.join(folder, "description"))), ("prod\n", "nightly db\n"))
    write(os.path.join(folder, "tags/.more"), "x\n")
    os.rename(os.path.join(folder, "tags/.more"), os.path.join(folder, "tags/more"))
    has(t, ("nightly db", {"Name": "db", "env": "prod", "more": "x"}))


@case
def tags_of_others_mean_nothing(t):
    """Those of AWS and of ebsfs, and editors' scratch files: kept as they are, and not given to the copy."""
    m = t.mount()
    os.makedirs(m.region("eu-west-1", "f/tags"))
    for name in ("aws:cloudformation:stack-name", "ebsfs:source", ".Name.swp", "Name~", "4913"):
        write(m.region("eu-west-1", "f/tags", name), "x\n")
        same(read(m.region("eu-west-1", "f/tags", name)), "x\n")
    write(m.region("eu-west-1", "f/tags/%4Eame~"), "real\n")
    write(m.region("eu-west-1", "f/description"), "by hand\n")
    t.ok(f"cp {file(BARE)} eu-west-1/f/")
    has(t, ("by hand", {"Name~": "real"}), BARE)
    write(m.region("eu-west-1", "f/tags/aws:late"), "x\n")
    write(m.region("eu-west-1", "f/tags/.late"), "x\n")
    same(t.sim.count("CreateTags"), 0)


@case
def what_is_removed_is_not_asked_for(t):
    m = t.mount()
    os.makedirs(m.region("eu-west-1", "f/tags"))
    write(m.region("eu-west-1", "f/description"), "by hand\n")
    write(m.region("eu-west-1", "f/tags/a"), "x\n")
    write(m.region("eu-west-1", "f/tags/b"), "y\n")
    os.rename(m.region("eu-west-1", "f/tags/b"), m.region("eu-west-1", "f/tags/c"))
    os.unlink(m.region("eu-west-1", "f/tags/a"))
    os.rename(m.region("eu-west-1", "f/description"), m.region("eu-west-1", "f/.description"))
    m.unmount()
    m = t.mount()
    same(os.listdir(m.region("eu-west-1", "f")), ["tags"])
    write(m.region("eu-west-1", "f/description"), "another\n")
    t.ok(f"cp {file(BARE)} eu-west-1/f/")
    has(t, ("another", {"c": "y"}), BARE)
