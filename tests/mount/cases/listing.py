# SPDX-License-Identifier: MIT
"""A region's first listing, read while it comes."""
import os
import subprocess
import threading
from errno import EACCES

from harness import case, check, read, refused, same, until

REGION = "us-east-1"


def start(t, count, latency_ms):
    sim = t.start_sim(bulk={REGION: count}, world=False)
    sim.set(latency_ms=latency_ms)
    return sim


@case
def names_come_before_the_last_page(t):
    sim = start(t, 5000, 300)
    m = t.mount(f"regions={REGION}", "ttl=600")
    before = sim.total()
    with os.scandir(m.region(REGION, "snapshots")) as entries:
        first = next(entries)
        check(sim.total() - before <= 3, "requests before the first name:", sim.total() - before)
        check(first.stat().st_size > 0, "its attributes came with it")
        names = [first.name] + [e.name for e in entries]
    same(len(names), 5000)
    same(len(set(names)), 5000, "each once")
    spent = sim.total() - before
    check(spent <= 10, "requests:", spent)
    same(sorted(os.listdir(m.region(REGION, "snapshots"))), sorted(names))
    for name in names[::500]:
        os.stat(m.folder(REGION, name))
        read(m.folder(REGION, name, "description"))
    same(sim.total() - before, spent, "what has come costs nothing more")


@case
def an_id_that_has_come_is_not_asked_for(t):
    sim = start(t, 3000, 500)
    m = t.mount(f"regions={REGION}")
    before = sim.total()
    with os.scandir(m.region(REGION, "snapshots")) as entries:
        first = next(entries).name
        read(m.folder(REGION, first, "metadata.json"))
        check(sim.total() - before <= 2, "requests:", sim.total() - before)
        same(len(list(entries)), 2999)


@case
def many_readers_of_one_listing(t):
    sim = start(t, 20000, 50)
    m = t.mount(f"regions={REGION}")
    before = sim.total()
    readers = [subprocess.Popen(["ls", "-l", m.region(REGION, "snapshots")], stdout=subprocess.PIPE, text=True) for _ in range(20)]
    outs = []
    threads = [threading.Thread(target=lambda r=r: outs.append(r.communicate()[0])) for r in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for out in outs:
        same(len(out.splitlines()), 20001)
        same(out, outs[0], "two readers")
    check(sim.total() - before <= 45, "requests:", sim.total() - before)


@case
def a_listing_that_breaks_off_is_no_listing(t):
    """What came is shown; then an error, and no end that looks like one."""
    sim = start(t, 5000, 100)
    m = t.mount(f"regions={REGION}")
    sim.fault("DescribeSnapshots", code="UnauthorizedOperation", http=403, nth=4)
    entries = os.scandir(m.region(REGION, "snapshots"))
    names = []

    def walk():
        for entry in entries:
            names.append(entry.name)

    refused(EACCES, walk)
    entries.close()
    check(0 < len(names) <= 3000, "names:", len(names))
    sim.clear_faults()
    until(lambda: len(t.run(f"ls {REGION}/snapshots").out.splitlines()) == 5000, "the next listing is whole")


def refused_by(sim, region):
    return sim.counts()["errors"].get(region, {}).get("DescribeSnapshots", {}).get("FilterLimitExceeded", 0)


@case
def refused_ranges(t):
    """The endpoint refuses the first or a later range of ids: the listing is complete, and the next one tries no range."""
    regions = {REGION: 1, "us-west-2": 3}
    sim = t.start_sim(bulk={region: 20000 for region in regions}, world=False)
    m = t.mount("regions=" + ":".join(regions))
    for region, first in regions.items():
        sim.fault("DescribeSnapshots", region, code="FilterLimitExceeded", times=1000, param={"Filter.1.Name": "snapshot-id"}, **{"from": first})
        names = t.ok(f"ls {region}/snapshots").split()
        same((len(names), len(set(names))), (20000, 20000), region)
        refusals = refused_by(sim, region)
        check(refusals >= 1, region, "refused no range")
        t.ok(f"touch {region}/snapshots")
        same(len(os.listdir(m.region(region, "snapshots"))), 20000, region, "again")
        same(refused_by(sim, region), refusals, region, "ranges that the next listing tried")


@case
def interrupted_while_it_comes(t):
    sim = start(t, 5000, 1000)
    m = t.mount(f"regions={REGION}")
    before = sim.total()
    ls = subprocess.Popen(["ls", m.region(REGION, "snapshots")], stdout=subprocess.DEVNULL)
    until(lambda: sim.total() - before >= 2, "the second page is asked for")
    ls.terminate()
    same(ls.wait(10), -15)
    sim.set(latency_ms=0)
    same(len(os.listdir(m.region(REGION, "snapshots"))), 5000)
