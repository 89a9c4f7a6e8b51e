package glimpse;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Is forked to compile sources. It has compiled before, until javac was machine code for the most part. */
final class CompileAhead extends Wait {
    private static final Path SAMPLES = Path.of("/opt/glimpse/languages/java"), WORK = Path.of("/tmp/rehearsal");
    private static final String WRONG = "class Wrong {\n    int f() {\n        return \"a\" + g;\n    }\n    Unknown h(int a) { }\n}\n";
    private static final OutputStream NOWHERE = OutputStream.nullOutputStream();
    private static final int ROUNDS = 10;

    static {
        try {
            for (int i = 0; i < ROUNDS; i++)
                rehearse();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        await(CompileAhead.class);
    }

    private CompileAhead() {
    }

    /* In the zygote, and called by zygote_jvm.c in its scout. */
    static Object rehearse() throws IOException {
        for (String sample : List.of("Tour.java", "Train.java", "MainClass.java", "Wait.java"))
            compile(SAMPLES.resolve(sample));
        compile(Files.writeString(Files.createDirectories(WORK).resolve("Wrong.java"), WRONG));
        try (Stream<Path> all = Files.walk(WORK)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList())
                Files.delete(path);
        }
        return null;
    }

    private static void compile(Path source) throws IOException {
        CompileJava.compile(WORK.resolve("classes"), WORK.resolve("main"), List.of(source.toString()), NOWHERE);
    }

    /* Not called where libzygote.so holds the JVM. */
    public static void main(String[] args) {
    }
}
