package glimpse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Waits for sources to compile. It compiles a small one before: that takes about as much CPU time as it saves the job. More
 * of it would make javac faster still, and cost a multiple of that for every program.
 */
final class CompileAhead extends Wait {
    private static final String SAMPLE = "/opt/glimpse/languages/java/Main.java";
    private static final Path WORK = Path.of("/tmp/rehearsal");

    static {
        try {
            for (int i = 0; i < 2; i++)
                CompileJava.compile(WORK.resolve("classes"), WORK.resolve("main"), List.of(SAMPLE));
            clear();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        await(CompileAhead.class);
    }

    private CompileAhead() {
    }

    /* Where libzygote.so does not hold the JVM: it ends, and boxd hears of that. */
    public static void main(String[] args) {
    }

    private static void clear() throws IOException {
        try (Stream<Path> all = Files.walk(WORK)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList())
                Files.delete(path);
        }
    }
}
