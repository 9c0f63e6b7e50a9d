"""_posixsubprocess.fork_exec over libelfspawn (CPython 3.11).

Importing this replaces the function, and the subprocess module's reference to it,
by one that asks $ELFSPAWN_LIBRARY (libelfspawn.so) for the child. What the child
is to be, and what its parent hears of a failure, is the same. The original is
called for a preexec_fn, which no library can run in the child, and for arguments
of the wrong kind, so that its exceptions are raised.

COUNTS tells who was called how often; "accepted" are arguments that were taken for
wrong ones and that the original took.
"""

import _posixsubprocess
import ctypes
import errno
import fcntl
import os
import signal
import subprocess

_original = _posixsubprocess.fork_exec
_library = ctypes.CDLL(os.environ["ELFSPAWN_LIBRARY"])
COUNTS = {"elfspawn": 0, "failed": 0, "preexec_fn": 0, "arguments": 0,
          "accepted": 0}


class _Child(ctypes.Structure):
    _fields_ = [("pid", ctypes.c_int), ("pidfd", ctypes.c_int),
                ("route", ctypes.c_int), ("details", ctypes.c_uint)]


class _Error(ctypes.Structure):
    _fields_ = [("error", ctypes.c_int), ("step", ctypes.c_int),
                ("action", ctypes.c_int), ("left", ctypes.c_int)]


_library.elfspawn_create.restype = ctypes.c_void_p
_library.elfspawn_free.argtypes = [ctypes.c_void_p]
_library.elfspawn_free.restype = None
_SIGSET = ctypes.c_ulong * 16
_int, _text, _p = ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p
for _name, *_types in [
        ("set_path", _text), ("set_file", _text, _text), ("set_arguments", _p),
        ("set_environment", _p), ("set_close_others", ctypes.c_bool),
        ("set_session", ctypes.c_bool), ("set_process_group", _int),
        ("set_default_signals", _p), ("set_groups", _p, ctypes.c_size_t),
        ("set_group", ctypes.c_uint), ("set_user", ctypes.c_uint),
        ("add_dup", _int, _int), ("add_close", _int), ("add_inherit", _int),
        ("add_chdir", _text), ("add_umask", ctypes.c_uint), ("start", _p, _p)]:
    getattr(_library, "elfspawn_" + _name).argtypes = [_p, *_types]

# Steps that are the parent's business: there has been no child, or none that
# could say anything.
_PARENT = {ord(step) for step in "?12345"}
_EXECUTE = ord("x")


class _Request:
    def __init__(self):
        self.handle = _library.elfspawn_create()
        self.used = []
        if not self.handle:
            raise MemoryError

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        _library.elfspawn_free(self.handle)
        for fd in self.used:
            os.close(fd)

    def __getattr__(self, name):
        function = getattr(_library, "elfspawn_" + name)

        def call(*arguments):
            error = function(self.handle, *arguments)
            if error:
                raise OSError(error, os.strerror(error))
        return call

    def start(self):
        """The child's pid, and the failure."""
        child, error = _Child(), _Error()
        _library.elfspawn_start(self.handle, ctypes.byref(child),
                                ctypes.byref(error))
        if not error.error and child.pidfd >= 0:
            os.close(child.pidfd)
        return child.pid, error


def _vector(strings):
    return (_text * (len(strings) + 1))(*strings, None)


def _is_id(value):
    return type(value) is int and 0 <= value < 2**32 - 1


def _acceptable(args, executables, close_fds, keep, cwd, env, descriptors,
                errpipe_write, groups, gid, uid):
    """Whether the original would take these; it says best why not."""
    try:
        for item in (*args, *([] if cwd is None else [cwd])):
            if b"\0" in os.fsencode(item):
                return False
    except TypeError:
        return False
    for strings in (executables, [] if env is None else env):
        if not isinstance(strings, (list, tuple)) or not all(
                type(item) is bytes and b"\0" not in item for item in strings):
            return False
    return (isinstance(args, (list, tuple)) and len(executables) != 0
            and isinstance(keep, tuple)
            and all(type(fd) is int and 0 <= fd < 2**31 for fd in keep)
            and all(a < b for a, b in zip(keep, keep[1:]))
            and not (close_fds and errpipe_write < 3)
            and all(type(fd) is int for fd in descriptors)
            and (gid is None or _is_id(gid)) and (uid is None or _is_id(uid))
            and (groups is None or isinstance(groups, list)
                 and len(groups) <= os.sysconf("SC_NGROUPS_MAX")
                 and all(_is_id(group) for group in groups)))


