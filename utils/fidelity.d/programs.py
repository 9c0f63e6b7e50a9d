"""Compilers' run times, languages and tools.

Go: tests of its own standard library, built as position-independent test programs.
The others run a script of ours each (folder `programs`), or command lines.
"""

import os
import re
import shutil

from harness import HERE, Case, check


def local(name):
    return os.path.join(HERE, "programs", name)


# Go

GO = "os os-exec os-signal sync time net syscall context".split()
GO_ENV = {"GOFLAGS": "-mod=mod", "GO111MODULE": "off", "CGO_ENABLED": "1"}


def go_test(package, link):
    def build(tools):
        def make(path):
            env = dict(os.environ, GOCACHE=tools.path("go-cache", "x").removesuffix("/x"), **GO_ENV)
            check("go", "test", "-c", "-buildmode=pie", "-tags=timetzdata", f"-ldflags=-linkmode={link}", "-o", path,
                  package.replace("-", "/"), env=env)
        return {"tests": tools.once(f"go-{package}-{link}", make)}
    return build


def go_run(package):
    def one(run):
        root = check("go", "env", "GOROOT").strip()
        tree = os.path.join(run.dir, "src")
        shutil.copytree(os.path.realpath(f"{root}/src/{package.replace('-', '/')}"), tree)
        status, output = run.command(f"{run.bin}/tests", "-test.v", "-test.short", cwd=tree, timeout=120)
        items = {"end": status}
        for outcome, name in re.findall(r"--- (PASS|FAIL|SKIP): (\S+)", output):
            items[name] = outcome
        return items
    return one


# Scripts

def lines(*commands, files=()):
    """Each command line of a shell is an item; `bin` comes first in PATH."""
    def one(run):
        for name in files:
            shutil.copy(local(name), run.dir)
        env = {"PATH": f"{run.bin}:{run.env['PATH']}"}
        return {c: run.item("sh", "-c", c, env=env) for c in commands}
    return one


def openmp(tools):
    return {"openmp": tools.compile("openmp", "programs/openmp.c", "-fopenmp", "-fPIE", "-pie")}


def rust(tools):
    return {"many": tools.once("rust", lambda path: check(
        "/usr/bin/rustc", "-O", "-C", "relocation-model=pie", "-o", path, local("many.rs")))}


JAVA_HOME = "/usr/lib/jvm/java-17-openjdk-amd64"


def java(run):
    # The launcher looks for its run time beside /proc/self/exe: ../lib.
    os.symlink(f"{JAVA_HOME}/lib", f"{run.dir}/lib")
    os.symlink(f"{JAVA_HOME}/conf", f"{run.dir}/conf")
    check("javac", "-d", run.dir, local("Many.java"))
    return {flags: run.item(f"{run.bin}/java", *flags.split(), "-cp", run.dir, "Many", timeout=60)
            for flags in ("-Xmx64m -XX:+UseSerialGC", "-Xmx64m -XX:+UseG1GC", "-Xmx64m -Xint")}


def gpg_home(run):
    home = os.path.join(run.dir, "h")
    os.mkdir(home, 0o700)
    return home


def gpg(run):
    env = {"GNUPGHOME": gpg_home(run), "PATH": f"{run.bin}:{run.env['PATH']}"}
    shell = lambda c: run.item("sh", "-c", c, env=env)
    items = {}
    for command in (
            "gpg --batch -q --passphrase '' --quick-gen-key a@b default default never; echo $?",
            "echo text >t; gpg --batch -q -e -r a@b -o t.gpg t; gpg --batch -q -d t.gpg",
            "gpg --batch -q -s -o t.sig t && gpg --batch --verify t.sig 2>&1 | grep -c Good",
            "gpg --batch -q --symmetric --passphrase x --pinentry-mode loopback -o s t && "
            "gpg --batch -q -d --passphrase x --pinentry-mode loopback s",
            "gpg --batch -q -d t; echo $?"):
        items[command] = shell(command)
    run.command("gpgconf", "--kill", "all", env=env)
    return items


