# SPDX-License-Identifier: MIT
"""The command: how it starts, what it says when it cannot, and how it ends."""
import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from errno import EACCES, ENOTCONN, EROFS
from pathlib import Path

from harness import (EBSFS, SLOW, Failure, Skip, Timer, case, check, contains, matches, read, refused, same, status, until,
                     write)
from world import ACCOUNT, NIGHTLY, OWN


def processes_of(path):
    """Pids of the ebsfs processes whose command line names this mount point."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                argv = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                name = (entry / "comm").read_text().strip()
            except OSError:
                continue
            if name.startswith("ebsfs") and path in argv:
                found.append(int(entry.name))
    return found


def children_of(pid):
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def says_no(t, *options, status, env=None, clear=(), word, path=None, endpoint=None):
    """The command ends with this status and one line on stderr, and mounts nothing. In the foreground the log may precede that line."""
    path = path or t.path("mnt")
    os.makedirs(t.path("mnt"), exist_ok=True)
    endpoint = t.sim.url if endpoint is None else endpoint
    all_options = [f"state_dir={t.path('state')}", *([f"endpoint_url={endpoint}"] if endpoint else []), *options]
    for flags in ((), ("-f",)):
        with Timer() as timer:
            done = t.ebsfs(*flags, "-o", ",".join(all_options), path, env=env, clear=clear, seconds=60)
        same(done.code, status, repr(done))
        same(done.out, "", "stdout")
        lines = [l for l in done.err.splitlines() if not (flags and re.match(r"\d{4}-\S+Z ebsfs (info|warning): ", l))]
        same(len(lines), 1, "lines on stderr:", repr(done))
        matches(lines[0], f"^ebsfs: .*({word})", "the one line")
        check(not os.path.ismount(t.path("mnt")), "something is mounted")
        same(processes_of(path), [], "processes left")
        check(timer.seconds < 30 * SLOW, "it took", timer.seconds)


@case
def wrong_secret(t):
    t.start_sim()
    says_no(t, env={"AWS_SECRET_ACCESS_KEY": "wrong"}, status=3, word="AuthFailure|SignatureDoesNotMatch")


@case
def unknown_key(t):
    t.start_sim()
    says_no(t, env={"AWS_ACCESS_KEY_ID": "AKIANOSUCHKEY0000000"}, status=3, word="AuthFailure|InvalidClientTokenId")


@case
def no_credentials(t):
    t.start_sim()
    says_no(t, clear=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), status=3, word="credentials")


@case
def key_without_secret(t):
    t.start_sim()
    says_no(t, clear=("AWS_SECRET_ACCESS_KEY",), status=3, word="AWS_SECRET_ACCESS_KEY")


@case
def unknown_profile(t):
    t.start_sim()
    says_no(t, "profile=nosuch", status=3, word="nosuch")


@case
def unknown_profile_in_the_environment(t):
    t.start_sim()
    says_no(t, env={"AWS_PROFILE": "nosuch"}, clear=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), status=3, word="nosuch")


@case
def broken_configuration_file(t):
    t.start_sim()
    write(t.path("home/.aws/config"), "[default]\nthis is no setting\n")
    says_no(t, clear=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), status=3, word=r"config.*:2|config.*line 2")


@case
def unreachable_endpoint(t):
    t.start_sim()
    with socket.socket() as s:  # bound and not listening: refuses
        s.bind(("127.0.0.1", 0))
        says_no(t, endpoint=f"http://127.0.0.1:{s.getsockname()[1]}", status=4, word="127.0.0.1")


@case
def endpoint_that_is_no_url(t):
    t.start_sim()
    says_no(t, endpoint="nonsense", status=2, word="endpoint_url")


@case
def endpoint_that_is_no_ec2(t):
    """Something else listens there."""
    import http.server
    import threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>welcome</html>")

        def log_message(self, *_):
            pass

    t.start_sim()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    t.closers.append(server.shutdown)
    says_no(t, endpoint=f"http://127.0.0.1:{server.server_address[1]}", status=4, word=".")


@case
def unknown_option(t):
    t.start_sim()
    says_no(t, "frobnicate=7", status=2, word="frobnicate")


@case
def bad_option_values(t):
    t.start_sim()
    for option in ("ttl=soon", "ttl=-1", "ttl=", "regions=", "regions=../..", "regions=us-east-1::", "state_dir="):
        says_no(t, option, status=2, word=option.split("=")[0])


@case
def region_that_is_not_enabled(t):
    """Named in regions=, but not among the account's: EACCES there, and everything else works."""
    m = t.mount("regions=us-east-1:mars-north-1")
    same(sorted(os.listdir(m("regions"))), ["mars-north-1", "us-east-1"])
    refused(EACCES, os.listdir, m.region("mars-north-1", "snapshots"))
    contains(read(m(".ebsfs/last-error")), "mars-north-1")
    same(len(os.listdir(m.region("us-east-1", "snapshots"))), len(OWN["us-east-1"]))


