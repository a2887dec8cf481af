# SPDX-License-Identifier: MIT
"""What the cases in cases/ stand on: a simulated AWS, real mounts of it, and checks that compare errno as errno.

A case is a function with @case that takes a Test. Each runs in a process, a simulator and a mount of its own. What it
started is ended when it returns, whatever happened; a mount that does not end with status 0, or whose log has a line that
the case did not announce with Mount.allow(), fails the case.
"""
import errno
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import signals  # noqa: E402

EBSFS = os.path.abspath(os.environ.get("EBSFS", ROOT / "build/fs/ebsfs"))
EBSFS_SIM = os.path.abspath(os.environ.get("EBSFS_SIM", ROOT / "build/aws/sim/ebsfs-sim"))
SLOW = float(os.environ.get("EBSFS_TEST_SLOW", "1"))  # every time-out is multiplied by this, for builds that are slow

SKIPPED = 77  # exit status of a case that could not run here

# Lines of a daemon's log that no case expects: a sanitizer's or valgrind's report, an assertion, an error of ebsfs itself.
SUSPICIOUS = re.compile(
    r"Sanitizer|runtime error:|[Aa]ssert|ebsfs (emergency|alert|critical|error):|==\d+==|uncaught|\bBUG\b"
)

CASES = {}


def case(function):
    """Registers a case under its function's name, with '_' shown as '-'."""
    CASES[function.__name__.replace("_", "-")] = function
    return function


class Failure(AssertionError):
    pass


class Skip(Exception):
    pass


def check(condition, *words):
    if not condition:
        raise Failure(" ".join(str(w) for w in words) or "check failed")


def same(got, wanted, *words):
    if got != wanted:
        raise Failure(f"{' '.join(str(w) for w in words)}\n    got    {got!r}\n    wanted {wanted!r}")


def contains(text, part, *words):
    if part not in text:
        raise Failure(f"{' '.join(str(w) for w in words)}\n    no {part!r} in {text!r}")


def matches(text, pattern, *words):
    found = re.search(pattern, text, re.M)
    if not found:
        raise Failure(f"{' '.join(str(w) for w in words)}\n    no /{pattern}/ in {text!r}")
    return found


def error_name(number):
    return errno.errorcode.get(number, str(number)) if number else "success"


def refused(wanted, function, *args, **kwargs):
    """function must raise OSError with this errno (or one of these)."""
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    try:
        function(*args, **kwargs)
        got = 0
    except OSError as e:
        got = e.errno
    if got not in wanted:
        raise Failure(f"{function.__name__}{args!r}: {error_name(got)} instead of {'/'.join(map(error_name, wanted))}")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def write(path, text, mode=0o644):
    """Writes text as one open, write, close; close()'s error is this function's."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(fd, text.encode())
    except OSError:
        os.close(fd)
        raise
    os.close(fd)


def fields(text):
    """`key: value` lines as a dict; a key must not come twice."""
    out = {}
    for line in text.splitlines():
        found = re.fullmatch(r"([a-z][a-z -]*): (.*)", line)
        check(found, "not a `key: value` line:", repr(line))
        check(found[1] not in out, "key twice:", found[1])
        out[found[1]] = found[2]
    return out


def status(path):
    return fields(read(path))


def until(condition, what, seconds=20):
    """Waits until condition() is true, and returns its value. For what another program does in its own time."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds * SLOW:.0f} s in vain: {what}")
        time.sleep(0.02)


class Timer:
    """with Timer() as t: …; t.seconds"""

    def __enter__(self):
        self.start = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.start


class Result:
    def __init__(self, command, code, out, err):
        self.command, self.code, self.out, self.err = command, code, out, err

    def __repr__(self):
        return f"`{self.command}` status {self.code}\n    out: {self.out!r}\n    err: {self.err!r}"


