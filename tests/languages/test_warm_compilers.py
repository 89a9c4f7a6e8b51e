"""A compiler that was forked into its box, after it has compiled other things, is one that was started there, as far as anybody can tell.

Each program goes to two servers, with and without such compilers; what the compiler says, the bytes of each class that it writes, what
the program prints and how both end must be the same.
"""
import concurrent.futures
import re
import time

import pytest

from glimpse_server import Server

BOOT_SECONDS = 240  # on a busy machine: seconds of CPU time, in the background

# Prints the hash of each class file, and whether a forked JVM has left anything behind.
JAVA_CLASSES = """
import java.nio.file.*;
import java.security.*;
import java.util.*;
class Listing {
    static void print() throws Exception {
        try (var files = Files.walk(Path.of("/box"))) {
            for (Path file : files.sorted().toList())
                System.out.println(file + (Files.isRegularFile(file) ? " " + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file))) : ""));
        }
        try (var files = Files.list(Path.of("/tmp"))) { System.out.println(files.toList()); }
    }
}
"""
KOTLIN_CLASSES = """
import java.io.File
import java.security.MessageDigest
fun listing() {
    File("/box").walk().sortedBy { it.path }.forEach { f -> println(f.path + if (f.isFile) MessageDigest.getInstance("SHA-256").digest(f.readBytes()).joinToString("") { "%02x".format(it) } else "") }
    println(File("/tmp").list()!!.toList())
}
"""


def java(main, **files):
    return {"files": [{"name": "Main.java", "content": main}, {"name": "Listing.java", "content": JAVA_CLASSES},
                      *({"name": name.replace("__", "/") + ".java", "content": content} for name, content in files.items())]}


def kotlin(main, **files):
    return {"files": [{"name": "Main.kt", "content": main}, {"name": "listing.kt", "content": KOTLIN_CLASSES},
                      *({"name": name.replace("__", "/") + ".kt", "content": content} for name, content in files.items())]}


JAVA = {
    "classes": java("public class Main { public static void main(String[] a) throws Exception { Listing.print(); } }"),
    "many kinds of classes": java("""
import java.util.*;
import java.util.function.*;
import java.util.stream.*;
public class Main {
    sealed interface Shape permits Circle, Square { }
    record Circle(double r) implements Shape { }
    record Square(double a) implements Shape { }
    enum Color { RED { int n() { return 1; } }, GREEN { int n() { return 2; } }; abstract int n(); }
    @interface Mark { String value() default "x"; int[] n() default {1, 2}; }
    static <T extends Comparable<? super T>> T best(Collection<? extends T> all) { return all.stream().max(Comparator.naturalOrder()).orElseThrow(); }
    @Mark("é") interface F { int f(int x); default F twice() { return x -> f(f(x)); } }
    class Inner { class Deeper { int sum() { return outer + 1; } } }
    int outer = 41;
    public static void main(String[] args) throws Exception {
        F f = x -> x * 3;
        Function<Integer, Supplier<String>> g = n -> () -> "n" + n + args.length;
        var text = \"\"\"
            a text
              block\"\"\";
        Object o = List.of(new Circle(1), new Square(2)).get(1);
        if (o instanceof Square s && s.a() > 1) System.out.println(s + text);
        switch (Color.valueOf("RED")) { case RED -> System.out.println("red"); case GREEN -> System.out.println("green"); }
        String word = "b"; switch (word) { case "a": System.out.println(1); break; case "b": System.out.println(2); }
        System.out.println(f.twice().f(2) + g.apply(1).get() + best(Set.of(3, 9, 4)) + new Main().new Inner().new Deeper().sum());
        System.out.println(IntStream.range(0, 9).boxed().collect(Collectors.partitioningBy(i -> i % 2 == 0, Collectors.mapping(i -> "x" + i, Collectors.joining()))));
        try (AutoCloseable c = () -> System.out.println("closed")) { new Object() { void hi() { System.out.println(getClass()); } }.hi(); }
        assert args.length > 5 : "no";
        Listing.print();
    }
}
"""),
    "packages": java("import a.b.C; public class Main { public static void main(String[] x) throws Exception { System.out.println(C.N + new a.D()); Listing.print(); } }",
                     a__b__C="package a.b; public class C { public static final int N = 7; }", a__D="package a; public class D extends a.b.C { }"),
    "a warning": java("import java.util.*; public class Main { public static void main(String[] a) throws Exception { List l = new ArrayList(); l.add(1); new Date(1, 1, 1); Listing.print(); } }"),
    "errors": java("public class Main { int x = \"a\"; void f() { return 1; } List<String> l; Undefined u; }"),
    "an error in another file": java("public class Main { public static void main(String[] a) { new Other().g(); } }", Other="class Other { void f() { int é = } }"),
    "words that are none": java("public class Main { public static void main(String[] a) { int class = 1; # } }"),
    "twice the same class": java("public class Main { } class Listing { }"),
    "a processor, which nobody asked": java("import javax.annotation.processing.*; public class Main extends AbstractProcessor { static { System.out.println(\"loaded\"); } "
                                            "public boolean process(java.util.Set<? extends javax.lang.model.element.TypeElement> a, RoundEnvironment r) { return true; } "
                                            "public static void main(String[] a) throws Exception { Listing.print(); } }"),
    "deep": java("public class Main { public static void main(String[] a) { int x = " + "(" * 3000 + "1" + ")" * 3000 + "; } }"),
    "too deep": java("public class Main { public static void main(String[] a) { int x = " + "1 + " * 60000 + "1; } }"),
    "too large a constant": java('public class Main { String s = "' + "x" * 70000 + '"; }'),
    "an empty file": {"files": [{"name": "Main.java", "content": ""}]},
    "a file that is no text": {"files": [{"name": "Main.java", "content": "/4D/gA==", "encoding": "base64"}]},
    "what rehearsals compiled is not there": java("class Main { Class<?> a = glimpse.Tour.class; Wrong b; }"),
    "a class as in the rehearsals": java("""
public class Main {
    public static void main(String[] args) { Train.main(args); }
}
class Train {
    static void main(String[] args) { System.out.println(new Tour(1)); }
}
record Tour(int steps) { }"""),
    "a class as in the library": java("""
import java.util.*;
class List { }
class Main {
    public static void main(String[] args) { System.out.println(new List().getClass() + " " + new ArrayList<>()); }
}"""),
    "a package of the library": java("package java.lang;\nclass Main { public static void main(String[] args) { } }"),
    "notes": java("class Main { public static void main(String[] args) { System.out.println(new Integer(3)); } }"),
}

