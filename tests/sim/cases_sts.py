# SPDX-License-Identifier: MIT
"""Keys of roles: what STS hands out is accepted, with its session token, until it ends."""
import datetime
import time
import urllib.parse
import urllib.request

from simulator import Case

ROLE = "arn:aws:iam::123456789012:role/ops"


class Sts(Case):
    shared = True
    world = {"keys": [{"access_key": "AKIANOROLE0000000001", "secret": "norole", "deny": ["AssumeRole"]}],
             "regions": {"us-east-1": {}, "eu-west-1": {}}}

    def assume(self, key=None, **fields):
        client = self.sim.client(service="sts", **(key or {}))
        return client.assume_role(**{"RoleArn": ROLE, "RoleSessionName": "a-session", **fields})

    def keys(self, answer):
        c = answer["Credentials"]
        return dict(key=c["AccessKeyId"], secret=c["SecretAccessKey"], token=c["SessionToken"])

    def test_keys_that_work(self):
        answer = self.assume(ExternalId="x:1", DurationSeconds=900)
        keys = self.keys(answer)
        self.assertEqual(answer["AssumedRoleUser"]["Arn"], "arn:aws:sts::123456789012:assumed-role/ops/a-session")
        life = answer["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
        self.assertTrue(890 < life.total_seconds() <= 900, life)
        self.assertTrue(self.ec2("eu-west-1", **keys).describe_regions()["Regions"])
        self.assertEqual(self.sim.client(service="sts", **keys).get_caller_identity()["Arn"], answer["AssumedRoleUser"]["Arn"])
        self.refused("AuthFailure", 401, self.ec2(**{**keys, "token": None}).describe_regions)
        self.refused("AuthFailure", 401, self.ec2(**{**keys, "token": keys["token"][:-4]}).describe_regions)
        self.refused("AuthFailure", 401, self.ec2(**{**keys, "secret": "wrong"}).describe_regions)

    def test_they_end(self):
        self.sim.set({"session-seconds": "1"})
        keys = self.keys(self.assume())
        self.sim.set({"session-seconds": "0"})
        time.sleep(1.1)
        self.refused("RequestExpired", 400, self.ec2(**keys).describe_regions)
        self.refused("ExpiredToken", 403, self.sim.client(service="sts", **keys).get_caller_identity)

    def test_refused(self):
        self.refused("AccessDenied", 403, self.assume, key=dict(key="AKIANOROLE0000000001", secret="norole"))
        self.refused("AccessDenied", 403, self.assume, RoleArn="arn:aws:iam::210987654321:role/ops")
        self.refused("SignatureDoesNotMatch", 403, self.assume, key=dict(secret="wrong"))
        for fields in (dict(RoleArn="arn:aws:iam::123456789012:user/ops"), dict(RoleSessionName="a session"),
                       dict(DurationSeconds=43201), dict(ExternalId="a b")):
            self.refused("ValidationError", 400, self.assume, **fields)

    def test_chained(self):
        first = self.keys(self.assume())
        self.assertTrue(self.assume(key=first, DurationSeconds=3600)["Credentials"])
        self.refused("ValidationError", 400, self.assume, key=first, DurationSeconds=3601)

    def web(self, **fields):
        """Unsigned, as it is sent."""
        body = urllib.parse.urlencode({"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": ROLE,
                                       "RoleSessionName": "pod", "WebIdentityToken": "head.claims.signature", **fields})
        try:
            with urllib.request.urlopen(self.sim.url + "/", body.encode()) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def test_web_identity(self):
        status, text = self.web()
        self.assertEqual(status, 200, text)
        self.assertIn("assumed-role/ops/pod", text)
        for fields, code in (({"WebIdentityToken": "nonsense"}, "InvalidIdentityToken"), ({"RoleSessionName": "x"}, "ValidationError"),
                             ({"Version": "2016-11-15"}, "NoSuchVersion"), ({"Action": "AssumeRole"}, "MissingAuthenticationToken"),
                             ({"ExternalId": "ab"}, "UnknownParameter")):
            status, text = self.web(**fields)
            self.assertNotEqual(status, 200, text)
            self.assertIn(code, text)
