package glimpse;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.tools.ToolProvider;

/**
 * The compile stage of Java: javac, then the search for the class to start, in one JVM.
 * Arguments: source files, the main file first. Leaves .glimpse/classes, and the class's name in .glimpse/main,
 * which `java @.glimpse/main` reads.
 */
final class CompileJava {
    private static final Path CLASSES = Path.of(".glimpse/classes"), MAIN = Path.of(".glimpse/main");
    /* No annotation processors: they would be code of the user's that runs in the compiler. */
    private static final List<String> OPTIONS = List.of("-d", CLASSES.toString(), "-encoding", "UTF-8", "-proc:none");

    /** A compiler that has got something ahead. */
    interface Quick {
        /** True where the classes are written, without a word; else nothing is decided. */
        boolean compile(List<String> options, List<String> sources);
    }

    static Quick quick; /* or null */

    private CompileJava() {
    }

    public static void main(String[] sources) throws IOException {
        System.exit(compile(List.of(sources), System.err));
    }

    /** Into the current folder. javac's exit status. */
    static int compile(List<String> sources, OutputStream messages) throws IOException {
        Files.createDirectories(CLASSES);
        if (quick == null || !quick.compile(OPTIONS, sources)) {
            List<String> arguments = new ArrayList<>(OPTIONS);
            int status;

            arguments.addAll(sources);
            status = ToolProvider.getSystemJavaCompiler().run(null, null, messages, arguments.toArray(String[]::new));
            if (status != 0)
                return status;
        }
        writeMain(CLASSES, MAIN, sources);
        return 0;
    }

    static void writeMain(Path classes, Path main, List<String> sources) throws IOException {
        String name = MainClass.find(classes, sources);

        /* A source without any class is legal; the launcher then says that it finds none of this name. */
        Files.writeString(main, (name == null ? "Main" : name) + "\n");
    }
}
