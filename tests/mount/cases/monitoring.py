# SPDX-License-Identifier: MIT
"""docs/monitoring, judged by promtool; the recovery point in the metrics."""
import json
import os
import re
import subprocess
import time
from datetime import datetime, timezone

from harness import ROOT, case, check, contains, read, same, until
from world import NIGHTLY, snapshot

FOLDER = ROOT / "docs/monitoring"


def at(age):
    return datetime.fromtimestamp(time.time() - age, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def points(m):
    """(volume, source region, region) -> age"""
    found = re.findall(r'^ebsfs_newest_copy_age_seconds\{volume="(.*?)",source_region="(.*?)",region="(.*?)"\} (\S+)$', read(m(".ebsfs/metrics")), re.M)
    return {(v, s, r): float(age) for v, s, r, age in found}


def snap(n):
    return f"snap-{n:017x}"


@case
def rules(t):
    t.need("promtool")
    for command in ("check rules alerts.yml", "test rules alerts.test.yml"):
        t.ok(f"promtool {command}", cwd=FOLDER)


@case
def metrics_pass_promtool(t):
    """All of a mount that has copied, and every metric that the rules and the dashboard name."""
    t.need("promtool")
    m = t.mount()
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/ && cat eu-west-1/{NIGHTLY}.wait")
    text = read(m(".ebsfs/metrics"))
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    same((done.returncode, done.stdout, done.stderr), (0, "", ""))
    types = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    dashboard = json.loads(read(FOLDER / "dashboard.json"))
    expressions = re.findall(r"expr: (.*)", read(FOLDER / "alerts.yml")) + [x["expr"] for p in dashboard["panels"] for x in p["targets"]]
    check(len(expressions) > 12, expressions)
    for name in re.findall(r"\bebsfs_\w+", " ".join(expressions)):
        check(name in types, "no metric", name)


@case
def recovery_point(t):
    """Of each volume and region the newest source with a completed copy; nothing is asked for it. Gone copies and unknown sources do not count."""
    volume, other = "vol-0123456789abcdef0", "vol-0aaaaaaaaaaaaaaaa"
    t.start_sim(world={"regions": {"us-east-1": {"snapshots": [
        snapshot(snap(1), VolumeId=volume, StartTime=at(90000)), snapshot(snap(2), VolumeId=volume, StartTime=at(3600)),
        snapshot(snap(3), VolumeId=other, StartTime=at(7200)), snapshot(snap(4), VolumeId=other, StartTime=at(60))]},
        "eu-west-1": {"snapshots": [snapshot(snap(9), VolumeId="vol-ffffffff", Tags={"ebsfs:source": f"us-east-1/{snap(99)}"})]}, "us-west-2": {"snapshots": []}}})
    t.sim.set_copy_seconds(0.2)
    m = t.mount("ttl=0.2")
    t.ok("ls us-east-1/snapshots eu-west-1/snapshots")
    same(points(m), {})
    for number in (1, 3):
        t.ok(f"cp us-east-1/snapshots/{snap(number)}/*.snapshot eu-west-1/ && cat eu-west-1/{snap(number)}.wait")
    ages = points(m)
    same(sorted(ages), [(volume, "us-east-1", "eu-west-1"), (other, "us-east-1", "eu-west-1")])
    check(90000 <= ages[volume, "us-east-1", "eu-west-1"] < 90120, ages)
    t.ok(f"cp us-east-1/snapshots/{snap(2)}/*.snapshot eu-west-1/ && cat eu-west-1/{snap(2)}.wait")
    check(3600 <= points(m)[volume, "us-east-1", "eu-west-1"] < 3720, points(m))
    same(m.metric("ebsfs_newest_copy_unknown"), 1)
    m.unmount()
    # Another mount knows them by the listing alone, and a scrape asks nothing.
    m = t.mount(state="other")
    t.ok("ls us-east-1/snapshots eu-west-1/snapshots")
    before = t.sim.total()
    same(sorted(points(m)), [(volume, "us-east-1", "eu-west-1"), (other, "us-east-1", "eu-west-1")])
    same(t.sim.total() - before, 0, "requests of a scrape")
    [copy] = [c for c in t.sim.copies("eu-west-1") if c["Tags"]["ebsfs:source"].endswith(snap(3))]
    t.sim.delete_snapshot("eu-west-1", copy["SnapshotId"])
    t.ok("touch eu-west-1/snapshots")
    until(lambda: sorted(points(m)) == [(volume, "us-east-1", "eu-west-1")], "the deleted copy does not count")


@case
def at_most_a_thousand_series(t):
    sources = [snapshot(snap(n), VolumeId=f"vol-{n:017x}", StartTime=at(1000 * n)) for n in range(1, 1101)]
    copies = [snapshot(snap(5000 + n), VolumeId="vol-ffffffff", Tags={"ebsfs:source": f"us-east-1/{snap(n)}"}) for n in range(1, 1101)]
    t.start_sim(world={"regions": {"us-east-1": {"snapshots": sources}, "eu-west-1": {"snapshots": copies}}})
    m = t.mount()
    t.ok("ls us-east-1/snapshots eu-west-1/snapshots")
    ages = points(m)
    same(len(ages), 1000)
    check(min(ages.values()) > 100 * 1000, "the newest are left out")
    same(m.metric("ebsfs_newest_copy_left_out"), 100)