def _put_descriptors(request, keep, p2cread, p2cwrite, c2pread, c2pwrite, errread,
                     errwrite, errpipe_read, errpipe_write):
    for fd in keep:
        if fd != errpipe_write:
            request.add_inherit(fd)
    for fd in (p2cwrite, c2pread, errread, errpipe_read):
        if fd != -1:
            request.add_close(fd)

    # What stands where another one goes is moved away before.
    def moved(fd, low):
        if fd not in low:
            return fd
        request.used.append(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3))
        return request.used[-1]
    c2pwrite = moved(c2pwrite, (0,))
    errwrite = moved(errwrite, (0, 1))
    for fd, to in ((p2cread, 0), (c2pwrite, 1), (errwrite, 2)):
        if fd != -1:
            request.add_dup(fd, to)


def _put_attributes(request, cwd, restore_signals, call_setsid, pgid_to_set,
                    groups, gid, uid, umask):
    if cwd is not None:
        request.add_chdir(os.fsencode(cwd))
    if umask >= 0:
        request.add_umask(umask)
    if restore_signals:
        mask = _SIGSET()
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            mask[0] |= 1 << (number - 1)
        request.set_default_signals(ctypes.byref(mask))
    if call_setsid:
        request.set_session(True)
    if pgid_to_set >= 0:
        request.set_process_group(pgid_to_set)
    if groups:
        request.set_groups((ctypes.c_uint * len(groups))(*groups), len(groups))
    if gid is not None:
        request.set_group(gid)
    if uid is not None:
        request.set_user(uid)


def _execute(request, executables):
    """The first of the candidates that can be executed. Unlike execvp, this goes
    on after every error, and reports the first that is not about a missing file."""
    directories = {os.path.split(path) for path in executables}
    names = {name for _, name in directories}
    if len(executables) > 1 and len(names) == 1 and b"" not in names and all(
            path == os.path.join(*os.path.split(path)) for path in executables):
        request.set_file(names.pop(), b":".join(
            os.path.split(path)[0] for path in executables))
        pid, error = request.start()
        if error.error == 0 or error.step != _EXECUTE:
            return pid, error
    first = None
    for path in executables:
        request.set_path(path)
        pid, error = request.start()
        if error.error == 0 or error.step != _EXECUTE:
            return pid, error
        if first is None and error.error not in (errno.ENOENT, errno.ENOTDIR):
            first = error
    return 0, first or error


def _failed_child():
    """CPython's parent waits for the child that could not be: one that ends with
    its status, 255."""
    with _Request() as request:
        request.set_path(b"/bin/sh")
        request.set_arguments(_vector([b"sh", b"-c", b"exit 255"]))
        pid, error = request.start()
        return os.getpid() if error.error else pid


def _report(errpipe_write, number, before_exec):
    text = b"OSError:%x:%s" % (number, b"noexec" if before_exec else b"")
    os.write(errpipe_write, text)
    COUNTS["failed"] += 1
    return _failed_child()


def fork_exec(args, executable_list, close_fds, pass_fds, cwd, env, p2cread,
              p2cwrite, c2pread, c2pwrite, errread, errwrite, errpipe_read,
              errpipe_write, restore_signals, call_setsid, pgid_to_set, gid,
              extra_groups, uid, child_umask, preexec_fn, allow_vfork, /):
    streams = (p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite,
               errpipe_read, errpipe_write)
    numbers = streams + (pgid_to_set, child_umask)
    if preexec_fn is not None or not _acceptable(
            args, executable_list, close_fds, pass_fds, cwd, env, numbers,
            errpipe_write, extra_groups, gid, uid):
        COUNTS["preexec_fn" if preexec_fn is not None else "arguments"] += 1
        pid = _original(args, executable_list, close_fds, pass_fds, cwd, env,
                        *streams, restore_signals, call_setsid, pgid_to_set, gid,
                        extra_groups, uid, child_umask, preexec_fn, allow_vfork)
        COUNTS["accepted"] += preexec_fn is None
        return pid
    COUNTS["elfspawn"] += 1
    with _Request() as request:
        try:
            request.set_arguments(_vector([os.fsencode(item) for item in args]))
            request.set_environment(None if env is None else _vector(env))
            request.set_close_others(bool(close_fds))
            _put_descriptors(request, pass_fds, *streams)
            _put_attributes(request, cwd, restore_signals, call_setsid,
                            pgid_to_set, extra_groups, gid, uid, child_umask)
        except OSError as error:
            # The child would have been the one to see it.
            return _report(errpipe_write, error.errno, True)
        pid, error = _execute(request, executable_list)
        if error.error == 0:
            return pid
        if error.step in _PARENT:
            raise OSError(error.error, os.strerror(error.error))
        return _report(errpipe_write, error.error, error.step != _EXECUTE)


_posixsubprocess.fork_exec = fork_exec
subprocess._fork_exec = fork_exec
