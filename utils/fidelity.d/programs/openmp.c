#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

static long tree(int depth) {
  long left, right;
  if (!depth)
    return 1;
#pragma omp task shared(left)
  left = tree(depth - 1);
#pragma omp task shared(right)
  right = tree(depth - 1);
#pragma omp taskwait
  return left + right + depth;
}

int main(void) {
  enum { N = 1 << 20 };
  double *a = malloc(N * sizeof *a), sum = 0;
  long count = 0, last = -1, leaves = 0;
  for (int threads = 1; threads <= 16; threads *= 2) {
    omp_set_num_threads(threads);
#pragma omp parallel for schedule(dynamic, 1000)
    for (int n = 0; n < N; ++n)
      a[n] = n / 8.0;
#pragma omp parallel for reduction(+ : sum) schedule(guided)
    for (int n = 0; n < N; ++n)
      sum += a[n];
#pragma omp parallel
    {
#pragma omp critical
      ++count;
#pragma omp barrier
#pragma omp single
      leaves += tree(12);
    }
#pragma omp parallel for ordered
    for (int n = 0; n < 1000; ++n)
#pragma omp ordered
      last = last == n - 1 ? n : -2;
    printf("%d threads: sum %.3f count %ld leaves %ld last %ld\n", threads, sum, count, leaves, last);
    last = -1;
  }
  return 0;
}
