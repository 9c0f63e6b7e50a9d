"""CPython's own tests, test by test.

The program is /usr/lib's libpython with a main of three lines, as /usr/bin/python3 of
Debian is not position-independent. The tests start the same program by itself
as their interpreter (sys.executable), in all ways.
"""

import os
import time

from harness import Case, HERE, check
from sources import source

TESTS = os.path.join(HERE, "cpython_tests.py")
PATIENCE = 90  # Seconds without a line of results: a hang.

# name: may it run twice at once?
MODULES = {
    "test_signal": True, "test_threading": True, "test_subprocess": True, "test_os": True,
    "test_posix": True, "test_wait3": True, "test_wait4": True, "test_fork1": True,
    "test_faulthandler": False, "test_socket": False, "test_asyncio": False, "test_json": True,
    "test_sqlite3": True,
}
MORE = {
    "test_threadsignals": True, "test_thread": True, "test_eintr": True,
    "test_select": True, "test_selectors": True, "test_poll": True, "test_epoll": True,
    "test_popen": True, "test_pty": True, "test_openpty": True, "test_fcntl": True, "test_ioctl": True,
    "test_io": True, "test_mmap": True, "test_resource": True, "test_time": True,
    "test_atexit": True, "test_concurrent_futures": False, "test_multiprocessing_fork": False,
    "test_multiprocessing_spawn": False, "test_socketserver": True, "test_asyncore": True,
    "test_httpservers": True, "test_ctypes": True, "test_gc": True, "test_weakref": True,
    "test_contextvars": True, "test_tempfile": True, "test_pathlib": True, "test_shutil": True,
    "test_cmd_line": True, "test_exceptions": True, "test_sys": True, "test_hashlib": True,
    "test_decimal": True, "test_zlib": True, "test_queue": True, "test_tracemalloc": True,
}
# Children that are not forked are a native Python; test_multiprocessing_fork has the same tests.
LEFT_OUT = {
    "test_concurrent_futures": ["*.ProcessPoolForkserver*", "*.ProcessPoolSpawn*"],
    "test_multiprocessing_spawn": ["*.WithManager*", "*.WithThreads*"],
}
NOT_PACKAGED = {"test_sqlite3"}  # Not in libpython3.11-testsuite, but in the source.
QUICK = {"test_posix", "test_thread", "test_wait4"}


def python(tools):
    return tools.once("python3.11", lambda path: check(
        "gcc", "-O1", "-fPIE", "-pie", "-I/usr/include/python3.11",
        os.path.join(HERE, "python.c"), "-o", path, "-lpython3.11"))


def read(results):
    """Outcomes so far, and the test that was started and has not ended."""
    outcomes, open_test, ended = {}, None, False
    if os.path.exists(results):
        with open(results) as file:
            for line in file:
                word, test = line.rstrip("\n").split(" ", 1)
                if word == "start":
                    open_test = test
                elif word == "end":
                    ended, open_test = True, None
                else:
                    # A failure stands, whatever is noted of the test after it.
                    if outcomes.get(test) != "fail":
                        outcomes[test] = word
                    if test == open_test:
                        open_test = None
    return outcomes, open_test, ended


def wait(run, process, files):
    """Until the process ends; says whether it was given up."""
    changed, size = time.monotonic(), None
    while process.poll() is None:
        time.sleep(0.05)
        now = [os.path.exists(f) and os.path.getsize(f) for f in files]
        if now != size:
            changed, size = time.monotonic(), now
        if time.monotonic() - changed > PATIENCE or time.monotonic() > run.deadline:
            return True
    return False


def tests(module):
    def one(run):
        program = os.path.join(run.bin, "python")
        native = python(run.tools)
        more = [f"{source(run.tools, 'python3.11')}/Lib/test"] if module in NOT_PACKAGED else []
        copies = [os.path.join(run.dir, str(n)) for n in range(run.count)]
        merged = {}
        for copy in copies:
            os.mkdir(copy)
            merged[copy] = {}
        for attempt in range(6):
            for copy, outcomes in merged.items():
                with open(f"{copy}/done", "w") as file:
                    file.write("\n".join([*LEFT_OUT.get(module, []), *outcomes]))
            groups = [[TESTS, f"{c}/results{attempt}", f"{c}/done", native, f"test.{module}", c,
                       *more]
                      for c in copies]
            words = [program]
            for number, group in enumerate(groups):
                words += ([";"] if number else []) + group
            with open(f"{run.dir}/log{attempt}", "wb") as log:
                process = run.start(words, stdout=log, stderr=log,
                                    env={"PYTHONDONTWRITEBYTECODE": "1"})
                given_up = wait(run, process, [g[1] for g in groups])
                status = process.returncode
                run.stop(process)
            finished = True
            for copy, group in zip(copies, groups):
                outcomes, open_test, ended = read(group[1])
                merged[copy].update(outcomes)
                if not ended:
                    finished = False
                    word = "hangs" if given_up else f"dies with it (status {status})"
                    merged[copy][open_test or "(before or between tests)"] = word
            if finished or time.monotonic() > run.deadline:
                break
        return together(list(merged.values()))
    return one


def together(results):
    """Where copies differ, the worse one's outcome counts."""
    joined = {}
    for result in results:
        for test, outcome in result.items():
            if test not in joined or joined[test] in ("ok", "skip"):
                joined[test] = outcome
    return joined


def suite(module):
    without = " and ".join(f"`{p}`" for p in LEFT_OUT.get(module, []))
    return "CPython 3.11, Lib/test" + (f", without {without}" if without else "")


def cases(modules):
    return [Case(f"cpython-{m.removeprefix('test_')}", suite(m),
                 lambda tools: {"python": python(tools)}, tests(m),
                 limit=400, quick=m in QUICK, two=two) for m, two in modules.items()]
