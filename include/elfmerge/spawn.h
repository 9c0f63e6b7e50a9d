//===- spawn.h - Start a sub-process safely from any process --------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A request says what to run and how; it is made once and started as often as
// wanted:
//
//   elfspawn_t *r = elfspawn_create();
//   elfspawn_set_path(r, "/usr/bin/sort");
//   elfspawn_set_arguments(r, (char *[]){"sort", "-n", NULL});
//   elfspawn_add_open(r, 0, "numbers", O_RDONLY, 0);
//   struct elfspawn_child child;
//   struct elfspawn_error error;
//   if (elfspawn_start(r, &child, &error) != 0)
//     fprintf(stderr, "%s\n", elfspawn_describe(&error, text, sizeof(text)));
//
// Nothing is inherited by accident: the child has the descriptors 0, 1 and 2,
// those that elfspawn_add_inherit, elfspawn_add_open and elfspawn_add_dup name,
// and no other one.
//
// Errors. Every function that returns int returns 0 or an errno value and
// leaves errno alone. A request remembers the first error of a function that
// adds to it, and elfspawn_start returns that, so that a caller may look there
// only.
//
// Threads. A request may be started from any number of threads at once while
// nobody changes or frees it. Requests do not know of each other. Nothing here
// may be called from a signal handler, as memory is allocated, nor in the child
// of a fork from a process with threads. No function is a cancellation point,
// except those that say so.
//
// The process's other descriptors, its locks and its atfork handlers are not
// touched, no signal handler of it runs in the child, and its size does not
// matter.
//
// Pointers may be NULL only where that is said. The header needs POSIX's
// declarations, as of the usual -std=gnu11, or _POSIX_C_SOURCE.
//
// Ownership. What is passed in is copied. Descriptors are not: they have to be
// open when the request is started, and stay the caller's.
//
// All of it since version 0.1.
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_SPAWN_H
#define ELFMERGE_SPAWN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ELFSPAWN_API __attribute__((visibility("default")))

typedef struct elfspawn elfspawn_t;

/** An empty request; NULL with errno ENOMEM. To be given to elfspawn_free. */
ELFSPAWN_API elfspawn_t *elfspawn_create(void);
/** Frees a request; NULL is allowed. Its children are not concerned. */
ELFSPAWN_API void elfspawn_free(elfspawn_t *request);

//===--------------------------- What to run ------------------------------===//

/** Runs this file. A relative path is looked up in the child's directory. */
ELFSPAWN_API int elfspawn_set_path(elfspawn_t *, const char *path);
/** Runs the first file of that name in the directories of \p search, separated
    by colons, as execvp does; NULL: what PATH is now. A name with a slash is a
    path. ENOENT if the name is empty. */
ELFSPAWN_API int elfspawn_set_file(elfspawn_t *, const char *name,
                                   const char *search);
/** Runs the file that this descriptor is open to. The target does not get the
    descriptor, so it cannot be a script, which would have to be read again. No
    action may make this number. */
ELFSPAWN_API int elfspawn_set_executable(elfspawn_t *, int fd);
/** The arguments, argv[0] first, up to a null pointer. Default: the path, or
    the name of elfspawn_set_file, as the only one. */
ELFSPAWN_API int elfspawn_set_arguments(elfspawn_t *, char *const argv[]);
/** Replaces argv[0] alone. */
ELFSPAWN_API int elfspawn_set_argv0(elfspawn_t *, const char *argv0);
/** Has /bin/sh run a file that the kernel has no format for (ENOEXEC). */
ELFSPAWN_API int elfspawn_set_shell_fallback(elfspawn_t *, bool);

/** The whole environment. NULL, the default: what environ is at the start. */
ELFSPAWN_API int elfspawn_set_environment(elfspawn_t *, char *const envp[]);
/** Sets or, with \p value NULL, removes one variable in the environment that
    the target would have otherwise. EINVAL: a name that is empty or has a '='.
    */
ELFSPAWN_API int elfspawn_set_variable(elfspawn_t *, const char *name,
                                       const char *value);

//===----------------------------- Actions --------------------------------===//
//
// Carried out in the child in the order in which they were added. The number of
// an action, which errors have, is 0 for the first one. Descriptors are the
// child's: those of the parent as far as earlier actions have not changed them.
// EBADF: a negative number.

