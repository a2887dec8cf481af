# SPDX-License-Identifier: MIT
"""Tags as files: reading, writing, deleting, and keys that are no file names."""
import os
from errno import EDQUOT, EINVAL, ENAMETOOLONG, ENOENT, EPERM, EACCES

from harness import case, check, contains, read, refused, same, write
from world import AWKWARD, BARE, NIGHTLY


def tags(t, m, id):
    return m.folder("us-east-1", id, "tags")


@case
def read_tags(t):
    m = t.mount()
    folder = tags(t, m, NIGHTLY)
    same(sorted(os.listdir(folder)), ["Name", "env"])
    same(read(os.path.join(folder, "Name")), "db\n")
    same(os.listdir(tags(t, m, BARE)), [])
    refused(ENOENT, os.stat, os.path.join(folder, "nosuch"))


@case
def keys_are_escaped(t):
    m = t.mount()
    folder = tags(t, m, AWKWARD)
    wanted = {
        "a%2Fb": "slash\n", "100%25": "percent\n", "%2E": "one dot\n", "%2E%2E": "two dots\n", "empty": "",
        "umlaut ä": "grüße\n", "aws:backup:source-resource": "arn:aws:ec2:us-east-1::x\n",
    }
    same(sorted(os.listdir(folder)), sorted(wanted))
    for name, value in wanted.items():
        check(read(os.path.join(folder, name)) in (value, value + "\n"), name, repr(read(os.path.join(folder, name))))


@case
def echo_creates_a_tag(t):
    m = t.mount()
    t.ok(f"echo 'two words' > us-east-1/snapshots/{BARE}/tags/Purpose")
    same(t.sim.snapshot("us-east-1", BARE)["Tags"], {"Purpose": "two words"})
    same(read(os.path.join(tags(t, m, BARE), "Purpose")), "two words\n")
    same(os.listdir(tags(t, m, BARE)), ["Purpose"])
    same(t.sim.count("CreateTags", "us-east-1"), 1)


@case
def echo_changes_a_tag(t):
    m = t.mount()
    t.ok(f"echo test > us-east-1/snapshots/{NIGHTLY}/tags/env")
    same(t.sim.snapshot("us-east-1", NIGHTLY)["Tags"], {"Name": "db", "env": "test"})
    same(read(os.path.join(tags(t, m, NIGHTLY), "env")), "test\n")


@case
def escaped_keys_are_created(t):
    t.mount()
    t.ok(f"cd us-east-1/snapshots/{BARE}/tags; echo 1 > 'x%2Fy'; echo 2 > '50%25'; echo 3 > '%2E%2E'")
    same(t.sim.snapshot("us-east-1", BARE)["Tags"], {"x/y": "1", "50%": "2", "..": "3"})


@case
def the_change_is_seen_at_once(t):
    """Whatever EC2's eventually consistent listing still says."""
    m = t.mount("ttl=1")
    t.sim.set_lag(5)
    write(os.path.join(tags(t, m, NIGHTLY), "env"), "now")
    t.ok("touch us-east-1/snapshots")
    same(read(os.path.join(tags(t, m, NIGHTLY), "env")), "now\n")


@case
def rm_without_delete(t):
    m = t.mount()
    refused(EPERM, os.unlink, os.path.join(tags(t, m, NIGHTLY), "env"))
    same(t.sim.snapshot("us-east-1", NIGHTLY)["Tags"], {"Name": "db", "env": "prod"})
    same(t.sim.count("DeleteTags"), 0)


@case
def rm_with_delete(t):
    m = t.mount("delete")
    os.unlink(os.path.join(tags(t, m, NIGHTLY), "env"))
    same(t.sim.snapshot("us-east-1", NIGHTLY)["Tags"], {"Name": "db"})
    same(os.listdir(tags(t, m, NIGHTLY)), ["Name"])
    refused(ENOENT, os.stat, os.path.join(tags(t, m, NIGHTLY), "env"))


@case
def rm_of_an_escaped_key(t):
    """The key that is sent is the key, not the file's name; and never an empty one, which would strip them all."""
    m = t.mount("delete")
    for name in ("a%2Fb", "%2E%2E"):
        os.unlink(os.path.join(tags(t, m, AWKWARD), name))
    left = t.sim.snapshot("us-east-1", AWKWARD)["Tags"]
    same(sorted(left), sorted(["100%", ".", "empty", "umlaut ä", "aws:backup:source-resource"]))


@case
def aws_tags_are_read_only(t):
    m = t.mount("delete")
    name = os.path.join(tags(t, m, AWKWARD), "aws:backup:source-resource")
    refused((EPERM,) if os.getuid() == 0 else (EPERM, EACCES), write, name, "x")
    refused(EPERM, os.unlink, name)
    refused(EPERM, write, os.path.join(tags(t, m, BARE), "aws:mine"), "x")
    same(t.sim.count("CreateTags") + t.sim.count("DeleteTags"), 0)


@case
def tag_refused_by_ec2(t):
    """EC2's answer is close()'s result; the old value stays."""
    m = t.mount()
    m.allow("TagLimitExceeded")
    t.sim.fault("CreateTags", code="TagLimitExceeded", message="The maximum number of tags is 50")
    refused(EDQUOT, write, os.path.join(tags(t, m, BARE), "one-more"), "x")
    same(os.listdir(tags(t, m, BARE)), [])
    check("TagLimitExceeded" in read(m(".ebsfs/last-error")), read(m(".ebsfs/last-error")))


