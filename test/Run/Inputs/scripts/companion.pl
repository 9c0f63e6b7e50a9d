# Counts letters with much heap, and asks a child for one line: perl companion.pl OUT
use strict;
use warnings;
my (%count, @kept);
for my $round (1 .. 8) {
  open my $in, '<', 'words.txt' or die "words.txt: $!";
  while (my $word = <$in>) {
    chomp $word;
    $count{$_}++ for split //, $word;
    push @kept, reverse $word;
  }
}
my $child = `printf '%s\n' from the child`;
open my $out, '>', $ARGV[0] or die "$ARGV[0]: $!";
print $out map({ "$_ $count{$_}\n" } sort keys %count), scalar(@kept), "\n", $child;
close $out or die "$ARGV[0]: $!";
