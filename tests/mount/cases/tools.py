# SPDX-License-Identifier: MIT
"""People's tools, each run twice and once interrupted: one copy, counted at the simulator, and status 0 the second time.

The table below is all that is known of a tool. In its commands FILE is the snapshot file, FOLDER the snapshot's folder, ID its id, TO the
destination region's folder, OUT an empty folder outside the mount, REPLAY tests/mount/replays.py.
"""
import json
import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass

from harness import CASES, ROOT, SLOW, Failure, case, check, contains, read, same, status, until
from world import BARE, NIGHTLY, snapshot

SLOW_COPY = 2  # seconds that EC2 takes for the CopySnapshot that is interrupted
INTERRUPT = "CopySnapshot was sent and is not yet answered"


@dataclass
class Tool:
    name: str
    first: str             # the command
    again: str = ""        # the same again, if it is another command
    retry: str = ""        # run after an interruption, if it is not `first`
    folder: bool = False   # it copies the snapshot's folder: description and tags are the folder's
    refused: str = ""      # it never ends with status 0, and says this; the copy is made all the same
    quick: bool = False    # also in the tests of every day
    needs: str = ""        # the program, if it is not the name's first word
    setup: str = ""        # before the first run in a region
    waits: bool = False    # it makes a folder without a description, whose copy waits a moment and then gets the default


NEW = "$TO/$ID.snapshot"
VIM = "vim -es -u NONE -N --cmd \"set directory=.,$OUT\" -c 'set writebackup backupskip= backupcopy={}' -c '%s/nightly/weekly/e' -c 'w!{}' -c 'q!'"
MC_FIRST = f"cp -p $FILE $OUT/; $REPLAY keys '|\\x0e|\\x1b5|\\r|\\x1b0|' mc -u -d -a $OUT $TO && cmp $FILE {NEW}"
MC_AGAIN = MC_FIRST.replace("\\r|", "\\r|\\r|")  # "Overwrite this file?"
RSYNC_REFUSED = "sender failed to remove"


def vim(how):
    return Tool(f"vim backupcopy={how}", VIM.format(how, " '$TO'/x") + " $FILE", again=VIM.format(how, "") + " $TO/x", quick=how == "no")


def rsync(options, **more):
    return Tool(f"rsync {options}".rstrip(), f"rsync {options} $FILE $TO/", needs="rsync", **more)


