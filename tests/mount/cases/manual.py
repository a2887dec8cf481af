# SPDX-License-Identifier: MIT
"""The manual agrees with the program, and the README with both."""
import re

from harness import ROOT, case, check, contains, read, same
from world import BROKEN, KEYS, NIGHTLY, PENDING


def table(path):
    """Options and defaults of the OPTIONS section's list: name -> text."""
    text = read(path)
    section = re.search(r"^# OPTIONS\n(.*?)^# ", text, re.M | re.S)[1]
    return dict(re.findall(r"^\*(-?[a-zA-Z_]+)\*(?:=_[A-Z:a-z_]+_|, .*)?\n((?:\t.*\n|\n(?=\t))+)", section, re.M))


def options_of_help(out):
    """First words of the option lines that --help prints: `  -f   …`, `  regions=LIST`."""
    return set(re.findall(r"^  (-?[a-zA-Z_]+)(?:=\S+)?(?:,| |$)", out, re.M))


@case
def every_option_is_in_the_manual(t):
    shown = options_of_help(t.ebsfs("--help").out)
    documented = set(table(ROOT / "docs/ebsfs.1.scd"))
    check(len(documented) >= 10, "the manual's list was not understood:", documented)
    same(sorted(documented - shown), [], "documented, but not in --help:")
    wanted = {"regions", "profile", "endpoint_url", "simulate", "ttl", "delete", "ro", "state_dir", "-f", "-d", "-h", "-V"}
    same(sorted(wanted - shown), [], "not in --help:")
    same(sorted(shown - documented), [], "in --help, but not documented:")


@case
def readme_names_every_option(t):
    text = read(ROOT / "README.md")
    for option in table(ROOT / "docs/ebsfs.1.scd"):
        if option not in ("-h", "-V"):
            contains(text, f"`{option}", "README.md")


@case
def manual_renders(t):
    """scdoc takes it, and man shows it."""
    scdoc = t.need("scdoc")
    out = t.ok(f"{scdoc} < {ROOT}/docs/ebsfs.1.scd", cwd="/")
    contains(out, '.TH "ebsfs" "1"')


def section(text, heading):
    return re.search(rf"^(#+) {heading}\n(.*?)^\1 [A-Z][A-Za-z ]*$", text, re.M | re.S)[2]


def run_examples(t, commands):
    """Each command succeeds as it stands there, with a snapshot's id for its `A`."""
    for id in (BROKEN, PENDING):  # cp *.snapshot: of the one there is no copy, the other is not ready
        t.sim.delete_snapshot("us-east-1", id)
    for command in commands:
        t.ok(re.sub(r"\bA\b", NIGHTLY, command))
    return len(commands)


@case
def manual_examples(t):
    """COPYING and ASKING AGAIN: two copies are asked for, the first and the one with a label; then the first is cancelled."""
    t.start_sim()
    t.mount("delete")
    t.sim.set_copy_seconds(3600)
    text = read(ROOT / "docs/ebsfs.1.scd")
    commands = re.findall(r"^\$ (.*)$", section(text, "COPYING") + section(text, "ASKING AGAIN"), re.M)
    check(run_examples(t, commands) >= 5, commands)
    same(t.sim.count("CopySnapshot"), 2)
    same(sorted(c["Tags"].get("ebsfs:again", "") for c in t.sim.copies("eu-west-1")), ["before-upgrade"])


@case
def readme_examples(t):
    """One copy of each snapshot, one with a label, one in another region."""
    t.start_sim()
    t.sim.set_region("us-west-2", kms_keys=KEYS["eu-west-1"])
    t.mount()
    t.sim.set_copy_seconds(1)
    text = section(read(ROOT / "README.md"), "Copying")
    commands = [re.split(r"   +", line)[0] for line in re.findall(r"^    (\S.*)$", text, re.M)]
    check(run_examples(t, commands) >= 8, commands)
    copies = t.sim.copies("eu-west-1") + t.sim.copies("us-west-2")
    same(len({c["Tags"]["ebsfs:source"] for c in copies}), len(copies) - 2, "sources")
    same(t.sim.count("CopySnapshot"), len(copies))
