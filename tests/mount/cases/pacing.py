# SPDX-License-Identifier: MIT
"""EC2's request rates, storms of refusals, clocks that are wrong, and the numbers that tell of all this."""
import concurrent.futures
import os
import re
import time
from errno import EAGAIN, ETIMEDOUT

from harness import ROOT, SLOW, Timer, case, check, contains, matches, read, refused, same, status, until, write
from world import BARE, IRISH, NIGHTLY, NOWHERE, OWN

BUDGET = 100  # retries that a region's budget pays for (aws/retry.h)


def errors_of(sim, code):
    """Answers with this error code, over all regions and actions."""
    return sum(codes.get(code, 0) for actions in sim.counts()["errors"].values() for codes in actions.values())


def requests_of(sim, region=None):
    return sum(sum(actions.values()) for r, actions in sim.counts()["requests"].items() if region in (None, r))


def samples(text):
    """Prometheus's text format, strictly: [(name, labels, value)], {name: type}."""
    types, helps, out, seen, ended, current = {}, {}, [], set(), set(), None
    check(text.endswith("\n"), "the last line has no end")
    for line in text.splitlines():
        head = re.fullmatch(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)", line)
        sample = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z_]+=\"[^\"\\\n]*\",?)*)\})? (\S+)", line)
        check(head or sample, "neither a sample nor a comment:", repr(line))
        name = head[2] if head else sample[1]
        if name != current:
            check(name not in ended, name, "is in two pieces")
            ended.add(name)
            current = name
        if head:
            known = helps if head[1] == "HELP" else types
            check(name not in known, f"# {head[1]} {name} twice")
            known[name] = head[3]
            continue
        check(name in types and name in helps, name, "has a sample before its HELP and TYPE")
        labels = tuple(sorted(re.findall(r'([a-z_]+)="([^"]*)"', sample[2] or "")))
        check((name, labels) not in seen, "twice:", line)
        seen.add((name, labels))
        out.append((name, dict(labels), float(sample[3])))
    for name, kind in types.items():
        same(kind, "counter" if name.endswith("_total") else "gauge", name)
        check(name in helps and name.startswith("ebsfs_"), name)
    return out, types


@case
def metrics_are_prometheus_text(t):
    """The format holds whatever the mount has done, and the manual names every metric."""
    m = t.mount("rate=1")
    before, types = samples(read(m(".ebsfs/metrics")))
    t.sim.fault("CopySnapshot", effect="throttle")
    t.ok(f"ls */snapshots > /dev/null; cp us-east-1/snapshots/{NIGHTLY}/*.snapshot eu-west-1/")
    after, again = samples(read(m(".ebsfs/metrics")))
    same(again, types)
    check({(n, tuple(l.items())) for n, l, _ in before} <= {(n, tuple(l.items())) for n, l, _ in after}, "samples vanished")
    manual = read(ROOT / "docs/ebsfs.1.scd")
    same(sorted(set(re.findall(r"\*(ebsfs_\w+)\*", manual))), sorted(types), "the manual's metrics")
    same(m.metric("ebsfs_requests_total", action="CopySnapshot", region="eu-west-1"), 2)
    same(m.metric("ebsfs_retries_total", action="CopySnapshot"), 1)
    same(m.metric("ebsfs_throttles_total", action="CopySnapshot"), 1)
    same(m.metric("ebsfs_errors_total", action="CopySnapshot"), 0)
    check(m.metric("ebsfs_rate_share", action="CopySnapshot") < 0.6)
    same(m.metric("ebsfs_rate_share", action="DescribeSnapshots", region="us-west-2"), 1)
    same(m.metric("ebsfs_retry_budget", region="eu-west-1"), 500)
    check(abs(m.metric("ebsfs_clock_skew_seconds")) < 3)
    for kind in ("connect", "stalled", "total"):
        same(m.metric("ebsfs_timeouts_total", kind=kind), 0)


@case
def a_large_listing_keeps_the_rate(t):
    """Some 200 pages and 250 writes of tags against EC2's own buckets: next to nothing is refused."""
    t.start_sim("--throttle", "1", bulk={"us-west-2": 180000})
    m = t.mount("rate=1", "timeout=600")
    with Timer() as listing:
        same(len(os.listdir(m.region("us-west-2", "snapshots"))), 180000 + len(OWN["us-west-2"]))
    pages = t.sim.count("DescribeSnapshots", "us-west-2")
    check(pages > 150, pages, "pages")
    # Who is slower than the rate has no need to wait.
    waits = m.metric("ebsfs_rate_waits_total", action="DescribeSnapshots")
    check(waits > 10 or listing.seconds > (pages - 100) / 20, waits, "waits in", listing.seconds, "s")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: write(m.folder("us-east-1", BARE, "tags", f"k{i % 40}"), f"v{i}"), range(250)))
    check(250 <= t.sim.count("CreateTags") <= 252, t.sim.count("CreateTags"), "writes")
    check(errors_of(t.sim, "RequestLimitExceeded") <= 2, errors_of(t.sim, "RequestLimitExceeded"), "refusals")
    same(m.metric("ebsfs_rate_waiting"), 0)


