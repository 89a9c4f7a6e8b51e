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

    private CompileJava() {
    }

    public static void main(String[] sources) throws IOException {
        System.exit(compile(CLASSES, MAIN, List.of(sources), System.err));
    }

    static int compile(Path classes, Path main, List<String> sources, OutputStream messages) throws IOException {
        /* No annotation processors: they would be code of the user's that runs in the compiler. */
        List<String> arguments = new ArrayList<>(List.of("-d", classes.toString(), "-encoding", "UTF-8", "-proc:none"));
        int status;

        Files.createDirectories(classes);
        arguments.addAll(sources);
        status = ToolProvider.getSystemJavaCompiler().run(null, null, messages, arguments.toArray(String[]::new));
        if (status == 0)
            writeMain(classes, main, sources);
        return status;
    }

    static void writeMain(Path classes, Path main, List<String> sources) throws IOException {
        String name = MainClass.find(classes, sources);

        /* A source without any class is legal; the launcher then says that it finds none of this name. */
        Files.writeString(main, (name == null ? "Main" : name) + "\n");
    }
}
