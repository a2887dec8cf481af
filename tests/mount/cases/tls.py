# SPDX-License-Identifier: MIT
"""TLS: who is believed, what is said when nobody is, and that nothing was said to the wrong one. Proxies. Redirects."""
import hashlib
import http.server
import os
import ssl
import threading
from errno import EIO

from certificates import Authority
from front import Front
from harness import SLOW, Timer, case, check, contains, matches, read, refused, same, write
from simulator import ACCESS_KEY
from world import NIGHTLY, OWN

SIGNED = (b"Authorization", b"Credential=", ACCESS_KEY.encode(), b"X-Amz", b"Action=", b"Signature")


def works(t, m):
    same(sorted(os.listdir(m.region("us-east-1", "snapshots"))), sorted(OWN["us-east-1"]))
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/")
    same(len(t.sim.copies("eu-west-1")), 1)


def fails_to_mount(t, url, pattern, env=None, options=""):
    """One clear line and status 4, soon."""
    where = t.path("mnt")
    os.makedirs(where, exist_ok=True)
    with Timer() as timer:
        done = t.ebsfs("-f", "-o", f"endpoint_url={url},state_dir={t.path('state')}{options}", where, env=env)
    same((done.code, done.out), (4, ""), repr(done))
    same(len(done.err.splitlines()), 1, done.err)
    matches(done.err, rf"^ebsfs: asking AWS for the account's regions: .*{pattern}")
    check(timer.seconds < 30 * SLOW, "it took", timer.seconds)
    return done.err


def nothing_was_said(front):
    check(front.accepted, "nobody came")
    same(front.requests(), [])
    for word in SIGNED:
        check(word not in front.everything(), word)


@case
def ca_from_the_environment(t):
    ca = Authority(t)
    front = Front(t, t.sim.port, ca.server("DNS:localhost"))
    m = t.mount(endpoint=f"https://localhost:{front.port}", env={"AWS_CA_BUNDLE": ca.file})
    works(t, m)
    check("warning" not in m.log_text(), m.log_text())
    check(len(front.requests()) > 3)
    contains(front.requests()[0][0], "Authorization: AWS4-HMAC-SHA256")
    check(b"Authorization" not in front.everything(), "not encrypted")


@case
def ca_from_the_profile(t):
    """And with an address instead of a name."""
    ca = Authority(t)
    front = Front(t, t.sim.port, ca.server("IP:127.0.0.1"))
    with open(t.path("home/.aws/config"), "w") as f:
        f.write(f"[profile x]\nca_bundle = {ca.file}\n")
        f.write("".join(f"{k.lower()} = {v}\n" for k, v in t.sim.credentials().items()))
    works(t, t.mount("profile=x", endpoint=f"https://127.0.0.1:{front.port}"))


@case
def tls_1_2_will_do(t):
    ca = Authority(t)
    front = Front(t, t.sim.port, ca.server("DNS:localhost", version=ssl.TLSVersion.TLSv1_2))
    works(t, t.mount(endpoint=f"https://localhost:{front.port}", env={"AWS_CA_BUNDLE": ca.file}))


def distrusted(t, pattern, names=("DNS:localhost",), bundle="own", **how):
    ca = Authority(t)
    front = Front(t, t.sim.port, ca.server(*names, **how))
    env = {"own": {"AWS_CA_BUNDLE": ca.file}, "other": {}, None: {}}[bundle]
    if bundle == "other":
        env = {"AWS_CA_BUNDLE": Authority(t, "another").file}
    line = fails_to_mount(t, f"https://localhost:{front.port}", rf"localhost:{front.port}: {pattern}\n\Z", env)
    nothing_was_said(front)
    return line


NAME_THE_CA = "if the server is the right one, name its CA with AWS_CA_BUNDLE or ca_bundle"


@case
def unknown_ca(t):
    distrusted(t, rf"no trusted TLS connection: SSL certificate problem: unable to get local issuer certificate; {NAME_THE_CA}", bundle=None)


@case
def another_ca(t):
    """Only what ca_bundle names is trusted then, and not the system's."""
    distrusted(t, rf"no trusted TLS connection: .*; {NAME_THE_CA}", bundle="other")


@case
def self_signed(t):
    distrusted(t, rf"no trusted TLS connection: SSL certificate problem: self.signed certificate; {NAME_THE_CA}", self_signed=True)


@case
def expired(t):
    distrusted(t, "no trusted TLS connection: SSL certificate problem: certificate has expired; "
                  "the server needs a new certificate, or this machine's clock is wrong", days=-1)


@case
def wrong_name(t):
    distrusted(t, "no trusted TLS connection: SSL: no alternative certificate subject name matches target host name 'localhost'; "
                  "the certificate is for other names: correct the endpoint's URL", names=("DNS:other.example", "IP:127.0.0.1"))


