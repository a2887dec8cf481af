# SPDX-License-Identifier: MIT
"""list and list.json: a line for each snapshot, newest first, read in pieces."""
import json
import os
import random
import subprocess
import threading
import time
from errno import EACCES, EPERM, ESTALE

from harness import SLOW, Failure, case, check, contains, read, refused, same, until
from world import AWKWARD, BARE, BROKEN, BY_ID, ENCRYPTED, NIGHTLY, OWN, PENDING

REGION = "us-east-1"
COLUMNS = ["STARTED", "ID", "SIZE", "STATE", "PROGRESS", "TIER", "ENCRYPTED", "VOLUME", "NAME", "DESCRIPTION"]
NEWEST_FIRST = sorted(OWN[REGION], key=lambda id: BY_ID[id]["StartTime"], reverse=True)


def rows(text):
    """The lines below the header as dicts, cut at the columns' places."""
    head, *lines = text.splitlines()
    same(head.split(), COLUMNS)
    starts = [head.index(c) for c in COLUMNS]
    return [{c: line[a:b].rstrip() for c, a, b in zip(COLUMNS, starts, starts[1:] + [None])} for line in lines]


@case
def columns(t):
    m = t.mount()
    text = read(m.region(REGION, "list"))
    same([r["ID"] for r in rows(text)], NEWEST_FIRST)
    by_id = {r["ID"]: r for r in rows(text)}
    same(by_id[NIGHTLY], dict(STARTED="2026-11-20T03:00:12Z", ID=NIGHTLY, SIZE="8", STATE="completed", PROGRESS="100%", TIER="standard",
                              ENCRYPTED="no", VOLUME="vol-0123456789abcdef0", NAME="db", DESCRIPTION="nightly db"))
    same([by_id[i]["STATE"] for i in (PENDING, BROKEN, BARE)], ["pending", "error", "completed"])
    same([by_id[i]["PROGRESS"] for i in (PENDING, BROKEN)], ["42%", "17%"])
    same((by_id[ENCRYPTED]["ENCRYPTED"], by_id[BARE]["NAME"], by_id[BARE]["DESCRIPTION"]), ("yes", "-", "-"))
    contains(by_id[AWKWARD]["DESCRIPTION"], "ünïcode")
    # Uses of the table.
    same(t.ok("awk '$3 >= 100 { print $2 }' us-east-1/list | tail -n +2").split(), [AWKWARD])
    same(t.ok("tail -n +2 us-east-1/list | sort -k3,3n | tail -n 1 | awk '{ print $2 }'").split(), [AWKWARD])
    same(t.ok("grep -c ' error ' us-east-1/list").strip(), "1")


@case
def empty_region(t):
    m = t.mount()
    same(rows(read(m.region("us-west-2", "list"))), [])
    same(read(m.region("us-west-2", "list.json")), "")


@case
def controls(t):
    """Nothing that EC2 sends breaks a line, moves the cursor, or reverses text."""
    id = t.sim.add_snapshot(REGION, Description="a\nb\tc\x1b[31md\u202ee\u2028f\u0085g", StartTime="2027-01-01T00:00:00.000Z",
                            Tags={"Name": "two words\r\n" + "long " * 9})
    m = t.mount()
    first = rows(read(m.region(REGION, "list")))[0]
    same(first["ID"], id)
    line = read(m.region(REGION, "list")).split("\n")[1]
    contains(line, "  two words??" + "long " * 8 + "long   ")
    check(line.endswith("a?b?c\ufffd[31md?e?f?g"), repr(line))
    same(len(read(m.region(REGION, "list")).split("\n")), len(OWN[REGION]) + 3)


@case
def json_lines(t):
    m = t.mount()
    lines = read(m.region(REGION, "list.json")).splitlines()
    same([json.loads(line)["SnapshotId"] for line in lines], NEWEST_FIRST)
    for line in lines:
        record = json.loads(line)
        same(record, json.loads(read(m.folder(REGION, record["SnapshotId"], "metadata.json"))))
    same(t.ok("jq -r 'select(.State == \"error\") | .SnapshotId' us-east-1/list.json").split(), [BROKEN])


@case
def unlisted_and_read_only(t):
    m = t.mount()
    same(os.listdir(m.region(REGION)), ["snapshots"])
    check(not {"list", "list.json"} & set(t.ok(f"find {REGION} -maxdepth 1 -printf '%f '").split()), "find sees them")
    for name in ("list", "list.json"):
        same(os.stat(m.region(REGION, name)).st_mode & 0o777, 0o444)
        refused(EPERM, open, m.region(REGION, name), "w")
        contains(read(m(".ebsfs/last-error")), f"regions/{REGION}/{name}")
        t.fails(EPERM, f"rm -f {REGION}/{name}")
        t.fails(EPERM, f"mv {REGION}/{name} {REGION}/x")
    t.fails(EPERM, f"echo x >> {REGION}/list")


def start(t, count, **settings):
    sim = t.start_sim(bulk={REGION: count}, world=False)
    sim.set(**settings)
    return sim


