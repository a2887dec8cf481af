# SPDX-License-Identifier: MIT
"""What a person is told when AWS refuses: the errno, one line of reason, and the next step; at the mount, in last-error, in a copy's status."""
import os
import re
from errno import EACCES, EDQUOT, EINVAL

from harness import ROOT, case, check, contains, matches, read, refused, same, status, write
from sources import Sources
from world import NIGHTLY, OWN

TEMPORARY = {"AWS_ACCESS_KEY_ID": "ASIATEMPORARY0000001", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
COPY = f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/"


def add_temporary_key(t, **fields):
    t.sim.add_key(TEMPORARY["AWS_ACCESS_KEY_ID"], secret="secret", token="token", **fields)


def not_mounted(t, *options, status=3, env=None):
    """The one line on stderr of a mount that does not come about: (reason, next step)."""
    os.makedirs(t.path("mnt"), exist_ok=True)
    done = t.ebsfs("-o", ",".join([f"state_dir={t.path('state')}", f"endpoint_url={t.sim.url}", *options]), t.path("mnt"), env=env)
    same((done.code, done.out, len(done.err.splitlines())), (status, "", 1), repr(done))
    check(not os.path.ismount(t.path("mnt")), "something is mounted")
    return matches(done.err, r"^ebsfs: (.*)\. Next: (.*)$").groups()


def last_error(m):
    """The youngest entry, as a dict."""
    return dict(line.split(": ", 1) for line in read(m(".ebsfs/last-error")).split("\n\n")[0].splitlines())


@case
def wrong_secret(t):
    t.start_sim()
    reason, step = not_mounted(t, env={"AWS_SECRET_ACCESS_KEY": "wrong"})
    matches(reason, r"DescribeRegions in us-east-1: .*\(access key AKIASIMULATED0000001, source: environment\) \(AuthFailure, request id [0-9a-f-]+\)$")
    contains(step, "the access key or its secret is wrong (see: aws sts get-caller-identity)")


@case
def unknown_key(t):
    keys = t.start_sim().credentials()
    for name in keys:
        t.env.pop(name)
    with open(t.path("home/.aws/credentials"), "w") as f:
        f.write("[dr]\naws_access_key_id = AKIANOSUCHKEY0000000\naws_secret_access_key = x\n")
    reason, step = not_mounted(t, "profile=dr")
    contains(reason, "(access key AKIANOSUCHKEY0000000, source: profile dr)")
    contains(step, "is wrong")


@case
def expired_token_in_the_environment(t):
    t.start_sim()
    add_temporary_key(t, expires="-1h")
    reason, step = not_mounted(t, env=TEMPORARY)
    contains(reason, "RequestExpired")
    contains(reason, "(access key ASIATEMPORARY0000001, source: environment)")
    contains(step, "unmount, set new ones, mount again")


@case
def expired_while_mounted(t):
    """The same in the middle of a mount: everything says why, and new keys in the profile are taken without a new mount."""
    keys = t.start_sim().credentials()
    for name in keys:
        t.env.pop(name)
    add_temporary_key(t)

    def profile(key, secret, more=""):
        with open(t.path("home/.aws/credentials"), "w") as f:
            f.write(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n{more}")

    profile(TEMPORARY["AWS_ACCESS_KEY_ID"], "secret", "aws_session_token = token\n")
    m = t.mount("ttl=0")
    m.allow("RequestExpired|ExpiredToken")
    os.listdir(m.region("us-east-1", "snapshots"))
    add_temporary_key(t, expires="-1s")
    t.fails(EACCES, COPY)
    told = last_error(m)
    same(told["errno"], "EACCES (Permission denied)")
    contains(told["message"], "(access key ASIATEMPORARY0000001, source: profile default)")
    contains(told["next"], "write new keys into that profile")
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["hint"], told["next"])
    profile(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
    t.ok(f"rm eu-west-1/{NIGHTLY}.snapshot && {COPY}")
    same(len(t.sim.copies("eu-west-1")), 1)


@case
def sso_session_has_ended(t):
    """The source itself says what to run."""
    s = Sources(t).listen()
    with open(t.path("home/.aws/config"), "w") as f:
        f.write("[profile corp]\nsso_start_url = https://start\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = admin\n")
    os.makedirs(t.path("mnt"))
    done = t.ebsfs("-o", f"profile=corp,state_dir={t.path('state')},endpoint_url={t.sim.url}", t.path("mnt"), env=s.sso())
    same((done.code, len(done.err.splitlines())), (3, 1), repr(done))
    contains(done.err, "run: aws sso login --profile corp")


@case
def forbidden_at_the_mount(t):
    t.start_sim()
    add_temporary_key(t, deny=["DescribeRegions"])
    reason, step = not_mounted(t, env=TEMPORARY)
    contains(reason, "perform: ec2:DescribeRegions")
    contains(step, 'lacks ec2:DescribeRegions: add the statement "Look" of the policy in ebsfs\'s README, or name the regions with -o regions=')


@case
def forbidden_while_mounted(t):
    """By action: looking, copying, deleting."""
    t.start_sim()
    add_temporary_key(t, allow=["DescribeRegions", "DescribeSnapshots"])
    m = t.mount("delete", "ttl=0", env=TEMPORARY)
    m.allow("UnauthorizedOperation|TagLimitExceeded|InvalidParameterValue")
    t.fails(EACCES, COPY)
    contains(last_error(m)["message"], "perform: ec2:CopySnapshot because no identity-based policy allows the ec2:CopySnapshot action")
    check("Encoded" not in last_error(m)["message"], last_error(m))
    contains(last_error(m)["next"], 'the statement "Copy" of the policy')
    contains(status(m.region("eu-west-1", NIGHTLY + ".status"))["hint"], 'the statement "Copy" of the policy')
    t.fails(EACCES, f"rmdir us-east-1/snapshots/{NIGHTLY}")
    contains(last_error(m)["next"], 'the statement "DeleteSnapshotsWithOptionDelete"')
    t.fails(EACCES, f"rm us-east-1/snapshots/{NIGHTLY}/tags/env")
    contains(last_error(m)["next"], 'the statement "DeleteTagsWithOptionDelete"')
    refused(EACCES, write, m.folder("us-east-1", NIGHTLY, "tags", "new"), "x")
    contains(last_error(m)["next"], "ec2:CreateTags")
    # The action and the code choose the step, not words of the message.
    t.sim.fault("CreateTags", code="TagLimitExceeded", message="CreateTags: the maximum number of tags is 50")
    refused(EDQUOT, write, m.folder("us-east-1", NIGHTLY, "tags", "new"), "x")
    same(last_error(m)["next"], "a snapshot bears at most 50 tags: remove some first")
    t.sim.clear_faults()
    t.sim.fault("CreateTags", code="InvalidParameterValue", message="Value (ec2:CreateTags) for parameter key is invalid")
    refused(EINVAL, write, m.folder("us-east-1", NIGHTLY, "tags", "new"), "x")
    check("next" not in last_error(m), last_error(m))
    add_temporary_key(t, deny=["DescribeSnapshots"])
    t.fails(EACCES, "ls us-west-2/snapshots")
    contains(last_error(m)["next"], 'lacks ec2:DescribeSnapshots: add the statement "Look"')
    text = read(ROOT / "README.md")
    for name in re.findall(r'statement "(\w+)"', read(m(".ebsfs/last-error"))):
        check(f'"Sid": "{name}"' in text, "README's policy has no statement", name)


@case
def region_that_is_not_enabled(t):
    """EACCES there, with the reason and the next step; all others work, and the keys are not fetched again for it."""
    s = Sources(t).listen()
    t.sim.set_region("us-west-2", enabled=False)
    # Not permitted to ask which are enabled: the list is trusted, and the region itself says no.
    t.sim.fault("DescribeRegions", code="UnauthorizedOperation", http=403, times=1000)
    m = t.mount("regions=us-east-1:us-west-2", "ttl=0", env=s.container())
    m.allow("AuthFailure", "UnauthorizedOperation")
    for _ in range(10):
        refused(EACCES, os.listdir, m.region("us-west-2", "snapshots"))
        same(len(os.listdir(m.region("us-east-1", "snapshots"))), len(OWN["us-east-1"]))
    told = last_error(m)
    same((told["code"], told["errno"]), ("AuthFailure", "EACCES (Permission denied)"))
    contains(told["next"], "that region is not enabled for the account: enable it, or leave it out by -o regions=")
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot us-east-1/")
    same(s.asked["/container"], 1, "fetches of credentials")
    asked = t.sim.count("DescribeSnapshots", "us-west-2")
    check(asked <= 20, "requests to the region that is not enabled:", asked)


@case
def mistyped_region(t):
    """One line on stderr that names what would be right; the others are mounted."""
    t.start_sim()
    for regions, line in (
            ("us-east-1:eu-wset-1", "region eu-wset-1 is not enabled for the account, or does not exist: did you mean eu-west-1?"),
            ("us-esat-1:eu-west-1", "region us-esat-1 is not enabled for the account, or does not exist: did you mean us-east-1?"),
            ("mars-north-1:eu-west-1", "region mars-north-1 is not enabled for the account, or does not exist: "
             "enabled are us-east-1, eu-west-1, us-west-2")):
        m = t.mount("regions=" + regions)
        m.allow("AuthFailure")
        contains(m.log_text(), "ebsfs warning: option regions: " + line + "\n")
        same(sorted(os.listdir(m("regions"))), sorted(regions.split(":")))
        good = regions.split(":")[1] if regions[:3] != "us-" or "esat" in regions else "us-east-1"
        same(len(os.listdir(m.region(good, "snapshots"))), len(OWN[good]))
        m.unmount()


@case
def no_region_that_is_enabled(t):
    """Nothing to mount: refused, and it says what would be right."""
    t.start_sim()
    os.makedirs(t.path("mnt"))
    for regions, words in (("us-esat-1", "did you mean us-east-1?"), ("eu-wset-1:us-esat-1", "did you mean eu-west-1?")):
        done = t.ebsfs("-o", f"regions={regions},state_dir={t.path('state')},endpoint_url={t.sim.url}", t.path("mnt"))
        same((done.code, len(done.err.splitlines())), (2, 1), repr(done))
        matches(done.err, r"^ebsfs: .*option regions: region ")
        contains(done.err, words)
        check(not os.path.ismount(t.path("mnt")), "something is mounted")


@case
def unreachable(t):
    t.start_sim()
    t.sim.stop()
    reason, step = not_mounted(t, status=4)
    contains(reason, "cannot connect")
    same(step, "check the network, the proxy and the endpoint's name")
