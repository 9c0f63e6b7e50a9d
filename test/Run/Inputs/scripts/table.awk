# Associative arrays, printf, string functions, getline from a command.
BEGIN { FS = ":"; "head -n 1 words.txt" | getline first; print "first word:", first }
{ sum[$4] += $3; n[$4]++; if (length($2) > length(longest)) longest = $2 }
END {
  for (region in sum) print region, n[region], sprintf("%.3f", sum[region] / n[region]) | "sort"
  close("sort")
  print toupper(substr(longest, 1, 6)), index(longest, "o") > 0, NR
}
