"""Runs real programs natively and in images, and compares everything one can see.

Usage: run-table.py ELFMERGE TABLE DIRECTORY [NAME...]     (NAME: only these rows)

A table has one command line per row,

    NAME: PROGRAM ARG... [< FILE]
    NAME (FLAG...): PROGRAM ARG... [< FILE]

quoted as in a shell; '#' begins a comment line. Nothing about the result is
written down in it: each command line first runs natively, in a fresh copy of the
workspace (workspace.py), and standard output, standard error, status, and every file
afterwards have to be the same when it runs

    alone     in an image of the one program
    others    in an image in which two other programs work at the same time
    called    in an image of all programs of the table, through a symbolic link
    thrice    in an image with three instances of the program: each line comes
              three times (only command lines that read no standard input, change
              no file and write little)

Flags: `unordered`, the order of the lines is not fixed; `pieces`, a line is
written in several pieces, which the three instances may mix; `signals`, sends a
signal to its process or group from outside its instance, which then reaches all
instances, so that only one may run.
"""

import collections
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import workspace

TIME_LIMIT = 60  # seconds for one command line
SMALL = 4096     # bytes that a program surely writes in one piece

# Two programs with threads, children and much heap, with results in files.
COMPANIONS = [
    ["--name=companion-sort", "/usr/bin/sort", "--parallel=2", "-S", "64K",
     "-o", "companion/sorted", "words.txt"],
    ["--name=companion-perl", "/usr/bin/perl", "companion.pl", "companion/counts"],
]

Row = collections.namedtuple("Row", "name flags program args stdin")
Result = collections.namedtuple("Result", "status out err files companion")


def read_table(path):
    with open(path) as file:
        for line in file:
            if line.startswith("#") or not line.strip():
                continue
            head, command = line.split(":", 1)
            name, flags = re.fullmatch(r"([\w-]+)(?: \(([\w ]+)\))?", head).groups()
            words, stdin = shlex.split(command), None
            if words[-2:-1] == ["<"]:
                words, stdin = words[:-2], words[-1]
            yield Row(name, set((flags or "").split()), words[0], words[1:], stdin)


def check_pie(path):
    """A table that names something else would prove nothing."""
    with open(path, "rb") as file:
        head = file.read(4096)
    kind, count = struct.unpack_from("<H", head, 16)[0], struct.unpack_from("<H", head, 56)[0]
    types = [struct.unpack_from("<I", head, 64 + 56 * i)[0] for i in range(count)]
    if head[:4] != b"\x7fELF" or kind != 3 or 3 not in types:
        sys.exit(f"{path}: not a dynamic position-independent executable")


def files_below(directory):
    """Path -> contents, for everything but what records inode numbers."""
    found = {}
    for parent, directories, names in os.walk(directory):
        for name in directories + names:
            path = os.path.join(parent, name)
            key = os.path.relpath(path, directory)
            if key.endswith(".git/index"):
                continue
            if os.path.islink(path):
                found[key] = os.readlink(path)
            elif os.path.isdir(path):
                found[key] = None
            else:
                with open(path, "rb") as file:
                    found[key] = (os.stat(path).st_mode & 0o777, file.read())
    return found