TOOLS = [
    # coreutils
    Tool("cp", "cp $FILE $TO/", quick=True),
    Tool("cp -f", "cp -f $FILE $TO/"),
    Tool("cp -n", "cp -n $FILE $TO/"),
    Tool("cp -u", "cp -u $FILE $TO/"),
    Tool("cp -p", "cp -p $FILE $TO/"),
    Tool("cp -a", "cp -a $FILE $TO/"),
    Tool("cp -b", "cp -b $FILE $TO/", quick=True),
    Tool("cp --backup=numbered", "cp --backup=numbered $FILE $TO/"),
    Tool("cp --remove-destination", "cp --remove-destination $FILE $TO/"),
    Tool("cp --sparse=always", "cp --sparse=always $FILE $TO/"),
    Tool("cp -r folder", "cp -r $FOLDER $TO/snapshots/", folder=True, quick=True),
    Tool("cp -a folder", "cp -a $FOLDER $TO/snapshots/", folder=True),
    Tool("cp -rf folder", "cp -rf $FOLDER $TO/", folder=True),
    Tool("install", "install $FILE $TO/x", quick=True),
    Tool("install -b", "install -b $FILE $TO/x"),
    Tool("install -C", "install -C $FILE $TO/x"),
    Tool("mv", "cp -p $FILE $OUT/; mv $OUT/$ID.snapshot $TO/"),
    Tool("mv -b", "cp -p $FILE $OUT/; mv -b $OUT/$ID.snapshot $TO/"),
    Tool("dd", "dd if=$FILE of=$TO/x status=none"),
    Tool("dd bs=1 conv=notrunc,fsync", "dd if=$FILE of=$TO/x bs=1 conv=notrunc,fsync status=none"),
    Tool("tee", "tee $TO/x < $FILE > $OUT/null"),
    Tool("cat", "cat $FILE > $TO/x"),
    Tool("busybox cp", "busybox cp $FILE $TO/"),
    Tool("busybox cp -a folder", "busybox cp -a $FOLDER $TO/snapshots/", folder=True),
    Tool("busybox tar", "busybox tar cf - -C $FOLDER/.. $ID | busybox tar xf - -C $TO/snapshots", folder=True),
    Tool("busybox sed -i", "cp $FILE $TO/x; busybox sed -i s/nightly/weekly/ $TO/x", again="busybox sed -i s/weekly/monthly/ $TO/x"),
    # Editors
    Tool("sed -i", "cp $FILE $TO/x; sed -i s/nightly/weekly/ $TO/x", again="sed -i s/weekly/monthly/ $TO/x", quick=True),
    Tool("sed -i.bak", "cp $FILE $TO/x; sed -i.bak s/nightly/weekly/ $TO/x", again="sed -i.bak s/weekly/monthly/ $TO/x"),
    Tool("perl -pi", "cp $FILE $TO/x; perl -pi -e s/nightly/weekly/ $TO/x", again="perl -pi -e s/weekly/monthly/ $TO/x"),
    Tool("perl -pi.bak", "cp $FILE $TO/x; perl -pi.bak -e s/nightly/weekly/ $TO/x", again="perl -pi.bak -e s/weekly/monthly/ $TO/x"),
    vim("no"), vim("yes"), vim("auto"),
    Tool("vim backup", VIM.format("auto backup", " $TO/x") + " $FILE", again=VIM.format("auto backup", "") + " $TO/x"),
    Tool("nano", r"$REPLAY keys '|\x12|'$FILE'\r|\x0f|\r|\x18|' nano -I $TO/x", again=r"$REPLAY keys '|# again\r|\x0f|\r|\x18|' nano -I $TO/x",
         retry=r"$REPLAY keys '|# again\r|\x0f|\r|\x18|' nano -I $TO/x; grep -q ^region: $TO/x || cp $FILE $TO/x"),
    Tool("nano -B", r"$REPLAY keys '|\x12|'$FILE'\r|\x0f|\r|\x18|' nano -I -B $TO/x", again=r"$REPLAY keys '|# again\r|\x0f|\r|\x18|' nano -I -B $TO/x",
         retry=r"$REPLAY keys '|# again\r|\x0f|\r|\x18|' nano -I -B $TO/x; grep -q ^region: $TO/x || cp $FILE $TO/x"),
    Tool("emacs", "$REPLAY emacs $FILE $TO/x", needs="python3"),
    # rsync
    rsync("-a", quick=True), rsync(""), rsync("-t"), rsync("-a --inplace"), rsync("-a --append"), rsync("-a --append-verify"), rsync("-a --partial"),
    rsync("-a --partial-dir=.rsync-partial"), rsync("-a --delay-updates", quick=True), rsync("-a --temp-dir=.new", setup="mkdir -p $TO/.new"),
    rsync("-a --temp-dir=$OUT"), rsync("-au"), rsync("-ac"), rsync("-a --ignore-existing"), rsync("-a --size-only"), rsync("-a --backup"), rsync("-ab --suffix=.old"),
    rsync("-a --ignore-times"), rsync("-a --no-whole-file --checksum"), rsync("-a --fsync"),
    rsync("-a --remove-source-files", refused=RSYNC_REFUSED),
    Tool("rsync -a --delete", "cp -p $FILE $OUT/; rsync -a --delete --exclude=/snapshots $OUT/ $TO/"),
    Tool("rsync -a folder", "rsync -a $FOLDER $TO/snapshots/", folder=True, quick=True),
    Tool("rsync -a --delay-updates folder", "rsync -a --delay-updates $FOLDER $TO/snapshots/", folder=True),
    Tool("rsync -a --inplace folder", "rsync -a --inplace $FOLDER $TO/snapshots/", folder=True),
    # Other programs that copy
    Tool("rclone copy", "rclone --config= copy $FILE $TO/", quick=True),
    Tool("rclone copy folder", "rclone --config= copy $FOLDER $TO/snapshots/$ID", folder=True),
    Tool("rclone copy --include", "rclone --config= copy --include \"$ID.snapshot\" $FOLDER/.. $TO/snapshots", waits=True),
    Tool("rclone sync", "rclone --config= sync $FOLDER $TO/snapshots/$ID", folder=True),
    Tool("rclone with .partial", f"$REPLAY partial $FILE {NEW}", needs="python3"),
    Tool("tar", "tar cf - -C $FOLDER/.. $ID | tar xf - -C $TO/snapshots", folder=True, quick=True),
    Tool("tar file", "tar cf - -C $FOLDER $ID.snapshot | tar xf - -C $TO", needs="tar"),
    Tool("tar --overwrite", "tar cf - -C $FOLDER/.. $ID | tar xf - --overwrite -C $TO/snapshots", folder=True),
    Tool("cpio -p", "cd $FOLDER/..; find $ID | cpio -pdm --quiet $TO/snapshots", folder=True),
    Tool("cpio -pu", "cd $FOLDER/..; find $ID -depth | cpio -pdmu --quiet $TO/snapshots", folder=True),
    Tool("cpio -i", "(cd $FOLDER/..; find $ID | cpio -o --quiet) | (cd $TO/snapshots; cpio -idmu --quiet)", folder=True),
    Tool("unison", "cp -p $FILE $OUT/x; UNISON=$OUT/.unison unison $OUT $TO -path x -batch -auto -ui text -perms 0 -fastcheck true", needs="unison"),
    Tool("gio copy", "gio copy $FILE $TO/x", quick=True),
    Tool("gio copy --backup", "gio copy --backup $FILE $TO/x"),
    Tool("gio save", "gio save $TO/x < $FILE"),
    Tool("gio save --backup", "gio save --backup $TO/x < $FILE"),
    Tool("GNOME Files", "$REPLAY gnome-files $FILE $TO/x", needs="python3"),
    Tool("gedit", "$REPLAY gedit $FILE $TO/x", needs="python3"),
    Tool("KIO", "$REPLAY kio $FILE $TO/x", needs="python3"),
    Tool("mc", MC_FIRST, again=MC_AGAIN, retry=f"if [ -e {NEW} ]; then {MC_AGAIN}; else {MC_FIRST}; fi"),
    Tool("sftp put", f"echo put $FILE {NEW} | sftp -q -b - -D /usr/lib/openssh/sftp-server", quick=True),
    Tool("sftp put -p", f"echo put -p $FILE {NEW} | sftp -q -b - -D /usr/lib/openssh/sftp-server"),
    Tool("WinSCP", f'printf "put $FILE {NEW}.filepart\\nrename {NEW}.filepart {NEW}\\n" | sftp -q -b - -D /usr/lib/openssh/sftp-server', needs="sftp"),
    Tool("sftp put -r", "echo put -rp $FOLDER $TO/snapshots/ | sftp -q -b - -D /usr/lib/openssh/sftp-server", folder=True),
    Tool("scp", "scp -q -D /usr/lib/openssh/sftp-server $FILE host:$TO/"),
    Tool("shutil.copy", "python3 -c \"import shutil; shutil.copy('$FILE', '$TO')\"", needs="python3"),
    Tool("shutil.copy2", "python3 -c \"import shutil; shutil.copy2('$FILE', '$TO')\"", needs="python3"),
    Tool("shutil.copytree", "python3 -c \"import shutil; shutil.copytree('$FOLDER', '$TO/snapshots/$ID', dirs_exist_ok=True)\"", needs="python3", folder=True),
    Tool("os.replace", "$REPLAY os-replace $FILE $TO/x", needs="python3"),
    # os.CopyFS() itself refuses what is there: the receipt goes before it runs again.
    Tool("os.CopyFS", "$REPLAY copyfs $FOLDER $TO/snapshots/$ID", again="rm -r $TO/snapshots/$ID; $REPLAY copyfs $FOLDER $TO/snapshots/$ID",
         retry="rm -rf $TO/snapshots/$ID; $REPLAY copyfs $FOLDER $TO/snapshots/$ID", needs="python3", folder=True, quick=True),
]


