# SPDX-License-Identifier: MIT
"""The manual agrees with the program, and the README with both."""
import re

from harness import ROOT, case, check, contains, read, same


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
