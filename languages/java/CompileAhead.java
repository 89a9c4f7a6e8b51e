package glimpse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Is forked to compile sources. It has compiled before, until javac was machine code for the most part. */
final class CompileAhead extends Wait {
    private static final String SAMPLE = "/opt/glimpse/languages/java/Tour.java";
    private static final Path WORK = Path.of("/tmp/rehearsal");
    private static final int ROUNDS = 20;

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
        CompileJava.compile(WORK.resolve("classes"), WORK.resolve("main"), List.of(SAMPLE));
        try (Stream<Path> all = Files.walk(WORK)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList())
                Files.delete(path);
        }
        return null;
    }

    /* Not called where libzygote.so holds the JVM. */
    public static void main(String[] args) {
    }
}
