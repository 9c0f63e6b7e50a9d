"""Sends an image a signal when its instances are ready for it.

Usage: signal-when-ready.py IMAGE LINES SIGNAL [TIMES]

Waits until the image has printed so many lines, sends the signal, if wanted again every
100 ms while the image runs, and prints all lines but "ready". The status is the image's.
"""

import signal
import subprocess
import sys
import time

image, lines, number = sys.argv[1], int(sys.argv[2]), signal.Signals["SIG" + sys.argv[3]]
times = int(sys.argv[4]) if len(sys.argv) > 4 else 1
process = subprocess.Popen([image], stdout=subprocess.PIPE, text=True)
output = [process.stdout.readline() for _ in range(lines)]
for n in range(times):
    if n:
        time.sleep(0.1)
    if process.poll() is None:
        process.send_signal(number)
output += process.stdout.readlines()
print("".join(line for line in output if line != "ready\n"), end="")
status = process.wait()
sys.exit(status if status >= 0 else 128 - status)
