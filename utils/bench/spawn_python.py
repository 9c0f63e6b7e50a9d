"""The Python process whose children utils/bench/spawn measures: what spawn.c is
for C, with the same commands "time" and "throughput".

Usage: spawn_python.py TARGET MEGABYTES DESCRIPTORS
"""

import fcntl
import mmap
import os
import subprocess
import sys
import threading
import time

TARGET = sys.argv[1]
METHODS = {"python": {}, "python-inherit": {"close_fds": False}}


def start(method):
    return subprocess.Popen([TARGET], **METHODS[method])


def fill_memory(megabytes):
    if not megabytes:
        return None
    memory = mmap.mmap(-1, megabytes << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for at in range(0, len(memory), 4096):
        memory[at] = 1
    return memory


def fill_descriptors(count):
    have = len(os.listdir("/proc/self/fd")) - 1
    for _ in range(have, count):
        os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)


def measure(method):
    begin = time.monotonic_ns()
    child = start(method)
    returned = time.monotonic_ns()
    status = child.wait()
    reaped = time.monotonic_ns()
    running = int.from_bytes(os.read(SAMPLES, 8), sys.byteorder)
    assert status == 0
    return returned - begin, running - begin, reaped - begin


def time_rounds(rounds, _forks):
    for number in range(rounds):
        for method in METHODS:
            measure(method)  # See spawn.c.
            print(method, number, *measure(method), file=answers)


def throughput(method, threads, milliseconds):
    counts = [0] * threads
    end = 0
    barrier = threading.Barrier(threads + 1)

    def work(thread):
        barrier.wait()
        while True:
            assert start(method).wait() == 0
            counts[thread] += 1
            if time.monotonic_ns() >= end:
                return
    null = os.open("/dev/null", os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    begin = time.monotonic_ns()
    end = begin + milliseconds * 1000000
    barrier.wait()
    for worker in workers:
        worker.join()
    print(sum(counts), 0, time.monotonic_ns() - begin, file=answers)
    os.dup2(TARGET_END, 1)


answers = open(fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3), "w")
SAMPLES, TARGET_END = os.pipe()
os.dup2(TARGET_END, 1)
kept = fill_memory(int(sys.argv[2]))
fill_descriptors(int(sys.argv[3]))
print("done", file=answers, flush=True)
for line in sys.stdin:
    command, *words = line.split()
    if command == "time":
        time_rounds(*map(int, words))
    else:
        throughput(words[0], *map(int, words[1:]))
    print("done", file=answers, flush=True)
