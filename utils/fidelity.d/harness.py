"""What the suites share: programs, alone and in images; runs; comparison; the table.

A case runs a program some way and tells what came of it, as a dictionary of items
(a test, a script, a command) and texts (an outcome, an output). It is run alone, and
in images. Where something differs it is run alone again: items that differ between
those two runs are unstable and nothing is said about them.

All ways run a case in the same directory, made anew each time, with the program
under the same path there. Alone that path is a wrapper of a few lines that
executes the program with the argv[0] that an image gives it, so that neither paths nor
names have to be rewritten before outputs are compared.
"""

import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
NONE = "(not run)"

WRAPPER = r"""
#include <unistd.h>
int main(int argc, char **argv) {
  argv[0] = PROGRAM;
  execv(PROGRAM, argv);
  return 127;
}
"""


class Failed(Exception):
    """A case cannot be run at all; the text says why."""


class TimeOver(Failed):
    """The whole run has taken too long."""


def check(*words, **more):
    """Runs a command that has to succeed."""
    done = subprocess.run([str(w) for w in words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    if done.returncode:
        last = done.stdout.decode(errors="replace").strip().splitlines()[-1:]
        raise Failed(f"{words[0]} failed: {' '.join(last)}")
    return done.stdout.decode(errors="replace")


class Tools:
    """Where elfmerge is and where programs and images are kept."""

    def __init__(self, elfmerge, work, end):
        self.end = end  # When all has to be over, by time.monotonic.
        self.elfmerge = elfmerge
        self.work = work
        self.lock = threading.RLock()
        self.kept = {}
        os.makedirs(work, exist_ok=True)

    def path(self, *names):
        path = os.path.join(self.work, *names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def once(self, key, make):
        """make(path) is called once for each key; gives the path."""
        with self.lock:
            if key not in self.kept:
                path = self.path("made", re.sub(r"[^\w.+-]", "_", key))
                try:
                    make(path)
                    self.kept[key] = path
                except Failed as failed:
                    self.kept[key] = failed
            if isinstance(self.kept[key], Failed):
                raise self.kept[key]
            return self.kept[key]

    def compile(self, name, source, *flags, compiler="gcc"):
        """An executable of a file in this directory."""
        return self.once(name, lambda path: check(compiler, "-O2", "-o", path,
                                                  os.path.join(HERE, source), *flags))

    @staticmethod
    def mode(mode):
        return [] if mode == "thread" else [f"--mode={mode}"]

    def has(self, mode):
        """Whether elfmerge has this mode: whether instances have one process id or two."""
        image = self.path("mode", mode)
        done = subprocess.run([self.elfmerge, *self.mode(mode), "-o", image, "--count=2",
                               "/bin/dash", "-c", "echo $$"], capture_output=True)
        if done.returncode:
            return False
        done = subprocess.run([image], capture_output=True, text=True, timeout=20)
        return len(set(done.stdout.split())) == {"thread": 1, "process": 2}[mode]

    def idle(self):
        return self.compile("idle", "idle.c", "-static-pie")

    def wrapper(self, program):
        def make(path):
            with open(path + ".c", "w") as file:
                file.write(WRAPPER)
            check("gcc", "-O1", f'-DPROGRAM="{program}"', path + ".c", "-o", path)
        return self.once(f"alone-{program}", make)

    def image(self, program, mode, count, options):
        """Instances of the program: one beside two that are idle, or several."""
        def make(path):
            words = [self.elfmerge, *self.mode(mode), "--exit=first", *options, "-o", path]
            for number in range(count):
                words += [f"--name=subject{number}", f"--argv0={program}", program, ";"]
            words += ["--name=idle", f"--count={3 - count}", self.idle()]
            check(*words)
        return self.once(f"{mode}-{count}-{program}", make)


class Run:
    """One run of a case in one way."""

    def __init__(self, tools, case, mode, count):
        self.tools, self.mode, self.count = tools, mode, count
        self.dir = tools.path("run", case.name)
        self.bin = os.path.join(self.dir, "bin")
        self.token = uuid.uuid4().hex
        self.deadline = min(time.monotonic() + case.limit, tools.end)
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.bin)
        os.makedirs(os.path.join(self.dir, "tmp"))
        keep = {"PATH", "HOME", "USER", "LOGNAME"}
        self.env = {k: v for k, v in os.environ.items() if k in keep}
        self.env.update(LC_ALL="C.UTF-8", TZ="UTC", TMPDIR=os.path.join(self.dir, "tmp"),
                        FIDELITY_RUN=self.token)
        for name, program in case.programs(tools).items():
            self.program(name, program, case.options)

    def program(self, name, program, options=()):
        """Puts the program, or an image of it, into the directory `bin`."""
        if self.mode == "alone":
            target = self.tools.wrapper(program)
        else:
            target = self.tools.image(program, self.mode, self.count, options)
        # Not a symbolic link: /proc/self/exe is this path.
        os.link(target, os.path.join(self.bin, name))

    def start(self, words, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("cwd", self.dir)
        env = dict(self.env, **more.pop("env", {}))
        return subprocess.Popen([str(w) for w in words], start_new_session=True, env=env, **more)

    def stop(self, process):
        """Ends what was started here and what is in its process group."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def sweep(self):
        """Ends what has left its process group and was left behind."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if f"FIDELITY_RUN={self.token}".encode() in file.read():
                        os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass  # It is another user's, or has just ended.

    def command(self, *words, timeout=60, input=None, **more):
        """Status and output of a command; death by signal n is 128 + n."""
        timeout = min(timeout, self.deadline - time.monotonic())
        if timeout <= 0:
            return "not run: the case's time is over", ""
        with tempfile.TemporaryFile() as out:
            if input is not None:
                more["stdin"] = tempfile.TemporaryFile()
                more["stdin"].write(input.encode())
                more["stdin"].seek(0)
            process = self.start(words, stdout=out, stderr=subprocess.STDOUT, **more)
            try:
                status = process.wait(timeout)
                status = f"status {status if status >= 0 else 128 - status}"
            except subprocess.TimeoutExpired:
                status = f"hangs (no end after {timeout:.0f} s)"
            self.stop(process)
            out.seek(0)
            return status, out.read().decode(errors="replace")

    def item(self, *words, **more):
        """Status and output as one text."""
        status, output = self.command(*words, **more)
        return f"{status}\n{output}"


class Case:
    """What to run. `programs` says what is put into `bin`, `run` does it."""

    def __init__(self, name, suite, programs, run, *, limit=300, quick=False, two=False,
                 options=(), unsteady=()):
        self.name, self.suite, self.run, self.limit = name, suite, run, limit
        self.quick, self.two, self.options = quick, two, options
        self.programs = programs if callable(programs) else lambda tools: programs
        self.unsteady = unsteady  # Patterns of what must differ, and what takes its place.

    def outcome(self, tools, mode, count=1):
        run = Run(tools, self, mode, count)
        try:
            items = self.run(run)
        finally:
            run.sweep()
        if time.monotonic() > tools.end:
            raise TimeOver("given up: the time was over")
        for pattern, text in self.unsteady:
            items = {k: re.sub(pattern, text, v) for k, v in items.items()}
        return items


def first_difference(one, other):
    """The first line in which two texts differ, of each."""
    a, b = one.splitlines(), other.splitlines()
    for n in range(max(len(a), len(b))):
        left = a[n] if n < len(a) else "(end)"
        right = b[n] if n < len(b) else "(end)"
        if left != right:
            return left, right
    return one, other


class Report:
    """The rows of a case: what was the same and what was not."""

    def __init__(self, case):
        self.case = case
        self.total, self.unstable, self.seconds = 0, [], 0.0
        self.ways = {}  # way: list of (item, alone, image), or a text
        self.error = None

    def save(self, path):
        with open(path, "w") as file:
            json.dump({k: v for k, v in vars(self).items() if k != "case"}, file)

    def load(self, path):
        with open(path) as file:
            vars(self).update(json.load(file))
        return self

    def cell(self, way):
        found = self.ways.get(way)
        if found is None or isinstance(found, str):
            return found or "–"
        same = self.total - len(self.unstable) - len(found)
        return f"all {same} the same" if not found else f"{same} the same, **{len(found)} not**"


def differing(one, other):
    """The items that are not in both with the same text."""
    return {k for k in one.keys() | other.keys() if one.get(k) != other.get(k)}


def examine(tools, case, modes):
    report = Report(case)
    begin = time.monotonic()
    try:
        alone = case.outcome(tools, "alone")
        found = {}
        for mode in modes:
            for count in (1, 2) if case.two else (1,):
                way = f"{mode} ×{count}"
                try:
                    found[way] = case.outcome(tools, mode, count)
                except TimeOver:
                    raise
                except Failed as failed:
                    report.ways[way] = f"not run: {failed}"
        # What is the same needs no second look.
        if any(differing(alone, items) for items in found.values()):
            report.unstable = sorted(differing(alone, case.outcome(tools, "alone")))
        report.total = len(set().union(alone, report.unstable, *found.values()))
        for way, items in found.items():
            report.ways[way] = [(k, *first_difference(alone.get(k, NONE), items.get(k, NONE)))
                                for k in sorted(differing(alone, items) - set(report.unstable))]
    except Failed as failed:
        report.error = str(failed)
    report.seconds = time.monotonic() - begin
    return report


def reasons(path):
    """Lines `CASE ITEM MODE REASON`, the first three patterns, tab-separated."""
    with open(path) as file:
        return [line.rstrip("\n").split("\t") for line in file
                if line.strip() and not line.startswith("#")]


def reason(known, case, item, way):
    for case_pattern, item_pattern, way_pattern, text in known:
        if (fnmatch.fnmatchcase(case, case_pattern) and fnmatch.fnmatchcase(item, item_pattern)
                and fnmatch.fnmatchcase(way, way_pattern)):
            return text
    return None
