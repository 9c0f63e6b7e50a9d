"""Carries out the shell commands ("$ ...") of a manual page's EXAMPLES in a new
directory and compares what they print with the lines that follow them there."""

import os
import subprocess
import sys

page, directory = sys.argv[1:]
with open(page) as file:
    text = file.read().split(".Sh EXAMPLES\n")[1].split("\n.Sh ")[0]
os.makedirs(directory)

examples = []
for line in text.splitlines():
    line = line.replace("\\(aq", "'").replace("\\e", "\\").replace("\\-", "-")
    if line.startswith("$ "):
        examples.append((line[2:], []))
    elif line.startswith("."):
        examples.append((None, None))
    elif examples and examples[-1][0]:
        examples[-1][1].append(line)

commands = [e for e in examples if e[0]]
differences = 0
for command, expected in commands:
    result = subprocess.run(["bash", "-c", command], cwd=directory, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    printed = result.stdout.splitlines()
    # Instances run at the same time.
    if result.returncode or sorted(printed) != sorted(expected):
        differences += 1
        print(f"differs: {command}: found {printed}, wanted {expected}, status {result.returncode}")
print(f"{len(commands)} commands, {differences} differences")
