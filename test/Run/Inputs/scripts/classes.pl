# Packages, closures, local, sprintf, sort, regular expressions, eval and die.
use strict;
use warnings;
package Counter;
sub new { my ($class, %args) = @_; return bless {n => $args{start} // 0}, $class }
sub next { return $_[0]{n}++ }
sub DESTROY { print "gone at $_[0]{n}\n" }
package main;
{
  my $counter = Counter->new(start => 40);
  $counter->next for 1 .. 2;
}
my @adders = map { my $n = $_; sub { $_[0] + $n } } 1 .. 3;
print join(',', map { $_->(10) } @adders), "\n";
open my $in, '<', 'people.txt' or die $!;
my %ages;
while (<$in>) {
  next unless /^(\d+):(?<name>\w+):(\d+):(\w+)$/;
  push @{$ages{$4}}, $3;
}
for my $region (sort { $a cmp $b } keys %ages) {
  my @sorted = sort { $a <=> $b } @{$ages{$region}};
  printf "%-6s %4d %6.2f\n", $region, scalar @sorted, $sorted[@sorted / 2];
}
eval { die {code => 7} };
print "caught $@->{code}\n";
print sprintf('%vd', '1.22.333'), ' ', join('-', unpack('(A2)*', 'abcdef')), "\n";
