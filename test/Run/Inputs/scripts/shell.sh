# The same in POSIX's words.
count=0
while read -r word; do
  case $word in
  ka*) count=$((count + 1)) ;;
  esac
done <words.txt
echo "$count words begin with ka"

greet() { printf 'hello %s\n' "${1:-nobody}"; }
greet; greet world
(trap 'echo "subshell leaves"' EXIT; false; exit 3)
echo "status $?"
sort numbers.txt | tail -n 3 | while read -r n; do echo "n=$n"; done
x=$(printf 'a b c' | sed 's/ /-/g'); echo "${x#a-}"
sleep 0.02 & wait $!
echo "waited: $?"
trap 'echo "caught TERM"' TERM
kill -TERM $$
echo done
