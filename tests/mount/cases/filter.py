# SPDX-License-Identifier: MIT
"""filter/ and shared/: EC2's own filters, owners and restorable-by as folders of links. boto3 is the judge: the equivalent call finds
the same ids, and the simulator's log has the same conditions from both."""
import os
import urllib.parse
from errno import E2BIG, EACCES, EFBIG, EINVAL, ENOENT, EPERM
from pathlib import Path

from harness import case, check, contains, read, refused, same, status, until, write
from moto_world import account as moto_account, boto as moto_boto, mount as moto_mount
from world import ACCOUNT, NIGHTLY, NOWHERE, OTHER, PUBLIC, SHARED, WORLD, snapshot

THIRD = "333333333333"
REGION = "us-east-1"


def snap(n):
    return f"snap-{n:017x}"


# More snapshots than the cases' own account has, so that the combinations differ.
FURTHER = [
    snapshot(snap(1), Description="weekly", StorageTier="archive", TransferType="standard", VolumeSize=100, Tags={"Name": "web-1", "env": "test"},
             StartTime="2026-01-02T03:04:05.000Z"),
    snapshot(snap(2), Description="a*b", Tags={"Name": "web-2", "star*": "a?b", "a/b": "c", "5%": "x"}, StartTime="2026-01-02T23:59:59.999Z"),
    snapshot(snap(3), Description="a/b", TransferType="time-based", Tags={"Name": "web-10", "env": "prod"}, StartTime="2026-01-03T00:00:00.000Z"),
    snapshot(snap(4), Description="D:\\Data", Progress="80%", State="pending", CompletionTime=None, Tags={"a=b": "c=d", "Name": ""}),
    snapshot(snap(5), Description="axb", StorageTier="archive", shared=[OTHER], Tags={"Name": "ünïcode"}),
    snapshot(snap(6), OwnerId=THIRD, OwnerAlias="amazon", public=True, Description="an AMI's", VolumeSize=100),
    snapshot(snap(7), OwnerId=THIRD, shared=[ACCOUNT], Encrypted=True),
    snapshot(snap(8), public=True, Description="ours, for everybody", Tags={"Name": "web-3"}),
    snapshot(snap(9), OwnerId=THIRD, Description="not for us"),
]


def start(t, bulk=None):
    """A mount of the cases' account and FURTHER; bulk: behind so many generated snapshots."""
    snapshots = [{"StorageTier": "standard", **s} for s in [*WORLD[REGION], *FURTHER]]
    t.start_sim("--trace", world={"regions": {"eu-west-1": {}, **({} if bulk else {REGION: {"snapshots": snapshots}})}},
                bulk={REGION: bulk} if bulk else None)
    if bulk:
        t.sim.add_snapshots(REGION, snapshots)
    return t.mount(f"regions={REGION}:eu-west-1")


def asked(t, since=0):
    """The conditions of each DescribeSnapshots in the simulator's log, pages apart: frozen sets of (parameter, value)."""
    out = []
    for line in Path(t.sim.log).read_text().splitlines()[since:]:
        words = line.split()
        if words[:1] == ["sim:"] and words[2] == "DescribeSnapshots":
            out.append(conditions(urllib.parse.parse_qsl(words[-1], keep_blank_values=True)))
    return set(out)


def log_lines(t):
    return len(Path(t.sim.log).read_text().splitlines())


def conditions(params):
    """The numbers that parameters are sent with mean nothing."""
    params = dict(params)
    out = set()
    for name, value in params.items():
        word, *rest = name.split(".")
        if word in ("Owner", "RestorableBy"):
            out.add((word, value))
        elif word == "Filter" and rest[1] == "Value":
            out.add((params[f"Filter.{rest[0]}.Name"], value))
    return frozenset(out)


def ask_boto(ec2, call):
    """The ids of one call of boto3, all pages."""
    pages = ec2.get_paginator("describe_snapshots").paginate(PaginationConfig={"PageSize": 1000}, **call)
    return [s["SnapshotId"] for page in pages for s in page["Snapshots"]]


