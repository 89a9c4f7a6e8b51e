package glimpse;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Scanner;
import java.util.StringTokenizer;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.IntBinaryOperator;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A walk through what programs commonly use. A JVM that waits for its program takes it (RunAhead.java), and the training
 * run of its class archive (Train.java). It does nothing that a program could notice later: it names no thread and makes
 * no pool, which are counted.
 */
final class Tour {
    private record Point(int x, int y) {
        Point {
            if (x < -1000)
                throw new IllegalArgumentException("x: " + x);
        }

        double distance() {
            return Math.sqrt(x * x + y * y);
        }
    }

    private record Entry<T extends Comparable<T>>(String name, T value) implements Comparable<Entry<T>> {
        @Override
        public int compareTo(Entry<T> other) {
            return value.compareTo(other.value);
        }
    }

    private enum Color {
        RED("r"), GREEN("g"), BLUE("b");

        private final String letter;

        Color(String letter) {
            this.letter = letter;
        }

        Color next() {
            return values()[(ordinal() + 1) % values().length];
        }
    }

    private interface Shape {
        double area();

        default String describe() {
            return getClass().getSimpleName() + " of " + String.format("%.2f", area());
        }
    }

    private abstract static class Named implements Shape {
        private static int count;
        protected final String name;

        Named(String name) {
            this.name = name;
            count++;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Named named && named.name.equals(name);
        }

        @Override
        public int hashCode() {
            return Objects.hash(name);
        }

        @Override
        public String toString() {
            return name + "#" + count;
        }
    }

    private static final class Circle extends Named {
        private final double radius;

        Circle(double radius) {
            super("circle");
            this.radius = radius;
        }

        @Override
        public double area() {
            return Math.PI * radius * radius;
        }
    }

    private static final class Square extends Named {
        private final double side;

        Square(double side) {
            super("square");
            this.side = side;
        }

        @Override
        public double area() {
            return side * side;
        }
    }

    private static final class Stack<T> implements Iterable<T> {
        private final ArrayList<T> items = new ArrayList<>();

        void push(T item) {
            items.add(item);
        }

        T pop() {
            if (items.isEmpty())
                throw new IllegalStateException("the stack is empty");
            return items.remove(items.size() - 1);
        }

