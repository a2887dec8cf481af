# SPDX-License-Identifier: MIT
"""The combinations of the matrix: at each step of a copy's life, everything that may break there.

  record      before the row is on disk
  counted     the row is on disk, and not yet counted beside it
  recorded    the row is on disk, CopySnapshot is not sent
  sent        sent, not answered
  answered    answered, the answer is not in the journal
  written     in the journal, cp is not answered
  queued      cp has returned, EC2's limit is reached
  pending     EC2 copies
  completing  the end is to be journalled
  searching   the answer was lost, and EC2 is asked what it made of the request
  moving      mv: the copy, and the source's deletion after it
"""
import time

from disk import COUNT_SYNC, COUNT_WRITE, SYNC
from scene import AWAY, CALL, HOME, check, source, until

FULL_SECONDS = 1.5  # how long a disk stays full,
LASTING = 1.5  # and how long at least all requests fail


class Combination:
    """prepare(scene) comes before the gesture, strike(scene) while it runs (or, if `after`, when it has ended)."""

    def __init__(self, step, fault, gestures, prepare=None, strike=None, dies=False, after=False, struck=None, sim=(), heal=0.0,
                 lasts=0.0):
        self.step, self.fault, self.gestures = step, fault, gestures
        self.prepare, self.strike = prepare or (lambda s: None), strike or (lambda s: None)
        self.dies, self.after, self.struck, self.sim, self.heal, self.lasts = dies, after, struck, sim, heal, lasts


# --- what breaks in the disk: name, how it is armed, whether ebsfs dies of it, how long it lasts ---

DISK = (
    ("kill-at-write", lambda d, **when: d.kill(**when), True, 0),
    ("kill-at-sync", lambda d, **when: d.kill(SYNC, **when), True, 0),
    ("kill-after-sync", lambda d, **when: d.kill(SYNC, after=True, **when), True, 0),
    ("power", lambda d, **when: d.power(**when), True, 0),
    ("enospc", lambda d, **when: d.full(**when), False, FULL_SECONDS),
    ("enospc-once", lambda d, **when: d.full(times=1, **when), False, 0),
    ("eio", lambda d, **when: d.broken(**when), False, 0),
    ("eio-often", lambda d, **when: d.broken(times=-1, **when), False, FULL_SECONDS),
    ("eio-at-sync", lambda d, **when: d.broken(SYNC, **when), False, 0),
    ("torn", lambda d, **when: d.torn(**when), False, 0),
)
COUNT = (  # the same of the file that counts the journal's transactions
    ("kill-at-count", lambda d, **when: d.kill(COUNT_WRITE, **when), True, 0),
    ("kill-after-count", lambda d, **when: d.kill(COUNT_WRITE, after=True, **when), True, 0),
    ("kill-at-count-sync", lambda d, **when: d.kill(COUNT_SYNC, **when), True, 0),
    ("kill-after-count-sync", lambda d, **when: d.kill(COUNT_SYNC, after=True, **when), True, 0),
    ("power-at-count", lambda d, **when: d.power(COUNT_SYNC, **when), True, 0),
    ("eio-at-count", lambda d, **when: d.broken(COUNT_WRITE, times=-1, **when), False, FULL_SECONDS),
    ("eio-at-count-sync", lambda d, **when: d.broken(COUNT_SYNC, **when), False, 0),
    ("torn-count", lambda d, **when: d.torn(COUNT_WRITE, **when), False, 0),
)
FAILING = tuple(f for f in DISK if not f[2])
KILLING = tuple(f for f in DISK if f[2])


def disk_struck(s):
    check(s.disk.hits > 0, "the disk did not fail: the step was not reached")


def disk(step, gestures, faults, before=False, after=False, at=None, sim=(), prepare=None, label="", **when):
    """One combination for each of these faults. at(scene) waits for the step; before: armed before the gesture."""
    for name, arm, dies, heal in faults:
        def armed(s, arm=arm):
            if at:
                at(s)
            arm(s.disk, **when)

        def prepared(s, armed=armed):
            if prepare:
                prepare(s)
            if before:
                armed(s)

        yield Combination(step, label + name, gestures, prepared, None if before else armed, dies, after, disk_struck, sim, heal)


# --- what breaks on the way to AWS ---

