package glimpse;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Is forked to compile sources, as java/CompileAhead.java is. */
final class CompileAhead extends Wait {
    private static final Path SAMPLES = Path.of("/opt/glimpse/languages/kotlin"), WORK = Path.of("/tmp/rehearsal");
    private static final String WRONG = "fun f(a: Int): String = a + g\nclass Wrong : Unknown() { fun h() { return 1 } }\n";
    private static final PrintStream NOWHERE = new PrintStream(OutputStream.nullOutputStream());
    private static final int ROUNDS = 10;

    static {
        /* What it has read of its library stays. */
        System.setProperty("kotlin.environment.keepalive", "true");
        try {
            for (int i = 0; i < ROUNDS; i++)
                train();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        await(CompileAhead.class);
    }

    private CompileAhead() {
    }

    private static void train() throws IOException {
        for (String sample : List.of("tour.kt", "train.kt"))
            compile(SAMPLES.resolve(sample));
        compile(Files.writeString(Files.createDirectories(WORK).resolve("wrong.kt"), WRONG));
    }

    /* A program of a usual size: each fork gets as much memory ahead as this writes to. */
    static Object rehearse() throws IOException {
        compile(SAMPLES.resolve("train.kt"));
        return null;
    }

    private static void compile(Path source) throws IOException {
        CompileKotlin.compile(WORK.resolve("classes"), WORK.resolve("main"), List.of(source.toString()), NOWHERE);
    }

    /* Not called where libzygote.so holds the JVM. */
    public static void main(String[] args) {
    }
}