@case
def programs_read_all_of_it(t):
    """Its size is unknown: 0. Programs read such a file to its end, as one in /proc."""
    start(t, 3000)
    m = t.mount(f"regions={REGION}")
    for name in ("list", "list.json"):
        path = m.region(REGION, name)
        whole = subprocess.check_output(["cat", path])
        n = whole.count(b"\n")
        check(n >= 3000, name, n)
        same(os.stat(path).st_size, 0)
        same(int(t.ok(f"wc -c < {REGION}/{name}")), len(whole), "wc -c")
        same(t.ok(f"wc -l < {REGION}/{name}").strip(), str(n), "wc -l")
        t.ok(f"cp {REGION}/{name} {t.path('copy')}")
        with open(t.path("copy"), "rb") as f:
            same(f.read(), whole, "cp")
        for command, wanted in ((f"tail -c 777 {REGION}/{name}", whole[-777:]), (f"tail -c +100001 {REGION}/{name}", whole[100000:]),
                                (f"tail -n 3 {REGION}/{name}", b"".join(whole.splitlines(True)[-3:])),
                                (f"head -c 5000 {REGION}/{name}", whole[:5000]), (f"head -n -2990 {REGION}/{name}", b"".join(whole.splitlines(True)[:-2990])),
                                (f"dd if={REGION}/{name} bs=1000 skip=77 status=none", whole[77000:]), (f"less {REGION}/{name} < /dev/null", whole),
                                (f"grep '' {REGION}/{name}", whole), (f"sort {REGION}/{name} | sort", b"".join(sorted(whole.splitlines(True))))):
            same(t.ok(command + " | cat", env={"LC_ALL": "C"}), whole.decode() if wanted is whole else wanted.decode(), command)
        same(t.ok(f"{{ grep -m 2 '' > {t.path('two')}; cat; }} < {REGION}/{name}"), b"".join(whole.splitlines(True)[2:]).decode(), "grep -m")


@case
def pieces_equal_the_whole(t):
    start(t, 3000)
    m = t.mount(f"regions={REGION}")
    dice = random.Random(7)
    for name in ("list", "list.json"):
        fd = os.open(m.region(REGION, name), os.O_RDONLY)
        whole = b""
        while piece := os.read(fd, dice.randrange(1, 200000)):
            whole += piece
        same(whole.count(b"\n"), 3000 + (name == "list"))
        fresh = os.open(m.region(REGION, name), os.O_RDONLY)
        for _ in range(200):
            at, size = dice.randrange(len(whole) + 1000), dice.randrange(1, 70000)
            same(os.pread(fresh, size, at), whole[at:at + size], name, at, size)
            same(os.pread(fd, size, at), whole[at:at + size], name, at, size)
        same(os.pread(fresh, 10, len(whole)), b"")
        same(os.pread(fresh, 10, 1 << 40), b"")
        os.close(fd)
        os.close(fresh)


@case
def a_change_in_the_middle(t):
    """Snapshots come, go and change while a reader is at work: it gets every line once, whole, in the order of its beginning."""
    sim = start(t, 4000)
    m = t.mount(f"regions={REGION}", "ttl=600")
    for name in ("list", "list.json"):
        path = m.region(REGION, name)
        before = subprocess.check_output(["cat", path]).splitlines()
        ids = [line.split(b'"')[3] if line.startswith(b"{") else line.split()[1] for line in before]
        gone, changed = ids[3500].decode(), ids[2000].decode()
        fd = os.open(path, os.O_RDONLY)
        old = os.open(path, os.O_RDONLY)
        got = os.read(fd, 50000)
        same(os.pread(old, 100, 0), got[:100])
        new = sim.add_snapshot(REGION, Description="new", StartTime="2027-01-01T00:00:00.000Z")
        sim.delete_snapshot(REGION, gone)
        sim.change(REGION, changed, Description="changed " * 20)
        sim.change(REGION, ids[5].decode(), Description="read already, and longer now")
        t.ok(f"touch {REGION}/snapshots")
        while piece := os.read(fd, 33333):
            got += piece
        lines = got.splitlines()
        check(got.endswith(b"\n"), "the last line is whole")
        same([line.split(b'"')[3] if line.startswith(b"{") else line.split()[1] for line in lines], [i for i in ids if i != gone.encode()], name)
        contains(lines[ids.index(changed.encode())].decode(), "changed changed")
        same([a for a, b in zip(lines, before) if a != b][:1], [lines[ids.index(changed.encode())]], "nothing before that differs")
        # Going back to a part that is not the same any more is an error, and never a mixture; any other part is as it was read.
        refused(ESTALE, os.pread, fd, 10, 3000)
        same(os.pread(fd, 100, len(got) - 4000), got[-4000:-3900])
        fresh = os.pread(fd, 400, 0)
        contains(fresh.decode(), new, "from its beginning it is read anew")
        # A reader that began before and has read nothing but the beginning goes on too.
        os.lseek(old, 100, os.SEEK_SET)
        rest = b""
        while piece := os.read(old, 40000):
            rest += piece
        same(rest.count(b"\n"), len(lines), "lines of the reader that waited")
        os.close(fd)
        os.close(old)
        sim.delete_snapshot(REGION, new)
        t.ok(f"touch {REGION}/snapshots")


