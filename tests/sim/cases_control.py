# SPDX-License-Identifier: MIT
"""The control side, the command line, the built-in account, worlds from files, beginning and end."""
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from simulator import EBSFS_SIM, KEY, OTHER, SECRET, Case, Refused

HERE = Path(__file__).resolve().parent
SNAP = "snap-00000000000000001"


class Control(Case):
    world = {"regions": {"us-east-1": {"snapshots": [{"SnapshotId": SNAP, "Tags": {"a": "b"}}]}, "eu-west-1": {}}}

    def test_counts(self):
        self.ec2().describe_regions()
        self.ec2().describe_regions()
        self.ec2("eu-west-1").describe_snapshots()
        self.refused("InvalidSnapshot.NotFound", 400, self.copy, "snap-09999999999999999")
        self.refused("AuthFailure", 401, self.ec2("xx-nowhere-1").describe_regions)
        self.sim.post({"Action": "Nonsense"})
        self.copy(SNAP)
        self.sim.faults({"action": "DescribeRegions", "effect": "error", "nth": 1})
        self.sim.post({"Action": "DescribeRegions"})
        self.sim.client(service="sts").get_caller_identity()
        counts = self.sim.counts()
        self.assertEqual(counts["requests"], {"us-east-1": {"DescribeRegions": 3, "unknown": 1, "GetCallerIdentity": 1},
                                              "eu-west-1": {"DescribeSnapshots": 1, "CopySnapshot": 2}, "unknown": {"DescribeRegions": 1}})
        self.assertEqual(counts["errors"], {
            "us-east-1": {"unknown": {"InvalidAction": 1}, "DescribeRegions": {"InternalError": 1}},
            "eu-west-1": {"CopySnapshot": {"InvalidSnapshot.NotFound": 1}}, "unknown": {"DescribeRegions": {"AuthFailure": 1}}})
        self.assertEqual(counts["faults"], {"us-east-1": {"DescribeRegions": {"error": 1}}})
        self.assertEqual((counts["total"], counts["max_parallel"]), (8 + 1, 1))
        self.assertEqual(counts["copies"]["eu-west-1"], {"started": 1, "pending": 1, "max_pending": 1})
        self.sim.control("POST", "reset-counts", {})
        counts = self.sim.counts()
        self.assertEqual((counts["total"], counts["requests"], counts["errors"]), (0, {}, {}))
        self.assertEqual(counts["copies"]["eu-west-1"]["started"], 0)

    def test_the_truth(self):
        (truth,) = self.sim.truth()
        self.assertEqual((truth["SnapshotId"], truth["Tags"], truth["State"], truth["slot"]), (SNAP, {"a": "b"}, "completed", 0))
        self.sim.set({"region": "us-east-1", "snapshots": [{"OwnerId": OTHER, "visible_in": 1000}]})
        self.assertEqual(len(self.sim.truth()), 2)
        self.assertEqual(len(self.sim.truth(query=f"&owner={OTHER}")), 1)
        self.assertEqual([s["slot"] for s in self.sim.truth(query="&from=1&max=5")], [1])
        with self.assertRaises(Refused):
            self.sim.truth("xx-nowhere-1")

    def test_what_the_truth_says_can_be_given_back(self):
        (truth,) = self.sim.truth()
        self.sim.set({"region": "eu-west-1", "snapshots": [truth]})
        (copy,) = self.sim.truth("eu-west-1")
        self.assertEqual(copy, truth)

    def test_set_a_snapshot(self):
        def change(**fields):
            self.sim.set({"region": "us-east-1", "snapshot": SNAP, "set": fields})
            return self.one(SNAP)

        s = change(State="error", StateMessage="broken", Progress="3%")
        self.assertEqual((s["State"], s["StateMessage"], s["Progress"]), ("error", "broken", "3%"))
        s = change(State="completed", StateMessage=None)
        self.assertEqual((s["State"], s.get("StateMessage"), s["Progress"]), ("completed", None, "100%"))
        s = change(Tags={"x": "y"}, Description="new", VolumeSize=99)
        self.assertEqual((s["Tags"], s["Description"], s["VolumeSize"]), ([{"Key": "x", "Value": "y"}], "new", 99))
        s = change(State="pending", ends_in=0.3, fails="Given key ID is not accessible")
        self.assertEqual(s["State"], "pending")
        self.assertEqual(self.ended(SNAP, "us-east-1")["StateMessage"], "Given key ID is not accessible")
        change(in_use=True)
        self.refused("InvalidSnapshot.InUse", 400, self.ec2().delete_snapshot, SnapshotId=SNAP)
        self.sim.set({"region": "us-east-1", "snapshot": SNAP, "delete": True})
        self.assertEqual(self.ids(OwnerIds=["self"]), set())

    def test_add_snapshots_and_regions(self):
        made = self.sim.set({"region": "us-east-1", "snapshots": [{}, {"SnapshotId": "snap-0123abcd"}]})["snapshots"]
        self.assertEqual(self.ids(OwnerIds=["self"]), {SNAP, *made})
        self.assertEqual(made[1], "snap-0123abcd")
        self.sim.set({"region": "xx-new-1", "snapshots": [{}]})
        self.assertEqual(len(self.ids("xx-new-1", OwnerIds=["self"])), 1)
        self.sim.set({"region": "xx-new-1", "enabled": False})
        self.refused("AuthFailure", 401, self.ec2("xx-new-1").describe_snapshots, OwnerIds=["self"])

    def test_finish_what_is_pending(self):
        self.sim.set({"region": "us-east-1", "snapshots": [{"State": "pending", "Progress": "42%"}, {"ends_in": 1000}]})
        self.sim.set({"region": "us-east-1", "finish": True})
        self.assertEqual({(s["State"], s["Progress"]) for s in self.snapshots(OwnerIds=["self"])}, {("completed", "100%")})
        for s in self.sim.truth():
            self.assertTrue(s["CompletionTime"] >= s["StartTime"])

    def test_what_is_refused(self):
        bad = [b"nonsense", {"region": "us-east-1", "snapshot": "snap-09999999999999999", "delete": True}, {"latency-ms": "soon"},
               {"nonsense": 1}, {"key": "AKIANEW"}, {"region": "us-east-1", "nonsense": 1}, {"flicker": 3},
               {"region": "us-east-1", "snapshots": [{"Nonsense": 1}]}, {"region": "us-east-1", "snapshots": [{"VolumeSize": "8"}]},
               {"region": "us-east-1", "snapshot": SNAP, "set": {"SnapshotId": "snap-00000000000000002"}},
               {"region": "us-east-1", "snapshot": SNAP, "set": {"StartTime": "yesterday"}}]
        for body in bad:
            with self.assertRaises(Refused) as e:
                self.sim.control("POST", "set", body)
            self.assertEqual(e.exception.args[0], 400, body)
        with self.assertRaises(Refused) as e:
            self.sim.control("GET", "nonsense")
        self.assertEqual(e.exception.args[0], 404)


