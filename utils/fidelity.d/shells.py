"""Shells, perl, git and tcl: the tests of their own source packages.

bash: tests/run-*, each script's output and status. dash has no tests of its own; it runs
busybox's tests of ash, git's scripts and bash's configure. perl: t/*/*.t of its
core, test by test. git: t/t*.sh, test by test. tcl: tests/*.test, file by file.
"""

import glob
import os
import re
import shutil

from harness import Case, check
from sources import source


def tap(text):
    """The outcomes of a test's output, without descriptions, which hold numbers of processes."""
    lines = re.findall(r"^((?:not )?ok \d+)(?:.*(# (?:TODO|SKIP|skip)))?", text, re.M)
    return "\n".join(" ".join(filter(None, line)) for line in lines)


# bash

def bash_tests(tools):
    """bash's tests with the small programs that they call."""
    tree = source(tools, "bash")

    def make(path):
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(f"{tree}/tests", path)
        # Two files of a build that one of the tests reads.
        shutil.copy(f"{tree}/shell.c", f"{path}/version.h")
        shutil.copy(f"{tree}/config.h.in", f"{path}/config.h")
        for name in ("recho", "zecho", "xcase", "printenv"):
            check("gcc", "-w", "-O1", "-DHAVE_UNISTD_H", "-DHAVE_STRING_H", "-DHAVE_STDLIB_H",
                  f"-I{path}", f"-I{tree}", f"-I{tree}/include",
                  f"{tree}/support/{name}.c", "-o", f"{path}/{name}")
    return tools.once("bash-tests", make)


def bash(run):
    here = os.path.join(run.dir, "tests")
    shutil.copytree(bash_tests(run.tools), here)
    shell = os.path.join(run.bin, "bash")
    env = {"THIS_SH": shell, "BUILD_DIR": here, "BASH_TSTOUT": f"{run.dir}/tmp/out",
           "PATH": f".:{run.env['PATH']}"}
    items = {}
    for script in sorted(glob.glob(f"{here}/run-*")):
        name = os.path.basename(script)
        if name not in ("run-all", "run-minimal", "run-gprof"):
            items[name] = run.item("sh", f"./{name}", cwd=here, env=env, timeout=150)
    return items


# dash

# Reads itself with an argument that dash's `.` does not pass on, and so without end.
ASH_LEFT_OUT = {"ash-vars/var_LINENO1.tests"}


def ash_tests(run):
    tree = os.path.join(run.dir, "ash")
    shutil.copytree(f"{source(run.tools, 'busybox')}/shell/ash_test", tree)
    for name in ("recho", "zecho", "printenv"):
        check("gcc", "-w", "-O1", f"{tree}/{name}.c", "-o", f"{tree}/{name}")
    shell = os.path.join(run.bin, "dash")
    env = {"THIS_SH": shell, "PATH": f"{run.bin}:{tree}:{run.env['PATH']}"}
    items = {}
    for script in sorted(glob.glob(f"{tree}/ash-[!z]*/*.tests")):
        folder, name = os.path.split(script)
        item = os.path.relpath(script, tree)
        if item not in ASH_LEFT_OUT:
            items[item] = run.item(shell, f"./{name}", cwd=folder, env=env)
    return items


def configure(run):
    """bash's configure, run by dash: thousands of forks and small programs."""
    tree = os.path.join(run.dir, "tree")
    shutil.copytree(source(run.tools, "bash"), tree)
    shell = os.path.join(run.bin, "dash")
    items = {"configure": run.item(shell, "./configure", cwd=tree, timeout=250,
                                   env={"CONFIG_SHELL": shell, "CFLAGS": "-O0"})}
    for name in ("config.h", "Makefile"):
        path = os.path.join(tree, name)
        items[name] = open(path, errors="replace").read() if os.path.exists(path) else "missing"
    return items


# git

# A second or more each; together they clone, fetch, rebase, merge, repack, bisect, serve.
GIT = """t0000-basic t0005-signals t0021-conversion t0061-run-command t1300-config t3200-branch
         t3400-rebase t3404-rebase-interactive t3903-stash t5304-prune t5516-fetch-push t5570-git-daemon
         t6030-bisect-porcelain t6500-gc t7006-pager t7400-submodule-basic t7600-merge""".split()
GIT_FLAGS = ["NO_CURL=1", "NO_OPENSSL=1", "NO_EXPAT=1", "NO_GETTEXT=1", "NO_TCLTK=1", "NO_PYTHON=1",
             "CFLAGS=-O0 -w"]


def git_tree(tools):
    """git's source with what its tests need built; git itself is the installed one."""
    tree = source(tools, "git")

    def make(path):
        check("make", "-j2", *GIT_FLAGS, "GIT-BUILD-OPTIONS", "t/helper/test-tool", cwd=tree)
        check("make", *GIT_FLAGS, "-C", "templates", cwd=tree)
        os.makedirs(f"{tree}/perl/build", exist_ok=True)
        if not os.path.exists(f"{tree}/perl/build/lib"):
            os.symlink("/usr/share/perl5", f"{tree}/perl/build/lib")
        open(path, "w").close()
    tools.once("git-tests", make)
    return tree