def call(*filters, owners=(), restorable=()):
    """A call of boto3. filters: (name, value, value …), as EC2 takes them."""
    out = {}
    if filters:
        out["Filters"] = [{"Name": name, "Values": [*values]} for name, *values in filters]
    if owners:
        out["OwnerIds"] = [*owners]
    if restorable:
        out["RestorableByUserIds"] = [*restorable]
    return out


def both(*filters):
    """Without an owner and restorable-by: own and shared ones."""
    return [call(*filters, owners=["self"]), call(*filters, restorable=["self"])]


def own(*filters):
    return [call(*filters, owners=["self"])]


# (path below filter/, the calls of boto3 that find the same)
QUICK = [
    ("tag:Name=web-*", both(("tag:Name", "web-*"))),
    ("tag:Name=web-?/owner=self", own(("tag:Name", "web-?"))),
    ("status=completed/volume-size=100", both(("status", "completed"), ("volume-size", "100"))),
    ("volume-size=100/volume-size=8/tag:env=prod", both(("volume-size", "100", "8"), ("tag:env", "prod"))),
    ("description=a%2Ab", both(("description", r"a\*b"))),
    ("description=a*b", both(("description", "a*b"))),
    ("description=a%2Fb", both(("description", "a/b"))),
    ("description=D:%5CData", both(("description", r"D:\\Data"))),
    ("progress=80%", both(("progress", "80%"))),
    ("start-time=2026-01-02*", both(("start-time", "2026-01-02*"))),
    ("storage-tier=archive/owner=self", own(("storage-tier", "archive"))),
    ("encrypted=true", both(("encrypted", "true"))),
    ("restorable-by=self", [call(restorable=["self"])]),
    ("owner=self/restorable-by=all", [call(owners=["self"], restorable=["all"])]),
    (f"owner={OTHER}", [call(owners=[OTHER])]),
    ("tag:Name=nothing", both(("tag:Name", "nothing"))),
    (f"restorable-by=all/snapshot-id={PUBLIC}", [call(("snapshot-id", PUBLIC), restorable=["all"])]),
]

