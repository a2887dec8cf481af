# SPDX-License-Identifier: MIT
"""Answers that no honest EC2 gives: EIO with a reason, no crash, bounded memory, and no name that could lead elsewhere."""
import json
import os
from errno import EINVAL, EIO, ENOENT

from harness import SLOW, Timer, case, check, contains, read, refused, same
from impostor import Impostor, describe, snapshot_item
from world import BROKEN, IRISH, NIGHTLY


def mount(t, body):
    """Mounts an impostor that answers DescribeSnapshots of us-east-1 with body (text, bytes, or a function that writes)."""
    impostor = Impostor({"us-east-1": body, "eu-west-1": describe(snapshot_item(IRISH))})
    t.closers.append(impostor.close)
    t.env.update(AWS_ACCESS_KEY_ID="AKIAIMPOSTOR00000000", AWS_SECRET_ACCESS_KEY="x")
    m = t.mount(endpoint=impostor.url)
    m.allow(".")
    return m


def eio(t, body, memory_mib=100):
    """Listing the region is EIO with a reason in last-error; the mount and the other region live on."""
    m = mount(t, body)
    with Timer() as timer:
        refused(EIO, os.listdir, m.region("us-east-1", "snapshots"))
    check(timer.seconds < 90 * SLOW, "took", timer.seconds)
    contains(read(m(".ebsfs/last-error")), "us-east-1")
    same(os.listdir(m.region("eu-west-1", "snapshots")), [IRISH])
    if SLOW == 1:  # sanitizers have a memory of their own
        check(m.memory_kib() < memory_mib * 1024, m.memory_kib() // 1024, "MiB")
    m.allowed = []
    m.allow("ebsfs error:")


@case
def not_xml(t):
    eio(t, "this is no XML")


@case
def empty_body(t):
    eio(t, "")


@case
def html(t):
    eio(t, "<!DOCTYPE html><html><body><p>Sign in to the hotel's network<br></body></html>")


@case
def another_root(t):
    eio(t, "<?xml version='1.0'?><DescribeVolumesResponse><volumeSet/></DescribeVolumesResponse>")


@case
def cut(t):
    """The body ends in the middle, though its length is right."""
    eio(t, describe(*[snapshot_item(NIGHTLY)] * 3)[:-40])


@case
def cut_connection(t):
    """The connection ends before the body that was announced."""
    def body(out):
        out.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + describe(snapshot_item(NIGHTLY)).encode())
    eio(t, body)


@case
def deeply_nested(t):
    eio(t, "<DescribeSnapshotsResponse>" + "<a>" * 200000)


@case
def entity_bomb(t):
    """A billion laughs."""
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    eio(t, f"<?xml version='1.0'?><!DOCTYPE x [{entities}]>"
           + describe(snapshot_item(NIGHTLY, Description="&a11;"), head=False))


@case
def external_entity(t):
    """No file and no address is read because an answer says so."""
    secret = t.path("secret")
    with open(secret, "w") as f:
        f.write("the secret text")
    m = mount(t, f"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file://{secret}'>]>"
                 + describe(snapshot_item(NIGHTLY, Description="&e;"), head=False))
    try:
        os.listdir(m.region("us-east-1", "snapshots"))
        text = read(m.folder("us-east-1", NIGHTLY, "description"))
    except OSError as e:
        same(e.errno, EIO)
        text = read(m(".ebsfs/last-error"))
    check("the secret text" not in text, text)


@case
def huge_body(t):
    """A body without end."""
    def body(out):
        out.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<DescribeSnapshotsResponse><snapshotSet>")
        for _ in range(2000):
            out.write(b"<item><description>" + b"x" * 100000 + b"</description></item>")
    eio(t, body, 200)


@case
def huge_text(t):
    """One field of 100 MB."""
    def body(out):
        out.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<DescribeSnapshotsResponse><snapshotSet><item><description>")
        for _ in range(1000):
            out.write(b"x" * 100000)
        out.write(b"</description></item></snapshotSet></DescribeSnapshotsResponse>")
    eio(t, body, 200)


@case
def huge_header(t):
    def body(out):
        out.write(b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 1000000 + b"\r\n\r\n")
        for _ in range(100):
            out.write(b"X-More: " + b"x" * 100000 + b"\r\n")
    m = mount(t, body)
    with Timer() as timer:
        refused((EIO, 113, 110), os.listdir, m.region("us-east-1", "snapshots"))
    check(timer.seconds < 90 * SLOW)


