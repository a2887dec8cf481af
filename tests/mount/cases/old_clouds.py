# SPDX-License-Identifier: MIT
"""signature=v2: EC2-compatible clouds that speak the API of 2012, strict ones and lenient ones. Never two copies, never a weaker one."""
import http.server
import os
import threading
import urllib.parse
from errno import EINVAL, EOPNOTSUPP

from front import Front
from harness import case, check, contains, fields, matches, read, refused, same, status, until, write
from simulator import ACCESS_KEY, SECRET_KEY
from world import AWKWARD, BARE, IRISH, NIGHTLY, OWN, snapshot

OLD = "http://ec2.amazonaws.com/doc/2012-12-01/"


def cloud(t, kind, *args):
    """A simulator that is such a cloud, behind a front that keeps what it was asked."""
    t.start_sim("--xmlns", OLD, "--api-2012", kind, "--copy-seconds", "1", *args)
    return Front(t, t.sim.port)


def mount(t, front, *options, **how):
    """curl finds every name below localhost on loopback."""
    return t.mount("signature=v2", *options, endpoint=f"http://{{region}}.localhost:{front.port}/", **how)


def agree_with_botocore(front, token=None):
    """Every request was signed as botocore signs it. Returns their parameters."""
    from botocore.auth import SigV2Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    seen = []
    for head, body in front.requests():
        host = matches(head, r"^Host: (\S+)\r?$")[1]
        params = dict(urllib.parse.parse_qsl(body, keep_blank_values=True, strict_parsing=True))
        signature = params.pop("Signature")
        same((params["AWSAccessKeyId"], params["SignatureMethod"], params["SignatureVersion"], params.get("SecurityToken")),
             (ACCESS_KEY if not token else "ASIATEMPORARY0000001", "HmacSHA256", "2", token))
        request = AWSRequest("POST", f"http://{host}/", data=params)
        judge = SigV2Auth(Credentials("x", SECRET_KEY if not token else "temporary"))
        same(signature, judge.calc_signature(request, params)[1], head, body)
        check("authorization" not in head.lower() and "x-amz-" not in head.lower(), head)
        if params["Action"] != "GetCallerIdentity":
            same(params["Version"], "2012-12-01")
        seen.append(params)
    check(len(seen) > 4, "requests:", seen)
    return seen


def whole_flow(t, kind):
    front = cloud(t, kind)
    m = mount(t, front)
    same(sorted(t.ok("ls").split()), ["eu-west-1", "us-east-1", "us-west-2"])
    same(sorted(os.listdir(m.region("us-east-1", "snapshots"))), sorted(OWN["us-east-1"]))
    same(os.listdir(m.region("eu-west-1", "snapshots")), [IRISH])
    contains(read(m.folder("us-east-1", NIGHTLY, "description")), "nightly db")
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/")
    got = fields(t.ok(f"cat eu-west-1/{NIGHTLY}.wait"))
    same((got["state"], got["region"], got["source"]), ("completed", "eu-west-1", f"us-east-1/{NIGHTLY}"))
    same(read(m.folder("eu-west-1", got["snapshot"], "description")).strip(), f"[Copied {NIGHTLY} from us-east-1] nightly db")
    same([c["SnapshotId"] for c in t.sim.copies("eu-west-1")], [got["snapshot"]])
    t.ok(f"echo blue > us-east-1/snapshots/{BARE}/tags/colour; cat us-east-1/snapshots/{BARE}/tags/colour")
    same(t.sim.snapshot("us-east-1", BARE)["Tags"], {"colour": "blue"})
    later = {"MaxResults", "DryRun", "PresignedUrl", "DestinationRegion"}
    for params in agree_with_botocore(front):
        same([p for p in params if p in later or p.startswith("TagSpecification")], [], params["Action"])


@case
def strict(t):
    whole_flow(t, "refuses")


@case
def lenient(t):
    whole_flow(t, "ignores")


@case
def a_cloud_of_today(t):
    """One that knows all that came later has no harm of it."""
    whole_flow(t, "no")


@case
def delete_and_remove_tag(t):
    front = cloud(t, "refuses")
    m = mount(t, front, "delete")
    os.unlink(m.folder("eu-west-1", IRISH, "tags", "Name"))
    same(t.sim.snapshot("eu-west-1", IRISH).get("Tags", {}), {})
    os.rmdir(m.folder("eu-west-1", IRISH))
    same(t.sim.snapshots("eu-west-1"), [])


