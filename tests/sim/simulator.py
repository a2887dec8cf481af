# SPDX-License-Identifier: MIT
"""ebsfs-sim as its judges see it: started, asked through boto3, through the AWS CLI and byte by byte, controlled, ended."""
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.loaders
import botocore.session

ROOT = Path(__file__).resolve().parents[2]
EBSFS_SIM = os.environ.get("EBSFS_SIM", str(ROOT / "build/aws/sim/ebsfs-sim"))
KEY = "AKIASIMULATED0000001"
SECRET = "simulated/secret+key/that+opens+nothing0"
ACCOUNT = "123456789012"
OTHER = "210987654321"
SLOW = float(os.environ.get("EBSFS_TEST_SLOW", "1"))

# Nothing of the user's own configuration takes part.
for name in [n for n in os.environ if n.startswith("AWS_") or n.lower().endswith("_proxy")]:
    del os.environ[name]
os.environ.update(AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null", AWS_EC2_METADATA_DISABLED="true")
LOADER = botocore.loaders.create_loader()  # one for all: reading EC2's model takes longer than most tests


class Refused(Exception):
    """An answer of the control side that is not 200."""


class Sim:
    """One process. world and faults: as JSON objects."""

    def __init__(self, *args, world=None, faults=None):
        self.dir = tempfile.TemporaryDirectory()
        args = [*args]
        for option, content in (("--world", world), ("--faults", faults)):
            if content is not None:
                path = os.path.join(self.dir.name, option[2:])
                Path(path).write_text(json.dumps(content))
                args += [option, path]
        self.process = subprocess.Popen([EBSFS_SIM, "--die-with-parent", *args], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        if not line.strip().isdigit():
            raise RuntimeError(f"ebsfs-sim {args} does not start: status {self.process.wait()}")
        self.port = int(line)
        self.url = f"http://127.0.0.1:{self.port}"
        self.clients = {}

    def stop(self):
        """Returns its status."""
        self.process.terminate()
        try:
            status = self.process.wait(30 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = "it did not end"
        self.process.stdout.close()
        self.dir.cleanup()
        return status

    def client(self, region="us-east-1", service="ec2", key=KEY, secret=SECRET, token=None, attempts=0, timeout=30, pool=10):
        name = (region, service, key, secret, token, attempts, timeout, pool)
        if name not in self.clients:
            config = botocore.config.Config(retries={"max_attempts": attempts}, read_timeout=timeout, connect_timeout=30,
                                            max_pool_connections=pool)
            base = botocore.session.Session()
            base.register_component("data_loader", LOADER)
            session = boto3.session.Session(key, secret, token, region, base)
            self.clients[name] = session.client(service, endpoint_url=self.url, config=config)
        return self.clients[name]

    def cli(self, *args, region="us-east-1", env=None):
        """Returns (status, what it printed as JSON or text, its errors)."""
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": region,
                       "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": "", **(env or {})}
        done = subprocess.run(["aws", "--endpoint-url", self.url, "--output", "json", *args], env=environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120 * SLOW)
        try:
            out = json.loads(done.stdout)
        except ValueError:
            out = done.stdout
        return done.returncode, out, done.stderr

    # --- by hand ---

    def sign(self, params, region="us-east-1", service="ec2", key=KEY, secret=SECRET, token=None, headers=None):
        """The body and the headers of a signed POST."""
        body = urllib.parse.urlencode({"Version": "2016-11-15", **params})
        request = botocore.awsrequest.AWSRequest(
            "POST", self.url + "/", data=body, headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **(headers or {})})
        botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, secret, token), service, region).add_auth(request)
        return body, dict(request.headers)

    def send(self, method="POST", path="/", body=None, headers=None, timeout=30):
        """Returns (status, headers, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def post(self, params, timeout=30, **how):
        body, headers = self.sign(params, **how)
        return self.send("POST", "/", body, headers, timeout)

    def presign(self, params, region="us-east-1", expires=3600, url=None, **credentials):
        query = urllib.parse.urlencode({"Version": "2016-11-15", **params})
        request = botocore.awsrequest.AWSRequest("GET", f"{url or self.url}/?{query}")
        c = botocore.credentials.Credentials(credentials.get("key", KEY), credentials.get("secret", SECRET), credentials.get("token"))
        botocore.auth.SigV4QueryAuth(c, "ec2", region, expires=expires).add_auth(request)
        return request.url

    # --- behind the scenes ---

    def control(self, method, path, body=None):
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sim/{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as e:
            raise Refused(e.code, json.load(e)["error"]) from None

    def set(self, *changes, **settings):
        if settings:
            changes += ({k.replace("_", "-"): v for k, v in settings.items()},)
        return self.control("POST", "set", list(changes))

    def faults(self, *rules, seed=1):
        self.control("POST", "faults", {"seed": seed, "rules": rules})

    def counts(self):
        return self.control("GET", "counts")

    def truth(self, region="us-east-1", query=""):
        return self.control("GET", f"snapshots?region={region}{query}")

    def true(self, id, region="us-east-1"):
        return next((s for s in self.truth(region) if s["SnapshotId"] == id), None)


class Case(unittest.TestCase):
    """Tests of one world; each test has a fresh simulator of its own unless shared is set."""

    args = ()
    world = None
    shared = False
    sim = None

    @classmethod
    def setUpClass(cls):
        if cls.shared:
            cls.sim = Sim(*cls.args, world=cls.world)

    @classmethod
    def tearDownClass(cls):
        if cls.shared and cls.sim:
            status = cls.sim.stop()
            if status != 0:
                raise AssertionError(f"ebsfs-sim ended with {status}")

    def setUp(self):
        if not self.shared:
            self.start(*self.args)

    def start(self, *args, **how):
        """Replaces the simulator by another one."""
        if self.sim:
            self.end()
        how.setdefault("world", self.world)
        self.sim = Sim(*args, **how)

    def end(self):
        self.assertEqual(self.sim.stop(), 0, "status of ebsfs-sim")
        self.sim = None

    def tearDown(self):
        if not self.shared and self.sim:
            self.end()

    # --- short words ---

    def ec2(self, region="us-east-1", **how):
        return self.sim.client(region, **how)

    def snapshots(self, region="us-east-1", **params):
        return self.ec2(region).describe_snapshots(**params)["Snapshots"]

    def ids(self, region="us-east-1", **params):
        return {s["SnapshotId"] for s in self.snapshots(region, **params)}

    def one(self, id, region="us-east-1"):
        return self.snapshots(region, SnapshotIds=[id])[0]

    def copy(self, id, region="eu-west-1", source="us-east-1", **params):
        return self.ec2(region).copy_snapshot(SourceRegion=source, SourceSnapshotId=id, **params)["SnapshotId"]

    def refused(self, code, status, call, *args, **params):
        """Calls and expects AWS's error; returns its message."""
        with self.assertRaises(botocore.exceptions.ClientError) as e:
            call(*args, **params)
        answer = e.exception.response
        self.assertEqual((answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]), (code, status), answer["Error"]["Message"])
        return answer["Error"]["Message"]

    def until(self, what, probe, seconds=20):
        """Asks until it is true; returns what it was."""
        deadline = time.monotonic() + seconds * SLOW
        while True:
            value = probe()
            if value:
                return value
            if time.monotonic() > deadline:
                self.fail(f"not within {seconds} s: {what}")
            time.sleep(0.02)

    def ended(self, id, region="eu-west-1"):
        """The snapshot once it is pending no more."""
        return self.until(f"the end of {id}", lambda: next((s for s in [self.one(id, region)] if s["State"] != "pending"), None))


