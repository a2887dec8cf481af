# SPDX-License-Identifier: MIT
"""The simulated AWS as the cases see it: one process of ebsfs-sim, and its control side under /_sim/."""
import json
import select
import signal
import subprocess
import urllib.request
from pathlib import Path

from harness import EBSFS_SIM, SLOW, Failure, check, until
from world import SEED, SEEDED

ACCESS_KEY = "AKIASIMULATED0000001"
SECRET_KEY = "simulated/secret+key/that+opens+nothing0"


class Simulator:
    def __init__(self, test, args=(), world=None, bulk=None):
        """world: as ebsfs-sim reads it (None: the cases' own; False: none). bulk: region -> how many generated snapshots."""
        self.test = test
        self.number = len(test.sims)
        self.args = [*args]
        if world is not False:
            path = test.path(f"world{self.number}.json")
            with open(path, "w") as f:
                json.dump(SEED if world is None else world, f)
            self.args += ["--world", path]
        for region, count in (bulk or {}).items():
            self.args += ["--snapshots", f"{count},{region}"]
        self.port = 0
        self.rules = []
        self.start_again()

    def start_again(self):
        """Starts it; after stop(), on the same port and with the world as it was at first."""
        self.log = self.test.path(f"sim{self.number}.log")
        with open(self.log, "ab") as stderr:
            self.process = subprocess.Popen(
                [EBSFS_SIM, "--port", str(self.port), "--die-with-parent", *self.args], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=stderr)
        ready = select.select([self.process.stdout], [], [], 30 * SLOW)[0]
        line = self.process.stdout.readline() if ready else b""
        if not line.strip().isdigit():
            self.process.kill()
            raise Failure(f"ebsfs-sim does not start: {open(self.log).read()}")
        self.port = int(line)
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self):
        if self.process.poll() is None:
            self.resume()
            self.process.terminate()
            try:
                code = self.process.wait(20 * SLOW)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Failure("ebsfs-sim does not end") from None
            check(code == 0, "ebsfs-sim ended with status", code, open(self.log).read())
        self.process.stdout.close()

    def pause(self):
        """It accepts connections (the kernel does) and does not respond. One thread takes the signal and stops the others, which respond until then."""
        self.process.send_signal(signal.SIGSTOP)
        tasks = Path(f"/proc/{self.process.pid}/task")
        until(lambda: all(stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in tasks.glob("*/stat")), "the simulator stops")

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def credentials(self):
        return {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}

    def _ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sim/{path}", data=data, method="GET" if body is None else "POST")
        try:
            with urllib.request.urlopen(request, timeout=20 * SLOW) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as e:
            raise Failure(f"/_sim/{path} {body}: {e.code} {e.read().decode()}") from None

    # --- what happened ---

    def counts(self):
        return self._ask("counts")

    def count(self, action, region=None):
        """Requests of an action, refused ones too."""
        requests = self.counts()["requests"]
        return sum(actions.get(action, 0) for r, actions in requests.items() if region in (None, r))

    def total(self):
        return self.counts()["total"]

    def snapshots(self, region):
        """The truth about a region's snapshots, whatever its listings still say."""
        return self._ask(f"snapshots?region={region}")

    def snapshot(self, region, id):
        return next(s for s in self.snapshots(region) if s["SnapshotId"] == id)

    def copies(self, region):
        """What was not there at first."""
        return [s for s in self.snapshots(region) if s["SnapshotId"] not in SEEDED]

    def volumes(self, region):
        """Those that are not gone (aws/sim/test/sim_made_json.c)."""
        return self._ask(f"volumes?region={region}")

    def images(self, region):
        return self._ask(f"images?region={region}")

    def made(self, region):
        """How many volumes and images were made by requests: {"volumes": n, "images": n}."""
        return self.counts()["made"][region]

    # --- what shall happen ---

    def fault(self, action, region=None, effect="error", code=None, http=400, message="as the test wants it", times=1, **rule):
        """The next `times` requests of the action go wrong (aws/sim/test/sim_faults.h); beside the faults that are set already."""
        rule.update(action=action, effect=effect, times=times)
        if region:
            rule["region"] = region
        if code:
            rule.update(code=code, status=http, message=message)
        self.rules.append(rule)
        self._ask("faults", {"rules": self.rules})

    def clear_faults(self):
        self.rules = []
        self._ask("faults", {"rules": []})

    def set(self, **settings):
        """Settings of its behaviour: the options of `ebsfs-sim --help`, with '_' for '-'."""
        self._ask("set", {k.replace("_", "-"): str(v) for k, v in settings.items()})

    def set_copy_seconds(self, seconds):
        """How long the copies take that start from now on."""
        self.set(copy_seconds=seconds)

    def set_limit(self, copies):
        self.set(copy_limit=copies)

    def set_lag(self, seconds):
        """For so long DescribeSnapshots does not know of a change."""
        self.set(consistency_ms=seconds * 1000)

    def change(self, region, id, **fields):
        self._ask("set", {"region": region, "snapshot": id, "set": fields})

    def add_key(self, id, **fields):
        """A new access key, or a change of one (aws/sim/test/sim_world_json.c)."""
        self._ask("set", {"key": id, **fields})

    def set_region(self, name, **fields):
        self._ask("set", {"region": name, **fields})

    def end_snapshot(self, region, id):
        """A pending one completes."""
        self._ask("set", {"region": region, "snapshot": id, "set": {"Progress": "100%"}, "finish": True})

    def fail_copy(self, region, message):
        """The pending copies of a region end in error."""
        self._ask("set", {"region": region, "fail": message})

    def add_snapshot(self, region, **fields):
        """As another tool would make it. Returns its id."""
        return self.add_snapshots(region, [fields])[0]

    def add_snapshots(self, region, snapshots):
        return self._ask("set", {"region": region, "snapshots": snapshots})["snapshots"]

    def delete_snapshot(self, region, id):
        self._ask("set", {"region": region, "snapshot": id, "delete": True})

    def change_volume(self, region, id, **change):
        """set={"instance": "i-…"} attaches it; set={"state": "error"}; delete, vanish, finish: True."""
        self._ask("set", {"region": region, "volume": id, **change})

    def change_image(self, region, id, **change):
        """set={"state": "disabled"}; deregister, finish: True."""
        self._ask("set", {"region": region, "image": id, **change})