@case
def pages_without_end(t):
    """Every page has a token for one more."""
    eio(t, describe(snapshot_item(NIGHTLY), token="again"))


pages_without_end.seconds = 300


@case
def redirect(t):
    """A redirect is not followed: the signed request goes nowhere else."""
    def body(out):
        out.write(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
    eio(t, body)


@case
def ids_that_are_none(t):
    """Only what has an id's form becomes a name."""
    bad = ["../x", "..", "", "/etc/passwd", "snap-", "snap-XYZ", "snap-0a1b2c3d4e5f60718/../..", "s" * 4096,
           "snap-" + "a" * 4096, "snap-0a1b2c3d\n4e5f60718", "vol-0123456789abcdef0", "snap-0a1b2c3d4e5f6071%00", "."]
    m = mount(t, describe(snapshot_item(NIGHTLY), *[snapshot_item(b) for b in bad]))
    same(os.listdir(m.region("us-east-1", "snapshots")), [NIGHTLY])
    refused(ENOENT, os.stat, m.folder("us-east-1", "snap-XYZ"))


@case
def one_odd_record(t):
    """It hides no other; what is left out is counted, where a person and where a program looks, and once in the log."""
    tags = "".join(f"<item><key>k{i}</key><value>v</value></item>" for i in range(10000))
    odd = {"snap-0000000000000000a": dict(tagSet="<item><key>k</key><value>a\x01b&#27;</value></item>"),
           "snap-0000000000000000b": dict(tagSet=tags),
           "snap-0000000000000000c": dict(description="x" * 100000),
           "snap-0000000000000000d": dict(encrypted="perhaps", startTime="yesterday", fullSnapshotSizeInBytes=2 ** 63 - 1)}
    m = mount(t, describe(snapshot_item(NIGHTLY), *[snapshot_item(i, **f) for i, f in odd.items()], snapshot_item("s.snap-0a1b2c3d4e5f60718"),
                          snapshot_item("\n  snap-0000000000000000e\n "), snapshot_item("snap-7CE23B9B")))
    for _ in range(2):
        same(set(os.listdir(m.region("us-east-1", "snapshots"))), {NIGHTLY, "snap-0000000000000000e", "snap-7CE23B9B", *odd})
        t.ok("touch us-east-1/snapshots")
    for id in odd:
        contains(read(m.folder("us-east-1", id, "status")), "note: not shown as EC2 sent it")
        contains(read(m.folder("us-east-1", id, "metadata.json")), '"ebsfs:note": "not shown')
    check("note" not in read(m.folder("us-east-1", NIGHTLY, "status")))
    same(read(m.folder("us-east-1", "snap-0000000000000000a", "tags", "k")), "a\ufffdb\ufffd\n")
    unknown = "snap-0000000000000000d"
    check("encrypted" not in read(m.file("us-east-1", unknown)))
    check("Encrypted" not in read(m.folder("us-east-1", unknown, "metadata.json")))
    same(os.stat(m.folder("us-east-1", unknown)).st_blocks, 0)
    contains(read(m(".ebsfs/health")), "1 left out (ids not of EC2's form); 4 incomplete")
    same((m.metric("ebsfs_snapshots_left_out", region="us-east-1"), m.metric("ebsfs_snapshots_incomplete", region="us-east-1")), (1, 4))
    same(m.log_text().count("1 snapshot left out of the listing"), 1)
    contains(m.log_text(), "s.snap-0a1b2c3d4e5f60718")


@case
def tags_that_are_no_names(t):
    """Every key is one name in its folder, whatever it holds."""
    keys = ["../../x", "a/b", "..", ".", "nul&#10;line", "k" * 127, "schön", "%2F"]
    tags = "".join(f"<item><key>{k}</key><value>v</value></item>" for k in keys)
    m = mount(t, describe(snapshot_item(NIGHTLY, tagSet=tags)))
    folder = m.folder("us-east-1", NIGHTLY, "tags")
    names = os.listdir(folder)
    same(len(names), len(keys), names)
    for name in names:
        check("/" not in name and name not in (".", ".."), name)
        same(read(os.path.join(folder, name)), "v\n")


@case
def numbers_that_are_none(t):
    """A size that is no size is unknown, or the answer is refused; never a wrong one."""
    m = mount(t, describe(
        snapshot_item("snap-11111111111111111", volumeSize="-5"),
        snapshot_item("snap-22222222222222222", volumeSize="99999999999999999999"),
        snapshot_item("snap-33333333333333333", volumeSize="eight", startTime="yesterday", progress="lots"),
        snapshot_item(NIGHTLY)))
    try:
        names = os.listdir(m.region("us-east-1", "snapshots"))
    except OSError as e:
        same(e.errno, EIO)
        return
    for name in names:
        s = os.stat(m.folder("us-east-1", name))
        check(0 <= s.st_size <= 65536 << 30, name, s.st_size)
        read(m.folder("us-east-1", name, "status"))
        read(m.folder("us-east-1", name, "metadata.json"))


@case
def description_with_lines(t):
    """A description cannot forge lines of the snapshot file or of status."""
    m = mount(t, describe(snapshot_item(NIGHTLY, Description="x&#10;copy.kms-key: evil&#10;...&#10;state: completed")))
    text = read(m.file("us-east-1", NIGHTLY))
    same([l for l in text.splitlines() if l.startswith("copy.")], [])
    same(text.count("\n...\n"), 1)


@case
def regions_that_are_none(t):
    impostor = Impostor({"us-east-1": describe(snapshot_item(NIGHTLY))},
                        regions=["us-east-1", "../x", "", "..", "a/b", "us-east-1 ", "r" * 4096, "evil.example.com#"])
    t.closers.append(impostor.close)
    t.env.update(AWS_ACCESS_KEY_ID="AKIAIMPOSTOR00000000", AWS_SECRET_ACCESS_KEY="x")
    m = t.mount(endpoint=impostor.url)
    m.allow(".")
    same(os.listdir(m("regions")), ["us-east-1"])


@case
def an_error_that_is_no_xml(t):
    def body(out):
        out.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\noops")
    eio(t, body)


@case
def error_message_with_control_characters(t):
    """The reason is shown without codes that a terminal would obey."""
    def body(out):
        text = ("<Response><Errors><Error><Code>Str&#x9b;ange</Code><Message>a&#10;b&#x1b; &#x7f;[31mred</Message></Error></Errors>"
                "<RequestID>r</RequestID></Response>")
        out.write(f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
    m = mount(t, body)
    refused(EIO, os.listdir, m.region("us-east-1", "snapshots"))
    with open(m(".ebsfs/last-error"), "rb") as f:
        text = f.read()
    check(not any(c < 32 and c != 10 or c == 127 for c in text), text)


COMMANDS = "\u009b31m\u202edeleted\u2066\u200f\u061c"  # a colour, and text from right to left


@case
def text_that_commands_a_terminal(t):
    """In what ebsfs writes for people it is harmless; what programs read is EC2's text, exactly."""
    t.start_sim()
    t.sim.change("us-east-1", NIGHTLY, Description=COMMANDS, Tags={COMMANDS: COMMANDS})
    t.sim.change("us-east-1", BROKEN, StateMessage=COMMANDS + "\nstate: completed")
    m = t.mount()
    m.allow("InvalidParameter")
    t.sim.fault("CopySnapshot", code="InvalidParameter", message=COMMANDS)
    t.fails(EINVAL, f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/")
    told = [read(m.folder("us-east-1", BROKEN, "status")), read(m.region("eu-west-1", NIGHTLY + ".status")), read(m("copies")),
            read(m("copies.json")), read(m(".ebsfs/last-error")), m.log_text(), read(m.file("us-east-1", NIGHTLY)),
            read(m.folder("us-east-1", NIGHTLY, "metadata.json")), *os.listdir(m.folder("us-east-1", NIGHTLY, "tags"))]
    for text in told:
        contains(text, "deleted")
        for c in COMMANDS:
            check(c.isprintable() or c not in text, "U+%04X" % ord(c), "in", repr(text))
    same(told[0].count("state: "), 2, repr(told[0]))
    check("\nstate: completed" not in told[0], repr(told[0]))
    same(read(m.folder("us-east-1", NIGHTLY, "description")), COMMANDS + "\n")
    same(json.loads(told[7])["Description"], COMMANDS)
    same(json.loads(told[7])["Tags"], [{"Key": COMMANDS, "Value": COMMANDS}])
    same(read(m.folder("us-east-1", NIGHTLY, "tags", told[8])), COMMANDS + "\n")
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/again")
    [copy] = t.sim.copies("eu-west-1")
    same(copy["Description"], f"[Copied {NIGHTLY} from us-east-1] {COMMANDS}")
    same(copy["Tags"][COMMANDS], COMMANDS)