def words_of(tool):
    return tool.name.lower().replace("--", "").replace(" -", "-").translate(str.maketrans({" ": "-", "=": "-", ".": "-", ",": "-", "$": "", "/": "-", ":": "-"}))


class Run:
    """One tool and one destination region."""

    def __init__(self, t, m, tool, region):
        self.t, self.m, self.tool, self.region = t, m, tool, region
        self.problems = []
        out = t.path(f"out-{region}")
        os.makedirs(out)
        self.env = {**t.env, "FILE": m.file("us-east-1", NIGHTLY), "FOLDER": m.folder("us-east-1", NIGHTLY), "ID": NIGHTLY, "TO": m.region(region), "OUT": out,
                    "REPLAY": str(ROOT / "tests/mount/replays.py"), "VIMINIT": "", "TERM": "xterm"}
        if tool.setup:
            t.ok(tool.setup, env=self.env)

    def run(self, command):
        done = self.t.run(command, env=self.env, seconds=60)
        good = done.code != 0 and self.tool.refused in done.err if self.tool.refused else done.code == 0
        return good, f"{done!r}\n    last error: {read(self.m('.ebsfs/last-error')).strip().splitlines()[-1]}"

    def must(self, what, command):
        good, words = self.run(command)
        if not good:
            self.problems.append(f"{what}: {words}")

    def settled(self):
        """All jobs are sent or ended."""
        return not any(j["state"] in ("queued", "submitting") for j in json.loads(read(self.m("copies.json"))))

    def one_copy(self, when):
        until(lambda: self.t.sim.copies(self.region), f"{when}: a copy", 20)
        until(self.settled, f"{when}: every job sent or ended", 20)
        found = self.t.sim.copies(self.region)
        if len(found) != 1:
            self.problems.append(f"{when}: {len(found)} copies: {[(c['SnapshotId'], c['Description']) for c in found]}")
            return
        tags = {k: v for k, v in found[0]["Tags"].items() if not k.startswith("ebsfs:")}
        wanted = ("nightly db" if self.tool.folder else f"[Copied {NIGHTLY} from us-east-1] nightly db", {"Name": "db", "env": "prod"})
        if (found[0]["Description"], tags) != wanted:
            self.problems.append(f"{when}: the copy is {(found[0]['Description'], tags)}, wanted {wanted}")

    def interrupted(self, number):
        """Runs the tool and sends it a signal while EC2 takes its time. It may have ended before, if its copy waits for the rest of a folder."""
        process = subprocess.Popen(["bash", "-c", self.tool.first], env=self.env, cwd=self.m("regions"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            until(lambda: self.t.sim.count("CopySnapshot", self.region) or process.poll() is not None, INTERRUPT)
            if process.poll() is not None and not self.tool.folder and not self.tool.waits and not self.t.sim.count("CopySnapshot", self.region):
                self.problems.append(f"interrupted: it ended with status {process.returncode} before CopySnapshot was sent")
            time.sleep(0.1)
            if process.poll() is None:
                os.killpg(process.pid, number)
            process.wait(SLOW * 15)
        except subprocess.TimeoutExpired:
            pass  # an editor that ignores the signal
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()

    def until_status_0(self, command):
        for _ in range(4):
            good, words = self.run(command)
            if good:
                return
        self.problems.append(f"after the interruption: {words}")


def table(tool):
    def test(t):
        t.need(tool.needs or tool.name.split()[0])
        m = t.mount()
        m.allow("EEXIST", "File exists")
        t.sim.set_copy_seconds(3600)
        t.sim.set_lag(5)
        twice, once = Run(t, m, tool, "eu-west-1"), Run(t, m, tool, "us-west-2")
        twice.must("the first time", tool.first)
        twice.one_copy("the first time")
        twice.must("the second time", tool.again or tool.first)
        twice.one_copy("the second time")
        t.sim.fault("CopySnapshot", region="us-west-2", effect="slow", seconds=SLOW_COPY, nth=1)
        once.interrupted(signal.SIGINT)
        once.until_status_0(tool.retry or tool.first)
        once.one_copy("interrupted, and run again")
        problems = twice.problems + once.problems
        if problems:
            raise Failure("\n".join(problems))

    test.__doc__ = tool.first
    test.long = "also" if tool.quick else True
    return test


CASES.update({words_of(tool): table(tool) for tool in TOOLS})


def file(id=NIGHTLY):
    return f"us-east-1/snapshots/{id}/{id}.snapshot"


@case
def mv_from_region_to_region(t):
    """With -o delete: run twice, or interrupted and run again, there is one copy, and the source goes when it has completed."""
    m = t.mount("delete")
    t.sim.set_copy_seconds(3600)
    t.ok(f"mv {file()} eu-west-1/")
    t.ok(f"mv {file()} eu-west-1/")
    t.sim.fault("CopySnapshot", region="us-west-2", effect="slow", seconds=SLOW_COPY, nth=1)
    mv = subprocess.Popen(["mv", file(BARE), "us-west-2/"], env=t.env, cwd=m("regions"), stderr=subprocess.DEVNULL, start_new_session=True)
    until(lambda: t.sim.count("CopySnapshot", "us-west-2"), INTERRUPT)
    os.killpg(mv.pid, signal.SIGINT)
    mv.wait()
    t.ok(f"mv {file(BARE)} us-west-2/")
    for region, source in (("eu-west-1", NIGHTLY), ("us-west-2", BARE)):
        found = t.sim.copies(region)
        same(len(found), 1, "copies in", region, found)
        check(source in {s["SnapshotId"] for s in t.sim.snapshots("us-east-1")}, "the source of a running copy is deleted")
        t.sim.end_snapshot(region, found[0]["SnapshotId"])
        until(lambda: source not in {s["SnapshotId"] for s in t.sim.snapshots("us-east-1")}, "the source is deleted", 30)
    same(t.sim.count("CopySnapshot"), 2)


@case
def two_programs_at_once(t):
    """The second waits for the first's answer, be it a copy or a refusal, and gets the same."""
    m = t.mount()
    m.allow("UnauthorizedOperation")

    def both(region):
        started = [subprocess.Popen(["cp", file(), f"{region}/{name}"], env=t.env, cwd=m("regions"), stderr=subprocess.PIPE, text=True) for name in "xy"]
        return [(p.communicate()[1].partition(": ")[2].partition(": ")[2].strip(), p.returncode) for p in started]

    t.sim.fault("CopySnapshot", region="eu-west-1", effect="slow", seconds=SLOW_COPY)
    same(both("eu-west-1"), [("", 0)] * 2)
    same(len(t.sim.copies("eu-west-1")), 1)
    same(len({status(m.region("eu-west-1", name + ".status"))["snapshot"] for name in "xy"}), 1, "the copies of the two receipts")
    t.sim.fault("CopySnapshot", region="us-west-2", code="UnauthorizedOperation", http=403)
    same(both("us-west-2"), [("Permission denied", 1)] * 2)
    same(t.sim.copies("us-west-2"), [])


@case
def ebsfs_killed_under_a_tool(t):
    """rsync -a loses its file system while EC2 takes its time. Mounted again and run again, there is one copy."""
    m = t.mount("window=3")
    t.sim.fault("CopySnapshot", effect="slow", seconds=SLOW_COPY)
    rsync = t.background(["rsync", "-a", m.file("us-east-1", NIGHTLY), m.region("eu-west-1") + "/"], stderr=subprocess.DEVNULL)
    until(lambda: t.sim.count("CopySnapshot"), INTERRUPT)
    m.kill()
    check(rsync.wait(20) != 0, "rsync was told nothing")
    t.ok(f"fusermount3 -uz {m.path}", cwd="/")
    m = t.mount("window=3")
    m.allow("CopySnapshot")
    until(lambda: all(j["state"] != "submitting" for j in json.loads(read(m("copies.json")))), "the lost request is decided", 30)
    t.ok(f"rsync -a {file()} eu-west-1/")
    same(len(t.sim.copies("eu-west-1")), 1)


TAG_EDITORS = (
    *(f"vim -es -u NONE -N -c 'set writebackup backupskip= backupcopy={how}' -c '%s/db/new/' -c wq tags/Name" for how in ("no", "yes", "auto")),
    "vim -es -u NONE -N -c 'set backup writebackup backupskip=' -c '%s/db/new/' -c wq tags/Name",
    r"$REPLAY keys '|\x0b|new|\x0f|\r|\x18|' nano -I tags/Name",
    r"$REPLAY keys '|\x0b|new|\x0f|\r|\x18|' nano -I -B tags/Name",
    "echo new > $OUT; $REPLAY emacs $OUT tags/Name",
    "echo new > $OUT; $REPLAY gedit $OUT tags/Name",
)


@case
def editors_of_a_tag(t):
    """Each makes one CreateTags and nothing else: its scratch files are no tags."""
    ids = [f"snap-0{n:02d}00000000000000" for n in range(len(TAG_EDITORS))]
    t.start_sim(world={"regions": {"us-east-1": {"snapshots": [snapshot(id, Tags={"Name": "db", "env": "prod"}) for id in ids]}}})
    m = t.mount()
    env = {"REPLAY": str(ROOT / "tests/mount/replays.py"), "OUT": t.path("new"), "VIMINIT": "", "TERM": "xterm"}
    problems = []
    for id, command in zip(ids, TAG_EDITORS):
        before = t.sim.count("CreateTags")
        done = t.run(command, env=env, cwd=m.folder("us-east-1", id))
        got = (done.code, t.sim.count("CreateTags") - before, t.sim.snapshot("us-east-1", id)["Tags"])
        if got != (0, 1, {"Name": "new", "env": "prod"}):
            problems.append(f"{got} {done!r}\n    last error: {read(m('.ebsfs/last-error')).split('message: ')[-1].strip()}")
    check(not problems, "\n".join(problems))
    same(t.sim.count("DeleteTags"), 0)


@case
def remove_source_files_with_delete(t):
    """Snapshots are deleted by rmdir alone."""
    m = t.mount("delete")
    t.ok(f"cp {file()} eu-west-1/")
    contains(t.run(f"rsync -a --remove-source-files {file()} us-west-2/").err, RSYNC_REFUSED)
    check(os.path.exists(m.file("us-east-1", NIGHTLY)), "the source is gone")
    same((len(t.sim.copies("us-west-2")), t.sim.count("DeleteSnapshot")), (1, 0))


@case
def interrupted_at_random_moments(t):
    """50 times by SIGINT, SIGTERM or SIGKILL, and run again until the status is 0: each snapshot has one copy."""
    seed = int(os.environ.get("EBSFS_SEED", time.time_ns() % 10**6))
    print("EBSFS_SEED =", seed)
    dice = random.Random(seed)
    ids = [f"snap-0{n:02d}00000000000000" for n in range(50)]
    t.start_sim(world={"regions": {"us-east-1": {"snapshots": [snapshot(id, Description="nightly") for id in ids]}, "eu-west-1": {"snapshots": []}}})
    m = t.mount()
    m.allow("nterrupt")
    t.sim.fault("CopySnapshot", effect="slow", seconds=0.4, times=10000)
    t.sim.set(copy_limit=1000, copy_seconds=3600, throttle=0)
    for id in ids:
        command = dice.choice([f"cp {file(id)} eu-west-1/", f"rsync -a {file(id)} eu-west-1/", f"rsync -a --delay-updates {file(id)} eu-west-1/", f"install {file(id)} eu-west-1/{id}",
                               f"cp -r us-east-1/snapshots/{id} eu-west-1/snapshots/", f"rsync -a us-east-1/snapshots/{id} eu-west-1/snapshots/"])
        process = subprocess.Popen(["bash", "-c", command], env=t.env, cwd=m("regions"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
        time.sleep(dice.uniform(0, 0.6) * SLOW)
        if process.poll() is None:
            os.killpg(process.pid, dice.choice((signal.SIGINT, signal.SIGTERM, signal.SIGKILL)))
        process.wait()
        until(lambda: t.run(command).code == 0, f"{command} ends with status 0")
    until(lambda: len(json.loads(read(m("copies.json")))) >= 50 and all(j["state"] == "pending" for j in json.loads(read(m("copies.json")))), "all are sent", 60)
    same(sorted(c["Tags"]["ebsfs:source"] for c in t.sim.snapshots("eu-west-1")), sorted(f"us-east-1/{id}" for id in ids))


interrupted_at_random_moments.long = True
interrupted_at_random_moments.seconds = 300