MORE = [
    # each name
    ("description=weekly", both(("description", "weekly"))),
    ("description=*ab*", both(("description", "*ab*"))),
    ("description=", both(("description", ""))),
    ("encrypted=false", both(("encrypted", "false"))),
    ("encrypted=yes", both(("encrypted", "yes"))),
    ("owner-alias=amazon/owner=333333333333", [call(("owner-alias", "amazon"), owners=[THIRD])]),
    ("owner-alias=amazon", both(("owner-alias", "amazon"))),
    (f"owner-id={OTHER}", both(("owner-id", OTHER))),
    (f"owner-id={ACCOUNT}/status=pending", both(("owner-id", ACCOUNT), ("status", "pending"))),
    ("progress=4?%", both(("progress", "4?%"))),
    ("progress=100%25", both(("progress", "100%"))),
    (f"snapshot-id={NIGHTLY}", both(("snapshot-id", NIGHTLY))),
    (f"snapshot-id={NIGHTLY}/snapshot-id={SHARED}/snapshot-id={NOWHERE}", both(("snapshot-id", NIGHTLY, SHARED, NOWHERE))),
    ("snapshot-id=snap-000000000000000??", both(("snapshot-id", "snap-000000000000000??"))),
    (f"snapshot-id={PUBLIC}", both(("snapshot-id", PUBLIC))),
    ("start-time=2026-01-02T03:04:05.000Z", both(("start-time", "2026-01-02T03:04:05.000Z"))),
    ("start-time=2026-01-0[23]*", both(("start-time", "2026-01-0[23]*"))),
    ("start-time=2026-01-02*/start-time=2026-01-03*", both(("start-time", "2026-01-02*", "2026-01-03*"))),
    ("start-time=2026-*/owner=self", own(("start-time", "2026-*"))),
    ("status=pending", both(("status", "pending"))),
    ("status=error/status=pending", both(("status", "error", "pending"))),
    ("status=Completed", both(("status", "Completed"))),
    ("storage-tier=standard/restorable-by=self", [call(("storage-tier", "standard"), restorable=["self"])]),
    ("storage-tier=archive/storage-tier=standard", both(("storage-tier", "archive", "standard"))),
    ("transfer-type=time-based", both(("transfer-type", "time-based"))),
    ("transfer-type=standard/owner=self", own(("transfer-type", "standard"))),
    ("tag:env=prod/tag:Name=web-10", both(("tag:env", "prod"), ("tag:Name", "web-10"))),
    ("tag:env=prod/tag:env=test", both(("tag:env", "prod", "test"))),
    ("tag:Env=prod", both(("tag:Env", "prod"))),
    ("tag:Name=", both(("tag:Name", ""))),
    ("tag:Name=*", both(("tag:Name", "*"))),
    ("tag:Name=ünïcode", both(("tag:Name", "ünïcode"))),
    ("tag:Name=%C3%BCn*", both(("tag:Name", "ün*"))),
    ("tag:star*=a%3Fb", both(("tag:star*", r"a\?b"))),
    ("tag:star*=a?b", both(("tag:star*", "a?b"))),
    ("tag:star*=a\\?b", both(("tag:star*", r"a\?b"))),
    ("tag:a%2Fb=c", both(("tag:a/b", "c"))),
    ("tag:5%25=x", both(("tag:5%", "x"))),
    ("tag:5%=x", both(("tag:5%", "x"))),
    ("tag:a%3Db=c=d", both(("tag:a=b", "c=d"))),
    ("tag-key=env", both(("tag-key", "env"))),
    ("tag-key=aws:*/owner=self", own(("tag-key", "aws:*"))),
    ("tag-key=star%2A", both(("tag-key", r"star\*"))),
    ("volume-id=vol-0c0c0c0c0c0c0c0c0", both(("volume-id", "vol-0c0c0c0c0c0c0c0c0"))),
    ("volume-id=vol-0?0*", both(("volume-id", "vol-0?0*"))),
    ("volume-size=1*", both(("volume-size", "1*"))),
    ("volume-size=100/owner=self", own(("volume-size", "100"))),
    # owners and restorable-by
    ("owner=self", [call(owners=["self"])]),
    (f"owner={ACCOUNT}", [call(owners=[ACCOUNT])]),
    (f"owner=self/owner={OTHER}", [call(owners=["self", OTHER])]),
    ("owner=999999999999", [call(owners=["999999999999"])]),
    (f"restorable-by={OTHER}/owner=self", [call(owners=["self"], restorable=[OTHER])]),
    (f"restorable-by=self/owner={THIRD}", [call(owners=[THIRD], restorable=["self"])]),
    (f"restorable-by=self/restorable-by={OTHER}/owner=self", [call(owners=["self"], restorable=["self", OTHER])]),
    ("owner=amazon/restorable-by=self", [call(owners=["amazon"], restorable=["self"])]),
    (f"owner=amazon/volume-id={WORLD[REGION][0]['VolumeId']}", [call(("volume-id", WORLD[REGION][0]["VolumeId"]), owners=["amazon"])]),
    (f"restorable-by=all/owner={OTHER}", [call(owners=[OTHER], restorable=["all"])]),
    ("restorable-by=all/tag:Name=web-3", [call(("tag:Name", "web-3"), restorable=["all"])]),
    # the order of the terms, and repeated ones
    ("owner=self/tag:Name=web-*/status=completed", own(("tag:Name", "web-*"), ("status", "completed"))),
    ("status=completed/owner=self/tag:Name=web-*/status=completed", own(("tag:Name", "web-*"), ("status", "completed"))),
]


