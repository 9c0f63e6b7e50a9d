#!/usr/bin/env python3
"""Types at a program that has a terminal, and reads what it answers.

Usage: terminal.py SCRIPT COMMAND...

The command leads a session of its own on a new terminal. Lines of the script:
  > TEXT     type TEXT and the return key
  ^X         type control-X
  < REGEX    wait until it is in what came since the last match
  ! REGEX    it has not come since the match before the last one
  ~          wait until all processes in the foreground sleep
  = STATUS   the command ends: with a number, or -N for signal N
What was read goes to standard output. After 30 seconds without what is waited
for the test has failed.
"""

import os
import pty
import re
import select
import signal
import sys
import time


def states_of_group(group):
    """The states of its processes, as in /proc/PID/stat."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                state, _, its_group = file.read().rpartition(")")[2].split()[:3]
        except OSError:  # it has ended
            continue
        if int(its_group) == group:
            yield state


class Terminal:
    def __init__(self, command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Those who run tests may ignore them.
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            os.execvp(command[0], command)
        self.text = ""
        self.skipped = ""

    def read(self, seconds):
        """False: nothing more comes."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # nobody has the terminal open any more
            return False
        self.text += data.decode(errors="replace")
        sys.stdout.write(data.decode(errors="replace"))
        return bool(data)

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, regex):
        end = time.monotonic() + 30
        while True:
            found = re.search(regex, self.text)
            if found:
                self.skipped = self.text[:found.start()]
                self.text = self.text[found.end():]
                return
            if time.monotonic() > end or not self.read(1):
                self.fail(f"wanted {regex!r}, found {self.text!r}")

    def reject(self, regex):
        if re.search(regex, self.skipped):
            self.fail(f"found {regex!r} in {self.skipped!r}")

    def idle(self):
        """What was woken last need not have run since."""
        end = time.monotonic() + 30
        while any(s != "S" for s in states_of_group(os.tcgetpgrp(self.fd))):
            if time.monotonic() > end:
                self.fail("the foreground does not sleep")
            time.sleep(0.01)

    def status(self, wanted):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                found = os.waitstatus_to_exitcode(status)
                self.pid = 0
                if found != wanted:
                    self.fail(f"found status {found}, wanted {wanted}")
                return
            self.read(0.05)
        self.fail("does not end")

    def fail(self, why):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
        sys.stdout.flush()
        sys.exit(f"\nterminal.py: {why}")


def main():
    terminal = Terminal(sys.argv[2:])
    with open(sys.argv[1]) as script:
        lines = script.read().splitlines()
    for line in lines:
        kind, rest = line[:1], line[2:]
        if kind == ">":
            terminal.type(rest + "\n")
        elif kind == "^":
            terminal.type(chr(ord(line[1]) & 0x1f))
        elif kind == "<":
            terminal.expect(rest)
        elif kind == "!":
            terminal.reject(rest)
        elif kind == "~":
            terminal.idle()
        elif kind == "=":
            terminal.status(int(rest))
        elif line and kind != "#":
            sys.exit(f"terminal.py: unknown line {line!r}")


main()