class Tap(unittest.TextTestResult):
    """One line a test, as TAP has it."""

    def _line(self, word, test, rest=""):
        name = test.id().replace("__main__.", "").split(" ")[0]
        self.lines = getattr(self, "lines", 0) + 1
        print(f"{word} {self.lines} - {name}{rest}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed = getattr(self, "passed", 0) + 1
        self._line("ok", test)

    def addError(self, test, err):
        super().addError(test, err)
        self._line("not ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._line("not ok", test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err and getattr(self, "subtest_failed", None) is not test:
            self.subtest_failed = test
            self._line("not ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line("ok", test, f" # SKIP {reason}")


def main(*modules):
    """Runs the tests of these modules whose name contains one of the arguments. Status 0 if all passed."""
    patterns = sys.argv[1:]
    suite = unittest.TestSuite()
    for module in modules:
        for group in unittest.defaultTestLoader.loadTestsFromModule(module):
            kept = [t for t in group if not patterns or any(p in t.id() for p in patterns)]
            if kept:
                suite.addTest(unittest.TestSuite(kept))
    print(f"1..{suite.countTestCases()}", flush=True)
    result = unittest.TextTestRunner(stream=sys.stderr, resultclass=Tap, verbosity=0).run(suite)
    bad = len(result.failures) + len(result.errors)
    print(f"# {getattr(result, 'passed', 0)} passed, {bad} failed, {len(result.skipped)} skipped")
    return 1 if bad or not result.testsRun else 0
