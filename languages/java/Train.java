package glimpse;

import java.io.BufferedReader;
import java.io.StringReader;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Scanner;
import java.util.StringTokenizer;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A walk through what programs commonly use. script/toolchains runs it once and keeps the loaded classes in an archive
 * (class data sharing), from which every later JVM maps them; it does nothing else.
 */
final class Train {
    private record Point(int x, int y) {
    }

    private enum Color { RED, GREEN }

    private interface Shape {
        double area();
    }

    private Train() {
    }

    public static void main(String[] args) throws Exception {
        Tour.take();
        collections();
        streams();
        text();
        threads();
        try {
            throw new IllegalStateException("a message");
        } catch (RuntimeException e) {
            System.out.println(e + " " + e.getStackTrace().length);
        }
        Shape shape = () -> Math.PI;
        System.out.printf("%5.2f %s %d%n", shape.area(), new Point(1, 2), Color.GREEN.ordinal());
        System.out.println(LocalDate.of(2024, 2, 29).plusDays(1) + " " + Duration.ofSeconds(90) + " " + Optional.of(1));
    }

    private static void collections() {
        Map<String, List<Integer>> byKey = new TreeMap<>();
        Map<String, Integer> counts = new HashMap<>(), ordered = new LinkedHashMap<>();
        PriorityQueue<Point> queue = new PriorityQueue<>(Comparator.comparingInt(Point::x).thenComparing(Point::y));
        Random random = new Random(1);

        for (int i = 0; i < 50; i++) {
            byKey.computeIfAbsent("k" + i % 7, k -> new ArrayList<>()).add(i);
            counts.merge("k" + i % 3, 1, Integer::sum);
            ordered.put("k" + i, i);
            queue.add(new Point(random.nextInt(10), i));
        }
        System.out.println(byKey + " " + counts + " " + ordered.size() + " " + queue.poll());
        System.out.println(new HashSet<>(List.of(1, 2)) + " " + new ArrayDeque<>(Arrays.asList(3, 4)).pop());
    }

    private static void streams() {
        Map<Integer, Integer> sums = IntStream.range(0, 20).boxed().filter(i -> i % 2 == 0).map(i -> i * i)
                .collect(Collectors.groupingBy(i -> i % 3, TreeMap::new, Collectors.summingInt(i -> i)));

        System.out.println(sums);
        System.out.println(List.of("b", "a").stream().sorted().collect(Collectors.joining(", ", "[", "]")));
    }

    private static void text() throws Exception {
        StringBuilder builder = new StringBuilder();
        BufferedReader reader = new BufferedReader(new StringReader("1 2\nx"));

        builder.append(Pattern.compile("[a-z]+").matcher("ab 12").replaceAll("_")).reverse();
        System.out.println(builder + String.format("%05d|%-5s|%x", 42, "a", 255) + String.join("-", "a b".split(" ")));
        System.out.println(new StringTokenizer(reader.readLine()).countTokens() + new Scanner("7 8").nextInt());
        System.out.println(switch (Color.RED) {
            case RED -> "red";
            case GREEN -> "green";
        });
    }

    private static void threads() throws Exception {
        var pool = Executors.newFixedThreadPool(2);
        AtomicInteger sum = new AtomicInteger();
        Map<Integer, Integer> shared = new ConcurrentHashMap<>();

        for (int i = 0; i < 4; i++) {
            int n = i;
            pool.submit(() -> shared.put(n, sum.addAndGet(n)));
        }
        pool.shutdown();
        Thread thread = new Thread(() -> System.out.println("in a thread"));
        thread.start();
        thread.join();
    }
}
