# SPDX-License-Identifier: MIT
"""Other users of the machine, let in by -o allow_other: they may look, may not change, and are told so."""
import os

from harness import Skip, case, check, contains, read, same
from world import NIGHTLY, NOWHERE

USER = 65534


def as_other(t, command):
    """Runs a command as a user without any rights, in regions/."""
    t.need("setpriv")
    return t.run(f"setpriv --reuid {USER} --regid {USER} --clear-groups {command}")


def mount(t, *options):
    if os.getuid() != 0:
        raise Skip("only root can become another user")
    os.chmod(t.dir, 0o755)
    return t.mount(*options)


@case
def may_look_and_not_change(t):
    """Their cp, rm, touch and mkdir are EACCES; README and last-error say why; nothing is asked of EC2."""
    m = mount(t, "allow_other", "delete")
    source = f"us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot"
    done = as_other(t, f"cat us-east-1/snapshots/{NIGHTLY}/status")
    check("state: completed\n" in done.out, repr(done))
    t.ok(f"cp {source} us-west-2/")
    for command in (f"cp {source} eu-west-1/", "mkdir eu-west-1/d", f"rm us-west-2/{NIGHTLY}.snapshot", f"rmdir us-east-1/snapshots/{NIGHTLY}",
                    "touch us-east-1/snapshots", f"bash -c 'echo x > us-east-1/snapshots/{NIGHTLY}/tags/k'", f"mv {source} eu-west-1/"):
        done = as_other(t, command)
        check(done.code != 0 and "denied" in done.err, repr(done))
    same(t.sim.count("CopySnapshot"), 1)
    same(t.sim.count("DeleteSnapshot") + t.sim.count("CreateTags"), 0)
    same(os.listdir(m.region("eu-west-1")), ["snapshots"])
    contains(read(m("README")), "may look, and change nothing")
    done = as_other(t, f"cat {m('.ebsfs/last-error')}")
    contains(done.out, f"you (uid {USER}) may look at this mount, and change nothing", repr(done))
    contains(done.out, "Permission denied")


@case
def the_owner_may_copy_again(t):
    """cp opens its receipt for writing, and the kernel checks the mode: the same cp again must succeed also if the source's mode has no write bit."""
    t.need("setpriv")
    m = mount(t, "allow_other")
    source = f"us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot"
    copies = (f"cp {source} eu-west-1/", f"cp -r us-east-1/snapshots/{NIGHTLY} us-west-2/")
    for command in copies:
        t.ok(command)
    for receipt in (f"eu-west-1/{NIGHTLY}.snapshot", f"us-west-2/{NIGHTLY}/{NIGHTLY}.snapshot"):
        os.chmod(m.region(*receipt.split("/")), 0o444)
        done = t.run(f"setpriv --bounding-set -dac_override,-dac_read_search cp {source} {receipt}")
        same((done.code, done.err), (0, ""), receipt)
    same(t.sim.count("CopySnapshot"), 2)


@case
def each_reads_their_own_errors(t):
    """The reasons of one user's errors are not another's; root and the user who mounted see all."""
    m = mount(t, "allow_other")
    t.sim.fault("DescribeSnapshots", "us-west-2", code="UnauthorizedOperation", http=403, message="for the other user", times=5)
    done = as_other(t, "ls us-west-2/snapshots")
    check(done.code != 0, repr(done))
    t.run(f"rm us-east-1/snapshots/{NIGHTLY}/description")
    theirs = as_other(t, f"cat {m('.ebsfs/last-error')}").out
    contains(theirs, "for the other user")
    check("/description" not in theirs, theirs)
    same(as_other(t, f"stat -c %s {m('.ebsfs/last-error')}").out, f"{len(theirs.encode())}\n", "the size of what this user reads")
    mine = read(m(".ebsfs/last-error"))
    contains(mine, "for the other user")
    contains(mine, f"rm regions/us-east-1/snapshots/{NIGHTLY}/description")
    check("may look" not in mine, mine)
    check(not os.path.exists(m.folder("us-east-1", NOWHERE)))


@case
def without_allow_other_the_readme_is_silent(t):
    check("Users other than" not in read(t.mount()("README")))


GROUP = 4711  # the operators'
OPERATOR, COLLEAGUE = 4712, 4713


def as_operator(t, command, uid=OPERATOR):
    t.need("setpriv")
    return t.run(f"umask 022; setpriv --reuid {uid} --regid 65534 --groups {GROUP} {command}")


