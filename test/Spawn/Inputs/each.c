// Runs every action and attribute of libelfspawn by every policy.
//
// Usage: each DIRECTORY [unprivileged | emulated]
//
// An emulator of user programs has no execveat and other numbers for the
// real-time signals, and the kernel beneath it cannot execute a helper of another
// machine: there only what goes direct in the end is asked for.

#include "leftovers.h"
#include <elfmerge/spawn.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

typedef void make_fn(elfspawn_t *);
static int file, dir, uts, pty;
static const char *terminal;
static char group_path[300];
static int group = -1;
static int wanted, unwanted, emulated;

/* Positive: the script's output. */
struct works {
  const char *name;
  make_fn *make;
  const char *script, *output;
};
/* Negative: where and why it fails. */
struct fails {
  const char *name;
  make_fn *make;
  int step, action, error;
};

#define MAKE(NAME, ...) static void NAME(elfspawn_t *r) { __VA_ARGS__; }
static sigset_t set(int a, int b) {
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, a);
  sigaddset(&s, b);
  return s;
}
static cpu_set_t cpu(int n) {
  cpu_set_t s;
  CPU_ZERO(&s);
  if (n >= 0)
    CPU_SET(n, &s);
  return s;
}

MAKE(none, (void)r)
MAKE(do_open, elfspawn_add_open(r, 7, "file", O_RDONLY, 0))
MAKE(do_create, elfspawn_add_umask(r, 0); elfspawn_add_open(r, 0, "new", O_RDWR | O_CREAT | O_TRUNC, 0640))
MAKE(do_dup, elfspawn_add_dup(r, file, 8))
MAKE(do_dup_same, elfspawn_add_dup(r, file, file); elfspawn_add_dup(r, file, 0))
MAKE(do_swap, elfspawn_add_dup(r, 1, 10); elfspawn_add_dup(r, file, 1); elfspawn_add_dup(r, 1, 0); elfspawn_add_dup(r, 10, 1); elfspawn_add_close(r, 10))
MAKE(do_close, elfspawn_add_close(r, 0))
MAKE(do_close_from, elfspawn_set_close_others(r, false); elfspawn_add_dup(r, file, 8); elfspawn_add_dup(r, file, 300); elfspawn_add_close_from(r, 9))
MAKE(do_keep, elfspawn_set_close_others(r, false); elfspawn_add_dup(r, file, 0))
MAKE(do_inherit, elfspawn_add_inherit(r, file); elfspawn_add_dup(r, file, 0))
MAKE(do_write, elfspawn_add_write(r, "/proc/self/oom_score_adj", "123"))
MAKE(do_chdir, elfspawn_add_chdir(r, "/usr"); elfspawn_add_chdir(r, "bin"))
MAKE(do_fchdir, elfspawn_add_fchdir(r, dir))
MAKE(do_umask, elfspawn_add_umask(r, 027))
MAKE(do_terminal, elfspawn_set_session(r, true); elfspawn_add_open(r, 0, terminal, O_RDWR | O_NOCTTY, 0); elfspawn_add_controlling_terminal(r, 0))
MAKE(do_foreground, do_terminal(r); elfspawn_add_foreground(r, 0))
MAKE(do_join, elfspawn_add_join_namespace(r, uts, CLONE_NEWUTS))
MAKE(do_unshare, elfspawn_add_unshare(r, CLONE_NEWUTS))
MAKE(do_output, elfspawn_add_error_output(r, 1))
MAKE(do_input, elfspawn_set_input(r, "some\0bytes", 10))
static void do_big_input(elfspawn_t *r) {
  char *bytes = calloc(5, 1 << 20);
  elfspawn_set_input(r, bytes, 5 << 20);
  free(bytes);
}
MAKE(do_cgroup, elfspawn_set_cgroup(r, group))
MAKE(do_session, elfspawn_set_session(r, true))
MAKE(do_group, elfspawn_set_process_group(r, 0))
MAKE(do_default, sigset_t s = set(SIGUSR1, 40); elfspawn_set_default_signals(r, &s))
MAKE(do_ignore, sigset_t s = set(SIGUSR2, 64); elfspawn_set_ignored_signals(r, &s))
MAKE(do_mask, sigset_t s = set(SIGTERM, 34); elfspawn_set_signal_mask(r, &s))
MAKE(do_nice, elfspawn_set_nice(r, 7))
MAKE(do_scheduler, elfspawn_set_scheduler(r, SCHED_BATCH, 0))
MAKE(do_fifo, elfspawn_set_scheduler(r, SCHED_FIFO, 3))
MAKE(do_affinity, cpu_set_t s = cpu(1); elfspawn_set_affinity(r, &s, sizeof(s)))
MAKE(do_ioprio, elfspawn_set_io_priority(r, 2, 6))
MAKE(do_oom, elfspawn_set_oom_score(r, 321))
MAKE(do_limit, elfspawn_set_limit(r, RLIMIT_NOFILE, 77, 88); elfspawn_set_limit(r, RLIMIT_CORE, 0, 0))
MAKE(do_bits, elfspawn_set_secure_bits(r, SECBIT_NOROOT))
MAKE(do_bounding, elfspawn_set_bounding(r, 0x21))
MAKE(do_inheritable, elfspawn_set_inheritable(r, 0x401))
MAKE(do_groups, elfspawn_set_groups(r, (gid_t[]){5, 70000, 7}, 3))
MAKE(do_no_groups, elfspawn_set_groups(r, NULL, 0))
MAKE(do_ids, elfspawn_set_user(r, 1234); elfspawn_set_group(r, 5678))
MAKE(do_account, elfspawn_set_account(r, "nobody"))
MAKE(do_ambient, elfspawn_set_user(r, 1234); elfspawn_set_ambient(r, 0x402); elfspawn_set_bounding(r, 0xfff))
MAKE(do_new_privileges, elfspawn_set_no_new_privileges(r, true))
MAKE(do_death, elfspawn_set_parent_death_signal(r, SIGUSR1); elfspawn_set_path(r, "./each"); elfspawn_set_arguments(r, (char *[]){"each", NULL}))
MAKE(do_environment, elfspawn_set_environment(r, (char *[]){"A=1", "B=2", "C=3", NULL}); elfspawn_set_variable(r, "B", NULL); elfspawn_set_variable(r, "C", "4"); elfspawn_set_variable(r, "D", ""))
MAKE(do_variable, elfspawn_set_variable(r, "ADDED", "yes"); elfspawn_set_variable(r, "HOME", NULL))
MAKE(do_argv0, elfspawn_set_argv0(r, "other"))
MAKE(do_echo, elfspawn_set_executable(r, dir + 100))
MAKE(do_script, elfspawn_set_path(r, "./script"); elfspawn_set_shell_fallback(r, true))
MAKE(do_script_alone, do_script(r); elfspawn_set_arguments(r, (char *[]){NULL}))
MAKE(do_search, elfspawn_set_file(r, "sh", "/nonexistent:file:dir:/bin"))
MAKE(do_root, elfspawn_add_chroot(r, "dir"); elfspawn_set_path(r, "/prog"))

