# SPDX-License-Identifier: MIT
"""The rows about disks: reads of a simulated snapshot's contents through the mount, beside a bare pipeline, boto3, rclone and nbdkit.

The simulator makes the blocks up and digests them, on the same processors: only ratios within a run mean anything.
"""
import http.server
import os
import random
import re
import socketserver
import statistics
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import harness
from table import timed

REGION = "us-east-1"
BLOCK = 512 << 10
DISK, NEXT, HUGE, SPARSE, EMPTY = (f"snap-{n:017x}" for n in range(1, 6))
PIPELINE = os.environ.get("EBSFS_PIPELINE", str(Path(harness.EBSFS).parents[1] / "tests/bench/pipeline"))

BOTO = """
    import base64, concurrent.futures, hashlib, itertools, os, sys, time, threading
    import boto3, botocore.config
    url, snapshot, path, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    began = time.monotonic()
    ebs = boto3.client("ebs", region_name="us-east-1", endpoint_url=url, config=botocore.config.Config(max_pool_connections=threads))
    blocks, more = [], {}
    while True:
        page = ebs.list_snapshot_blocks(SnapshotId=snapshot, MaxResults=10000, **more)
        blocks += page["Blocks"]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    def one(block):
        got = ebs.get_snapshot_block(SnapshotId=snapshot, BlockIndex=block["BlockIndex"], BlockToken=block["BlockToken"])
        data = got["BlockData"].read()
        if base64.b64encode(hashlib.sha256(data).digest()).decode() != got["Checksum"]:
            sys.exit("a wrong digest")
        os.pwrite(fd, data, block["BlockIndex"] << 19)
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(one, blocks):
            pass
    print(len(blocks), time.monotonic() - began)
"""

NBDKIT = """
    import base64, hashlib, os
    import boto3, botocore.config
    import nbdkit
    API_VERSION = 2
    ebs = boto3.client("ebs", region_name="us-east-1", endpoint_url=os.environ["URL"], config=botocore.config.Config(max_pool_connections=64))
    tokens = {}
    def thread_model():
        return nbdkit.THREAD_MODEL_PARALLEL
    def get_ready():
        more = {}
        while True:
            page = ebs.list_snapshot_blocks(SnapshotId=os.environ["SNAPSHOT"], MaxResults=10000, **more)
            tokens.update((b["BlockIndex"], b["BlockToken"]) for b in page["Blocks"])
            if "NextToken" not in page:
                return
            more = {"NextToken": page["NextToken"]}
    def open(readonly):
        return 1
    def get_size(h):
        return int(os.environ["SIZE"])
    def block_size(h):
        return (65536, 524288, 524288)
    def pread(h, buf, offset, flags):
        for at in range(0, len(buf), 524288):
            n = (offset + at) // 524288
            if n in tokens:
                got = ebs.get_snapshot_block(SnapshotId=os.environ["SNAPSHOT"], BlockIndex=n, BlockToken=tokens[n])
                data = got["BlockData"].read()
                if base64.b64encode(hashlib.sha256(data).digest()).decode() != got["Checksum"]:
                    raise RuntimeError("a wrong digest")
                buf[at:at + 524288] = data
"""


