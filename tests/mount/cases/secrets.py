# SPDX-License-Identifier: MIT
"""Secrets go to AWS and nowhere else: not into a log, an error, a file of ours, a title or a core, even if AWS says them back.

Every secret has letters in a row at its ends that nothing else has; wherever those stand, the secret does, however it is escaped.
"""
import datetime
import hashlib
import hmac
import http.client
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path
from xml.sax.saxutils import escape

from harness import EBSFS, Skip, case, check, contains, matches, same, status
from world import BARE, NIGHTLY, NOWHERE, SEED

SECRET = "QzSecretBeginsHere/+kQzSecretEndsAfterIt"
TOKENS = {name: f"Qz{name}BeginsHereWith/+={'x' * 40}/+=Qz{name}EndsWithThis==" for name in (
    "Session", "Container", "Web", "SsoAccess", "SsoRefresh", "SsoClient", "Process", "Proxy", "Imds")}
KEY = {"access_key": "ASIATEMPORARY0000001", "secret": SECRET, "token": TOKENS["Session"], "expires": "1h"}
ENV = {"AWS_ACCESS_KEY_ID": KEY["access_key"], "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": KEY["token"]}
NO_KEYS = tuple(ENV)


def needles():
    """What must stand nowhere: the ends of every secret, and the keys that signatures are made with."""
    out = [b"QzSecretBegins", b"QzSecretEnds"]
    for name in TOKENS:
        out += [f"Qz{name}Begins".encode(), f"Qz{name}Ends".encode()]
    for day in (0, 1):
        date = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=day)).strftime("%Y%m%d")
        for region in ("us-east-1", "eu-west-1", "us-west-2"):
            for service in ("ec2", "sts"):
                key = b"AWS4" + SECRET.encode()
                for part in (date, region, service, "aws4_request"):
                    key = hmac.new(key, part.encode(), hashlib.sha256).digest()
                    out += [key, key.hex().encode()]
    return out


def search(t, *texts):
    """All that ebsfs wrote: these texts, its logs, and its files."""
    places = {f"text {i}": x.encode() if isinstance(x, str) else x for i, x in enumerate(texts)}
    files = [*Path(t.dir).glob("ebsfs*.log"), *Path(t.dir, "state").rglob("*")]
    check(any("journal" in f.name for f in files) or not Path(t.dir, "state").exists(), files)
    for file in files:
        if file.is_file():
            places[str(file)] = file.read_bytes()
    for m in t.mounts:
        if not m.ended:
            places["cmdline"] = Path(f"/proc/{m.process.pid}/cmdline").read_bytes()
            for name in [*(m(".ebsfs", n) for n in os.listdir(m(".ebsfs"))), m("README"), m("copies"), m("copies.json")]:
                places[name] = Path(name).read_bytes()
            for folder, _, names in os.walk(m("regions", "eu-west-1")):
                if "snapshots" not in folder:
                    for name in names:
                        if not name.endswith(".wait"):
                            places[os.path.join(folder, name)] = Path(folder, name).read_bytes()
    wanted = needles()
    for place, data in places.items():
        for needle in wanted:
            check(needle not in data, f"{needle!r} stands in {place}:", data[max(0, data.find(needle) - 200):][:400])
    return places


class Echo:
    """Hands requests on to target, or, once .say is set, refuses them in the words that .say makes of a request."""

    def __init__(self, test, target=None):
        echo = self
        self.say, self.asked, self.form = None, [], "xml"

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                echo.asked.append((self.path, dict(self.headers.items()), body.decode()))
                say = echo.say
                # Whether there is a copy already is asked before CopySnapshot is sent.
                if say is None or "ebsfs%3Asource" in body.decode() and "Action=DescribeSnapshots" in body.decode():
                    there = http.client.HTTPConnection("127.0.0.1", target)
                    there.request(self.command, self.path, body, dict(self.headers.items()))
                    answer = there.getresponse()
                    self.reply(answer.status, answer.read())
                    there.close()
                    return
                words = say(self.path, dict(self.headers.items()), body.decode())
                if echo.form == "json":
                    self.reply(400, json.dumps({"message": words, "error": "x", "error_description": words}).encode())
                else:
                    self.reply(400, ("<Response><Errors><Error><Code>InvalidParameterValue</Code><Message>" + escape(words) +
                                     "</Message></Error></Errors><RequestID>r</RequestID></Response>").encode())

            do_GET = do_PUT = do_POST

            def reply(self, code, data):
                self.send_response(code)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        test.closers += [self.server.server_close, self.server.shutdown]
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


def header(name):
    return lambda path, headers, body: next((v for k, v in headers.items() if k.lower() == name), "no such header")