@case
def missing_mountpoint(t):
    t.start_sim()
    says_no(t, path=t.path("nosuch"), status=5, word="nosuch does not exist; make it: mkdir -p ")
    done = t.ebsfs("-f")
    check(done.code != 0)
    same(len(done.err.strip().splitlines()), 1, repr(done))


@case
def mountpoint_is_a_file(t):
    t.start_sim()
    write(t.path("file"), "x")
    says_no(t, path=t.path("file"), status=5, word="file")


@case
def state_dir_that_cannot_be(t):
    t.start_sim()
    write(t.path("file"), "x")
    says_no(t, f"state_dir={t.path('file/state')}", status=1, word="file/state cannot be used: .*: Not a directory; name another with -o state_dir=")


@case
def second_ebsfs_on_one_state_dir(t):
    t.mount()
    os.makedirs(t.path("other"))
    done = t.ebsfs("-f", "-o", f"endpoint_url={t.sim.url},state_dir={t.path('state')}", t.path("other"))
    same(done.code, 1, repr(done))
    contains(done.err, t.path("state"))
    check(not os.path.ismount(t.path("other")))


@case
def help(t):
    done = t.ebsfs("--help")
    same([line for line in done.out.splitlines() if len(line) > 80], [], "lines over 80 columns")
    same((done.code, done.err), (0, ""), repr(done))
    for word in ("MOUNTPOINT", "regions", "endpoint_url", "delete", "state_dir", "simulate", "ttl", "profile", "-f", "-d"):
        contains(done.out, word)
    same(t.ebsfs("-h").out, done.out, "-h")


@case
def version(t):
    done = t.ebsfs("--version")
    same((done.code, done.err), (0, ""), repr(done))
    matches(done.out, r"^ebsfs 0\.1\.0$")
    same(t.ebsfs("-V").out, done.out, "-V")


@case
def background(t):
    """Returns when it has mounted; ends when it is unmounted."""
    t.start_sim()
    path = t.path("mnt")
    os.makedirs(path)
    done = t.ebsfs("-o", f"endpoint_url={t.sim.url},state_dir={t.path('state')}", path)
    t.closers.append(lambda: subprocess.run(["fusermount3", "-u", "-z", path], capture_output=True))
    same((done.code, done.out, done.err), (0, "", ""), repr(done))
    same(sorted(os.listdir(os.path.join(path, "regions/us-east-1/snapshots"))), sorted(OWN["us-east-1"]))
    [pid] = processes_of(path)
    # It has left the terminal, and keeps no folder of the caller's busy.
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    same(fields[4], "0", "its controlling terminal")
    same(os.readlink(f"/proc/{pid}/cwd"), "/")
    t.ok(f"fusermount3 -u {path}", cwd="/")
    until(lambda: gone(pid), "the daemon ends with its mount")
    same(os.listdir(path), [])