@case
def members_of_the_group_may_copy(t):
    """gid= with umask=002: cp, rsync -a, mkdir, rm, tags and touch as the mounting user's; again, too, and by a colleague."""
    m = mount(t, "allow_other", f"gid={GROUP}", "umask=002", "delete")
    source = f"us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot"
    for command in (f"cp {source} eu-west-1/", f"cp {source} eu-west-1/", f"rsync -a {source} eu-west-1/", f"cp -a {source} us-west-2/",
                    f"rsync -a {source} us-west-2/again", "touch us-east-1/snapshots", f"bash -c 'echo x > us-east-1/snapshots/{NIGHTLY}/tags/k'",
                    f"rm us-west-2/{NIGHTLY}.snapshot", f"rm us-east-1/snapshots/{NIGHTLY}/tags/k"):
        done = as_operator(t, command)
        same((done.code, done.err), (0, ""), done)
    done = as_operator(t, f"cp {source} eu-west-1/", uid=COLLEAGUE)
    same((done.code, done.err), (0, ""), done)
    same(t.sim.count("CopySnapshot"), 2)
    st = os.stat(m.region("eu-west-1", f"{NIGHTLY}.snapshot"))
    same((st.st_uid, st.st_gid, oct(st.st_mode & 0o777)), (OPERATOR, GROUP, "0o664"), "the receipt")
    st = os.stat(m.region("us-east-1"))
    same((st.st_uid, st.st_gid, oct(st.st_mode & 0o777)), (os.getuid(), GROUP, "0o775"), "a region's folder")
    contains(read(m("README")), f"Members of group {GROUP} may copy")
    contains(as_operator(t, f"cat {m('.ebsfs/last-error')}").out, f"members of group {GROUP} may change")
    # Others look only, whatever the umask says of them; the contents are for the mounting user and root.
    for command in (f"cp {source} eu-west-1/mine", f"rm us-west-2/again", f"bash -c 'echo x > us-east-1/snapshots/{NIGHTLY}/tags/k'"):
        done = as_other(t, command)
        check(done.code != 0 and "denied" in done.err, repr(done))
    same(as_other(t, f"cat us-east-1/snapshots/{NIGHTLY}/status").code, 0)
    for user in (as_operator, as_other):
        done = user(t, f"head -c 1 us-east-1/disks/{NIGHTLY}.img")
        check(done.code != 0 and "denied" in done.err, repr(done))
    same(t.sim.count("CopySnapshot"), 2)


@case
def without_group_bits_members_look_only(t):
    """gid= alone, and on the next mount the maker of a receipt is nobody special either."""
    options = ("allow_other", f"gid={GROUP}")
    m = mount(t, *options, "umask=002")
    source = f"us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot"
    same(as_operator(t, f"cp {source} eu-west-1/").code, 0)
    m.unmount()
    m = mount(t, *options)
    for command in (f"cp {source} us-west-2/", f"cp {source} eu-west-1/", f"rm eu-west-1/{NIGHTLY}.snapshot"):
        done = as_operator(t, command)
        check(done.code != 0 and "denied" in done.err, repr(done))
    same(os.stat(m.region("us-east-1")).st_gid, GROUP)


@case
def umask_and_uid(t):
    """A umask without bits for others shuts them out; uid= owns the tree, and not the disks. Names are names of this machine."""
    m = mount(t, "allow_other", f"uid={OPERATOR}", "gid=nogroup", "umask=0007")
    check(as_other(t, "ls").code == 0, "the group looks")  # uid nobody, gid nogroup
    done = t.run(f"setpriv --reuid {COLLEAGUE} --regid {COLLEAGUE} --clear-groups ls {m}")
    check(done.code != 0 and "denied" in done.err, repr(done))
    source = f"us-east-1/snapshots/{NIGHTLY}/{NIGHTLY}.snapshot"
    same(t.run(f"setpriv --reuid {OPERATOR} --regid {OPERATOR} --clear-groups cp {source} eu-west-1/").code, 0)
    done = t.run(f"setpriv --reuid {OPERATOR} --regid {OPERATOR} --clear-groups ls us-east-1/disks")
    check(done.code != 0 and "denied" in done.err, repr(done))
    same(os.stat(m.region("us-east-1", "disks")).st_uid, os.getuid())


@case
def bad_values_of_them(t):
    where = t.path("mnt")
    os.makedirs(where)
    for option, words in (("gid=nosuchgroup", "no group 'nosuchgroup'"), ("uid=nosuchuser", "no user 'nosuchuser'"), ("umask=8", "not an octal number"),
                          ("umask=1777", "not an octal number"), ("gid=4711", "without allow_other")):
        done = t.ebsfs("-o", f"simulate,{option}", where)
        same(done.code, 2, done)
        contains(done.err, words)
