# SPDX-License-Identifier: MIT
"""Receipts as names of copies: when a text is complete, what is written over a receipt, its time, its status, its removal."""
import concurrent.futures
import json
import os
import signal
import subprocess
import threading
import time
from errno import EACCES, EBUSY, EEXIST, EINVAL, ENOENT, EPERM

import harness
from harness import Skip, case, check, contains, read, refused, same, status, until, write
from world import AWKWARD, BARE, NIGHTLY


def file(id):
    return f"us-east-1/snapshots/{id}/{id}.snapshot"


def text(m, id, *lines):
    return read(m.file("us-east-1", id)) + "".join(line + "\n" for line in lines)


# --- when a text is complete ---


@case
def a_child_that_closes_is_not_the_end(t):
    """The program that opened the file decides: options that a later command adds count, in each way that a shell has to say it."""
    m = t.mount()
    add = "echo 'copy.again: %d'"
    writers = (
        f"(cat {file(NIGHTLY)}; {add}) > eu-west-1/%d",
        f"{{ cat {file(NIGHTLY)}; {add}; }} > eu-west-1/%d",
        f"exec 3> eu-west-1/%d; cat {file(NIGHTLY)} >&3; {add} >&3; exec 3>&-",
        f"(cat {file(NIGHTLY)}; sh -c \"{add}\") | tee eu-west-1/%d >/dev/null",
        f"(cat {file(NIGHTLY)}; {add}) | dd of=eu-west-1/%d status=none",
        f"(cat {file(NIGHTLY)}; /bin/{add}) > eu-west-1/%d",
        f"(cat {file(NIGHTLY)} & wait; {add}) >> eu-west-1/%d",
    )
    for n, writer in enumerate(writers):
        t.ok(writer.replace("%d", str(n)))
        last = [c["Tags"].get("ebsfs:again") for c in t.sim.copies("eu-west-1")]
        same(sorted(last), [str(i) for i in range(n + 1)], writer)
        same(t.sim.count("CopySnapshot"), n + 1, writer)
    contains(read(m.region("eu-west-1", "0")), "copy.again: 0")


@case
def a_program_s_child_writes(t):
    """Python opens the file, and the command that it starts writes and closes it: the text ends with Python's close, which has the result."""
    m = t.mount()
    with open(m.region("eu-west-1", "x"), "w") as f:
        subprocess.run(["cat", m.file("us-east-1", NIGHTLY)], stdout=f, check=True)
        same(t.sim.count("CopySnapshot"), 0, "a child's close")
        subprocess.run(["echo", "copy.tag.more: yes"], stdout=f, check=True)
    same([c["Tags"]["more"] for c in t.sim.copies("eu-west-1")], ["yes"])
    fd = os.open(m.region("eu-west-1", "y"), os.O_WRONLY | os.O_CREAT)
    subprocess.run(["sh", "-c", "echo region: us-east-1; echo nonsense; echo ..."], stdout=fd, check=True)
    refused(EINVAL, os.close, fd)


@case
def after_the_end_nothing_follows(t):
    """Once the text was sent, this opening cannot write. A child that outlives the program that opened the file ends the text with its close."""
    m = t.mount()
    fd = os.open(m.region("eu-west-1", "x"), os.O_WRONLY | os.O_CREAT)
    os.write(fd, text(m, NIGHTLY).encode())
    os.close(os.dup(fd))
    same(t.sim.count("CopySnapshot"), 1)
    refused(EINVAL, os.write, fd, b"copy.kms-key: alias/dr\n")
    contains(read(m(".ebsfs/last-error")), "its text was requested when the file was closed the first time")
    os.close(fd)
    same(read(m.region("eu-west-1", "x")), text(m, NIGHTLY))
    t.ok(f"(sh -c 'sleep 0.3; cat {file(BARE)}' &) > eu-west-1/y")
    until(lambda: t.sim.count("CopySnapshot") == 2, "the copy is asked for", 10)
    m.allow("requests nothing")
    t.ok(f": > eu-west-1/z; head -2 {file(AWKWARD)} > eu-west-1/z")
    same(t.sim.count("CopySnapshot"), 2)