@case
def relative_mountpoint(t):
    t.start_sim()
    path = t.path("mnt")
    os.makedirs(path)
    t.closers.append(lambda: subprocess.run(["fusermount3", "-u", "-z", path], capture_output=True))
    t.ok(f"{EBSFS} -o endpoint_url={t.sim.url},state_dir=state-here mnt && ls mnt/regions", cwd=t.dir)
    check(os.path.isdir(t.path("state-here")), "a relative state_dir is not where it was named")
    t.ok("fusermount3 -u mnt", cwd=t.dir)
    until(lambda: not processes_of("mnt") and not processes_of(path), "the daemon ends")


@case
def default_state_dir(t):
    """/var/lib/ebsfs for root, else $XDG_STATE_HOME/ebsfs; in it one folder an account, for nobody else to look into."""
    t.start_sim()
    os.makedirs(t.path("mnt"))
    where = "/var/lib/ebsfs" if os.getuid() == 0 else t.path("state/ebsfs")
    script = f"""set -e
        if [ {os.getuid()} = 0 ]; then mount -t tmpfs tmpfs /var/lib; fi
        {EBSFS} -o endpoint_url={t.sim.url} {t.path('mnt')}
        stat -c '%a %n' {where} {where}/*
        find {where} -name journal.db
        fusermount3 -u {t.path('mnt')}"""
    if os.getuid() == 0:
        need_namespace(t)
    done = t.run((f"unshare -m bash -c '{script}'" if os.getuid() == 0 else script).replace("'%a %n'", '"%a %n"'), cwd="/")
    same((done.code, done.err), (0, ""), repr(done))
    same(done.out.splitlines(), [f"700 {where}", f"700 {where}/{ACCOUNT}", f"700 {where}/known-accounts", f"{where}/{ACCOUNT}/journal.db"])
    until(lambda: not processes_of(t.path("mnt")), "the daemon ends")


@case
def sigterm_unmounts(t):
    for number in (signal.SIGTERM, signal.SIGINT):
        m = t.mount()
        os.kill(m.process.pid, number)
        same(m.process.wait(20), 0, "exit status after", number.name)
        check(not os.path.ismount(m.path), "still mounted")
        m.ended = True


@case
def kill_9_and_mount_again(t):
    """A dead mount is cleared by fusermount3 -u; a new ebsfs mounts there and knows the copies."""
    m = t.mount()
    t.sim.set_copy_seconds(3600)
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/")
    m.kill()
    refused(ENOTCONN, os.listdir, m.path)
    t.ok(f"fusermount3 -u {m.path}", cwd="/")
    m = t.mount()
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["state"], "pending")
    same(t.sim.count("CopySnapshot"), 1)


@case
def kill_9_and_mount_over(t):
    """A new ebsfs clears a dead mount of ebsfs itself."""
    m = t.mount()
    m.kill()
    done = t.ebsfs("-o", f"endpoint_url={t.sim.url},state_dir={t.path('state')}", m.path)
    same((done.code, done.out), (0, ""), repr(done))
    matches(done.err, rf"^\S+ ebsfs warning: {m.path} .*cleared it$")
    os.listdir(os.path.join(m.path, "regions"))
    subprocess.run(["fusermount3", "-u", m.path], capture_output=True)
    until(lambda: not processes_of(m.path), "nothing is left")


def need_namespace(t):
    """A mount namespace of the test's own, so that the machine's /var/lib and /usr/local/bin are not touched. There is none in a chroot
    whose root is no mount point."""
    if t.run("unshare -m true", cwd="/").code != 0:
        raise Skip("no mount namespace to be had here")