NOT_DONE = (  # EC2 has not carried out the request
    ("reset-before", dict(effect="reset")),
    ("hang", dict(effect="hang", seconds=CALL + 0.7)),
    ("503", dict(effect="error", status=503, code="ServiceUnavailable")),
    ("500", dict(effect="error", status=500, code="InternalError")),
    ("throttle", dict(effect="throttle")),
)
DONE = (  # EC2 has carried it out, and the answer is lost
    ("reset-after", dict(effect="reset", after=True)),
    ("hang-after", dict(effect="hang", after=True, seconds=CALL + 0.7)),
    ("503-after", dict(effect="error", after=True, status=503, code="ServiceUnavailable")),
    ("cut", dict(effect="cut")),
    ("malformed", dict(effect="malformed")),
    ("empty", dict(effect="empty")),
)
READING = NOT_DONE + DONE[3:]  # a request that changes nothing is carried out or not, it is the same
COPY_LOST = dict(action="CopySnapshot", effect="reset", after=True, times=1)
COPY_NEVER_CAME = dict(action="CopySnapshot", effect="reset", times=1)
COPY_SLOW = dict(action="CopySnapshot", effect="slow", after=True, seconds=0.5, times=1)  # something can happen before its answer
COPY_LATE = dict(action="CopySnapshot", effect="slow", seconds=1, times=1)  # carried out when nobody waits any more
COPY_HELD = dict(action="CopySnapshot", effect="hang", times=1)
COPY_HELD_AFTER = dict(action="CopySnapshot", effect="hang", after=True, times=1)


def plan(*rules):
    return lambda s: s.plan(*rules)


def aws(step, gestures, faults, action, region, times=1, at=None, after=False, sim=(), prepare=None, label="", nth=None):
    """One combination for each of these faults, in the next `times` requests (0: all), or in the nth. at, after: as above."""
    for name, fault in faults:
        rule = dict(action=action, region=region, **fault, **({"times": times} if times else {}), **({"nth": nth} if nth else {}))

        def break_it(s, rule=rule):
            if at:
                at(s)
            s.plan(rule)

        early = not at and not after

        def prepared(s, break_it=break_it):
            if prepare:
                prepare(s)
            if early:
                break_it(s)

        def struck(s, rule=rule):
            check(s.faults_met(rule) > 0, "no request met its fault: the step was not reached")

        yield Combination(step, label + name, gestures, prepared, None if early else break_it, False, after, struck, sim,
                          lasts=0 if times else LASTING)


# --- the steps ---


def copy_comes(s):
    until(lambda: s.sim.count("CopySnapshot", AWAY) > s.copies_before, "CopySnapshot comes")


def copy_made(s):
    until(lambda: any(s.made(source(n)) for n in range(3)), "EC2 makes the copy")


def searching_now(s):
    copy_comes(s)
    time.sleep(0.1)


def deletion_comes(s):
    until(lambda: s.sim.count("DeleteSnapshot", HOME), "DeleteSnapshot comes")


def kill(s):
    s.kill()


def then_kill(*there):
    def strike(s):
        for step in there:
            step(s)
        s.kill()

    return strike


def some_time(s):
    time.sleep(s.random.uniform(0, 0.6))


def full_disk(s):
    s.disk.full()
    until(lambda: s.disk.hits, "the disk is full")


def record():
    plain = ("cp", "several", "rsync", "parallel")
    yield from disk("record", plain, KILLING, before=True)
    yield from disk("record", ("cp", "parallel"), FAILING, before=True)
    yield from aws("record", ("text",), READING, "DescribeSnapshots", HOME, times=2)
    yield from aws("record", ("text",), READING, "DescribeSnapshots", HOME, times=0, label="lasting-")


def counted():
    yield from disk("counted", ("cp", "parallel"), COUNT, before=True)
    yield from disk("counted", ("several",), COUNT, at=copy_comes, prepare=plan(COPY_SLOW), label="answered-")
    yield from disk("counted", ("mv",), COUNT, after=True, label="later-")


def recorded():
    yield from disk("recorded", ("several",), KILLING, before=True, syncs=1)
    yield from disk("recorded", ("rsync",), FAILING, before=True, syncs=1)
    yield from aws("recorded", ("cp",), NOT_DONE, "CopySnapshot", AWAY)
    yield from aws("recorded", ("parallel",), NOT_DONE, "CopySnapshot", AWAY, times=3, label="thrice-")


def sent():
    every = ("cp", "several", "rsync", "parallel", "notags")
    yield Combination("sent", "kill-before-work", every, plan(COPY_HELD), then_kill(copy_comes), dies=True)
    yield Combination("sent", "kill-after-work", every, plan(COPY_HELD_AFTER), then_kill(copy_made), dies=True)
    yield Combination("sent", "kill-and-work-later", every, plan(COPY_LATE), then_kill(copy_comes), dies=True)
    yield from disk("sent", ("parallel",), FAILING, at=copy_made, prepare=plan(COPY_LOST), sim=LAG)
    yield from aws("sent", ("cp", "rsync", "notags"), DONE, "CopySnapshot", AWAY)
    yield from aws("sent", ("parallel",), DONE, "CopySnapshot", AWAY, times=3, label="thrice-")