@case
def programs_of_another_pid_namespace(t):
    """ebsfs sees no number of theirs, so it cannot tell them apart: the last close decides, and its result is in the status."""
    if os.getuid() != 0:
        raise Skip("a pid namespace needs root")
    program = t.path("ebsfs-elsewhere")
    write(program, f'#!/bin/sh\nexec unshare --pid --fork {harness.EBSFS} "$@"\n', 0o755)
    harness.EBSFS = program
    # LeakSanitizer cannot stop threads there, and reports what is no leak.
    m = t.mount(env={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"})
    t.ok(f"(cat {file(NIGHTLY)}; echo copy.tag.more: yes) > eu-west-1/x")
    until(lambda: t.sim.copies("eu-west-1"), "the copy is asked for")
    same([c["Tags"]["more"] for c in t.sim.copies("eu-west-1")], ["yes"])
    m.allow("is not enabled for this account")
    t.ok(f"sed s/us-east-1/us-east-9/ {file(NIGHTLY)} > eu-west-1/y")
    until(lambda: "us-east-9" in read(m.region("eu-west-1", "y.status")), "the refusal is in the status")


# --- writing over a receipt ---


@case
def over_a_living_receipt(t):
    """The same again is 0 in each way to write; another source is EEXIST, and text and time stay. O_TRUNC leaves the text until close()."""
    m = t.mount()
    m.allow("stays as it was", "requests nothing")
    path = m.region("eu-west-1", "x")
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/x")
    for again in ("cp", "cp -f", "cp -p", "install -m 644", "cp --remove-destination", "cp -u", "cp -b"):
        t.ok(f"{again} {file(NIGHTLY)} eu-west-1/x")
    t.ok(f"cat {file(NIGHTLY)} > eu-west-1/x; tee eu-west-1/x < {file(NIGHTLY)} >/dev/null; dd if={file(NIGHTLY)} of=eu-west-1/x status=none")
    t.ok("sed -i s/a/a/ eu-west-1/x; perl -pi -e s/a/a/ eu-west-1/x")
    same(t.sim.count("CopySnapshot"), 1)
    kept = os.stat(path).st_mtime_ns
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
    same(read(path), text(m, NIGHTLY), "after O_TRUNC")
    os.write(fd, text(m, BARE).encode())
    os.utime(path, ns=(5, 5))
    same(read(path), text(m, NIGHTLY), "before the close")
    refused(EEXIST, os.close, fd)
    same((read(path), os.stat(path).st_mtime_ns), (text(m, NIGHTLY), kept), "after EEXIST")
    contains(read(m(".ebsfs/last-error")), "write this text to another name, or rm 'x' first")
    t.fails(EEXIST, f"cp {file(BARE)} eu-west-1/x")
    t.fails(EEXIST, f"cp -f {file(BARE)} eu-west-1/x")
    same(status(m.region("eu-west-1", "x.status"))["source"], f"us-east-1/{NIGHTLY}")
    # What asks for nothing changes nothing.
    t.ok(": > eu-west-1/x")
    same((read(path), os.stat(path).st_mtime_ns), (text(m, NIGHTLY), kept), "emptied")
    contains(read(m(".ebsfs/last-error")), "to remove the receipt, use rm")
    refused(EEXIST, os.truncate, path, 0)
    # Another text for the same copy takes the place of the old one.
    write(path, "# mine\n" + text(m, NIGHTLY))
    same(read(path), "# mine\n" + text(m, NIGHTLY))
    same(t.sim.count("CopySnapshot"), 1)
    m.unmount()
    t.mount()
    same(read(path), "# mine\n" + text(m, NIGHTLY))


@case
def over_a_receipt_that_came_to_nothing(t):
    """A failed one, a dry run's and a deleted copy's receipt take any text. Appended lines are added to its text, also while others read it."""
    m = t.mount("window=1", "ttl=1")
    m.allow("UnauthorizedOperation")
    t.sim.set_copy_seconds(0)
    t.sim.fault("CopySnapshot", code="UnauthorizedOperation", http=403)
    t.run(f"cp {file(NIGHTLY)} eu-west-1/x")
    same(status(m.region("eu-west-1", "x.status"))["state"], "failed")
    t.ok("(echo '# one'; stat eu-west-1/x >/dev/null; echo 'copy.tag.more: yes') >> eu-west-1/x")
    same(read(m.region("eu-west-1", "x")), text(m, NIGHTLY, "# one", "copy.tag.more: yes"))
    same([c["Tags"]["more"] for c in t.sim.copies("eu-west-1")], ["yes"])
    t.ok(f"(echo 'copy.dry-run: yes'; cat {file(BARE)}) > eu-west-1/d; cp {file(AWKWARD)} eu-west-1/d")
    same(status(m.region("eu-west-1", "d.status"))["source"], f"us-east-1/{AWKWARD}")
    copy = status(m.region("eu-west-1", "x.wait"))["snapshot"]
    time.sleep(1.2)
    t.sim.delete_snapshot("eu-west-1", copy)
    time.sleep(1.2)
    t.ok(f"cp {file(BARE)} eu-west-1/x")  # nobody has looked yet: EC2 is asked
    same(status(m.region("eu-west-1", "x.status"))["source"], f"us-east-1/{BARE}")


@case
def two_programs_write_one_name(t):
    """At the same time, and the same text: both get the first one's answer, and one request is sent."""
    m = t.mount()
    t.sim.fault("CopySnapshot", effect="slow", seconds=2)
    def write_both(name, what):
        command = ["sh", "-c", f"exec tee {m.region('eu-west-1', name)} < {what} >/dev/null"]
        both = [t.background(command, stderr=subprocess.PIPE) for _ in range(2)]
        return [(p.communicate()[1], p.returncode) for p in both]

    same(write_both("x", m.file("us-east-1", NIGHTLY)), [("", 0)] * 2)
    same(t.sim.count("CopySnapshot"), 1)
    m.allow("UnauthorizedOperation")
    t.sim.clear_faults()
    t.sim.fault("CopySnapshot", code="UnauthorizedOperation", http=403, times=2)
    [(first, _), (second, _)] = write_both("y", m.file("us-east-1", BARE))
    check("Permission denied" in first and "Permission denied" in second, first, second)


@case
def another_text_while_the_first_is_asked_for(t):
    """A close with another text waits for the first one's answer, and then asks: it joins the copy, or is EEXIST, or takes the place of what was refused."""
    m = t.mount()
    m.allow("stays as it was", "UnauthorizedOperation")

    def write_two(name, first, second):
        """The results of both closes."""
        ends = {}

        def close(which, fd):
            try:
                os.close(fd)
                ends[which] = 0
            except OSError as e:
                ends[which] = e.errno

        threads = []
        for which, what in enumerate((first, second)):
            fd = os.open(m.region("eu-west-1", name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(fd, what.encode())
            threads.append(threading.Thread(target=close, args=(which, fd)))
            threads[-1].start()
            until(lambda: status(m.region("eu-west-1", name + ".status"))["state"] != "unfinished", "the text is asked for")
            time.sleep(0.2)
        for thread in threads:
            thread.join(20)
        return ends[0], ends[1]

    t.sim.fault("CopySnapshot", effect="slow", seconds=2, times=10)
    same(write_two("x", text(m, NIGHTLY), text(m, NIGHTLY, "copy.tag.more: yes")), (0, 0))
    same(read(m.region("eu-west-1", "x")), text(m, NIGHTLY, "copy.tag.more: yes"))
    same(write_two("y", text(m, BARE), text(m, AWKWARD)), (0, EEXIST))
    same(read(m.region("eu-west-1", "y")), text(m, BARE))
    same(len(t.sim.copies("eu-west-1")), 2)
    same(write_two("z", text(m, AWKWARD, "copy.kms-key: alias/nowhere"), text(m, AWKWARD))[1], 0)
    same(read(m.region("eu-west-1", "z")), text(m, AWKWARD))
    same(len(t.sim.copies("eu-west-1")), 3)


@case
def after_an_interrupted_cp(t):
    """The request goes on. The next command on its receipt waits for the result: rm, install, mv, rsync, an editor."""
    m = t.mount("delete")
    m.allow("UnauthorizedOperation")
    t.sim.fault("CopySnapshot", effect="slow", seconds=0.7, times=100)
    t.ok(f"cp -p {file(NIGHTLY)} {t.path('new')}")
    commands = (f"install {file(NIGHTLY)} us-west-2/x", "rm us-west-2/x", "mv us-west-2/x us-west-2/y", f"rsync -a {t.path('new')} us-west-2/x",
                f"cp --remove-destination {file(NIGHTLY)} us-west-2/x", "sed -i s/a/a/ us-west-2/x", f"cp -b {file(NIGHTLY)} us-west-2/x",
                f"mv -f {file(NIGHTLY)} us-west-2/x")
    for n, command in enumerate(commands):
        again = t.path(f"text{n}")
        t.ok(f"(cat {file(NIGHTLY)}; echo copy.again: {n}) > {again}; touch -r {file(NIGHTLY)} {again}")
        cp = t.background(["cp", again, m.region("us-west-2", "x")], stderr=subprocess.DEVNULL)
        until(lambda: os.path.exists(m.region("us-west-2", "x.status")) and "submitting" in read(m.region("us-west-2", "x.status")), "it is asked for")
        cp.send_signal(signal.SIGINT)
        cp.wait(5)
        t.ok(command.replace(file(NIGHTLY), again).replace(t.path("new"), again) if "mv -f" not in command else f"! {command} 2>/dev/null")
        t.ok("rm -f us-west-2/x us-west-2/x~ us-west-2/y")
        same(len(t.sim.copies("us-west-2")), n + 1, command)
    same(t.sim.count("CopySnapshot"), len(commands))


@case
def a_rename_after_an_interrupted_one(t):
    """It waits for the first one's request, which is refused and leaves no receipt; it then asks itself, and does not hang."""
    m = t.mount("delete")
    m.allow("UnauthorizedOperation")
    os.stat(m.file("us-east-1", NIGHTLY))
    for n, names in enumerate(((m.file("us-east-1", NIGHTLY),) * 2, [m.region("eu-west-1", ".a"), m.region("eu-west-1", ".b")])):
        new = m.region("eu-west-1", f"x{n}")
        for name in names if n else ():
            write(name, text(m, BARE))
        for _ in range(2):
            t.sim.fault("CopySnapshot", code="UnauthorizedOperation", http=403)
        t.sim.pause()
        first, second = (["python3", "-c", f"import os; os.rename({name!r}, {new!r})"] for name in names)
        first = t.background(first, stderr=subprocess.DEVNULL)
        time.sleep(1)
        first.send_signal(signal.SIGINT)
        first.wait(5)
        second = t.background(second, stderr=subprocess.PIPE)
        time.sleep(1)
        t.sim.resume()
        contains(second.communicate(timeout=20)[1], "Permission denied")
        check(not os.path.exists(new), "a receipt is left")
    same(t.sim.copies("eu-west-1"), [])


@case
def mv_over_its_own_receipt(t):
    """cp, and later mv: the receipt stays, the copy is the same, and its source goes. Another snapshot's receipt is not replaced, and nothing is moved to a draft."""
    m = t.mount("delete")
    m.allow("stays as it was", "requests nothing", "UnauthorizedOperation")
    t.sim.set_copy_seconds(0)
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/; cp {file(BARE)} eu-west-1/bare")
    t.fails(EEXIST, f"mv -f {file(AWKWARD)} eu-west-1/bare")
    same(read(m.region("eu-west-1", "bare")), text(m, BARE))
    refused(EPERM, os.rename, m.file("us-east-1", AWKWARD), m.region("eu-west-1", ".x"))
    t.sim.fault("CopySnapshot", code="UnauthorizedOperation", http=403)
    t.run(f"cp {file(AWKWARD)} eu-west-1/failed")
    t.sim.fault("CopySnapshot", code="UnauthorizedOperation", http=403)
    t.fails(EACCES, f"mv -f {file(AWKWARD)} eu-west-1/failed")
    check(os.path.exists(m.region("eu-west-1", "failed")), "a refused mv takes a receipt away")
    sent = t.sim.count("CopySnapshot")
    t.ok(f"mv -f {file(NIGHTLY)} eu-west-1/")
    until(lambda: NIGHTLY not in {s["SnapshotId"] for s in t.sim.snapshots("us-east-1")}, "the source goes", 30)
    same(t.sim.count("CopySnapshot"), sent)
    contains(read(m.region("eu-west-1", NIGHTLY + ".snapshot")), f"snapshot: {NIGHTLY}")
    same({s["SnapshotId"] for s in t.sim.snapshots("us-east-1")} & {BARE, AWKWARD}, {BARE, AWKWARD})


# --- names ---


@case
def names_that_share_a_status(t):
    """A/ and A.snapshot, nightly and nightly.snapshot are names of one copy, or EEXIST."""
    m = t.mount()
    m.allow("has the same status file")
    t.ok(f"cp -r us-east-1/snapshots/{NIGHTLY} eu-west-1/; cp {file(NIGHTLY)} eu-west-1/; cp {file(BARE)} eu-west-1/nightly; cp {file(BARE)} eu-west-1/nightly.snapshot")
    same(t.sim.count("CopySnapshot"), 2)
    names = sorted(os.listdir(m.region("eu-west-1")))
    same(names, sorted([NIGHTLY, NIGHTLY + ".copy", NIGHTLY + ".snapshot", NIGHTLY + ".status", "nightly", "nightly.snapshot", "nightly.status", "snapshots"]))
    same(os.readlink(m.region("eu-west-1", NIGHTLY + ".copy")), "snapshots/" + status(m.region("eu-west-1", NIGHTLY + ".status"))["snapshot"])
    same(os.readlink(m.region("eu-west-1", "nightly.copy")), "snapshots/" + status(m.region("eu-west-1", "nightly.wait"))["snapshot"])
    t.ok("rm eu-west-1/nightly.snapshot")
    t.fails(EEXIST, f"cp {file(NIGHTLY)} eu-west-1/nightly.snapshot")
    contains(read(m(".ebsfs/last-error")), "choose another name for the new receipt, or rm '")
    t.fails(EEXIST, f"rm eu-west-1/nightly.snapshot; mv -f eu-west-1/{NIGHTLY}.snapshot eu-west-1/nightly.snapshot")
    t.ok(f"cp {file(BARE)} eu-west-1/b; mv -f eu-west-1/b eu-west-1/nightly.snapshot; rm eu-west-1/nightly.snapshot")
    same(status(m.region("eu-west-1", "nightly.status"))["source"], f"us-east-1/{BARE}")
    same(t.sim.count("CopySnapshot"), 2)
    m.unmount()
    m = t.mount()
    check(set(names) - {"nightly.snapshot"} <= set(os.listdir(m.region("eu-west-1"))), "after another mount")


@case
def a_status_that_is_removed(t):
    """It is gone, and .wait stays; it comes back when its receipt is written. rsync --delete so keeps receipts in step with their sources."""
    m = t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/snapshots/")
    folder = m.region("eu-west-1", "snapshots")
    t.ok(f"rm eu-west-1/snapshots/{NIGHTLY}.status")
    check(not os.path.exists(os.path.join(folder, NIGHTLY + ".status")) and NIGHTLY + ".status" not in os.listdir(folder), "it is there")
    contains(read(os.path.join(folder, NIGHTLY + ".wait")), "source: ")
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/snapshots/")
    check(NIGHTLY + ".status" in os.listdir(folder), "it is not back")
    # A mirror of the snapshots' files.
    t.ok(f"mkdir {t.path('from')}; cp -p {file(NIGHTLY)} {file(BARE)} {t.path('from')}")
    for _ in range(2):
        t.ok(f"rsync -a --delete --exclude=/snapshots {t.path('from')}/ us-west-2/")
        same(sorted(os.listdir(m.region("us-west-2"))), sorted([NIGHTLY + ".snapshot", BARE + ".snapshot", "snapshots"] + ([] if _ else [BARE + ".status", NIGHTLY + ".status"])))
    os.unlink(t.path("from", BARE + ".snapshot"))
    t.ok(f"rsync -a --delete --exclude=/snapshots {t.path('from')}/ us-west-2/")
    same(sorted(os.listdir(m.region("us-west-2"))), [NIGHTLY + ".snapshot", "snapshots"])
    same(len(t.sim.copies("us-west-2")), 2)


# --- times ---


@case
def the_time_of_a_receipt(t):
    """The snapshot file's unless a tool sets another, so rsync -a after cp sends nothing; also when the text was edited."""
    m = t.mount()
    source = os.stat(m.file("us-east-1", NIGHTLY)).st_mtime_ns
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/; sed s/x/x/ {file(NIGHTLY)} > eu-west-1/y; cp -r us-east-1/snapshots/{NIGHTLY} us-west-2/; cp {file(NIGHTLY)} us-west-2/")
    for path in (f"eu-west-1/{NIGHTLY}.snapshot", "eu-west-1/y", f"us-west-2/{NIGHTLY}/{NIGHTLY}.snapshot", f"us-west-2/{NIGHTLY}"):
        same(os.stat(m("regions", path)).st_mtime_ns, source, path)
    same(t.ok(f"rsync -a --out-format=%n {file(NIGHTLY)} eu-west-1/"), "")
    same(t.ok(f"rsync -a --out-format=%n {file(NIGHTLY)} us-west-2/"), "")
    t.ok(f"touch -d 2001-02-03 eu-west-1/y; cp {file(NIGHTLY)} eu-west-1/kept; touch -d 2001-02-03 eu-west-1/kept")
    m.unmount()
    m = t.mount()
    same(os.stat(m.region("eu-west-1", "kept")).st_mtime, 981158400)
    same(os.stat(m.region("eu-west-1", NIGHTLY + ".snapshot")).st_mtime_ns, source)
    t.ok(f"cat {file(NIGHTLY)} > eu-west-1/y")
    same(os.stat(m.region("eu-west-1", "y")).st_mtime_ns, source, "written again")
    same(t.sim.count("CopySnapshot"), 2)


@case
def the_time_of_what_came_to_nothing(t):
    """0, at once and whatever the kernel had cached: rsync -a and cp -u send it again. So has a new file that was refused."""
    m = t.mount()
    m.allow("UnauthorizedOperation", "enabled")
    t.sim.set_copy_seconds(3600)
    for again in ("rsync -a", "cp -u", "cp -au"):
        t.ok(f"cp -p {file(NIGHTLY)} eu-west-1/x")
        check(os.stat(m.region("eu-west-1", "x")).st_mtime > 0)
        t.sim.fail_copy("eu-west-1", "Given key ID is not accessible")
        until(lambda: status(m.region("eu-west-1", "x.status"))["state"] == "error", "EC2 gives it up")
        same(os.stat(m.region("eu-west-1", "x")).st_mtime, 0)
        sent = t.sim.count("CopySnapshot")
        t.ok(f"{again} {file(NIGHTLY)} eu-west-1/x")
        same(t.sim.count("CopySnapshot"), sent + 1, again)
        check(os.stat(m.region("eu-west-1", "x")).st_mtime > 0)
    t.run(f"sed s/us-east-1/us-east-9/ {file(NIGHTLY)} > {t.path('text')}; cp -p {t.path('text')} eu-west-1/z")
    same(os.stat(m.region("eu-west-1", "z")).st_mtime, 0)


# --- removal ---


@case
def the_last_receipt_of_a_queued_copy(t):
    """rm answers at once; the copy goes 5 seconds after its last receipt, not before and not with another one."""
    m = t.mount()
    m.allow("ResourceLimitExceeded")
    t.sim.set_limit(1)
    t.sim.set_copy_seconds(3600)
    t.ok(f"cp {file(NIGHTLY)} {file(BARE)} eu-west-1/; cp {file(BARE)} eu-west-1/too; cp {file(BARE)} eu-west-1/snapshots/")
    states = lambda: [c["state"] for c in json.loads(read(m("copies.json")))]  # noqa: E731
    t.ok(f"rm eu-west-1/{BARE}.snapshot eu-west-1/snapshots/{BARE}.snapshot")
    refused(ENOENT, os.stat, m.region("eu-west-1", BARE + ".status"))
    time.sleep(6)
    same(states(), ["pending", "queued"])
    t.ok("rm eu-west-1/too", seconds=2)
    same(states(), ["pending", "queued"])
    t.ok(f"cp {file(BARE)} eu-west-1/too")
    time.sleep(6)
    same(states(), ["pending", "queued"], "a new receipt has come")
    t.ok("rm eu-west-1/too")
    until(lambda: states() == ["pending", "cancelled"], "it is cancelled", 10)
    # A running one goes on.
    t.ok(f"rm eu-west-1/{NIGHTLY}.snapshot")
    time.sleep(1)
    same([c["State"] for c in t.sim.copies("eu-west-1")], ["pending"])


@case
def a_mirror_of_a_folder(t):
    """rsync -a --delete of a folder of snapshot files: receipts whose file is gone go, and the time of the region's folder is kept."""
    m = t.mount()
    os.makedirs(t.path("files"))
    for source in (NIGHTLY, BARE):
        t.ok(f"cp us-east-1/snapshots/{source}/{source}.snapshot {t.path('files')}/")
    os.utime(t.path("files"), (1700000000, 1700000000))
    command = f"rsync -a --delete --exclude=/snapshots --exclude='*.status' {t.path('files')}/ eu-west-1/"
    t.ok(command)
    same(t.sim.count("CopySnapshot"), 2)
    same(int(os.stat(m.region("eu-west-1")).st_mtime), 1700000000)
    os.unlink(t.path("files", BARE + ".snapshot"))
    t.ok(command)
    t.ok(command)
    same(sorted(n for n in os.listdir(m.region("eu-west-1")) if n.endswith(".snapshot")), [NIGHTLY + ".snapshot"])
    same(t.sim.count("CopySnapshot"), 2)
    refused(EPERM, os.chmod, m.region("eu-west-1"), 0o700)


@case
def how_a_running_copy_is_cancelled(t):
    """rm of its receipt is silent and cancels nothing; .ebsfs/health says what does."""
    t.sim.set(copy_seconds=60)
    for option, words, to in (("ttl=30", "mount with -o delete", "eu-west-1"), ("delete", "to cancel one: rmdir", "us-west-2")):
        m = t.mount(option)
        t.ok(f"cp {file(NIGHTLY)} {to}/x")
        id = status(m.region(to, "x.status"))["snapshot"]
        t.ok(f"rm {to}/x")
        contains(read(m(".ebsfs/health")), words)
        if option == "delete":
            os.rmdir(m.region(to, "snapshots", id))
            state = lambda: next(row["state"] for row in json.loads(read(m("copies.json"))) if row.get("snapshot") == id)
            until(lambda: state() == "cancelled", "the copy is cancelled")
        m.unmount()


# --- two at the same moment ---


def close(fd):
    """errno of the close; 0."""
    try:
        os.close(fd)
    except OSError as e:
        return e.errno
    return 0


@case
def removed_while_it_is_written_anew(t):
    """A text that is complete while its receipt is being removed asks for nothing, and its close says so."""
    m = t.mount()
    m.allow("is gone", "is being removed")
    path = m.region("eu-west-1", "x")
    got = set()
    for i in range(100):
        write(path, text(m, NIGHTLY))
        fd = os.open(path, os.O_WRONLY)
        os.write(fd, text(m, NIGHTLY).encode())
        remover = threading.Thread(target=os.unlink, args=(path,))
        remover.start()
        time.sleep(i * 0.00004)
        got.add(close(fd))
        remover.join()
    check(got <= {0, ENOENT, EBUSY}, got)
    same(t.sim.count("CopySnapshot"), 1)


@case
def one_file_of_a_folder_closed_twice_at_once(t):
    """Two openings of one file, whose name is not a snapshot file's: one request, whose result both get."""
    m = t.mount()
    m.allow("UnauthorizedOperation")
    for wanted in (EACCES, 0):
        folder = m.region("eu-west-1", f"folder{wanted}")
        os.mkdir(folder)
        write(folder + "/description", "mine")
        if wanted:
            t.sim.fault("CopySnapshot", code="UnauthorizedOperation", http=403)
        t.sim.set(latency_ms=500)
        fds = [os.open(folder + "/plain", os.O_WRONLY | os.O_CREAT) for _ in range(2)]
        for fd in fds:
            os.write(fd, text(m, NIGHTLY).encode())
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            same(list(pool.map(close, fds)), [wanted, wanted])
        t.sim.set(latency_ms=0)
        t.ok(f"rm -r {folder}", seconds=20)
    same((t.sim.count("CopySnapshot"), len(t.sim.copies("eu-west-1"))), (2, 1))


@case
def backups_among_receipts_of_two_copies_end(t):
    """cp -b and install -b rename x to x~, and again for as long as that is EEXIST."""
    m = t.mount()
    t.ok(f"cp {file(NIGHTLY)} eu-west-1/n; cp {file(BARE)} eu-west-1/n~")
    for command in ("cp -b", "install -b"):
        t.fails(EBUSY, f"timeout 20 {command} {file(NIGHTLY)} eu-west-1/n")
    t.fails(EBUSY, "mv eu-west-1/n eu-west-1/n~")
    same((read(m.region("eu-west-1", "n")), read(m.region("eu-west-1", "n~"))), (text(m, NIGHTLY), text(m, BARE)))
    same(t.sim.count("CopySnapshot"), 2)


@case
def a_file_that_was_removed_meanwhile(t):
    """Its text asks for nothing, and close() says so."""
    m = t.mount()
    fd = os.open(m.region("eu-west-1", "x"), os.O_WRONLY | os.O_CREAT)
    os.write(fd, text(m, NIGHTLY).encode())
    t.ok("rm eu-west-1/x")
    refused(ENOENT, os.close, fd)
    same(t.sim.count("CopySnapshot"), 0)