a_large_listing_keeps_the_rate.seconds = 240


@case
def a_rate_is_learned(t):
    """An endpoint that is not Amazon's may throttle too, and harder: after its first refusals few follow, and nothing fails."""
    t.start_sim("--throttle", "0.1", bulk={"us-west-2": 30000})  # a bucket of 10, and 2 a second
    m = t.mount("timeout=600")
    # Without a learned rate the retries run out, and this fails with EAGAIN.
    same(len(os.listdir(m.region("us-west-2", "snapshots"))), 30000 + len(OWN["us-west-2"]))
    refusals = errors_of(t.sim, "RequestLimitExceeded")
    check(1 <= refusals <= 50, refusals, "refusals")
    check(m.metric("ebsfs_rate_share", action="DescribeSnapshots", region="us-west-2") < 0.3, "the rate was not learned")
    same(m.metric("ebsfs_throttles_total", region="us-west-2"), refusals)
    same(m.metric("ebsfs_errors_total"), 0)


a_rate_is_learned.seconds = 240


@case
def no_rate_no_wait(t):
    """Where nobody throttles nobody waits, and the manual's promise of that is a metric that is not there."""
    t.start_sim(bulk={"us-west-2": 150000})
    m = t.mount()
    os.listdir(m.region("us-west-2", "snapshots"))
    check(t.sim.count("DescribeSnapshots", "us-west-2") > 110)
    check("ebsfs_rate_waits_total{" not in read(m(".ebsfs/metrics")))


@case
def no_turn_is_eagain(t):
    """A rate that is used up for longer than the time-out: EAGAIN, within it, and last-error says why."""
    m = t.mount("rate=0.01", "timeout=2")  # a single request, and the next after 20 s
    m.allow("request rate")
    write(m.folder("us-east-1", BARE, "tags", "a"), "1")
    with Timer() as timer:
        refused(EAGAIN, write, m.folder("us-east-1", BARE, "tags", "b"), "2")
    check(1 < timer.seconds < 15 * SLOW, "took", timer.seconds)
    same(t.sim.count("CreateTags"), 1)
    contains(read(m(".ebsfs/last-error")), "request rate is used up")


# --- storms ---

def storm(t, m, wanted, copying):
    """What a person does meanwhile: each ends within its bound with this errno. Returns how many calls failed of it."""
    before = m.metric("ebsfs_errors_total")
    for what, function, *args in (
            ("ls", os.listdir, m.region("us-west-2", "snapshots")),
            ("cat", read, m.folder("us-west-2", NOWHERE, "status")),
            ("echo", write, m.folder("us-east-1", BARE, "tags", "k"), "v")):
        with Timer() as timer:
            refused(wanted, function, *args)
        check(timer.seconds < 45 + 30 * SLOW, what, "took", timer.seconds)
    with Timer() as timer:
        n = time.monotonic_ns()  # a request of its own: the outcome of the last one may be unknown
        t.fails(copying, f"(cat us-east-1/snapshots/{NIGHTLY}/*.snapshot; echo copy.again: {n}) > {t.path('text')}; cp {t.path('text')} us-west-2/{n}", seconds=100)
    check(timer.seconds < 45 + 30 * SLOW, "cp took", timer.seconds)
    # What is known is served as ever, soon after the first failure at the latest.
    with Timer() as timer:
        same(len(os.listdir(m.region("us-east-1", "snapshots"))), len(OWN["us-east-1"]))
    check(timer.seconds < 20 * SLOW, "listing what is known took", timer.seconds)
    with Timer() as timer:
        contains(read(m.folder("us-east-1", NIGHTLY, "status")), "completed")
    check(timer.seconds < 30 * SLOW, "reading what is known took", timer.seconds)
    return m.metric("ebsfs_errors_total") - before


