# SPDX-License-Identifier: MIT
"""Who may come in: signatures, keys, clocks, regions, permissions."""
import datetime
import hashlib
import hmac
import re
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from simulator import ACCOUNT, KEY, OTHER, SECRET, Case

TEMPORARY = dict(key="ASIATEMPORARY0000001", secret="temporary", token="token/with+signs==")


class Gate(Case):
    shared = True
    world = {
        "keys": [
            {"access_key": TEMPORARY["key"], "secret": TEMPORARY["secret"], "token": TEMPORARY["token"], "expires": "1h",
             "arn": "arn:aws:sts::123456789012:assumed-role/ops/session"},
            {"access_key": "ASIAEXPIRED000000001", "secret": "expired", "token": "t", "expires": "-1m"},
            {"access_key": "AKIAREVOKED000000001", "secret": "revoked", "revoked": True},
            {"access_key": "AKIAREADER0000000001", "secret": "reader", "allow": ["Describe*"]},
            {"access_key": "AKIANOCOPY0000000001", "secret": "nocopy", "deny": ["CopySnapshot"]},
            {"access_key": "AKIAOTHER00000000001", "secret": "other", "account": OTHER},
        ],
        "regions": {"us-east-1": {"snapshots": [{"SnapshotId": "snap-00000000000000001"}]}, "eu-west-1": {},
                    "me-south-1": {"enabled": False, "opt_in": True}},
    }

    def identity(self, **how):
        return self.sim.client(service="sts", **how).get_caller_identity()

    def test_identity(self):
        answer = self.identity()
        self.assertEqual(answer["Account"], ACCOUNT)
        self.assertEqual(answer["Arn"], "arn:aws:iam::123456789012:user/simulated")
        self.assertEqual(self.identity(key="AKIAOTHER00000000001", secret="other")["Account"], OTHER)
        self.assertEqual(self.identity(**TEMPORARY)["Arn"], self.world["keys"][0]["arn"])

    def test_wrong_secret(self):
        self.refused("AuthFailure", 401, self.ec2(secret="wrong").describe_regions)
        self.refused("SignatureDoesNotMatch", 403, self.identity, secret="wrong")

    def test_unknown_key(self):
        self.refused("AuthFailure", 401, self.ec2(key="AKIANOBODY0000000000").describe_regions)
        self.refused("InvalidClientTokenId", 403, self.identity, key="AKIANOBODY0000000000")

    def test_temporary_key(self):
        self.assertTrue(self.ec2(**TEMPORARY).describe_regions()["Regions"])
        self.refused("AuthFailure", 401, self.ec2(**{**TEMPORARY, "token": None}).describe_regions)
        self.refused("AuthFailure", 401, self.ec2(**{**TEMPORARY, "token": "another"}).describe_regions)
        self.refused("AuthFailure", 401, self.ec2(token="a permanent key has none").describe_regions)

    def test_expired_key(self):
        expired = dict(key="ASIAEXPIRED000000001", secret="expired", token="t")
        self.refused("RequestExpired", 400, self.ec2(**expired).describe_regions)
        self.refused("ExpiredToken", 403, self.identity, **expired)

    def test_revoked_key(self):
        self.refused("AuthFailure", 401, self.ec2(key="AKIAREVOKED000000001", secret="revoked").describe_regions)
        self.refused("InvalidClientTokenId", 403, self.identity, key="AKIAREVOKED000000001", secret="revoked")

    def test_permissions(self):
        reader = self.ec2(key="AKIAREADER0000000001", secret="reader")
        self.assertTrue(reader.describe_snapshots(OwnerIds=["self"])["Snapshots"])
        message = self.refused("UnauthorizedOperation", 403, reader.create_tags, Resources=["snap-00000000000000001"],
                               Tags=[{"Key": "a", "Value": "b"}])
        self.assertIn("Encoded authorization failure message", message)
        self.assertIn("ec2:CreateTags", message)
        no_copy = self.ec2("eu-west-1", key="AKIANOCOPY0000000001", secret="nocopy")
        self.assertTrue(no_copy.describe_regions()["Regions"])
        copy = dict(SourceRegion="us-east-1", SourceSnapshotId="snap-00000000000000001")
        self.refused("UnauthorizedOperation", 403, no_copy.copy_snapshot, **copy)
        self.refused("UnauthorizedOperation", 403, no_copy.copy_snapshot, DryRun=True, **copy)
        self.assertEqual(self.identity(key="AKIAREADER0000000001", secret="reader")["Account"], ACCOUNT)

    def test_regions_that_are_not_open(self):
        self.refused("AuthFailure", 401, self.ec2("me-south-1").describe_snapshots, OwnerIds=["self"])
        self.refused("AuthFailure", 401, self.ec2("xx-nowhere-1").describe_snapshots, OwnerIds=["self"])
        self.refused("RegionDisabledException", 403, self.identity, region="me-south-1")

    def test_the_host_names_the_region(self):
        def ask(host):
            return self.sim.post({"Action": "DescribeRegions"}, headers={"Host": host})[0]

        self.assertEqual(ask("ec2.us-east-1.amazonaws.com"), 200)
        self.assertEqual(ask("ec2.eu-west-1.amazonaws.com"), 401)
        self.assertEqual(ask("ec2.us-east-1.api.aws"), 200)
        self.assertEqual(ask("ec2.us-east-11.amazonaws.com"), 401)

    def answer(self, body, headers, path="/", method="POST"):
        status, _, text = self.sim.send(method, path, body, headers)
        code = re.search("<Code>(.*?)</Code>", text)
        return status, code and code[1]

    def test_every_byte_is_signed(self):
        params = {"Action": "DescribeRegions", "RegionName.1": "us-east-1"}
        body, headers = self.sim.sign(params)
        self.assertEqual(self.answer(body, headers), (200, None))
        self.assertEqual(self.answer(body.replace("us-east", "eu-west"), headers), (401, "AuthFailure"))
        self.assertEqual(self.answer(body, headers, "/?AllRegions=true"), (401, "AuthFailure"))
        self.assertEqual(self.answer(body, {**headers, "Content-Type": "text/plain"}), (401, "AuthFailure"))
        self.assertEqual(self.answer(body, {**headers, "X-Amz-Extra": "unsigned"}), (401, "AuthFailure"))
        self.assertEqual(self.answer(body, {**headers, "X-Unrelated": "unsigned"}), (200, None))
        self.assertEqual(self.answer(None, headers, "/?" + body, "GET"), (401, "AuthFailure"))

    def test_header_order_and_blanks_do_not_matter(self):
        body, headers = self.sim.sign({"Action": "DescribeRegions"})
        tidy = headers["Authorization"]
        headers["Authorization"] = tidy.replace(", ", " ,  ")
        self.assertEqual(self.answer(body, headers), (200, None))
        headers["Authorization"] = re.sub("SignedHeaders=[^,]*", "SignedHeaders=x-amz-date;host", tidy)
        self.assertEqual(self.answer(body, headers), (401, "AuthFailure"))

    def test_signed_headers_are_sorted(self):
        def signed(order):
            """A right signature over the headers in that order."""
            stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
            headers = {"host": f"127.0.0.1:{self.sim.port}", "x-amz-date": stamp}
            body, scope = "Action=DescribeRegions&Version=2016-11-15", [stamp[:8], "us-east-1", "ec2", "aws4_request"]
            canonical = "".join(f"{name}:{headers[name]}\n" for name in order)
            canonical = f"POST\n/\n\n{canonical}\n{';'.join(order)}\n{hashlib.sha256(body.encode()).hexdigest()}"
            key = b"AWS4" + SECRET.encode()
            for part in [*scope, "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()])]:
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            return body, {**headers, "Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/{'/'.join(scope)}, "
                                                      f"SignedHeaders={';'.join(order)}, Signature={key.hex()}"}

        self.assertEqual(self.answer(*signed(["host", "x-amz-date"])), (200, None))
        self.assertEqual(self.answer(*signed(["x-amz-date", "host"])), (401, "AuthFailure"))

    def test_incomplete_signatures(self):
        body, headers = self.sim.sign({"Action": "DescribeRegions"})
        tidy = headers["Authorization"]
        for broken in ("Basic Zm9vOmJhcg==", tidy.replace("Signature=", "Sig="), tidy.replace("Credential=", "Cred="),
                       tidy.replace("/aws4_request", ""), tidy[:-1]):
            self.assertEqual(self.answer(body, {**headers, "Authorization": broken}), (400, "IncompleteSignature"), broken)
        without_date = {k: v for k, v in headers.items() if k != "X-Amz-Date"}
        self.assertEqual(self.answer(body, without_date), (400, "IncompleteSignature"))
        del headers["Authorization"]
        self.assertEqual(self.answer(body, headers), (400, "MissingParameter"))
        self.assertEqual(self.answer("Action=GetCallerIdentity&Version=2011-06-15", headers), (403, "MissingAuthenticationToken"))

    def test_service_of_the_scope(self):
        self.assertEqual(self.answer(*self.sim.sign({"Action": "DescribeRegions"}, service="ebs")), (401, "AuthFailure"))
        self.assertEqual(self.answer(*self.sim.sign({"Action": "GetCallerIdentity"})), (400, "InvalidAction"))

    def presigned(self, url):
        return self.answer(None, {}, url[len(self.sim.url):], "GET")

    def test_presigned_requests(self):
        url = self.sim.presign({"Action": "DescribeSnapshots", "Filter.1.Name": "tag:a b", "Filter.1.Value.1": "x*~/é"})
        self.assertEqual(self.presigned(url), (200, None))
        self.assertEqual(self.presigned(url.replace("x%2A", "y%2A")), (401, "AuthFailure"))
        self.assertEqual(self.presigned(url.replace("Expires=3600", "Expires=3601")), (401, "AuthFailure"))
        self.assertEqual(self.presigned(self.sim.presign({"Action": "DescribeRegions"}, secret="wrong")), (401, "AuthFailure"))
        self.assertEqual(self.presigned(self.sim.presign({"Action": "DescribeRegions"}, expires=700000)), (400, "IncompleteSignature"))
        token = self.sim.presign({"Action": "DescribeRegions"}, **TEMPORARY)
        self.assertEqual(self.presigned(token), (200, None))
        # The order on the wire is free.
        path, query = url.split("?")
        self.assertEqual(self.presigned(path + "?" + "&".join(sorted(query.split("&"), reverse=True))), (200, None))

    def test_what_is_asked(self):
        def ask(**params):
            return self.answer(*self.sim.sign(params))

        self.assertEqual(ask(Action="NoSuchAction"), (400, "InvalidAction"))
        self.assertEqual(ask(), (400, "MissingAction"))
        self.assertEqual(ask(Action="DescribeRegions", Version="2099-01-01"), (400, "NoSuchVersion"))
        self.assertEqual(ask(Action="DescribeRegions", Version="2014-10-01"), (200, None))
        self.assertEqual(ask(Action="DescribeRegions", Foo="bar"), (400, "UnknownParameter"))
        self.assertEqual(ask(**{"Action": "DescribeSnapshots", "Owner.0": "self"}), (400, "UnknownParameter"))
        self.assertEqual(ask(Action="CopySnapshot", ClientToken="x"), (400, "UnknownParameter"))
        body, headers = self.sim.sign({"Action": "DescribeRegions"})
        for malformed in ("Action=%zz", "Action=DescribeRegions&Action=DescribeRegions", "Action=%FF"):
            self.assertEqual(self.answer(malformed, headers), (400, "MalformedQueryString"), malformed)
        self.assertEqual(self.sim.send("GET", "/nothing")[0], 404)
        self.assertEqual(self.sim.send("PUT", "/")[0], 405)

    def test_request_ids_and_form(self):
        status, headers, text = self.sim.post({"Action": "DescribeRegions"})
        self.assertEqual(status, 200)
        self.assertIn('<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">', text)
        self.assertIn(f"<requestId>{headers['x-amzn-requestid']}</requestId>", text)
        _, _, old = self.sim.post({"Action": "DescribeRegions", "Version": "2014-10-01"})
        self.assertIn("http://ec2.amazonaws.com/doc/2014-10-01/", old)
        _, headers, text = self.sim.post({"Action": "NoSuchAction"})
        self.assertIn(f"<RequestID>{headers['x-amzn-requestid']}</RequestID>", text)
        self.assertIn("<Response>", text)
        _, headers, text = self.sim.post({"Action": "GetCallerIdentity", "Version": "2011-06-15"}, service="sts", secret="wrong")
        self.assertIn(f"<RequestId>{headers['x-amzn-requestid']}</RequestId>", text)
        self.assertIn("<ErrorResponse", text)

    def test_parameters_may_stand_in_the_query(self):
        query = urllib.parse.urlencode({"Action": "DescribeRegions", "Version": "2016-11-15"})
        url = self.sim.presign({"Action": "DescribeRegions", "AllRegions": "true"})
        _, _, text = self.sim.send("GET", url[len(self.sim.url):])
        self.assertIn("me-south-1", text)
        self.assertEqual(self.sim.send("GET", "/?" + query)[0], 400)  # unsigned


class Version2(Case):
    """Signature Version 2, as botocore makes it."""
    shared = True
    world = {**Gate.world, "regions": {"us-east-1": {"snapshots": [{"SnapshotId": "snap-00000000000000001"}]},
                                       "eu-west-1": {"snapshots": [{"SnapshotId": "snap-00000000000000002"}]}}}

    def sign(self, params, key=KEY, secret=SECRET, token=None, host=None):
        data = {"Version": "2012-12-01", **params}
        request = botocore.awsrequest.AWSRequest("POST", f"http://{host or f'127.0.0.1:{self.sim.port}'}/", data=data)
        botocore.auth.SigV2Auth(botocore.credentials.Credentials(key, secret, token)).add_auth(request)
        return request.data

    def ask(self, params, host=None, method="POST", **credentials):
        """Status, code, text."""
        return self.send(self.sign(params, host=host, **credentials), host)

    def send(self, params, host=None):
        headers = {"Content-Type": "application/x-www-form-urlencoded", **({"Host": host} if host else {})}
        status, _, text = self.sim.send("POST", "/", urllib.parse.urlencode(params), headers)
        code = re.search("<Code>(.*?)</Code>", text)
        return status, code and code[1], text

    def test_accepted(self):
        params = {"Action": "DescribeSnapshots", "Owner.1": "self", "Filter.1.Name": "tag:a b", "Filter.1.Value.1": "x*~é/+%",
                  "Filter.10.Name": "description", "Filter.10.Value.1": "", "Filter.2.Name": "status", "Filter.2.Value.1": "pending"}
        self.assertEqual(self.ask(params)[:2], (200, None))
        status, _, text = self.ask({"Action": "DescribeSnapshots", "Owner.1": "self"})
        self.assertIn("snap-00000000000000001", text)
        self.assertIn('xmlns="http://ec2.amazonaws.com/doc/2012-12-01/"', text)
        self.assertEqual(self.ask({"Action": "DescribeRegions"}, **TEMPORARY)[:2], (200, None))

    def test_the_host_names_the_region(self):
        def listed(host):
            return re.findall("snap-0{16}[12]", self.ask({"Action": "DescribeSnapshots", "Owner.1": "self"}, host=host)[2])

        self.assertEqual(listed("ec2.eu-west-1.amazonaws.com"), ["snap-00000000000000002"])
        self.assertEqual(listed("eu-west-1.localhost:99"), ["snap-00000000000000002"])
        self.assertEqual(listed("ec2.amazonaws.com"), ["snap-00000000000000001"])

    def test_refused(self):
        regions = {"Action": "DescribeRegions"}
        self.assertEqual(self.ask(regions, secret="wrong")[:2], (401, "AuthFailure"))
        self.assertEqual(self.ask(regions, key="AKIANOBODY0000000000")[:2], (401, "AuthFailure"))
        self.assertEqual(self.ask(regions, **{**TEMPORARY, "token": "another"})[:2], (401, "AuthFailure"))
        self.assertEqual(self.ask(regions, **{**TEMPORARY, "token": None})[:2], (401, "AuthFailure"))
        signed = self.sign(regions)
        self.assertEqual(self.send({**signed, "RegionName.1": "us-east-1"})[:2], (401, "AuthFailure"))
        self.assertEqual(self.send(signed, host="another.example")[:2], (401, "AuthFailure"))
        self.assertEqual(self.send({**signed, "SignatureVersion": "1"})[:2], (400, "IncompleteSignature"))
        self.assertEqual(self.send({**signed, "SignatureMethod": "HmacSHA1"})[:2], (400, "IncompleteSignature"))
        for name in ("AWSAccessKeyId", "Timestamp", "Signature", "SignatureMethod"):
            self.assertEqual(self.send({k: v for k, v in signed.items() if k != name})[:2], (400, "IncompleteSignature"), name)

    def test_clock(self):
        self.sim.set(clock_shift="930")
        self.assertEqual(self.ask({"Action": "DescribeRegions"})[:2], (400, "RequestExpired"))
        self.sim.set(clock_shift="0")

    def test_a_cloud_of_2012(self):
        listing = {"Action": "DescribeSnapshots", "Owner.1": "self", "MaxResults": "5"}
        copy = {"Action": "CopySnapshot", "SourceRegion": "us-east-1", "SourceSnapshotId": "snap-00000000000000001"}
        later = {"DryRun": "true", "Encrypted": "true", "TagSpecification.1.ResourceType": "snapshot", "PresignedUrl": "x"}
        self.sim.set(api_2012="refuses")
        self.assertEqual(self.ask(listing)[:2], (400, "UnknownParameter"))
        for name, value in later.items():
            self.assertEqual(self.ask({**copy, name: value})[:2], (400, "UnknownParameter"), name)
        before = len(self.sim.control("GET", "snapshots?region=us-east-1"))
        self.sim.set(api_2012="ignores")
        self.assertEqual(self.ask(listing)[:2], (200, None))
        self.assertEqual(self.ask({**copy, **later})[:2], (200, None))
        copies = self.sim.control("GET", "snapshots?region=us-east-1")
        self.assertEqual(len(copies), before + 1)
        self.assertEqual((copies[-1]["Encrypted"], copies[-1].get("Tags", {})), (False, {}))
        self.sim.set(api_2012="no")


class Clock(Case):
    world = {"regions": {"us-east-1": {}}}

    def test_fifteen_minutes(self):
        for shift, good in ((870, True), (-870, True), (930, False), (-930, False)):
            self.sim.set(clock_shift=str(shift))
            if good:
                self.ec2().describe_regions()
                continue
            self.refused("RequestExpired", 400, self.ec2().describe_regions)
            self.refused("SignatureDoesNotMatch", 403, self.sim.client(service="sts").get_caller_identity)

    def test_presigned_expiry(self):
        url = self.sim.presign({"Action": "DescribeRegions"}, expires=120)[len(self.sim.url):]
        self.sim.set(clock_shift="100")
        self.assertEqual(self.sim.send("GET", url)[0], 200)
        self.sim.set(clock_shift="130")
        status, _, text = self.sim.send("GET", url)
        self.assertEqual((status, "RequestExpired" in text), (400, True))

    def test_keys_run_out(self):
        self.sim.set({"key": "ASIASOON000000000001", "secret": "s", "token": "t", "expires": "5m"})
        client = self.ec2(key="ASIASOON000000000001", secret="s", token="t")
        client.describe_regions()
        self.sim.set(clock_shift="310")
        self.refused("RequestExpired", 400, client.describe_regions)

    def test_the_own_key_may_be_restricted(self):
        self.sim.set({"key": KEY, "deny": ["Describe*"]})
        self.refused("UnauthorizedOperation", 403, self.ec2().describe_regions)
        self.sim.set({"key": KEY, "deny": [], "secret": "changed"})
        self.refused("AuthFailure", 401, self.ec2().describe_regions)
        self.ec2(secret="changed").describe_regions()
        self.sim.set({"key": KEY, "secret": SECRET, "revoked": True})
        self.refused("AuthFailure", 401, self.ec2().describe_regions)
