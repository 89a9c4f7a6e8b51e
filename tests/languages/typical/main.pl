use strict;
use warnings;
use List::Util qw(sum);

package Circle;
sub new { my ($class, $radius) = @_; return bless {radius => $radius}, $class }
sub area { my $self = shift; return int($self->{radius}**2 * 314159 / 100000) }

package Rectangle;
sub new { my ($class, $width, $height) = @_; return bless {width => $width, height => $height}, $class }
sub area { my $self = shift; return $self->{width} * $self->{height} }

package main;

sub top {
    my ($lines, $n) = @_;
    my %entries;
    for my $line (@$lines) {
        my ($word, $value) = split ' ', $line;
        my $entry = $entries{$word} //= {word => $word, total => 0, count => 0};
        $entry->{total} += $value;
        $entry->{count}++;
    }
    my @sorted = sort { $b->{total} <=> $a->{total} || $a->{word} cmp $b->{word} } values %entries;
    return @sorted[0 .. $n - 1];
}

sub primes {
    my $limit = shift;
    my (@composite, @found);
    for my $i (2 .. $limit - 1) {
        next if $composite[$i];
        push @found, $i;
        for (my $j = $i * $i; $j < $limit; $j += $i) { $composite[$j] = 1 }
    }
    return @found;
}

my %memo;
sub fib { my $n = shift; return $n < 2 ? $n : $memo{$n} //= fib($n - 1) + fib($n - 2) }

sub trace {
    my $n = shift;
    my @a = map { my $i = $_; [map { $i * $_ % 7 } 0 .. $n - 1] } 0 .. $n - 1;
    return sum(map { my $i = $_; map { $a[$i][$_] * $a[$_][$i] } 0 .. $n - 1 } 0 .. $n - 1);
}

my @lines = <STDIN>;
print "$_->{word} $_->{total} $_->{count}\n" for top(\@lines, 5);
my @found = primes(20_000);
print "primes ", scalar @found, " $found[-1]\n";
print "fib ", fib(70), "\n";
print "trace ", trace(20), "\n";
my $text = "the quick brown fox jumps over the lazy dog";
print scalar reverse($text), " ", ($text =~ tr/aeiou//), "\n";
print "area ", sum(map { $_->area } Circle->new(15), Rectangle->new(20, 35), Rectangle->new(40, 40)), "\n";
