# Usage: interrupt-each.sh SYSCALL DIRECTORY COMMAND...
# Runs the command again and again, and has it get SIGTERM at the end of its
# first, second, ... SYSCALL, until there are no more of them. Whenever it did
# end by the signal, the directory has to be empty.
call=$1 directory=$2
shift 2
for ((n = 1; n < 500; ++n)); do
  strace -f -o /dev/null -e trace="$call" -e inject="$call:signal=TERM:when=$n" "$@" >/dev/null
  status=$?
  if [ $status = 0 ] && [ $n -gt 1 ]; then
    echo "after each of $((n - 1))"
    exit 0
  fi
  if [ $status != 143 ] || [ -n "$(ls "$directory")" ]; then
    echo "at $n: status $status, left: $(ls "$directory")"
    exit 1
  fi
done
echo "no end"
exit 1
