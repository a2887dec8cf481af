# SPDX-License-Identifier: MIT
"""The snapshot file's text: what a person may add, what is refused, and when a text starts its copy."""
import os
from errno import EACCES, EFBIG, EINVAL, EPERM

from harness import case, check, contains, read, refused, same, status, until, write
from world import BARE, KEYS, NIGHTLY

HEAD = f"region: us-east-1\nsnapshot: {NIGHTLY}\n"


def asked(t, extra):
    """Asks for a copy with these further lines. Returns the copy."""
    m = t.mount()
    write(m.region("eu-west-1", "x"), HEAD + extra + "...\n")
    found = t.sim.copies("eu-west-1")
    same(len(found), 1, "copies", found)
    same(t.sim.count("CopySnapshot"), 1)
    return found[0]


def own_tags(copy):
    return {k: v for k, v in copy["Tags"].items() if not k.startswith("ebsfs:")}


def not_asked(t, text, wanted=EINVAL):
    """This text is refused, and nothing is sent."""
    m = t.mounts[0] if t.mounts else t.mount()
    refused(wanted, write, m.region("eu-west-1", "x"), text)
    same(t.sim.count("CopySnapshot"), 0, "CopySnapshot after", repr(text[:80]))
    try:
        os.unlink(m.region("eu-west-1", "x"))
    except OSError:
        pass


@case
def description(t):
    same(asked(t, "copy.description: a better text: with colon\n")["Description"], "a better text: with colon")


@case
def tags_are_laid_over(t):
    copy = asked(t, "copy.tag.env: dr\ncopy.tag.Cost Center: 42\n")
    same(own_tags(copy), {"Name": "db", "env": "dr", "Cost Center": "42"})


@case
def no_tags(t):
    same(own_tags(asked(t, "copy.no-tags: yes\n")), {})


@case
def no_tags_but_mine(t):
    same(own_tags(asked(t, "copy.no-tags: yes\ncopy.tag.only: this\n")), {"only": "this"})


@case
def encrypted(t):
    check(asked(t, "copy.encrypted: yes\n")["Encrypted"], "not encrypted")


@case
def kms_key(t):
    copy = asked(t, "copy.encrypted: yes\ncopy.kms-key: alias/dr\n")
    check(copy["Encrypted"], "not encrypted")
    contains(copy["KmsKeyId"], KEYS["eu-west-1"][0]["id"])


@case
def kms_key_alone_means_encrypted(t):
    """EC2 demands Encrypted with a key; a person who names a key means it."""
    contains(asked(t, "copy.kms-key: alias/dr\n")["KmsKeyId"], KEYS["eu-west-1"][0]["id"])


@case
def completion_minutes(t):
    same(asked(t, "copy.completion-minutes: 60\n")["CompletionDurationMinutes"], 60)


@case
def no_default_costs_extra(t):
    """What costs extra or changes encryption is sent only when it was asked for."""
    copy = asked(t, "")
    for name in ("CompletionDurationMinutes", "Encrypted", "KmsKeyId"):
        check(not copy.get(name), name, "was sent:", copy)


@case
def dry_run(t):
    """EC2 says that it would work; nothing is copied."""
    m = t.mount()
    write(m.region("eu-west-1", "x"), HEAD + "copy.dry-run: yes\n...\n")
    same(t.sim.copies("eu-west-1"), [])
    same(t.sim.count("CopySnapshot", "eu-west-1"), 1)
    same(t.sim.counts()["errors"], {"eu-west-1": {"CopySnapshot": {"DryRunOperation": 1}}}, "what EC2 said")


@case
def dry_run_that_would_fail(t):
    m = t.mount()
    m.allow("UnauthorizedOperation")
    t.sim.fault("CopySnapshot", code="UnauthorizedOperation", http=403)
    refused(EACCES, write, m.region("eu-west-1", "x"), HEAD + "copy.dry-run: yes\n...\n")
    same(t.sim.copies("eu-west-1"), [])


@case
def facts_are_ignored(t):
    copy = asked(t, "volume: vol-1\nsize: 8 GiB\nstarted: 2026-11-20T03:00:12Z\nowner: 1\nencrypted: yes\ndescription: d\n")
    check(not copy["Encrypted"], "a fact was taken as a wish")
    same(copy["Description"], f"[Copied {NIGHTLY} from us-east-1] nightly db")


@case
def comments_and_blank_lines(t):
    same(asked(t, "\n# copy.description: no\n   \ncopy.description: yes#really # no\n")["Description"], "yes#really")


@case
def order_does_not_matter(t):
    m = t.mount()
    write(m.region("eu-west-1", "x"), f"copy.description: first\nsnapshot: {NIGHTLY}\nregion: us-east-1\n...\n")
    same(t.sim.copies("eu-west-1")[0]["Description"], "first")


@case
def white_space_after_the_end(t):
    m = t.mount()
    write(m.region("eu-west-1", "x"), HEAD + "...\n \n\n")
    same(t.sim.count("CopySnapshot"), 1)