def cases():
    sql = ("with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) "
           "insert into t select i, i * i % 1009, hex(i) from n; create index x on t(b); "
           "select count(*), sum(b), max(c) from t; pragma integrity_check; vacuum;")
    big = "seq 1 400000 >f"
    return [
        *[Case(f"go-{package}-{link}", f"go 1.19, tests of its library, {link} linking",
               go_test(package, link), go_run(package))
          for package in GO for link in ("internal", "external")
          if link == "internal" or package.startswith("os")],
        Case("openmp", "gcc 12, libgomp", openmp, lines("openmp"), quick=True, two=False),
        Case("rust", "rustc 1.63", rust, lines("many", "many panic", "many overflow", "RUST_BACKTRACE=1 many panic"),
             unsteady=[(r"0x[0-9a-f]+", "ADDRESS")]),
        Case("java", "openjdk 17", {"java": f"{JAVA_HOME}/bin/java"}, java),
        Case("java-embedded", "openjdk 17, libjvm.so and the like embedded",
             {"java": f"{JAVA_HOME}/bin/java"}, java,
             options=[f"--embed={JAVA_HOME}/lib/{l}" for l in ("server/libjvm.so", "libjava.so", "libnio.so", "libnet.so")]),
        Case("lua", "lua 5.4", {"lua": "/usr/bin/lua5.4"}, lines("lua many.lua", files=["many.lua"]),
             unsteady=[(r"lua_\w+", "NAME")]),
        Case("ruby", "ruby 3.1", {"ruby": "/usr/bin/ruby3.1"}, lines("ruby many.rb", files=["many.rb"])),
        Case("php", "php 8.2", {"php": "/usr/bin/php8.2"}, lines("php many.php", files=["many.php"])),
        Case("sqlite3", "sqlite3", {"sqlite3": "/usr/bin/sqlite3"}, lines(
            f"sqlite3 a.db 'create table t(a, b, c)' && sqlite3 a.db '{sql}' && sqlite3 a.db .sha3sum",
            "sqlite3 w.db 'pragma journal_mode=wal; create table t(a)'; for n in 1 2 3 4 5 6 7 8; do "
            "sqlite3 -cmd '.timeout 20000' w.db \"insert into t values($n)\" & done; wait; "
            "sqlite3 w.db 'select sum(a) from t'",
            "sqlite3 c.db '.read nothing'; echo $?; sqlite3 c.db 'select * from nothing'"), quick=True),
        Case("compressors", "xz 5.4, zstd 1.5", {"xz": "/usr/bin/xz", "zstd": "/usr/bin/zstd"}, lines(
            f"{big}; xz -T4 -k f && sha256sum f.xz && xz -t f.xz && xz -dc f.xz | sha256sum",
            f"{big}; zstd -q -T4 f -o z.zst && zstd -q -dc z.zst | sha256sum; zstd -q -t z.zst",
            "xz -d <f; echo $?; zstd -q -d <f; echo $?", "zstd -b1 -i0 f >t 2>&1; echo $?")),
        Case("ssh-keygen", "openssh 9.2", {"ssh-keygen": "/usr/bin/ssh-keygen"}, lines(
            "for t in rsa ecdsa ed25519; do ssh-keygen -q -t $t -N '' -f k.$t && "
            "ssh-keygen -y -f k.$t | cut -d' ' -f1; done",
            "echo m >m; ssh-keygen -q -Y sign -f k.ed25519 -n n m && "
            "ssh-keygen -Y check-novalidate -n n -s m.sig <m | cut -d' ' -f1-3", "ssh-keygen -lf missing")),
        Case("gpg", "gnupg 2.2", {"gpg": "/usr/bin/gpg"}, gpg),
        Case("curl", "curl 7.88", {"curl": "/usr/bin/curl"}, lines(
            "curl -s file:///etc/passwd | sha256sum", "curl -s http://127.0.0.1:9/; echo $?",
            "curl -s --parallel file:///etc/group -o g file:///etc/passwd -o p 2>log; cat g p | sha256sum")),
        Case("openssl", "openssl 3.0", {"openssl": "/usr/bin/openssl"}, lines(
            "openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -subj /CN=x 2>/dev/null; "
            "openssl verify -CAfile c c", "seq 100000 | openssl sha256",
            "openssl speed -seconds 1 -multi 2 sha256 >o 2>&1; echo $?")),
        Case("make", "make 4.3", {"make": "/usr/bin/make"}, lines(
            "printf 'all: a b c d e f\\na b c d e f:\\n\\t@sleep 0.1; echo $@ >>o\\n' >Makefile; make -j4 && sort o",
            "printf 'x:\\n\\t@kill -TERM $$$$\\n' >M; make -f M; echo $?",
            "printf 'x:\\n\\t@$(MAKE) -f M2 -j2\\n' >M; printf 'all: a b\\na b:\\n\\t@true\\n' >M2; make -j3 -f M")),
    ]