def git_scripts(names, shell, env):
    def one(run):
        tree = git_tree(run.tools)
        items = {}
        for name in names:
            status, output = run.command(
                *shell(run), f"./{name}.sh", f"--root={run.dir}/root", cwd=f"{tree}/t", timeout=150,
                env={"TEST_OUTPUT_DIRECTORY": run.dir, **env(run)})
            items[f"{name}: end"] = status
            for line in tap(output).splitlines():
                outcome, number = re.match(r"((?:not )?ok) (\d+.*)", line).groups()
                items[f"{name} {number}"] = outcome
        return items
    return one


def git_env(run):
    """git's own calls of git find the same program: a copy of its folder of commands."""
    core = os.path.join(run.dir, "core")
    check("cp", "-rs", "/usr/lib/git-core/.", core)
    os.remove(f"{core}/git")
    os.symlink(f"{run.bin}/git", f"{core}/git")
    return {"GIT_TEST_INSTALLED": run.bin, "GIT_TEST_EXEC_PATH": core}


def git(names):
    def one(run):
        env = git_env(run)
        return git_scripts(names, lambda r: ["sh"], lambda r: env)(run)
    return one


# perl

PERL = {"io": ["io/*.t"], "op-a-i": ["op/[a-i]*.t"], "op-j-z": ["op/[j-z]*.t"],
        "base-cmd-re": ["base/*.t", "cmd/*.t", "comp/*.t", "re/*.t", "mro/*.t", "lib/*.t"]}


def perl_tree(tools):
    tree = source(tools, "perl")

    def make(path):
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        for folder in ("t", "lib"):
            shutil.copytree(f"{tree}/{folder}", f"{path}/{folder}", symlinks=True)
        version = check("perl", "-e", "print substr(sprintf('%vd', $^V), 0, 4)").strip()
        for folder in ("/usr/lib/x86_64-linux-gnu/perl-base", f"/usr/lib/x86_64-linux-gnu/perl/{version}",
                       f"/usr/share/perl/{version}"):
            if os.path.isdir(folder):
                check("cp", "-rnL", f"{folder}/.", f"{path}/lib")
    return tools.once("perl-tree", make)


def perl(patterns):
    def one(run):
        tree = os.path.join(run.dir, "tree")
        shutil.copytree(perl_tree(run.tools), tree, symlinks=True)
        for place in ("perl", "t/perl"):
            os.symlink(f"{run.bin}/perl", f"{tree}/{place}")
        items = {}
        for pattern in patterns:
            for script in sorted(glob.glob(f"{tree}/t/{pattern}")):
                name = os.path.relpath(script, f"{tree}/t")
                status, output = run.command("./perl", name, cwd=f"{tree}/t", timeout=100)
                items[name] = f"{status}\n{tap(output)}"
        return items
    return one


# tcl

TCL = "async basic chan chanio cmdAH event exec fCmd fileName info interp io ioCmd load pid process " \
      "socket string thread timer unixFCmd unixFile unixForkEvent unixInit unixNotfy zlib".split()


def tcl(run):
    tree = os.path.join(run.dir, "tests")
    shutil.copytree(f"{source(run.tools, 'tcl8.6')}/tests", tree)
    items = {}
    for name in TCL:
        if os.path.exists(f"{tree}/{name}.test"):
            status, output = run.command(f"{run.bin}/tclsh", f"{name}.test", "-verbose", "pass body error",
                                         cwd=tree, timeout=100)
            outcomes = re.findall(r"^(?:\+\+\+\+|====) (\S+) (PASSED|.*FAILED)", output, re.M)
            items[name] = status + "\n" + "\n".join(f"{t} {o.split()[-1]}" for t, o in outcomes)
    return items


def cases():
    dash = lambda tools: {"dash": "/bin/dash"}
    return [
        Case("bash", "bash 5.2, tests/run-*", {"bash": "/bin/bash"}, bash, limit=500,
             unsteady=[(r"process group \(\d+\)", "process group (PID)"),
                       (r"bashtst-\d+|sh-thd\.\w+", "TEMPORARY")]),
        Case("dash-ash", "busybox 1.35, shell/ash_test", dash, ash_tests, limit=400),
        Case("dash-configure", "bash 5.2, configure", dash, configure, limit=400),
        Case("dash-git", "git 2.39, t (dash runs the scripts)", dash,
             git_scripts(["t0000-basic", "t0001-init", "t3200-branch"],
                         lambda run: [f"{run.bin}/dash"],
                         lambda run: {"GIT_TEST_INSTALLED": "/usr/bin"})),
        Case("git-quick", "git 2.39, t", {"git": "/usr/bin/git"},
             git(["t0005-signals", "t0061-run-command", "t5570-git-daemon"])),
        Case("git", "git 2.39, t", {"git": "/usr/bin/git"}, git(GIT), limit=600),
        *[Case(f"perl-{name}", "perl 5.36, t", {"perl": "/usr/bin/perl"}, perl(patterns), limit=400)
          for name, patterns in PERL.items()],
        Case("tcl", "tcl 8.6, tests", {"tclsh": "/usr/bin/tclsh8.6"}, tcl, limit=400),
    ]
