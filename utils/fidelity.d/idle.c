/* The neighbour that does nothing: it waits until the instance that was started
   before it has ended. That one is the thread of the process, or in process
   mode the child of the launcher, with the next smaller number. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long neighbour_thread(long self) {
  long found = 0;
  DIR *tasks = opendir("/proc/self/task");
  for (struct dirent *e; tasks && (e = readdir(tasks));) {
    long tid = atol(e->d_name);
    if (tid > getpid() && tid < self && tid > found)
      found = tid;
  }
  if (tasks)
    closedir(tasks);
  return found;
}

static long neighbour_process(long self) {
  char path[64];
  long pid, found = 0;
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", getppid(), getppid());
  FILE *children = fopen(path, "r");
  while (children && fscanf(children, "%ld", &pid) == 1)
    if (pid < self && pid > found)
      found = pid;
  if (children)
    fclose(children);
  return found;
}

int main(void) {
  char path[64];
  struct timespec pause = {0, 5000000};
  long self = syscall(SYS_gettid);
  long other = self == getpid() ? neighbour_process(self) : neighbour_thread(self);
  if (self == getpid())
    snprintf(path, sizeof path, "/proc/%ld", other);
  else
    snprintf(path, sizeof path, "/proc/%d/task/%ld", getpid(), other);
  while (other && !access(path, F_OK))
    nanosleep(&pause, NULL);
  return 0;
}
