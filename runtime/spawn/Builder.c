//===- Builder.c - A request is put together ------------------------------===//
//
// Part of elfmerge, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every operation is kept as the string that the helper will read: Encode.c
// only puts them in order. Attributes are in Attributes.c.
//
//===----------------------------------------------------------------------===//

#include "Strings.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

elfspawn_t *elfspawn_create(void) {
  elfspawn_t *r = calloc(1, sizeof(*r));
  if (r)
    r->executable = r->cgroup = r->timeout = -1;
  return r;
}

void elfspawn_free(elfspawn_t *r) {
  if (!r)
    return;
  es_changes(r);
  for (int n = 0; n != ES_ATTR_COUNT; ++n)
    free(r->attributes[n]);
  for (size_t n = 0; n != r->action_count; ++n)
    free(r->actions[n].string);
  free(r->actions);
  es_list_free(&r->paths);
  es_list_free(&r->arguments);
  es_list_free(&r->environment);
  es_list_free(&r->variables);
  free(r->argv0);
  free(r->file);
  free(r->input);
  free(r);
}

//===--------------------------- What to run ------------------------------===//

/* What was to be run before is forgotten. */
static void set_nothing(elfspawn_t *r) {
  es_changes(r);
  es_list_free(&r->paths);
  free(r->file);
  r->file = NULL;
  r->executable = -1;
}

int elfspawn_set_path(elfspawn_t *r, const char *path) {
  set_nothing(r);
  if (!*path)
    return es_result(r, ENOENT);
  return es_result(r,
                   es_list_add(&r->paths, es_format("%c:%s", ES_EXEC, path)));
}

/* One directory of a search path, which in front of a name has no length. */
static int add_candidate(elfspawn_t *r, const char *directory, size_t length,
                         const char *name) {
  char *s = length
                ? es_format("%c:%.*s/%s", ES_EXEC, (int)length, directory, name)
                : es_format("%c:%s", ES_EXEC, name);
  return es_list_add(&r->paths, s);
}

int elfspawn_set_file(elfspawn_t *r, const char *name, const char *search) {
  if (!*name || strchr(name, '/'))
    return elfspawn_set_path(r, name);
  set_nothing(r);
  r->file = strdup(name);
  if (!r->file)
    return es_result(r, ENOMEM);
  if (!search)
    search = getenv("PATH");
  if (!search)
    search = "/bin:/usr/bin"; // What confstr(_CS_PATH) says.
  for (;;) {
    size_t length = strcspn(search, ":");
    int error = length < PATH_MAX ? add_candidate(r, search, length, name) : 0;
    if (error)
      return es_result(r, error);
    if (!search[length])
      return es_result(r, r->paths.count ? 0 : ENOENT);
    search += length + 1;
  }
}

int elfspawn_set_executable(elfspawn_t *r, int fd) {
  set_nothing(r);
  r->executable = fd;
  return es_result(r, fd < 0 ? EBADF : 0);
}

int elfspawn_set_arguments(elfspawn_t *r, char *const argv[]) {
  es_changes(r);
  return es_result(r, es_list_copy(&r->arguments, argv));
}

int elfspawn_set_argv0(elfspawn_t *r, const char *argv0) {
  es_changes(r);
  free(r->argv0);
  r->argv0 = strdup(argv0);
  return es_result(r, r->argv0 ? 0 : ENOMEM);
}

int elfspawn_set_shell_fallback(elfspawn_t *r, bool on) {
  es_changes(r);
  r->shell = on;
  return 0;
}

int elfspawn_set_environment(elfspawn_t *r, char *const envp[]) {
  es_changes(r);
  es_list_free(&r->environment);
  return envp ? es_result(r, es_list_copy(&r->environment, envp)) : 0;
}

int elfspawn_set_variable(elfspawn_t *r, const char *name, const char *value) {
  es_changes(r);
  if (!*name || strchr(name, '='))
    return es_result(r, EINVAL);
  char *s = value ? es_format("%s=%s", name, value) : es_format("%s", name);
  return es_result(r, es_list_add(&r->variables, s));
}

//===----------------------------- Actions --------------------------------===//

static int add(elfspawn_t *r, int source, int target, char *string) {
  es_changes(r);
  if (!string)
    return es_result(r, ENOMEM);
  if (r->action_count == r->action_room) {
    size_t room = r->action_room ? 2 * r->action_room : 8;
    void *more = realloc(r->actions, room * sizeof(*r->actions));
    if (!more) {
      free(string);
      return es_result(r, ENOMEM);
    }
    r->actions = more;
    r->action_room = room;
  }
  r->actions[r->action_count++] = (struct es_action){string, source, target};
  return 0;
}

