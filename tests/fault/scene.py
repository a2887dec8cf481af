# SPDX-License-Identifier: MIT
"""One account, one mount, one journal, what a user asks of them while things break, and what must be true afterwards."""
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mount"))
import harness  # noqa: E402
from disk import Disk  # noqa: E402
from harness import Failure, check, same, status, until  # noqa: E402
from world import ACCOUNT, OTHER, snapshot  # noqa: E402, F401

HOME, AWAY = "us-east-1", "eu-west-1"
WINDOW, ANSWER, CALL = 3.0, 2.0, 1.5  # -o window, answer, timeout: seconds
ENDED = ("completed", "error", "failed", "cancelled")


def source(n):
    return f"snap-{0xA000 + n:017x}"


def world(sources, regions=(AWAY,), **fields):
    """An account with so many snapshots in HOME, named source(0), source(1), …, and nothing in the other regions."""
    own = [snapshot(source(n), Description=f"source {n}", Tags={"n": str(n)}, **fields) for n in range(sources)]
    return {"regions": {HOME: {"snapshots": own}, **{region: {"snapshots": []} for region in regions}}}


class Gesture:
    """A command that asks for copies, running in the background. Its word on each copy decides what must be true of it."""

    def __init__(self, scene, command, ids, region=AWAY):
        self.scene, self.command, self.ids, self.region = scene, command, ids, region
        self.process = subprocess.Popen(
            ["bash", "-c", command], env=scene.env, cwd=scene.mounts[-1]("regions"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
        self.code = self.out = None

    def running(self):
        return self.process.poll() is None

    def wait(self, seconds=40):
        if self.code is not None:
            return self
        try:
            self.out, _ = self.process.communicate(timeout=seconds * harness.SLOW)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.out, _ = self.process.communicate()
            self.code = -1
            raise Failure(f"`{self.command}` did not end within {seconds * harness.SLOW:.0f} s; it said {self.out!r}") from None
        self.code = self.process.returncode
        return self

    def promised(self, id):
        """Whether the command has said that this copy was accepted."""
        if self.code == 0:
            return True
        # cp goes on after a file that it could not copy, and names it; rsync may give up.
        return self.command.startswith("cp ") and self.code == 1 and id not in self.out

    def __str__(self):
        return f"`{self.command}` status {self.code}: {self.out!r}"


class Scene(harness.Test):
    def __init__(self, name, seed=1, sources=4, regions=(AWAY,), sim=(), **fields):
        super().__init__(name)
        self.random = random.Random(f"{seed}/{name}")
        self.regions = regions
        self.n_sources = sources
        self.disk = None
        self.options = [f"window={WINDOW}", f"answer={ANSWER}", f"timeout={CALL}", "poll=0.2", "ttl=1",
                        "rate=1000"]  # who is throttled here is so by chance: that says nothing of a rate to keep
        self.gestures = []
        self.copies_before = 0  # CopySnapshot requests when the plan was made
        self.start_sim("--seed", str(self.random.randrange(1, 1 << 32)), *sim, world=world(sources, regions, **fields))

    # --- the mount and what befalls it ---

    def begin(self, *options):
        """Mounts, over a disk that can be made to fail."""
        self.options += options
        self.disk = Disk(self.path("disk"))
        self.closers.append(self.disk.close)
        return self.again()

    def again(self):
        """Mounts, again if need be, over the same journal."""
        env = self.disk.env if self.disk else {}
        mount = self.mount(*self.options, env=env)
        mount.allow("journal", "copy [0-9]+:")
        return mount

    @property
    def m(self):
        return self.mounts[-1]

    def kill(self):
        """kill -9, and the dead mount is cleared away."""
        self.m.kill()
        self.clear_away()

    def killed(self, seconds=20):
        """ebsfs is killed by its disk: waits for it, and clears away."""
        try:
            code = self.m.process.wait(seconds * harness.SLOW)
        except subprocess.TimeoutExpired:
            raise Failure(f"the place where ebsfs was to be killed was not reached (writes {self.disk.writes}, "
                          f"syncs {self.disk.syncs})") from None
        same(code, -signal.SIGKILL, "how ebsfs ended:", self.m.log_text())
        self.disk.well()
        self.m.ended = True
        self.clear_away()

    def clear_away(self):
        subprocess.run(["fusermount3", "-u", "-z", self.m.path], check=True, capture_output=True)

    # --- what the user does ---

    def file(self, n, region=HOME):
        id = source(n)
        return f"{region}/snapshots/{id}/{id}.snapshot"

    def gesture(self, command, numbers, region=AWAY):
        g = Gesture(self, command, [source(n) for n in numbers], region)
        self.gestures.append(g)
        return g

    def state(self, id, region=AWAY):
        """The status of the receipt of this copy, as a dict; None if there is no receipt."""
        for path in (f"{id}.status", f"snapshots/{id}.status"):
            try:
                return status(self.m.region(region, path))
            except (FileNotFoundError, NotADirectoryError):
                pass
        # rsync writes to another name first, and may not have come to renaming it.
        for name in os.listdir(self.m.region(region)):
            if name.startswith(f".{id}.") and name.endswith(".status"):
                return status(self.m.region(region, name))
        return None

    # --- what goes wrong on the way to AWS ---

    def plan(self, *rules):
        """These rules (aws/sim/test/sim_faults.h) and no others from now on."""
        self.sim.rules = list(rules)
        self.sim._ask("faults", {"seed": self.random.randrange(1 << 32), "rules": self.sim.rules})
        self.copies_before = self.sim.count("CopySnapshot", AWAY)

    def faults_met(self, rule):
        """How many requests have ended as this rule wants it."""
        met = self.sim.counts()["faults"]
        return sum(actions.get(rule["action"], {}).get(rule["effect"], 0) for actions in met.values())

    # --- the truth ---

    def made(self, id, region=AWAY):
        """The copies of a source that there are, whoever made them."""
        return [s for s in self.sim.snapshots(region) if (s.get("source_region"), s.get("source_id")) == (HOME, id)]

    def settle(self, seconds=60):
        """Waits until every copy that was asked for has ended, as far as its status says."""
        for g in self.gestures:
            for id in g.ids:
                until(lambda: (self.state(id, g.region) or {"state": "failed"})["state"] in ENDED,
                      f"the end of the copy of {id}", seconds)

    def judge(self, final=True):
        """Exactly one copy for each that was promised, at most one for each that was not, and the status tells the truth."""
        total = dict.fromkeys(self.regions, 0)
        listed = json.loads(harness.read(self.m("copies.json")))
        for g in self.gestures:
            for id in g.ids:
                total[g.region] += self.judge_one(g, id, listed)
        counts = self.sim.counts()["copies"]
        for region in self.regions:
            started = counts.get(region, {}).get("started", 0)
            same(started, total[region], "copies that EC2 ever began into", region)
        if final:
            self.journal_is_whole()

    def judge_one(self, g, id, listed):
        made, got = self.made(id, g.region), self.state(id, g.region)
        words = f"copy of {id}, {g}, status {got}, made {[s['SnapshotId'] for s in made]}"
        check(len(made) <= 1, "made twice:", words)
        if g.promised(id):
            check(len(made) == 1, "lost:", words)
            check(got, "its receipt is gone:", words)
        if not got:
            check(not made, "made, and no receipt tells of it:", words)
            return 0
        if got["state"] in ("failed", "cancelled"):
            check(not made, "made, and the status denies it:", words)
        else:
            check(made, "not made, and the status says that it was:", words)
            same(got.get("snapshot"), made[0]["SnapshotId"], "the id in the status:", words)
            same(got["state"], made[0]["State"], "the state in the status:", words)
        rows = [row for row in listed if row.get("source") == f"{HOME}/{id}" and row.get("region") == g.region]
        if got["state"] == "failed" and "source" not in got:
            # Not even the journal has it: the receipt is one that may still be written.
            same(rows, [], "copies.json:", words)
            return 0
        same([row["state"] for row in rows], [got["state"]], "copies.json:", words, listed)
        if made:
            same(rows[0].get("snapshot"), made[0]["SnapshotId"], "copies.json:", words)
        return len(made)

    def journal_is_whole(self):
        """Unmounts, and asks SQLite."""
        self.m.unmount()
        journal = sqlite3.connect(f"file:{self.path('state/journal.db')}?mode=ro", uri=True)
        try:
            same(journal.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "the journal")
        finally:
            journal.close()

    def judge_moves(self):
        """A source goes only after its copy has completed, and it does go if mv said so."""
        for g in self.gestures:
            for id in g.ids:
                made = [s for s in self.made(id, g.region) if s["State"] == "completed"]
                if g.code == 0:
                    until(lambda: not self.has(id), f"the source {id} goes")
                check(made or self.has(id), "the source is deleted, and there is no copy:", id, g)
                check(g.command.startswith("mv ") or self.has(id), "deleted unasked:", id, g)

    def has(self, id):
        return any(s["SnapshotId"] == id for s in self.sim.snapshots(HOME))

    def judge_twice(self, moves=False):
        """Also after another mount, which must not change anything."""
        self.settle()
        self.judge(final=False)
        if moves:
            self.judge_moves()
        else:
            same(len(self.sim.snapshots(HOME)), self.n_sources, "snapshots in the source region")
        before = self.sim.count("CopySnapshot")
        self.m.unmount()
        self.again()
        self.settle()
        self.judge()
        same(self.sim.count("CopySnapshot"), before, "CopySnapshot requests before and after another mount")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        story = self.story() if error and not isinstance(error, harness.Skip) else ""
        try:
            self.end()
        except Exception as e:
            if not error:
                self.remove()
                raise
            story += f"\nand then: {e}"
        self.remove()
        if story:
            raise Failure(f"{failed_words(error)}\n{story}") from None

    def story(self):
        """All that is needed to understand a failure."""
        lines = [str(g) for g in self.gestures]
        try:
            rows = json.loads(harness.read(self.m("copies.json")))
            lines += few(["copy " + json.dumps(row) for row in rows if len(rows) <= 20 or row["state"] != "completed"])
        except Exception as e:
            lines.append(f"copies.json: {e}")
        try:
            for region in self.regions:
                lines += few([f"{region}: {s['SnapshotId']} {s['State']} {s.get('Tags')}" for s in self.sim.snapshots(region)])
            lines.append(f"counts: {json.dumps(self.sim.counts())}")
        except Exception as e:
            lines.append(f"the simulator does not answer: {e}")
        for mount in self.mounts:
            lines.append(f"--- log of {mount.process.pid}:\n{mount.log_text()[-3000:]}")
        return "\n".join(lines)


def few(lines, most=20):
    return lines if len(lines) <= most else lines[:most] + [f"… and {len(lines) - most} more"]


def failed_words(error):
    """Where in the tests an error came up, and what it says."""
    import traceback

    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/tests/fault/" in f.filename]
    where = "".join(f"{os.path.basename(f.filename)}:{f.lineno}: {f.line}\n" for f in frames[-3:])
    kind = "" if isinstance(error, Failure) else f"{type(error).__name__}: "
    return f"{where}{kind}{error}"


__all__ = ["ACCOUNT", "AWAY", "HOME", "Failure", "Gesture", "Scene", "check", "failed_words", "harness", "re", "same", "source", "until"]