@case
def what_2012_does_not_have(t):
    """A lenient cloud would copy for a dry run, and without encryption: such a request never leaves."""
    front = cloud(t, "ignores")
    m = mount(t, front)
    m.allow("signature=v2")
    text = f"region: us-east-1\nsnapshot: {NIGHTLY}\n"
    for line, word in (("copy.dry-run: yes", "DryRun"), ("copy.encrypted: yes", "Encrypted"),
                       ("copy.kms-key: alias/dr", "Encrypted"), ("copy.completion-minutes: 60", "CompletionDurationMinutes")):
        name = line.split(":")[0]
        refused(EOPNOTSUPP, write, m.region("eu-west-1", name), f"{text}{line}\n...\n")
        for place in (m.region("eu-west-1", name + ".status"), m(".ebsfs/last-error")):
            matches(read(place), rf"signature=v2 uses the API of 2012, whose CopySnapshot has no {word}")
        same(t.sim.count("CopySnapshot"), 0, line)
    same(t.sim.copies("eu-west-1"), [])


@case
def queue(t):
    """Past the limit copies wait; nothing is tried before in a way that such a cloud would take in earnest."""
    front = cloud(t, "ignores", "--copy-limit", "1")
    m = mount(t, front, "window=3")
    m.allow("ResourceLimitExceeded")
    ids = (NIGHTLY, BARE, AWKWARD)
    t.ok("cp " + " ".join(f"us-east-1/snapshots/{i}/{i}.snapshot" for i in ids) + " eu-west-1/")
    t.ok(f"cat eu-west-1/{NIGHTLY}.wait eu-west-1/{BARE}.wait eu-west-1/{AWKWARD}.wait", seconds=60)
    same(sorted(c["Description"][:30] for c in t.sim.copies("eu-west-1")), sorted(f"[Copied {i}"[:30] for i in ids))
    same([p for p in agree_with_botocore(front) if "DryRun" in p], [])
    check("not encrypted" not in m.log_text(), "whatever is below localhost is this machine")


@case
def lost_answer(t):
    """Without tags a copy is found by its description; and it is one."""
    front = cloud(t, "ignores")
    m = mount(t, front, "window=3", "answer=20")
    m.allow("CopySnapshot")
    t.sim.fault("CopySnapshot", effect="reset", after=True)
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/", seconds=60)
    until(lambda: status(m.region("eu-west-1", NIGHTLY + ".status"))["state"] == "completed", "the copy", 40)
    same(len(t.sim.copies("eu-west-1")), 1)
    same(t.sim.count("CopySnapshot"), 1)


@case
def one_endpoint_is_one_region(t):
    """Nothing in such a request says which region is meant."""
    front = cloud(t, "refuses")
    url = f"http://us-east-1.localhost:{front.port}"
    where = t.path("mnt")
    os.makedirs(where)
    done = t.ebsfs("-f", "-o", f"signature=v2,endpoint_url={url},state_dir={t.path('state')}", where)
    same((done.code, done.out), (2, ""), repr(done))
    matches(done.err, r"^ebsfs: .*does not say which region.*there are 3.*\{region\}.*regions=.*$")
    same(len(done.err.splitlines()), 1, done.err)
    m = t.mount("signature=v2", "regions=us-east-1", endpoint=url)
    m.allow("alone")
    same(os.listdir(m("regions")), ["us-east-1"])
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot us-east-1/again")
    same(len(t.sim.copies("us-east-1")), 1)
    before = t.sim.total()
    refused(EINVAL, write, m.region("us-east-1", "x"), f"region: eu-west-1\nsnapshot: {IRISH}\n...\n")
    contains(read(m(".ebsfs/last-error")), "serves only the region us-east-1")
    same(t.sim.total(), before)


@case
def not_at_amazon(t):
    where = t.path("mnt")
    os.makedirs(where)
    t.env.update(AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="secret")
    for more in ("", ",endpoint_url=https://ec2.eu-west-1.amazonaws.com", ",endpoint_url=https://ec2.{region}.api.aws"):
        done = t.ebsfs("-f", "-o", f"signature=v2,state_dir={t.path('state')}{more}", where)
        same(done.code, 2, repr(done))
        matches(done.err, r"^ebsfs: signature=v2 is for EC2-compatible clouds: name the cloud's endpoint_url; .* is Amazon's.*\n\Z")
    done = t.ebsfs("-f", "-o", "signature=v3", where)
    same((done.code, done.err), (2, "ebsfs: option signature: 'v3' is neither v4 nor v2\n"))


@case
def wrong_key(t):
    front = cloud(t, "refuses")
    where = t.path("mnt")
    os.makedirs(where)
    options = f"signature=v2,endpoint_url=http://{{region}}.localhost:{front.port},state_dir={t.path('state')}"
    done = t.ebsfs("-f", "-o", options, where, env={"AWS_SECRET_ACCESS_KEY": "wrong"})
    same(done.code, 3, repr(done))
    matches(done.err, r"^ebsfs: .*AuthFailure.*\n\Z")