#define STATUS(FIELDS) "exec sed -nE '/^(" FIELDS "):/p' /proc/self/status"
#define STAT(N) "read -r line </proc/$$/stat; set -- ${line##*)}; echo $$ ${" #N "} | tr -d '\\n' | tr ' ' '\\n' | uniq | wc -l"
static const struct works works[] = {
    {"nothing", none, "exec ls -m /proc/self/fd", "0, 1, 2, 3\n"},
    {"open", do_open, "cat <&7; exec ls -m /proc/self/fd", "line\n0, 1, 2, 3, 7\n"},
    {"create", do_create, "stat -c %a new; echo x >&0; cat new", "640\nx\n"},
    {"dup", do_dup, "head -c 9 /dev/fd/8; exec ls -m /proc/self/fd", "line\n0, 1, 2, 3, 8\n"},
    {"dup same", do_dup_same, "readlink /proc/$$/fd/0 /proc/$$/fd/$FILE | sed 's,.*/,,'", "file\nfile\n"},
    {"swap", do_swap, "readlink /proc/self/fd/0 | sed 's,.*/,,'", "file\n"},
    {"close", do_close, "test -e /proc/$$/fd/0 || echo closed", "closed\n"},
    {"close from", do_close_from, "test -e /proc/$$/fd/8 && test ! -e /proc/$$/fd/300 && echo closed", "closed\n"},
    {"keep others", do_keep, "test -e /proc/$$/fd/$KEPT && test ! -e /proc/$$/fd/$FILE && echo kept", "kept\n"},
    {"inherit", do_inherit, "readlink /proc/$$/fd/$FILE | sed 's,.*/,,'", "file\n"},
    {"write", do_write, "cat /proc/self/oom_score_adj", "123\n"},
    {"chdir", do_chdir, "pwd", "/usr/bin\n"},
    {"fchdir", do_fchdir, "pwd | sed 's,.*/,,'", "dir\n"},
    {"umask", do_umask, "umask", "0027\n"},
    {"terminal", do_terminal, "(: </dev/tty) && echo has; " STAT(4), "has\n1\n"},
    {"foreground", do_foreground, "read -r line </proc/$$/stat; set -- ${line##*)}; test $6 = $$ && echo foreground", "foreground\n"},
    {"output", do_output, "echo error >&2", "error\n"},
    {"input", do_input, "tr '\\0' - ", "some-bytes"},
    {"big input", do_big_input, "wc -c", "5242880\n"},
    {"session", do_session, STAT(4), "1\n"},
    {"process group", do_group, STAT(3), "1\n"},
    {"default signals", do_default, STATUS("SigIgn"), "SigIgn:\t0000010000000000\n"},
    {"ignored signals", do_ignore, STATUS("SigIgn"), "SigIgn:\t8000018000000a00\n"},
    {"signal mask", do_mask, STATUS("SigBlk"), "SigBlk:\t0000000200004000\n"},
    {"inherited mask", none, STATUS("SigBlk|SigCgt"), "SigBlk:\t0000000000400000\nSigCgt:\t0000000000000000\n"},
    {"nice", do_nice, "nice", "7\n"},
    {"scheduler", do_scheduler, "read -r line </proc/$$/stat; set -- ${line##*)}; echo ${39}", "3\n"},
    {"affinity", do_affinity, STATUS("Cpus_allowed_list"), "Cpus_allowed_list:\t1\n"},
    {"I/O priority", do_ioprio, "ionice", "best-effort: prio 6\n"},
    {"OOM score", do_oom, "cat /proc/self/oom_score_adj", "321\n"},
    {"limit", do_limit, "ulimit -n; ulimit -Hn; ulimit -c", "77\n88\n0\n"},
    {"no new privileges", do_new_privileges, STATUS("NoNewPrivs"), "NoNewPrivs:\t1\n"},
    {"parent-death signal", do_death, "", "signal 10\n"},
    {"environment", do_environment, "env | grep '^[A-D]=' | sort | tr '\\n' ' '", "A=1 C=4 D= "},
    {"variable", do_variable, "echo $ADDED-$HOME-$KEPT_VARIABLE", "yes--is kept\n"},
    {"argv0", do_argv0, "tr '\\0' ' ' </proc/$$/cmdline | cut -c1-9", "other -c \n"},
    {"executable", do_echo, "", "-c \n"},
    {"shell", do_script, "argument", "by the shell ./script -c\n"},
    {"shell, no arguments", do_script_alone, "", "by the shell ./script\n"},
    {"search", do_search, "echo found", "found\n"},
}, works_for_root[] = {
    {"chroot", do_root, "", "/ 0\n"},
    {"join namespace", do_join, "hostname", "joined\n"},
    {"unshare", do_unshare, "hostname own; hostname", "own\n"},
    {"cgroup", do_cgroup, "grep ^0:: /proc/self/cgroup | sed 's,.*/,,; s,[.].*,,'", "elfspawn-test\n"},
    {"real time", do_fifo, "read -r line </proc/$$/stat; set -- ${line##*)}; echo ${39} ${38}", "1 3\n"},
    {"secure bits", do_bits, STATUS("CapEff"), "CapEff:\t0000000000000000\n"},
    {"bounding", do_bounding, STATUS("CapBnd"), "CapBnd:\t0000000000000021\n"},
    {"inheritable", do_inheritable, STATUS("CapInh"), "CapInh:\t0000000000000401\n"},
    {"groups", do_groups, STATUS("Groups"), "Groups:\t5 7 70000 \n"},
    {"no groups", do_no_groups, STATUS("Groups"), "Groups:\t \n"},
    {"ids", do_ids, STATUS("Uid|Gid"), "Uid:\t1234\t1234\t1234\t1234\nGid:\t5678\t5678\t5678\t5678\n"},
    {"account", do_account, "id -u; id -G", "65534\n65534\n"},
    {"ambient", do_ambient, STATUS("CapInh|CapPrm|CapEff|CapBnd|CapAmb"),
     "CapInh:\t0000000000000402\nCapPrm:\t0000000000000402\nCapEff:\t0000000000000402\nCapBnd:\t0000000000000fff\nCapAmb:\t0000000000000402\n"},
};