/** Opens a file as descriptor \p fd. O_CLOEXEC is without effect. */
ELFSPAWN_API int elfspawn_add_open(elfspawn_t *, int fd, const char *path,
                                   int flags, mode_t mode);
/** Makes \p to the same file as \p from, also when the numbers are the same. */
ELFSPAWN_API int elfspawn_add_dup(elfspawn_t *, int from, int to);
/** Closes a descriptor, one that is not open without an error. */
ELFSPAWN_API int elfspawn_add_close(elfspawn_t *, int fd);
/** Closes all from \p fd on. */
ELFSPAWN_API int elfspawn_add_close_from(elfspawn_t *, int fd);
/** Leaves a descriptor open for the target, whether close-on-exec or not. */
ELFSPAWN_API int elfspawn_add_inherit(elfspawn_t *, int fd);
/** Writes the text to a file that exists, at once; /proc/self is the child. A
    path has at most 255 bytes. */
ELFSPAWN_API int elfspawn_add_write(elfspawn_t *, const char *path,
                                    const char *text);
ELFSPAWN_API int elfspawn_add_chdir(elfspawn_t *, const char *path);
ELFSPAWN_API int elfspawn_add_fchdir(elfspawn_t *, int fd);
/** Changes the root and then the directory to it. */
ELFSPAWN_API int elfspawn_add_chroot(elfspawn_t *, const char *path);
ELFSPAWN_API int elfspawn_add_umask(elfspawn_t *, mode_t mask);
/** Makes a terminal the controlling one; elfspawn_set_session has to be set. */
ELFSPAWN_API int elfspawn_add_controlling_terminal(elfspawn_t *, int fd);
/** Makes the child's process group the foreground one of this terminal. */
ELFSPAWN_API int elfspawn_add_foreground(elfspawn_t *, int fd);
/** Joins the namespace of a descriptor (setns). \p type is 0 or a CLONE_NEW*;
    a process id namespace is for the target's children only. */
ELFSPAWN_API int elfspawn_add_join_namespace(elfspawn_t *, int fd, int type);
/** Makes namespaces of its own (unshare); \p flags are CLONE_NEW*. */
ELFSPAWN_API int elfspawn_add_unshare(elfspawn_t *, int flags);

//===-------------------------- Standard streams --------------------------===//

/** Before all actions, standard input becomes a file in memory with these
    bytes, any number of them, at its beginning. */
ELFSPAWN_API int elfspawn_set_input(elfspawn_t *, const void *data,
                                    size_t size);
/** The same as elfspawn_add_dup(fd, 1) and (fd, 2). */
ELFSPAWN_API int elfspawn_add_output(elfspawn_t *, int fd);
ELFSPAWN_API int elfspawn_add_error_output(elfspawn_t *, int fd);

//===---------------------------- Attributes ------------------------------===//
//
// Each has one value; a later call replaces it. They are carried out in the
// order of this section, those up to elfspawn_set_oom_score before the actions,
// the others after them.

/** The cgroup (version 2) whose directory this descriptor is. The child is in
    it from its first instruction where the kernel can (since 5.7). */
ELFSPAWN_API int elfspawn_set_cgroup(elfspawn_t *, int fd);
/** A session of its own, without controlling terminal. */
ELFSPAWN_API int elfspawn_set_session(elfspawn_t *, bool);
/** A process group: 0 for one of its own. */
ELFSPAWN_API int elfspawn_set_process_group(elfspawn_t *, pid_t group);
/** Signals that are set to their default action; the others stay ignored if the
    parent ignores them, and are default if the parent handles them. NULL:
    none. */
ELFSPAWN_API int elfspawn_set_default_signals(elfspawn_t *, const sigset_t *);
/** Signals that are ignored; after the default ones. */
ELFSPAWN_API int elfspawn_set_ignored_signals(elfspawn_t *, const sigset_t *);
/** Nice value, -20 to 19. */
ELFSPAWN_API int elfspawn_set_nice(elfspawn_t *, int nice);
/** Scheduling policy, SCHED_* and SCHED_RESET_ON_FORK, with its priority. */
ELFSPAWN_API int elfspawn_set_scheduler(elfspawn_t *, int policy, int priority);
/** Processors: a cpu_set_t or the like of \p size bytes, 1024 at most. */
ELFSPAWN_API int elfspawn_set_affinity(elfspawn_t *, const void *set,
                                       size_t size);
