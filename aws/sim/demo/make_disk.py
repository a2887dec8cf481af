#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the file system that the disks of -o simulate hold, as a C file: make_disk.py MKE2FS DEBUGFS OUTPUT

An ext4 of 64 MiB, made at build time without root, so that a running simulator needs no tools and no files. Of its
pages only those are kept that are not zeros. The marks in /etc/motd are replaced by each snapshot's own data
(sim_demo_disk.c): the file systems of a volume's snapshots differ a little.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = 4096
SIZE = 64 << 20
EPOCH = 1767225600  # 2026-01-01
MOTD = """\
A disk of ebsfs -o simulate: all of it is made up.

    snapshot  @@SNAPSHOT-ID-HERE-@@@
    volume    @@VOLUME-ID-HERE-@@@@
    taken     @@SNAPSHOT-TIME-@@@@
"""
FILES = {
    "etc/motd": MOTD,
    "etc/hostname": "demo\n",
    "etc/fstab": "LABEL=demo  /      ext4  defaults,discard        0 1\ntmpfs       /tmp   tmpfs nosuid,nodev,size=512M  0 0\n",
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\napp:x:1000:1000:the shop:/srv/app:/usr/sbin/nologin\n",
    "etc/nginx/nginx.conf": "user app;\nworker_processes auto;\nevents { worker_connections 1024; }\n"
                            "http {\n    server { listen 80; root /srv/app/public; }\n}\n",
    "root/.profile": "umask 022\n",
    "srv/app/config.yaml": "database: /srv/app/orders.csv\nlanguage: en\n",
    "srv/app/public/index.html": "<!DOCTYPE html>\n<title>Shop</title>\n<h1>Open</h1>\n",
    "srv/app/orders.csv": "id,day,item,pieces\n" + "".join(
        f"{i},2025-{i % 12 + 1:02}-{i % 28 + 1:02},{'kettle lamp chair rug'.split()[i % 4]},{i % 7 + 1}\n" for i in range(5000)),
    "var/log/syslog": "".join(f"2025-12-31T23:{i // 60 % 60:02}:{i % 60:02} demo app[812]: request {i} served in {i * 7 % 90 + 3} ms\n"
                              for i in range(2000)),
    **{f"var/mail/archive/{i:04}.eml": f"From: order-{i}@example.com\nSubject: Order {i}\n\nThank you for your order.\n" for i in range(60)},
}
LINKS = {"etc/localtime": "../usr/share/zoneinfo/UTC", "srv/current": "app", "var/run": "/run"}
DIRECTORIES = ["run", "tmp", "usr/share/zoneinfo", "home/app"]


def fill(root):
    for name in DIRECTORIES:
        (root / name).mkdir(parents=True)
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for name, target in LINKS.items():
        (root / name).symlink_to(target)
    with open(root / "srv/app/cache.db", "wb") as f:  # sparse
        f.truncate(100 << 20)
        f.write(b"cache v1\n")
        f.seek(70 << 20)
        f.write(b"the middle\n")


def owners(root):
    """debugfs commands: everything is root's and of one time, or app's below /srv/app."""
    for path in [root, *sorted(root.rglob("*"))]:
        name = "/" + str(path.relative_to(root)).removeprefix(".")
        app = name.startswith(("/srv/app/", "/home/app"))
        for field, value in (("uid", 1000 if app else 0), ("gid", 1000 if app else 0), *((f"{t}time", f"@{EPOCH}") for t in "acm"), ("crtime", f"@{EPOCH}")):
            yield f"sif {name} {field} {value}\n"
    yield "sif /tmp mode 041777\nsif /root mode 040700\nsif /lost+found mode 040700\n"


def pack(image, out):
    numbers, pages = [], []
    for i in range(SIZE // PAGE):
        page = image[i * PAGE:(i + 1) * PAGE]
        if page.count(0) != PAGE:
            numbers.append(i)
            pages.append(page)
    for mark in ("@@SNAPSHOT-ID", "@@VOLUME-ID", "@@SNAPSHOT-TIME"):
        if sum(mark.encode() in p for p in pages) != 1:
            sys.exit(f"make_disk.py: the mark {mark} is not in one page")
    data = b"".join(pages)
    with open(out, "w") as f:
        f.write('/* Made by make_disk.py. */\n#include "sim_demo_disk.h"\n\n')
        f.write(f"const unsigned sim_demo_n_pages = {len(pages)};\n")
        f.write("const uint16_t sim_demo_numbers[] = {" + ",".join(map(str, numbers)) + "};\n")
        f.write("const unsigned char sim_demo_pages[] = {\n")
        for i in range(0, len(data), 64):
            f.write(",".join(map(str, data[i:i + 64])) + ",\n")
        f.write("};\n")


def main(mke2fs, debugfs, out):
    environment = {**os.environ, "E2FSPROGS_FAKE_TIME": str(EPOCH), "SOURCE_DATE_EPOCH": str(EPOCH), "LC_ALL": "C"}
    with tempfile.TemporaryDirectory() as folder:
        root, image, commands = Path(folder) / "root", Path(folder) / "image", Path(folder) / "commands"
        root.mkdir()
        os.umask(0o022)
        fill(root)
        commands.write_text("".join(owners(root)))
        subprocess.run([mke2fs, "-q", "-F", "-t", "ext4", "-b", "4096", "-L", "demo", "-U", "65627366-732d-4865-8d6f-646973006b00", "-d", str(root),
                        "-E", "hash_seed=65627366-732d-4865-8d6f-646973006b00,nodiscard", "-O", "^resize_inode", str(image), "64M"],
                       check=True, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        done = subprocess.run([debugfs, "-w", "-f", str(commands), str(image)], check=True, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wrong = [line for line in done.stdout.splitlines() if not line.startswith("debugfs")]
        if wrong:
            sys.exit("make_disk.py: debugfs: " + wrong[0])
        pack(image.read_bytes(), out)


if __name__ == "__main__":
    main(*sys.argv[1:])
