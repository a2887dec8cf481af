# SPDX-License-Identifier: MIT
"""The documents beside the manual: messages as the program has them, figures as they were measured, links that lead somewhere."""
import re

from harness import ROOT, case, check, read, same

LITERAL = r'(?:"(?:[^"\\\n]|\\.)*"|\bDEVICE\b|\bCONF\b)'
MACROS = {"DEVICE": "/dev/fuse", "CONF": "/etc/fuse.conf"}


def messages(*folders):
    """The texts in the sources, neighbours joined; what is filled in is `…`."""
    out = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.c")) if (ROOT / folder).is_dir() else [ROOT / folder]:
            for found in re.findall(rf"{LITERAL}(?:\s*{LITERAL})*", read(path)):
                parts = re.findall(LITERAL, found)
                text = "".join(MACROS.get(p, p[1:-1]) for p in parts).replace('\\"', '"')
                out.append(re.sub(r"%[-0-9.*]*(?:z|l|ll)?[a-z]", "…", text))
    return out


def told(message, texts):
    """Whether one text has the message's parts in their order."""
    pattern = re.compile(".*".join(map(re.escape, message.split("…"))), re.S)
    return any(pattern.search(text) for text in texts)


@case
def troubleshooting_has_the_programs_messages(t):
    texts = messages("fs/startup", "aws", "cache", "fs/fuse")
    tables = re.findall(r"^\| (`.*?) \| .* \|$", read(ROOT / "docs/troubleshooting.md"), re.M)
    listed = [m for cell in tables for m in re.findall(r"`([^`]+)`", cell)]
    check(len(listed) > 30, listed)
    for message in listed:
        check(told(message, texts), "no source has this message:", message)


@case
def troubleshooting_has_every_obstacle_of_the_machine(t):
    document = re.sub(r"\s+", " ", read(ROOT / "docs/troubleshooting.md"))
    for text in messages("fs/startup/mount_check.c"):
        if re.match(r"(cannot mount|mountpoint|option|an ebsfs)\b", text) and text not in ("mountpoint …: …", "cannot mount: /dev/fuse: …"):
            start = re.split(r"[;,]| \(", text)[0]
            check(start in document, "not in docs/troubleshooting.md:", start)


@case
def comparison_has_measured_figures(t):
    measured = [{c.strip() for c in line.split("|")} for line in read(ROOT / "docs/benchmarks.md").splitlines() if line.startswith("| ")]
    section = read(ROOT / "docs/comparison.md").split("## Measured")[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")][2:]
    check(len(rows) >= 5, rows)
    for row in rows:
        figures = set(row[1:])
        check(any(figures <= line for line in measured), "not a row of docs/benchmarks.md:", row)


def anchors(path):
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", read(path), re.M)}


@case
def links_lead_somewhere(t):
    wrong = []
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]:
        for target in re.findall(r"\]\((?!https?:)([^)]+)\)", read(path)):
            name, _, anchor = target.partition("#")
            file = path.parent / name if name else path
            if not file.exists() or (anchor and anchor not in anchors(file)):
                wrong.append(f"{path.name}: {target}")
    same(wrong, [])
