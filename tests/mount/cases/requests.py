# SPDX-License-Identifier: MIT
"""What it costs: the requests that an act makes, counted by the simulator."""
import os
import subprocess
import time

from harness import case, check, read, same, until
from world import IRISH, NIGHTLY, NOWHERE, OWN


@case
def cold_ls_of_ten_thousand(t):
    """At most 14 requests, four round trips, and nothing lost."""
    t.start_sim(bulk={"us-east-1": 10000}, world=False)
    t.mount()
    before = t.sim.total()
    out = t.ok("ls -l us-east-1/snapshots", seconds=120)
    same(len(out.splitlines()) - 1, 10000)
    spent = t.sim.total() - before
    check(spent <= 14, "requests:", spent)
    same(t.sim.count("DescribeSnapshots", "us-east-1"), spent, "all of them DescribeSnapshots")
    before = t.sim.total()
    t.ok("ls -l us-east-1/snapshots", seconds=120)
    same(t.sim.total(), before, "a warm listing asks nothing")


cold_ls_of_ten_thousand.seconds = 300


@case
def pages_with_holes(t):
    """Short pages and empty pages that have a token lose nothing."""
    for kind in ("after", "ragged"):
        sim = t.start_sim(bulk={"us-east-1": 2500}, world=False)
        sim.set(pages=kind)
        m = t.mount(where="mnt-" + kind, endpoint=sim.url, state="state-" + kind)
        same(len(os.listdir(m.region("us-east-1", "snapshots"))), 2500, kind)


@case
def mounting(t):
    """Who am I, which regions: two requests, and no region is listed before somebody looks."""
    t.start_sim()
    t.mount()
    same(t.sim.count("DescribeSnapshots"), 0)
    check(t.sim.total() <= 2, "requests:", t.sim.total())


@case
def one_id(t):
    """stat of one id in a region never listed: one request."""
    m = t.mount()
    before = t.sim.total()
    os.stat(m.folder("eu-west-1", IRISH))
    check(t.sim.total() - before <= 1, "requests:", t.sim.total() - before)
    read(m.folder("eu-west-1", IRISH, "status"))
    check(t.sim.total() - before <= 1, "requests:", t.sim.total() - before)


@case
def a_miss_is_remembered(t):
    """An id that EC2 does not know is not asked for at each look."""
    m = t.mount()
    os.listdir(m.region("us-east-1", "snapshots"))
    before = t.sim.total()
    for _ in range(50):
        check(not os.path.exists(m.folder("us-east-1", NOWHERE)))
    check(t.sim.total() - before <= 2, "requests:", t.sim.total() - before)


@case
def names_that_are_no_ids_cost_nothing(t):
    m = t.mount()
    os.listdir(m.region("us-east-1", "snapshots"))
    before = t.sim.total()
    for name in (".Trash", ".git", "HEAD", "autorun.inf", ".hidden", "snap-XX"):
        check(not os.path.exists(m.folder("us-east-1", name)))
        check(not os.path.exists(m.region("us-east-1", name)))
    same(t.sim.total(), before)


@case
def hundred_at_once(t):
    """A hundred processes that list a cold region cost what one costs."""
    m = t.mount("poll=60")
    processes = [t.background(["ls", "-lR", m.region("us-east-1", "snapshots")], stdout=subprocess.DEVNULL) for _ in range(100)]
    for process in processes:
        same(process.wait(60), 0)
    check(t.sim.count("DescribeSnapshots", "us-east-1") <= 2, "requests:", t.sim.count("DescribeSnapshots", "us-east-1"))


@case
def find_over_everything(t):
    """find / and its like: one listing a region."""
    m = t.mount("poll=60")
    t.ok(f"find {m.path} > /dev/null")
    same(t.sim.count("DescribeSnapshots"), len(OWN))


@case
def statuses_of_many_completed_copies(t):
    """Whether their snapshots still exist: a few are asked for one by one, then a listing answers for all; within ttl, nothing is asked."""
    t.start_sim(bulk={"us-east-1": 60, "eu-west-1": 3}, world=False)
    t.sim.set_limit(100)
    t.sim.set_copy_seconds(0)
    m = t.mount("ttl=3,window=0.1")
    t.run("cp us-east-1/snapshots/*/*.snapshot eu-west-1/")  # two are archived
    until(lambda: t.run("grep -L '^state: completed' eu-west-1/*.status | wc -l").out == "2\n", "the copies complete")
    time.sleep(3.5)
    for wanted in (15, 0):
        before = t.sim.count("DescribeSnapshots", "eu-west-1")
        same(t.run("grep -c '^state: completed' eu-west-1/*.status | grep -c :1").out, "58\n")
        spent = t.sim.count("DescribeSnapshots", "eu-west-1") - before
        check(spent <= wanted, spent, "requests")
    time.sleep(3.5)
    before = t.sim.count("DescribeSnapshots", "eu-west-1")
    t.run("rsync -a us-east-1/snapshots/*/*.snapshot us-east-1/snapshots/*/*.snapshot eu-west-1/")
    t.run("cp us-east-1/snapshots/*/*.snapshot eu-west-1/")
    spent = t.sim.count("DescribeSnapshots", "eu-west-1") - before
    check(spent <= 5, spent, "requests for copies that exist")


@case
def one_copy(t):
    """A cp within one second: CopySnapshot, and what is needed to know its source."""
    m = t.mount()
    os.listdir(m.region("us-east-1", "snapshots"))
    before = t.sim.total()
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/")
    same(t.sim.count("CopySnapshot"), 1)
    check(t.sim.total() - before <= 4, "requests:", t.sim.total() - before, t.sim.counts())