#define AFTER(NAME, ...) MAKE(NAME, elfspawn_add_umask(r, 022); __VA_ARGS__)
AFTER(no_open, elfspawn_add_open(r, 7, "none", O_RDONLY, 0))
AFTER(no_dup, elfspawn_add_dup(r, 99, 3))
AFTER(no_dup_same, elfspawn_add_dup(r, 99, 99))
AFTER(no_inherit, elfspawn_add_inherit(r, 98))
AFTER(no_write, elfspawn_add_write(r, "/proc/self/none", "x"))
AFTER(no_write_value, elfspawn_add_write(r, "/proc/self/oom_score_adj", "many"))
AFTER(no_chdir, elfspawn_add_chdir(r, "file"))
AFTER(no_fchdir, elfspawn_add_fchdir(r, file))
AFTER(no_fchdir_closed, elfspawn_add_fchdir(r, 97))
AFTER(no_chroot, elfspawn_add_chroot(r, "none"))
AFTER(no_terminal, elfspawn_add_controlling_terminal(r, file))
AFTER(no_foreground, elfspawn_add_foreground(r, file))
AFTER(no_join, elfspawn_add_join_namespace(r, file, 0))
AFTER(no_unshare, elfspawn_add_unshare(r, 0x40000000 | 1))
AFTER(no_cgroup, elfspawn_set_cgroup(r, dir))
AFTER(no_group, elfspawn_set_process_group(r, 1))
AFTER(no_group_of_session, elfspawn_set_session(r, true); elfspawn_set_process_group(r, 0))
AFTER(no_scheduler, elfspawn_set_scheduler(r, 99, 0))
AFTER(no_affinity, cpu_set_t s = cpu(-1); elfspawn_set_affinity(r, &s, sizeof(s)))
AFTER(no_oom, elfspawn_set_oom_score(r, 5000))
AFTER(no_limit, elfspawn_set_limit(r, RLIMIT_NOFILE, 9, 8))
AFTER(no_path, elfspawn_set_path(r, "none"))
AFTER(no_search, elfspawn_set_file(r, "no-such-program", "/bin:/usr/bin"))
AFTER(no_access, elfspawn_set_file(r, "file", "dir:."))
AFTER(no_format, elfspawn_set_path(r, "./script"))
AFTER(no_executable, elfspawn_set_executable(r, 96))
AFTER(no_executable_file, elfspawn_set_executable(r, file))
/* By the builder. */
AFTER(bad_fd, elfspawn_add_open(r, -1, "file", 0, 0))
AFTER(bad_variable, elfspawn_set_variable(r, "A=B", "x"))
AFTER(bad_priority, elfspawn_set_io_priority(r, 9, 0))
AFTER(bad_limit, elfspawn_set_limit(r, 99, 1, 1))
AFTER(bad_signal, elfspawn_set_parent_death_signal(r, 65))
AFTER(bad_user, elfspawn_set_user(r, -1))
AFTER(bad_account, elfspawn_set_account(r, "no such account"))
AFTER(bad_mask, elfspawn_set_affinity(r, &file, 2000))
AFTER(bad_path, elfspawn_set_path(r, ""))
static const struct fails fails[] = {
    {"open", no_open, ELFSPAWN_STEP_OPEN, 1, ENOENT},
    {"dup", no_dup, ELFSPAWN_STEP_DUP, 1, EBADF},
    {"dup same", no_dup_same, ELFSPAWN_STEP_DUP, 1, EBADF},
    {"inherit", no_inherit, ELFSPAWN_STEP_INHERIT, 1, EBADF},
    {"write", no_write, ELFSPAWN_STEP_WRITE, 1, ENOENT},
    {"write value", no_write_value, ELFSPAWN_STEP_WRITE, 1, EINVAL},
    {"chdir", no_chdir, ELFSPAWN_STEP_CHDIR, 1, ENOTDIR},
    {"fchdir", no_fchdir, ELFSPAWN_STEP_FCHDIR, 1, ENOTDIR},
    {"fchdir closed", no_fchdir_closed, ELFSPAWN_STEP_FCHDIR, 1, EBADF},
    {"chroot", no_chroot, ELFSPAWN_STEP_CHROOT, 1, ENOENT},
    {"terminal", no_terminal, ELFSPAWN_STEP_CONTROLLING_TERMINAL, 1, ENOTTY},
    {"foreground", no_foreground, ELFSPAWN_STEP_FOREGROUND, 1, ENOTTY},
    {"join namespace", no_join, ELFSPAWN_STEP_JOIN_NAMESPACE, 1, EINVAL},
    {"unshare", no_unshare, ELFSPAWN_STEP_UNSHARE, 1, EINVAL},
    {"cgroup", no_cgroup, ELFSPAWN_STEP_CGROUP, -1, ENOENT},
    {"process group", no_group, ELFSPAWN_STEP_PROCESS_GROUP, -1, EPERM},
    {"group of a session", no_group_of_session, ELFSPAWN_STEP_PROCESS_GROUP, -1, EPERM},
    {"scheduler", no_scheduler, ELFSPAWN_STEP_SCHEDULER, -1, EINVAL},
    {"affinity", no_affinity, ELFSPAWN_STEP_AFFINITY, -1, EINVAL},
    {"OOM score", no_oom, ELFSPAWN_STEP_OOM_SCORE, -1, EINVAL},
    {"limit", no_limit, ELFSPAWN_STEP_LIMIT, -1, EINVAL},
    {"path", no_path, ELFSPAWN_STEP_EXECUTE, -1, ENOENT},
    {"search", no_search, ELFSPAWN_STEP_EXECUTE, -1, ENOENT},
    {"access", no_access, ELFSPAWN_STEP_EXECUTE, -1, EACCES},
    {"format", no_format, ELFSPAWN_STEP_EXECUTE, -1, ENOEXEC},
    {"executable", no_executable, ELFSPAWN_STEP_EXECUTE_FD, -1, EBADF},
    {"executable file", no_executable_file, ELFSPAWN_STEP_EXECUTE_FD, -1, EACCES},
    {"bad descriptor", bad_fd, ELFSPAWN_STEP_REQUEST, -1, EBADF},
    {"bad variable", bad_variable, ELFSPAWN_STEP_REQUEST, -1, EINVAL},
    {"bad priority", bad_priority, ELFSPAWN_STEP_REQUEST, -1, EINVAL},
    {"bad limit", bad_limit, ELFSPAWN_STEP_REQUEST, -1, EINVAL},
    {"bad signal", bad_signal, ELFSPAWN_STEP_REQUEST, -1, EINVAL},
    {"bad user", bad_user, ELFSPAWN_STEP_REQUEST, -1, EINVAL},
    {"bad account", bad_account, ELFSPAWN_STEP_REQUEST, -1, ENOENT},
    {"bad affinity", bad_mask, ELFSPAWN_STEP_REQUEST, -1, EINVAL},
    {"bad path", bad_path, ELFSPAWN_STEP_REQUEST, -1, ENOENT},
};
MAKE(deny_nice, elfspawn_set_nice(r, -5))
MAKE(deny_ioprio, elfspawn_set_io_priority(r, 1, 0))
MAKE(deny_limit, elfspawn_set_limit(r, RLIMIT_NOFILE, 5, UINT64_MAX))
MAKE(deny_oom, elfspawn_set_oom_score(r, -1000))
MAKE(deny_user, elfspawn_set_user(r, 1))
MAKE(deny_gid, elfspawn_set_group(r, 1))
MAKE(deny_chroot, elfspawn_add_chroot(r, "dir"))
MAKE(deny_ambient, elfspawn_set_ambient(r, 1))
static const struct fails fails_unprivileged[] = {
    {"nice", deny_nice, ELFSPAWN_STEP_NICE, -1, EACCES},
    {"I/O priority", deny_ioprio, ELFSPAWN_STEP_IO_PRIORITY, -1, EPERM},
    {"scheduler", do_fifo, ELFSPAWN_STEP_SCHEDULER, -1, EPERM},
    {"limit", deny_limit, ELFSPAWN_STEP_LIMIT, -1, EPERM},
    {"OOM score", deny_oom, ELFSPAWN_STEP_OOM_SCORE, -1, EACCES},
    {"groups", do_groups, ELFSPAWN_STEP_GROUPS, -1, EPERM},
    {"group", deny_gid, ELFSPAWN_STEP_GROUP, -1, EPERM},
    {"user", deny_user, ELFSPAWN_STEP_USER, -1, EPERM},
    {"chroot", deny_chroot, ELFSPAWN_STEP_CHROOT, 0, EPERM},
    {"secure bits", do_bits, ELFSPAWN_STEP_SECURE_BITS, -1, EPERM},
    {"bounding", do_bounding, ELFSPAWN_STEP_BOUNDING, -1, EPERM},
    {"inheritable", do_inheritable, ELFSPAWN_STEP_INHERITABLE, -1, EPERM},
    {"ambient", deny_ambient, ELFSPAWN_STEP_AMBIENT, -1, EPERM},
    {"unshare", do_unshare, ELFSPAWN_STEP_UNSHARE, 0, EPERM},
    {"join namespace", do_join, ELFSPAWN_STEP_JOIN_NAMESPACE, 0, EPERM},
};

