# Usage: helper-requests.py DIRECTORY COMMAND...
# Drives a helper as docs/spawn-request.md says, without the library: COMMAND is
# the helper, with an emulator in front if it needs one. Prints one line for each
# request that did not do what it should, and a line of counts.
import os
import struct
import subprocess
import sys

directory, command = sys.argv[1], sys.argv[2:]
emulated = len(command) > 1
HELLO, EXECUTING = ("!", 0, 0), (">", 0, 0)
SH, PYTHON = "x:/bin/bash", "x:/usr/bin/python3"
# An emulator has the real-time signals at other numbers.
SIGNAL = 12 if emulated else 40


def request(operations, arguments, flags=0, parent=None):
    """Records as (step, position, error), status and output."""
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    header = "%x,%x,%x,0" % (write_end, os.getpid() if parent is None else parent, flags)
    words = [header, *operations, ".", *arguments]
    name = ["-0", "elfspawn-1"] if emulated else []
    argv = [command[0], *name, *command[1:], *words] if emulated else ["elfspawn-1", *words]
    process = subprocess.Popen(argv, executable=command[0], close_fds=False, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env={"PATH": os.environ["PATH"], "FOO": "bar"})
    os.close(write_end)
    output = process.communicate()[0]
    data = b""
    while more := os.read(read_end, 4096):
        data += more
    os.close(read_end)
    records = [(chr(step), position, error) for step, position, error in struct.iter_unpack("3i", data)]
    return records, process.returncode, output


def sh(script):
    return ["bash", "-c", script]


def py(script):
    return ["python3", "-c", script]


def status(field):
    return sh("sed -n 's/^%s:\t//p' /proc/self/status" % field)


