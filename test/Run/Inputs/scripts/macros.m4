divert(-1)
define(`for', `ifelse($2, $3, `$4', `pushdef(`$1', $2)$4`'popdef(`$1')for(`$1', incr($2), $3, `$4')')')
define(`fib', `ifelse(eval($1 < 2), 1, $1, `eval(fib(decr($1)) + fib(eval($1 - 2)))')')
divert(0)dnl
fib(14)
translit(`abcdef', `a-c', `A-C') len(`twelve chars') format(`%05d', 42)
esyscmd(`printf from-a-child')
sysval
