# SPDX-License-Identifier: MIT
"""The product's sources and what their built objects define and use: shared by scripts/check-layers and scripts/structure."""
import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("base", "aws", "aws/sim", "cache", "contents", "copy", "fs")
PRODUCT = {name.split("/")[0] for name in LAYERS}


def layer(path):
    """The layer of a source or folder: the folders below a layer belong to it, but aws/sim is a layer of its own."""
    parts = Path(path).parts
    return "aws/sim" if parts[:2] == ("aws", "sim") else parts[0]


def sources():
    """Every .c and .h file of the product, tracked or new, as paths relative to the root."""
    found = subprocess.check_output(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.c", "*.h"], cwd=ROOT, text=True)
    return sorted(s for s in set(found.split()) if s.split("/")[0] in PRODUCT and (ROOT / s).exists())


def objects(build):
    """Source -> its object in the folder `build`. Ends the program if an object is missing or older than its source."""
    build = Path(build)
    if not (build / "compile_commands.json").exists():
        sys.exit(f"{build} is no build folder: scripts/build makes one")
    out = {}
    for command in json.loads((build / "compile_commands.json").read_text()):
        source = (build / command["file"]).resolve()
        if not source.is_relative_to(ROOT) or not source.exists():
            continue
        name = str(source.relative_to(ROOT))
        if name.split("/")[0] in PRODUCT:
            out[name] = build / command["output"]
    stale = [s for s, o in out.items() if not o.exists() or o.stat().st_mtime < (ROOT / s).stat().st_mtime]
    missing = [s for s in sources() if s.endswith(".c") and s not in out]
    if stale or missing:
        sys.exit(f"{build} is older than its sources ({', '.join((missing + stale)[:3])}): ninja -C {build}")
    return out


class Symbols:
    """What each source defines and uses, from nm over the objects of one build."""

    def __init__(self, build):
        self.defines, self.uses = {}, {}
        self.home = {}  # symbol -> the source that defines it
        for source, path in objects(build).items():
            defined, used = set(), set()
            for line in subprocess.check_output(["nm", "-g", "--format=posix", str(path)], text=True).splitlines():
                name, kind = line.split()[:2]
                if name.startswith(("__", "asan.", "_GLOBAL")):
                    continue
                (used if kind in "Uw" else defined).add(name)
            self.defines[source], self.uses[source] = defined, used
            for name in defined:
                self.home.setdefault(name, source)

    def users(self):
        """Symbol -> the other sources that use it, for every exported symbol."""
        out = {name: set() for name in self.home}
        for source, used in self.uses.items():
            for name in used & out.keys():
                if self.home[name] != source:
                    out[name].add(source)
        return out

    def graph(self):
        """Source -> the other sources whose symbols it uses."""
        return {source: {self.home[n] for n in used if n in self.home} - {source} for source, used in self.uses.items()}


def cycles(graph):
    """The strongly connected components of more than one node, each sorted, largest first (Tarjan's algorithm, iterative)."""
    index, low, on, stack, found = {}, {}, set(), [], []
    for root in graph:
        if root in index:
            continue
        work = [(root, iter(sorted(graph[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on.add(root)
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in graph:
                    continue
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on.add(other)
                    work.append((other, iter(sorted(graph[other]))))
                    break
                if other in on:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    at = stack.index(node)
                    if len(stack) - at > 1:
                        found.append(sorted(stack[at:]))
                    on -= set(stack[at:])
                    del stack[at:]
    return sorted(found, key=lambda c: (-len(c), c))


def cycles_in_folders(graph):
    """The cycles among the files of one folder, for each folder: folder -> list of cycles."""
    members = defaultdict(set)
    for source in graph:
        members[str(Path(source).parent)].add(source)
    out = {}
    for folder, files in sorted(members.items()):
        found = cycles({f: graph[f] & files for f in files})
        if found:
            out[folder] = found
    return out


def a_way_round(graph, cycle):
    """A shortest closed walk through the first file of a cycle, for people: a -> b -> a."""
    inside, start = set(cycle), cycle[0]
    before, queue = {}, [start]
    for node in queue:
        for other in sorted(graph[node] & inside):
            if other == start:
                walk = [start]
                while node != start:
                    walk.insert(0, node)
                    node = before[node]
                return [start, *walk]
            if other not in before:
                before[other] = node
                queue.append(other)
    return [*cycle]


def functions(source):
    """(name, first line, lines) of each function defined in a file, by the project's format: its body begins with `{` and ends with `}` at the margin."""
    lines = (ROOT / source).read_text(errors="replace").splitlines()
    begin = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            begin = number - 1
            while begin > 1 and lines[begin - 2].strip() and not re.match(r"[}#/ *]|.*[;}]$|.*\*/$", lines[begin - 2]):
                begin -= 1
            head = " ".join(x.strip() for x in lines[begin - 1:number - 1])
            found = re.search(r"(\w+)\(", head)
            name = found[1] if found else None
        elif line.startswith("}") and begin:
            if name:
                yield name, begin, number - begin + 1
            begin = None
