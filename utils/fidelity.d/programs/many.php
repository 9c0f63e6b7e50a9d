<?php
$pids = [];
pcntl_async_signals(true);
pcntl_signal(SIGUSR1, function ($n) { echo "signal $n\n"; });
posix_kill(posix_getpid(), SIGUSR1);
for ($n = 0; $n < 10; $n++) {
  $pid = pcntl_fork();
  if (!$pid) exit($n);
  $pids[] = $pid;
}
$sum = 0;
foreach ($pids as $pid) { pcntl_waitpid($pid, $status); $sum += pcntl_wexitstatus($status); }
echo "children $sum\n";
$p = proc_open("cat; exit 3", [["pipe", "r"], ["pipe", "w"]], $pipes);
fwrite($pipes[0], "through"); fclose($pipes[0]);
echo stream_get_contents($pipes[1]), " ", proc_close($p), "\n";

echo md5(str_repeat("x", 1000000)), "\n"; exit(4);
