# SPDX-License-Identifier: MIT
"""`status` and `.wait`: what they say in each state, how they wait, and what their readers cost."""
import errno
import os
import re
import select
import signal
import subprocess
import threading
import time

from harness import SLOW, Failure, case, check, contains, matches, read, refused, same, status, until
from world import AWKWARD, BARE, BROKEN, NIGHTLY, PENDING

ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def copy(t, id=NIGHTLY, to="eu-west-1"):
    t.ok(f"cp us-east-1/snapshots/{id}/{id}.snapshot {to}/")


@case
def of_a_completed_snapshot(t):
    m = t.mount()
    got = status(m.folder("us-east-1", NIGHTLY, "status"))
    same(got["state"], "completed")
    same(got["snapshot"], NIGHTLY)
    same(got["region"], "us-east-1")
    same(got["started"], "2026-11-20T03:00:12Z")
    check("eta" not in got, got)
    if "progress" in got:
        matches(got["progress"], r"^100%  \[#+\]$")


@case
def of_a_pending_snapshot(t):
    m = t.mount()
    text = read(m.folder("us-east-1", PENDING, "status"))
    got = status(m.folder("us-east-1", PENDING, "status"))
    same(list(got)[0], "state", "the first line")
    same(got["state"], "pending")
    matches(got["progress"], r"^42%  \[#+-+\]$")
    bar = re.search(r"\[(#+)(-+)\]", text)
    share = len(bar[1]) / len(bar[1] + bar[2])
    check(abs(share - 0.42) < 0.05, "the bar shows", share)
    same(got["started"], "2026-11-22T19:40:00Z")
    if "eta" in got:
        contains(got["eta"], "(estimated)")


@case
def of_a_failed_snapshot(t):
    """EC2's StatusMessage, and what usually causes it."""
    m = t.mount()
    got = status(m.folder("us-east-1", BROKEN, "status"))
    same(got["state"], "error")
    same(got["message"], "Given key ID is not accessible")
    contains(got["hint"].lower(), "key")


@case
def unknown_progress_is_not_zero(t):
    t.start_sim()
    m = t.mount("ttl=1")
    t.sim.change("us-east-1", PENDING, Progress="")
    t.ok("touch us-east-1/snapshots")
    text = read(m.folder("us-east-1", PENDING, "status"))
    check("0%" not in text, text)
    same(t.run(f"grep ^state: us-east-1/snapshots/{PENDING}/status").out, "state: pending\n")


@case
def of_a_copy(t):
    m = t.mount()
    t.sim.set_copy_seconds(3600)
    copy(t)
    [new] = t.sim.copies("eu-west-1")
    got = status(m.region("eu-west-1", NIGHTLY + ".status"))
    same(got["state"], "pending")
    same(got["snapshot"], new["SnapshotId"])
    same(got["region"], "eu-west-1")
    same(got["source"], "us-east-1/" + NIGHTLY)
    matches(got["started"], f"^{ISO}$")
    matches(got["elapsed"], r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$")
    # The new snapshot's own folder tells the same.
    there = status(m.folder("eu-west-1", new["SnapshotId"], "status"))
    same((there["state"], there["snapshot"]), ("pending", new["SnapshotId"]))


@case
def shows_progress(t):
    """pending, ever more percent, completed: as one who watches sees it."""
    m = t.mount()
    t.sim.set_copy_seconds(3600)
    copy(t)
    [new] = t.sim.copies("eu-west-1")
    path = m.region("eu-west-1", NIGHTLY + ".status")
    for percent in (7, 42, 99):
        t.sim.change("eu-west-1", new["SnapshotId"], Progress=f"{percent}%")
        until(lambda: re.match(rf"{percent}%", status(path).get("progress", "")), f"{percent}% is shown", 60)
        same(status(path)["state"], "pending")
    t.sim.end_snapshot("eu-west-1", new["SnapshotId"])
    until(lambda: status(path)["state"] == "completed", "the copy completes", 60)
    check("snapshot" in status(path))


@case
def of_a_queued_copy(t):
    """position and reason, with the destination's limit."""
    m = t.mount()
    t.sim.set_copy_seconds(3600)
    t.sim.set_limit(1)
    for id in (NIGHTLY, AWKWARD, BARE):
        copy(t, id)
    m.allow("ResourceLimitExceeded")
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["state"], "pending")
    for id, position in ((AWKWARD, "1 of 2"), (BARE, "2 of 2")):
        got = status(m.region("eu-west-1", id + ".status"))
        same(got["state"], "queued")
        same(got["position"], position)
        check(len(got["reason"]) > 10, "no reason:", got)
        same(got["source"], "us-east-1/" + id)
    contains(status(m.region("eu-west-1", AWKWARD + ".status"))["reason"], "1 ", "the reason names the limit:")
    same(len(t.sim.copies("eu-west-1")), 1)