@case
def tls_1_1(t):
    distrusted(t, "no TLS connection: .*; ebsfs speaks TLS 1.2 and later, which the server must, too", version=ssl.TLSVersion.TLSv1_1)


@case
def no_tls_at_all(t):
    fails_to_mount(t, f"https://127.0.0.1:{t.sim.port}", "no TLS connection: .*; if the endpoint is without TLS, its URL begins with http:")
    same(t.sim.total(), 0)


@case
def ca_bundle_that_is_none(t):
    ca = Authority(t)
    front = Front(t, t.sim.port, ca.server("DNS:localhost"))
    where = t.path("mnt")
    os.makedirs(where)
    done = t.ebsfs("-f", "-o", f"endpoint_url=https://localhost:{front.port},state_dir={t.path('state')}", where,
                   env={"AWS_CA_BUNDLE": "/nonexistent/ca.pem"})
    same((done.code, done.err), (3, "ebsfs: cannot read the CA bundle /nonexistent/ca.pem: No such file or directory\n"))
    with open(t.path("garbage"), "w") as f:
        f.write("no certificate\n")
    fails_to_mount(t, f"https://localhost:{front.port}", r"no trusted TLS connection: .*garbage.*; the file that AWS_CA_BUNDLE or "
                   r"ca_bundle names must hold certificates in PEM form", {"AWS_CA_BUNDLE": t.path("garbage")})
    check(not front.requests())