/** I/O priority: class 0 (none), 1 (real time), 2 (best effort) or 3 (idle),
    level 0 to 7. */
ELFSPAWN_API int elfspawn_set_io_priority(elfspawn_t *, int io_class,
                                          int level);
/** /proc/self/oom_score_adj, -1000 to 1000. */
ELFSPAWN_API int elfspawn_set_oom_score(elfspawn_t *, int score);

/** Whether descriptors that are not named are closed (default), or inherited as
    by exec unless they are close-on-exec, as with posix_spawn. */
ELFSPAWN_API int elfspawn_set_close_others(elfspawn_t *, bool);
/** One resource limit, RLIMIT_*, soft and hard; UINT64_MAX: none. Not a struct
    rlimit, which a 32-bit program may have in two sizes. */
ELFSPAWN_API int elfspawn_set_limit(elfspawn_t *, int resource, uint64_t soft,
                                    uint64_t hard);
/** SECBIT_* of prctl(2). */
ELFSPAWN_API int elfspawn_set_secure_bits(elfspawn_t *, unsigned bits);
/** Capabilities that stay in the bounding set; bit n is capability n, as in the
    next two. */
ELFSPAWN_API int elfspawn_set_bounding(elfspawn_t *, uint64_t capabilities);
/** The supplementary groups. */
ELFSPAWN_API int elfspawn_set_groups(elfspawn_t *, const gid_t *groups,
                                     size_t count);
/** Real, effective and saved group id. */
ELFSPAWN_API int elfspawn_set_group(elfspawn_t *, gid_t group);
/** Real, effective and saved user id. The supplementary groups stay as they are
    unless elfspawn_set_groups says other ones. */
ELFSPAWN_API int elfspawn_set_user(elfspawn_t *, uid_t user);
/** User, group and groups of an account, by getpwnam_r and getgrouplist, now.
    ENOENT: there is none of that name. A cancellation point. */
ELFSPAWN_API int elfspawn_set_account(elfspawn_t *, const char *name);
ELFSPAWN_API int elfspawn_set_inheritable(elfspawn_t *, uint64_t capabilities);
/** Capabilities that the target has though it is not root's; they are made
    inheritable too. */
ELFSPAWN_API int elfspawn_set_ambient(elfspawn_t *, uint64_t capabilities);
ELFSPAWN_API int elfspawn_set_no_new_privileges(elfspawn_t *, bool);
/** A signal for the child when the thread that started it ends; 0: none. If the
    parent has ended before this was carried out, the child ends too. */
ELFSPAWN_API int elfspawn_set_parent_death_signal(elfspawn_t *, int signal);
/** The target's signal mask. NULL, the default: that of the starting thread. */
ELFSPAWN_API int elfspawn_set_signal_mask(elfspawn_t *, const sigset_t *);

//===------------------------------ Starting ------------------------------===//

enum elfspawn_policy {
  /** Direct, unless an action may block or credentials change. */
  ELFSPAWN_AUTO,
  /** By the helper or not at all. */
  ELFSPAWN_HELPER,
  /** In a child that shares the parent's memory until the target runs; the
      calling thread cannot be interrupted before. EINVAL with a timeout. */
  ELFSPAWN_DIRECT,
  /** As ELFSPAWN_AUTO, but never by copying the parent's memory, which else is
      the last resort where the system refuses to share it. */
  ELFSPAWN_NO_FORK,
};

ELFSPAWN_API int elfspawn_set_policy(elfspawn_t *, enum elfspawn_policy);
/** Milliseconds until the target has to run; -1, the default: any time. When
    they are over, the child is killed and elfspawn_start returns ETIMEDOUT. A
    request with a timeout is started by the helper or not at all. */
ELFSPAWN_API int elfspawn_set_timeout(elfspawn_t *, int milliseconds);

/** Whether elfspawn_child gets a pidfd (default). One that nobody wants costs a
    microsecond. */
ELFSPAWN_API int elfspawn_set_pidfd(elfspawn_t *, bool);