def file(name, text="", mode=0o644):
    path = os.path.join(directory, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


# Under an emulator without those that it keeps for itself.
IGNORED = sh("printf '%x\n' $(($(sed -n 's/^SigIgn:	/0x/p' /proc/self/status) & ~0x180000000))")
written = file("written")
script = file("script", "echo script $0 $1\n", 0o755)
opened = os.path.join(directory, "opened")
signals = 1 << 9 | 1 << (SIGNAL - 1) | 1 << 14

# Operations, arguments, wanted output.
WORKS = [
    (["o1,241,1a4:" + opened, "D:/etc", "x:/nonexistent/ls", "x:/bin/ls"], ["ls", "-d", "."], ""),
    (["x:/bin/cat"], ["cat", opened], ".\n"),
    (["d1,2", "d1,9", "i9", SH], sh("echo one >&9; echo two >&2"), "one\ntwo\n"),
    (["d1,5", "d1,6", "d1,28", "c5,6", "c20,30", SH], sh("for n in 5 6 40; do [ -e /proc/$$/fd/$n ] || echo $n; done"), "5\n6\n40\n"),
    (["d1,28", "c3,7fffffff", SH], sh("[ -e /proc/$$/fd/40 ] || echo closed"), "closed\n"),
    (["d1,28", "e28,29", SH], sh("[ -e /proc/$$/fd/40 ] || echo closed"), "closed\n"),
    (["w%x:%stext here" % (len(written), written), SH], sh("cat " + written), "text here"),
    (["U3f", SH], sh("umask"), "0077\n"),
    (["o5,0,0:/usr", "F5", SH], sh("pwd -P"), "/usr\n"),
    (["S", PYTHON], py("import os; print(os.getsid(0) == os.getpid())"), "True\n"),
    (["P0", PYTHON], py("import os; print(os.getpgid(0) == os.getpid())"), "True\n"),
    (["hffffffffffffffff", "I%x" % signals, SH], IGNORED, "%x\n" % signals),
    (["I200", "hffffffffffffffff", SH], IGNORED, "0\n"),
    (["m%x" % signals, SH], status("SigBlk"), "%016x\n" % signals),
    (["l7,64,c8", "l1,140000000,-1", PYTHON], py("import resource as r; print(r.getrlimit(7), r.getrlimit(1))"),
     "(100, 200) (5368709120, -1)\n"),
    (["n7", PYTHON], py("import os; print(os.nice(0))"), "7\n"),
    (["p3,0", PYTHON], py("import os; print(os.sched_getscheduler(0))"), "3\n"),
    (["p1,5", "q6", PYTHON], py("import os; print(os.sched_getscheduler(0), os.sched_getparam(0).sched_priority)"), "1 6\n"),
    (["a1", PYTHON], py("import os; print(os.sched_getaffinity(0))"), "{0}\n"),
    (["b4006", SH], sh("ionice"), "best-effort: prio 6\n"),
    (["O321", SH], sh("cat /proc/self/oom_score_adj"), "321\n"),
    (["g1,2,12345", SH], status("Groups"), "1 2 74565 \n"),
    (["g", SH], status("Groups"), " \n"),
    (["r1,12345,-1", "u1,1,12346", "x:/bin/sed"], ["sed", "-n", "s/^[UG]id:\t//p", "/proc/self/status"],
     "1\t1\t1\t1\n1\t74565\t74565\t74565\n"),
    (["z", SH], status("Uid"), "0\t0\t0\t0\n"),
    (["v", "u1,1,1", "Yc00", "A400", SH], status("CapAmb"), "%016x\n" % 0x400),
    (["B400000400", SH], status("CapBnd"), "%016x\n" % 0x400000400),
    (["A400", "Q800,0,-1", SH], status("CapInh"), "%016x\n" % 0x800),
    (["A400", "Q800,0,-1", SH], status("CapAmb"), "%016x\n" % 0),
    (["s2f", PYTHON], py("import ctypes; print(ctypes.CDLL(None).prctl(27, 0, 0, 0, 0))"), "47\n"),
    (["N", SH], status("NoNewPrivs"), "1\n"),
    (["K9", PYTHON], py("import ctypes as c; n = c.c_int(); c.CDLL(None).prctl(2, c.byref(n)); print(n.value)"), "9\n"),
    (["W4000000", SH], sh("[ $(readlink /proc/self/ns/uts) != %s ] && echo own" % os.readlink("/proc/self/ns/uts")), "own\n"),
    (["o5,0,0:/proc/self/ns/uts", "J5,4000000", SH], sh("echo joined"), "joined\n"),
    (["y", "x:" + script], ["a", "b"], "script %s b\n" % script),
    (["y", "x:" + script], [], "script %s\n" % script),
    ([SH], sh("echo $FOO"), "bar\n"),
]
# Operations, arguments, the record.
FAILS = [
    (["i63", SH], ("i", 2, 9)),
    (["d63,5", SH], ("d", 2, 9)),
    (["o3,0,0:/nonexistent", SH], ("o", 2, 2)),
    (["w5:/none" + "x", SH], ("w", 2, 2)),
    (["w200:/none", SH], ("w", 2, 22)),
    (["~", SH], ("~", 2, 22)),
    ([], ("?", 2, 22)),
    (["D:" + written, SH], ("D", 2, 20)),
    (["F63", SH], ("F", 2, 9)),
    (["R:/nonexistent", SH], ("R", 2, 2)),
    (["R:" + directory, "x:/nothing"], ("x", 3, 2)),
    (["Pfffffff", SH], ("P", 2, 1)),
    (["l7,9,8", SH], ("l", 2, 22)),
    (["p63,0", SH], ("p", 2, 22)),
    (["O9999", SH], ("O", 2, 22)),
    (["o5,0,0:/proc/self/ns/uts", "J5,20000", SH], ("J", 3, 22)),
    (["o5,2,0:/dev/null", "T5", SH], ("T", 3, 25)),
    (["o5,2,0:/dev/null", "G5", SH], ("G", 3, 25)),
    (["C63", SH], ("C", 2, 9)),
    (["x:" + script], ("x", 2, 8)),
    (["x:/nonexistent/a", "x:/etc/passwd", "x:/nonexistent/b"], ("x", 3, 13)),
    (["x:/etc/passwd", "x:" + script], ("x", 3, 8)),
]
good = bad = 0


def check(what, ok, found):
    global good, bad
    if ok:
        good += 1
    else:
        bad += 1
        print("FAIL", what, found)


for operations, arguments, output in WORKS:
    found = request(operations, arguments)
    check(operations, found == ([HELLO, EXECUTING], 0, output), found)
for operations, record in FAILS:
    found = request(operations, sh(""))
    before = [HELLO, EXECUTING] if record[0] == "x" else [HELLO]
    check(operations, found == (before + [record], 127, ""), found)
found = request(["K9", SH], sh(""), parent=1)
check("a parent that is gone", found == ([HELLO, ("K", 2, 3)], 127, ""), found)
found = request(["C63", SH], sh("echo in"), flags=1)
check("in its cgroup already", found == ([HELLO, EXECUTING], 0, "in\n"), found)
found = subprocess.run(command, capture_output=True, text=True)
check("no request", found.returncode == 127 and "run by libelfspawn" in found.stderr and
      len(found.stderr.splitlines()) == 1, found)
if not emulated:
    found = request(["o5,0,0:/bin/bash", "e5", "X5"], sh("echo by descriptor; ls /proc/$$/fd/5 2>/dev/null"))
    check("X", found == ([HELLO, EXECUTING], 2, "by descriptor\n"), found)
print("%d as wanted, %d not" % (good, bad))
sys.exit(bad != 0)
