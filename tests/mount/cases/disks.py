# SPDX-License-Identifier: MIT
"""disks/: the contents of snapshots as raw disks, what they cost, and what is refused."""
import os
import subprocess
from errno import EACCES, EBUSY, EDQUOT, EINVAL, EIO, ENXIO, EOPNOTSUPP, EPERM

from disk_images import ARCHIVED, BLOCK, LOST, MONDAY_BLOCKS, REGION, TUESDAY, TUESDAY_BLOCKS, bought, disks, image, pread, reason
from harness import case, check, contains, read, refused, same, write
from world import BARE, ENCRYPTED, GIB, KEY, NIGHTLY, PENDING, PUBLIC


@case
def bytes_of_a_disk(t):
    disks(t)
    m = t.mount()
    st = os.stat(image(m, BARE))
    same((st.st_size, st.st_blocks * 512, oct(st.st_mode & 0o7777)), (GIB, GIB // 2, "0o400"))
    same(bought(t), 0, "after stat")
    t.ok(f"cp {image(m, BARE)} {t.path('out.img')}", seconds=300)
    same(bought(t), len(MONDAY_BLOCKS))
    t.ok(f"cmp {t.path('out.img')} {t.path('images')}/{BARE}.img", seconds=300)
    check(os.stat(t.path("out.img")).st_blocks * 512 <= 1.02 * len(MONDAY_BLOCKS) * BLOCK, "the copy is not sparse")
    t.ok(f"head -c 60M {image(m, BARE)} | cmp -n 60000000 - {t.path('out.img')}")
    same(bought(t), len(MONDAY_BLOCKS), "no block is bought twice")
    for name, value in (("bought_blocks_total", len(MONDAY_BLOCKS)), ("bought_bytes_total", len(MONDAY_BLOCKS) * BLOCK), ("lists_total", 1),
                        ("in_flight", 0), ("cache_bytes", len(MONDAY_BLOCKS) * BLOCK), ("budget_dollars", 1)):
        same(m.metric("ebsfs_disk_" + name), value, name)
    for name in ("cost", "spent"):
        check(abs(m.metric(f"ebsfs_disk_{name}_dollars" + "_total" * (name == "cost")) - len(MONDAY_BLOCKS) * 0.000003 - 0.0000006) < 1e-9, name)


@case
def data_and_holes(t):
    disks(t)
    m = t.mount()
    fd = os.open(image(m), os.O_RDONLY)
    found, at = [], 0
    while True:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as e:
            same(e.errno, ENXIO)
            break
        at = os.lseek(fd, start, os.SEEK_HOLE)
        found += range(start // BLOCK, at // BLOCK)
    os.close(fd)
    same(found, sorted(MONDAY_BLOCKS))
    same(bought(t), 0)


@case
def nothing_is_read_from_above(t):
    disks(t)
    m = t.mount("ttl=3600")
    t.ok("cd ..; ls -lR . >/dev/null; find . >/dev/null; du -s . >/dev/null; grep -rq no-such-text . ; tar cf - regions 2>/dev/null | wc -c; true", seconds=300)
    t.ok(f"cp -r {m('regions', REGION)} {t.path('tree')} 2>/dev/null; rsync -a {m('regions', REGION)} {t.path('tree2')}; true", seconds=300)
    t.ok(f"ls -l {m('regions', REGION, 'disks')} >/dev/null; du -s {m('regions', REGION, 'disks')} >/dev/null")
    same((bought(t), t.sim.count("ListSnapshotBlocks"), t.sim.count("ListChangedBlocks")), (0, 0, 0))
    same(len(os.listdir(m("regions", REGION, "disks"))), len(os.listdir(m("regions", REGION, "snapshots"))))


@case
def the_next_mount_and_the_next_night(t):
    disks(t)
    m = t.mount()
    t.ok(f"cat {image(m)} | head -c {60 * BLOCK} >/dev/null")
    first = bought(t)
    m.unmount()
    m = t.mount()
    same(pread(image(m), 40 * BLOCK, 0), b"".join(MONDAY_BLOCKS.get(i, bytes(BLOCK)) for i in range(40)))
    same(bought(t), first, "after a remount")
    check(m.metric("ebsfs_disk_cached_blocks_total") >= 20, "blocks of the cache")
    for i in range(40):
        same(pread(image(m, TUESDAY), 4096, i * BLOCK), TUESDAY_BLOCKS.get(i, bytes(BLOCK))[:4096], "block", i)
    same(bought(t), first + 1, "only block 4 has changed")


@case
def budget(t):
    disks(t)
    m = t.mount("budget=0.00003", "cache=none")
    refused(EDQUOT, lambda: t_read_all(m))
    contains(reason(m), "budget of $0.00003", ".ebsfs/budget")
    spent = bought(t)
    check(5 <= spent <= 10, spent)
    contains(read(m(".ebsfs/budget")), "limit: 0.00003 USD", "spent: 0.00002")
    for wrong in ("much", "-1", "1e99", "5 dollars"):
        refused(EINVAL, lambda: write(m(".ebsfs/budget"), wrong + "\n"))
    write(m(".ebsfs/budget"), "5\n")
    contains(read(m(".ebsfs/budget")), "limit: 5.00 USD")
    t_read_all(m)
    check(bought(t) > spent, "more was bought")
    m.unmount()
    m = t.mount("budget=0.00003", "cache=none")
    contains(read(m(".ebsfs/budget")), "limit: 5.00 USD")
    check("spent: 0.00" in read(m(".ebsfs/budget")), read(m(".ebsfs/budget")))
    write(m(".ebsfs/budget"), "0\n")
    refused(EDQUOT, lambda: pread(image(m), 1, 0))


def t_read_all(m):
    for i in sorted(MONDAY_BLOCKS):
        pread(image(m), 1, i * BLOCK)


@case
def refusals(t):
    disks(t)
    m = t.mount("timeout=5")
    m.allow("")
    for id, errno, words in [(PENDING, EBUSY, "once it is completed"), (ARCHIVED, EOPNOTSUPP, "archived"), (LOST, EIO, "state is error")]:
        refused(errno, lambda: pread(image(m, id), 1, 0))
        contains(reason(m), words)
    refused(EOPNOTSUPP, lambda: pread(image(m, PUBLIC), 1, 0))
    contains(reason(m), "public")
    refused(EACCES if os.getuid() else EPERM, lambda: open(image(m), "r+b"))
    for how in ("touch new.img", "mkdir x", f"cp {image(m)} y.img", f"rm {NIGHTLY}.img", f"mv {NIGHTLY}.img z.img"):
        check(subprocess.run(how, shell=True, cwd=m("regions", REGION, "disks"), stderr=subprocess.DEVNULL).returncode != 0, how)


@case
def without_kms_decrypt(t):
    key = {"access_key": "AKIANOKMS00000000001", "secret": "may not decrypt", "deny": ["kms:*"]}
    disks(t, keys=[key])
    t.env.update(AWS_ACCESS_KEY_ID=key["access_key"], AWS_SECRET_ACCESS_KEY=key["secret"])
    m = t.mount()
    m.allow("")
    refused(EACCES, lambda: pread(image(m, ENCRYPTED), 1, 0))
    contains(reason(m), "kms:Decrypt", KEY)
    same(pread(image(m), 4096, 0), MONDAY_BLOCKS[0][:4096])
