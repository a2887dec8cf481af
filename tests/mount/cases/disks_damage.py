# SPDX-License-Identifier: MIT
"""What becomes of the cache of disks: whatever is lost, damaged or refused there, a disk's bytes are those of its snapshot."""
import os
import random
import subprocess
from errno import EDQUOT

from disk_images import BLOCK, MONDAY_BLOCKS, TUESDAY, TUESDAY_BLOCKS, bought, disks, image, pread, reason
from harness import Skip, case, check, contains, matches, read, refused, same, until, write
from world import BARE, ENCRYPTED, NIGHTLY

LOOKED_AT = [*range(0, 44), 99, 100, 101, 102, 1499, 1500, 2046, 2047]
COST = 0.000003  # dollars a block


def cache_files(t, id=None, ending=""):
    """The files of the cache; of one snapshot if it is named."""
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(t.path("cache")) for name in names
                  if name.startswith(id or "snap-") and name.endswith(ending))


def forget(path):
    """The kernel's copy of a disk, so that the next read is ebsfs's."""
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def compare(m, id, blocks):
    """Every block of a disk and its neighbours are those of the image."""
    forget(image(m, id))
    fd = os.open(image(m, id), os.O_RDONLY)
    try:
        for i in LOOKED_AT:
            check(os.pread(fd, BLOCK, i * BLOCK) == blocks.get(i, bytes(BLOCK)), "wrong bytes in block", i, "of", id)
    finally:
        os.close(fd)


def lose_pages(rng, path):
    """As a machine that lost its power: pages that never reached the disk are holes, and the file may end early."""
    fd = os.open(path, os.O_RDWR)
    pages = os.fstat(fd).st_size // 4096
    for _ in range(rng.choice((0, 1, 5, 40))):
        os.pwrite(fd, bytes(4096), rng.randrange(pages or 1) * 4096)
    if rng.random() < 0.2:
        os.ftruncate(fd, rng.randrange(pages + 1) * 4096)
    os.close(fd)