KOTLIN = {
    "classes": kotlin("fun main() { listing() }"),
    "many kinds of classes": kotlin("""
import kotlinx.coroutines.*
import kotlin.properties.Delegates
sealed class Shape { data class Circle(val r: Double) : Shape(); object None : Shape() }
enum class Color(val n: Int) { RED(1) { override fun f() = "r" }, GREEN(2) { override fun f() = "g" }; abstract fun f(): String }
interface Named { val name: String get() = "default" }
class Delegated(n: Named) : Named by n { var x: Int by Delegates.observable(1) { _, old, new -> println("$old $new") }; lateinit var late: String; companion object { const val C = "é" } }
@JvmInline value class Wrapped(val s: String)
inline fun <reified T> isIt(x: Any) = x is T
tailrec fun gcd(a: Int, b: Int): Int = if (b == 0) a else gcd(b, a % b)
infix fun Int.pow(n: Int): Int = (1..n).fold(1) { a, _ -> a * this }
suspend fun slow(): Int { delay(1); return 3 }
typealias F = (Int) -> Int
fun main(args: Array<String>) = runBlocking {
    val f: F = { it * 2 }
    val s: Shape = Shape.Circle(1.5)
    println(when (s) { is Shape.Circle -> "c${s.r}"; Shape.None -> "n" } + Color.values().joinToString { it.f() + it.n } + f(3) + (2 pow 5) + gcd(12, 18))
    val d = Delegated(object : Named {}); d.x = 5; println(d.name + Delegated.C + Wrapped("w") + isIt<String>("x"))
    println(sequence { var a = 1; while (true) { yield(a); a *= 3 } }.take(5).toList().groupBy { it % 2 }.mapValues { (_, v) -> v.sum() })
    println(async { slow() }.await())
    val (a, b) = "x" to 2; println("$a ${b.let { it + 1 }}" + runCatching { args[3] }.isFailure)
    listing()
}
"""),
    "packages": kotlin("import a.b.c\nfun main() { println(c()); listing() }", a__c="package a.b\nfun c() = D().e\nclass D { val e = 4 }"),
    "warnings": kotlin("fun main() { val unused = 1; val x: String? = \"a\"; println(x!!.length); if (x != null) listing(); @Deprecated(\"old\") fun f() = 1; f() }"),
    "errors": kotlin("fun main() { val x: Int = \"a\"; undefined(); println(\"${x.y}\") ; return 1 }\nclass A : B()"),
    "an error in another file": kotlin("fun main() { listing() }", other="fun f( { }\n"),
    "twice the same function": kotlin("fun main() { }\nfun listing() { }"),
    "exhausts nothing": kotlin("fun main() { println(" + "(" * 200 + "1" + ")" * 200 + "); listing() }"),
    "an empty file": {"files": [{"name": "Main.kt", "content": ""}]},
    "no main": kotlin("val x = 1"),
}
CASES = [("java", name) for name in JAVA] + [("kotlin", name) for name in KOTLIN]