def answered():
    yield from disk("answered", ("cp", "several", "notags"), DISK, at=copy_comes, prepare=plan(COPY_SLOW))
    yield Combination("answered", "enospc-kill", ("cp", "parallel"), plan(COPY_SLOW), then_kill(copy_comes, full_disk), dies=True)
    yield from aws("answered", ("cp",), READING, "DescribeSnapshots", AWAY, times=2, at=copy_comes, prepare=plan(COPY_SLOW))


def written():
    done = [f for f in KILLING if f[0] == "kill-after-sync"]
    yield from disk("written", ("cp", "several", "parallel"), done, at=copy_comes, prepare=plan(COPY_SLOW))
    yield from disk("written", ("several",), FAILING, at=copy_comes, prepare=plan(COPY_SLOW), syncs=1)
    yield from aws("written", ("several",), NOT_DONE + DONE, "CopySnapshot", AWAY, nth=2)


def fill(s):
    """The destination takes one copy at a time, and has it."""
    s.sim.set_limit(1)
    s.sim.set_copy_seconds("1.2")
    s.gesture(f"cp {s.file(3)} {AWAY}/", [3]).wait()
    s.sim.set_copy_seconds("0.4-0.8")


def queued():
    full = ("cp", "several", "rsync")
    yield Combination("queued", "kill", full, fill, kill, dies=True, after=True)
    yield Combination("queued", "kill-later", full, fill, then_kill(some_time, some_time), dies=True, after=True)
    yield from disk("queued", ("cp", "rsync"), DISK, prepare=fill, after=True)
    yield from aws("queued", ("cp", "several"), NOT_DONE + DONE, "CopySnapshot", AWAY, after=True, prepare=fill)
    yield from aws("queued", ("cp",), READING, "DescribeSnapshots", AWAY, times=3, after=True, prepare=fill, label="poll-")


def longer(s):
    s.sim.set_copy_seconds("1.5")


def a_bit_longer(s):
    s.sim.set_copy_seconds("1.0")


def pending():
    yield Combination("pending", "kill", ("cp", "several", "rsync", "parallel"), longer, kill, dies=True, after=True)
    yield from disk("pending", ("several",), [f for f in DISK if f[3]], after=True, prepare=a_bit_longer)
    yield from aws("pending", ("cp",), READING, "DescribeSnapshots", AWAY, times=3, after=True, prepare=longer)


def completing():
    yield from disk("completing", ("cp", "several"), DISK, after=True)
    yield from aws("completing", ("several",), READING, "DescribeSnapshots", AWAY, times=0, after=True, label="lasting-")
    yield Combination("completing", "enospc-kill", ("cp", "several"), None, then_kill(full_disk), dies=True, after=True)


def searching():
    search = then_kill(searching_now, some_time)
    yield Combination("searching", "kill-made", ("cp", "several", "parallel"), plan(COPY_LOST), search, dies=True, sim=LAG)
    yield Combination("searching", "kill-not-made", ("cp", "several", "parallel"), plan(COPY_NEVER_CAME), search, dies=True, sim=LAG)
    yield from disk("searching", ("cp", "parallel"), DISK, at=searching_now, prepare=plan(COPY_LOST), sim=LAG)
    yield from aws("searching", ("several",), READING, "DescribeSnapshots", AWAY, times=2, at=searching_now, prepare=plan(COPY_LOST),
                   sim=LAG)
    yield from aws("searching", ("cp",), READING, "DescribeSnapshots", AWAY, times=2, at=searching_now,
                   prepare=plan(COPY_NEVER_CAME), sim=LAG, label="not-made-")


def moving():
    held, held_after = (dict(action="DeleteSnapshot", effect="hang", times=1, after=after) for after in (False, True))
    slow = plan(dict(action="DeleteSnapshot", effect="slow", after=True, seconds=0.5, times=1))
    both = ("mv", "mv-folder")
    yield from disk("moving", ("mv",), DISK, after=True)
    yield from disk("moving", ("mv",), [f for f in DISK if f[0] != "power"], at=deletion_comes, prepare=slow, after=True,
                    label="deletion-")
    yield Combination("moving", "kill", both, longer, then_kill(some_time), dies=True, after=True)
    yield Combination("moving", "kill-before-deletion", both, plan(held), then_kill(deletion_comes), dies=True, after=True)
    yield Combination("moving", "kill-after-deletion", both, plan(held_after), then_kill(deletion_comes, some_time), dies=True,
                      after=True)
    yield from aws("moving", ("mv",), NOT_DONE + DONE, "DeleteSnapshot", HOME)


LAG = ("--consistency-ms", "800-1200")  # so that a search does not find at once
STEPS = (record, counted, recorded, sent, answered, written, queued, pending, completing, searching, moving)


def combinations():
    return [c for step in STEPS for c in step()]