def world(mib):
    """DISK and the next night's are of one volume; of SPARSE an eighth is there, of EMPTY nothing; HUGE has as many blocks as EBS permits."""
    gib = -(-mib // 1024)
    volume = {"VolumeId": "vol-00000000000000001", "VolumeSize": gib, "FullSnapshotSizeInBytes": mib << 20, "disk": "made", "State": "completed"}
    return {"regions": {REGION: {"snapshots": [
        {**volume, "SnapshotId": DISK, "StartTime": "2026-11-20T03:00:00.000Z"},
        {**volume, "SnapshotId": NEXT, "StartTime": "2026-11-21T03:00:00.000Z"},
        {**volume, "SnapshotId": SPARSE, "StartTime": "2026-11-20T03:00:00.000Z", "VolumeId": "vol-00000000000000002", "VolumeSize": 8 * gib},
        {**volume, "SnapshotId": HUGE, "StartTime": "2026-11-20T03:00:00.000Z", "VolumeId": "vol-00000000000000003", "VolumeSize": 65536,
         "FullSnapshotSizeInBytes": 1 << 46},
        {**volume, "SnapshotId": EMPTY, "StartTime": "2026-11-20T03:00:00.000Z", "VolumeId": "vol-00000000000000004", "FullSnapshotSizeInBytes": 0}]}}}


class Bench:
    def __init__(self, t, mib):
        self.t, self.mib, self.n = t, mib, 0
        self.blocks = mib * 2
        self.sim = t.start_sim(world=world(mib))
        self.mounted = None

    def mount(self, cache=None, options=()):
        """A new mount; with a cache of its own unless one is named."""
        self.unmount()
        self.n += 1
        self.cache = cache or self.t.path(f"cache{self.n}")
        self.mounted = self.t.mount(f"regions={REGION}", "ttl=3600", "budget=1000", "cache_size=20G", f"cache_dir={self.cache}", *options,
                                    where=f"mnt{self.n}", state=f"state{self.n}")
        os.listdir(self.mounted.region(REGION, "snapshots"))
        return self.mounted

    def unmount(self):
        if self.mounted:
            self.mounted.unmount()
        self.mounted = None

    def disk(self, id=DISK):
        return self.mounted.region(REGION, "disks", id + ".img")

    def processor(self):
        """The daemon's seconds so far."""
        fields = Path(f"/proc/{self.mounted.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def bought(self):
        return self.sim.count("GetSnapshotBlock")

    def lists(self):
        return self.sim.count("ListSnapshotBlocks") + self.sim.count("ListChangedBlocks")

    def fresh(self, name):
        path = self.t.path(name)
        if os.path.exists(path):
            os.unlink(path)
        return path

    def cat(self, id=DISK):
        """Seconds of one read from the beginning to the end."""
        return timed(["dd", f"if={self.disk(id)}", "bs=1M", "status=none", "of=/dev/null"], self.t.env)[0]

    def cold(self):
        """A new mount's first read: GB/s, and the daemon's seconds a GB. Not bound to AWS's 1,000 blocks a second, as the pipeline is not."""
        self.mount(options=("rate=4",))
        before = self.processor()
        seconds = self.cat()
        return self.mib * 2**20 / 1e9 / seconds, (self.processor() - before) / (self.mib * 2**20 / 1e9)

    def pipeline(self):
        out = timed([PIPELINE, self.sim.url, REGION, DISK, self.fresh("pipeline.img")], self.t.env)[2].split()
        if int(out[0]) != self.blocks:
            sys.exit("the pipeline did not read all blocks")
        size = self.blocks * BLOCK / 1e9
        return size / float(out[1]), float(out[2]) / size

    def boto(self, threads):
        out = timed([sys.executable, "-c", textwrap.dedent(BOTO), self.sim.url, DISK, self.fresh("boto.img"), str(threads)], self.t.env)[2].split()
        return int(out[0]) * BLOCK / 1e9 / float(out[1])


# --- sequential reads ---

class Pages(http.server.BaseHTTPRequestHandler):
    """One file in ranges, each after a delay: what rclone mounts."""

    protocol_version = "HTTP/1.1"
    path_of_file, delay = None, 0

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        if not self.path.endswith(".img"):
            body = b"<html><body><a href=\"disk.img\">disk.img</a></body></html>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if self.command == "GET" else b"")
            return
        time.sleep(self.delay)
        with open(self.path_of_file, "rb") as f:
            size = os.fstat(f.fileno()).st_size
            found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "bytes=0-"))
            first, last = int(found[1]), min(int(found[2] or size - 1), size - 1)
            self.send_response(206 if "Range" in self.headers else 200)
            self.send_header("Accept-Ranges", "bytes")
            if "Range" in self.headers:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.send_header("Content-Length", str(last - first + 1))
            self.end_headers()
            at = first
            try:
                while self.command == "GET" and at <= last:
                    at += os.sendfile(self.connection.fileno(), f.fileno(), at, min(1 << 20, last + 1 - at))
            except (BrokenPipeError, ConnectionResetError):
                pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def rclone(b, latency):
    """GB/s of `rclone mount` over http, of the same bytes as one file."""
    t = b.t
    handler = type("Handler", (Pages,), {"path_of_file": t.path("pipeline.img"), "delay": latency / 1000})
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    where = t.path(f"rclone{latency}")
    os.mkdir(where)
    mount = t.background([t.need("rclone"), "mount", ":http:", where, "--http-url", f"http://127.0.0.1:{server.server_address[1]}/", "--read-only",
                          "--buffer-size", "64M"], stderr=subprocess.DEVNULL)
    try:
        harness.until(lambda: os.path.ismount(where), "rclone mounts", 20)
        return b.mib * 2**20 / 1e9 / timed(["dd", f"if={where}/disk.img", "bs=1M", "status=none", "of=/dev/null"], t.env)[0]
    finally:
        subprocess.run(["fusermount3", "-u", where], check=False)
        mount.wait(20)
        server.shutdown()


