// One source for both: with -DELFSPAWN, libc's names are the library's.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef ELFSPAWN
#include <elfmerge/posix_spawn.h>
#define posix_spawn elfspawn_posix_spawn
#define posix_spawnp elfspawn_posix_spawnp
#define popen elfspawn_popen
#define pclose elfspawn_pclose
#define system elfspawn_system
#define FA(NAME) elfspawn_posix_spawn_file_actions_##NAME
#define posix_spawn_file_actions_init FA(init)
#define posix_spawn_file_actions_destroy FA(destroy)
#define posix_spawn_file_actions_addopen FA(addopen)
#define posix_spawn_file_actions_addclose FA(addclose)
#define posix_spawn_file_actions_adddup2 FA(adddup2)
#define posix_spawn_file_actions_addchdir_np FA(addchdir_np)
#define posix_spawn_file_actions_addfchdir_np FA(addfchdir_np)
#define posix_spawn_file_actions_addclosefrom_np FA(addclosefrom_np)
#define posix_spawn_file_actions_addtcsetpgrp_np FA(addtcsetpgrp_np)
#define ATTR(NAME) elfspawn_posix_spawnattr_##NAME
#define posix_spawnattr_init ATTR(init)
#define posix_spawnattr_destroy ATTR(destroy)
#define posix_spawnattr_getflags ATTR(getflags)
#define posix_spawnattr_setflags ATTR(setflags)
#define posix_spawnattr_getpgroup ATTR(getpgroup)
#define posix_spawnattr_setpgroup ATTR(setpgroup)
#define posix_spawnattr_getsigdefault ATTR(getsigdefault)
#define posix_spawnattr_setsigdefault ATTR(setsigdefault)
#define posix_spawnattr_getsigmask ATTR(getsigmask)
#define posix_spawnattr_setsigmask ATTR(setsigmask)
#define posix_spawnattr_getschedpolicy ATTR(getschedpolicy)
#define posix_spawnattr_setschedpolicy ATTR(setschedpolicy)
#define posix_spawnattr_getschedparam ATTR(getschedparam)
#define posix_spawnattr_setschedparam ATTR(setschedparam)
#endif