        @Override
        public Iterator<T> iterator() {
            return items.iterator();
        }
    }

    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(String message, Throwable cause) {
            super(message, cause);
        }
    }

    private final PrintStream out = System.out;

    private Tour() {
    }

    static void take() {
        Tour tour = new Tour();

        try {
            tour.input();
            tour.text();
            tour.collections();
            tour.streams();
            tour.objects();
            tour.numbers();
            tour.algorithms();
            tour.failures();
            tour.time();
            tour.together();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private void input() throws Exception {
        byte[] bytes = "3 4\nx 1.5 word\nline of words\n7\n".getBytes(StandardCharsets.UTF_8);
        Scanner scanner = new Scanner(new ByteArrayInputStream(bytes));
        BufferedReader reader = new BufferedReader(new InputStreamReader(new ByteArrayInputStream(bytes)));
        int sum = scanner.nextInt() + scanner.nextInt();
        String word = scanner.next(), line;
        double real = scanner.nextDouble();

        scanner.nextLine();
        out.println(sum + " " + word + " " + real + " " + scanner.nextLine() + " " + scanner.hasNextInt());
        while ((line = reader.readLine()) != null) {
            StringTokenizer tokens = new StringTokenizer(line);

            while (tokens.hasMoreTokens())
                out.print(tokens.nextToken() + (tokens.hasMoreTokens() ? "," : "\n"));
        }
        out.println(new BufferedReader(new InputStreamReader(System.in)).readLine() + new Scanner(System.in).hasNextLine());
    }

    private void text() {
        StringBuilder builder = new StringBuilder("builder");
        String text = "The quick brown fox jumps over the lazy dog";
        Matcher matcher = Pattern.compile("(?<key>\\w+)=(\\d+)").matcher("a=1, bc=22; d=x");
        char letter = 'c';
        long big = 1L << 40;
        boolean flag = text.contains("fox");

        builder.append(1).append(letter).append(2.5).append(true).insert(0, "x").reverse().setLength(5);
        while (matcher.find())
            out.println(matcher.group("key") + ":" + Integer.parseInt(matcher.group(2)) + " at " + matcher.start());
        out.printf("%5d|%-8s|%08.3f|%x|%,d|%c|%b|%e%n", 42, "left", Math.E, 255, 1234567, letter, flag, 12345.678);
        out.println("a" + letter + big + flag + 1.5f + null + builder + text.length());
        out.println(text.toUpperCase().toLowerCase().replace('o', '0').replaceAll("[aeiou]+", "_").indexOf("fox"));
        out.println(String.join("-", text.split(" ")) + text.substring(4, 9).trim() + " x ".strip() + "ab".repeat(3) + "".isBlank());
        out.println(text.chars().filter(Character::isLetter).mapToObj(c -> String.valueOf((char) c)).collect(Collectors.joining()));
        out.println(text.compareTo("Other") + " " + "ab".equalsIgnoreCase("AB") + " " + "a,b,,c".split(",").length + " " + text.hashCode());
        out.println("""
                a block
                  of text %s""".formatted(List.of("x")).lines().toList());
        out.println(new String(text.toCharArray()) + new StringReader("x") .hashCode() % 1 + "\u00e9\u4e2d".getBytes(StandardCharsets.UTF_8).length);
    }

    private void collections() {
        Map<String, Integer> counts = new HashMap<>();
        Map<String, List<Integer>> groups = new TreeMap<>();
        Map<Integer, String> ordered = new LinkedHashMap<>();
        Map<Color, Integer> colors = new EnumMap<>(Color.class);
        PriorityQueue<Point> queue = new PriorityQueue<>(Comparator.comparingInt(Point::x).thenComparing(Point::y, Comparator.reverseOrder()));
        ArrayDeque<Integer> deque = new ArrayDeque<>();
        LinkedList<String> linked = new LinkedList<>(List.of("x", "y"));
        TreeSet<Integer> sorted = new TreeSet<>(List.of(5, 1, 3));
        BitSet bits = new BitSet();
        Random random = new Random(42);
        List<Integer> numbers = new ArrayList<>();
        Iterator<Integer> iterator;
        int[][] grid = new int[4][5];
        Integer[] boxed = {3, 1, 2};

        for (int i = 0; i < 60; i++) {
            counts.merge("k" + i % 5, 1, Integer::sum);
            groups.computeIfAbsent("g" + i % 3, key -> new ArrayList<>()).add(i);
            ordered.putIfAbsent(i % 7, "v" + i);
            queue.offer(new Point(random.nextInt(10), i));
            numbers.add(random.nextInt(100));
            deque.addFirst(i);
            bits.set(i * 3 % 64);
            grid[i % 4][i % 5] += i;
        }
        for (Map.Entry<String, Integer> entry : counts.entrySet())
            out.println(entry.getKey() + " -> " + entry.getValue());
        for (Color color : Color.values())
            colors.put(color.next(), color.letter.length());
        for (iterator = numbers.iterator(); iterator.hasNext();)
            if (iterator.next() % 2 == 0)
                iterator.remove();
        Collections.sort(numbers);
        Collections.reverse(numbers);
        Collections.shuffle(numbers, random);
        numbers.sort(Comparator.naturalOrder());
        Arrays.sort(boxed, Collections.reverseOrder());
        while (queue.size() > 50)
            out.println(queue.poll() + " " + deque.pollLast() + " " + deque.peekFirst());
        linked.addLast("z");
        linked.removeFirst();
        out.println(counts + " " + groups + " " + ordered + " " + colors + " " + numbers + " " + linked + " " + bits.cardinality());
        out.println(sorted.first() + " " + sorted.ceiling(2) + " " + sorted.headSet(4) + " " + sorted.descendingSet());
        out.println(Arrays.toString(boxed) + Arrays.deepToString(grid) + Arrays.asList(boxed) + Arrays.stream(grid[1]).sum());
        out.println(Arrays.equals(new int[] {1}, new int[] {1}) + " " + Arrays.binarySearch(new int[] {1, 3, 5}, 3) + Arrays.copyOfRange(boxed, 0, 2).length);
        out.println(Map.of("a", 1).getOrDefault("b", 2) + " " + new HashSet<>(List.of(1, 2)).containsAll(List.of(2)) + Collections.max(List.of(1, 2)));
        groups.forEach((key, value) -> out.println(key + value.size()));
        counts.replaceAll((key, value) -> value + 1);
        counts.entrySet().removeIf(entry -> entry.getValue() > 100);
        out.println(counts.values().stream().mapToInt(Integer::intValue).sum() + " " + Collections.unmodifiableList(numbers).subList(0, 1));
    }

    private void streams() {
        List<String> words = List.of("delta", "alpha", "charlie", "bravo", "echo", "alpha");
        Map<Integer, List<String>> byLength = words.stream().collect(Collectors.groupingBy(String::length));
        Map<Boolean, Long> parts = words.stream().collect(Collectors.partitioningBy(word -> word.length() > 4, Collectors.counting()));
        Predicate<String> isShort = word -> word.length() < 5;

        out.println(byLength + " " + parts + " " + words.stream().distinct().sorted(Comparator.comparing(String::length).reversed()).toList());
        out.println(words.stream().filter(isShort.negate()).map(String::toUpperCase).collect(Collectors.joining(", ", "[", "]")));
        out.println(IntStream.rangeClosed(1, 10).filter(i -> i % 2 == 1).mapToObj(Integer::toString).collect(Collectors.toList()));
        out.println(IntStream.range(0, 20).boxed().collect(Collectors.toMap(i -> i, i -> i * i)).size());
        out.println(Stream.iterate(1, i -> i * 2).limit(10).reduce(0, Integer::sum) + Stream.of(1, 2).flatMap(i -> Stream.of(i, -i)).count());
        out.println(words.stream().mapToInt(String::length).summaryStatistics() + " " + words.stream().anyMatch("echo"::equals));
        out.println(words.stream().collect(Collectors.groupingBy(word -> word.charAt(0), Collectors.mapping(String::length, Collectors.averagingInt(i -> i)))));
        out.println(words.stream().collect(Collectors.groupingBy(String::length, TreeMap::new, Collectors.toList())).firstKey());
        out.println(words.stream().max(Comparator.naturalOrder()).orElse("none") + words.stream().skip(1).peek(word -> { }).findFirst().map(String::length).get());
        out.println(Arrays.stream(new double[] {1, 2}).map(Math::sqrt).sum() + IntStream.of(3, 1).sorted().average().getAsDouble());
    }

    private void objects() {
        List<Shape> shapes = new ArrayList<>(List.of(new Circle(1), new Square(2)));
        Stack<String> stack = new Stack<>();
        Function<Integer, Function<Integer, Integer>> add = a -> b -> a + b;
        BiFunction<Integer, Integer, Integer> multiply = (a, b) -> a * b;
        Supplier<List<String>> supplier = ArrayList::new;
        IntBinaryOperator larger = Math::max;
        Object thing = new Point(3, 4);
        Entry<Integer> entry = new Entry<>("e", 5);
        Runnable anonymous = new Runnable() {
            @Override
            public void run() {
                out.println("anonymous " + shapes.size());
            }
        };

        shapes.add(() -> 3);
        shapes.sort(Comparator.comparingDouble(Shape::area));
        for (Shape shape : shapes)
            out.println(shape instanceof Named named ? named + " " + named.describe() : "other " + shape.area());
        stack.push("a");
        stack.push("b");
        for (String item : stack)
            out.println(item + stack.pop().equals(item));
        anonymous.run();
        if (thing instanceof Point point && point.x() == 3)
            out.println(point + " " + point.distance() + " " + point.equals(new Point(3, 4)) + " " + point.hashCode() + entry.compareTo(new Entry<>("f", 6)));
        out.println(add.apply(1).andThen(i -> i * 2).apply(2) + multiply.apply(3, 4) + supplier.get().size() + larger.applyAsInt(1, 2));
        for (Color color : Color.values())
            out.println(switch (color) {
                case RED, GREEN -> color.name().charAt(0);
                case BLUE -> Color.valueOf("BLUE").letter.length();
            });
        switch ("two") {
            case "one" -> out.println(1);
            case "two" -> out.println(2);
            default -> out.println(0);
        }
        out.println(Optional.ofNullable((String) null).map(String::length).orElseGet(() -> -1) + " " + Objects.requireNonNullElse(null, "else"));
    }

    private void numbers() {
        BigInteger factorial = BigInteger.ONE;

        for (int i = 2; i < 30; i++)
            factorial = factorial.multiply(BigInteger.valueOf(i));
        out.println(factorial.mod(BigInteger.valueOf(1_000_000_007)) + " " + factorial.bitLength() + " " + new BigDecimal("1.10").add(BigDecimal.TEN));
        out.println(Integer.toBinaryString(10) + Integer.MAX_VALUE + Long.parseLong("123") + Double.parseDouble("1e3") + Integer.valueOf(127).equals(127));
        out.println(Math.floorMod(-3, 5) + " " + Math.round(2.5) + " " + Math.pow(2, 10) + " " + Math.abs(-1.5) + " " + 7 / 2 + " " + 7 % -2 + " " + 1.0 / 3);
        out.println((int) 3.99 + " " + (char) ('a' + 1) + " " + Integer.toHexString(-1) + " " + Long.MAX_VALUE + " " + Float.MIN_VALUE + " " + (5 & 3 | 8 ^ 2) + (1 << 4 >>> 2));
        out.println(Integer.compare(1, 2) + Character.getNumericValue('7') + Integer.bitCount(255) + " " + Double.compare(0.0, -0.0) + Double.isNaN(0.0 / 0));
    }

    private void algorithms() {
        long[] memo = new long[60];
        boolean[] composite = new boolean[2000];
        int[] values = new int[300];
        double[][] a = new double[12][12], b = new double[12][12], c = new double[12][12];
        Map<Integer, List<Integer>> graph = new HashMap<>();
        String left = "kitten sitting", right = "sitting kitten";
        int[][] table = new int[left.length() + 1][right.length() + 1];
        ArrayDeque<Integer> ahead = new ArrayDeque<>(List.of(0));
        HashSet<Integer> seen = new HashSet<>(ahead);
        int primes = 0;

        for (int i = 2; i < composite.length; i++) {
            if (composite[i])
                continue;
            primes++;
            for (int j = i * 2; j < composite.length; j += i)
                composite[j] = true;
        }
        for (int i = 0; i < values.length; i++)
            values[i] = i * 7919 % 1009;
        for (int i = 0; i < values.length; i++)
            for (int j = 0; j + 1 < values.length - i; j++)
                if (values[j] > values[j + 1]) {
                    int swap = values[j];

                    values[j] = values[j + 1];
                    values[j + 1] = swap;
                }
        for (int i = 0; i < 12; i++)
            for (int j = 0; j < 12; j++) {
                a[i][j] = i + j;
                b[i][j] = i * j;
                for (int k = 0; k < 12; k++)
                    c[i][j] += a[i][k] * b[k][j];
            }
        for (int i = 1; i <= left.length(); i++)
            for (int j = 1; j <= right.length(); j++)
                table[i][j] = left.charAt(i - 1) == right.charAt(j - 1) ? table[i - 1][j - 1] + 1 : Math.max(table[i - 1][j], table[i][j - 1]);
        for (int i = 0; i < 30; i++)
            graph.put(i, List.of((i * 2 + 1) % 30, (i * 3 + 2) % 30));
        while (!ahead.isEmpty())
            for (int other : graph.getOrDefault(ahead.poll(), List.of()))
                if (seen.add(other))
                    ahead.add(other);
        out.println(primes + " " + fibonacci(50, memo) + " " + slow(14) + " " + values[10] + " " + c[3][4] + " " + seen.size() + " " + table[left.length()][right.length()]);
        permute(new ArrayList<>(List.of(1, 2, 3, 4)), 0);
    }

    private static long fibonacci(int n, long[] memo) {
        if (n < 2)
            return n;
        if (memo[n] == 0)
            memo[n] = fibonacci(n - 1, memo) + fibonacci(n - 2, memo);
        return memo[n];
    }

    private static int slow(int n) {
        return n < 2 ? n : slow(n - 1) + slow(n - 2);
    }

    private void permute(List<Integer> items, int from) {
        if (from == items.size())
            out.println(items);
        for (int i = from; i < items.size(); i++) {
            Collections.swap(items, from, i);
            permute(items, from + 1);
            Collections.swap(items, from, i);
        }
    }

    private void failures() throws Exception {
        List<Supplier<Object>> bad = List.of(() -> new int[1][0][0], () -> Integer.parseInt("x"), () -> List.of().iterator().next(), () -> (String) (Object) 1,
                () -> Map.of().get(null), () -> new ArrayList<>().get(3), () -> 1 / (bad().length() - 3), () -> List.of(1).set(0, 2), () -> Color.valueOf("PINK"));

        for (Supplier<Object> one : bad)
            try {
                out.println(one.get());
            } catch (ArithmeticException | NullPointerException e) {
                out.println("caught " + e.getMessage());
            } catch (RuntimeException e) {
                out.println(e + " " + e.getStackTrace().length);
            } finally {
                out.print("");
            }
        try {
            throw new Refused("refused", new IllegalStateException("why"));
        } catch (Refused e) {
            StringWriter text = new StringWriter();

            e.printStackTrace(new java.io.PrintWriter(text));
            e.printStackTrace(out);
            out.println(e.getCause().getMessage() + text.toString().length());
        }
        try (AutoCloseable resource = () -> out.println("closed")) {
            out.println(resource != null);
        }
    }

    private static String bad() {
        return "bad";
    }

    private void time() {
        LocalDate day = LocalDate.of(2024, 2, 28).plusDays(2);
        long started = System.nanoTime();

        out.println(day + " " + day.getDayOfWeek() + " " + day.isLeapYear() + " " + Duration.ofSeconds(3725) + " " + day.lengthOfMonth());
        out.println(LocalDateTime.of(2024, 1, 2, 3, 4).format(DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm")) + LocalDate.parse("2024-03-01").minusMonths(1));
        out.println((System.nanoTime() - started) / 1_000_000_000 + System.currentTimeMillis() / Long.MAX_VALUE);
    }

    private void together() throws Exception {
        ConcurrentHashMap<String, Integer> map = new ConcurrentHashMap<>();
        ConcurrentLinkedQueue<Integer> queue = new ConcurrentLinkedQueue<>();
        CountDownLatch latch = new CountDownLatch(1);
        ReentrantLock lock = new ReentrantLock();
        AtomicInteger count = new AtomicInteger();
        AtomicLong sum = new AtomicLong();

        lock.lock();
        try {
            map.merge("a", 1, Integer::sum);
            queue.add(count.incrementAndGet());
        } finally {
            lock.unlock();
        }
        synchronized (map) {
            map.computeIfPresent("a", (key, value) -> value + 1);
        }
        latch.countDown();
        latch.await(1, TimeUnit.SECONDS);
        out.println(map + " " + queue + sum.addAndGet(5) + CompletableFuture.completedFuture(1).thenApply(i -> i + 1).get());
    }
}