def by_mount(t, command, check_it):
    """Runs a mount(8) command where ebsfs is installed as /usr/local/bin/ebsfs, in a mount namespace of its own. $OPTIONS are the
    test's, $MNT its mount point."""
    if os.getuid() != 0:
        raise Skip("mount(8) needs root")
    t.need("/sbin/mount.fuse3")
    need_namespace(t)
    t.start_sim()
    os.makedirs(t.path("mnt"))
    write(t.path("script"), f"""set -e
        MNT={t.path('mnt')}
        OPTIONS=endpoint_url={t.sim.url},state_dir={t.path('state')}
        mount --make-rslave /
        mount -t tmpfs tmpfs /usr/local/bin
        ln -s {os.path.abspath(EBSFS)} /usr/local/bin/ebsfs
        {command}
        {check_it}
        grep " $MNT " /proc/self/mounts
        umount $MNT
        """)
    done = t.run(f"unshare -m bash {t.path('script')}", cwd="/")
    same((done.code, done.err), (0, ""), repr(done))
    until(lambda: not processes_of(t.path("mnt")), "the daemon ends")
    return done.out


@case
def mounted_by_mount(t):
    """mount -t fuse.ebsfs"""
    out = by_mount(t, "mount -t fuse.ebsfs -o $OPTIONS,ttl=60 ebsfs $MNT", "ls $MNT/regions/us-east-1/snapshots")
    *ids, line = out.splitlines()
    same(sorted(ids), sorted(OWN["us-east-1"]))
    matches(line, rf"^ebsfs {t.path('mnt')} fuse.ebsfs ")


@case
def mounted_by_fstab(t):
    out = by_mount(
        t, "echo \"ebsfs $MNT fuse.ebsfs ro,noauto,nofail,_netdev,dev,suid,noexec,$OPTIONS 0 0\" > $MNT.fstab\n"
        "mount -T $MNT.fstab $MNT", "mkdir $MNT/regions/us-east-1/x 2>&1 || true")
    refusal, line = out.splitlines()
    contains(refusal, os.strerror(EROFS))
    options = line.split()[3].split(",")
    # A snapshot may hold any program and device: dev and suid have no effect.
    for option in ("ro", "nodev", "nosuid", "noexec"):
        check(option in options, option, "is not among", options)


def no_aws(t):
    """What a machine without any account has."""
    return {k: v for k, v in t.env.items() if not k.startswith("AWS_")}


@case
def simulate(t):
    """No account, no configuration, no network; the simulator ends with the mount."""
    t.env = no_aws(t)
    m = t.start("simulate", endpoint="")
    m.wait_ready()
    regions = os.listdir(m("regions"))
    check(len(regions) >= 4, regions)
    ids = [n for r in regions for n in os.listdir(m.region(r, "snapshots"))]
    check(len(ids) > 5, ids)
    [simulator] = children_of(m.process.pid)
    m.unmount()
    until(lambda: gone(simulator), "the simulator ends with the mount")


@case
def simulate_without_its_program(t):
    """An ebsfs that was copied out of its installation names the program that it lacks."""
    os.makedirs(t.path("alone/bin"))
    os.makedirs(t.path("mnt"))
    alone = shutil.copy(EBSFS, t.path("alone/bin"))
    done = t.run(f"{alone} -o simulate {t.path('mnt')}", cwd="/")
    same(done.code, 1)
    check("cannot start the simulator" in done.err and "/ebsfs/ebsfs-simulate" in done.err, done.err)


@case
def simulate_ends_after_kill_9(t):
    t.env = no_aws(t)
    m = t.start("simulate", endpoint="")
    m.wait_ready()
    [simulator] = children_of(m.process.pid)
    m.kill()
    until(lambda: gone(simulator), "the simulator ends with its ebsfs")


@case
def simulate_ends_with_a_stopped_simulator(t):
    t.env = no_aws(t)
    m = t.start("simulate", endpoint="")
    m.wait_ready()
    [simulator] = children_of(m.process.pid)
    os.kill(simulator, signal.SIGSTOP)
    m.unmount()
    until(lambda: gone(simulator), "the simulator ends with the mount")


