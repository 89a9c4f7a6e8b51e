import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

interface Shape {
    long area();
}

record Circle(long radius) implements Shape {
    public long area() {
        return radius * radius * 314159 / 100000;
    }
}

record Rectangle(long width, long height) implements Shape {
    public long area() {
        return width * height;
    }
}

public class Main {
    static class Entry {
        final String word;
        int total, count;

        Entry(String word) {
            this.word = word;
        }
    }

    static List<Entry> top(BufferedReader in, int n) {
        Map<String, Entry> entries = new HashMap<>();

        in.lines().map(line -> line.split(" ")).forEach(parts -> {
            Entry entry = entries.computeIfAbsent(parts[0], Entry::new);
            entry.total += Integer.parseInt(parts[1]);
            entry.count++;
        });
        return entries.values().stream()
                .sorted(Comparator.comparingInt((Entry e) -> -e.total).thenComparing(e -> e.word))
                .limit(n)
                .collect(Collectors.toList());
    }

    static List<Integer> primes(int limit) {
        boolean[] composite = new boolean[limit];
        List<Integer> found = new ArrayList<>();

        for (int i = 2; i < limit; i++) {
            if (composite[i])
                continue;
            found.add(i);
            for (long j = (long) i * i; j < limit; j += i)
                composite[(int) j] = true;
        }
        return found;
    }

    static final Map<Integer, Long> memo = new HashMap<>();

    static long fib(int n) {
        if (n < 2)
            return n;
        if (!memo.containsKey(n))
            memo.put(n, fib(n - 1) + fib(n - 2));
        return memo.get(n);
    }

    static long trace(int n) {
        int[][] a = new int[n][n];
        long sum = 0;

        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                a[i][j] = i * j % 7;
        for (int i = 0; i < n; i++)
            for (int k = 0; k < n; k++)
                sum += a[i][k] * a[k][i];
        return sum;
    }

    public static void main(String[] args) {
        for (Entry entry : top(new BufferedReader(new InputStreamReader(System.in)), 5))
            System.out.printf("%s %d %d%n", entry.word, entry.total, entry.count);
        List<Integer> found = primes(20000);
        System.out.println("primes " + found.size() + " " + found.get(found.size() - 1));
        System.out.println("fib " + fib(70));
        System.out.println("trace " + trace(20));
        String text = "the quick brown fox jumps over the lazy dog";
        long vowels = text.chars().filter(c -> "aeiou".indexOf(c) >= 0).count();
        System.out.println(new StringBuilder(text).reverse() + " " + vowels);
        List<Shape> shapes = List.of(new Circle(15), new Rectangle(20, 35), new Rectangle(40, 40));
        System.out.println("area " + shapes.stream().mapToLong(Shape::area).sum());
    }
}