class Driver:
    def __init__(self, elfmerge, table, directory, *names):
        self.elfmerge, self.directory = elfmerge, os.path.abspath(directory)
        self.rows = [row for row in read_table(table) if not names or row.name in names]
        self.images, self.comparisons, self.differences = {}, 0, []
        self.start = os.path.join(self.directory, "workspace")
        os.makedirs(os.path.join(self.directory, "images"))
        workspace.make(self.start)
        self.untouched = files_below(self.start)
        for program in self.programs():
            check_pie(self.path(program))

    def programs(self):
        return list(dict.fromkeys(row.program for row in self.rows))

    def path(self, program):
        path = os.path.join("/usr/bin", program)
        if not os.path.exists(path):
            sys.exit(f"{path}: not installed; utils/setup.sh does it")
        return path

    def image(self, name, *specs):
        """The image of some specs, made when first wanted; None if it cannot be."""
        if name not in self.images:
            path = os.path.join(self.directory, "images", name)
            words = [self.elfmerge, "-o", path]
            for spec in specs:
                words += spec + [";"]
            done = subprocess.run(words[:-1], stdin=subprocess.DEVNULL, timeout=300,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode != 0:
                self.differences.append(name)
                print(f"FAIL image {name}: {shlex.join(words[:-1])}\n"
                      f"  {done.stdout.decode(errors='replace')}", file=sys.stderr)
            self.images[name] = path if done.returncode == 0 else None
        return self.images[name]

    def run(self, row, executable, argv0):
        cwd = os.path.join(self.directory, "run")
        shutil.rmtree(cwd, ignore_errors=True)
        shutil.copytree(self.start, cwd, symlinks=True)
        # The three instances of `thrice` append to one file.
        out_path = os.path.join(self.directory, "stdout")
        err_path = os.path.join(self.directory, "stderr")
        for path in out_path, err_path:
            with open(path, "wb"):
                pass
        with open(os.path.join(cwd, row.stdin) if row.stdin else os.devnull, "rb") as stdin, \
             open(out_path, "ab") as out, open(err_path, "ab") as err:
            child = subprocess.Popen([argv0] + row.args, executable=executable, cwd=cwd,
                                     stdin=stdin, stdout=out, stderr=err,
                                     env=workspace.environment(cwd),
                                     start_new_session=True)
            try:
                status = child.wait(TIME_LIMIT)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                status = f"none after {TIME_LIMIT} s"
        if isinstance(status, int) and status < 0:
            status = 128 - status
        with open(out_path, "rb") as out, open(err_path, "rb") as err:
            texts = out.read(), err.read()
        files = files_below(cwd)
        companion = {path: files.pop(path) for path in list(files)
                     if path.startswith("companion/")}
        return Result(status, *texts, files, companion)

    def report(self, row, mode, executable, complaints):
        self.comparisons += 1
        if not complaints:
            print(f"ok   {row.name} {mode}", flush=True)
            return
        self.differences.append(row.name)
        stdin = f" < {row.stdin}" if row.stdin else ""
        print(f"FAIL {row.name} {mode}: {executable} {shlex.join(row.args)}{stdin}",
              *complaints, sep="\n  ", file=sys.stderr)

    def compare(self, row, mode, native, image, argv0):
        if image is None:
            return
        result = self.run(row, image, argv0)
        complaints = []

        def want(what, found, wanted):
            if found != wanted:
                complaints.append(f"{what}: found {show(found, wanted)}, "
                                  f"wanted {show(wanted, found)}")
        want("status", result.status, native.status)
        if mode == "thrice":
            units = (lambda text: sorted(text)) if "pieces" in row.flags else \
                    (lambda text: sorted(text.splitlines()))
            want("lines", units(result.out), sorted(units(native.out) * 3))
        elif "unordered" in row.flags:
            want("lines", sorted(result.out.splitlines()), sorted(native.out.splitlines()))
        else:
            want("standard output", result.out, native.out)
        if mode != "thrice" or not native.err:
            want("standard error", result.err, native.err)
        for path in sorted(native.files.keys() | result.files.keys()):
            want("file " + path, result.files.get(path, "no file"),
                 native.files.get(path, "no file"))
        if mode == "others":
            want("files of the companions", result.companion, self.companion)
        self.report(row, mode, image, complaints)

    def run_companions(self):
        """What the companions leave behind when they run natively."""
        cwd = os.path.join(self.directory, "native")
        shutil.copytree(self.start, cwd, symlinks=True)
        for companion in COMPANIONS:
            subprocess.run(companion[1:], cwd=cwd, env=workspace.environment(cwd),
                           check=True, timeout=TIME_LIMIT)
        self.companion = {path: contents for path, contents in files_below(cwd).items()
                          if path.startswith("companion/")}

    def run_all(self):
        self.run_companions()
        programs = self.programs()
        many = self.image("many", *[[self.path(p)] for p in programs])
        links = os.path.join(self.directory, "links")
        os.mkdir(links)
        for program in programs if many else []:
            os.symlink(many, os.path.join(links, program))
        for row in self.rows:
            program, path = row.program, self.path(row.program)
            native = self.run(row, path, program)
            if not isinstance(native.status, int):
                sys.exit(f"{row.name}: takes longer than {TIME_LIMIT} s natively")
            self.compare(row, "alone", native,
                         self.image(f"{program}.alone", [path]), f"{program}.alone")
            if many:
                self.compare(row, "called", native, os.path.join(links, program), program)
            if "signals" in row.flags:
                continue
            self.compare(row, "others", native,
                         self.image(f"{program}.others", [path], *COMPANIONS),
                         f"{program}.others")
            quiet = not row.stdin and len(native.out) < SMALL and \
                native.files == {p: c for p, c in self.untouched.items()
                                 if not p.startswith("companion/")}
            if quiet:
                self.compare(row, "thrice", native,
                             self.image(f"{program}.thrice", ["--count=3", path]),
                             f"{program}.thrice")
        print(f"{len(self.rows)} command lines, {len(programs)} programs, "
              f"{len(self.differences)} differences")
        print(f"({self.comparisons} comparisons)")
        return 1 if self.differences else 0


def show(value, other):
    """Enough of a value to see where it begins to differ."""
    if isinstance(value, tuple) and isinstance(other, tuple):  # a file
        if value[0] != other[0]:
            return f"mode {value[0]:o}"
        value, other = value[1], other[1]
    if isinstance(value, bytes) and isinstance(other, bytes):
        common = len(os.path.commonprefix([value, other]))
        return f"{len(value)} bytes, from {common} on {value[max(0, common - 20):common + 200]!r}"
    if isinstance(value, list) and isinstance(other, list):
        more = collections.Counter(value) - collections.Counter(other)
        return f"{len(value)} with {list(more.items())[:5]!r} more"
    return repr(value)[:300]


sys.exit(Driver(*sys.argv[1:]).run_all())
