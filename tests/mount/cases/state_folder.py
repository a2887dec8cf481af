# SPDX-License-Identifier: MIT
"""The state folder of a hostile user: links, pipes and files of others in it, or in the way to it, lead ebsfs nowhere."""
import os
import stat
import subprocess
from pathlib import Path

from harness import EBSFS, Skip, case, check, contains, read, same, write
from world import OWN

OTHER = 65534  # nobody


def need_root():
    if os.getuid() != 0:
        raise Skip("files of another user need root")


def refused(t, path, *words):
    """Refused with status 1, in one line that names what is wrong, and what to do."""
    where = t.path("refused")
    os.makedirs(where, exist_ok=True)
    done = t.ebsfs("-f", "-o", f"state_dir={path},endpoint_url={t.sim.url}", where)
    same(done.code, 1, "the exit status for", path, done)
    same(len(done.err.splitlines()), 1, "lines:", done.err)
    for word in words:
        contains(done.err, word)
    check("chmod" in done.err or "chown" in done.err or "move it away" in done.err or "state_dir=" in done.err, "what to do:", done.err)


class Victim:
    """A file that must stay as it is, whatever leads to it."""

    def __init__(self, t):
        self.path = t.path("victim")
        write(self.path, "precious\n")
        os.chmod(self.path, 0o600)

    def unharmed(self, *about):
        same((read(self.path), stat.S_IMODE(os.stat(self.path).st_mode)), ("precious\n", 0o600), "the victim", *about)


def used(t, state="state"):
    """A folder that a mount has written everything to. Returns it and the names in it."""
    m = t.mount(state=state)
    same(sorted(os.listdir(m.region("us-east-1", "snapshots"))), sorted(OWN["us-east-1"]))
    m.unmount()
    folder = t.path(state)
    return folder, sorted(os.listdir(folder))


@case
def folder_of_another_user(t):
    """Root mounts over a folder that belongs to another user, and who filled it with links to files of root's."""
    need_root()
    t.start_sim()
    victim, folder = Victim(t), t.path("theirs")
    os.makedirs(folder)
    for name in ("journal.db", "journal.db-wal", "journal.lock", "journal.commits", "catalogue"):
        os.symlink(victim.path, os.path.join(folder, name))
        os.chown(os.path.join(folder, name), OTHER, OTHER, follow_symlinks=False)
    os.chown(folder, OTHER, OTHER)
    before = os.listdir(folder)
    refused(t, folder, folder, f"user {OTHER}", "chown")
    refused(t, os.path.join(folder, "below"), folder, f"user {OTHER}")
    victim.unharmed()
    same(os.listdir(folder), before, "nothing was made")


@case
def path_that_others_can_change(t):
    """A parent that all may write to is none, unless it is sticky; a link of another user's is not followed."""
    need_root()
    t.start_sim()
    os.makedirs(t.path("open/state"), mode=0o700)
    os.chmod(t.path("open"), 0o777)
    refused(t, t.path("open/state"), t.path("open"), "0777", "chmod")
    os.chmod(t.path("open"), 0o1777)
    used(t, "open/state")
    os.chmod(t.path("open/state"), 0o1777)
    refused(t, t.path("open/state"), t.path("open/state"), "chmod")
    os.chmod(t.path("open/state"), 0o700)
    # Links of one's own may lead anywhere; those of others nowhere, be they the folder or above it.
    os.symlink("open", t.path("link"))
    used(t, "link/state")
    os.chown(t.path("link"), OTHER, OTHER, follow_symlinks=False)
    refused(t, t.path("link/state"), t.path("link"), "symbolic link", f"user {OTHER}")
    os.symlink(t.path("open/state"), t.path("open/last"))
    os.chown(t.path("open/last"), OTHER, OTHER, follow_symlinks=False)
    refused(t, t.path("open/last"), t.path("open/last"), "symbolic link")


@case
def folder_that_a_group_can_change(t):
    """Of a group with other members, or of none with the user's name."""
    t.start_sim()
    folder, _ = used(t)
    os.chmod(folder, 0o775)
    if os.getuid() == 0:
        os.chown(folder, 0, 0)  # root's own group
        used(t)
        os.chown(folder, 0, 65534)
        refused(t, folder, folder, "0775", "chmod")


def harms(t, victim):
    """What may stand in the place of a file: a name, how to make it, a word of the refusal."""
    def link(path):
        os.symlink(victim.path, path)

    def theirs(path):
        write(path, "x")
        os.chown(path, OTHER, OTHER)

    def writable(path):
        write(path, "")
        os.chmod(path, 0o666)

    yield "link", link, "symbolic link"
    yield "hard link", lambda path: os.link(victim.path, path), "hard link"
    yield "pipe", os.mkfifo, "not a regular file"
    yield "writable", writable, "0666"
    if os.getuid() == 0:
        yield "theirs", theirs, f"user {OTHER}"
        yield "device", lambda path: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3)), "not a regular file"