def judge(t, m, table):
    ec2 = t.boto(REGION)
    sent = {}
    for path, calls in table:
        since = log_lines(t)
        wanted = {id for c in calls for id in ask_boto(ec2, c)}
        sent[path] = asked(t, since)
        since = log_lines(t)
        got = os.listdir(m.region(REGION, "filter", *path.split("/")))
        same(sorted(got), sorted(wanted), path)
        new = asked(t, since)
        check(new <= sent[path], path, "sends other conditions than boto3:", new, "and", sent[path])
        # Queries that are equal share a view, which was asked before.
        check(new == sent[path] or any(s == sent[path] for p, s in sent.items() if p != path), path, "does not send all conditions:", new)
        for id in got:
            target = os.readlink(m.region(REGION, "filter", *path.split("/"), id))
            same(target, "../" * (path.count("/") + 2) + f"snapshots/{id}")


@case
def as_boto3(t):
    judge(t, start(t), QUICK)


@case
def as_boto3_in_all_combinations(t):
    judge(t, start(t), QUICK + MORE)


as_boto3_in_all_combinations.long = True


@case
def as_boto3_over_many_pages(t):
    """EC2 filters a page after it has cut it: ten pages, and most are empty."""
    m = start(t, bulk=9990)
    t.sim.set(pages="after")
    table = [(path, calls) for path, calls in QUICK if "restorable-by=all" not in path] + [
        ("tag:team=storefront/storage-tier=archive", both(("tag:team", "storefront"), ("storage-tier", "archive"))),
        ("status=completed/owner=self", own(("status", "completed"))),
    ]
    judge(t, m, table)


as_boto3_over_many_pages.long = True
as_boto3_over_many_pages.seconds = 400


@case
def as_boto3_at_moto(t):
    """The filters that moto knows."""
    server, ids = moto_account(t, 4)
    ec2 = moto_boto(t, server, REGION)
    ec2.create_tags(Resources=[ids[1]], Tags=[{"Key": "env", "Value": "pr*d"}])
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=100, Encrypted=True)["VolumeId"]
    ids.append(ec2.create_snapshot(VolumeId=volume, Description="a?c")["SnapshotId"])
    first = next(s for s in ec2.describe_snapshots()["Snapshots"] if s["SnapshotId"] == ids[0])
    m = moto_mount(t, server)
    table = [
        ("description=nightly*", ("description", "nightly*")), ("description=a%3Fc", ("description", r"a\?c")),
        ("description=nightly%3F0", ("description", r"nightly\?0")), (f"snapshot-id={ids[2]}", ("snapshot-id", ids[2])),
        (f"start-time={first['StartTime']:%Y}*", ("start-time", f"{first['StartTime']:%Y}*")), ("start-time=1999*", ("start-time", "1999*")),
        (f"volume-id={volume}", ("volume-id", volume)), ("volume-size=8", ("volume-size", "8")), ("volume-size=100", ("volume-size", "100")),
        ("encrypted=true", ("encrypted", "true")), ("encrypted=false", ("encrypted", "false")), ("status=completed", ("status", "completed")),
        ("status=pending", ("status", "pending")), (f"owner-id={ACCOUNT}", ("owner-id", ACCOUNT)), (f"owner-id={OTHER}", ("owner-id", OTHER)),
        ("tag:Name=db ?", ("tag:Name", "db ?")), ("tag:a%2Fb=c", ("tag:a/b", "c")), ("tag:env=pr%2Ad", ("tag:env", r"pr\*d")),
        ("tag-key=env", ("tag-key", "env")),
    ]
    for path, condition in table:
        wanted = ask_boto(ec2, call(condition, owners=["self"]))
        same(sorted(os.listdir(m.region(REGION, "filter", path))), sorted(wanted), path)
    same(sorted(os.listdir(m.region(REGION, "filter", "status=completed", "volume-size=8"))), sorted(ids[:4]))
    same(os.listdir(m.region(REGION, "shared")), [])


# --- what is refused before EC2 is asked ---

