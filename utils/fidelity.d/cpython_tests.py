"""Runs tests of CPython's and notes each one's outcome as soon as it is known.

cpython_tests.py RESULTS DONE PYTHON NAME DIRECTORY [TESTS]

RESULTS gets "start TEST" and "OUTCOME TEST" lines; so what a crash or a hang has
cut off is known too. Tests named in the file DONE, or that a pattern there with a
star fits, are not run. The tests start
PYTHON as their interpreter. TESTS is a folder with more of the package "test", and
NAME is a package in it. A subtest that fails is its test's failure.
"""

import fnmatch
import os
import sys
import test
import unittest


def note(word, test):
    if os.getpid() == runner:
        os.write(out, f"{word} {getattr(test, 'test_case', test).id()}\n".encode())


class Result(unittest.TextTestResult):
    def startTest(self, test):
        note("start", test)
        super().startTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        note("ok", test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        note("fail", test)

    def addError(self, test, error):
        super().addError(test, error)
        note("fail", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        note("skip", test)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            note("fail", test)

    def addExpectedFailure(self, test, error):
        super().addExpectedFailure(test, error)
        note("ok", test)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        note("fail", test)


def remaining(suite):
    kept = unittest.TestSuite()
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            kept.addTest(remaining(test))
        elif test.id() not in done and not any(fnmatch.fnmatchcase(test.id(), p) for p in left_out):
            kept.addTest(test)
    return kept


def modules():
    """A package loads its tests by itself if it lies where the library does."""
    if not more:
        return [name]
    files = os.listdir(os.path.join(*more, name.removeprefix("test.")))
    return sorted(f"{name}.{f.removesuffix('.py')}" for f in files if f.startswith("test_"))


# Children of multiprocessing import this file under another name.
if __name__ == "__main__":
    results, done, python, name, directory, *more = sys.argv[1:]
    del sys.argv[1:]
    test.__path__ += more
    sys.executable = sys._base_executable = python
    with open(done) as file:
        done = set(file.read().splitlines())
    left_out = [name for name in done if "*" in name]
    out = os.open(results, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    runner = os.getpid()
    os.chdir(directory)
    suite = remaining(unittest.defaultTestLoader.loadTestsFromNames(modules()))
    result = unittest.TextTestRunner(stream=sys.stderr, resultclass=Result, verbosity=2).run(suite)
    os.write(out, b"end .\n")
