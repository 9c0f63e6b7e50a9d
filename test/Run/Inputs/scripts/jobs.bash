# Background jobs, their statuses, and signals between a shell and its children.
for status in 3 0 7; do
  (sleep 0.0$status; exit $status) &
  children+=($!)
done
for child in "${children[@]}"; do
  wait "$child"
  echo "a child ended with $?"
done

sleep 30 &
kill -TERM $!
wait $!
echo "the sleeper ended with $?"

trap 'echo "got USR1"' USR1
kill -USR1 $$
trap 'echo "bye with $?"' EXIT

coproc tr a-z A-Z
echo "through a co-process" >&"${COPROC[1]}"
# bash forgets the descriptors when it has seen the co-process end.
exec 5<&"${COPROC[0]}" {COPROC[1]}>&-
read -r line <&5
echo "$line"
false | true | (exit 4)
echo "${PIPESTATUS[@]}"
exit 5