def nbdkit(b, latency):
    """GB/s of nbdkit with a Python plugin over boto3, 64 requests at once."""
    import boto3

    t = b.t
    plugin, pid, socket = (t.path(f"{name}{latency}") for name in ("plugin.py", "nbdkit.pid", "nbd.sock"))
    Path(plugin).write_text(textwrap.dedent(NBDKIT), encoding="utf-8")
    env = {"URL": b.sim.url, "SNAPSHOT": DISK, "SIZE": str(b.mib << 20), "PYTHONPATH": str(Path(boto3.__file__).parents[1]),
           "PATH": "/usr/bin:/bin"}  # its Python finds its library by the python3 of PATH
    server = t.background(["env", *(f"{k}={v}" for k, v in env.items()), t.need("nbdkit"), "-f", "-U", socket, "-P", pid, "-t", "64", "python", plugin])
    harness.until(lambda: os.path.exists(pid), "nbdkit listens", 60)
    seconds = timed([t.need("nbdcopy"), "--connections=1", "--requests=64", "--request-size=524288", f"nbd+unix:///?socket={socket}", "null:"], t.env)[0]
    server.terminate()
    server.wait(20)
    return b.mib * 2**20 / 1e9 / seconds


def sequential(table, b, rounds, latency):
    b.sim.set(latency_ms=latency)
    ours, bare, boto = [], [], []
    for _ in range(rounds):
        bare.append(b.pipeline())
        ours.append(b.cold())
        boto.append(b.boto(64))
    if subprocess.run(["cmp", b.disk(), b.t.path("pipeline.img")], check=False).returncode != 0:
        sys.exit("the pipeline's bytes and the mount's differ")
    best, pipeline, threads = max(o[0] for o in ours), max(p[0] for p in bare), max(boto)
    least = 0.85 if latency else 0.75
    name = f"disk, {b.mib} MiB cold, {latency} ms a block: "
    table.add(name + "sequential read", f"{best:.2f} GB/s", f"{pipeline:.2f} GB/s, a bare pipeline", f"{best / pipeline:.2f}x", f">= {least}x", best / pipeline >= least)
    cpu, pipeline_cpu = min(o[1] for o in ours), min(p[1] for p in bare)
    table.add(name + "processor", f"{cpu:.2f} s/GB", f"{pipeline_cpu:.2f} s/GB, that pipeline", f"{cpu / pipeline_cpu:.2f}x", "<= 1.2x", cpu / pipeline_cpu <= 1.2)
    table.add(name + "is the pipeline a pipeline?", f"{pipeline:.2f} GB/s", f"{threads:.2f} GB/s, boto3 with 64 threads", f"{pipeline / threads:.1f}x", ">= 2.5x",
              pipeline / threads >= 2.5)
    for other, value in (("boto3 with 64 threads", threads), ("rclone mount over http", rclone(b, latency)), ("nbdkit, Python and boto3", nbdkit(b, latency))):
        table.add(name + "sequential read", f"{best:.2f} GB/s", f"{value:.2f} GB/s, {other}", f"{best / value:.1f}x", "> 1x", best > value)