def through_a_storm(t, m, seconds, wanted, copying, **fault):
    os.listdir(m.region("us-east-1", "snapshots"))
    t.sim.set_limit(1)
    t.sim.set_copy_seconds(2)
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/*.snapshot eu-west-1/first; cp us-east-1/snapshots/{BARE}/*.snapshot eu-west-1/second")
    same(status(m.region("eu-west-1", "second.status"))["state"], "queued")
    before = {region: requests_of(t.sim, region) for region in OWN}
    failed = {region: m.metric("ebsfs_errors_total", region=region) for region in OWN if region != "us-west-2"}
    failed["us-west-2"] = 0
    t.sim.fault("*", times=10**9, **fault)
    start = time.monotonic()
    calls = 0
    while time.monotonic() < start + seconds:
        calls += storm(t, m, wanted, copying)
        time.sleep(1)
    def soon():
        os.listdir(m.region("us-east-1", "snapshots"))
        with Timer() as timer:
            contains(read(m.folder("us-east-1", NIGHTLY, "status")), "completed")
        return timer.seconds < 2 * SLOW

    until(soon, "what is known is read without waiting for EC2", 60)
    for region in OWN:
        spent = requests_of(t.sim, region) - before[region]
        single = m.metric("ebsfs_errors_total", region=region) - failed[region]
        # One try for each call that failed, those still under way, and what the budget pays for.
        check(spent <= single + 3 + BUDGET, region, spent, "requests for", single, "calls")
        check(m.metric("ebsfs_retry_budget", region=region) >= 0)
    t.sim.clear_faults()
    # Without a remount, everything works again.
    until(lambda: t.run("ls us-west-2/snapshots").code == 0, "the region is listed again", 30)
    write(m.folder("us-east-1", BARE, "tags", "k"), "v")
    same(t.sim.snapshot("us-east-1", BARE)["Tags"], {"k": "v"})
    until(lambda: status(m.region("eu-west-1", "second.status"))["state"] == "completed", "the queued copy is made", 150)
    same(status(m.region("eu-west-1", "first.status"))["state"], "completed")
    same(len(t.sim.copies("eu-west-1")), 2, "copies into eu-west-1")
    same(t.sim.copies("us-west-2"), [], "copies whose cp failed")
    return calls


def throttled(t, m, seconds):
    m.allow("RequestLimitExceeded")
    calls = through_a_storm(t, m, seconds, EAGAIN, EAGAIN, effect="throttle")
    check(calls >= 4, calls)
    check(requests_of(t.sim) < 400, requests_of(t.sim), "requests")


@case
def storm_of_throttling(t):
    """EC2 refuses everything for its rate, for a while."""
    throttled(t, t.mount("timeout=10"), 15)


@case
def storm_of_throttling_for_a_minute(t):
    """With nothing shortened."""
    throttled(t, t.mount(), 60)


storm_of_throttling.seconds = 400
storm_of_throttling_for_a_minute.seconds = 600
storm_of_throttling_for_a_minute.long = True


@case
def storm_of_503_pages(t):
    """A load balancer's 503 without a word from EC2: EAGAIN for what only asks; a copy may have been begun, so cp looks for it
    first, and says that it found no answer."""
    m = t.mount("timeout=10", "answer=3", "window=8")
    m.allow("503", "answer")
    through_a_storm(t, m, 10, EAGAIN, (EAGAIN, ETIMEDOUT), effect="html", status=503)


storm_of_503_pages.seconds = 400


# --- clocks ---

def wrong_clock(t, shift, word):
    t.start_sim("--clock-shift", str(shift))
    m = t.mount()
    t.ok(f"ls */snapshots > /dev/null; cp us-east-1/snapshots/{NIGHTLY}/*.snapshot eu-west-1/")
    write(m.folder("us-east-1", BARE, "tags", "k"), "v")
    same(len(t.sim.copies("eu-west-1")), 1)
    warnings = [line for line in m.log_text().splitlines() if "clock" in line]
    same(len(warnings), 1, warnings)
    contains(warnings[0], f"s {word} AWS's")
    check(abs(m.metric("ebsfs_clock_skew_seconds") - shift) < 5)
    matches(read(m(".ebsfs/health")), rf"^clock: 3[56]\d\d s {word} AWS's$")
    same(m.metric("ebsfs_errors_total"), 0)
    # Once known, it costs no request.
    refused_then = errors_of(t.sim, "RequestExpired")
    write(m.folder("eu-west-1", IRISH, "tags", "k"), "v")
    same(errors_of(t.sim, "RequestExpired"), refused_then)


@case
def a_clock_an_hour_behind(t):
    wrong_clock(t, 3600, "behind")


@case
def a_clock_an_hour_ahead(t):
    wrong_clock(t, -3600, "ahead of")


@case
def a_clock_that_is_set(t):
    """It goes wrong while mounted, and is set right again."""
    m = t.mount()
    for i, shift in enumerate((7200, -1800, 0)):
        t.sim.set(clock_shift=shift)
        write(m.folder("us-east-1", BARE, "tags", "k"), f"v{i}")
        same(t.sim.snapshot("us-east-1", BARE)["Tags"], {"k": f"v{i}"})
    contains(m.log_text(), "clock agrees with AWS's again")
    contains(read(m(".ebsfs/health")), "clock: ok\nrequest rate: ok\n")
    same(m.metric("ebsfs_errors_total"), 0)


# --- time-outs ---

@case
def timeouts_are_counted(t):
    """A server that says nothing, and one that says it byte by byte: neither holds anybody beyond the time-out."""
    m = t.mount("timeout=3")
    for i, (effect, region) in enumerate((("hang", "us-west-2"), ("trickle", "eu-west-1"))):
        t.sim.fault("DescribeSnapshots", times=9, effect=effect, seconds=30)
        refused(ETIMEDOUT, os.listdir, m.region(region, "snapshots"))
        t.sim.clear_faults()
        check(m.metric("ebsfs_timeouts_total", kind="total") > i)
