# SPDX-License-Identifier: MIT
"""Mounts that live on keys which end: from every source that hands such keys out, each asked as rarely as it can be."""
import json
import os
import signal
import time
from errno import EHOSTUNREACH, EIO

from harness import EBSFS, case, check, contains, read, same, until, write
from sources import Sources
from world import NIGHTLY, OWN, snapshot

N = 100
COPY = f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/"


def lists(t, m):
    for region, ids in OWN.items():
        same(sorted(os.listdir(m.region(region, "snapshots"))), sorted(ids), region)


@case
def instance_role(t):
    """Token, role, keys: once, for all regions."""
    s = Sources(t).listen()
    m = t.mount(env=s.instance())
    lists(t, m)
    roles = "/imds/latest/meta-data/iam/security-credentials/"
    same(s.asked, {"/imds/latest/api/token": 1, roles: 1, roles + "instance-role": 1})


@case
def container(t):
    s = Sources(t).listen()
    m = t.mount(env=s.container())
    lists(t, m)
    same(s.asked, {"/container": 1})


@case
def sso(t):
    """The token that `aws sso login` left is renewed at the OIDC endpoint, then the portal gives the keys."""
    s = Sources(t).listen()
    write(t.path("home/.aws/config"), "[default]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = admin\n"
          "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://start\n")
    os.makedirs(t.path("home/.aws/sso/cache"))
    write(t.path("home/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json"),
          '{"accessToken": "sso-old", "expiresAt": "2020-01-01T00:00:00Z", "refreshToken": "refresh-token", "clientId": "c", '
          '"clientSecret": "s", "registrationExpiresAt": "2099-01-01T00:00:00Z"}')
    m = t.mount(env=s.sso())
    lists(t, m)
    same(s.asked, {"/token": 1, "/federation/credentials": 1})


@case
def a_hundred_copies_while_keys_end(t):
    """Keys of some seconds: all copies are made, none twice, none fails; each set of keys is fetched once."""
    world = {"regions": {"us-east-1": {"snapshots": [snapshot(f"snap-{n:017x}") for n in range(N)]}, "eu-west-1": {}}}
    t.start_sim("--copy-seconds", "1-2", world=world)
    s = Sources(t, life=3).listen()
    m = t.mount(env=s.container())
    begun = time.monotonic()
    t.ok("cp us-east-1/snapshots/*/*.snapshot eu-west-1/", seconds=100)
    until(lambda: len([x for x in t.sim.snapshots("eu-west-1") if x["State"] == "completed"]) >= N, "all copies", 90)
    took = time.monotonic() - begun
    made = t.sim.snapshots("eu-west-1")
    same(len(made), N)
    same(len({x["source_id"] for x in made}), N, "sources")
    check(took > 2 * s.life, "too fast for keys to end:", took)
    table = read(m("copies"))
    check("failed" not in table, table)
    same(t.sim.counts()["errors"].get("eu-west-1", {}).get("CopySnapshot", {}).get("RequestExpired", 0), 0, "requests with keys that had ended")
    # They are renewed when half their time is over.
    check(2 <= len(s.given) <= took / ((s.life - 1) / 2) + 2, len(s.given), "fetches in", took, "s")
    same(s.asked["/container"], len(s.given))


@case
def keys_that_end_before_their_time(t):
    """AWS calls them expired although they still last: fetched again, once for all who wait, and nobody sees an error."""
    s = Sources(t).listen()
    m = t.mount("ttl=0", env=s.container())
    lists(t, m)
    time.sleep(10.5)  # younger keys are not fetched again for AWS's word alone
    t.sim.add_key(s.given[0], expires="-1s")
    s.delay = 1
    done = t.run("for i in 1 2 3 4 5; do for r in *; do ls $r/snapshots & done; cat us-east-1/snapshots/snap-0000000000000000$i/status 2>/dev/null; "
                 "sleep 0.1; done; wait")
    same((done.code, done.err), (0, ""), repr(done))
    same(len(s.given), 2, "fetches")


@case
def hangup_fetches_anew(t):
    s = Sources(t).listen()
    m = t.mount("ttl=0", env=s.container())
    lists(t, m)
    same(len(s.given), 1)
    m.process.send_signal(1)
    until(lambda: lists(t, m) or len(s.given) == 2, "new keys")


@case
def source_that_fails_while_keys_last(t):
    """A warning in the log; the mount goes on with what it has, and says why when that has ended."""
    s = Sources(t, life=6).listen()
    m = t.mount("ttl=0", "timeout=5", env=s.container())
    m.allow("credentials")
    lists(t, m)
    s.close()
    until(lambda: t.ok("ls us-east-1/snapshots") and "keeping those from the container's credentials endpoint, which still last" in m.log_text(), "a warning")
    time.sleep(s.life)
    same(t.ok("ls us-east-1/snapshots").split(), sorted(OWN["us-east-1"]), "what is known is still shown")
    t.fails((EHOSTUNREACH, EIO), COPY)
    contains(read(m(".ebsfs/last-error")), "container's credentials")
    s.listen()
    time.sleep(1.1)  # the pause between two attempts without any keys
    t.ok(f"rm eu-west-1/{NIGHTLY}.snapshot && {COPY}")