@case
def simulate_ends_after_kill_9_with_a_stopped_simulator(t):
    t.env = no_aws(t)
    m = t.start("simulate", endpoint="")
    m.wait_ready()
    [simulator] = children_of(m.process.pid)
    os.kill(simulator, signal.SIGSTOP)
    m.kill()
    until(lambda: gone(simulator), "the simulator ends with its ebsfs")


def listening_port(pid):
    inodes = {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    [port] = [int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]
    return port


@case
def simulate_has_no_control_port(t):
    """Any local user could change the simulated account through the paths below /_sim/."""
    t.env = no_aws(t)
    m = t.start("simulate", endpoint="")
    m.wait_ready()
    [simulator] = children_of(m.process.pid)
    url = f"http://127.0.0.1:{listening_port(simulator)}/_sim/"
    for path, data in (("counts", None), ("snapshots?region=us-east-1", None), ("set", b'{"reset_throttle": true}')):
        try:
            urllib.request.urlopen(url + path, data)
            raise Failure(f"/_sim/{path} is obeyed")
        except urllib.error.HTTPError as e:
            same(e.code, 404, path)


@case
def simulate_leaves_no_files(t):
    """Killed with its simulator, a mount without state_dir leaves nothing on disk."""
    t.env = {**no_aws(t), "TMPDIR": t.path("tmp")}
    for folder in ("tmp", "mnt"):
        os.makedirs(t.path(folder))
    before = sorted(os.listdir("/tmp"))
    t.closers.append(lambda: subprocess.run(["fusermount3", "-u", "-z", t.path("mnt")], capture_output=True))
    done = t.ebsfs("-o", "simulate", t.path("mnt"))
    same((done.code, done.out, done.err), (0, "", ""), repr(done))
    region = t.path("mnt/regions/us-east-1")
    snapshot = os.listdir(f"{region}/snapshots")[0]
    t.ok(f"cp {region}/snapshots/{snapshot}/{snapshot}.snapshot {t.path('mnt')}/regions/eu-west-1/", cwd="/")
    for pid in sorted(processes_of(t.path("mnt")), reverse=True):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not processes_of(t.path("mnt")), "ebsfs and its simulator end")
    same(os.listdir(t.path("tmp")), [], "files in $TMPDIR")
    same([n for n in os.listdir("/tmp") if n not in before and "simulate" in n], [], "files in /tmp")
    same(os.path.exists(t.path("state")), False, "a state folder")


@case
def simulate_in_the_background(t):
    t.env = no_aws(t)
    path = t.path("mnt")
    os.makedirs(path)
    t.closers.append(lambda: subprocess.run(["fusermount3", "-u", "-z", path], capture_output=True))
    done = t.ebsfs("-o", f"simulate,state_dir={t.path('state')}", path)
    same((done.code, done.out, done.err), (0, "", ""), repr(done))
    pid = min(processes_of(path))  # the simulator is its child, and bears its command line
    check(len(os.listdir(os.path.join(path, "regions"))) >= 4)
    children = children_of(pid)
    t.ok(f"fusermount3 -u {path}", cwd="/")
    until(lambda: gone(pid) and all(gone(c) for c in children), "ebsfs and its simulator end")


@case
def simulate_copies_while_one_watches(t):
    """A copy in the simulated account takes about half a minute and completes."""
    t.env = no_aws(t)
    m = t.start("simulate", endpoint="")
    m.wait_ready()
    source = t.ok("grep -l '^state: completed' */snapshots/*/status | head -1").strip()
    region, _, id, _ = source.split("/")
    other = [r for r in os.listdir(m("regions")) if r != region][0]
    t.ok(f"cp {region}/snapshots/{id}/{id}.snapshot {other}/")
    with Timer() as timer:
        contains(read(m.region(other, id + ".wait")), "state: completed")
    check(10 < timer.seconds < 40 + 50 * SLOW, "the copy took", timer.seconds)