/** How a child was started. */
enum elfspawn_route { ELFSPAWN_ROUTE_DIRECT, ELFSPAWN_ROUTE_HELPER };

enum elfspawn_detail {
  /** By clone3. */
  ELFSPAWN_BY_CLONE3 = 1,
  /** The parent's memory was copied. */
  ELFSPAWN_BY_FORK = 2,
  /** The parent's whole table of descriptors was copied. */
  ELFSPAWN_TABLE_COPIED = 4,
  /** The helper was executed through its name in /proc. */
  ELFSPAWN_BY_PROC = 8,
  /** The helper was the one of elfspawn_set_helper_file. */
  ELFSPAWN_HELPER_FILE = 16,
  /** The child was in its cgroup from its first instruction. */
  ELFSPAWN_INTO_CGROUP = 32,
};

struct elfspawn_child {
  /** The child is the caller's to wait for, as after fork. */
  pid_t pid;
  /** For poll and waitid(P_PIDFD), the caller's to close; -1 where the kernel
      has none (before 5.2), or none was wanted. Close-on-exec. */
  int pidfd;
  enum elfspawn_route route;
  /** elfspawn_detail. */
  unsigned details;
};

/** Where starting failed. The letter of an action or attribute is its step. */
enum elfspawn_step {
  ELFSPAWN_STEP_NONE = 0,
  /** The request itself, before anything was done. */
  ELFSPAWN_STEP_REQUEST = '?',
  /** Memory, a pipe or the file for standard input. */
  ELFSPAWN_STEP_PREPARE = '1',
  /** clone. */
  ELFSPAWN_STEP_PROCESS = '2',
  /** The helper could not be made or executed. */
  ELFSPAWN_STEP_HELPER = '3',
  /** The timeout. */
  ELFSPAWN_STEP_TIMEOUT = '4',
  /** The child was ended from outside before it could execute the target. */
  ELFSPAWN_STEP_KILLED = '5',
  /** elfspawn_run: capturing, or waiting for the end. */
  ELFSPAWN_STEP_WAIT = '6',
  ELFSPAWN_STEP_OPEN = 'o',
  ELFSPAWN_STEP_DUP = 'd',
  ELFSPAWN_STEP_CLOSE = 'c',
  ELFSPAWN_STEP_INHERIT = 'i',
  ELFSPAWN_STEP_WRITE = 'w',
  ELFSPAWN_STEP_CHDIR = 'D',
  ELFSPAWN_STEP_FCHDIR = 'F',
  ELFSPAWN_STEP_CHROOT = 'R',
  ELFSPAWN_STEP_UMASK = 'U',
  ELFSPAWN_STEP_SESSION = 'S',
  ELFSPAWN_STEP_PROCESS_GROUP = 'P',
  ELFSPAWN_STEP_CONTROLLING_TERMINAL = 'T',
  ELFSPAWN_STEP_FOREGROUND = 'G',
  ELFSPAWN_STEP_DEFAULT_SIGNALS = 'h',
  ELFSPAWN_STEP_IGNORED_SIGNALS = 'I',
  ELFSPAWN_STEP_LIMIT = 'l',
  ELFSPAWN_STEP_NICE = 'n',
  ELFSPAWN_STEP_SCHEDULER = 'p',
  ELFSPAWN_STEP_SCHEDULER_PRIORITY = 'q',
  ELFSPAWN_STEP_AFFINITY = 'a',
  ELFSPAWN_STEP_IO_PRIORITY = 'b',
  ELFSPAWN_STEP_OOM_SCORE = 'O',
  ELFSPAWN_STEP_GROUPS = 'g',
  ELFSPAWN_STEP_GROUP = 'r',
  ELFSPAWN_STEP_USER = 'u',
  ELFSPAWN_STEP_RESET_IDS = 'z',
  ELFSPAWN_STEP_SECURE_BITS = 's',
  ELFSPAWN_STEP_BOUNDING = 'B',
  ELFSPAWN_STEP_INHERITABLE = 'Y',
  ELFSPAWN_STEP_AMBIENT = 'A',
  /** Keeping capabilities, for the two above, when the user id changes. */
  ELFSPAWN_STEP_KEEP_CAPABILITIES = 'v',
  /** The helper: making capabilities what they were before its exec. */
  ELFSPAWN_STEP_RESTORE_CAPABILITIES = 'Q',
  ELFSPAWN_STEP_NO_NEW_PRIVILEGES = 'N',
  ELFSPAWN_STEP_PARENT_DEATH_SIGNAL = 'K',
  ELFSPAWN_STEP_JOIN_NAMESPACE = 'J',
  ELFSPAWN_STEP_UNSHARE = 'W',
  ELFSPAWN_STEP_CGROUP = 'C',
  ELFSPAWN_STEP_EXECUTE = 'x',
  ELFSPAWN_STEP_EXECUTE_FD = 'X',
};

