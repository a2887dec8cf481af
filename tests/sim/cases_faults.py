# SPDX-License-Identifier: MIT
"""What goes wrong on demand: the fault plan, throttling, latency."""
import email.utils
import http.client
import socket
import threading
import time
import xml.etree.ElementTree

from simulator import Case, Refused

SNAP = "snap-00000000000000001"


class Faults(Case):
    world = {"regions": {"us-east-1": {"snapshots": [{"SnapshotId": SNAP}]}, "eu-west-1": {}}}

    def ask(self, action="DescribeRegions", region="us-east-1", timeout=30, **params):
        """Returns status, headers and body; the exception's class if there is no answer."""
        try:
            return self.sim.post({"Action": action, **params}, region=region, timeout=timeout)
        except (OSError, http.client.HTTPException) as e:
            return type(e), None, None

    def code(self, *args, **params):
        """The status, or the error's code."""
        status, _, text = self.ask(*args, **params)
        return text.split("<Code>")[1].split("<")[0] if text and "<Code>" in text else status

    def copy_now(self):
        return self.ask("CopySnapshot", "eu-west-1", SourceRegion="us-east-1", SourceSnapshotId=SNAP)

    def made(self):
        return len(self.sim.truth("eu-west-1"))

    def test_error(self):
        self.sim.faults({"action": "DescribeRegions", "effect": "error", "status": 418, "code": "Teapot", "message": "<short & stout>"})
        status, headers, text = self.ask()
        self.assertEqual(status, 418)
        self.assertIn("<Code>Teapot</Code>", text)
        self.assertIn("&lt;short &amp; stout&gt;", text)
        self.assertIn(f"<RequestID>{headers['x-amzn-requestid']}</RequestID>", text)
        self.assertEqual(self.code("DescribeSnapshots"), 200)
        self.sim.faults({"effect": "error"})
        self.assertEqual(self.code("DescribeSnapshots"), "InternalError")
        self.sim.faults({"effect": "throttle"})
        status, _, text = self.ask()
        self.assertEqual((status, "RequestLimitExceeded" in text), (503, True))

    def test_before_and_after_the_work(self):
        for effect in ("error", "reset", "html", "hang"):
            for after in (False, True):
                with self.subTest(effect=effect, after=after):
                    before = self.made()
                    self.sim.faults({"action": "CopySnapshot", "effect": effect, "after": after, "seconds": 0})
                    status = self.copy_now()[0]
                    if effect in ("reset", "hang"):
                        self.assertTrue(issubclass(status, (ConnectionResetError, http.client.RemoteDisconnected)), status)
                    else:
                        self.assertEqual(status, 500)
                    self.assertEqual(self.made() - before, int(after))

    def test_which_requests(self):
        def struck(n, **rule):
            self.sim.faults({"effect": "error", "code": "X", **rule})
            return [i for i in range(1, n + 1) if self.code() == "X"]

        self.assertEqual(struck(5, nth=2), [2])
        self.assertEqual(struck(5, nth=[1, 4]), [1, 4])
        self.assertEqual(struck(7, every=3), [3, 6])
        self.assertEqual(struck(6, **{"from": 2, "to": 4}), [2, 3, 4])
        self.assertEqual(struck(6, every=2, times=2), [2, 4])
        self.assertEqual(struck(3, action="Copy*"), [])
        self.assertEqual(struck(3, action="Describe?egions", region="us-*"), [1, 2, 3])
        self.assertEqual(struck(3, region="eu-west-1"), [])
        by_chance = struck(40, probability=0.5)
        self.assertTrue(8 < len(by_chance) < 32, by_chance)
        self.assertEqual(struck(40, probability=0.5), by_chance, "the seed decides")

    def test_parameters_choose(self):
        self.sim.faults({"effect": "error", "code": "X", "param": {"SnapshotId.1": "snap-*1"}})
        self.assertEqual(self.code("DescribeSnapshots", **{"SnapshotId.1": SNAP}), "X")
        self.assertEqual(self.code("DescribeSnapshots"), 200)

    def test_the_first_that_strikes_decides_and_all_count(self):
        self.sim.faults({"effect": "error", "code": "A", "nth": 1}, {"effect": "error", "code": "B", "to": 2}, {"effect": "error", "code": "C"})
        self.assertEqual([self.code() for _ in range(3)], ["A", "B", "C"])

    def test_broken_bodies(self):
        self.sim.faults({"effect": "malformed"})
        status, _, text = self.ask()
        self.assertEqual(status, 200)
        self.assertRaises(xml.etree.ElementTree.ParseError, xml.etree.ElementTree.fromstring, text)
        self.sim.faults({"effect": "empty"})
        self.assertEqual(self.ask()[2], "")
        self.sim.faults({"effect": "html"})
        status, headers, text = self.ask()
        self.assertEqual((status, headers["Content-Type"], "<html>" in text), (500, "text/html", True))
        self.sim.faults({"effect": "body", "body": "{}", "status": 201, "content_type": "application/json"})
        status, headers, text = self.ask()
        self.assertEqual((status, headers["Content-Type"], text), (201, "application/json", "{}"))
        self.sim.faults({"effect": "bomb"})
        self.assertIn("<!ENTITY a9", self.ask()[2])

    def test_cut(self):
        whole = len(self.ask()[2])
        for rule, wanted in (({}, whole // 2), ({"bytes": 10}, 10), ({"bytes": 0}, 0)):
            self.sim.faults({"effect": "cut", **rule})
            body, headers = self.sim.sign({"Action": "DescribeRegions"})
            connection = http.client.HTTPConnection("127.0.0.1", self.sim.port, timeout=30)
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            self.assertEqual(int(answer.headers["Content-Length"]), whole)
            with self.assertRaises((http.client.IncompleteRead, ConnectionResetError)) as e:
                answer.read()
            if isinstance(e.exception, http.client.IncompleteRead):
                self.assertEqual(len(e.exception.partial), wanted)
            connection.close()

    def test_too_much(self):
        self.sim.faults({"effect": "huge", "bytes": 3000000})
        text = self.ask()[2]
        self.assertTrue(3000000 <= len(text) < 3001000)
        self.assertGreater(len(xml.etree.ElementTree.fromstring(text).findall("snapshotSet/item")), 15000)
        self.sim.faults({"effect": "long", "bytes": 3000000})
        root = xml.etree.ElementTree.fromstring(self.ask()[2])
        self.assertGreater(len(root.find("snapshotSet/item/description").text), 2990000)
        self.sim.faults({"effect": "deep", "depth": 7})
        self.assertIn("<item>" * 7 + "</item>" * 7, self.ask()[2])

    def test_slow(self):
        for effect in ("slow", "trickle"):
            self.sim.faults({"effect": effect, "seconds": 0.4})
            begun = time.monotonic()
            self.assertEqual(self.ask()[0], 200)
            self.assertGreater(time.monotonic() - begun, 0.35, effect)

    def test_hang(self):
        self.sim.faults({"effect": "hang"})
        self.assertTrue(issubclass(self.ask(timeout=0.3)[0], (socket.timeout, TimeoutError)))
        # And the simulator ends all the same: see end().

    def test_clock(self):
        self.sim.faults({"effect": "clock", "seconds": 3600, "nth": 1})
        status, headers, text = self.ask()
        self.assertEqual((status, "RequestExpired" in text), (400, True))
        off = email.utils.parsedate_to_datetime(headers["Date"]).timestamp() - time.time()
        self.assertAlmostEqual(off, 3600, delta=5)
        status, headers, _ = self.ask()
        off = email.utils.parsedate_to_datetime(headers["Date"]).timestamp() - time.time()
        self.assertEqual(status, 200)
        self.assertAlmostEqual(off, 0, delta=5)

    def test_revoke(self):
        self.sim.faults({"effect": "revoke", "nth": 2})
        self.assertEqual([self.code() for _ in range(3)], [200, "AuthFailure", "AuthFailure"])

    def test_from_a_file(self):
        self.start(faults={"rules": [{"effect": "error", "code": "FromFile", "nth": 1}]})
        self.assertEqual([self.code(), self.code()], ["FromFile", 200])

    def test_replace_and_clear(self):
        self.sim.faults({"effect": "error"})
        self.sim.faults()
        self.assertEqual(self.code(), 200)
        self.sim.faults({"effect": "error"})
        self.sim.control("DELETE", "faults")
        self.assertEqual(self.code(), 200)

    def test_bad_plans(self):
        self.sim.faults({"effect": "error", "code": "Kept"})
        for bad in (b"nonsense", {}, {"rules": 1}, {"rules": [{"effect": "nonsense"}]}, {"rules": [{"effect": "error", "tpyo": 1}]},
                    {"rules": [{"effect": "error", "nth": "1"}]}, {"rules": [{}]}, {"rules": [7]}):
            with self.assertRaises(Refused):
                self.sim.control("POST", "faults", bad)
        self.assertEqual(self.code(), "Kept", "a bad plan replaces nothing")

    def test_boto3_sees_them(self):
        self.sim.faults({"action": "DescribeRegions", "effect": "error", "status": 503, "code": "Unavailable", "times": 1})
        self.assertTrue(self.ec2(attempts=2).describe_regions()["Regions"], "it tries again")
        self.assertEqual(self.sim.counts()["requests"]["us-east-1"]["DescribeRegions"], 2)


class Throttling(Case):
    """EC2's buckets, made small enough to be emptied."""

    args = ("--throttle", "0.05")
    world = {"regions": {"us-east-1": {"snapshots": [{"SnapshotId": SNAP}]}, "eu-west-1": {}}}

    def codes(self, n, params, **how):
        out = []
        for _ in range(n):
            status, _, text = self.sim.post(params, **how)
            out.append(status)
            self.assertEqual(status == 503, "<Code>RequestLimitExceeded</Code>" in text)
        return out

    def test_a_bucket(self):
        paged = {"Action": "DescribeSnapshots", "MaxResults": "5"}
        self.assertEqual(self.codes(5, paged), [200] * 5, "100 at once, times 0.05")
        self.assertIn(503, self.codes(3, paged))
        self.assertEqual(self.codes(1, paged, region="eu-west-1"), [200], "each region has its own")
        self.assertEqual(self.codes(1, {"Action": "DescribeRegions"}), [200], "each action has its own")
        self.until("a new token", lambda: self.codes(1, paged) == [200], 5)

    def test_listing_all_at_once_has_a_smaller_one(self):
        everything = {"Action": "DescribeSnapshots", "Owner.1": "self"}
        self.assertEqual(self.codes(2, everything), [200, 200])
        self.assertIn(503, self.codes(3, everything))
        self.assertEqual(self.codes(1, {**everything, "MaxResults": "5"}), [200])

    def test_reset_and_off(self):
        self.assertIn(503, self.codes(8, {"Action": "DescribeRegions"}))
        self.sim.set({"reset_throttle": True})
        self.assertEqual(self.codes(4, {"Action": "DescribeRegions"}), [200] * 4)
        self.sim.set(throttle="0")
        self.assertEqual(self.codes(20, {"Action": "DescribeRegions"}), [200] * 20)

    def test_throttled_copies_are_not_made(self):
        copy = {"Action": "CopySnapshot", "SourceRegion": "us-east-1", "SourceSnapshotId": SNAP}
        codes = self.codes(8, copy, region="eu-west-1")
        self.assertIn(503, codes)
        self.assertEqual(len(self.sim.truth("eu-west-1")), codes.count(200))


class Latency(Case):
    args = ("--latency-ms", "150")
    world = {"regions": {"us-east-1": {}}}

    def test_each_answer_waits(self):
        begun = time.monotonic()
        self.ec2().describe_regions()
        self.assertGreater(time.monotonic() - begun, 0.14)

    def test_requests_wait_at_the_same_time(self):
        signed = [self.sim.sign({"Action": "DescribeRegions"}) for _ in range(16)]
        statuses = []
        threads = [threading.Thread(target=lambda s=s: statuses.append(self.sim.send("POST", "/", *s)[0])) for s in signed]
        self.sim.set(latency_ms="1000")  # long enough for all to be there
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(statuses, [200] * 16)
        self.assertEqual(self.sim.counts()["max_parallel"], 16)

    def test_a_connection_serves_many_requests(self):
        self.sim.set(latency_ms="0")
        connection = http.client.HTTPConnection("127.0.0.1", self.sim.port, timeout=30)
        for _ in range(50):
            connection.request("POST", "/", *self.sim.sign({"Action": "DescribeRegions"}))
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.will_close), (200, False))
            answer.read()
        connection.close()