@case
def unknown_names_cost_nothing(t):
    m = start(t)
    m.allow("no such filter")
    before = t.sim.total()
    for name in ("completion-time=x", "Status=completed", "tag-value=x", "kms-key-id=x", "tag:=x", "status"):
        refused(ENOENT, os.stat, m.region(REGION, "filter", name))
        said = read(m(".ebsfs/last-error"))
        for known in ("description, encrypted, owner-alias, owner-id, progress, snapshot-id, start-time, status, storage-tier, tag:KEY, "
                      "tag-key, transfer-type, volume-id, volume-size"), "owner or restorable-by":
            contains(said, known)
    for name in ("owner=me", "owner=aws-marketplace", "restorable-by=amazon", "status=%00", "status=%ff"):
        refused(EINVAL, os.stat, m.region(REGION, "filter", name))
    for name in (".git", ".hidden", f"{NIGHTLY}.snapshot"):  # programs look for these: no mistake of the user's
        refused(ENOENT, os.stat, m.region(REGION, "filter", "owner=self", name))
        check(name not in read(m(".ebsfs/last-error")), name)
    same(t.sim.total(), before)


@case
def the_world_is_not_listed(t):
    m = start(t)
    m.allow("every public snapshot")
    before = t.sim.total()
    for path in ("restorable-by=all", "owner=amazon", "restorable-by=all/status=completed", "owner=amazon/owner=self",
                 "restorable-by=all/snapshot-id=snap-0*", f"restorable-by=all/owner-id={OTHER}"):
        refused(EFBIG, os.listdir, m.region(REGION, "filter", *path.split("/")))
        contains(read(m(".ebsfs/last-error")), "owner=ACCOUNT, snapshot-id=ID, volume-id=ID or tag:KEY=VALUE")
    same(t.sim.total(), before)

    # By its id each is asked for: one request, with the conditions of the path.
    since = log_lines(t)
    folder = m.region(REGION, "filter", "restorable-by=all")
    contains(read(os.path.join(folder, PUBLIC, "description")), "for everybody")
    same(asked(t, since), {frozenset({("RestorableBy", "all"), ("snapshot-id", PUBLIC)})})
    check("MaxResults" not in Path(t.sim.log).read_text().splitlines()[-1], "EC2 would send its empty pages one by one")
    for id in (NIGHTLY, SHARED, NOWHERE):
        refused(ENOENT, os.stat, os.path.join(folder, id))
    contains(os.readlink(m.region(REGION, "filter", "owner=amazon", snap(6))), f"snapshots/{snap(6)}")
    refused(ENOENT, os.stat, m.region(REGION, "filter", "owner=amazon", PUBLIC))
    before = t.sim.total()
    for id in (PUBLIC, NIGHTLY, NOWHERE):
        os.path.exists(os.path.join(folder, id))
    same(t.sim.total(), before, "the answers hold for a ttl")
    for n in range(100, 200):  # more than are kept
        refused(ENOENT, os.stat, os.path.join(folder, snap(n)))
    same(t.sim.total(), before + 100)
    contains(read(os.path.join(folder, PUBLIC, "description")), "for everybody")


@case
def a_hundred_pages_are_the_end(t):
    """An account may have so many; EC2 looks through them all, whatever the filter."""
    m = start(t, bulk=120000)
    m.allow("100 pages")
    t.sim.set(pages="after")
    refused(EFBIG, os.listdir, m.region(REGION, "filter", "tag:Name=nothing"))
    contains(read(m(".ebsfs/last-error")), "100 pages")
    before = t.sim.total()
    refused(EFBIG, os.listdir, m.region(REGION, "filter", "tag:Name=nothing"))
    same(t.sim.total(), before, "once a ttl is enough")
    check(before < 110, before)


a_hundred_pages_are_the_end.long = True