static void result(int policy, const char *name, int ok, const char *found) {
  *(ok ? &wanted : &unwanted) += 1;
  if (!ok)
    printf("FAIL policy %d: %s: %s\n", policy, name, found);
}

static elfspawn_t *request(int policy, make_fn *make, const char *script) {
  elfspawn_t *r = elfspawn_create();
  elfspawn_set_policy(r, policy);
  elfspawn_set_path(r, "/bin/bash");
  elfspawn_set_arguments(r, (char *[]){"bash", "-c", (char *)script, NULL});
  make(r);
  return r;
}

/* From the second time on: what libc makes once is there then. */
static void check_leftovers(int policy, const char *name, struct leftovers before) {
  struct leftovers after = count_leftovers();
  char text[99];
  snprintf(text, sizeof(text), "left: %d descriptors, child %d, %zu bytes",
           after.descriptors - before.descriptors, after.has_child, after.memory - before.memory);
  result(policy, name, after.descriptors == before.descriptors && !after.has_child && after.memory == before.memory, text);
}

static int is_skipped(make_fn *make) {
  return (make == do_cgroup && group < 0) ||
         (emulated && (make == do_echo || make == no_executable || make == no_executable_file ||
                       make == do_default || make == do_ignore || make == do_mask));
}

static void check_works(int policy, const struct works *w) {
  if (is_skipped(w->make))
    return;
  for (int again = 0; again != 2; ++again) {
    struct leftovers before = count_leftovers();
    elfspawn_t *r = request(policy, w->make, w->script);
    struct elfspawn_run run = {.capture_output = true, .deadline = 20000};
    struct elfspawn_error e;
    char text[300];
    if (elfspawn_run(r, &run, &e) != 0)
      result(policy, w->name, 0, elfspawn_describe(&e, text, sizeof(text)));
    else
      result(policy, w->name, !strcmp(run.output, w->output), run.output);
    free(run.output);
    elfspawn_free(r);
    if (again)
      check_leftovers(policy, w->name, before);
  }
}

