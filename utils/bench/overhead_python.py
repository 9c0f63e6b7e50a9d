"""What utils/bench/overhead measures in CPython: the kinds of loop that
pyperformance has. A line "NAME N" on standard input is answered with the
nanoseconds that N rounds of NAME took, elapsed and of the processor."""

import json
import re
import sys
import time


def nbody(bodies=3, steps=60):
    state = [[float(n), n * 0.5, n * 0.25, 0.0, 0.0, 0.1 * n, 1.0 / (n + 1)]
             for n in range(bodies)]
    pairs = [(a, b) for n, a in enumerate(state) for b in state[n + 1:]]
    for _ in range(steps):
        for a, b in pairs:
            dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
            pull = 0.01 / (dx * dx + dy * dy + dz * dz + 0.1) ** 1.5
            for axis, d in enumerate((dx, dy, dz), 3):
                a[axis] -= d * b[6] * pull
                b[axis] += d * a[6] * pull
        for body in state:
            for axis in range(3):
                body[axis] += 0.01 * body[axis + 3]
    return state


def fannkuch(n=5):
    """The most reversals of a prefix, over all permutations."""
    def permutations(items):
        if len(items) < 2:
            yield items
        for k, item in enumerate(items):
            for rest in permutations(items[:k] + items[k + 1:]):
                yield [item] + rest
    most = 0
    for p in permutations(list(range(n))):
        flips = 0
        while p[0]:
            p[:p[0] + 1] = p[p[0]::-1]
            flips += 1
        most = max(most, flips)
    return most


DOCUMENT = [{"id": n, "name": f"name {n}", "tags": ["a", "b\n", "\u00e4"], "share": n / 7,
             "nested": {"none": None, "true": True}} for n in range(40)]
DOCUMENT_TEXT = json.dumps(DOCUMENT)
PROSE = " ".join(f"user{n}@host{n % 7}.example.org wrote {n * 37} lines on 2024-{n % 12 + 1:02}-01;"
                 for n in range(40))
ADDRESS = re.compile(r"(\w+)@([\w.]+)\.org")
DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")


def json_dumps():
    return json.dumps(DOCUMENT)


def json_loads():
    return json.loads(DOCUMENT_TEXT)


def regex():
    return len(ADDRESS.findall(PROSE)), DATE.sub(r"\3.\2.\1", PROSE)


def strings():
    parts = []
    for n in range(400):
        parts.append(f"{n:05}:" + str(n * n).rjust(8))
    text = ",".join(parts)
    return text.replace("0", "zero").upper().split(",")


def dicts():
    counts = {}
    for n in range(1500):
        key = n * 2654435761 % 509
        counts[key] = counts.get(key, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def generators():
    def tree(depth):
        if depth:
            yield from tree(depth - 1)
            yield depth
            yield from tree(depth - 1)
    return sum(tree(7))


def objects():
    class Point:
        def __init__(self, x, y):
            self.x, self.y = x, y

        def plus(self, other):
            return Point(self.x + other.x, self.y + other.y)
    total = Point(0, 0)
    for n in range(500):
        total = total.plus(Point(n, -n))
    return total.x


WORKLOADS = {f.__name__: f for f in (nbody, fannkuch, json_dumps, json_loads, regex, strings,
                                     dicts, generators, objects)}

if __name__ == "__main__":
    for line in sys.stdin:
        name, count = line.split()
        work = WORKLOADS[name]
        begin = time.perf_counter_ns(), time.process_time_ns()
        for _ in range(int(count)):
            work()
        print(time.perf_counter_ns() - begin[0], time.process_time_ns() - begin[1], flush=True)