@case
def ec2s_limits(t):
    m = start(t)
    m.allow("EC2 takes", "FilterLimitExceeded")
    path = m.region(REGION, "filter")
    before = t.sim.total()
    os.chdir(path)  # 200 terms are longer than a path may be
    try:
        for n in range(200):
            os.chdir(f"volume-size={n}")
        refused(E2BIG, os.stat, "volume-size=200")
        contains(read(m(".ebsfs/last-error")), "201 filter values, but EC2 takes at most 200")
        check(os.path.isdir("volume-size=199"), "a value that is there already is none more")
        os.chdir(path)
        for n in range(50):
            os.chdir(f"tag:{n}=x")
        refused(E2BIG, os.stat, "tag:50=x")
        contains(read(m(".ebsfs/last-error")), "51 different filters, but EC2 takes at most 50")
        os.chdir(path)
        refused(EINVAL, os.stat, "status=" + "\\x" * 120)
        contains(read(m(".ebsfs/last-error")), "360 characters, but EC2 takes at most 255")
    finally:
        os.chdir("/")
    same(t.sim.total(), before)
    # EC2's own limits may be lower one day.
    t.sim.fault("DescribeSnapshots", code="FilterLimitExceeded", message="The maximum number of filter values specified on a single call is 20",
                times=2)
    refused(E2BIG, os.listdir, m.region(REGION, "filter", "volume-size=1"))
    contains(read(m(".ebsfs/last-error")), "next: ")


# --- requests, age, memory ---

@case
def a_fresh_view_costs_nothing(t):
    m = start(t)
    folder = m.region(REGION, "filter", "tag:Name=web-*")
    before = t.sim.count("DescribeSnapshots")
    ids = os.listdir(folder)
    same(t.sim.count("DescribeSnapshots"), before + 2, "own and shared: two queries")
    before = t.sim.total()
    for id in ids:  # its members need no request of their own
        read(os.path.join(folder, id, "status"))
    os.listdir(folder)
    os.listdir(m.region(REGION, "filter", "tag:Name=web-*"))
    refused(ENOENT, os.stat, os.path.join(folder, NIGHTLY))
    same(t.sim.total(), before)


@case
def find_does_not_enter(t):
    m = start(t)
    os.listdir(m.region(REGION, "snapshots"))
    os.listdir(m.region("eu-west-1", "snapshots"))
    before = t.sim.total()
    found = t.ok("find . -name 'filter*' -o -name shared -o -type l")
    same(found, "")
    same(t.sim.total(), before)
    same(sorted(os.listdir(m.region(REGION, "filter"))), ["README"])
    contains(read(m.region(REGION, "filter", "README")), "volume-id")
    same(t.sim.total(), before)


@case
def views_change_by_difference(t):
    t.start_sim("--trace", world={"regions": {REGION: {"snapshots": WORLD[REGION]}}})
    m = t.mount(f"regions={REGION}", "ttl=1")
    folder = m.region(REGION, "filter", "tag:env=new")
    same(os.listdir(folder), [])
    id = t.sim.add_snapshot(REGION, Tags={"env": "new"})
    until(lambda: os.listdir(folder) == [id], "the view shows a new snapshot")
    t.sim.change(REGION, id, Tags={"env": "old"})
    until(lambda: os.listdir(folder) == [], "a snapshot that matches no more leaves")
    check(os.path.isdir(m.folder(REGION, id)), "it is there all the same")


@case
def what_nobody_looks_at_is_dropped(t):
    world = {"regions": {REGION: {"snapshots": [snapshot(snap(n), OwnerId=OTHER, shared=[ACCOUNT], Description="x" * 200 + str(n)) for n in range(3000)]}}}
    t.start_sim("--trace", world=world)
    m = t.mount(f"regions={REGION}", "ttl=1")

    def known():
        return int(m.metric("ebsfs_catalogue_bytes", region=REGION))

    empty = known()
    same(len(os.listdir(m.region(REGION, "shared"))), 3000)
    full = known()
    check(full > empty + 600000, empty, full)
    with open(m.folder(REGION, snap(7), "description")) as used:
        before = t.sim.count("DescribeSnapshots")
        write("/proc/sys/vm/drop_caches", "2")  # as when memory is short: the kernel forgets what is not in use
        until(lambda: known() < full - 400000, "the view is closed, and its snapshots leave the store", 40)
        same(t.sim.count("DescribeSnapshots"), before, "nothing is asked meanwhile")
        contains(used.read(), "x7")
    same(len(os.listdir(m.region(REGION, "shared"))), 3000)