static void check_fails(int policy, const struct fails *f) {
  if (is_skipped(f->make))
    return;
  for (int again = 0; again != 2; ++again) {
    struct leftovers before = count_leftovers();
    elfspawn_t *r = request(policy, f->make, "exit 5");
    struct elfspawn_child child = {.pid = -1};
    struct elfspawn_error e;
    char text[300] = "no error";
    int error = elfspawn_start(r, &child, &e);
    if (error == 0)
      waitpid(child.pid, NULL, 0);
    else
      elfspawn_describe(&e, text, sizeof(text));
    result(policy, f->name, error == f->error && e.error == error && (int)e.step == f->step && e.action == f->action && e.left == 0, text);
    elfspawn_free(r);
    if (again)
      check_leftovers(policy, f->name, before);
  }
}

static void on_signal(int signal) { (void)signal; }

/* Something of everything, so that what is not asked for can be seen to stay. */
static void make_surroundings(void) {
  sigset_t blocked;
  file = open("file", O_RDONLY | O_CLOEXEC);
  dir = open("dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  dup3(open("/bin/echo", O_RDONLY | O_CLOEXEC), dir + 100, O_CLOEXEC);
  pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  grantpt(pty);
  unlockpt(pty);
  terminal = strdup(ptsname(pty));
  char number[20];
  snprintf(number, sizeof(number), "%d", open("/dev/null", O_RDONLY));
  setenv("KEPT", number, 1);
  snprintf(number, sizeof(number), "%d", file);
  setenv("FILE", number, 1);
  setenv("KEPT_VARIABLE", "is kept", 1);
  setenv("HOME", "/", 1);
  for (int n = 1; n != 65; ++n)
    signal(n, SIG_DFL);
  signal(SIGUSR1, SIG_IGN);
  signal(SIGUSR2, on_signal);
  signal(SIGTERM, on_signal);
  struct sigaction ignored = {.sa_handler = SIG_IGN};
  sigaction(40, &ignored, NULL);
  sigaction(41, &ignored, NULL);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGURG);
  sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* A namespace with another host name, and a cgroup. */
static void make_namespaces(void) {
  int ends[2];
  char path[64], c;
  if (pipe2(ends, O_CLOEXEC))
    exit(1);
  pid_t pid = fork();
  if (pid == 0) {
    if (unshare(CLONE_NEWUTS) || sethostname("joined", 6))
      _exit(1);
    write(ends[1], "x", 1);
    pause();
  }
  read(ends[0], &c, 1);
  snprintf(path, sizeof(path), "/proc/%d/ns/uts", pid);
  uts = open(path, O_RDONLY | O_CLOEXEC);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  close(ends[0]);
  close(ends[1]);
  FILE *mounts = fopen("/proc/mounts", "re");
  char line[1000], mount[256];
  while (fgets(line, sizeof(line), mounts))
    if (sscanf(line, "%*s %255s cgroup2 ", mount) == 1 && strstr(line, " cgroup2 ")) {
      snprintf(group_path, sizeof(group_path), "%s/elfspawn-test.%d", mount, getpid());
      mkdir(group_path, 0755);
      group = open(group_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      break;
    }
  fclose(mounts);
}

#define ALL(TABLE, CHECK) for (size_t n = 0; n != sizeof(TABLE) / sizeof(*TABLE); ++n) CHECK(policy, &TABLE[n])
int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc == 1) {
    int signal = 0;
    prctl(PR_GET_PDEATHSIG, &signal);
    return !printf("signal %d\n", signal);
  }
  if (chdir(argv[1]))
    return 1;
  make_surroundings();
  emulated = argc == 3 && !strcmp(argv[2], "emulated");
  int privileged = argc == 2 || emulated;
  if (privileged)
    make_namespaces();
  else
    uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
  static const int policies[] = {ELFSPAWN_AUTO, ELFSPAWN_HELPER, ELFSPAWN_DIRECT, ELFSPAWN_NO_FORK};
  for (int n = 0; n != 4; ++n) {
    int policy = policies[n];
    if (emulated && policy == ELFSPAWN_HELPER)
      continue;
    if (privileged) {
      ALL(works, check_works);
      ALL(works_for_root, check_works);
      ALL(fails, check_fails);
    } else {
      ALL(fails_unprivileged, check_fails);
    }
  }
  if (group >= 0)
    rmdir(group_path);
  printf("%d as wanted, %d not\n", wanted, unwanted);
  return unwanted != 0;
}