class Mount:
    """One ebsfs in the foreground, and what it mounted."""

    def __init__(self, test, path, process, log, notify):
        self.test, self.path, self.process, self.log, self.notify = test, path, process, log, notify
        self.allowed = []
        self.ended = False

    def __str__(self):
        return self.path

    def __call__(self, *parts):
        return os.path.join(self.path, *parts)

    def region(self, name, *parts):
        return self("regions", name, *parts)

    def folder(self, region, snapshot, *parts):
        return self("regions", region, "snapshots", snapshot, *parts)

    def file(self, region, snapshot):
        """The snapshot file."""
        return self.folder(region, snapshot, snapshot + ".snapshot")

    def allow(self, *patterns):
        """This case provokes log lines that match these."""
        self.allowed += [re.compile(p) for p in patterns]

    def wait_ready(self, seconds=30):
        """Until the daemon says READY=1, as to systemd. Ends early if it dies."""
        deadline = time.monotonic() + seconds * SLOW
        while time.monotonic() < deadline:
            if select.select([self.notify], [], [], 0.05)[0]:
                if b"READY=1" in self.notify.recv(4096):
                    return
            if self.process.poll() is not None:
                raise Failure(f"ebsfs ended with status {self.process.returncode} instead of mounting:\n{self.log_text()}")
        raise Failure(f"ebsfs did not announce READY=1 within {seconds} s:\n{self.log_text()}")

    def log_text(self):
        return Path(self.log).read_text(errors="replace")

    def memory_kib(self, what="VmHWM"):
        return int(matches(Path(f"/proc/{self.process.pid}/status").read_text(), rf"^{what}:\s+(\d+) kB")[1])

    def cpu_seconds(self):
        """Processor time so far, of user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def metric(self, name, **labels):
        """Sum of a metric's samples whose labels agree."""
        total, found = 0.0, False
        for line in read(self(".ebsfs/metrics")).splitlines():
            sample = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? ([0-9.eE+-]+)", line)
            if sample and sample[1] == name:
                got = dict(re.findall(r'(\w+)="([^"]*)"', sample[2] or ""))
                if all(got.get(k) == v for k, v in labels.items()):
                    total, found = total + float(sample[3]), True
        check(found, "no metric", name, labels)
        return total

    def kill(self):
        """kill -9; the dead mount stays."""
        self.process.kill()
        self.process.wait()
        self.ended = True

    def unmount(self, seconds=20):
        """fusermount3 -u, and the daemon ends with status 0."""
        if self.ended:
            return
        self.ended = True
        done = subprocess.run(["fusermount3", "-u", self.path], capture_output=True, text=True)
        busy = done.returncode != 0
        if busy:
            subprocess.run(["fusermount3", "-u", "-z", self.path], capture_output=True)
        try:
            code = self.process.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"ebsfs did not end within {seconds} s of the unmount:\n{self.log_text()}") from None
        check(not busy, "fusermount3 -u:", done.stderr.strip())
        check(code == 0, f"ebsfs ended with status {code}:\n{self.log_text()}")

    def inspect_log(self):
        for line in self.log_text().splitlines():
            if SUSPICIOUS.search(line) and not any(p.search(line) for p in self.allowed):
                raise Failure(f"unexpected line in ebsfs's log: {line}\n{self.log_text()}")