@case
def of_a_copy_that_ec2_gives_up(t):
    """EC2's asynchronous failure: its StatusMessage and a hint."""
    m = t.mount()
    t.sim.set_copy_seconds(3600)
    copy(t)
    t.sim.fail_copy("eu-west-1", "Given key ID is not accessible")
    path = m.region("eu-west-1", NIGHTLY + ".status")
    until(lambda: status(path)["state"] == "error", "the copy's failure is seen", 40)
    got = status(path)
    same(got["message"], "Given key ID is not accessible")
    check(len(got["hint"]) > 20, got)


@case
def of_a_refused_copy(t):
    m = t.mount()
    m.allow("UnauthorizedOperation")
    t.sim.fault("CopySnapshot", code="UnauthorizedOperation", http=403, message="You are not authorized to perform this operation.")
    t.fails(13, f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/")
    got = status(m.region("eu-west-1", NIGHTLY + ".status"))
    same(got["state"], "failed")
    same(got["code"], "UnauthorizedOperation")
    contains(got["message"], "You are not authorized to perform this operation")
    check(len(got["request-id"]) > 5, got)


@case
def wait_is_not_listed(t):
    m = t.mount()
    copy(t)
    for folder in (m.folder("us-east-1", NIGHTLY), m.region("eu-west-1")):
        check(not [n for n in os.listdir(folder) if n.endswith(".wait")], os.listdir(folder))


@case
def wait_on_what_has_ended(t):
    m = t.mount()
    same(read(m.folder("us-east-1", NIGHTLY, ".wait")), read(m.folder("us-east-1", NIGHTLY, "status")))


@case
def wait_blocks_until_the_copy_ends(t):
    m = t.mount()
    t.sim.set_copy_seconds(3600)
    copy(t)
    waiting = t.background(["cat", m.region("eu-west-1", NIGHTLY + ".wait")], stdout=subprocess.PIPE)
    try:
        waiting.wait(1)
        raise Failure("`.wait` came back before the copy's end")
    except subprocess.TimeoutExpired:
        pass
    t.sim.end_snapshot("eu-west-1", t.sim.copies("eu-west-1")[0]["SnapshotId"])
    out, _ = waiting.communicate(timeout=60 * SLOW)
    contains(out, "state: completed\n")
    same(t.sim.copies("eu-west-1")[0]["State"], "completed")


@case
def wait_in_small_reads(t):
    """However little is read at once, at the end of the wait or after it, the whole text comes."""
    m = t.mount()
    t.sim.set_copy_seconds(3)
    copy(t)
    path = m.region("eu-west-1", NIGHTLY + ".wait")
    commands = [f"head -c 9 {path}", f"dd bs=10 status=none if={path}", f"dash -c 'while read -r line; do echo \"$line\"; done < {path}'"]
    waiting = [t.background(["bash", "-c", c], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for c in commands]
    fd = os.open(path, os.O_RDONLY)
    text = b""
    while piece := os.read(fd, 7):
        text += piece
    os.close(fd)
    contains(text.decode(), "state: completed\n")
    for command, process in zip(commands, waiting):
        out, _ = process.communicate(timeout=60)
        check(process.returncode == 0, command, out)
        check(out.startswith("state: co") if "head" in command else "state: completed\n" in out, command, out)
        check("head" not in command or len(out) == 9, command, out)
    for command in commands:  # it has ended
        contains(t.ok(command), "state: co", command)
    same(t.ok(f"dd bs=10 status=none if={path}"), read(m.region("eu-west-1", NIGHTLY + ".status")))


@case
def wait_blocks_until_the_snapshot_ends(t):
    m = t.mount()
    waiting = t.background(["cat", m.folder("us-east-1", PENDING, ".wait")], stdout=subprocess.PIPE)
    try:
        waiting.wait(1)
        raise Failure("`.wait` came back before the snapshot's end")
    except subprocess.TimeoutExpired:
        pass
    t.sim.end_snapshot("us-east-1", PENDING)
    out, _ = waiting.communicate(timeout=60 * SLOW)
    contains(out, "state: completed\n")


@case
def wait_is_interrupted(t):
    """^C ends it, and the mount is none the worse."""
    m = t.mount()
    waiting = t.background(["cat", m.folder("us-east-1", PENDING, ".wait")], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.5)  # that it is still blocked is what the next line shows
    check(waiting.poll() is None, "not blocked")
    waiting.send_signal(signal.SIGINT)
    same(waiting.wait(20 * SLOW), -signal.SIGINT)

    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    # A handler that does not restart: read() itself says EINTR.
    signal.signal(signal.SIGALRM, ring)
    fd = os.open(m.folder("us-east-1", PENDING, ".wait"), os.O_RDONLY)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        os.read(fd, 4096)
        raise Failure("read() came back")
    except Alarm:
        pass
    os.close(fd)
    same(status(m.folder("us-east-1", PENDING, "status"))["state"], "pending")


@case
def hundred_waiters(t):
    """A request that waits costs no thread: other work goes on beside a hundred of them."""
    m = t.mount()
    t.sim.set_copy_seconds(3600)
    copy(t)
    waiting = [t.background(["cat", m.region("eu-west-1", NIGHTLY + ".wait")], stdout=subprocess.PIPE) for _ in range(100)]
    same(status(m.folder("us-east-1", BARE, "status"))["state"], "completed")
    t.sim.end_snapshot("eu-west-1", t.sim.copies("eu-west-1")[0]["SnapshotId"])
    for process in waiting:
        out, _ = process.communicate(timeout=60 * SLOW)
        contains(out, "state: completed\n")


@case
def poll_reports_a_change(t):
    m = t.mount()
    fd = os.open(m.folder("us-east-1", PENDING, "status"), os.O_RDONLY)
    contains(os.read(fd, 4096).decode(), "state: pending")
    poller = select.poll()
    poller.register(fd, select.POLLIN | select.POLLPRI)
    same(poller.poll(0), [], "poll() after the text was read, before any change")
    t.sim.end_snapshot("us-east-1", PENDING)
    events = poller.poll(40000 * SLOW)
    check(events, "poll() was not woken")
    contains(os.pread(fd, 4096, 0).decode(), "state: completed")
    os.close(fd)


@case
def readers_share_the_requests(t):
    """However many readers there are, one DescribeSnapshots a region and interval serves them all."""
    m = t.mount("poll=0.5")
    t.sim.set_copy_seconds(3600)
    for id in (NIGHTLY, AWKWARD, BARE):
        copy(t, id)

    def requests_of(readers):
        """How many requests, reads and intervals there were in some seconds."""
        before = t.sim.count("DescribeSnapshots", "eu-west-1")
        start = time.monotonic()
        end = start + 3
        loops = [0]

        def reader(path):
            while time.monotonic() < end:
                check("pending" in read(path))
                loops[0] += 1
                time.sleep(0.01)

        threads = [threading.Thread(target=reader, args=(m.region("eu-west-1", id + ".status"),))
                   for id in (NIGHTLY, AWKWARD, BARE) for _ in range(readers)]
        for x in threads:
            x.start()
        for x in threads:
            x.join()
        return t.sim.count("DescribeSnapshots", "eu-west-1") - before, loops[0], (time.monotonic() - start) / 0.5

    for readers in (1, 10):
        requests, reads, intervals = requests_of(readers)
        check(requests <= intervals + 2, requests, "requests in", intervals, "intervals")
        check(reads > 5 * requests, reads, "reads,", requests, "requests")


@case
def fit_for_grep_and_awk(t):
    t.mount()
    copy(t)
    same(t.ok(f"awk '/^snapshot:/ {{ print $2 }}' eu-west-1/{NIGHTLY}.status"), t.sim.copies("eu-west-1")[0]["SnapshotId"] + "\n")
    same(t.ok("grep -c ^state: us-east-1/snapshots/*/status | wc -l"), "6\n")


@case
def seek_and_small_reads(t):
    """A text read in pieces is one text, even if the copy moves on between two of them."""
    m = t.mount()
    path = m.folder("us-east-1", PENDING, "status")
    fd = os.open(path, os.O_RDONLY)
    text = b""
    while piece := os.read(fd, 7):
        text += piece
        if len(text) == 7:
            t.sim.end_snapshot("us-east-1", PENDING)
            t.ok("touch us-east-1/snapshots")
    os.close(fd)
    contains(text.decode(), "state: pending\n")
    check("completed" not in text.decode(), text)


@case
def texts_have_no_holes(t):
    """SEEK_DATA and SEEK_HOLE see one piece of data up to the file's end; .wait is a stream. Common tools never ask."""
    m = t.mount()
    for name in ("description", "metadata.json", "status", NIGHTLY + ".snapshot"):
        fd = os.open(m.folder("us-east-1", NIGHTLY, name), os.O_RDONLY)
        size = os.fstat(fd).st_size
        same([os.lseek(fd, o, os.SEEK_DATA) for o in (0, 5, size - 1)], [0, 5, size - 1])
        same([os.lseek(fd, o, os.SEEK_HOLE) for o in (0, size - 1)], [size, size])
        for whence in (os.SEEK_DATA, os.SEEK_HOLE):
            refused(errno.ENXIO, os.lseek, fd, size, whence)
        os.close(fd)
    fd = os.open(m.folder("us-east-1", NIGHTLY, ".wait"), os.O_RDONLY)
    refused(errno.ESPIPE, os.lseek, fd, 0, os.SEEK_HOLE)
    os.close(fd)
    before = m.metric("ebsfs_kernel_requests_total", op="lseek")
    check(before > 0, "the test's own requests are counted")
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} {t.path('out')} && tar cSf {t.path('out.tar')} us-east-1/snapshots/{NIGHTLY} && grep -r snapshot us-east-1/snapshots/{NIGHTLY}/[dmst]*")
    same(m.metric("ebsfs_kernel_requests_total", op="lseek"), before)


def completed_copy(t, m):
    """Copies NIGHTLY, and waits for the end. Returns the copy's id and the path of its status."""
    t.sim.set_copy_seconds(1)
    copy(t)
    read(m.region("eu-west-1", NIGHTLY + ".wait"))
    return t.sim.copies("eu-west-1")[0]["SnapshotId"], m.region("eu-west-1", NIGHTLY + ".status")


@case
def of_a_deleted_copy(t):
    """Reading the status of a completed copy notices that its snapshot is gone; ls and stat ask EC2 nothing."""
    t.start_sim()
    m = t.mount("ttl=1,window=1")
    new, path = completed_copy(t, m)
    same(status(path)["state"], "completed")
    t.sim.delete_snapshot("eu-west-1", new)
    time.sleep(2.5)  # ttl, and window
    before = t.sim.total()
    t.ok(f"ls -l eu-west-1 && stat eu-west-1/{NIGHTLY}.status")
    same(t.sim.total(), before, "ls and stat")
    t.ok(f"grep -q '^state: deleted$' eu-west-1/{NIGHTLY}.status")
    asked = t.sim.total()
    check(asked - before <= 2, asked - before, "requests")
    got = status(path)
    same(got["state"], "deleted")
    same(got["snapshot"], new)
    matches(got["deleted"], f"^{ISO}$")
    same(time.gmtime(os.stat(path).st_mtime)[:6], time.strptime(got["deleted"], "%Y-%m-%dT%H:%M:%SZ")[:6])
    same(read(m.region("eu-west-1", NIGHTLY + ".wait")), read(path))
    same(t.sim.total(), asked, "a copy known to be deleted")
    same(t.sim.count("CopySnapshot"), 1)


@case
def wait_on_a_deleted_copy(t):
    t.start_sim()
    m = t.mount("ttl=1,window=1")
    new, _ = completed_copy(t, m)
    t.sim.delete_snapshot("eu-west-1", new)
    time.sleep(2.5)
    same(status(m.region("eu-west-1", NIGHTLY + ".wait"))["state"], "deleted")


@case
def of_a_completed_copy_without_ec2(t):
    """EC2 does not answer: the last known state, with a note, after two seconds; the next readers do not wait."""
    t.start_sim()
    m = t.mount("ttl=1,window=1,timeout=3")
    m.allow("DescribeSnapshots|timed out|time-out|eu-west-1")
    new, path = completed_copy(t, m)
    time.sleep(2.5)
    t.sim.fault("DescribeSnapshots", effect="hang", times=1000)
    for name in (".status", ".wait", ".status"):
        start = time.monotonic()
        got = status(m.region("eu-west-1", NIGHTLY + name))
        same((got["state"], got["snapshot"]), ("completed", new))
        contains(got["note"], "the last known state; EC2 could not be asked")
        check(time.monotonic() - start < (10 if name == ".status" else 1) * SLOW, name, time.monotonic() - start)
    t.sim.clear_faults()
    until(lambda: "note" not in status(path), "the note goes once EC2 answers", 60)


@case
def times_of_what_has_ended(t):
    """A status that changes no more has the time of its end: tar and rsync see a file that stays as it is."""
    m = t.mount()
    t.sim.set_copy_seconds(1)
    copy(t)
    read(m.region("eu-west-1", NIGHTLY + ".wait"))
    new = t.sim.copies("eu-west-1")[0]["SnapshotId"]
    ended = [m.folder("us-east-1", NIGHTLY, "status"), m.folder("us-east-1", NIGHTLY, ".wait"), m.folder("us-east-1", BROKEN, "status"),
             m.folder("eu-west-1", new, "status"), m.region("eu-west-1", NIGHTLY + ".status"), m.region("eu-west-1", NIGHTLY + ".wait")]
    times = lambda path: (os.stat(path).st_mtime_ns, os.stat(path).st_ctime_ns)
    first = [times(path) for path in ended]
    pending = os.stat(m.folder("us-east-1", PENDING, "status")).st_mtime
    time.sleep(1.1)
    same([times(path) for path in ended], first)
    check(os.stat(m.folder("us-east-1", PENDING, "status")).st_mtime > pending, "the status of a pending snapshot changes")
    for path, (mtime, ctime) in zip(ended, first):
        same(mtime, ctime, path)
        got = status(path)
        end = time.strptime(got.get("ended", got["started"]), "%Y-%m-%dT%H:%M:%SZ")
        same(time.gmtime(mtime // 10**9)[:6], end[:6], path)
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/folder")
    t.ok(f"rsync -a --exclude=/snapshots eu-west-1/ {t.path('receipts')}/")
    # tar compares ctime before and after each file that it reads; rsync compares mtime with the run before.
    t.ok(f"cd {m.region('us-east-1')} && for i in $(seq 30); do tar cf {t.path('out.tar')} snapshots/{NIGHTLY} || exit; sleep 0.05; done")
    t.ok(f"rsync -a {m.folder('us-east-1', NIGHTLY)} {t.path('there')}")
    time.sleep(1.1)
    same(t.ok(f"rsync -ai {m.folder('us-east-1', NIGHTLY)} {t.path('there')}"), "")
    same(t.ok(f"rsync -ai --exclude=/snapshots eu-west-1/ {t.path('receipts')}/"), "", "receipts, with the link to the copy")


@case
def command_at_the_end(t):
    """on_end= is run for each copy that ends, with its facts in the environment."""
    m = t.mount("on_end=echo $EBSFS_STATE $EBSFS_REGION $EBSFS_SNAPSHOT $EBSFS_SOURCE_REGION/$EBSFS_SOURCE_SNAPSHOT >> " + t.path("ends"))
    t.sim.set_copy_seconds(1)
    copy(t)
    read(m.region("eu-west-1", NIGHTLY + ".wait"))
    until(lambda: os.path.exists(t.path("ends")) and read(t.path("ends")), "the command is run")
    same(read(t.path("ends")), f"completed eu-west-1 {t.sim.copies('eu-west-1')[0]['SnapshotId']} us-east-1/{NIGHTLY}\n")
