package glimpse;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;

/** Is forked to compile sources, as java/CompileAhead.java is. */
final class CompileAhead extends Wait {
    private static final String SAMPLE = "/opt/glimpse/languages/kotlin/train.kt";
    private static final Path WORK = Path.of("/tmp/rehearsal");
    private static final PrintStream NOWHERE = new PrintStream(OutputStream.nullOutputStream());

    private static final int ROUNDS = 12;

    static {
        /* What it has read of its library stays. */
        System.setProperty("kotlin.environment.keepalive", "true");
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

    static Object rehearse() throws IOException {
        CompileKotlin.compile(WORK.resolve("classes"), WORK.resolve("main"), List.of(SAMPLE), NOWHERE);
        return null;
    }

    /* Not called where libzygote.so holds the JVM. */
    public static void main(String[] args) {
    }
}
