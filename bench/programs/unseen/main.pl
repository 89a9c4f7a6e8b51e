# Orders of a small workshop: read, checked, planned, routed and summed up. Nothing that a rehearsal does.
use strict;
use warnings;
use JSON::PP;
use List::Util qw(first max reduce sum0);
use POSIX qw(strftime);
use Time::Local qw(timegm);

package BadLine {
    sub new {
        my ($class, $number, $why) = @_;
        return bless { number => $number, why => $why }, $class;
    }
    sub text { my $self = shift; return "line $self->{number}: $self->{why}" }
}

package Heap {
    sub new { my ($class, $less) = @_; return bless { less => $less, items => [] }, $class }
    sub size { return scalar @{ $_[0]{items} } }

    sub push {
        my ($self, $item) = @_;
        my ($items, $at) = ($self->{items}, scalar @{ $self->{items} });
        push @$items, $item;
        while ($at > 0 and $self->{less}->($items->[$at], $items->[my $up = int(($at - 1) / 2)])) {
            @$items[$at, $up] = @$items[$up, $at];
            $at = $up;
        }
    }

    sub pop {
        my $self  = shift;
        my $items = $self->{items};
        @$items[0, -1] = @$items[-1, 0];
        my $least = pop @$items;
        for (my ($at, $child) = (0); ($child = 2 * $at + 1) < @$items; $at = $child) {
            $child++ if $child + 1 < @$items and $self->{less}->($items->[$child + 1], $items->[$child]);
            last unless $self->{less}->($items->[$child], $items->[$at]);
            @$items[$at, $child] = @$items[$child, $at];
        }
        return $least;
    }
}

package main;

my $line = qr/^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d) order=(?<id>\d+) item="(?<item>[^"]+)" price=(?<price>\S+) days=(?<days>\d+) by=(?<by>\w+)$/;
my %roads = (yard => [qw(mill gate)], gate => [qw(town ford)], mill => ['ford'], ford => ['hill'], town => [qw(hill port)], hill => ['port']);

sub parse {
    my ($number, $text) = @_;
    $text =~ $line or die BadLine->new($number, sprintf "not an order: '%.12s'", $text);
    my %order = (%+);
    $order{price} =~ /^\d+\.\d\d$/ or die BadLine->new($number, 'no price');
    $order{cents} = int($order{price} * 100 + 0.5);
    $order{due}   = timegm(0, 0, 12, @order{qw(day)}, $order{month} - 1, $order{year}) + 86400 * $order{days};
    return \%order;
}

sub common {
    my @a = split //, shift;
    my @b = split //, shift;
    my @best = map { [('') x (@b + 1)] } 0 .. @a;
    for my $i (0 .. $#a) {
        for my $j (0 .. $#b) {
            $best[$i + 1][$j + 1] = $a[$i] eq $b[$j] ? $best[$i][$j] . $a[$i]
                : reduce { length $a >= length $b ? $a : $b } $best[$i][$j + 1], $best[$i + 1][$j];
        }
    }
    return $best[-1][-1];
}

sub route {
    my ($from, $to) = @_;
    my %came  = ($from => undef);
    my @queue = ($from);
    while (defined(my $place = shift @queue)) {
        push @queue, map { $came{$_} = $place; $_ } grep { !exists $came{$_} } @{ $roads{$place} // [] };
    }
    my @path = ($to);
    unshift @path, $came{ $path[0] } while defined $came{ $path[0] };
    return join '->', @path;
}

my $orders = Heap->new(sub { $_[0]{due} < $_[1]{due} or $_[0]{due} == $_[1]{due} and $_[0]{id} < $_[1]{id} });
while (my $text = <DATA>) {
    chomp $text;
    eval { $orders->push(parse($., $text)); 1 } or do {
        die $@ unless ref $@ and $@->isa('BadLine');
        print $@->text, "\n";
    };
}
my (@plan, %earned);
push @plan, $orders->pop while $orders->size;
for my $order (@plan) {
    $earned{ $order->{by} } += $order->{cents};
    printf "%s %-12s %8.2f %s %s\n", strftime('%a %d %b', gmtime $order->{due}), ucfirst $order->{item}, $order->{cents} / 100,
        ((first { $order->{item} =~ /^\Q$_\E\b/ } qw(oak walnut ash)) ? 'hard' : 'soft'), $order->{by};
}
my $json = JSON::PP->new->canonical;
my $text = $json->encode([map { { id => $_->{id} + 0, item => $_->{item}, cents => $_->{cents} } } @plan]);
print length $text, ' ', $json->decode($text)->[0]{item}, ' ', max(map { $_->{cents} } @plan), ' ', sum0(values %earned), "\n";
print $json->encode(\%earned), "\n", common('sandbox of the walnut', 'box and the wallet'), ' ', route('yard', 'port'), "\n";
(my $titles = join ', ', map { $_->{item} } sort { $a->{item} cmp $b->{item} } @plan) =~ s/(\w+)/\u$1/g;
print $titles =~ tr/aeiou//, " $titles\n";
__DATA__
2024-02-27 order=17 item="oak table" price=349.50 days=9 by=Ines
2024-02-28 order=18 item="pine shelf" price=89.00 days=3 by=Tom
2024-02-29 order=19 item="walnut desk" price=oops days=12 by=Ada
2024-03-01 order=20 item="ash chair" price=120.25 days=5 by=Ines
garbage in the middle
2024-03-04 order=21 item="oak bench" price=210.00 days=7 by=Tom
