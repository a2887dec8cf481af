# SPDX-License-Identifier: MIT
"""Snapshots that come and go: inode numbers are used again, and never for two things at once."""
import os
import time
from errno import ENOENT

from harness import case, check, read, refused, same, write
from world import snapshot

ROUND = 400
REGION = "us-east-1"


def id_of(round, n):
    return f"snap-{round:02x}{n:015x}"


def slot_of(path):
    """The coordinate in a node's number that names the snapshot (fs/tree/node.c)."""
    return os.stat(path).st_ino >> 23 & (1 << 25) - 1


def generation(round):
    return [snapshot(id_of(round, n), Description=f"round {round} number {n}", Tags={"Name": f"{round}-{n}"})
            for n in range(ROUND)]


def replace(t, m, round):
    """All snapshots of the round before are deleted by another tool, and new ones made."""
    for n in range(ROUND):
        t.sim.delete_snapshot(REGION, id_of(round - 1, n))
    t.sim._ask("set", {"region": REGION, "snapshots": generation(round)})
    os.utime(m.region(REGION, "snapshots"))


def look_up_gone(m, round):
    """The kernel looks each old name up again, once it has expired (ttl=1), learns that it is gone, and forgets the node."""
    time.sleep(1.1)
    for n in range(ROUND):
        refused(ENOENT, os.stat, m.folder(REGION, id_of(round, n)))


def world():
    stays = [snapshot(id_of(0xff, n), Description=f"stays {n}") for n in range(20)]
    return {"regions": {REGION: {"snapshots": generation(0) + stays}}}


@case
def numbers_are_used_again(t):
    """The numbers of snapshots that came and went stay few, and what each shows is its own."""
    t.start_sim(world=world())
    m = t.mount("ttl=1")
    folder = m.region(REGION, "snapshots")
    t.ok("find us-east-1")
    highest = 0
    for round in range(1, 7):
        replace(t, m, round)
        t.ok("find us-east-1 -type f -name description -exec cat {} + > /dev/null")
        look_up_gone(m, round - 1)
        for n in range(0, ROUND, 37):
            path = m.folder(REGION, id_of(round, n))
            same(read(f"{path}/description"), f"round {round} number {n}\n")
            same(read(f"{path}/tags/Name"), f"{round}-{n}\n")
        highest = max([highest] + [slot_of(entry.path) for entry in os.scandir(folder)])
    check(highest < 3 * (ROUND + 20), highest)


@case
def a_walk_meets_what_stays_once(t):
    """find runs all the while: it meets each snapshot that is there throughout exactly once, and never another's file."""
    t.start_sim(world=world())
    m = t.mount("ttl=1")
    stays = {id_of(0xff, n) for n in range(20)}
    found, last = t.path("found"), t.path("last")
    walker = t.background(["bash", "-c", f"until [ -e {last} ]; do find {m.region(REGION, 'snapshots')} -maxdepth 1 -printf '%f\\n' 2>&1; echo end; done"],
                          stdout=open(found, "w"))
    for round in range(1, 4):
        replace(t, m, round)
        look_up_gone(m, round - 1)
    write(last, "")
    same(walker.wait(60), 0)
    walks = [walk.split("\n") for walk in read(found).split("\nend\n")[:-1]]
    check(len(walks) > 3, len(walks))
    for walk in walks:
        same({id for id in stays if walk.count(id) != 1}, set())
        same({name for name in walk if walk.count(name) > 1}, set())


@case
def an_open_file_keeps_its_number(t):
    """An open file below a gone snapshot is gone, and never shows what came later."""
    t.start_sim(world=world())
    m = t.mount("ttl=1")
    held = m.folder(REGION, id_of(0, 7))
    fd = os.open(f"{held}/{id_of(0, 7)}.snapshot", os.O_RDONLY)
    folder = os.open(f"{held}/tags", os.O_RDONLY | os.O_DIRECTORY)
    status = os.open(f"{held}/status", os.O_RDONLY)
    slot = slot_of(held)
    for round in range(1, 4):
        replace(t, m, round)
        t.ok("find us-east-1")
        look_up_gone(m, round - 1)
        refused(ENOENT, os.pread, fd, 4096, 0)
        refused(ENOENT, os.stat, "Name", dir_fd=folder)
        refused(ENOENT, os.pread, status, 4096, 0)
        used = {slot_of(entry.path) for entry in os.scandir(m.region(REGION, "snapshots"))}
        check(slot not in used, f"slot {slot} in round {round}")
    for n in fd, folder, status:
        os.close(n)

    # The kernel keeps the closed files' names until it needs their memory.
    try:
        write("/proc/sys/vm/drop_caches", "2")
    except OSError:
        return
    reused = False
    for round in range(4, 9):
        replace(t, m, round)
        look_up_gone(m, round - 1)
        reused = reused or slot in {slot_of(entry.path) for entry in os.scandir(m.region(REGION, "snapshots"))}
    check(reused, "the slot is used again")