def idle(server, language):
    """Boxes in which a compiler waits."""
    name = f'glimpse_pool_boxes{{language="{language}",stage="compile",state="idle"}}'
    found = re.search(rf"(?m)^{re.escape(name)} (\d+)$", server.get("/metrics").text)
    return int(found[1]) if found else 0


def wait_for(server, language):
    deadline = time.monotonic() + BOOT_SECONDS
    while idle(server, language) == 0:
        assert time.monotonic() < deadline, f"no compiler of {language} waits:\n{server.log_text()}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def warm_server():
    with Server(config={"warm_costly": "start", "cache": 0}) as server:
        yield server


@pytest.fixture(scope="module")
def cold_server():
    with Server(config={"warm": 0, "cache": 0}) as server:
        yield server


def compiled(server, request):
    answer = server.run({**request, "limits": {"compile": {"wall_time_ms": 60000, "cpu_time_ms": 60000}}})
    for stage in answer["stages"].values():
        if stage and "StackOverflowError" in stage["stderr"]:  # where the stack's end is, depends on what has been made into machine code
            stage["stderr"] = re.sub(r"(?m)^\tat .*\n", "", stage["stderr"])
    stages = {name: stage and {key: stage[key] for key in ("status", "stdout", "stderr", "exit_code", "signal")} for name, stage in answer["stages"].items()}
    return {"status": answer["status"], **stages}


@pytest.mark.parametrize(("language", "name"), CASES, ids=[f"{language}: {name}" for language, name in CASES])
def test_compiles_the_same(warm_server, cold_server, language, name):
    request = {"language": language, **(JAVA if language == "java" else KOTLIN)[name]}
    wait_for(warm_server, language)
    warm, cold = (compiled(server, request) for server in (warm_server, cold_server))
    assert warm == cold


@pytest.mark.parametrize("language", ["java", "kotlin"])
def test_nothing_is_left_of_another_program(warm_server, language):
    """Not even of one with the same names."""
    def run(n):
        wait_for(warm_server, language)
        code = {"java": f"public class Main {{ static class A{n} {{ }} public static void main(String[] a) {{ System.out.println(new A{n}().getClass()); }} }}",
                "kotlin": f"class A{n}\nfun main() {{ println(A{n}()::class.java) }}"}[language]
        wrong = code.replace(f"new A{n}()", f"new A{n - 1}()").replace(f"println(A{n}()", f"println(A{n - 1}()")
        right, missing = (warm_server.run({"language": language, "code": each}) for each in (code, wrong))
        return right["stages"]["run"]["stdout"].strip().endswith(f"A{n}"), missing["status"]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, range(1, 7))) == [(True, "compile_error")] * 6


def test_is_booted_when_it_is_asked_for():
    with Server(config={"cache": 0, "warm_costly": "asked"}) as server:
        assert idle(server, "java") == 0
        name = 'glimpse_pool_ready{language="java",stage="compile"} 0'
        assert name in server.get("/metrics").text
        hello = {"language": "java", "code": "public class Main { public static void main(String[] a) { System.out.println(1); } }"}
        assert server.run(hello)["status"] == "ok"
        wait_for(server, "java")
        assert idle(server, "kotlin") == 0
        assert server.run(hello)["status"] == "ok"
        assert 'glimpse_pool_hits_total{language="java",stage="compile"} 1' in server.get("/metrics").text


def test_can_be_turned_off():
    with Server(config={"cache": 0, "warm_costly": "never"}) as server:
        assert server.run({"language": "java", "code": "class Main { public static void main(String[] a) { } }"})["status"] == "ok"
        assert 'language="java",stage="compile"' not in server.get("/metrics").text


@pytest.mark.parametrize(("limits", "status"), [({"cpu_time_ms": 100}, "cpu_time_limit"), ({"wall_time_ms": 100}, "wall_time_limit"),
                                                ({"output_bytes": 1000}, "output_limit")])
def test_limits_hold(warm_server, limits, status):
    wait_for(warm_server, "java")
    answer = warm_server.run({"language": "java", "code": "public class Main { " + "Undefined%d f%d;\n" * 20000 % tuple(n // 2 for n in range(40000)) + "}",
                              "limits": {"compile": limits}})
    assert answer["stages"]["compile"]["status"] == status