@case
def temporary_keys(t):
    from world import SEED
    key = {"access_key": "ASIATEMPORARY0000001", "secret": "temporary", "token": "token/with+signs==", "expires": "1h"}
    t.start_sim("--api-2012", "refuses", "--xmlns", OLD, world={**SEED, "keys": [key]})
    front = Front(t, t.sim.port)
    m = mount(t, front, env={"AWS_ACCESS_KEY_ID": key["access_key"], "AWS_SECRET_ACCESS_KEY": key["secret"],
                             "AWS_SESSION_TOKEN": key["token"]})
    t.ok(f"ls us-east-1/snapshots; cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/; ls eu-west-1/snapshots us-west-2")
    same(len(t.sim.copies("eu-west-1")), 1)
    agree_with_botocore(front, key["token"])
    check(key["token"] not in m.log_text())


@case
def names_of_regions(t):
    """Whatever such a cloud calls its regions: listed, named with regions=, copied between, and known again by the next mount."""
    names = ["RegionOne", "az-1.region_a.geo-1", "eucalyptus", "ru-msk", "snow"]
    t.start_sim(world={"regions": {name: {"snapshots": [snapshot(NIGHTLY)] if name == "RegionOne" else []} for name in [*names, "no region"]}})
    t.sim.set_copy_seconds(1)
    m = t.mount(env={"AWS_REGION": "RegionOne"})
    m.allow("1 region left out, whose name cannot be a folder's: \"no region\"")
    same(sorted(os.listdir(m("regions"))), names)
    for name in names[1:]:
        t.ok(f"cp RegionOne/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot {name}/")
        contains(read(m.region(name, NIGHTLY + ".wait")), "state: completed")
    matches(m.log_text(), 'warning: DescribeRegions: 1 region left out.*: "no region"$')
    m.unmount()
    m = t.mount("regions=RegionOne:ru-msk")
    same(sorted(os.listdir(m("regions"))), ["RegionOne", "ru-msk"])
    same(status(m.region("ru-msk", NIGHTLY + ".status"))["source"], f"RegionOne/{NIGHTLY}")
    m.unmount()
    done = t.ebsfs("-o", f"endpoint_url={t.sim.url},state_dir={t.path('state')},regions=regionone", t.path("mnt"), env={"AWS_REGION": "snow"})
    check(done.code, "mounted without a region")
    contains(done.err, "did you mean RegionOne?")


@case
def no_region(t):
    """An endpoint that names none: that is said; with regions= it is mounted nevertheless."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<DescribeRegionsResponse><regionInfo/></DescribeRegionsResponse>")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    t.closers.append(server.shutdown)
    os.makedirs(t.path("mnt"))
    t.env.update(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    done = t.ebsfs("-o", f"endpoint_url={url},state_dir={t.path('state')}", t.path("mnt"))
    check(done.code, "mounted without a region")
    contains(done.err, "the endpoint has named no region; name them with regions=", repr(done))
    m = t.mount("regions=RegionOne", endpoint=url)
    m.allow("trusting regions=")
    same(os.listdir(m("regions")), ["RegionOne"])


def no_volumes(t, kind):
    """Neither a volume without a client token nor an image that does not boot; used-by works all the same."""
    front = cloud(t, kind)
    m = mount(t, front)
    m.allow("EOPNOTSUPP|API of 2012")
    same(sorted(os.listdir(m.region("us-east-1", "volumes")))[0], "us-east-1a")
    file = f"us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot"
    t.fails(EOPNOTSUPP, f"cp {file} us-east-1/volumes/us-east-1a/")
    contains(read(m(".ebsfs/last-error")), "the API of 2012, whose CreateVolume has no ClientToken; nothing was sent")
    # The shell does not report its own close; cp does.
    write(t.path("web"), "image.architecture: x86_64\n" + read(m("regions/" + file)))
    t.fails(EOPNOTSUPP, f"cp {t.path('web')} us-east-1/images/web")
    contains(read(m(".ebsfs/last-error")), "whose RegisterImage has no VirtualizationType and no EnaSupport; nothing was sent")
    same((t.sim.count("CreateVolume"), t.sim.count("RegisterImage"), t.sim.made("us-east-1")), (0, 0, {"volumes": 0, "images": 0}))
    ec2 = t.boto("us-east-1")
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", SnapshotId=NIGHTLY)["VolumeId"] if kind == "ignores" else None
    same(read(m.folder("us-east-1", NIGHTLY, "used-by")), f"{volume} available us-east-1a\n" if volume else "")


@case
def no_volumes_at_a_strict_cloud(t):
    no_volumes(t, "refuses")


@case
def no_volumes_at_a_lenient_cloud(t):
    no_volumes(t, "ignores")
