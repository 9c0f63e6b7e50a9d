# Usage: interrupt-each.sh SYSCALL DIRECTORY COMMAND...
# Runs the command again and again, and has it get SIGTERM at the end of its
# first, second, ... SYSCALL, until there are no more of them. Whenever it did
# end by the signal, the directory has to be empty. Then once more, with another
# SIGTERM at the end of each removal of a file.
call=$1 directory=$2
shift 2
interrupt() { # WHEN INJECT COMMAND...
  local when=$1 again=$2
  shift 2
  strace -f -o /dev/null -e trace="$call,unlink" -e inject="$call:signal=TERM:when=$when" $again "$@" >/dev/null
  status=$?
  [ $status = 0 ] && return
  if [ $status != 143 ] || [ -n "$(ls "$directory")" ]; then
    echo "at $when$again: status $status, left: $(ls "$directory")"
    exit 1
  fi
}
for ((n = 1; n < 500; ++n)); do
  interrupt $n "" "$@"
  [ $status = 0 ] && break
done
if [ $n = 1 ] || [ $n = 500 ]; then
  echo "ended after $n"
  exit 1
fi
rm -f "$directory"/*
for ((k = 1; k != n; ++k)); do
  interrupt $k "-e inject=unlink:signal=TERM" "$@"
done
echo "after each of $((n - 1))"