# --- random reads ---

def read_at(fd, offset):
    began = time.monotonic()
    data = os.pread(fd, 4096, offset)
    if len(data) != 4096:
        sys.exit("a short read")
    return time.monotonic() - began


def scattered(b, n, seed):
    """Offsets in blocks that are far from each other."""
    return [i * BLOCK + 4096 * (i % 100) for i in random.Random(seed).sample(range(0, b.blocks, 3), n)]


def at_random(table, b, latency=20):
    """Cold 4 KiB reads: one reader, 32, and one beside a sequential reader."""
    b.sim.set(latency_ms=latency)
    b.mount()
    fd = os.open(b.disk(), os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    first = read_at(fd, 0)
    places = scattered(b, 400, 1)
    alone = [read_at(fd, place) for place in places[:80]]
    one = statistics.median(alone) * 1000 / latency
    name = f"disk, random 4 KiB cold, {latency} ms a block: "
    table.add(name + "the first of a window", f"{first * 1000:.1f} ms", "", f"{first * 1000 / latency:.2f} latencies", "<= 2.2", first * 1000 / latency <= 2.2)
    table.add(name + "one reader, median", f"{one * latency:.1f} ms", "", f"{one:.2f} latencies", "<= 1.2", one <= 1.2)
    rest = iter(places[80:])
    lock = threading.Lock()

    def reader():
        while True:
            with lock:
                place = next(rest, None)
            if place is None:
                return
            read_at(fd, place)

    threads = [threading.Thread(target=reader) for _ in range(32)]
    with harness.Timer() as timer:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    ratio = 320 / timer.seconds * statistics.mean(alone)
    table.add(name + "32 readers", f"{320 / timer.seconds:.0f} reads/s", f"{1 / statistics.mean(alone):.0f} reads/s, one reader", f"{ratio:.1f}x", ">= 20x", ratio >= 20)
    os.close(fd)
    b.mount()
    fd = os.open(b.disk(SPARSE), os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    read_at(fd, 0)
    beside = subprocess.Popen(["dd", f"if={b.disk()}", "bs=1M", "status=none", "of=/dev/null"])
    time.sleep(0.2)
    times = []
    for place in scattered(b, 200, 2):
        if beside.poll() is not None:
            break
        times.append(read_at(fd, (place // BLOCK * 8 + 7) * BLOCK))  # each eighth exists
    beside.wait()
    os.close(fd)
    if len(times) < 10:
        sys.exit("the sequential reader was too fast: read a larger disk")
    median = statistics.median(times) * 1000 / latency
    table.add(name + "beside a sequential reader, median", f"{median * latency:.1f} ms", f"{len(times)} reads", f"{median:.2f} latencies", "<= 2", median <= 2)


# --- the cache ---

def from_cache(table, b, rounds):
    """Reads again: of a live mount, whose blocks are in the kernel's memory, and of the next one, which compares them once."""
    b.sim.set(latency_ms=0)
    b.mount()
    b.cat()
    size = b.mib * 2**20 / 1e9

    def again(id):
        fd = os.open(b.disk(id), os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)
        return b.cat(id)

    before = b.bought()
    warm = [size / again(DISK) for _ in range(rounds)]
    empty = [size / again(EMPTY) for _ in range(rounds)]
    restarted = []
    for _ in range(rounds):
        b.mount(b.cache)
        restarted.append(size / b.cat())
    harness.same(b.bought(), before, "blocks were bought again")
    ratio = max(warm) / max(empty)
    table.add(f"disk, {b.mib} MiB from the cache", f"{max(warm):.2f} GB/s", f"{max(empty):.2f} GB/s, an empty disk's zeros", f"{ratio:.2f}x", ">= 0.7x", ratio >= 0.7)
    table.add(f"disk, {b.mib} MiB from the cache after a restart", f"{max(restarted):.2f} GB/s", "", "", ">= 0.5 GB/s", max(restarted) >= 0.5)


def next_night(table, b):
    b.sim.set(latency_ms=0)
    b.mount()
    b.cat()
    bought, lists = b.bought(), b.lists()
    b.cat(NEXT)
    client = b.t.boto(REGION, "ebs")
    pages, more = [], {}
    while True:
        page = client.list_changed_blocks(FirstSnapshotId=DISK, SecondSnapshotId=NEXT, MaxResults=10000, **more)
        pages += page["ChangedBlocks"]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}
    changed = sum("SecondBlockToken" in block for block in pages)
    gets, windows = b.bought() - bought, -(-b.blocks // 10000)
    lists = b.lists() - lists - 1
    table.add("disk, the next night's snapshot: blocks bought", str(gets), f"{changed} changed of {b.blocks}", "", "= changed", gets == changed)
    table.add("disk, the next night's snapshot: lists", str(lists), f"{windows} windows", "", "<= 2 a window", lists <= 2 * windows)


def sparse(table, b):
    b.sim.set(latency_ms=0)
    b.mount()
    out = b.fresh("sparse.img")
    seconds = timed(["cp", b.disk(SPARSE), out], b.t.env)[0]
    size, data = os.stat(out).st_blocks * 512, b.blocks * BLOCK
    if subprocess.run(["cmp", b.disk(SPARSE), out], check=False).returncode != 0:
        sys.exit("cp's bytes and the mount's differ")
    table.add("disk, cp of a sparse one: size on disk", f"{size >> 20} MiB", f"{data >> 20} MiB of data, {seconds:.1f} s", f"{size / data:.3f}x", "<= 1.02x", size <= 1.02 * data)


def nothing_from_above(table, b):
    b.mount()
    top, env = b.mounted.path, b.t.env
    before = b.bought() + b.lists()
    for command in ("find . >/dev/null", "du -s . >/dev/null", "grep -rq no-such-text .; true", "tar cf - . | wc -c >/dev/null", f"cp -r . {b.t.path('above')}",
                    f"rsync -a . {b.t.path('above2')}"):
        subprocess.run(["bash", "-c", command], cwd=top, env=env, stderr=subprocess.DEVNULL, check=False)
    calls = b.bought() + b.lists() - before
    table.add("find, du, grep -r, tar, cp -r, rsync -a of the whole mount: GETs and lists", str(calls), "", "", "0", calls == 0)


def memory(table, b, seconds):
    """Random reads all over 64 TiB, 128 a second."""
    b.sim.set(latency_ms=20)
    b.mount(options=("cache_size=1G",))
    fd = os.open(b.disk(HUGE), os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    rng = random.Random(3)
    began, reads = time.monotonic(), [0]

    def reader():
        while time.monotonic() - began < seconds:
            os.pread(fd, 4096, rng.randrange(1 << 27) * BLOCK)
            reads[0] += 1
            time.sleep(max(0, began + reads[0] / 128 - time.monotonic()))

    threads = [threading.Thread(target=reader) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(fd)
    peak = b.mounted.memory_kib() * 1024 / 1e6
    rate = reads[0] * BLOCK / 2**20 / (time.monotonic() - began)
    table.add("disk of 64 TiB, random reads: peak resident", f"{peak:.0f} MB", f"{rate:.0f} MiB/s bought, {reads[0]} reads", "", "<= 100 MB", peak <= 100)


def rows(table, t, mib, rounds):
    b = Bench(t, mib)
    try:
        for part in (lambda: nothing_from_above(table, b), lambda: next_night(table, b), lambda: sparse(table, b), lambda: at_random(table, b),
                     lambda: memory(table, b, 20), lambda: from_cache(table, b, rounds), lambda: sequential(table, b, rounds, 20),
                     lambda: sequential(table, b, rounds, 0)):
            part()
    finally:
        b.unmount()
