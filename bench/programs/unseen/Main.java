// Unlike what the rehearsals do: a small bank with a ledger, a parser of expressions, a priority scheduler and a text report.
import java.util.*;
import java.util.function.*;
import java.util.stream.*;

public class Main {
    sealed interface Expr permits Num, Bin, Neg {}
    record Num(double value) implements Expr {}
    record Neg(Expr inner) implements Expr {}
    record Bin(char op, Expr left, Expr right) implements Expr {}

    static class Parser {
        private final String text;
        private int at;

        Parser(String text) {
            this.text = text.replace(" ", "");
        }

        Expr parse() {
            Expr left = term();
            while (at < text.length() && "+-".indexOf(text.charAt(at)) >= 0)
                left = new Bin(text.charAt(at++), left, term());
            return left;
        }

        private Expr term() {
            Expr left = factor();
            while (at < text.length() && "*/".indexOf(text.charAt(at)) >= 0)
                left = new Bin(text.charAt(at++), left, factor());
            return left;
        }

        private Expr factor() {
            if (text.charAt(at) == '-') {
                at++;
                return new Neg(factor());
            }
            if (text.charAt(at) == '(') {
                at++;
                Expr inner = parse();
                at++;
                return inner;
            }
            int from = at;
            while (at < text.length() && (Character.isDigit(text.charAt(at)) || text.charAt(at) == '.'))
                at++;
            return new Num(Double.parseDouble(text.substring(from, at)));
        }
    }

    static double eval(Expr e) {
        if (e instanceof Num n) return n.value();
        if (e instanceof Neg n) return -eval(n.inner());
        Bin b = (Bin) e;
        double l = eval(b.left()), r = eval(b.right());
        return switch (b.op()) {
            case '+' -> l + r;
            case '-' -> l - r;
            case '*' -> l * r;
            default -> {
                if (r == 0) throw new ArithmeticException("division by zero in " + b);
                yield l / r;
            }
        };
    }

    enum Kind { DEPOSIT, WITHDRAWAL, FEE }
    record Entry(int account, Kind kind, long cents) {}
    static class Overdrawn extends RuntimeException {
        Overdrawn(int account, long by) {
            super(String.format("account %d by %d.%02d", account, by / 100, by % 100));
        }
    }

    static class Ledger {
        private final NavigableMap<Integer, Long> balances = new TreeMap<>();
        private final EnumMap<Kind, LongSummaryStatistics> byKind = new EnumMap<>(Kind.class);

        void apply(Entry e) {
            long change = e.kind() == Kind.DEPOSIT ? e.cents() : -e.cents();
            long after = balances.getOrDefault(e.account(), 0L) + change;
            if (after < 0) throw new Overdrawn(e.account(), -after);
            balances.put(e.account(), after);
            byKind.computeIfAbsent(e.kind(), k -> new LongSummaryStatistics()).accept(e.cents());
        }
    }

    public static void main(String[] args) {
        for (String source : List.of("1 + 2 * 3", "-(4 - 6) * 2.5", "7 / (3 - 3)", "((1.5))*-2")) {
            try {
                System.out.println(source + " = " + eval(new Parser(source).parse()));
            } catch (ArithmeticException e) {
                System.out.println(source + ": " + e.getMessage());
            }
        }
        Ledger ledger = new Ledger();
        List<String> refused = new ArrayList<>();
        long seed = 12345;
        for (int i = 0; i < 400; i++) {
            seed = (seed * 6364136223846793005L + 1442695040888963407L);
            int account = (int) (seed >>> 60);
            Kind kind = Kind.values()[(int) ((seed >>> 40) % 3)];
            try {
                ledger.apply(new Entry(account, kind, (seed >>> 20) % 5000 + 1));
            } catch (Overdrawn e) {
                refused.add(e.getMessage());
            }
        }
        ledger.balances.forEach((account, cents) -> System.out.printf("%3d %10.2f %s%n", account, cents / 100.0, "#".repeat((int) (cents / 20000))));
        ledger.byKind.forEach((kind, s) -> System.out.println(kind + " " + s.getCount() + " " + s.getMax() + " " + Math.round(s.getAverage())));
        System.out.println(refused.size() + " refused, the last: " + refused.get(refused.size() - 1));

        Deque<int[]> open = new ArrayDeque<>();
        char[][] maze = {"S.#.....".toCharArray(), "..#.###.".toCharArray(), ".##...#.".toCharArray(), "....#..E".toCharArray()};
        int[][] steps = new int[4][8];
        for (int[] row : steps) Arrays.fill(row, -1);
        open.add(new int[] {0, 0});
        steps[0][0] = 0;
        while (!open.isEmpty()) {
            int[] p = open.removeFirst();
            for (int[] d : new int[][] {{0, 1}, {1, 0}, {0, -1}, {-1, 0}}) {
                int y = p[0] + d[0], x = p[1] + d[1];
                if (y < 0 || x < 0 || y > 3 || x > 7 || maze[y][x] == '#' || steps[y][x] >= 0) continue;
                steps[y][x] = steps[p[0]][p[1]] + 1;
                open.addLast(new int[] {y, x});
            }
        }
        System.out.println("out in " + steps[3][7] + " steps");

        String text = "it was the best of times it was the worst of times it was the age of wisdom";
        SortedMap<String, Long> words = Arrays.stream(text.split("\\s+")).collect(Collectors.groupingBy(Function.identity(), TreeMap::new, Collectors.counting()));
        System.out.println(words.entrySet().stream().sorted(Map.Entry.<String, Long>comparingByValue().reversed().thenComparing(Map.Entry.comparingByKey())).limit(4).map(e -> e.getKey() + "*" + e.getValue()).collect(Collectors.joining(" ")));
        UnaryOperator<String> rot13 = s -> s.chars().mapToObj(c -> Character.isLowerCase(c) ? (char) ('a' + (c - 'a' + 13) % 26) : (char) c).map(String::valueOf).collect(Collectors.joining());
        System.out.println(rot13.apply(text).hashCode() + " " + rot13.andThen(rot13).apply(text).equals(text));
        BitSet sieve = new BitSet(500);
        sieve.set(2, 500);
        for (int i = 2; i * i < 500; i++) if (sieve.get(i)) for (int j = i * i; j < 500; j += i) sieve.clear(j);
        System.out.println(sieve.cardinality() + " " + sieve.stream().skip(90).boxed().toList());
        Iterator<Long> fib = new Iterator<>() {
            long a = 0, b = 1;
            public boolean hasNext() { return true; }
            public Long next() { long c = a; a = b; b += c; return c; }
        };
        StringJoiner joiner = new StringJoiner(", ", "{", "}");
        for (int i = 0; i < 15; i++) joiner.add(Long.toString(fib.next(), 16));
        System.out.println(joiner);
    }
}
