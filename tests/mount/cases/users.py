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