@case
def requests(t):
    """None beyond the listing, however many read."""
    sim = start(t, 2000)
    m = t.mount(f"regions={REGION}", "ttl=600")
    t.ok(f"ls {REGION}/snapshots | wc -l")
    before = sim.total()
    t.ok(f"for i in {{1..50}}; do cat {REGION}/list {REGION}/list.json > {t.path('out')}$i & done; wait")
    same(sim.total() - before, 0, "requests of a hundred readers")
    same(len({open(t.path(f"out{i}"), "rb").read() for i in range(1, 51)}), 1, "different texts")
    cold = t.mount(f"regions={REGION}", "ttl=600", where="cold", state="cold-state")
    before = sim.total()
    readers = [subprocess.Popen(["wc", "-l", cold.region(REGION, "list")], stdout=subprocess.PIPE, text=True) for _ in range(20)]
    same({r.communicate()[0].split()[0] for r in readers}, {"2001"}, "a reader of the first listing waits for all of it")
    check(sim.total() - before <= 12, "requests of twenty first readers:", sim.total() - before)
    before = sim.total()
    t.ok(f"stat {REGION}/list.json > /dev/null; ls -lR . > /dev/null; find . -type f > /dev/null", cwd=cold("regions"))
    same(sim.total() - before, 0)


@case
def regions_side_by_side(t):
    names = ["af-south-1", "ap-east-1", "ap-south-1", "ca-central-1", "eu-west-1", "eu-west-2", "sa-east-1", "us-east-1"]
    sim = t.start_sim(bulk={name: 10 for name in names}, world=False)
    m = t.mount("regions=" + ":".join(names))
    sim.set(latency_ms=3000)
    with open(t.path("out"), "wb") as out:
        cat = subprocess.Popen(["bash", "-c", "cat */list"], cwd=m("regions"), stdout=out)
    until(lambda: sum(sim.count("DescribeSnapshots", name) > 0 for name in names) == len(names), "every region is asked")
    same(read(t.path("out")), "", "read before the last region was asked")
    same(cat.wait(30), 0)
    same(read(t.path("out")).count("completed"), 80)


@case
def a_listing_that_fails(t):
    t.sim.fault("DescribeSnapshots", code="UnauthorizedOperation", http=403, times=1000)
    m = t.mount()
    t.fails(EACCES, f"cat {REGION}/list")
    contains(read(m(".ebsfs/last-error")), f"read regions/{REGION}/list")
    t.sim.clear_faults()
    until(lambda: t.run(f"cat {REGION}/list").code == 0, "the next listing succeeds")


@case
def interrupted_while_it_comes(t):
    sim = start(t, 5000, latency_ms=1500)
    m = t.mount(f"regions={REGION}")
    before = sim.total()
    cat = subprocess.Popen(["cat", m.region(REGION, "list")], stdout=subprocess.DEVNULL)
    until(lambda: sim.total() > before, "the listing is asked for")
    cat.terminate()
    same(cat.wait(10), -15)
    sim.set(latency_ms=0)
    same(t.ok(f"wc -l < {REGION}/list").strip(), "5001")


def at_offsets(path, count, size):
    """So many readers, each at an offset of its own. Returns their descriptors, open."""
    descriptors = [os.open(path, os.O_RDONLY) for _ in range(count)]
    for k, fd in enumerate(descriptors):
        check(len(os.pread(fd, 1000, size * k // count)) == 1000, "read")
    return descriptors


@case
def memory_of_a_hundred_readers(t):
    start(t, 100000)
    m = t.mount(f"regions={REGION}", "ttl=3600")
    for name in ("list", "list.json"):
        path = m.region(REGION, name)
        size = int(t.ok(f"wc -c < {REGION}/{name}"))
        before = m.memory_kib("VmRSS")
        descriptors = at_offsets(path, 100, size)
        more = m.memory_kib("VmRSS") - before
        print(f"{name}: {size} bytes, {more} KiB more for 100 readers")
        check(more < 20 * 1024 or SLOW > 1, name, more, "KiB more")  # sanitizers have a memory of their own
        for fd in descriptors:
            os.close(fd)


@case
def others_are_served_meanwhile(t):
    """A read far into the text is no standstill for everybody."""
    start(t, 100000)
    m = t.mount(f"regions={REGION}", "ttl=3600")
    t.ok(f"head -n 1 {REGION}/list")
    fd = os.open(m.region(REGION, "list.json"), os.O_RDONLY)
    worst, done = [0.0], threading.Event()

    def watch():
        while not done.is_set():
            began = time.monotonic()
            os.stat(m(".ebsfs/version"))
            worst[0] = max(worst[0], time.monotonic() - began)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        began = time.monotonic()
        check(os.pread(fd, 100, 40_000_000), "read")
        took = time.monotonic() - began
    finally:
        done.set()
        watcher.join()
        os.close(fd)
    print(f"the read {took:.3f} s, others at most {worst[0]:.3f} s")
    if took > 0.2 and worst[0] > took / 2:
        raise Failure(f"the read took {took:.3f} s, and another waited {worst[0]:.3f} s")
