# fork, pipe, waitpid, signals, system and exec, as a server's parent does it.
use strict;
use warnings;
use POSIX ':sys_wait_h';
$| = 1;
my %status;
for my $code (0 .. 4) {
  defined(my $pid = fork) or die "fork: $!";
  exit $code if !$pid;
  $status{$pid} = $code;
}
my $right = 0;
while ((my $pid = waitpid -1, 0) > 0) { $right += $status{$pid} == $? >> 8 }
print "$right children ended as they should\n";

pipe my $from, my $to or die $!;
if (!(my $pid = fork)) { close $from; print $to "hello from a child\n"; close $to; exit 0 }
close $to;
print "parent read: ", scalar <$from>;
wait;

my $alarms = 0;
local $SIG{ALRM} = sub { $alarms++ };
alarm 1;
select undef, undef, undef, 5;
print "alarms: $alarms\n";
print "system: ", system('sh', '-c', 'exit 9') >> 8, "\n";
open my $sort, '|-', 'sort', '-r' or die $!;
print $sort "$_\n" for qw(b c a);
close $sort;
local $SIG{TERM} = 'IGNORE';
kill TERM => $$;
exec 'printf', '%s\n', 'the last word';
