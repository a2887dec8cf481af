# SPDX-License-Identifier: MIT
"""A file system that cannot end once it is killed: python3 stuck.py MOUNTPOINT

It mounts as an ebsfs and announces itself as one (fs/startup/mount_table.h). It leaves the first lookup unanswered, and tells the kernel meanwhile
that a name in the same folder is gone: for that a thread of it waits for the folder's lock, which the lookup holds. It says "stuck" then.
"""
import array
import os
import socket
import struct
import subprocess
import sys
import threading
import time

LOOKUP, GETATTR, INIT = 1, 3, 26
NOTIFY_INVAL_ENTRY = 3


def mount(path):
    """What libfuse does: fusermount3 mounts, and hands over the descriptor."""
    ours, theirs = socket.socketpair()
    subprocess.run(["fusermount3", "-o", "fsname=ebsfs,subtype=ebsfs", "--", path], check=True, pass_fds=[theirs.fileno()],
                   env={**os.environ, "_FUSE_COMMFD": str(theirs.fileno())})
    _, [(_, _, data)], _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
    return array.array("i", data[:4])[0]


def announce(path):
    line = next(x for x in open("/proc/self/mountinfo") if x.split()[4] == path)
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    name.bind(f"\0ebsfs/{line.split()[2].split(':')[1]}/{os.getpid()}")
    return name


def tell(fd):
    name = b"y\0"
    body = struct.pack("<QII", 1, len(name) - 1, 0) + name
    os.write(fd, struct.pack("<IiQ", 16 + len(body), NOTIFY_INVAL_ENTRY, 0) + body)


def main():
    path = os.path.realpath(sys.argv[1])
    fd = mount(path)
    kept = announce(path)
    print("mounted", flush=True)
    while True:
        request = os.read(fd, 1 << 20)
        _, opcode, unique = struct.unpack_from("<IIQ", request)
        if opcode == INIT:
            body = struct.pack("<IIIIHHIIHHI28x", 7, 31, 1 << 16, 0, 12, 9, 1 << 16, 1, 0, 0, 0)
        elif opcode == GETATTR:
            body = struct.pack("<QII6Q3I7I", 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, os.getuid(), os.getgid(), 0, 4096, 0)
        elif opcode == LOOKUP:
            threading.Thread(target=tell, args=(fd,), daemon=True).start()
            time.sleep(0.3)
            print("stuck", flush=True)
            continue
        else:
            os.write(fd, struct.pack("<IiQ", 16, -38, unique))
            continue
        os.write(fd, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)
    return kept


if __name__ == "__main__":
    main()
