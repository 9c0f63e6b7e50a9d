"""Runs tests of CPython's and writes "<outcome> <test>" for each.

cpython_tests.py RESULTS NAME...; a subtest that fails is its test's failure. With
$ELFSPAWN_LIBRARY, subprocess starts its children by it (fork_exec_shim.py).
"""

import os
import sys
import unittest

results, *names = sys.argv[1:]
del sys.argv[1:]
shim = None
if "ELFSPAWN_LIBRARY" in os.environ:
    import fork_exec_shim as shim


class Result(unittest.TextTestResult):
    outcomes = {}

    def note(self, outcome, test):
        name = getattr(test, "test_case", test).id()
        if self.outcomes.get(name) not in ("fail", "error"):
            self.outcomes[name] = outcome

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note("ok", test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.note("fail", test)

    def addError(self, test, error):
        super().addError(test, error)
        self.note("error", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note("skip", test)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.note("fail", test)


suite = unittest.defaultTestLoader.loadTestsFromNames(names)
unittest.TextTestRunner(stream=sys.stderr, resultclass=Result,
                        verbosity=2).run(suite)
with open(results, "w") as file:
    for name, outcome in sorted(Result.outcomes.items()):
        print(outcome, name, file=file)
if shim:
    print("shim:", *(f"{k}={v}" for k, v in shim.COUNTS.items()))
