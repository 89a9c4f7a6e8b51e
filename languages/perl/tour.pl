# What programs go through, run once in a fork of the booted Perl (src/init/zygote_pages.c): where it writes in memory, each box has
# its copies before a program comes.
use strict;
use warnings;
use utf8;
use constant { LEGS => 4, NAMES => [qw(cat dog)] };
use Carp qw(croak);
use Data::Dumper;
use File::Basename qw(basename);
use List::Util qw(first shuffle uniq);
use POSIX qw(floor);
use Scalar::Util qw(blessed looks_like_number weaken);
use Time::HiRes ();

package Tour::Animal {
    use overload '""' => sub { $_[0]->name }, '<=>' => sub { "$_[0]" cmp "$_[1]" };
    our $made = 0;

    sub new {
        my ($class, %with) = @_;
        $made++;
        return bless { legs => main::LEGS, %with }, $class;
    }
    sub name { my $self = shift; $self->{name} = shift if @_; return $self->{name} }
    sub walk { return $_[0]{legs} * $_[1] }
    sub DESTROY { $made-- }
}

package Tour::Cat {
    our @ISA = ('Tour::Animal');
    sub walk { my $self = shift; return $self->SUPER::walk(@_) + 1 }
    sub AUTOLOAD { our $AUTOLOAD; return $AUTOLOAD =~ s/.*:://r }
}

package main;

binmode STDOUT, ':encoding(UTF-8)';
local $| = 0;
my $text = <<"END";
the quick brown fox jumps over the lazy dog and the other animals of the wood, 12 of them in @{[LEGS]} rows
naïve café, 2026-11-21T10:57:03Z, key=value; other="quoted, with a comma"
END
my (%count, %by_length, @rows);
for my $word (split ' ', $text) {
    $count{ lc $word }++;
    push @{ $by_length{ length $word } }, ucfirst $word;
}
my @sorted = sort { $count{$b} <=> $count{$a} or $a cmp $b } keys %count;
printf "%-10s %3d %5.2f %s\n", $_, $count{$_}, $count{$_} / 3, reverse($_) . 'x' x 3 for @sorted[0 .. 9];
print join(', ', map { "$_=@{ $by_length{$_} }" } sort { $a <=> $b } keys %by_length), "\n";
push @rows, [map { $_ * $_ % 7 } 0 .. 11] for 1 .. 12;
my $sum = 0;
$sum += $_ for map { @$_ } grep { $_->[1] } @rows;
while ($text =~ /(?<key>\w+)=(?:"(?<quoted>[^"]*)"|(?<plain>\w+))/g) {
    print "$+{key}: ", $+{quoted} // $+{plain}, "\n";
}
(my $copy = $text) =~ tr/a-z/A-Z/;
$copy =~ s/(\w+)/<$1>/g;
my ($year, $month) = $text =~ /(\d{4})-(\d\d)/ or croak 'no date';
my @cats = map { Tour::Cat->new(name => "cat $_", born => $year + $_) } 1 .. 5;
print "$_ walks ", $_->walk(3), ' ', $_->purr, "\n" for sort { $b <=> $a } @cats;
my $ring = { first => $cats[0] };
$ring->{self} = $ring;
weaken $ring->{self};
my @made = do { my $n = 0; map { my $step = $_; sub { $n += $step } } 1 .. 3 };
print join(' ', map { $_->() } @made, @made), "\n";
sub fibonacci { my $n = shift; return $n < 2 ? $n : fibonacci($n - 1) + fibonacci($n - 2) }
print fibonacci(12), ' ', floor(2.5), ' ', sqrt(2) ** 2, ' ', 1e15 + 0.3, ' ', 0x1f | 0b11, ' ', int(-7 / 2), "\n";
eval { die { code => 3 } } or print "caught $@->{code}\n";
eval { croak 'a word' };
print $@ if $@;
local $SIG{__WARN__} = sub { print "warned: @_" };
warn "careful\n";
local $Data::Dumper::Sortkeys = 1;
print Dumper({ list => [1, 'two', \3], nothing => undef, code => \&fibonacci });
open my $out, '>:encoding(UTF-8)', 'tour.txt' or die $!;
print {$out} "$_\n" for @sorted;
close $out;
open my $in, '<', 'tour.txt' or die $!;
chomp(my @lines = <$in>);
close $in;
unlink 'tour.txt';
open my $memory, '<', \$text or die $!;
local $/;
my $whole = <$memory>;
my @unique = uniq(map { length } @lines);
my @parts = unpack 'A3 n C', pack 'A3 n C', 'abc', 258, 7;
my ($second, $minute) = localtime 0;
print scalar(@unique), ' ', join('|', @parts), ' ', basename('/a/b.c'), ' ', looks_like_number('1e3'), ' ', first { /o/ } @lines;
print substr($whole, 4, 5), index($whole, 'fox'), ' ', sprintf('%03b %x %e %s', 5, 255, 12345.678, join ',', (splice @unique, 1, 2), wantarray // 'none'), "\n";