@case
def the_last_close_is_waited_for(t):
    """A tag that the last close sends, which nobody waits for, is there after the unmount."""
    m = t.mount()
    m.allow("Unavailable")
    t.sim.fault("CreateTags", code="Unavailable", http=503, times=2)
    t.ok(f": > us-east-1/snapshots/{BARE}/tags/empty")
    m.unmount()
    same(t.sim.snapshot("us-east-1", BARE)["Tags"], {"empty": ""})


@case
def too_long(t):
    m = t.mount()
    refused((EINVAL, ENAMETOOLONG), write, os.path.join(tags(t, m, BARE), "k" * 128), "x")
    refused(EINVAL, write, os.path.join(tags(t, m, BARE), "k"), "v" * 257)
    same(t.sim.count("CreateTags"), 0, "what EC2 can only refuse is not sent")


@case
def value_without_newline(t):
    t.mount()
    t.ok(f"printf 'no newline' > us-east-1/snapshots/{BARE}/tags/a; printf 'two\\n\\n' > us-east-1/snapshots/{BARE}/tags/b")
    got = t.sim.snapshot("us-east-1", BARE)["Tags"]
    same(got["a"], "no newline")
    check(got["b"] in ("two", "two\n"), repr(got["b"]))


@case
def editors_replace(t):
    """A new file that is renamed over the tag is one CreateTags, whatever its name was, and leaves no other tag behind."""
    t.mount()
    folder = f"us-east-1/snapshots/{NIGHTLY}/tags"
    for n, command in enumerate(("sed -i s/.*/0/ {}/env", "perl -pi -e s/.*/1/ {}/env", "perl -pi~ -e s/.*/2/ {}/env", "echo 3 | gio save {}/env",
                                 "echo 4 > {0}/.new; mv {0}/.new {0}/env", "(/bin/echo -n; echo 5) > {}/env")):
        t.ok(command.format(folder))
        same(t.sim.snapshot("us-east-1", NIGHTLY)["Tags"], {"Name": "db", "env": str(n)}, command)
        same((t.sim.count("CreateTags"), t.sim.count("DeleteTags")), (n + 1, 0), command)


@case
def scratch_files_are_never_tags(t):
    """They are files as others, and a tag that is moved to such a name is hidden until it is written, or moved back."""
    m = t.mount()
    folder = tags(t, m, NIGHTLY)
    for name in (".Name.swp", "4913", "#Name#", "Name~"):
        write(os.path.join(folder, name), "x")
        same(read(os.path.join(folder, name)), "x")
        check(name in os.listdir(folder), name, "is not listed")
    os.symlink("user@host:1", os.path.join(folder, ".#Name"))
    for name in (".Name.swp", "4913", "#Name#", "Name~", ".#Name"):
        os.unlink(os.path.join(folder, name))
    os.rename(os.path.join(folder, "Name"), os.path.join(folder, "Name~"))
    same((sorted(os.listdir(folder)), read(os.path.join(folder, "Name~"))), (["Name~", "env"], "db\n"))
    refused(ENOENT, os.stat, os.path.join(folder, "Name"))
    os.rename(os.path.join(folder, "Name~"), os.path.join(folder, "Name"))
    same((sorted(os.listdir(folder)), read(os.path.join(folder, "Name"))), (["Name", "env"], "db\n"))
    same(t.sim.count("CreateTags") + t.sim.count("DeleteTags"), 0)
    refused(EPERM, os.rename, os.path.join(folder, "env"), os.path.join(folder, "ebsfs:env"))
    refused(EPERM, write, os.path.join(folder, "ebsfs:source"), "x")


@case
def keys_like_scratch_names(t):
    """They are shown and written with their first character escaped, and cp -r keeps them."""
    keys = {".hidden": "1", "backup~": "2", "#x#": "3", "4913": "4", "é~": "5"}
    t.start_sim()
    id = t.sim.add_snapshot("us-east-1", Description="x", Tags=keys)
    m = t.mount()
    same(sorted(os.listdir(tags(t, m, id))), sorted(["%2Ehidden", "%62ackup~", "%23x#", "%34913", "%C3%A9~"]))
    t.ok(f"cp -r us-east-1/snapshots/{id} eu-west-1/; echo 6 > us-east-1/snapshots/{id}/tags/%2Enew")
    same({k: v for k, v in t.sim.copies("eu-west-1")[0]["Tags"].items() if not k.startswith("ebsfs:")}, keys)
    same(t.sim.snapshot("us-east-1", id)["Tags"], {**keys, ".new": "6"})


@case
def tags_that_are_not_sent(t):
    """Without tags in copies what was asked for is left out, and said."""
    m = t.mount("notags")
    text = read(m.file("us-east-1", NIGHTLY))
    write(m.region("eu-west-1", "plain"), text)
    write(m.region("eu-west-1", "tagged"), "copy.again: tagged\ncopy.tag.team: dr\n" + text)
    check(not any(c.get("Tags") for c in t.sim.copies("eu-west-1")), "tags were sent")
    contains(read(m.region("eu-west-1", "tagged.status")), "note: the tags that were asked for are not sent")
    check("note:" not in read(m.region("eu-west-1", "plain.status")), "nothing was asked for")


@case
def truncate_by_name(t):
    """A text means something at close(), and truncate() has none: refused, rather than success for nothing."""
    m = t.mount()
    path = m.folder("us-east-1", NIGHTLY, "tags/Name")
    refused(EPERM, os.truncate, path, 1)
    same(read(path), "db\n")
    same(t.sim.count("CreateTags"), 0)