def flip_bits(rng, path):
    """Where there are data: the rest of the file is holes."""
    fd = os.open(path, os.O_RDWR)
    at, places = 0, []
    while True:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            break
        at = os.lseek(fd, start, os.SEEK_HOLE)
        places += range(start // 4096, -(-at // 4096))
    for _ in range(rng.choice((0, 1, 3)) if places else 0):
        at = rng.choice(places) * 4096 + rng.randrange(4096)
        byte = os.pread(fd, 1, at)
        if byte:
            os.pwrite(fd, bytes([byte[0] ^ 1 << rng.randrange(8)]), at)
    os.close(fd)


def kills(t, rounds, seed):
    """kill -9 after some bought blocks, and a cache that is damaged before the next mount."""
    rng = random.Random(seed)
    disks(t)
    most = 2 * len(MONDAY_BLOCKS) + 3
    for n in range(rounds):
        m = t.mount()
        before = bought(t)
        reader = t.background(["cat", image(m, rng.choice((NIGHTLY, TUESDAY)))], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = rng.randrange(12)
        until(lambda: bought(t) - before >= after or bought(t) == before and reader.poll() is not None or m.metric("ebsfs_disk_cached_blocks_total") > after,
              "blocks are read")
        m.kill()
        reader.kill()
        reader.wait()
        subprocess.run(["fusermount3", "-u", "-z", m.path], check=True)
        for path in cache_files(t):
            if rng.random() < 0.4:
                rng.choice((lose_pages, flip_bits))(rng, path)
        m = t.mount()
        before = bought(t)
        for id, blocks in rng.sample([(NIGHTLY, MONDAY_BLOCKS), (TUESDAY, TUESDAY_BLOCKS)], 2):
            compare(m, id, blocks)
        check(bought(t) - before <= most, "bought twice:", bought(t) - before)
        m.unmount()
        if rng.random() < 0.3:
            subprocess.run(["rm", "-rf", t.path("cache")], check=True)


@case
def killed_at_any_write_and_damaged(t):
    kills(t, 6, 1)


@case
def killed_at_any_write_and_damaged_often(t):
    kills(t, 100, random.SystemRandom().randrange(1 << 32))


killed_at_any_write_and_damaged_often.long = True
killed_at_any_write_and_damaged_often.seconds = 600


@case
def damaged_while_it_is_used(t):
    disks(t)
    m = t.mount()
    compare(m, NIGHTLY, MONDAY_BLOCKS)
    same(bought(t), len(MONDAY_BLOCKS))
    data, = cache_files(t, NIGHTLY, ".0")
    t.ok(f"fallocate -p -o {8 * BLOCK} -l {BLOCK} {data}")
    with open(data, "r+b") as f:
        f.truncate(20 * BLOCK)
    index, = cache_files(t, NIGHTLY, ".index")
    with open(index, "r+b") as f:
        f.truncate(5000)
    for id, blocks in ((TUESDAY, TUESDAY_BLOCKS), (BARE, MONDAY_BLOCKS), (ENCRYPTED, MONDAY_BLOCKS)):
        compare(m, id, blocks)  # together more than stays in ebsfs's memory
    compare(m, NIGHTLY, MONDAY_BLOCKS)
    subprocess.run(["rm", "-rf", t.path("cache")], check=True)
    compare(m, NIGHTLY, MONDAY_BLOCKS)
    compare(m, TUESDAY, TUESDAY_BLOCKS)
    compare(m, BARE, MONDAY_BLOCKS)
    m.unmount()
    m = t.mount()
    compare(m, NIGHTLY, MONDAY_BLOCKS)


@case
def things_that_are_no_cache(t):
    """Instead of the cache's files: whatever may lie there."""
    disks(t)
    m = t.mount()
    compare(m, NIGHTLY, MONDAY_BLOCKS)
    m.unmount()
    write(t.path("victim"), "mine\n")
    for ending, instead in ((".0", "mkfifo {}"), (".0", f"ln -s {t.path('victim')} {{}}"), (".index", "mkdir {}"), (".index", ": >{}; chmod 666 {}"),
                            (".index", "mkdir {} && chmod 777 ..")):
        path = f"{os.path.dirname(cache_files(t)[0])}/{NIGHTLY}{ending}"
        t.ok(f"rm -rf {path}; cd {os.path.dirname(path)}; {instead.format(path, path)}", cwd="/")
        m = t.mount()
        compare(m, NIGHTLY, MONDAY_BLOCKS)
        m.unmount()
        t.ok(f"rm -rf {path}; chmod 700 {os.path.dirname(os.path.dirname(path))}; touch {path}", cwd="/")
    same(read(t.path("victim")), "mine\n")
    for n, dir in enumerate((t.path("victim"), "/proc/nothing/here", "/sys")):
        m = t.mount(f"cache_dir={dir}", where=f"no{n}")
        compare(m, NIGHTLY, MONDAY_BLOCKS)
        matches(m.log_text(), "blocks of disks are not kept, so they are bought anew when they are read again: .*" + dir)
        m.unmount()


@case
def a_full_disk(t):
    if os.getuid() != 0:
        raise Skip("only root mounts a tmpfs")
    disks(t)
    small = t.path("small")
    os.mkdir(small, 0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5m,mode=700", "none", small], check=True)
    try:
        m = t.mount(f"cache_dir={small}", "cache_size=1G")
        compare(m, NIGHTLY, MONDAY_BLOCKS)
        until(lambda: m.log_text().count("cannot be kept") == 1, "the warning")
        contains(m.log_text(), "No space left on device")
        before = bought(t)
        compare(m, NIGHTLY, MONDAY_BLOCKS)
        check(bought(t) - before <= len(MONDAY_BLOCKS), "bought:", bought(t) - before)
        subprocess.run(["mount", "-o", "remount,size=100m", small], check=True)
        m.unmount()
        m = t.mount(f"cache_dir={small}", "cache_size=1G")
        compare(m, NIGHTLY, MONDAY_BLOCKS)
        m.unmount()
        m = t.mount(f"cache_dir={small}", "cache_size=1G")
        before = bought(t)
        compare(m, NIGHTLY, MONDAY_BLOCKS)
        same(bought(t), before, "with room, all is kept")
        m.unmount()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def spent(m):
    return float(matches(read(m(".ebsfs/budget")), r"^spent: ([0-9.]+) USD")[1])


@case
def a_budget_that_ends_in_the_middle_of_a_copy(t):
    """cp says so, and neither an unmount nor kill -9 gives the money back."""
    disks(t)
    m = t.mount(f"budget={10 * COST:.6f}")
    t.fails(EDQUOT, f"cp {image(m, BARE)} {t.path('out.img')}")
    contains(reason(m), "budget of $0.00003", "echo DOLLARS > .ebsfs/budget")
    first, cost = bought(t), spent(m)
    check(5 <= first < 10, first)
    m.unmount()
    m = t.mount(f"budget={10 * COST:.6f}")
    same(spent(m), cost)
    t.fails(EDQUOT, f"cp {image(m, BARE)} {t.path('out.img')}")
    check(bought(t) < 10, "more was bought")
    for i in list(MONDAY_BLOCKS)[:5]:
        same(pread(image(m, BARE), 4096, i * BLOCK), MONDAY_BLOCKS[i][:4096])
    refused(EDQUOT, lambda: pread(image(m, BARE), 1, 2047 * BLOCK))
    m.kill()
    subprocess.run(["fusermount3", "-u", "-z", m.path], check=True)
    m = t.mount(f"budget={10 * COST:.6f}")
    check(spent(m) >= cost, spent(m))
    refused(EDQUOT, lambda: pread(image(m, BARE), 1, 2047 * BLOCK))
    write(m(".ebsfs/budget"), "1\n")
    t.ok(f"cp {image(m, BARE)} {t.path('out.img')}")
    t.ok(f"cmp -n {45 * BLOCK} {t.path('out.img')} {t.path('images')}/{BARE}.img")
    same(bought(t), len(MONDAY_BLOCKS), "no block is bought twice")
