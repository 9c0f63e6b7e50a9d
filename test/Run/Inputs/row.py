"""Does a program that checks itself hold as an instance as it does alone?

Usage: row.py ELFMERGE DIRECTORY SOURCE [--musl] [--modes=MODE,...] [--race=COUNTxTIMES]

Builds SOURCE (written with row.h) as a static PIE and as a dynamic PIE, with --musl
also as a static one of musl's, and runs each of them

    native    alone: has to succeed; all others are compared with this
    x1        as an image of one instance
    x4        as an image of four
    hostile   beside hostile.c, with the exit status of the program itself
    together  all builds in one image, each twice (runs once), or with --modes once

The sorted lines have to be those of the native run, as many times as there are
instances, and so has the status to be. What hung with one build is not tried with the next.

With --modes, SOURCE is a program that ends in many ways, its argument says how. Native
runs may then have any status. `x1` and `hostile` run for each mode with one build or the
other, `together` is one image of all modes and builds. A mode that begins with `crash-` runs alone only.

With --race, only `race` is run, TIMES times, or less often when it takes long: all
builds in one image, COUNT instances of each, while both processors are kept busy.

Environment: IMAGE_OPTIONS, more options for elfmerge, such as --mode=process;
ROW_CONFIGURATIONS, only these, as `x4 static`, separated by commas; ROW_HOSTILE_ACTS, all
that hostile.c does, as `fork wait`.
"""

import argparse
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time

INPUTS = os.path.dirname(os.path.abspath(__file__))
NATIVE_LIMIT = 60  # seconds
RACE_LIMIT = 15     # after which a race is not run again
IMAGE_LIMIT = 150
# Each thread takes an id, so that the kernel soon gives ids of the image's anew.
LOAD = """from _thread import *
lock = allocate_lock()
while lock.acquire(): start_new_thread(lock.release, ())"""
MUSL = "/usr/lib/x86_64-linux-musl/"


class Failure(Exception):
    pass


def default_signals():
    """What runs the tests may ignore or block signals, which programs inherit."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def command(*words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Failure("%s: status %d\n%s" % (shlex.join(words), done.returncode, done.stdout))


def build(kind, source, output):
    if kind == "musl":
        command("musl-gcc", "-O1", "-fPIE", "-I" + INPUTS, "-c", source, "-o", output + ".o")
        # musl-gcc takes -static-pie for -pie; rcrt1.o makes the real one.
        command("gcc", "-static-pie", "-nostdlib", "-nostartfiles", MUSL + "rcrt1.o", MUSL + "crti.o",
                output + ".o", MUSL + "libc.a", "-lgcc", "-lgcc_eh", MUSL + "crtn.o", "-o", output)
        return
    how = ["-static-pie"] if kind == "static" else ["-fPIE", "-pie"]
    compiler = "g++" if source.endswith(".cpp") else "gcc"
    command(compiler, "-O1", *how, "-pthread", "-Wno-unused-result", "-I" + INPUTS, source, "-o", output)


def has_ended(process):
    """It stays one to be waited for, so that its id is nobody else's."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def run(words, limit, directory, ends=0, stop=None):
    """Output and status of a program. When it has said "end" so many times, `stop` is made."""
    shutil.rmtree(directory, ignore_errors=True)
    os.mkdir(directory)
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, cwd=directory, start_new_session=True)
    output = b""
    deadline = time.monotonic() + limit
    ended = hung = False
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            hung = True
            break
        if not select.select([process.stdout], [], [], min(left, 0.2))[0]:
            if ended:  # and what it had written before was read
                break
            ended = has_ended(process)
            continue
        piece = os.read(process.stdout.fileno(), 65536)
        if not piece:
            break
        output += piece
        if stop and output.count(b"end\n") >= ends:
            time.sleep(0.05)
            open(stop, "w").close()
            stop = None
    deadline = max(deadline, time.monotonic() + 0.1)
    while not has_ended(process):
        if time.monotonic() > deadline:
            hung = True
            break
        time.sleep(0.002)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    status = process.wait()
    if hung:
        status = "hung"
    elif status < 0:
        status = 128 - status
    return output.decode(errors="replace"), status


def is_crash(mode):
    """Whether this ends all instances, unless --on-crash=isolate is among the options."""
    return bool(mode) and mode.startswith("crash-")


