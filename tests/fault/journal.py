# SPDX-License-Identifier: MIT
"""ebsfs's journal as SQLite sees it, while no ebsfs runs."""
import contextlib
import os
import sqlite3
import time

DAY_MS = 86400 * 1000


def now_ms():
    return int(time.time() * 1000)


SINCE_VERSION_2 = {"copies": ("label", "key_label", "adopted", "deleted_ms", "kind", "place", "options", "generation",
                              "checksum"),
                   "receipts": ("mtime_set", "description", "tags", "file_mode", "checksum")}


def unseal(db, state_dir):
    """The journal as an ebsfs would have left it that knew no checksums: the next one takes it up as it is."""
    for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%label%'").fetchall():
        db.execute(f"DROP INDEX {name}")
    for table, columns in SINCE_VERSION_2.items():
        for column in columns:
            db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    db.execute("DELETE FROM meta WHERE key IN ('commits', 'checksum')")
    db.execute("PRAGMA user_version = 2")
    os.unlink(os.path.join(state_dir, "journal.commits"))


@contextlib.contextmanager
def opened(state_dir):
    """The journal of a mount that has ended; what is done to it is committed at the end."""
    db = sqlite3.connect(os.path.join(state_dir, "journal.db"))
    try:
        with db:
            yield db
            if db.total_changes:
                unseal(db, state_dir)
    finally:
        db.close()


def rows(state_dir):
    """Copies by id, as dicts."""
    with opened(state_dir) as db:
        db.row_factory = sqlite3.Row
        return {r["id"]: dict(r) for r in db.execute("SELECT * FROM copies")}


def add_history(state_dir, count, receipts=False):
    """So many copies that ended in the last weeks, with a receipt each if wanted. Returns the id of the first."""
    end = now_ms() - 2 * DAY_MS
    with opened(state_dir) as db:
        first = (db.execute("SELECT max(id) FROM copies").fetchone()[0] or 0) + 1
        db.executemany(
            "INSERT INTO copies (id, token, state, source_region, source_id, region, description, tags, encrypted, completion_minutes,"
            " dry_run, move, acknowledged, submitted, copy_id, requested_ms, submitted_ms, started_ms, ended_ms, bytes, attempts)"
            " VALUES (?, ?, 'completed', 'us-east-1', ?, 'eu-west-1', ?, '{\"Name\":\"db\",\"env\":\"prod\"}', 0, 0, 0, 0, 1, 1, ?, ?, ?, ?,"
            " ?, ?, 1)",
            ((first + n, f"{n:032x}", f"snap-{0xB00000 + n:017x}", f"[Copied snap-{0xB00000 + n:017x} from us-east-1] nightly db of machine {n}",
              f"snap-{0xC00000 + n:017x}", end - n * 15000 - 700000, end - n * 15000 - 600000, end - n * 15000 - 600000,
              end - n * 15000, (n % 100 + 1) << 30) for n in range(count)))
        if receipts:
            text = "region: us-east-1\nsnapshot: snap-{:017x}\nvolume: vol-0123456789abcdef0\nsize: 8 GiB\nowner: 123456789012\n...\n"
            db.executemany(
                "INSERT INTO receipts (copy, region, folder, name, is_folder, file_name, text, mode, uid, gid, mtime_ns)"
                " VALUES (?, 'eu-west-1', '', ?, 0, '', ?, 33188, ?, ?, ?)",
                ((first + n, f"snap-{n:017x}.snapshot", text.format(0xB00000 + n), os.getuid(), os.getgid(), 1700000000 * 10**9)
                 for n in range(count)))
    return first