class Account(Case):
    """The built-in account: what `ebsfs -o simulate` shows."""

    shared = True
    args = ("--demo",)
    regions = ["us-east-1", "eu-west-1", "ap-southeast-2", "us-west-2"]

    def test_it_is_small_and_believable(self):
        self.assertEqual([r["RegionName"] for r in self.ec2().describe_regions()["Regions"]], self.regions)
        everything = []
        for region in self.regions:
            own = self.snapshots(region, OwnerIds=["self"])
            self.assertTrue(15 <= len(own) <= 40, (region, len(own)))
            everything += own
        states = [s["State"] for s in everything]
        self.assertEqual((states.count("pending"), states.count("error")), (1, 1))
        self.assertTrue(10 < sum(s["Encrypted"] for s in everything) < len(everything))
        self.assertGreater(len({s["Description"] for s in everything}), 10)
        self.assertGreater(len({s["VolumeSize"] for s in everything}), 8)
        now = time.time()
        ages = [(now - s["StartTime"].timestamp()) / 86400 for s in everything]
        self.assertTrue(0 <= min(ages) < 1 and max(ages) > 300, (min(ages), max(ages)))
        for s in everything:
            if s["State"] == "completed" and "CompletionTime" in s:
                self.assertTrue(s["StartTime"] < s["CompletionTime"] and s["CompletionTime"].timestamp() < now + 1, s)

    def test_it_has_zones_an_image_and_a_volume(self):
        zones = self.ec2("us-west-2").describe_availability_zones()["AvailabilityZones"]
        self.assertEqual([z["ZoneName"] for z in zones if z["ZoneType"] == "local-zone"], ["us-west-2-lax-1a"])
        image = self.ec2().describe_images(Owners=["self"])["Images"][0]
        root = self.one(image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"])
        self.assertIn(image["ImageId"], root["Description"])
        self.refused("InvalidSnapshot.InUse", 400, self.ec2().delete_snapshot, SnapshotId=root["SnapshotId"])
        volume = self.ec2().describe_volumes()["Volumes"][0]
        self.assertEqual(self.one(volume["SnapshotId"])["VolumeSize"], volume["Size"])
        made = self.ec2().create_volume(AvailabilityZone="us-east-1a", SnapshotId=root["SnapshotId"], VolumeType="gp3")
        self.assertEqual(made["State"], "creating")

    def test_it_can_be_copied(self):
        source = next(s for s in self.snapshots(OwnerIds=["self"]) if s["Encrypted"] and s["State"] == "completed")
        self.assertEqual(self.ended(self.copy(source["SnapshotId"], "us-west-2"), "us-west-2")["State"], "completed")


class Worlds(Case):
    def test_the_example(self):
        example = json.loads((HERE / "world-example.json").read_text())
        self.start(world=example)
        for region, content in example["regions"].items():
            if content.get("enabled", True):
                wanted = {s["SnapshotId"] for s in content.get("snapshots", [])}
                self.assertEqual({s["SnapshotId"] for s in self.sim.truth(region)} & wanted, wanted)
        self.assertTrue(self.ids(OwnerIds=["self"]))

    def test_what_the_aws_cli_prints_can_be_read(self):
        self.start("--demo")
        status, out, errors = self.sim.cli("ec2", "describe-snapshots", "--owner-ids", "self")
        self.assertEqual(status, 0, errors)
        before = {s["SnapshotId"]: s for s in self.snapshots(OwnerIds=["self"]) if s["State"] == "completed"}
        self.start(world={"regions": {"us-east-1": {"snapshots": out["Snapshots"]}}})
        after = {s["SnapshotId"]: s for s in self.snapshots(OwnerIds=["self"]) if s["State"] == "completed"}
        self.assertEqual(after, before)

    def run_sim(self, *args):
        done = subprocess.run([EBSFS_SIM, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)
        return done.returncode, done.stdout, done.stderr

    def test_what_is_wrong_is_said(self):
        path = Path(self.sim.dir.name)
        bad = {"syntax": "{", "member": '{"nonsense": 1}', "region": '{"regions": {"a": {"nonsense": 1}}}',
               "snapshot": '{"regions": {"eu-west-1": {"snapshots": [{}, {"StartTime": 7}]}}}', "key": '{"keys": [{"access_key": "A"}]}'}
        for name, text in bad.items():
            (path / name).write_text(text)
            status, out, errors = self.run_sim("--world", str(path / name))
            self.assertEqual((status, out, errors.count("\n")), (1, "", 1), name)
            self.assertIn(str(path / name), errors)
        self.assertIn("regions: eu-west-1: snapshots[1]", self.run_sim("--world", str(path / "snapshot"))[2])
        for args in (["--nonsense", "1"], ["--port", "70000"], ["--snapshots", "x"], ["--copy-seconds", "3-2"], ["--progress", "fast"],
                     ["stray"], ["--latency-ms"], ["--world", "/nonexistent"], ["--faults", "/nonexistent"]):
            status, out, errors = self.run_sim(*args)
            self.assertEqual((status, out), (1, ""), args)
            self.assertTrue(errors.startswith("ebsfs-sim: "), errors)

    def test_help(self):
        status, out, _ = self.run_sim("--help")
        self.assertEqual(status, 0)
        for word in ("--copy-seconds", "--faults", KEY, SECRET, "/_sim/set"):
            self.assertIn(word, out)

    def test_the_port_may_be_chosen(self):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.start("--port", str(port), "--regions", "1")
        self.assertEqual(self.sim.port, port)
        status, _, errors = self.run_sim("--port", str(port))
        self.assertEqual(status, 1, "the port is taken")
        self.assertIn("cannot listen", errors)


class End(Case):
    def test_it_ends_with_its_parent(self):
        code = (f"import subprocess; p = subprocess.Popen([{EBSFS_SIM!r}, '--die-with-parent'], stdout=subprocess.PIPE); "
                "print(p.pid, int(p.stdout.readline()), flush=True); p.wait()")
        parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        pid, port = map(int, parent.stdout.readline().split())

        def listens():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=10).close()
                return True
            except OSError:
                return False

        self.assertTrue(listens())
        parent.kill()
        parent.wait()
        parent.stdout.close()
        try:
            self.until("its end", lambda: not listens())
        except AssertionError:
            os.kill(pid, signal.SIGKILL)
            raise

    def test_interrupt_ends_it_too(self):
        self.sim.process.send_signal(signal.SIGINT)
        self.assertEqual(self.sim.process.wait(20), 0)

    def test_idle_connections_do_not_hold_it(self):
        idle = socket.create_connection(("127.0.0.1", self.sim.port))
        self.end()
        idle.close()

    def test_nothing_but_loopback(self):
        with open(f"/proc/{self.sim.process.pid}/net/tcp") as f:
            listening = [line.split()[1] for line in f if line.split()[3] == "0A"]
        self.assertIn(f"0100007F:{self.sim.port:04X}", listening)
        self.assertNotIn(f"00000000:{self.sim.port:04X}", listening)
