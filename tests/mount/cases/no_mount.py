# SPDX-License-Identifier: MIT
"""Reasons why a mount cannot be made on this machine: said before AWS is asked and before a file is made, with what to do and status 5 (1 where an ebsfs is mounted)."""
import os
import subprocess

from harness import EBSFS, Skip, case, check, contains, same, write

NOBODY = 65534


def namespace(t, setup, command):
    """Runs `command` after `setup` as root in a mount namespace of its own, whose /dev/fuse every user may open. $D is the test's folder,
    $USER what makes a command the user nobody's, whose folder $D/own is."""
    if os.getuid() != 0:
        raise Skip("needs root")
    if t.run("unshare -m true", cwd="/").code != 0:
        raise Skip("no mount namespace to be had here")
    os.chmod(t.dir, 0o755)
    os.makedirs(t.path("own"))
    os.makedirs(t.path("own-state"))
    for name in ("own", "own-state"):
        os.chown(t.path(name), NOBODY, NOBODY)
    write(t.path("script"), f"""
        D={t.dir}
        USER="setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups"
        mount --make-rslave /
        mknod $D/device c 10 229; chmod 666 $D/device; mount --bind $D/device /dev/fuse
        {setup}
        {command}
        """)
    # Programs under /root are not nobody's to run.
    subprocess.run(["cp", EBSFS, t.path("ebsfs")], check=True)
    os.chmod(t.path("ebsfs"), 0o755)
    return t.run(f"unshare -m bash {t.path('script')}", cwd="/")


def refused(t, setup, command, words):
    t.start_sim()
    before = t.sim.total()
    done = namespace(t, setup, f"{command} $D/ebsfs -o endpoint_url={t.sim.url},state_dir=$D/own-state/new $OPTIONS ${{MNT:-$D/own}}")
    same((done.code, done.out), (5, ""), repr(done))
    same(len(done.err.splitlines()), 1, repr(done))
    contains(done.err, words)
    same(t.sim.total(), before, "requests to AWS")
    check(not os.path.exists(t.path("own-state/new")), "a state folder was made")


@case
def no_device(t):
    refused(t, "mount -t tmpfs tmpfs /dev", "", "/dev/fuse is not there; run as root: modprobe fuse; in a container: docker run --device /dev/fuse")


@case
def device_closed_to_users(t):
    refused(t, "chmod 600 $D/device", "$USER", "you may not open /dev/fuse (mode 600, user 0, group 0); run as root: chmod 666 /dev/fuse")


@case
def no_fusermount3(t):
    refused(t, "mount --bind /dev/null /usr/bin/fusermount3", "$USER env PATH=/usr/sbin", "there is no fusermount3")


@case
def fusermount3_not_setuid(t):
    refused(t, "cp /usr/bin/fusermount3 $D/fm; chmod 755 $D/fm; mount --bind $D/fm /usr/bin/fusermount3", "$USER",
            "/usr/bin/fusermount3 is not setuid root; run as root: chmod u+s /usr/bin/fusermount3")


@case
def no_new_privileges(t):
    refused(t, "", "$USER --no-new-privs", "no_new_privs")


@case
def root_without_the_capability(t):
    refused(t, "", "setpriv --bounding-set -sys_admin,-setpcap", "CAP_SYS_ADMIN")


@case
def allow_other_not_permitted(t):
    refused(t, "echo '#user_allow_other' > $D/conf; mount --bind $D/conf /etc/fuse.conf; OPTIONS='-o allow_other'", "$USER",
            "write there, as root, the line user_allow_other")


@case
def mountpoint_not_writable(t):
    refused(t, "chmod 555 $D/own", "$USER", "/own: a user may mount only on a directory that the user may write to")


@case
def mountpoint_sticky(t):
    refused(t, "mkdir -m 1777 $D/all; MNT=$D/all", "$USER", "/all belongs to another user and is sticky")


