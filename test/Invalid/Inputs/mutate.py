"""Merges copies of a program that differ from it in a few bytes of its headers.

Usage: mutate.py ELFMERGE PROGRAM DIRECTORY NUMBER

The seed is fixed: a failure comes again, and the file that caused it stays in
DIRECTORY as bad.N.
"""

import os
import random
import subprocess
import sys

INTERESTING = [0, 1, 2, 0x7F, 0x80, 0xFF]


def mutate(rng, data, headers):
    data = bytearray(data)
    if rng.randrange(5) == 0:
        del data[rng.randrange(len(data)):]
    for _ in range(rng.randrange(1, 4)):
        # Headers, and the dynamic section and data at the end of the program.
        size = rng.choice([1, 1, 2, 4, 8])
        at = rng.randrange(headers) if rng.randrange(4) else rng.randrange(len(data) or 1)
        data[at:at + size] = bytes(rng.choice(INTERESTING) if rng.randrange(2)
                                   else rng.randrange(256) for _ in data[at:at + size])
    return bytes(data)


def complaint(elfmerge, program, out):
    """What is wrong with how the program was dealt with, and whether it was refused."""
    image = os.path.join(out, "image")
    try:
        done = subprocess.run([elfmerge, "-o", image, program], timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True)
    except subprocess.TimeoutExpired:
        return "found no end after 60 s", True
    left = os.listdir(out)
    for name in left:
        os.remove(os.path.join(out, name))
    if done.returncode == 0:
        return (None if left == ["image"] else f"found {left} made"), False
    message = done.stderr.decode(errors="replace")
    if done.returncode != 1:
        return f"found status {done.returncode}: {message}", True
    if left:
        return f"found {left} left behind", True
    if message.count("\n") != 1 or not message.startswith("elfmerge: error: "):
        return f"found message {message!r}", True
    return None, True


def main(elfmerge, program, directory, number):
    rng = random.Random(1)
    with open(program, "rb") as file:
        data = file.read()
    headers = 64 + 56 * int.from_bytes(data[56:58], "little")
    out = os.path.join(directory, "out")
    os.makedirs(out)
    counts = [0, 0]
    for index in range(int(number)):
        path = os.path.join(directory, f"bad.{index}")
        with open(path, "wb") as file:
            file.write(mutate(rng, data, headers))
        wrong, refused = complaint(elfmerge, path, out)
        counts[0] += refused
        if wrong:
            counts[1] += 1
            print(f"{path}: {wrong}")
        else:
            os.remove(path)
    print(f"{number} mutations, {counts[0]} refused, {counts[1]} refused badly")


main(*sys.argv[1:])
