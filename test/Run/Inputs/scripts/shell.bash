# What scripts do all day: functions, arrays, here-documents, subshells, pipes.
set -euo pipefail

total() {
  local sum=0 number
  for number in "$@"; do
    sum=$((sum + number))
  done
  echo "$sum"
}

declare -A seen
while IFS=: read -r id name age region; do
  seen[$region]=$((${seen[$region]:-0} + age))
done <people.txt
for region in $(printf '%s\n' "${!seen[@]}" | sort); do
  printf '%-6s %d\n' "$region" "${seen[$region]}"
done

numbers=($(head -n 20 numbers.txt))
echo "total $(total "${numbers[@]}")"

cat <<TEXT | tr a-z A-Z
here is a document with $(wc -l <words.txt) words
TEXT

(cd tree && echo "in $(basename "$PWD"): $(find . -name '*.txt' | wc -l) files")
echo "still in the same place: $(ls tree | wc -l)"

diff <(sort left.txt) <(sort right.txt) | grep -c '^>' || true
[[ "version 12.11" =~ ([0-9]+)\.([0-9]+) ]] && echo "${BASH_REMATCH[1]} and ${BASH_REMATCH[2]}"
printf '%s\n' {a..e}{1..3} | paste -sd' '
