"""What the benchmarks share: timing in turn, and tables.

All cases of a table are run one after the other, over and over (A B C A B C),
so that whatever else the machine does meets all of them alike. A table shows
medians with the smallest and largest time, and each case's ratio to the first
one, which is the median of the ratios of the rounds.
"""

import argparse
import contextlib
import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE_DIR = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def arguments(description, runs):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--elfmerge", default=os.path.join(
        os.environ.get("BUILD_DIR", os.path.join(SOURCE_DIR, "build")), "bin", "elfmerge"),
        help="the tool to measure (default: that of the build directory)")
    parser.add_argument("--runs", type=int, default=runs,
                        help="rounds of each table (default: %(default)s)")
    parser.add_argument("--out", metavar="DIR",
                        help="also write each table to DIR, as .md and .csv")
    parser.add_argument("--work", metavar="DIR",
                        help="make programs and images here and keep them")
    return parser


@contextlib.contextmanager
def work_dir(options):
    """An absolute directory for programs and images; removed unless asked for."""
    if not os.access(options.elfmerge, os.X_OK):
        sys.exit(f"no elfmerge at {options.elfmerge}; build it or give --elfmerge")
    options.elfmerge = os.path.abspath(options.elfmerge)
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


def measure(cases, runs):
    """cases: {name: function that returns seconds}. The first round warms up."""
    times = {name: [] for name in cases}
    for round_number in range(runs + 1):
        for name, case in cases.items():
            seconds = case()
            if round_number:
                times[name].append(seconds)
    return times


def machine():
    libc = os.confstr("CS_GNU_LIBC_VERSION")
    return (f"{os.cpu_count()} processors, Linux {os.uname().release.split('-')[0]}, {libc}; "
            f"load {os.getloadavg()[0]:.1f} at the end")


class Table:
    def __init__(self, name, title, columns):
        self.name, self.title, self.columns = name, title, columns
        self.rows, self.notes = [], []

    def add(self, *row):
        self.rows.append([str(cell) for cell in row])

    def add_times(self, times, unit=1e3, per=1, digits=0):
        """One row per case: name, median, smallest and largest, ratio."""
        first = next(iter(times.values()))
        for name, samples in times.items():
            scaled = [s * unit / per for s in samples]
            ratio = statistics.median(s / f for s, f in zip(samples, first))
            self.add(name, f"{statistics.median(scaled):.{digits}f}",
                     f"{min(scaled):.{digits}f} – {max(scaled):.{digits}f}", f"{ratio:.2f}")

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
        lines += [note + "  " for note in self.notes + [machine()]]
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