struct elfspawn_error {
  /** An errno value; 0: no error. */
  int error;
  enum elfspawn_step step;
  /** The number of the action, or -1. */
  int action;
  /** ETIMEDOUT only: a child that was killed and yet has not ended, as it is in
      a system call that nothing interrupts; the caller has to wait for it. Else
      0. */
  pid_t left;
};

/** Starts the request. Returns when the target runs, or an errno value with no
    child left. Both \p child and \p error may be NULL; who asks for no \p child
    has to know of its end by other means. Signal handlers may run meanwhile, on
    the parent's side. */
ELFSPAWN_API int elfspawn_start(const elfspawn_t *,
                                struct elfspawn_child *child,
                                struct elfspawn_error *error);

/** A sentence in English without a final period, such as "action 2 (open): No
    such file or directory"; cut to \p size. Returns \p buffer. */
ELFSPAWN_API char *elfspawn_describe(const struct elfspawn_error *,
                                     char *buffer, size_t size);

/** A file to use as helper where one in memory cannot be made or executed: as
    `elfhelper --format=elf` writes it for this machine. Its bytes have to be
    those of the helper in this library, else ENOEXEC; nobody else may be able
    to change or replace it. For the whole process; NULL takes it back. Not
    while any request is being started. */
ELFSPAWN_API int elfspawn_set_helper_file(const char *path);

//===---------------------------- Convenience -----------------------------===//

/** Waits for a child, at most that many milliseconds (-1: any time), and closes
    its pidfd when it has ended. \p status as waitpid's. ETIMEDOUT: it still
    runs; ECHILD: somebody else has waited for it. A cancellation point. */
ELFSPAWN_API int elfspawn_wait(struct elfspawn_child *, int milliseconds,
                               int *status);

struct elfspawn_run {
  /** In: milliseconds from the start until the child is killed; 0: none. It
      does not end a start that blocks: that is elfspawn_set_timeout. */
  int deadline;
  /** In: bytes to keep of each stream; 0: any number. What comes after them is
      read and dropped. */
  size_t limit;
  /** In: whether to capture standard output and standard error. With merge,
      which wants capture_output, both go into output. What is not captured is
      inherited. */
  bool capture_output, capture_error, merge;
  /** In: at the deadline, kill the child's whole process group. EINVAL if the
      request does not give it a group or session of its own. */
  bool kill_group;

  /** Out: as waitpid's; -1 if nobody can know, as SIGCHLD is ignored or
      somebody else has waited for the child. */
  int status;
  /** Out: the deadline came first; the child was killed. */
  bool timed_out;
  /** Out: more came than was kept. */
  bool truncated;
  /** Out: to be given to free; a zero byte follows what was captured. NULL if
      not captured. */
  char *output, *error_output;
  size_t output_size, error_size;
};

/** Starts the request, captures what it writes and waits for its end. On an
    error there is no child and nothing to free. Descendants that keep a
    captured stream open are waited for until the deadline. */
ELFSPAWN_API int elfspawn_run(const elfspawn_t *, struct elfspawn_run *,
                              struct elfspawn_error *);

/** popen, pclose and system of POSIX, with what they return and errno, but with
    nothing inherited except 0, 1 and 2. \p mode "r" or "w", and "e". pclose and
    system are cancellation points. */
ELFSPAWN_API FILE *elfspawn_popen(const char *command, const char *mode);
ELFSPAWN_API int elfspawn_pclose(FILE *);
ELFSPAWN_API int elfspawn_system(const char *command);

#ifdef __cplusplus
}
#endif

#endif // ELFMERGE_SPAWN_H