def with_role(t, text):
    """The account's keys stand in a profile of their own; the default profile is a role's."""
    keys = t.sim.credentials()
    for name in keys:
        t.env.pop(name, None)
    t.env["AWS_ENDPOINT_URL_STS"] = t.sim.url
    write(t.path("home/.aws/credentials"), "[base]\n" + "".join(f"{k.lower()} = {v}\n" for k, v in keys.items()))
    write(t.path("home/.aws/config"), text)


@case
def chain_of_roles(t):
    """Each role once, and again before its keys end; the journal is that of the account."""
    t.start_sim()
    with_role(t, "[default]\nrole_arn = arn:aws:iam::123456789012:role/last\nsource_profile = middle\nexternal_id = x-1\n"
              "[profile middle]\nrole_arn = arn:aws:iam::123456789012:role/first\nsource_profile = base\nduration_seconds = 900\n")
    t.sim.set(session_seconds=4)
    m = t.mount("ttl=0")
    lists(t, m)
    before = t.sim.count("AssumeRole")
    check(before >= 2, before)
    until(lambda: lists(t, m) or t.sim.count("AssumeRole") >= before + 2, "other keys")
    t.ok(COPY)
    same(len(t.sim.copies("eu-west-1")), 1)
    same(t.sim.counts()["errors"].get("us-east-1", {}), {})


@case
def web_identity(t):
    """As in Kubernetes: a token in a file, read again for each fetch."""
    t.start_sim()
    with_role(t, "")
    write(t.path("jwt"), "head.claims.signature")
    t.sim.set(session_seconds=4)
    m = t.mount("ttl=0", env={"AWS_WEB_IDENTITY_TOKEN_FILE": t.path("jwt"), "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/pod"})
    m.allow("InvalidIdentityToken")
    lists(t, m)
    check(t.sim.count("AssumeRoleWithWebIdentity") >= 1)
    write(t.path("jwt"), "nonsense")
    until(lambda: t.ok("ls us-east-1/snapshots") and "which still last: " in m.log_text(), "the file is read again, and is wrong")
    write(t.path("jwt"), "another.good.one")
    time.sleep(4)
    t.ok(COPY)


@case
def relative_paths(t):
    """Relative paths from outside mean the directory that ebsfs was started in, in the background too, and also when they are read again."""
    keys = t.sim.credentials()
    t.sim.set_copy_seconds(1)
    with_role(t, "")
    write(t.path("config"), "[default]\nregion = us-east-1\n")
    write(t.path("keys"), "[default]\n" + "".join(f"{k.lower()} = {v}\n" for k, v in keys.items()))
    write(t.path("ca.pem"), "")
    write(t.path("jwt"), "head.claims.signature")
    write(t.path("process"), "[default]\ncredential_process = ./script\n")
    answer = {"Version": 1, "AccessKeyId": keys["AWS_ACCESS_KEY_ID"], "SecretAccessKey": keys["AWS_SECRET_ACCESS_KEY"]}
    write(t.path("script"), f"#!/bin/sh\necho >>runs\necho '{json.dumps(answer)}'\n", 0o755)
    write(t.path("told"), '#!/bin/sh\necho $EBSFS_STATE >ended\n', 0o755)
    rows = (
        {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "keys"},
        {"AWS_CONFIG_FILE": "process"},
        {"AWS_CONFIG_FILE": "config", "AWS_CA_BUNDLE": "ca.pem", **keys},
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "jwt", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/pod"},
    )
    path = t.path("mnt")
    os.makedirs(path)
    t.closers.append(lambda: t.run(f"fusermount3 -u -z {path} 2>/dev/null", cwd="/"))
    for env in rows:
        t.ok(f"{EBSFS} -o endpoint_url={t.sim.url},state_dir=state,on_end=./told,poll=0.2,ttl=0 mnt", cwd=t.dir, env=env)
        [pid] = [int(p) for p in t.run(f"pgrep -f -- 'state_dir=state,on_end=./told.* mnt$'", cwd="/").out.split()
                 if os.readlink(f"/proc/{p}/cwd") == "/"]
        os.kill(pid, signal.SIGHUP)
        until(lambda: t.ok("touch mnt/regions/*/snapshots; ls mnt/regions/us-east-1/snapshots", cwd=t.dir), "a listing by keys that were read again")
        if env == rows[0]:
            t.ok(COPY, cwd=os.path.join(path, "regions"))
            until(lambda: os.path.exists(t.path("ended")), "on_end is run")
        t.ok("fusermount3 -u mnt", cwd=t.dir)
        until(lambda: not os.path.exists(f"/proc/{pid}"), "the daemon ends")
    check(len(read(t.path("runs"))) >= 2, "credential_process was not run again")
    check(t.sim.count("AssumeRoleWithWebIdentity") >= 2, "the token file was not read again")


@case
def role_that_may_not_be_assumed(t):
    """The reason, the role, and the next step."""
    t.start_sim()
    with_role(t, "[default]\nrole_arn = arn:aws:iam::210987654321:role/theirs\nsource_profile = base\n")
    os.makedirs(t.path("mnt"))
    done = t.ebsfs("-o", f"state_dir={t.path('state')},endpoint_url={t.sim.url}", t.path("mnt"))
    same((done.code, len(done.err.splitlines())), (3, 1), repr(done))
    contains(done.err, "arn:aws:iam::210987654321:role/theirs")
    contains(done.err, "Next: the caller needs sts:AssumeRole for that role, and the role's trust policy must name the caller")
