# SPDX-License-Identifier: MIT
"""Mounts at boot: a service manager's protocol, a network and credentials that come late, what a crash has left, mount(8), the unit.

Here the unit is read by systemd-analyze, and its commands are carried out in their order by a
few lines of Python; tests/package runs it under systemd (--long).
"""
import os
import re
import select
import shlex
import signal
import socket
import subprocess
from errno import ENOTCONN
from pathlib import Path

from harness import EBSFS, EBSFS_SIM, ROOT, SLOW, Skip, Timer, case, check, contains, is_alive, matches, refused, same, status, until, write
from sources import Sources
from world import ACCOUNT, NIGHTLY, OWN


def words(notify, seconds=30):
    """The next datagram to the service manager, as a dict."""
    check(select.select([notify], [], [], seconds * SLOW)[0], "no word to the service manager")
    return dict(line.split("=", 1) for line in notify.recv(4096).decode().splitlines())


def abstract_socket(t):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    t.closers.append(notify.close)
    notify.bind("\0ebsfs-test-" + os.path.basename(t.dir))
    return notify, {"NOTIFY_SOCKET": "@ebsfs-test-" + os.path.basename(t.dir)}


@case
def ready_and_stopping(t):
    """One datagram when the mount stands, with what it is; one when it ends."""
    m = t.start()
    same(words(m.notify), {"READY": "1", "STATUS": f"account {ACCOUNT}, 3 regions"})
    os.listdir(m.region("us-east-1", "snapshots"))
    m.unmount()
    same(words(m.notify)["STOPPING"], "1")
    notify, env = abstract_socket(t)
    m = t.start("regions=us-east-1", env=env)
    same(words(notify), {"READY": "1", "STATUS": f"account {ACCOUNT}, 1 region"})
    m.process.send_signal(signal.SIGTERM)
    same(words(notify)["STOPPING"], "1")
    same(m.process.wait(20 * SLOW), 0)
    m.ended = True


@case
def nobody_listens_for_word(t):
    """A socket that is gone, or a name that is none, is no reason to fail."""
    t.start_sim()
    for name in ("/nosuch/socket", "@", "relative", "@" + "x" * 200):
        m = t.start(env={"NOTIFY_SOCKET": name})
        until(lambda: os.path.ismount(m.path), "it mounts")
        os.listdir(m.region("us-east-1", "snapshots"))
        m.unmount()


@case
def aws_comes_late(t):
    """wait=: nobody answers at first; then somebody does."""
    t.start_sim()
    t.sim.stop()
    m = t.start("wait=60")
    matches(words(m.notify)["STATUS"], rf"^waiting: .*127\.0\.0\.1:{t.sim.port}: cannot connect")
    check(not os.path.ismount(m.path), "mounted without AWS")
    t.sim.start_again()
    m.wait_ready()
    same(len(os.listdir(m.region("us-east-1", "snapshots"))), len(OWN["us-east-1"]))
    same(len(re.findall("waiting up to", m.log_text())), 1, m.log_text())


@case
def metadata_service_comes_late(t):
    """wait=: the instance's role is not there yet when ebsfs starts."""
    s = Sources(t)
    m = t.start("wait=60", env=s.instance())
    matches(words(m.notify)["STATUS"], r"^waiting: .*none in the instance's metadata")
    s.listen()
    m.wait_ready()
    same(len(os.listdir(m.region("us-east-1", "snapshots"))), len(OWN["us-east-1"]))
    same(len(s.given), 1, "keys were given")


@case
def credentials_file_comes_late(t):
    """wait=: what sets the machine up has not written the file yet."""
    keys = t.start_sim().credentials()
    for name in keys:
        t.env.pop(name)
    m = t.start("wait=60")
    contains(words(m.notify)["STATUS"], "waiting: ")
    write(t.path("home/.aws/credentials"), "[default]\n" + "".join(f"{k.lower()} = {v}\n" for k, v in keys.items()))
    m.wait_ready()


