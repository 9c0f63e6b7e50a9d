"""What the benchmarks share: timing in turn, and tables.

All cases of a table are run one after the other, over and over (A B C A B C),
so that whatever else the machine does meets all of them alike. A table shows
medians with the smallest and largest time, each case's ratio to the first one,
which is the median of the ratios of the rounds, and the processor time of all
threads together, which other load on the machine changes less.
"""

import argparse
import contextlib
import csv
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE_DIR = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def arguments(description, runs):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build-dir", metavar="DIR",
                        default=os.environ.get("BUILD_DIR", os.path.join(SOURCE_DIR, "build")),
                        help="where elfmerge was built (default: %(default)s)")
    parser.add_argument("--elfmerge", metavar="PATH",
                        help="the tool to measure (default: that of the build directory)")
    parser.add_argument("--runs", type=int, default=runs,
                        help="rounds of each table (default: %(default)s)")
    parser.add_argument("--out", metavar="DIR",
                        help="also write each table to DIR, as .md and .csv")
    parser.add_argument("--work", metavar="DIR",
                        help="make programs and images here and keep them")
    return parser


@contextlib.contextmanager
def work_dir(options, tool=True):
    """An absolute directory for programs and images; removed unless asked for."""
    options.elfmerge = os.path.abspath(
        options.elfmerge or os.path.join(options.build_dir, "bin", "elfmerge"))
    if tool and not os.access(options.elfmerge, os.X_OK):
        sys.exit(f"no elfmerge at {options.elfmerge}; build it or give --elfmerge")
    if options.out:
        options.out = os.path.abspath(options.out)
        os.makedirs(options.out, exist_ok=True)
    directory = os.path.abspath(options.work) if options.work else tempfile.mkdtemp()
    os.makedirs(directory, exist_ok=True)
    try:
        yield directory
    finally:
        if not options.work:
            shutil.rmtree(directory)


def run(*command, **more):
    subprocess.run([str(c) for c in command], check=True, **more)


def compile_c(source, output, *flags):
    """Compiles C text unless the output is already there."""
    if os.path.exists(output):
        return output
    path = output + ".c"
    with open(path, "w") as file:
        file.write(source)
    run("gcc", "-O2", path, "-o", output, *flags)
    return output


def command(*words, output=None, **more):
    """A case: the wall-clock time of a command. Its output file is removed
    first, so that each run writes a new one."""
    def case():
        if output and os.path.exists(output):
            os.remove(output)
        begin = time.perf_counter()
        run(*words, **more)
        return time.perf_counter() - begin
    return case


def processor_time():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(cases, runs):
    """cases: {name: function that returns seconds}. The first round warms up.
    Gives (seconds, processor seconds) of each run."""
    times = {name: [] for name in cases}
    for round_number in range(runs + 1):
        for name, case in cases.items():
            before = processor_time()
            seconds = case()
            if round_number:
                times[name].append((seconds, processor_time() - before))
    return times


def machine():
    libc = os.confstr("CS_GNU_LIBC_VERSION")
    return (f"{os.cpu_count()} processors, Linux {os.uname().release.split('-')[0]}, {libc}; "
            f"load {os.getloadavg()[0]:.1f} at the start")


class Table:
    def __init__(self, name, title, columns):
        self.name, self.title, self.columns = name, title, columns
        self.rows, self.notes, self.machine = [], [], machine()

    def add(self, *row):
        self.rows.append([str(cell) for cell in row])

    def add_times(self, times, unit=1e3, per=1, digits=0):
        """One row per case: name, median, smallest and largest, ratio, and the
        median of the processor time."""
        first = next(iter(times.values()))
        for name, samples in times.items():
            wall = [s * unit / per for s, _ in samples]
            ratio = statistics.median(s[0] / f[0] for s, f in zip(samples, first))
            processor = statistics.median(p * unit / per for _, p in samples)
            self.add(name, f"{statistics.median(wall):.{digits}f}",
                     f"{min(wall):.{digits}f} – {max(wall):.{digits}f}", f"{ratio:.2f}",
                     f"{processor:.{digits}f}")

    def note(self, text):
        self.notes.append(text)

    def markdown(self):
        widths = [max(len(row[n]) for row in [self.columns] + self.rows)
                  for n in range(len(self.columns))]

        def line(cells):
            return "| " + " | ".join(
                cell.ljust(width) if n == 0 else cell.rjust(width)
                for n, (cell, width) in enumerate(zip(cells, widths))) + " |"
        rule = "|" + "|".join("-" * (w + 2) if n == 0 else "-" * (w + 1) + ":"
                              for n, w in enumerate(widths)) + "|"
        lines = [f"### {self.title}", "", line(self.columns), rule]
        lines += [line(row) for row in self.rows] + [""]
        lines += [note + "  " for note in self.notes + [self.machine]]
        return "\n".join(lines) + "\n"

    def finish(self, options):
        text = self.markdown()
        print(text, flush=True)
        if not options.out:
            return
        base = os.path.join(options.out, self.name)
        with open(base + ".md", "w") as file:
            file.write(text)
        with open(base + ".csv", "w", newline="") as file:
            csv.writer(file).writerows([self.columns] + self.rows)