what_nobody_looks_at_is_dropped.long = "also"


# --- snapshots of others ---

@case
def shared_has_what_others_share(t):
    m = start(t)
    same(sorted(os.listdir(m.region(REGION, "shared"))), sorted([SHARED, snap(7)]))
    same(os.readlink(m.region(REGION, "shared", SHARED)), f"../snapshots/{SHARED}")
    contains(read(m.region(REGION, "shared", SHARED, "description")), "from a friend")
    for id in (NIGHTLY, PUBLIC, NOWHERE):
        refused(ENOENT, os.lstat, m.region(REGION, "shared", id))
    check(SHARED not in os.listdir(m.region(REGION, "snapshots")))


@case
def others_say_whose_they_are(t):
    m = start(t)
    m.allow("belongs to account")
    folder = m.folder(REGION, SHARED)
    same(status(os.path.join(folder, "status"))["owner"], OTHER)
    check("owner" not in status(m.folder(REGION, NIGHTLY, "status")))
    for path, _, names in os.walk(folder):
        for at in (path, *(os.path.join(path, n) for n in names)):
            same(os.stat(at).st_mode & 0o222, 0, at)
    check(os.stat(m.folder(REGION, NIGHTLY, "tags")).st_mode & 0o200)
    before = t.sim.count("CreateTags")
    for name in ("Name", ".scratch"):
        refused(EPERM, os.open, os.path.join(folder, "tags", name), os.O_WRONLY | os.O_CREAT)
    contains(read(m(".ebsfs/last-error")), f"belongs to account {OTHER}")
    same(t.sim.count("CreateTags"), before)
    t.ok(f"cp {REGION}/shared/{SHARED}/*.snapshot eu-west-1/")
    [made] = t.sim.copies("eu-west-1")
    same(made["Description"], f"[Copied {SHARED} of {OTHER} from {REGION}] from a friend")


@case
def nothing_can_be_written_there(t):
    m = start(t)
    m.allow("no file can be made|no folder can be made|cannot be|no such filter|EC2 fills it")
    for folder in ("filter", "filter/owner=self", "shared"):
        at = m.region(REGION, *folder.split("/"))
        refused(EPERM, os.open, os.path.join(at, "x"), os.O_WRONLY | os.O_CREAT)
        refused(EPERM, os.mkdir, os.path.join(at, "y"))
    refused(EPERM, os.unlink, m.region(REGION, "filter", "owner=self", NIGHTLY))
    refused(EPERM, os.rmdir, m.region(REGION, "filter", "owner=self"))


@case
def a_refusal_is_the_view_s(t):
    m = start(t)
    m.allow("UnauthorizedOperation", "not authorized")
    t.sim.fault("DescribeSnapshots", code="UnauthorizedOperation", http=403, times=1)
    refused(EACCES, os.listdir, m.region(REGION, "filter", "owner=self", "status=error"))
    contains(read(m(".ebsfs/last-error")), "UnauthorizedOperation")
    check(NIGHTLY in os.listdir(m.region(REGION, "snapshots")))
    until(lambda: os.path.isdir(m.region(REGION, "filter", "owner=self", "status=error")), "")


@case
def many_readers_share_one_query(t):
    m = start(t)
    t.sim.set(latency_ms=300)
    before = t.sim.count("DescribeSnapshots")
    out = t.ok(f"for i in $(seq 20); do ls '{REGION}/filter/owner=self/tag:Name=web-*' | wc -l & done; wait")
    same(set(out.split()), {"4"})
    same(t.sim.count("DescribeSnapshots"), before + 1)