@case
def waiting_ends(t):
    """The last reason, in one line, when the time is over."""
    t.start_sim()
    t.sim.stop()
    os.makedirs(t.path("mnt"))
    with Timer() as timer:
        done = t.ebsfs("-o", f"wait=4,state_dir={t.path('state')},endpoint_url={t.sim.url}", t.path("mnt"), seconds=60)
    same((done.code, done.out), (4, ""), repr(done))
    waiting, last = done.err.splitlines()
    matches(waiting, r"waiting up to [1-4] s more: ")
    matches(last, r"^ebsfs: .*cannot connect")
    check(timer.seconds > 4, "it gave up after", timer.seconds)


@case
def no_waiting_for_what_stays_wrong(t):
    """AWS's own refusal, and what is written wrongly, is said at once."""
    t.start_sim()
    os.makedirs(t.path("mnt"))
    options = f"wait=600,state_dir={t.path('state')},endpoint_url={t.sim.url}"
    for env, more, status in (({"AWS_SECRET_ACCESS_KEY": "wrong"}, "", 3), ({"AWS_PROFILE": "nosuch"}, "", 3),
                              ({}, ",regions=us-east-1::", 2), ({"AWS_REGION": "us-east-1/x"}, "", 3)):
        done = t.ebsfs("-o", options + more, t.path("mnt"), env=env)
        same((done.code, len(done.err.splitlines())), (status, 1), repr(done))


@case
def interrupted_while_it_waits(t):
    t.start_sim()
    t.sim.stop()
    m = t.start("wait=600")
    contains(words(m.notify)["STATUS"], "waiting: ")
    m.process.send_signal(signal.SIGTERM)
    same(m.process.wait(10 * SLOW), 1)
    m.ended = True
    contains(m.log_text(), "ended by a signal before the mount stood")