@case
def a_user_mounts(t):
    """All of that is right: a user mounts, and others are let in."""
    t.start_sim()
    done = namespace(t, "printf '# c\\n user_allow_other # c\\n' > $D/conf; mount --bind $D/conf /etc/fuse.conf", f"""
        $USER $D/ebsfs -o endpoint_url={t.sim.url},state_dir=$D/own-state/new,allow_other $D/own && ls $D/own/regions
        $USER fusermount3 -u $D/own""")
    same((done.code, done.err), (0, ""), repr(done))
    contains(done.out, "us-east-1")


def says(t, status, words, *args):
    t.start_sim()
    before = t.sim.total()
    done = t.ebsfs(*args)
    same((done.code, done.out, len(done.err.splitlines())), (status, "", 1), repr(done))
    contains(done.err, words)
    same(t.sim.total(), before, "requests to AWS")


@case
def mountpoint_not_empty(t):
    """Its files would be hidden, and nobody might know why they are gone. An explicit -o nonempty does it."""
    write(t.path("home/notes"), "x")
    says(t, 5, "/home is not empty, and the mount would hide what is in it; name an empty directory, or mount with -o nonempty",
         "-o", f"endpoint_url={t.sim.url},state_dir={t.path('new')}", t.path("home"))
    check(not os.path.exists(t.path("new")), "a state folder was made")
    os.makedirs(t.path("mnt"))
    write(t.path("mnt/notes"), "x")
    m = t.mount("nonempty")
    check("notes" not in os.listdir(m.path))


@case
def mounted_already(t):
    """By that name or another."""
    m = t.mount()
    os.symlink(m.path, t.path("link"))
    for path in (m.path, t.path("link")):
        says(t, 1, f"an ebsfs is mounted on {path} already; end it first: fusermount3 -u {path}",
             "-o", f"endpoint_url={t.sim.url},state_dir={t.path('new')}", path)
    check(not os.path.exists(t.path("new")), "a state folder was made")
    os.listdir(m("regions"))


@case
def state_dir_in_the_mountpoint(t):
    os.makedirs(t.path("mnt"))
    says(t, 5, "/mnt/state is in the mountpoint, where the mount would hide it", "-o", f"state_dir={t.path('mnt/state')}", t.path("mnt"))


@case
def mistyped(t):
    for option, words in (
        ("regions=us-east-1,eu-west-1", "unknown option 'eu-west-1'; separate regions by colons: regions=us-east-1:eu-west-1"),
        ("regions=a,b", "unknown option 'b'; separate regions by colons: regions=a:b"),
        ("regions=a,b=1", "unknown option 'b'; 'ebsfs --help' lists them all"),
        ("regions=us-east-1;eu-west-1", "separate regions by colons: regions=us-east-1:eu-west-1"),
        ("regoins=x", "did you mean regions?"),
        ("regions=us-east-1,deleet", "did you mean delete?"),
        ("endpoint-url=x", "did you mean endpoint_url?"),
        ("endpoint=x", "did you mean endpoint_url?"),
        ("Profile=x", "did you mean profile?"),
        ("statedir=x", "did you mean state_dir?"),
        ("frobnicate", "'ebsfs --help' lists them all"),
    ):
        says(t, 2, words, "-o", option, t.path("mnt"))
    for switch, words in (("--profile=x", "write: -o profile=NAME"), ("--simulate", "write: -o simulate"), ("--hlep", "did you mean --help?"),
                          ("-q", "'ebsfs --help' lists them all")):
        says(t, 2, words, switch, t.path("mnt"))


@case
def no_credentials(t):
    """What to do next, for one who has just installed it."""
    t.sim
    os.makedirs(t.path("mnt"))
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    done = t.ebsfs("-o", f"endpoint_url={t.sim.url}", t.path("mnt"), clear=keys)
    for words in ("aws configure", "AWS_PROFILE", "-o profile=", "-o simulate"):
        contains(done.err, words)
    check("IAM" not in done.err, done.err)
    done = t.ebsfs("-o", f"endpoint_url={t.sim.url},profile=dr", t.path("mnt"), clear=keys)
    contains(done.err, "aws configure --profile dr")
