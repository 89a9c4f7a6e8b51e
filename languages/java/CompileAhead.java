package glimpse;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Is forked to compile sources. It has compiled before, until javac was machine code for the most part, and keeps what javac
 * has read of the library.
 */
final class CompileAhead extends Wait {
    private static final Path SAMPLES = Path.of("/opt/glimpse/languages/java"), WRONG_ONE = Path.of(".glimpse/Wrong.java");
    private static final String WRONG = "class Wrong {\n    int f() {\n        return \"a\" + g;\n    }\n    Unknown h(int a) { }\n}\n";
    private static final OutputStream NOWHERE = OutputStream.nullOutputStream();
    private static final int ROUNDS = 10;

    static {
        CompileJava.Quick quick = new PooledJavac();

        try {
            for (int i = 0; i < ROUNDS; i++) {
                CompileJava.quick = quick;
                for (String sample : List.of("Tour.java", "Train.java", "MainClass.java", "Wait.java"))
                    compile(SAMPLES.resolve(sample));
                CompileJava.quick = null; /* what is wrong shall leave no trace in the pool */
                compile(Files.writeString(WRONG_ONE, WRONG));
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        CompileJava.quick = quick;
        await(CompileAhead.class);
    }

    private CompileAhead() {
    }

    /* Called by zygote_jvm.c in its scout. Each fork gets as much memory ahead as this writes to: a program of a usual size. */
    static Object rehearse() throws IOException {
        compile(SAMPLES.resolve("Train.java"));
        return null;
    }

    private static void compile(Path source) throws IOException {
        CompileJava.compile(List.of(source.toString()), NOWHERE);
    }

    /* Not called where libzygote.so holds the JVM. */
    public static void main(String[] args) {
    }
}
