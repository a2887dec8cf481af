# SPDX-License-Identifier: MIT
"""Runs the functions test_* of a module, each in a folder of its own that is removed after it, and prints a TAP line for each."""
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

MEMORY = "/dev/shm"  # mkfs waits for the disk


class Skipped(Exception):
    """The reason for which a test cannot run here."""


def run(module):
    tests = [(name[5:], f) for name, f in vars(module).items() if name.startswith("test_") and callable(f)]
    wanted = [(name, f) for name, f in tests if not sys.argv[1:] or any(p in name for p in sys.argv[1:])]
    failed = 0
    print(f"1..{len(wanted)}")
    for number, (name, test) in enumerate(wanted, 1):
        folder = Path(tempfile.mkdtemp(prefix="contents-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
        try:
            test(folder)
            print(f"ok {number} - {name}", flush=True)
        except Skipped as e:
            print(f"ok {number} - {name} # SKIP {e}", flush=True)
        except BaseException as e:
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            traceback.print_exc()
            if isinstance(e, KeyboardInterrupt):
                raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)