@case
def unknown_key(t):
    m = t.mount()
    m.allow("EINVAL|unknown")
    not_asked(t, HEAD + "copy.descripton: typo\n...\n")
    contains(read(m(".ebsfs/last-error")), "copy.descripton")


@case
def options_after_the_end(t):
    """What echo adds to a snapshot's file counts; options of another kind do not matter."""
    m = t.mount()
    t.ok(f"{{ cat us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot; echo; echo '# mine'; echo volume.type: gp3; "
         f"echo copy.tag.env: dr; printf 'copy.description: added'; }} > {t.path('x')} && cp {t.path('x')} eu-west-1/")
    [copy] = t.sim.copies("eu-west-1")
    same(copy["Description"], "added")
    same(own_tags(copy), {"Name": "db", "env": "dr"})
    same(t.sim.count("CopySnapshot"), 1)


@case
def text_after_the_end(t):
    """Two texts in one file ask for nothing: it would not be clear which."""
    m = t.mount()
    m.allow("EINVAL|after")
    file = lambda id: f"us-east-1/snapshots/{id}/{id}.snapshot"
    check(t.run(f"cat {file(NIGHTLY)} {file(BARE)} > eu-west-1/x").code != 0)
    contains(read(m(".ebsfs/last-error")), "line 12: 'region' stands after the '...'")
    for text in ("hello\n", "snapshot: snap-0123456789abcdef0\n", "...\n", "copy.descripton: typo\n"):
        not_asked(t, HEAD + "...\n" + text)


@case
def malformed(t):
    for text in (
        "hello\n...\n",
        "region us-east-1\n...\n",
        "...\n",
        "region: us-east-1\n...\n",
        f"snapshot: {NIGHTLY}\n...\n",
        "region: us-east-1\nsnapshot: ../../etc\n...\n",
        "region: us-east-1\nsnapshot: vol-0123456789abcdef0\n...\n",
        f"region: ../..\nsnapshot: {NIGHTLY}\n...\n",
        f"region: http://evil/\nsnapshot: {NIGHTLY}\n...\n",
        HEAD + "copy.completion-minutes: 61\n...\n",
        HEAD + "copy.completion-minutes: 0\n...\n",
        HEAD + "copy.completion-minutes: 99999999999999999999\n...\n",
        HEAD + "copy.encrypted: maybe\n...\n",
        HEAD + "copy.tag.aws:x: 1\n...\n",
        HEAD + "copy.tag.: 1\n...\n",
        HEAD + "copy.description: " + "d" * 256 + "\n...\n",
        HEAD + "snapshot: snap-11111111111111111\n...\n",
        HEAD + "copy.description: a\0b\n...\n",
        "\x7fELF\0\0\0\0" + "\0" * 100 + "\n",
    ):
        not_asked(t, text)


@case
def a_refused_text_says_why(t):
    m = t.mount()
    not_asked(t, HEAD + "copy.encrypted: maybe\n...\n")
    text = read(m(".ebsfs/last-error"))
    contains(text, "copy.encrypted")


@case
def bytes_that_are_no_text(t):
    m = t.mount()
    path = m.region("eu-west-1", "x")

    def binary():
        fd = os.open(path, os.O_WRONLY | os.O_CREAT)
        try:
            os.write(fd, bytes(range(256)) * 8)
        finally:
            os.close(fd)

    refused(EINVAL, binary)
    same(t.sim.count("CopySnapshot"), 0)


@case
def huge_text(t):
    """A disk image copied here by mistake is refused soon, and does not fill the memory."""
    t.mount()
    done = t.run("dd if=/dev/zero of=eu-west-1/x bs=1M count=200 status=none")
    check(done.code != 0, "200 MiB were accepted")
    contains(done.err, os.strerror(EFBIG))
    same(t.sim.count("CopySnapshot"), 0)


@case
def empty_file_starts_nothing(t):
    t.mount()
    t.ok("touch eu-west-1/x; : > eu-west-1/y")
    same(t.sim.count("CopySnapshot"), 0)
    # It can be filled later.
    t.ok(f"cat us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot > eu-west-1/x")
    same(t.sim.count("CopySnapshot"), 1)


INCOMPLETE = {
    "a blank line": "\\n",
    "a comment": "# nothing yet\\n",
    "a beginning": "---\\n",
    "an option": "copy.encrypted: yes\\n",
    "a tag": "copy.tag.env: prod\\n",
    "a fact": "size: 8 GiB\\n",
    "a snapshot": f"snapshot: {NIGHTLY}\\n",
    "a region": "region: us-east-1\\n",
    "a byte order mark": "\\xef\\xbb\\xbf",
}