@case
def files_that_are_not_ours(t):
    """Each file that ebsfs opens in its folder, replaced in each way by something else: refused, and nothing behind it is touched."""
    t.start_sim()
    victim = Victim(t)
    folder, names = used(t)
    known = [n for n in names if n.startswith("known-")]
    same(len(known), 1, names)
    files = ["journal.db", "journal.db-wal", "journal.db-shm", "journal.db-journal", "journal.lock", *known]
    if "journal.commits" in names:
        files.append("journal.commits")
    for file in files:
        path, aside = os.path.join(folder, file), t.path("aside")
        had = os.path.exists(path)
        if had:
            os.rename(path, aside)
        for what, make, word in harms(t, victim):
            make(path)
            if what == "hard link":
                same(os.stat(victim.path).st_nlink, 2)
            refused(t, folder, path, word)
            os.unlink(path)
            victim.unharmed(what, "as", file)
        if had:
            os.rename(aside, path)
    used(t)


@case
def catalogues_that_are_not_ours(t):
    """The folder: refused. A file in it: listed anew, and replaced without following it."""
    t.start_sim()
    victim = Victim(t)
    folder, _ = used(t)
    catalogue = Path(folder, "catalogue")
    os.rename(catalogue, t.path("aside"))
    os.chmod(t.path("aside"), 0o777)
    os.symlink(t.path("aside"), catalogue)
    refused(t, folder, t.path("aside"), "0777")
    os.unlink(catalogue)
    os.chmod(t.path("aside"), 0o700)
    os.rename(t.path("aside"), catalogue)
    for name in ("us-east-1", "us-east-1.new"):
        for what, make, word in harms(t, victim):
            (catalogue / name).unlink(missing_ok=True)
            make(str(catalogue / name))
            m = t.mount("ttl=0")
            m.allow("is not used")
            same(sorted(os.listdir(m.region("us-east-1", "snapshots"))), sorted(OWN["us-east-1"]))
            if name == "us-east-1":
                contains(m.log_text(), word)
            m.unmount()
            victim.unharmed(what, "as", name)
            made = os.lstat(catalogue / "us-east-1")
            same((stat.S_ISREG(made.st_mode), made.st_uid, made.st_nlink, stat.S_IMODE(made.st_mode)), (True, os.getuid(), 1, 0o600), what, name)
            check(made.st_size > 100, "it was not written:", what, name)


@case
def temporary_files_of_known_accounts(t):
    t.start_sim()
    victim = Victim(t)
    folder, names = used(t)
    [known] = [n for n in names if n.startswith("known-")]
    os.unlink(os.path.join(folder, known))
    os.symlink(victim.path, os.path.join(folder, known + ".new"))
    used(t)
    victim.unharmed()
    check(os.path.exists(os.path.join(folder, known)), "it is written anew")


@case
def in_a_user_namespace(t):
    """Where other users have no numbers, the machine's folders are still not taken for a stranger's."""
    t.start_sim()
    os.makedirs(t.path("mnt0"))
    done = subprocess.run(["unshare", "-Urm", "true"], capture_output=True)
    if done.returncode != 0:
        raise Skip("no user namespaces here")
    program = t.path("ebsfs")
    Path(program).write_bytes(Path(EBSFS).read_bytes())  # the build folder may not be everybody's
    os.chmod(program, 0o755)
    bind = ""
    if os.getuid() == 0:  # /dev/fuse may be root's alone
        os.mknod(t.path("fuse"), 0o666 | stat.S_IFCHR, os.stat("/dev/fuse").st_rdev)
        os.chmod(t.path("fuse"), 0o666)
        bind = f"mount --bind {t.path('fuse')} /dev/fuse; "
    script = (f"cd /; {bind}{program} -o state_dir={t.path('state')},endpoint_url={t.sim.url} {t.path('mnt0')} && ls {t.path('mnt0')}/regions;"
              f" fusermount3 -u {t.path('mnt0')} || umount {t.path('mnt0')}")
    outer = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.getuid() == 0 else []
    if outer:
        os.chmod(t.dir, 0o755)
        for path in ("state", "mnt0"):
            os.makedirs(t.path(path), exist_ok=True)
            os.chown(t.path(path), OTHER, OTHER)
    done = subprocess.run([*outer, "unshare", "-Urm", "bash", "-c", script], capture_output=True, text=True, env=t.env)
    check(os.path.exists(t.path("state/journal.db")), "it was refused:", done.stderr)
    if "fuse" not in done.stderr:  # which may be root's alone
        contains(done.stdout, "us-east-1", done.stderr)
