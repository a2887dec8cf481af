#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that cannot run in a test: their system calls, in their order; and a keyboard for those that need a terminal.

    replays.py gnome-files FROM TO      GIO's g_file_copy(): a new file, or a .goutputstream-… that replaces the old one
    replays.py gedit FROM TO            GIO's g_file_replace() with a backup
    replays.py kio FROM TO              KIO's put(): TO.part, renamed
    replays.py partial FROM TO          rclone since 1.63: TO.<8 letters>.partial, renamed
    replays.py copyfs FROM TO           Go's os.CopyFS(): sorted names, O_EXCL
    replays.py os-replace FROM TO       a temporary file and os.replace()
    replays.py emacs FROM TO            a lock (.#x), the old file renamed to x~, a new file
    replays.py keys KEYS PROGRAM ARGS   runs PROGRAM in a terminal and types KEYS, written as in Python ('\\x0f' is ^O); '|' waits for the screen
"""
import contextlib
import os
import pty
import select
import struct
import sys
import termios
import time
from fcntl import ioctl


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def put(path, data, flags=os.O_EXCL, mode=0o644, sync=False):
    """One open, write, close; close()'s error is this function's."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | flags, mode)
    try:
        os.write(fd, data)
        if sync:
            os.fsync(fd)
    except OSError:
        os.close(fd)
        raise
    os.close(fd)


def times_of(source, to):
    found = os.stat(source)
    os.utime(to, ns=(found.st_atime_ns, found.st_mtime_ns))


def gio_replace(source, to, backup):
    draft = os.path.join(os.path.dirname(to), ".goutputstream-" + os.urandom(3).hex().upper())
    put(draft, contents(source), mode=0o600, sync=True)
    os.chmod(draft, 0o644)
    if backup and os.path.exists(to):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(to + "~")
        try:
            os.link(to, to + "~")
        except OSError:
            os.rename(to, to + "~")
    os.rename(draft, to)


def gnome_files(source, to):
    if os.path.exists(to):
        gio_replace(source, to, backup=False)
    else:
        put(to, contents(source))
    os.chmod(to, 0o644)
    times_of(source, to)


def gedit(source, to):
    gio_replace(source, to, backup=True)


def kio(source, to):
    part = to + ".part"
    if os.path.exists(part):
        os.unlink(part)
    put(part, contents(source), flags=os.O_TRUNC, mode=0o600)
    os.rename(part, to)
    os.chmod(to, 0o644)
    times_of(source, to)


def partial(source, to):
    draft = f"{to}.{os.urandom(4).hex()}.partial"
    put(draft, contents(source), flags=os.O_TRUNC)
    times_of(source, draft)
    os.rename(draft, to)


def copyfs(source, to):
    os.makedirs(to, mode=0o777, exist_ok=True)
    for name in sorted(os.listdir(source)):
        a, b = os.path.join(source, name), os.path.join(to, name)
        if os.path.isdir(a):
            copyfs(a, b)
        else:
            put(b, contents(a), mode=0o666)


def os_replace(source, to):
    draft = os.path.join(os.path.dirname(to), f"tmp{os.getpid()}")
    put(draft, contents(source))
    os.replace(draft, to)


def emacs(source, to):
    folder, name = os.path.split(to)
    lock = os.path.join(folder, ".#" + name)
    with contextlib.suppress(OSError):  # Emacs goes on without a lock
        os.symlink("user@host.1", lock)
    if os.path.exists(to):
        os.rename(to, to + "~")
    put(to, contents(source), flags=os.O_TRUNC, sync=True)
    with contextlib.suppress(OSError):
        os.unlink(lock)


def quiet(master, seconds):
    """Reads what the program shows until it has been quiet for 0.3 s. False if it has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and select.select([master], [], [], 0.3)[0]:
        try:
            if not os.read(master, 65536):
                return False
        except OSError:
            return False
    return True


def keys(typed, *argv):
    child, master = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm"
        os.execvp(argv[0], argv)
    ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    for part in typed.encode().decode("unicode_escape").split("|"):
        if not quiet(master, 10):
            break
        os.write(master, part.encode())
    deadline = time.monotonic() + 30
    ended, result = 0, 0
    while not ended and time.monotonic() < deadline:
        quiet(master, 1)
        ended, result = os.waitpid(child, os.WNOHANG)
    os.close(master)  # the terminal is gone: SIGHUP, if the program still runs
    sys.exit(os.waitstatus_to_exitcode(result) if ended else "the program did not end")


def main(name, *arguments):
    play = {f.__name__.replace("_", "-"): f for f in (gnome_files, gedit, kio, partial, copyfs, os_replace, emacs, keys)}[name]
    try:
        play(*arguments)
    except OSError as error:
        sys.exit(f"{name}: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