class Test:
    """What one case has: a folder of its own, simulators, mounts, and the environment that its programs see."""

    def __init__(self, name):
        signals.restore_defaults()
        self.name = name
        self.dir = tempfile.mkdtemp(prefix="ebsfs-test-")
        self.mounts, self.sims, self.closers = [], [], []
        self._sim = None
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self.env.update(
            HOME=self.path("home"),
            LC_ALL="C.UTF-8",
            TZ="UTC",
            XDG_STATE_HOME=self.path("state"),
            AWS_EC2_METADATA_DISABLED="true",
            AWS_CONFIG_FILE=self.path("home/.aws/config"),
            AWS_SHARED_CREDENTIALS_FILE=self.path("home/.aws/credentials"),
        )
        for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            self.env.pop(proxy, None)
        os.makedirs(self.path("home/.aws"))

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    # --- the simulated AWS ---

    @property
    def sim(self):
        if self._sim is None:
            self._sim = self.start_sim()
        return self._sim

    def start_sim(self, *args, world=None, bulk=None):
        from simulator import Simulator

        sim = Simulator(self, args, world, bulk)
        self.sims.append(sim)
        if self._sim is None:
            self._sim = sim
            self.env.update(sim.credentials())
        return sim

    # --- ebsfs ---

    def start(self, *options, flags=("-f",), where="mnt", state="state", endpoint=None, env=None):
        """Starts ebsfs in the foreground without waiting for it. Returns its Mount."""
        path = self.path(where)
        if is_alive(path):  # a case may mount over what died
            os.makedirs(path, exist_ok=True)
        endpoint = self.sim.url if endpoint is None else endpoint
        options = [f"state_dir={self.path(state)}", *([f"endpoint_url={endpoint}"] if endpoint else []),
                   *([] if any(o.startswith("poll=") for o in options) else ["poll=0.2"]),
                   *([] if any(o.startswith("cache") for o in options) else [f"cache_dir={self.path('cache')}"]), *options]
        number = len(self.mounts)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(self.path(f"notify{number}"))
        self.closers.append(notify.close)
        log = self.path(f"ebsfs{number}.log")
        with open(log, "wb") as stderr:
            process = subprocess.Popen(
                [EBSFS, *flags, "-o", ",".join(options), path],
                env={**self.env, "NOTIFY_SOCKET": self.path(f"notify{number}"), **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
            )
        mount = Mount(self, path, process, log, notify)
        self.mounts.append(mount)
        return mount

    def mount(self, *options, **how):
        """Mounts the simulated account, ready for use."""
        mount = self.start(*options, **how)
        mount.wait_ready()
        return mount

    def ebsfs(self, *args, env=None, seconds=30, clear=()):
        """Runs `ebsfs args` to its end."""
        environment = {k: v for k, v in {**self.env, **(env or {})}.items() if k not in clear}
        return self._run([EBSFS, *args], " ".join(("ebsfs", *args)), environment, None, seconds)

    def boto(self, region, service="ec2"):
        """A client of boto3 for the simulator."""
        import boto3

        keys = self.sim.credentials()
        return boto3.client(service, region_name=region, endpoint_url=self.sim.url,
                            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"], aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"])

    # --- programs ---

    def run(self, command, cwd=None, seconds=40, env=None):
        """Runs a shell command (bash), as a person types it, in the mount's regions/ folder unless cwd says otherwise."""
        if cwd is None and self.mounts:
            cwd = self.mounts[-1]("regions")
        return self._run(["bash", "-c", command], command, {**self.env, **(env or {})}, cwd, seconds)

    def ok(self, command, **how):
        """run() that must succeed without a word on stderr. Returns what it printed."""
        done = self.run(command, **how)
        check(done.code == 0 and not done.err, repr(done))
        return done.out

    def fails(self, wanted, command, **how):
        """run() that must fail and give this errno's words (or one of these)."""
        done = self.run(command, **how)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        check(done.code != 0, "no failure:", repr(done))
        check(any(os.strerror(w) in done.err for w in wanted), "/".join(map(error_name, wanted)), "was wanted:", repr(done))
        return done

    def _run(self, argv, words, env, cwd, seconds):
        process = subprocess.Popen(
            argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True)
        try:
            out, err = process.communicate(timeout=seconds * SLOW)
        except subprocess.TimeoutExpired:
            ended = process.poll() is not None
            if not ended:
                os.killpg(process.pid, signal.SIGKILL)
            why = f"ended, but something that it started holds its output open after {seconds * SLOW:.0f} s" if ended else \
                f"did not end within {seconds * SLOW:.0f} s"
            try:
                out, err = process.communicate(timeout=2)
            except subprocess.TimeoutExpired:
                out, err = "?", "?"
            raise Failure(f"`{words}` {why}; out {out!r}, err {err!r}") from None
        return Result(words, process.returncode, out, err)

    def background(self, argv, **how):
        """Starts a program that the case itself ends; killed at the end of the case if it still runs."""
        process = subprocess.Popen(argv, env=self.env, stdin=subprocess.DEVNULL, text=True, **how)

        def end():
            if process.poll() is None:
                process.kill()
            process.wait()

        self.closers.append(end)
        return process

    def need(self, program):
        """The path of a program. A program that scripts/setup installs must be there."""
        found = shutil.which(program) or (os.path.exists(program) and program)
        check(found, program, "is not installed: scripts/setup")
        return found

    # --- the end ---

    def end(self):
        """Ends what the case started. Raises the first thing that is wrong."""
        problems = []
        for closer in reversed(self.closers):
            closer()
        for mount in reversed(self.mounts):
            try:
                mount.unmount()
            except Failure as e:
                problems.append(e)
            # A daemon that was killed, or that failed, may leave a dead mount; nothing else may stay mounted.
            while os.path.ismount(mount.path) or not is_alive(mount.path):
                if subprocess.run(["fusermount3", "-u", "-z", mount.path], capture_output=True).returncode != 0:
                    break
            try:
                mount.inspect_log()
            except Failure as e:
                problems.append(e)
        for sim in self.sims:
            try:
                sim.stop()
            except Failure as e:
                problems.append(e)
        if problems:
            raise problems[0]

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def is_alive(path):
    try:
        os.stat(path)
    except OSError as e:
        return e.errno != errno.ENOTCONN
    return True