@case
def trust_lost_later(t):
    """The server's certificate changes under a mount: an error with the reason, no request, and no lost answer to wait for."""
    ca = Authority(t)
    front = Front(t, t.sim.port, ca.server("DNS:localhost"))
    m = t.mount("ttl=1", endpoint=f"https://localhost:{front.port}", env={"AWS_CA_BUNDLE": ca.file})
    m.allow("trusted")
    t.ok("ls us-east-1/snapshots")
    front.context = ca.server("DNS:other.example")
    before = t.sim.count("CopySnapshot")
    with Timer() as timer:
        done = t.run(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/x", seconds=60)
    check(done.code, repr(done))
    contains(done.err, "No route to host")
    contains(read(m(".ebsfs/last-error")), "the certificate is for other names")
    check(timer.seconds < 30 * SLOW, timer.seconds)
    same(t.sim.count("CopySnapshot"), before)


# --- proxies ---


@case
def https_through_a_proxy(t):
    """The proxy learns where to, and nothing else; the certificate is the endpoint's."""
    ca = Authority(t)
    proxy = Front(t, t.sim.port, ca.server("DNS:cloud.example"), proxy=True)
    m = t.mount(endpoint="https://cloud.example", env={
        "AWS_CA_BUNDLE": ca.file, "HTTPS_PROXY": f"http://someone:proxy-password@127.0.0.1:{proxy.port}"})
    works(t, m)
    same(set(proxy.connects), {"cloud.example:443"})
    for word in SIGNED:
        if word != b"Authorization":  # the proxy has one of its own
            check(word not in proxy.everything(), word)
    check("proxy-password" not in m.log_text(), m.log_text())


@case
def no_proxy(t):
    ca = Authority(t)
    proxy = Front(t, t.sim.port, proxy=True)
    front = Front(t, t.sim.port, ca.server("DNS:localhost"))
    env = {"AWS_CA_BUNDLE": ca.file, "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": "example.org,cloud.example"}
    fails_to_mount(t, "https://cloud.example", "cloud.example:443: cannot find the address", env, ",timeout=3")
    works(t, t.mount(endpoint=f"https://localhost:{front.port}", env=env))
    same(proxy.accepted, 0)


@case
def no_proxy_to_loopback(t):
    """Whatever stands in the environment."""
    proxy = Front(t, t.sim.port, proxy=True)
    url = f"http://127.0.0.1:{proxy.port}"
    works(t, t.mount(env={name: url for name in ("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")}))
    same(proxy.accepted, 0)


@case
def a_proxy_that_is_not_there(t):
    t.sim
    line = fails_to_mount(t, "https://cloud.example", "cannot connect",
                          {"HTTPS_PROXY": "http://someone:proxy-password@127.0.0.1:9"}, ",timeout=3")
    contains(line.lower(), "proxy")
    check("proxy-password" not in line, line)


# --- plain http, and where else a server may point ---


@case
def plain_http_is_named(t):
    """To another host it is as good as the user's word, and said once."""
    t.sim
    proxy = PlainProxy(t, t.sim.port)
    m = t.mount(endpoint="http://cloud.example", env={"http_proxy": f"http://127.0.0.1:{proxy.port}"})
    works(t, m)
    same(m.log_text().count("not encrypted"), 1, m.log_text())
    contains(m.log_text(), "http://cloud.example is not encrypted")
    other = t.mount(where="other", state="other-state")
    check("not encrypted" not in other.log_text(), "on loopback nobody listens")


class PlainProxy(Front):
    """Takes `POST http://host/ HTTP/1.1` as it comes, and gives the path alone to the simulator."""

    def __init__(self, test, target):
        super().__init__(test, target)

    def _pump(self, source, sink, record):
        if record is None:
            super()._pump(source, sink, record)
            return
        try:
            while data := source.recv(65536):
                record.append(data)
                sink.sendall(data.replace(b"POST http://cloud.example/ ", b"POST / "))
        except OSError:
            pass


class Pointer:
    """Answers everything with a redirect; and a server to which it leads, which must stay alone."""

    def __init__(self, test, status):
        pointer = self
        self.asked, self.followed = [], []

        class First(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                pointer.asked.append(self.path)
                self.send_response(status)
                self.send_header("Location", f"http://127.0.0.1:{pointer.second.server_address[1]}/elsewhere?secret=1")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_PUT = do_POST

            def log_message(self, *_):
                pass

        class Second(First):
            def do_POST(self):
                pointer.followed.append(self.path)
                self.send_error(500)

            do_GET = do_PUT = do_POST

        self.first, self.second = (http.server.ThreadingHTTPServer(("127.0.0.1", 0), h) for h in (First, Second))
        for server in (self.first, self.second):
            threading.Thread(target=server.serve_forever, daemon=True).start()
            test.closers += [server.server_close, server.shutdown]
        self.url = f"http://127.0.0.1:{self.first.server_address[1]}"
        self.words = (rf"a redirect, which is not followed: status {status} points to http://127.0.0.1:{self.second.server_address[1]}; "
                      "if that is the right endpoint, name it; otherwise a proxy or a login page is in the way")


@case
def redirects(t):
    """Of EC2, of STS, of the places that hand out keys: nobody is asked there, and nothing is told."""
    t.sim
    clear = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    token = t.path("token")
    with open(token, "w") as f:
        f.write("a-web-identity-token")
    with open(t.path("home/.aws/config"), "w") as f:
        f.write("[default]\n[profile sso]\nsso_start_url = https://x.example\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = r\n")
    cache = t.path("home/.aws/sso/cache")
    os.makedirs(cache)
    with open(os.path.join(cache, hashlib.sha1(b"https://x.example").hexdigest() + ".json"), "w") as f:
        f.write('{"accessToken": "an-sso-token", "expiresAt": "2099-01-01T00:00:00Z", "region": "us-east-1", "startUrl": "https://x.example"}')
    where = t.path("mnt")
    os.makedirs(where)
    for status in (301, 302, 307, 308):
        p = Pointer(t, status)
        sources = {
            "ec2": {"AWS_ENDPOINT_URL": p.url, **{k: t.env[k] for k in clear}},
            "sts": {"AWS_ENDPOINT_URL_STS": p.url, "AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r"},
            "imds": {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": p.url},
            "container": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": p.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a-container-token"},
            "sso": {"AWS_ENDPOINT_URL_SSO": p.url, "AWS_PROFILE": "sso"},
        }
        for name, env in sources.items():
            before = len(p.asked)
            options = f"state_dir={t.path('state')},timeout=5" + ("" if name == "ec2" else f",endpoint_url={t.sim.url}")
            done = t.ebsfs("-f", "-o", options, where, env=env, clear=[k for k in clear if k not in env])
            check(done.code in (1, 3, 4), name, repr(done))
            matches(done.err, p.words, name)
            check("secret=1" not in done.err and "token" not in done.err.replace("for a token", ""), done.err)
            check(len(p.asked) > before, name, "was not asked")
            same(p.followed, [], name)
    same(t.sim.total(), 0)


@case
def redirected_later(t):
    """A copy that is answered by a redirect was not made: EIO at once, and nobody waits for it."""
    t.sim
    front = Front(t, t.sim.port)
    m = t.mount(endpoint=f"http://127.0.0.1:{front.port}")
    m.allow("redirect")
    t.ok("ls us-east-1/snapshots")
    front.target = int(Pointer(t, 307).url.rsplit(":", 1)[1])
    with Timer() as timer:
        refused(EIO, write, m.region("eu-west-1", "x"), f"region: us-east-1\nsnapshot: {NIGHTLY}\n...\n")
    check(timer.seconds < 25 * SLOW, timer.seconds)
    contains(read(m(".ebsfs/last-error")), "a redirect, which is not followed")
    same(t.sim.copies("eu-west-1"), [])