@case
def interrupted_in_the_background(t):
    """^C at a command that still waits leaves nothing that mounts later."""
    t.start_sim()
    t.sim.stop()
    os.makedirs(t.path("mnt"))
    p = t.background([EBSFS, "-o", f"wait=600,state_dir={t.path('state')},endpoint_url={t.sim.url}", t.path("mnt")],
                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    contains(p.stderr.readline(), "waiting up to")
    [child] = until(lambda: Path(f"/proc/{p.pid}/task/{p.pid}/children").read_text().split(), "its child")
    p.send_signal(signal.SIGINT)
    p.wait(20 * SLOW)
    until(lambda: not os.path.exists(f"/proc/{child}") or "\nState:\tZ" in Path(f"/proc/{child}/status").read_text(), "the child ends")
    p.stderr.close()


@case
def tests_started_by_a_script(t):
    """A shell without a terminal starts `command &` with SIGINT ignored; a case and what it starts have the default all the same."""
    run = ROOT / "tests/mount/run"
    done = t.run(f"trap '' INT QUIT HUP TERM; exec {run} boot/interrupted-in-the-background", cwd="/", seconds=100,
                 env={"EBSFS": EBSFS, "EBSFS_SIM": EBSFS_SIM})
    same((done.code, done.out.splitlines()[-1]), (0, "1 passed, 0 failed"), repr(done))


def kill_and_copy(t):
    """A mount that was killed while a copy runs. Returns it."""
    m = t.mount()
    t.sim.set_copy_seconds(3600)
    t.ok(f"cp us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot eu-west-1/")
    m.kill()
    refused(ENOTCONN, os.listdir, m.path)
    return m


@case
def same_command_after_a_crash(t):
    """A dead mount of an ebsfs is cleared by the next one, which goes on where the first was killed."""
    kill_and_copy(t)
    m = t.mount()
    same(status(m.region("eu-west-1", NIGHTLY + ".status"))["state"], "pending")
    same(t.sim.count("CopySnapshot"), 1)
    m.unmount()
    same(os.listdir(m.path), [], "nothing lies below it")


@case
def dead_mount_by_another_way(t):
    """Through a symbolic link, a relative path, and one dead mount upon another."""
    t.start_sim()
    os.makedirs(t.path("a place"))
    os.symlink("a place", t.path("link"))
    for where in ("a place", "link", "a place/", "home/../a place"):
        m = t.mount(where="a place")
        m.kill()
        done = t.run(f"{EBSFS} --clear {shlex.quote(where)}", cwd=t.dir)
        same((done.code, done.out), (0, ""), where)
        contains(done.err, "cleared")
        same(os.listdir(t.path("a place")), [])


@case
def clear_leaves_the_living(t):
    m = t.mount()
    for path in (m.path, m("regions"), t.path("home"), t.path("nosuch")):
        done = t.ebsfs("--clear", path)
        same(done.code, 0, path)
        contains(done.out, "is alive, so it stays" if path == m.path else "nothing to clear", path)
    same(len(os.listdir(m.region("us-east-1", "snapshots"))), len(OWN["us-east-1"]))
    check(t.ebsfs("--clear").code == 2, "a mount point must be named")


def mounts_at(path):
    return [x for x in Path("/proc/self/mounts").read_text().splitlines() if x.split()[1] == path]


@case
def dead_mount_that_the_kernel_answers_for(t):
    """The kernel has the root's attributes for a day: it is asked past them."""
    for _ in range(2):
        m = t.mount()
        os.stat(m.path)
        m.kill()
        os.stat(m.path)
        same(len(mounts_at(m.path)), 1, "layers")
    done = t.ebsfs("--clear", m.path)
    same(done.code, 0)
    contains(done.err, "cleared")
    same(mounts_at(m.path), [])


@case
def mounted_already(t):
    """A second ebsfs says so, mounts nothing on top, and asks nobody before."""
    m = t.mount()
    os.stat(m.path)
    before = t.sim.total()
    for flags in ([], ["-f"]):
        done = t.ebsfs(*flags, "-o", f"state_dir={t.path('other')},endpoint_url={t.sim.url}", m.path)
        same((done.code, len(done.err.splitlines())), (1, 1), repr(done))
        contains(done.err, f"an ebsfs is mounted on {m.path} already")
    same(t.sim.total(), before, "requests")
    check(not os.path.exists(t.path("other")), "it made a state folder")
    same(len(mounts_at(m.path)), 1)
    same(len(os.listdir(m.region("us-east-1", "snapshots"))), len(OWN["us-east-1"]))


@case
def dead_mount_of_somebody_else(t):
    """Not ebsfs's to clear: it says what to do."""
    m = t.mount("subtype=other")
    m.kill()
    line = next(x for x in Path("/proc/self/mounts").read_text().splitlines() if m.path in x)
    contains(line, " fuse.other ")
    for args in (("--clear", m.path), ("-o", f"state_dir={t.path('state')},endpoint_url={t.sim.url}", m.path)):
        done = t.ebsfs(*args)
        same((done.code, len(done.err.splitlines())), (1 if args[0] == "--clear" else 5, 1), repr(done))
        contains(done.err, f"fusermount3 -u {m.path}")
    check(not is_alive(m.path), "it was cleared")


# --- the unit ---


def installed(t):
    """The build, installed into a folder of the test's. Returns that folder."""
    build = Path(EBSFS).resolve().parents[1]
    t.need("meson")
    done = t.run(f"meson install --no-rebuild --quiet -C {shlex.quote(str(build))} --destdir {t.path('root')}", cwd="/")
    same(done.code, 0, repr(done))
    return Path(t.path("root"))


class Unit:
    """A unit as its file has it: its settings, and its commands as systemd makes them from their lines."""

    def __init__(self, root, instance, env):
        self.root = root
        path = next(root.rglob("ebsfs@.service"))
        self.text, self.settings = path.read_text(), {}
        for line in self.text.splitlines():
            if line and line[0] not in "#;[":
                key, value = line.split("=", 1)
                self.settings.setdefault(key, []).append(value)
        self.instance = instance
        self.env = {**env, **dict(x.split("=", 1) for x in self.settings["Environment"])}

    def commands(self, name):
        """Words are divided, then specifiers filled in, then ${VARIABLES}."""
        for line in self.settings[name]:
            argv = []
            for word in shlex.split(line.lstrip("-")):
                word = word.replace("%f", "/" + self.instance.replace("-", "/").replace("\\x2d", "-"))
                argv.append(re.sub(r"\$\{(\w+)\}", lambda m: self.env.get(m[1], ""), word))
            if argv[0].endswith("/ebsfs"):
                argv[0] = str(self.root) + argv[0]
            yield argv


def escaped(path):
    return path.lstrip("/").replace("-", "\\x2d").replace("/", "-")


@case
def unit_is_understood(t):
    """systemd-analyze verify, where it is installed."""
    verify = t.need("systemd-analyze")
    root = installed(t)
    unit = Path(t.path("ebsfs@aws.service"))
    text = next(root.rglob("ebsfs@.service")).read_text()
    check("@bindir@" not in text, text)
    unit.write_text(re.sub(r"(?<=[=])/\S*/ebsfs(?= )", str(Path(EBSFS).resolve()), text))
    done = t.run(f"{verify} verify --man=no {unit}", cwd="/")
    same((done.code, done.out + done.err), (0, ""), repr(done))


# With one of these a service gets a mount namespace of its own (systemd.exec(5), exec_needs_mount_namespace()).
NAMESPACES = """BindPaths BindReadOnlyPaths DynamicUser ExecPaths ExtensionDirectories ExtensionImages InaccessiblePaths IPCNamespacePath MountAPIVFS
    MountFlags MountImages NoExecPaths PrivateDevices PrivateIPC PrivateMounts PrivateTmp ProcSubset ProtectControlGroups ProtectHome ProtectKernelLogs
    ProtectKernelModules ProtectKernelTunables ProtectProc ProtectSystem ReadOnlyPaths ReadWritePaths RootDirectory RootImage TemporaryFileSystem""".split()


@case
def unit_is_confined(t):
    """As far as a service can be whose mount all processes shall see; systemd-analyze security gives 9.6 to one that is not confined."""
    unit = Path(t.path("ebsfs@aws.service"))
    unit.write_text(next(installed(t).rglob("ebsfs@.service")).read_text())
    settings = set(re.findall(r"^(\w+)=", unit.read_text(), re.M))
    same(sorted(settings & set(NAMESPACES)), [], "settings that hide the mount")
    for wanted in ("CapabilityBoundingSet", "SystemCallFilter", "RestrictAddressFamilies", "LockPersonality", "MemoryMax"):
        check(wanted in settings, "the unit has no", wanted)
    done = t.run(f"systemd-analyze security --offline=yes --threshold=55 {unit}", cwd="/")
    same(done.code, 0, done.out[-300:], done.err)


@case
def unit_mounts_and_comes_back(t):
    """Its commands in their order: before, start, ready; killed, after, and the same again."""
    t.start_sim()
    mnt = t.path("a/mnt")
    unit = Unit(installed(t), escaped(mnt), t.env)
    same(unit.settings["Type"], ["notify"])
    unit.env["OPTIONS"] = f"state_dir={t.path('state')},endpoint_url={t.sim.url}"  # as its EnvironmentFile= has it
    for signal_number, code in ((signal.SIGKILL, -9), (signal.SIGKILL, -9), (signal.SIGTERM, 0)):
        for argv in unit.commands("ExecStartPre"):
            subprocess.run(argv, check=True)
        notify, env = abstract_socket(t)
        [argv] = unit.commands("ExecStart")
        process = subprocess.Popen(argv, env={**unit.env, **env}, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        t.closers.append(lambda p=process: (p.poll() is None and p.kill(), p.wait()))
        t.closers.append(lambda: subprocess.run(["fusermount3", "-u", "-z", mnt], capture_output=True))
        same(words(notify)["READY"], "1")
        same(len(os.listdir(mnt + "/regions/us-east-1/snapshots")), len(OWN["us-east-1"]))
        process.send_signal(signal_number)
        same(process.wait(20 * SLOW), code)
        for argv in unit.commands("ExecStopPost"):
            subprocess.run(argv, check=True)
        same(os.listdir(mnt), [])
        notify.close()


# --- mount(8) ---


def mounted_in_a_namespace(t, script):
    """Runs a script where ebsfs is in the PATH that mount(8) searches, in a mount namespace of its own. $OPTIONS are the test's, $MNT its
    mount point, $FSTAB a file for it."""
    if os.getuid() != 0:
        raise Skip("mount(8) needs root")
    t.need("/sbin/mount.fuse3")
    if t.run("unshare -m --propagation slave true", cwd="/").code != 0:
        raise Skip("no mount namespace to be had here")
    t.start_sim()
    os.makedirs(t.path("mnt"))
    write(t.path("script"), f"""set -e
        MNT={t.path('mnt')} FSTAB={t.path('fstab')}
        OPTIONS=endpoint_url={t.sim.url},state_dir={t.path('state')}
        mount --make-rslave /
        mount -t tmpfs tmpfs /usr/local/bin
        ln -s {os.path.abspath(EBSFS)} /usr/local/bin/ebsfs
        {script}
        """)
    done = t.run(f"unshare -m --propagation slave bash {t.path('script')}", cwd="/")
    same((done.code, done.err), (0, ""), repr(done))
    return done.out


@case
def mount_a(t):
    """mount -a with all that an fstab line for boot may say; umount; and again."""
    out = mounted_in_a_namespace(t, """
        echo "ebsfs $MNT fuse.ebsfs rw,_netdev,nofail,nosuid,dev,exec,noatime,user,x-systemd.mount-timeout=180,x-systemd.requires=a.service,comment=x,wait=60,$OPTIONS 0 0" > $FSTAB
        for i in 1 2; do
            mount -a -T $FSTAB
            ls $MNT/regions/us-east-1/snapshots | wc -l
            mount -a -T $FSTAB
            grep -c " $MNT " /proc/self/mounts
            umount $MNT
            ls $MNT | wc -l
        done""")
    same(out.split(), [str(len(OWN["us-east-1"])), "1", "0"] * 2)


@case
def mount_over_a_dead_one(t):
    """The same mount(8) command after a kill -9."""
    out = mounted_in_a_namespace(t, """
        mount -t fuse.ebsfs -o rw,$OPTIONS ebsfs $MNT
        for p in /proc/[0-9]*; do
            if [ "$(cat $p/comm 2>/dev/null)" = ebsfs ] && tr '\\0' '\\n' < $p/cmdline | grep -qxF $MNT; then
                kill -KILL ${p#/proc/}
                while readlink $p/exe > /dev/null; do sleep 0.05; done
            fi
        done
        ls $MNT 2>&1 | grep -c 'not connected' || true
        mount -t fuse.ebsfs -o rw,$OPTIONS ebsfs $MNT 2>&1 | grep -c cleared
        ls $MNT/regions/us-east-1/snapshots | wc -l
        grep -c " $MNT " /proc/self/mounts
        umount $MNT""")
    same(out.split(), ["1", "1", str(len(OWN["us-east-1"])), "1"])


@case
def program_of_mount_t_ebsfs(t):
    """The link /sbin/mount.ebsfs, called as mount(8) calls it: its switches are taken, -f only rehearses, and the options mean the same."""
    where = t.path("mnt")
    os.makedirs(where)
    link = t.path("mount.ebsfs")
    os.symlink(EBSFS, link)
    t.ok(f"{link} account {where} -f -s -n -v -o rw,simulate -t ebsfs", cwd="/")
    check(not os.path.ismount(where), "a rehearsal mounts nothing")
    t.ok(f"{link} account {where} -sv -n -o rw,noexec,simulate,regions=eu-west-1", cwd="/")
    try:
        same(os.listdir(f"{where}/regions"), ["eu-west-1"])
        matches(Path("/proc/self/mounts").read_text(), rf"^account {where} fuse.ebsfs rw,.*noexec")
    finally:
        t.ok(f"fusermount3 -u {where}", cwd="/")
    done = t.run(f"{link} account {where} -o simulat", cwd="/")
    same(done.code, 2, done)
    contains(done.err, "did you mean simulate?")