@case
def regions_option_needs_no_listing_of_regions(t):
    m = t.mount("regions=eu-west-1")
    same(os.listdir(m("regions")), ["eu-west-1"])


@case
def environment_names_the_endpoint(t):
    t.start_sim()
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2"):
        # The account's number comes from STS, which AWS_ENDPOINT_URL_EC2 does not divert: both are given for that one.
        env = {name: t.sim.url, "AWS_ENDPOINT_URL_STS": t.sim.url}
        m = t.start(endpoint="", env=env)
        m.wait_ready()
        same(sorted(os.listdir(m.region("us-east-1", "snapshots"))), sorted(OWN["us-east-1"]))
        m.unmount()


@case
def credentials_of_a_profile(t):
    sim = t.start_sim()
    keys = sim.credentials()
    write(t.path("home/.aws/credentials"),
          f"[work]\naws_access_key_id = {keys['AWS_ACCESS_KEY_ID']}\naws_secret_access_key = {keys['AWS_SECRET_ACCESS_KEY']}\n")
    for name in list(keys):
        t.env.pop(name, None)
    m = t.mount("profile=work")
    same(len(os.listdir(m.region("us-east-1", "snapshots"))), len(OWN["us-east-1"]))
    m.unmount()
    m = t.mount(env={"AWS_PROFILE": "work"})
    same(len(os.listdir(m.region("us-east-1", "snapshots"))), len(OWN["us-east-1"]))


@case
def secrets_are_nowhere(t):
    """Not in the log of -d, not in any file of the mount, not in the state, not in the process's title."""
    sim = t.start_sim()
    secret = sim.credentials()["AWS_SECRET_ACCESS_KEY"]
    m = t.mount(flags=("-f", "-d"))
    m.allow(".")
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/")
    t.sim.fault("CopySnapshot", code="UnauthorizedOperation", http=403)
    t.run(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot us-west-2/")
    texts = {"the log": m.log_text(), "the title": Path(f"/proc/{m.process.pid}/cmdline").read_text()}
    for name in (".ebsfs/health", ".ebsfs/metrics", ".ebsfs/last-error", "copies", "copies.json"):
        texts[name] = read(m(name))
    m.unmount()
    for path in Path(t.path("state")).rglob("*"):
        if path.is_file():
            texts[str(path)] = path.read_bytes().decode("latin-1")
    for where, text in texts.items():
        check(secret not in text, "the secret is in", where)
        check("X-Amz-Signature" not in text and "Authorization" not in text, "a signature is in", where)


@case
def fd_and_memory_stay(t):
    """A thousand opens, reads and failed lookups later the daemon holds no more descriptors than before."""
    m = t.mount()
    os.listdir(m.region("us-east-1", "snapshots"))
    fds = f"/proc/{m.process.pid}/fd"

    def work():
        for _ in range(300):
            read(m.folder("us-east-1", NIGHTLY, "status"))
            read(m("copies"))
            try:
                os.stat(m.folder("us-east-1", "nonsense"))
            except OSError:
                pass

    work()
    before = len(os.listdir(fds)), m.memory_kib("VmRSS")
    for _ in range(3):
        work()
    after = len(os.listdir(fds)), m.memory_kib("VmRSS")
    check(after[0] <= before[0] + 2, "descriptors", before[0], "->", after[0])
    if SLOW == 1:  # sanitizers keep what was freed
        check(after[1] < before[1] + 2000, "KiB resident", before[1], "->", after[1])


@case
def no_core_with_secrets(t):
    """Memory that holds credentials is in no core dump."""
    m = t.mount()
    limits = Path(f"/proc/{m.process.pid}/limits").read_text()
    dumpable = os.stat(f"/proc/{m.process.pid}/environ").st_uid
    core = re.search(r"^Max core file size\s+(\S+)", limits, re.M)[1]
    check(core == "0" or (os.getuid() != 0 and dumpable == 0), "core dumps are on:", core)
