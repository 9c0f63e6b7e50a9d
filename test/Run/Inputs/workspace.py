"""The directory in which every command line of the tables runs.

Made anew from a fixed seed: the files that the rows name, one per kind of thing
that a program can be asked to work on.
"""

import json
import os
import random
import shutil
import subprocess

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scripts")
DATE = "2024-02-29T12:00:00+0000"
EPOCH = 1709208000


def environment(directory):
    """The whole environment; the same for native and merged runs."""
    return {
        "PATH": "/usr/bin:/bin", "HOME": directory, "LC_ALL": "C.UTF-8", "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_PAGER": "cat",
        "GIT_AUTHOR_NAME": "A U Thor", "GIT_AUTHOR_EMAIL": "author@example.com",
        "GIT_COMMITTER_NAME": "C O Mitter", "GIT_COMMITTER_EMAIL": "committer@example.com",
        "GIT_AUTHOR_DATE": DATE, "GIT_COMMITTER_DATE": DATE,
    }


def statements(rng, count):
    """A few thousand SQL statements, and queries that need all of them."""
    yield "PRAGMA journal_mode=MEMORY;"
    yield "CREATE TABLE item(id INTEGER PRIMARY KEY, kind TEXT, price REAL, stock INT);"
    yield "CREATE INDEX by_kind ON item(kind, price);"
    yield "BEGIN;"
    for number in range(1, count + 1):
        yield (f"INSERT INTO item VALUES({number}, 'kind{rng.randrange(40)}', "
               f"{rng.randrange(1, 100000) / 100}, {rng.randrange(50)});")
        if number % 7 == 0:
            yield f"UPDATE item SET stock = stock + 1 WHERE id = {rng.randrange(1, number + 1)};"
        if number % 31 == 0:
            yield f"DELETE FROM item WHERE id = {rng.randrange(1, number + 1)};"
    yield "COMMIT;"
    yield ("SELECT kind, count(*), round(sum(price * stock), 2) FROM item "
           "GROUP BY kind ORDER BY kind;")
    yield ("WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 500) "
           "SELECT count(*), sum(n) FROM up JOIN item ON item.id = up.n;")
    yield "PRAGMA integrity_check;"


def make(directory):
    rng = random.Random(20240229)
    shutil.copytree(SCRIPTS, directory)
    os.mkdir(os.path.join(directory, "companion"))

    def write(name, contents):
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(contents if isinstance(contents, bytes) else contents.encode())

    syllables = ["ka", "lo", "mi", "ru", "te", "sha", "no", "vi", "pel", "dor"]
    words = ["".join(rng.choices(syllables, k=rng.randrange(1, 5))) for _ in range(4000)]
    people = [f"{1000 + i}:{rng.choice(words)}:{rng.randrange(18, 90)}:"
              f"{rng.choice(['north', 'south', 'east', 'west'])}" for i in range(300)]
    prose = [" ".join(rng.choices(words, k=rng.randrange(4, 18))) for _ in range(200)]

    write("words.txt", "\n".join(words) + "\n")
    write("few.txt", "\n".join(words[:24]) + "\n")
    write("left.txt", "\n".join(sorted(set(words[:200]))) + "\n")
    write("right.txt", "\n".join(sorted(set(words[100:300]))) + "\n")
    write("numbers.txt", "".join(f"{rng.randrange(-10**6, 10**6)}\n" for _ in range(2000)))
    write("people.txt", "\n".join(people) + "\n")
    write("prose.txt", "\n".join(prose) + "\n")
    write("old.txt", "\n".join(prose) + "\n")
    write("new.txt", "\n".join(line for i, line in enumerate(prose) if i % 17) + "\nlast\n")
    write("tabs.txt", "".join(f"{a}\t{b}\t{a * b}\n" for a in range(12) for b in range(12)))
    write("data.bin", rng.randbytes(200000))
    write("zeros.bin", bytes(300000))
    write("statements.sql", "\n".join(statements(rng, 3000)) + "\n")
    write("data.json", json.dumps({"people": [
        dict(zip(["id", "name", "age", "region"], person.split(":"))) for person in people]}))
    for number in range(12):
        write(f"tree/{number % 3}/file{number}.txt", "\n".join(prose[number:number + 9]) + "\n")
    os.symlink("0/file0.txt", os.path.join(directory, "tree", "link"))

    def native(*words, **keywords):
        return subprocess.run(words, cwd=directory, env=environment(directory), check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **keywords).stdout

    native("git", "init", "-q", "-b", "main", "repo")
    for number in range(4):
        write("repo/prose.txt", "\n".join(prose[:30 + 5 * number]) + "\n")
        write(f"repo/file{number}.txt", "\n".join(prose[number:number + 12]) + "\n")
        native("git", "-C", "repo", "add", ".")
        native("git", "-C", "repo", "commit", "-q", "-m", f"Change {number}")
    write("repo/prose.txt", "\n".join(prose[3:40]) + "\n")
    write("repo/more.txt", "not yet added\n")

    write("archive.tar", native("tar", "--sort=name", f"--mtime=@{EPOCH}", "--owner=0",
                                "--group=0", "--numeric-owner", "-c", "tree"))
    for program, suffix in [("gzip", "gz"), ("bzip2", "bz2"), ("xz", "xz"), ("zstd", "zst")]:
        with open(os.path.join(directory, "words.txt"), "rb") as source:
            write(f"words.{suffix}", native(program, "-c", stdin=source))
    write("sums.txt", native("sha256sum", "words.txt", "data.bin", "tree/0/file0.txt"))
    with open(os.path.join(directory, "change.patch"), "wb") as patch:
        subprocess.run(["diff", "-u", "old.txt", "new.txt"], cwd=directory, stdout=patch)

    for parent, directories, names in os.walk(directory):
        for name in directories + names:
            os.utime(os.path.join(parent, name), (EPOCH, EPOCH), follow_symlinks=False)