@case
def incomplete_text_starts_nothing(t):
    """What names no snapshot starts none, however it is written; the reason is in its status; the mount lives on."""
    m = t.mount()
    ways = {"printf": "printf -- '{text}' > eu-west-1/{name}",
            "cp": "printf -- '{text}' > {dir}/text && cp {dir}/text eu-west-1/{name}",
            "two closes": "(printf -- '{text}'; :; /bin/echo -n) > eu-west-1/{name}",
            "a folder": "mkdir eu-west-1/{name}.d && printf -- '{text}' > eu-west-1/{name}.d/{name}.snapshot"}
    for way, command in ways.items():
        for number, (what, text) in enumerate(INCOMPLETE.items()):
            name = f"{way.replace(' ', '-')}-{number}"
            t.ok(command.format(text=text, name=name, dir=t.dir))
            path = m.region("eu-west-1", f"{name}.d.status" if way == "a folder" else f"{name}.status")
            # The last close is the release, whose end nobody waits for.
            got = until(lambda: status(path) if "message" in status(path) else None, f"a reason for {what} by {way}")
            contains(got["message"], "the text asks for nothing", what, way)
            contains(got["message"], "missing", what, way)
    t.ok("echo > eu-west-1/y")
    same(t.sim.count("CopySnapshot"), 0)
    # It can be completed later.
    t.ok(f"cat us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot > eu-west-1/printf-0")
    same(t.sim.count("CopySnapshot"), 1)


@case
def unfinished_text_starts_at_the_last_close(t):
    """A text without its `...`: flushes before the last close start nothing."""
    m = t.mount()
    path = m.region("eu-west-1", "x")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(fd, HEAD.encode())
    other = os.dup(fd)
    os.close(other)  # a flush, but not the last close
    same(t.sim.count("CopySnapshot"), 0, "CopySnapshot after a flush of an unfinished text")
    os.close(fd)
    # The last close is the release, whose end nobody waits for.
    until(lambda: t.sim.count("CopySnapshot") == 1, "the copy starts at the last close")


@case
def finished_text_starts_at_its_flush(t):
    m = t.mount()
    path = m.region("eu-west-1", "x")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(fd, (HEAD + "...\n").encode())
    os.close(os.dup(fd))
    same(t.sim.count("CopySnapshot"), 1, "CopySnapshot at the flush that has the `...`")
    os.close(fd)
    same(t.sim.count("CopySnapshot"), 1, "CopySnapshot after the last close")


@case
def fsync_is_no_flush(t):
    m = t.mount()
    fd = os.open(m.region("eu-west-1", "x"), os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(fd, HEAD.encode())
    os.fsync(fd)
    same(t.sim.count("CopySnapshot"), 0)
    os.write(fd, b"...\n")
    os.close(fd)
    same(t.sim.count("CopySnapshot"), 1)


@case
def an_unfinished_line_at_a_flush_is_no_error(t):
    """A writer may be between two halves of a line when another one's close flushes."""
    m = t.mount()
    fd = os.open(m.region("eu-west-1", "x"), os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(fd, (HEAD + "copy.descr").encode())
    os.close(os.dup(fd))
    os.write(fd, b"iption: two halves\n...\n")
    os.close(fd)
    same(t.sim.copies("eu-west-1")[0]["Description"], "two halves")


@case
def truncated_and_written_again(t):
    """What was refused can be written anew under the same name."""
    m = t.mount()
    refused(EINVAL, write, m.region("eu-west-1", "x"), HEAD + "nonsense\n...\n")
    write(m.region("eu-west-1", "x"), HEAD + "...\n")
    same(t.sim.count("CopySnapshot"), 1)
    same(status(m.region("eu-west-1", "x.status"))["snapshot"], t.sim.copies("eu-west-1")[0]["SnapshotId"])


@case
def append(t):
    """A text that was asked for at its first close is not asked for again when a later writer adds the end."""
    t.mount()
    done = t.run(f"printf 'region: us-east-1\\nsnapshot: {NIGHTLY}\\n' > eu-west-1/x; echo ... >> eu-west-1/x")
    until(lambda: t.sim.count("CopySnapshot") == 1, "one copy")
    same(len(t.sim.copies("eu-west-1")), 1, repr(done))


@case
def names_that_are_taken(t):
    """What the tree itself shows cannot be created: *.status, *.wait, *.copy, snapshots."""
    m = t.mount()
    for name in ("x.status", "x.wait", "x.copy"):
        refused((EINVAL, EPERM), write, m.region("eu-west-1", name), HEAD + "...\n")
        refused((EINVAL, EPERM), write, m.region("eu-west-1", "snapshots", name), HEAD + "...\n")
    same(t.sim.count("CopySnapshot"), 0)


@case
def a_snapshot_id_is_no_receipt_name(t):
    """snapshots/<id> is a snapshot's folder, or will be one: no file takes its place."""
    m = t.mount()
    done = t.run(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/snapshots/{NIGHTLY}")
    # Accepted under that name or refused: but the listing must not have an id that EC2 does not know as a folder there.
    if done.code == 0:
        check(os.path.isfile(m.region("eu-west-1", "snapshots", NIGHTLY)))
    else:
        same(t.sim.count("CopySnapshot"), 0)