/* An action about one descriptor that has to be there. */
static int add_about(elfspawn_t *r, char step, int fd) {
  if (fd < 0)
    return es_result(r, EBADF);
  return add(r, fd, -1, es_format("%c%x", step, (unsigned)fd));
}

int elfspawn_add_open(elfspawn_t *r, int fd, const char *path, int flags,
                      mode_t mode) {
  if (fd < 0)
    return es_result(r, EBADF);
  r->may_block = true;
  return add(r, -1, fd,
             es_format("%c%x,%x,%x:%s", ES_OPEN, (unsigned)fd, (unsigned)flags,
                       (unsigned)mode, path));
}

int elfspawn_add_dup(elfspawn_t *r, int from, int to) {
  if (from < 0 || to < 0)
    return es_result(r, EBADF);
  return add(r, from, to,
             es_format("%c%x,%x", ES_DUP, (unsigned)from, (unsigned)to));
}

int elfspawn_add_close(elfspawn_t *r, int fd) {
  if (fd < 0)
    return es_result(r, EBADF);
  return add(r, -1, -1,
             es_format("%c%x,%x", ES_CLOSE, (unsigned)fd, (unsigned)fd));
}

int elfspawn_add_close_from(elfspawn_t *r, int fd) {
  if (fd < 0)
    return es_result(r, EBADF);
  return add(r, -1, -1, es_format("%c%x,ffffffff", ES_CLOSE, (unsigned)fd));
}

int elfspawn_add_inherit(elfspawn_t *r, int fd) {
  if (fd < 0)
    return es_result(r, EBADF);
  return add(r, fd, fd, es_format("%c%x", ES_INHERIT, (unsigned)fd));
}

int elfspawn_add_write(elfspawn_t *r, const char *path, const char *text) {
  size_t length = strlen(path);
  if (length > 255)
    return es_result(r, ENAMETOOLONG);
  r->may_block = true;
  return add(r, -1, -1, es_format("%c%zx:%s%s", ES_WRITE, length, path, text));
}

int elfspawn_add_chdir(elfspawn_t *r, const char *path) {
  return add(r, -1, -1, es_format("%c:%s", ES_CHDIR, path));
}

int elfspawn_add_fchdir(elfspawn_t *r, int fd) {
  return add_about(r, ES_FCHDIR, fd);
}

int elfspawn_add_chroot(elfspawn_t *r, const char *path) {
  r->changes_credentials = true;
  return add(r, -1, -1, es_format("%c:%s", ES_CHROOT, path));
}

int elfspawn_add_umask(elfspawn_t *r, mode_t mask) {
  return add(r, -1, -1, es_format("%c%x", ES_UMASK, (unsigned)mask & 0777));
}

int elfspawn_add_controlling_terminal(elfspawn_t *r, int fd) {
  return add_about(r, ES_CTTY, fd);
}

int elfspawn_add_foreground(elfspawn_t *r, int fd) {
  return add_about(r, ES_TCSETPGRP, fd);
}

int elfspawn_add_join_namespace(elfspawn_t *r, int fd, int type) {
  if (fd < 0)
    return es_result(r, EBADF);
  r->changes_credentials = true;
  return add(r, fd, -1,
             es_format("%c%x,%x", ES_SETNS, (unsigned)fd, (unsigned)type));
}

int elfspawn_add_unshare(elfspawn_t *r, int flags) {
  r->changes_credentials = true;
  return add(r, -1, -1, es_format("%c%x", ES_UNSHARE, (unsigned)flags));
}

int elfspawn_set_input(elfspawn_t *r, const void *data, size_t size) {
  es_changes(r);
  free(r->input);
  r->input = malloc(size ? size : 1);
  if (!r->input)
    return es_result(r, ENOMEM);
  if (size)
    memcpy(r->input, data, size);
  r->input_size = size;
  r->has_input = true;
  return 0;
}

int elfspawn_add_output(elfspawn_t *r, int fd) {
  return elfspawn_add_dup(r, fd, 1);
}

int elfspawn_add_error_output(elfspawn_t *r, int fd) {
  return elfspawn_add_dup(r, fd, 2);
}
