//===- Request.h - How a request travels to the helper --------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The helper is executed with the request in front of the target's arguments:
//
//   argv[0]   ES_MAGIC
//   argv[1]   <report>,<parent>,<flags>,<mask>
//   argv[2].. one operation each: its letter and its operands
//   then      ES_END, and behind it the argv of the target
//
// Numbers are hexadecimal, without prefix, lower case; a minus sign may stand
// in front; commas stand between them. A path comes last, behind a colon. Text
// needs no byte order and no alignment, and no zero byte, which in argv would
// cost a pointer. The environment of the helper is that of the target.
//
// <report> is a descriptor to which es_records are written: first one with the
// step ES_HELLO; one with ES_EXECUTING when all but the last step is done; then
// nothing more if the target runs (the descriptor is closed by its exec), or
// else one that says what failed. <parent> is the id of the process that asked;
// <mask> is the signal mask of the target unless the request has another.
//
// The same operations are carried out in the library's own child when no helper
// is used. docs/spawn-request.md is about the format at length.
//
//===----------------------------------------------------------------------===//

#ifndef ELFMERGE_RUNTIME_SPAWN_REQUEST_H
#define ELFMERGE_RUNTIME_SPAWN_REQUEST_H

#include <stdint.h>

/** Name and version: any change of meaning changes it. */
#define ES_MAGIC "elfspawn-1"
#define ES_END "."

/** What a child tells its parent; all fields in the machine's byte order. */
struct es_record {
  /** ES_HELLO, ES_EXECUTING, or the letter of the operation that failed. */
  int32_t step;
  /** Which string of the request that was; 0 is ES_MAGIC. */
  int32_t position;
  /** An errno value. */
  int32_t error;
};

enum es_flag {
  /** The kernel put the child into its cgroup; ES_CGROUP does nothing. */
  ES_IN_CGROUP = 1,
};

enum es_step {
  ES_HELLO = '!',
  /** All operations are done, and the target is being executed: what comes
     after this, if anything, is that it could not be. */
  ES_EXECUTING = '>',
  /** The library's child goes on without the helper, as its exec failed. */
  ES_WENT_DIRECT = '=',
  /** The request itself is wrong: there is no target. An unknown letter is a
     step like any other, which fails with EINVAL. */
  ES_REQUEST = '?',

  // Descriptors.
  ES_OPEN = 'o',    /**< fd,flags,mode:path  open as just that number */
  ES_DUP = 'd',     /**< from,to  the same number: is inherited */
  ES_CLOSE = 'c',   /**< first,last  need not be open; not <report> */
  ES_INHERIT = 'i', /**< fd,...  not close-on-exec; have to be open */
  ES_CLOEXEC = 'e', /**< fd,...  close-on-exec; need not be open */
  ES_WRITE = 'w',   /**< length:path text  the path has that many bytes; the
                         text follows at once and is written to the file */

  // Files.
  ES_CHDIR = 'D',  /**< :path */
  ES_FCHDIR = 'F', /**< fd */
  ES_CHROOT = 'R', /**< :path  and chdir to its top */
  ES_UMASK = 'U',  /**< mask */

  // Session and terminal.
  ES_SETSID = 'S',
  ES_SETPGID = 'P',   /**< group  0: one of its own */
  ES_CTTY = 'T',      /**< fd  becomes the controlling terminal */
  ES_TCSETPGRP = 'G', /**< fd  the child's group becomes its foreground */

  // Signals; a set has bit n - 1 for signal n.
  ES_SIGDEFAULT = 'h', /**< set */
  ES_SIGIGNORE = 'I',  /**< set */
  ES_SIGMASK = 'm',    /**< set  carried out last of all */

  // Scheduling and limits.
  ES_RLIMIT = 'l',     /**< resource,soft,hard */
  ES_NICE = 'n',       /**< value */
  ES_SCHEDULER = 'p',  /**< policy,priority */
  ES_SCHEDPARAM = 'q', /**< priority */
  ES_AFFINITY = 'a',  /**< byte,...  of the mask, the lowest processors first */
  ES_IOPRIO = 'b',    /**< class << 13 | level */
  ES_OOM_SCORE = 'O', /**< value, in decimal */

  // Credentials.
  ES_SETGROUPS = 'g',   /**< group,... */
  ES_SETGID = 'r',      /**< real,effective,saved; -1: as it is */
  ES_SETUID = 'u',      /**< real,effective,saved; -1: as it is */
  ES_RESETIDS = 'z',    /**< the effective ids become the real ones */
  ES_KEEPCAPS = 'v',    /**< permitted capabilities outlive ES_SETUID */
  ES_SECUREBITS = 's',  /**< bits */
  ES_BOUNDING = 'B',    /**< set  capabilities that stay in the bounding set */
  ES_INHERITABLE = 'Y', /**< set */
  ES_AMBIENT = 'A',     /**< set  also made inheritable */
  ES_RESTORECAPS = 'Q', /**< inheritable,ambient,effective  what they were
                           before a helper was executed */
  ES_NONEWPRIVS = 'N',
  ES_PDEATHSIG = 'K', /**< signal  fails with ESRCH if <parent> is gone */

  // Namespaces and cgroups.
  ES_SETNS = 'J',   /**< fd,type */
  ES_UNSHARE = 'W', /**< flags */
  ES_CGROUP = 'C',  /**< fd  of the cgroup's directory */

  // The target. The first of several paths that can be executed is.
  ES_EXEC = 'x',   /**< :path */
  ES_EXECFD = 'X', /**< fd */
  ES_SHELL = 'y', /**< what the kernel has no format for is /bin/sh's; stands in
                       front of ES_EXEC */
};

#endif // ELFMERGE_RUNTIME_SPAWN_REQUEST_H
