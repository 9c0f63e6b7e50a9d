//===- PosixActions.c - posix_spawn_file_actions_* ------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Posix.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int elfspawn_posix_spawn_file_actions_init(
    posix_spawn_file_actions_t *actions) {
  memset(actions, 0, sizeof(*actions));
  return 0;
}

int elfspawn_posix_spawn_file_actions_destroy(
    posix_spawn_file_actions_t *actions) {
  es_posix_actions *ours = (es_posix_actions *)actions;
  for (int n = 0; n != ours->used; ++n)
    free(ours->actions[n].path);
  free(ours->actions);
  *ours = (es_posix_actions){0};
  return 0;
}

static bool can_be_descriptor(int fd) {
  long most = sysconf(_SC_OPEN_MAX);
  return fd >= 0 && (most < 0 || fd < most);
}

/* Appends an action with a copy of the path, if there is one. */
static int append(posix_spawn_file_actions_t *actions,
                  struct es_posix_action action, const char *path) {
  enum { STEP = 8 };
  es_posix_actions *ours = (es_posix_actions *)actions;
  int before = errno;
  if (ours->used == ours->room) {
    struct es_posix_action *more =
        realloc(ours->actions, sizeof(*more) * (size_t)(ours->room + STEP));
    if (!more)
      goto no_memory;
    ours->actions = more;
    ours->room += STEP;
  }
  if (path && !(action.path = strdup(path)))
    goto no_memory;
  ours->actions[ours->used++] = action;
  return 0;

no_memory:
  errno = before;
  return ENOMEM;
}

static int append_fd(posix_spawn_file_actions_t *actions,
                     enum es_posix_kind kind, int fd) {
  if (!can_be_descriptor(fd))
    return EBADF;
  return append(actions, (struct es_posix_action){.kind = kind, .fd = fd},
                NULL);
}

int elfspawn_posix_spawn_file_actions_addopen(
    posix_spawn_file_actions_t *__restrict actions, int fd,
    const char *__restrict path, int flags, mode_t mode) {
  if (!can_be_descriptor(fd))
    return EBADF;
  struct es_posix_action action = {
      .kind = ES_POSIX_OPEN, .fd = fd, .flags = flags, .mode = mode};
  return append(actions, action, path);
}

int elfspawn_posix_spawn_file_actions_addclose(
    posix_spawn_file_actions_t *actions, int fd) {
  return append_fd(actions, ES_POSIX_CLOSE, fd);
}

int elfspawn_posix_spawn_file_actions_adddup2(
    posix_spawn_file_actions_t *actions, int from, int to) {
  if (!can_be_descriptor(from) || !can_be_descriptor(to))
    return EBADF;
  struct es_posix_action action = {.kind = ES_POSIX_DUP, .fd = from, .to = to};
  return append(actions, action, NULL);
}

int elfspawn_posix_spawn_file_actions_addchdir(
    posix_spawn_file_actions_t *__restrict actions,
    const char *__restrict path) {
  return append(actions, (struct es_posix_action){.kind = ES_POSIX_CHDIR},
                path);
}

int elfspawn_posix_spawn_file_actions_addchdir_np(
    posix_spawn_file_actions_t *__restrict actions,
    const char *__restrict path) {
  return elfspawn_posix_spawn_file_actions_addchdir(actions, path);
}

int elfspawn_posix_spawn_file_actions_addfchdir(
    posix_spawn_file_actions_t *actions, int fd) {
  return append_fd(actions, ES_POSIX_FCHDIR, fd);
}

int elfspawn_posix_spawn_file_actions_addfchdir_np(
    posix_spawn_file_actions_t *actions, int fd) {
  return append_fd(actions, ES_POSIX_FCHDIR, fd);
}

int elfspawn_posix_spawn_file_actions_addclosefrom_np(
    posix_spawn_file_actions_t *actions, int fd) {
  return append_fd(actions, ES_POSIX_CLOSE_FROM, fd);
}

int elfspawn_posix_spawn_file_actions_addtcsetpgrp_np(
    posix_spawn_file_actions_t *actions, int fd) {
  return append_fd(actions, ES_POSIX_FOREGROUND, fd);
}

/* No error if the descriptor is not open, as long as it could be; the limit may
   have been lowered since the action was added. A descriptor that is open can
   be duplicated onto itself, whatever the limit. */
static int put_close(elfspawn_t *request, int fd) {
  struct rlimit limit;
  bool possible =
      getrlimit(RLIMIT_NOFILE, &limit) != 0 || (rlim_t)fd < limit.rlim_cur;
  int error = possible ? 0 : elfspawn_add_dup(request, fd, fd);
  return error ? error : elfspawn_add_close(request, fd);
}

/* What is open under the number is closed first: it may be the file that can be
   opened but once, or the last descriptor that the limit allows. */
static int put_open(elfspawn_t *request, const struct es_posix_action *action) {
  int error = elfspawn_add_close(request, action->fd);
  return error ? error
               : elfspawn_add_open(request, action->fd, action->path,
                                   action->flags, action->mode);
}

static int put_action(elfspawn_t *request,
                      const struct es_posix_action *action) {
  switch (action->kind) {
  case ES_POSIX_OPEN:
    return put_open(request, action);
  case ES_POSIX_CLOSE:
    return put_close(request, action->fd);
  case ES_POSIX_DUP:
    return elfspawn_add_dup(request, action->fd, action->to);
  case ES_POSIX_CHDIR:
    return elfspawn_add_chdir(request, action->path);
  case ES_POSIX_FCHDIR:
    return elfspawn_add_fchdir(request, action->fd);
  case ES_POSIX_CLOSE_FROM:
    return elfspawn_add_close_from(request, action->fd);
  case ES_POSIX_FOREGROUND:
    return elfspawn_add_foreground(request, action->fd);
  }
  return EINVAL;
}

int es_posix_put_actions(elfspawn_t *request,
                         const posix_spawn_file_actions_t *actions) {
  const es_posix_actions *ours = (const es_posix_actions *)actions;
  int error = 0;
  for (int n = 0; n != ours->used && !error; ++n)
    error = put_action(request, &ours->actions[n]);
  return error;
}
