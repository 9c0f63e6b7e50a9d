"""Carries out the commands of README.md's console block in a new directory and
compares what they print; looks for the files that README.md links to."""

import os
import re
import subprocess
import sys

readme, directory = sys.argv[1:]
with open(readme) as file:
    text = file.read()
os.makedirs(directory)

examples = []
for line in re.search(r"```console\n(.*?)```", text, re.S)[1].splitlines():
    if line.startswith("$ "):
        examples.append((line[2:], []))
    else:
        examples[-1][1].append(line)

# The first command shows the program that the others use.
shown, program = examples.pop(0)
with open(os.path.join(directory, shown.removeprefix("cat ")), "w") as file:
    file.write("\n".join(program) + "\n")


def plain(lines):
    return sorted(re.sub(r"process \d+", "process N", line) for line in lines)


differences = 0
for command, expected in examples:
    result = subprocess.run(["bash", "-c", command], cwd=directory, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    printed = result.stdout.splitlines()
    processes = set(re.findall(r"process \d+", result.stdout))
    if plain(printed) != plain(expected) or len(processes) > 1:
        differences += 1
        print(f"differs: {command}: found {printed}, wanted {expected}")
print(f"{len(examples)} commands, {differences} differences")

links = re.findall(r"\]\(([^)#:]+)\)", text)
missing = [link for link in links
           if not os.path.exists(os.path.join(os.path.dirname(readme), link))]
for link in missing:
    print(f"missing: {link}")
print(f"{len(links)} links, {len(missing)} missing")
