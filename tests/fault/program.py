# SPDX-License-Identifier: MIT
"""The main function of the test programs in this folder: one process and one line for each case."""
import argparse
import os
import signal
import subprocess
import sys
import time

from scene import Failure, failed_words, harness

LIMIT = 120  # seconds for one case, unless its function has another in .seconds


def run_one(name, arguments):
    """Runs a case in this process. It makes its own Scene, with s as its name in `with`, or is given the arguments."""
    case = harness.CASES[name]
    try:
        case(arguments)
    except harness.Skip as e:
        print(e)
        return harness.SKIPPED
    except Exception as e:
        print(failed_words(e))
        return 1
    return 0


def run_child(prefix, name, arguments, argv):
    start = time.monotonic()
    seconds = getattr(harness.CASES[name], "seconds", LIMIT) * harness.SLOW
    process = subprocess.Popen([sys.executable, sys.argv[0], *argv, "--one", name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    try:
        out, _ = process.communicate(timeout=seconds)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)  # the case's own `with` unmounts
        try:
            out, _ = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, _ = process.communicate()
        out, code = f"did not end within {seconds:.0f} s\n{out or ''}", 1
    word = "ok" if code == 0 else "skip" if code == harness.SKIPPED else "FAIL"
    first = out.strip().replace("\n", "\n    ")
    lines = f"\n    {first}" if first and word == "FAIL" else f": {first}" if first else ""
    print(f"{word:4} {prefix}/{name} ({time.monotonic() - start:.1f} s){lines}", flush=True)
    return word


def main(doc, options=()):
    """options: (flag, keywords) of argparse that the cases read."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag, keywords in options:
        parser.add_argument(flag, **keywords)
    parser.add_argument("--list", action="store_true", help="only name the cases")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("patterns", nargs="*", help="the cases whose name contains one of these")
    arguments = parser.parse_args()
    prefix = os.path.basename(sys.argv[0])
    if arguments.one:
        def stop(*_):
            raise Failure("stopped by its runner")

        signal.signal(signal.SIGTERM, stop)
        return run_one(arguments.one, arguments)
    chosen = [n for n in harness.CASES if not arguments.patterns or any(p in f"{prefix}/{n}" for p in arguments.patterns)]
    if arguments.list:
        print("\n".join(f"{prefix}/{n}" for n in chosen))
        return 0
    argv = [a for flag, _ in options for a in (flag, str(getattr(arguments, flag.lstrip("-").replace("-", "_"))))]
    words = [run_child(prefix, name, arguments, argv) for name in chosen]
    skipped = f", {words.count('skip')} skipped" if "skip" in words else ""
    print(f"{words.count('ok')} passed, {words.count('FAIL')} failed{skipped}")
    return 1 if "FAIL" in words or not words else 0