class Row:
    def __init__(self, arguments):
        self.elfmerge = arguments.elfmerge
        self.directory = os.path.abspath(arguments.directory)
        self.modes = arguments.modes.split(",") if arguments.modes else [None]
        self.kinds = ["static", "pie"]
        if arguments.musl and shutil.which("musl-gcc"):
            self.kinds.append("musl")
        self.options = shlex.split(os.environ.get("IMAGE_OPTIONS", ""))
        only = os.environ.get("ROW_CONFIGURATIONS")
        self.only = only.split(",") if only else None
        self.source = arguments.source
        self.race = arguments.race
        self.native = {}
        self.failed = 0
        self.hung = set()

    def path(self, name):
        return os.path.join(self.directory, name)

    def complain(self, what, text):
        self.failed += 1
        print("FAILED %s: %s" % (what, text))
        sys.stdout.flush()

    def run_native(self, kind, mode):
        words = [self.path(kind)] + ([mode] if mode else [])
        output, status = run(words, NATIVE_LIMIT, self.path("work"))
        unsuccessful = status != 0 or not output.endswith("end\n")
        if status == "hung" or "FAILED" in output or not mode and unsuccessful:
            raise Failure("%s, native: status %s\n%s" % (shlex.join(words), status, output))
        self.native[kind, mode] = output.splitlines(), status

    def is_wanted(self, configuration, kind):
        name = " ".join(filter(None, [configuration, kind]))
        return configuration not in self.hung and (not self.only or name in self.only)

    def check(self, title, groups, runs, copies=1, hostile=None, times=1):
        """Merges, runs, and compares with the native runs."""
        image = self.path("image")
        words = [self.elfmerge, *self.options, "-o", image]
        report = self.path("report")
        stop = self.path("stop")
        for leftover in [report, stop]:
            if os.path.exists(leftover):
                os.remove(leftover)
        if hostile:
            seed = 1 + len(title)
            words.append("--exit=row")
            acts = os.environ.get("ROW_HOSTILE_ACTS", "").split()
            groups = groups + [["--name=hostile", hostile, str(seed), stop, report] + acts]
        for n, group in enumerate(groups):
            words += ([";"] if n else []) + group
        command(*words)
        deadline = time.monotonic() + RACE_LIMIT
        for n in range(times):
            output, status = run([image], IMAGE_LIMIT, self.path("work"), 1, stop if hostile else None)
            self.compare("%s, time %d" % (title, n + 1) if times > 1 else title, output, status, runs, copies,
                         hostile and report)
            if self.failed or time.monotonic() > deadline:
                break

    def compare(self, title, output, status, runs, copies, report):
        wanted = sorted(line for each in runs for line in self.native[each][0] * copies)
        found = sorted(output.splitlines())
        wanted_status = next((self.native[each][1] for each in runs if self.native[each][1]), 0)
        problems = []
        if status == "hung":
            self.hung.add(title.split()[0])
        if status != wanted_status:
            problems.append("status %s and not %s" % (status, wanted_status))
        if report and not os.path.exists(report):
            problems.append("hostile did not come to its end")
        missing = []
        for line in sorted(set(found + wanted)):
            difference = found.count(line) - wanted.count(line)
            if difference > 0:
                problems.append("%+d  %s" % (difference, line))
            elif difference < 0:
                missing.append("%s (%d)" % (line, -difference))
        if missing:
            problems.append("missing: " + ", ".join(missing))
        if problems:
            self.complain(title, "\n    ".join(problems[:40]))

    def each_kind(self, kind):
        program = self.path(kind)
        hostile = self.path("hostile-" + ("static" if kind != "pie" else "pie"))
        for n, mode in enumerate(self.modes):
            group = [program] + ([mode] if mode else [])
            title = "%s " + kind + (" " + mode if mode else "")
            # There are many modes: each is tried alone with one build, beside hostile.c with the other.
            alone = not mode or is_crash(mode) or n % 2 == self.kinds.index(kind) % 2
            if self.is_wanted("x1", kind) and alone:
                self.check(title % "x1", [["--name=row"] + group], [(kind, mode)])
            if self.is_wanted("x4", kind) and not mode:
                self.check(title % "x4", [["--name=row", "--count=4"] + group], [(kind, mode)], 4)
            if self.is_wanted("hostile", kind) and not is_crash(mode) and (not mode or not alone):
                self.check(title % "hostile", [["--name=row"] + group], [(kind, mode)], 1, hostile)

    def go(self):
        hostile = os.path.join(INPUTS, "hostile.c")
        for kind in ["static", "pie"]:
            build(kind, hostile, self.path("hostile-" + kind))
        for kind in self.kinds:
            build(kind, self.source, self.path(kind))
            for mode in self.modes:
                self.run_native(kind, mode)
        if self.race:
            copies, times = map(int, self.race.split("x"))
            load = [subprocess.Popen([sys.executable, "-c", LOAD]) for _ in range(2)]
            try:
                self.all_builds("race", copies, times)
            finally:
                for process in load:
                    process.kill()
                    process.wait()
            return 1 if self.failed else 0
        for kind in self.kinds:
            self.each_kind(kind)
        self.all_builds("together", 1 if len(self.modes) > 1 else 2, 1)
        return 1 if self.failed else 0

    def all_builds(self, configuration, copies, times):
        if self.is_wanted(configuration, None):
            runs = [(kind, mode) for kind in self.kinds for mode in self.modes if not is_crash(mode)]
            groups = [["--name=%s%d" % (kind, n), "--count=%d" % copies, self.path(kind)] + ([mode] if mode else [])
                      for n, (kind, mode) in enumerate(runs)]
            self.check(configuration, groups, runs, copies, times=times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("elfmerge")
    parser.add_argument("directory")
    parser.add_argument("source")
    parser.add_argument("--musl", action="store_true")
    parser.add_argument("--modes")
    parser.add_argument("--race")
    default_signals()
    try:
        sys.exit(Row(parser.parse_args()).go())
    except Failure as failure:
        sys.exit(str(failure))


main()