def all_headers(path, headers, body):
    return "\n".join(f"{k}: {v}" for k, v in sorted(headers.items(), reverse=True))


def body_from(mark):
    return lambda path, headers, body: body[max(0, body.find(mark)):]


# As servers repeat what they do not like. AWS's own SignatureDoesNotMatch says the canonical request, token and all.
SAYINGS = {
    "token": header("x-amz-security-token"),
    "token-quoted": lambda *r: urllib.parse.quote(header("x-amz-security-token")(*r), safe=""),
    "token-cut": lambda *r: header("x-amz-security-token")(*r)[:30] + "... is not known",
    "authorization": header("authorization"),
    "headers": all_headers,
    "canonical": lambda path, headers, body: f"The Canonical String should have been 'POST\n{path}\nx-amz-security-token:" +
    header("x-amz-security-token")(path, headers, body) + "'",
    "presigned": body_from("X-Amz-Security-Token"),
    "presigned-decoded": lambda *r: urllib.parse.unquote(urllib.parse.unquote(body_from("X-Amz-Security-Token")(*r))),
    "signature": body_from("X-Amz-Signature"),
}


def told(t, sayings):
    """Refused copies, each in the words of a saying; then what the journal, the status files, the log and all else say."""
    t.start_sim(world={**SEED, "keys": [KEY]})
    echo = Echo(t, t.sim.port)
    m = t.mount(flags=("-d",), endpoint=echo.url, env=ENV)
    m.allow(".*")
    t.ok(f"ls -l us-east-1/snapshots eu-west-1/snapshots; cat us-east-1/snapshots/{NIGHTLY}/metadata.json")
    for saying, say in sayings.items():
        echo.say = say
        before = len(echo.asked)
        done = t.run(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/{saying}")
        check(done.code != 0, repr(done))
        sent = [r for r in echo.asked[before:] if "Action=CopySnapshot" in r[2]]
        check(sent, "nothing was asked")
        # It was there to be repeated, and what came of it is said.
        contains("".join(say(*r) for r in sent) + TOKENS["Session"], "Begins")
        check(status(m.region("eu-west-1", saying + ".status"))["message"], saying)
    for command in ("ls us-west-2/snapshots; touch us-west-2/snapshots; ls us-west-2/snapshots", f"cat us-east-1/snapshots/{NOWHERE}/status",
                    f"echo x > us-east-1/snapshots/{BARE}/tags/y"):
        t.run(command)
    echo.say = None
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/good; echo x > us-east-1/snapshots/{BARE}/tags/y")
    places = search(t)
    contains(m.log_text(), "HTTP 400", "the log is a full one")
    signatures = {s for r in echo.asked for s in re.findall("[0-9a-f]{64}", " ".join(r[1].values()) + r[2])}
    check(len(signatures) > 20, signatures)
    for place, data in places.items():
        for signature in signatures:
            check(signature.encode() not in data, place, data)
    m.unmount()
    search(t)
    return m


@case
def said_back(t):
    m = told(t, SAYINGS)
    contains(m.log_text(), "The Canonical String should have been")


@case
def said_back_in_v2(t):
    echoes = {"token": body_from("SecurityToken"), "signature": body_from("Signature="),
              "decoded": lambda *r: urllib.parse.unquote(body_from("SecurityToken")(*r))}
    t.start_sim(world={**SEED, "keys": [KEY]})
    echo = Echo(t, t.sim.port)
    m = t.mount("signature=v2", flags=("-d",), endpoint=echo.url.replace("127.0.0.1", "{region}.localhost"), env=ENV)
    m.allow(".*")
    for saying, say in echoes.items():
        echo.say = say
        check(t.run(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/{saying}").code)
        echo.say = None
    contains(urllib.parse.unquote(echo.asked[-1][2]), "QzSessionBegins")
    places = search(t)
    for place, data in places.items():
        check(not re.search(rb"Signature(=|%3D)[A-Za-z0-9]", data), place, data)


class Giver(Echo):
    """Hands out the keys, for every source that asks over HTTP; or says back what it was asked."""

    def __init__(self, test):
        super().__init__(test)
        expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        stamp = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.expires_ms = int(expires.timestamp() * 1000)
        self.keys = {"AccessKeyId": KEY["access_key"], "SecretAccessKey": SECRET, "Token": KEY["token"], "Expiration": stamp}
        giver, handler = self, self.server.RequestHandlerClass

        class Good(handler):
            def do_POST(self):
                if giver.say:
                    handler.do_POST(self)
                    return
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                giver.asked.append((self.path, dict(self.headers.items()), body))
                self.reply(200, giver.answer(self.path, body).encode())

            do_GET = do_PUT = do_POST

        self.server.RequestHandlerClass = Good

    def answer(self, path, body):
        k = self.keys
        if "AssumeRoleWithWebIdentity" in body:
            return ("<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
                    f"<AccessKeyId>{k['AccessKeyId']}</AccessKeyId><SecretAccessKey>{k['SecretAccessKey']}</SecretAccessKey>"
                    f"<SessionToken>{k['Token']}</SessionToken><Expiration>{k['Expiration']}</Expiration></Credentials>"
                    "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>")
        if path.startswith("/federation"):
            return json.dumps({"roleCredentials": {"accessKeyId": k["AccessKeyId"], "secretAccessKey": k["SecretAccessKey"],
                                                   "sessionToken": k["Token"], "expiration": self.expires_ms}})
        if path == "/token":
            return json.dumps({"accessToken": TOKENS["SsoAccess"], "expiresIn": 3600, "refreshToken": TOKENS["SsoRefresh"]})
        if path == "/latest/api/token":
            return TOKENS["Imds"]
        if path.endswith("/security-credentials/"):
            return "a-role"
        return json.dumps({"Code": "Success", **k})


def sources(t, giver):
    """name -> environment. The files that hold secrets are the user's own."""
    home = Path(t.path("home"))
    (home / "token").write_text(TOKENS["Container"])
    (home / "web").write_text(TOKENS["Web"])
    process = home / "process"
    process.write_text(f"#!{sys.executable}\nprint('''{json.dumps({'Version': 1, 'AccessKeyId': KEY['access_key'], 'SecretAccessKey': SECRET, 'SessionToken': KEY['token']})}''')\n")
    process.chmod(0o755)
    (home / "garbled").write_text(process.read_text().replace("'''{", "'''{{", 1))
    (home / "garbled").chmod(0o755)
    (home / ".aws/config").write_text(
        f"[profile process]\ncredential_process = {process}\n[profile garbled]\ncredential_process = {home}/garbled\n"
        "[sso-session s]\nsso_start_url = https://x.example\nsso_region = us-east-1\n"
        "[profile sso]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n")
    (home / ".aws/credentials").write_text(
        f"[static]\naws_access_key_id = {KEY['access_key']}\naws_secret_access_key = {SECRET}\naws_session_token = {KEY['token']}\n")
    cache = home / ".aws/sso/cache"
    cache.mkdir(parents=True, exist_ok=True)
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5)
    (cache / (hashlib.sha1(b"s").hexdigest() + ".json")).write_text(json.dumps({
        "accessToken": TOKENS["SsoAccess"], "expiresAt": soon.strftime("%Y-%m-%dT%H:%M:%SZ"), "refreshToken": TOKENS["SsoRefresh"],
        "clientId": "c", "clientSecret": TOKENS["SsoClient"], "registrationExpiresAt": "2099-01-01T00:00:00Z", "region": "us-east-1",
        "startUrl": "https://x.example"}))
    return {
        "static": {"AWS_PROFILE": "static"},
        "process": {"AWS_PROFILE": "process"},
        "garbled": {"AWS_PROFILE": "garbled"},
        "container": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": giver.url + "/keys", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(home / "token")},
        "web": {"AWS_ENDPOINT_URL_STS": giver.url, "AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "web"),
                "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r"},
        "sso": {"AWS_PROFILE": "sso", "AWS_ENDPOINT_URL_SSO": giver.url, "AWS_ENDPOINT_URL_SSO_OIDC": giver.url},
        "imds": {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": giver.url},
    }


@case
def every_source(t):
    """Keys from each source, with a full log; and each source's refusal, in words that say back all it was told."""
    t.start_sim(world={**SEED, "keys": [KEY]})
    for name in NO_KEYS:
        t.env.pop(name, None)
    giver = Giver(t)
    where = t.path("mnt")
    os.makedirs(where, exist_ok=True)
    options = f"endpoint_url={t.sim.url},state_dir={t.path('state')},timeout=4"
    for name, env in sources(t, giver).items():
        if name != "garbled":
            m = t.mount(flags=("-d",), env=env, where=f"mnt-{name}")
            t.ok("ls us-east-1/snapshots")
            search(t)
            m.unmount()
        if name in ("static", "process"):
            continue
        asked = len(giver.asked)
        for form in ("json", "xml"):
            for say in (lambda path, headers, body: body + " " + all_headers(path, headers, body),
                        all_headers,
                        lambda path, headers, body: urllib.parse.unquote(body) + urllib.parse.quote(all_headers(path, headers, body))):
                giver.say, giver.form = say, form
                sources(t, giver)  # the token's file as it was at first
                done = t.ebsfs("-d", "-o", options, where, env=env, seconds=60)
                check(done.code != 0 or name == "sso", repr(done))
                search(t, done.out, done.err)
        giver.say = None
        if name != "garbled":
            said = "".join(str(r) for r in giver.asked[asked:])
            contains(said, {"container": "QzContainerBegins", "web": "QzWebBegins", "sso": "QzSsoAccessBegins", "imds": ""}[name])


every_source.seconds = 300


@case
def proxies_and_urls(t):
    """Passwords in URLs: of a proxy, and where they do not belong."""
    t.sim
    where = t.path("mnt")
    os.makedirs(where)
    password = TOKENS["Proxy"].replace("/", "_").replace("+", "-").replace("=", ".")
    for env, options in (({"HTTPS_PROXY": f"http://someone:{password}@127.0.0.1:9"}, "endpoint_url=https://cloud.example"),
                         ({"HTTPS_PROXY": f"http://someone:{password}@127.0.0.1:{t.sim.port}"}, "endpoint_url=https://cloud.example"),
                         ({"AWS_ENDPOINT_URL": f"http://someone:{password}@cloud.example"}, ""),
                         ({}, f"endpoint_url=http://someone:{password}@cloud.example"),
                         ({}, f"endpoint_url=someone:{password}@cloud.example"),
                         ({}, f"endpoint_url=http:/someone:{password}@cloud.example")):
        done = t.ebsfs("-d", "-o", ",".join(filter(None, (options, "timeout=3", f"state_dir={t.path('state')}"))), where, env=env)
        check(done.code in (2, 4), repr(done))
        search(t, done.out, done.err)


def unprivileged(t, script, **env):
    """Runs a script of bash as nobody, who may mount: with a /dev/fuse of their own, where only root may use the machine's."""
    if os.getuid() != 0:
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, env={**t.env, **env})
    node = t.path("fuse")
    done = subprocess.run(["unshare", "-m", "--propagation", "slave", "bash", "-c", f"[ -e {node} ] || mknod -m 666 {node} c 10 229 && chmod 666 {node} && mount --bind {node} /dev/fuse && "
                           "exec setpriv --reuid 65534 --regid 65534 --clear-groups bash -c \"$1\"", "bash", script],
                          capture_output=True, text=True, env={**t.env, **env})
    if "mknod" in done.stderr or "unshare" in done.stderr:
        raise Skip("no other user may mount here: " + done.stderr.strip())
    return done


@case
def no_core(t):
    """Nobody but root looks into the process, and it leaves no core: whatever kills it, whatever limits it was given."""
    t.start_sim(world={**SEED, "keys": [KEY]})
    os.makedirs(t.path("user/mnt"))
    program = t.path("user/ebsfs")
    if b"__asan_init" in Path(EBSFS).read_bytes():
        raise Skip("a sanitizer looks into its own process")
    Path(program).write_bytes(Path(EBSFS).read_bytes())  # the build folder may not be everybody's
    os.chmod(program, 0o755)
    if os.getuid() == 0:
        for folder, folders, files in os.walk(t.path("user")):
            for name in (".", *folders, *files):
                os.chown(os.path.join(folder, name), 65534, 65534)
        os.chmod(t.dir, 0o755)
    for number in (signal.SIGABRT, signal.SIGSEGV):
        done = unprivileged(t, f"""
            cd {t.path('user')}; ulimit -c unlimited
            ./ebsfs -f -o endpoint_url={t.sim.url},state_dir={t.path('user/state')} mnt 2>log & pid=$!
            for i in $(seq 200); do [ -e mnt/README ] && break; sleep 0.05; done
            ls mnt/regions; echo "title: $(tr '\\0' ' ' </proc/$pid/cmdline)"; grep -i 'max core' /proc/$pid/limits
            cat /proc/$pid/environ; cat /proc/$pid/maps; gdb -p $pid -batch -ex quit
            kill -{int(number)} $pid; wait $pid; echo "status $?"
            fusermount3 -u -z mnt; ls -a; cat log""", HOME=t.path("user"), **ENV)
        contains(done.stdout, "us-east-1", done.stderr)
        matches(done.stdout, r"Max core file size +0 +0 ", done.stderr)
        contains(done.stdout, f"status {128 + int(number)}")
        same(done.stderr.count("Permission denied"), 2, done.stderr)  # environ, maps
        check("core" not in done.stdout.split("status ")[1].replace("Max core", ""), done.stdout)
        search(t, done.stdout, done.stderr)
