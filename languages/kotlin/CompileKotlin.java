package glimpse;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;

/** The compile stage of Kotlin, as CompileJava is of Java: the same files come out of it. */
final class CompileKotlin {
    private static final Path CLASSES = Path.of(".glimpse/classes"), MAIN = Path.of(".glimpse/main");

    private CompileKotlin() {
    }

    public static void main(String[] sources) throws IOException {
        System.exit(compile(CLASSES, MAIN, List.of(sources), System.err));
    }

    static int compile(Path classes, Path main, List<String> sources, PrintStream messages) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("-d", classes.toString()));
        ExitCode code;

        Files.createDirectories(classes);
        for (String jar : System.getProperty("java.class.path").split(":"))
            arguments.addAll(argumentsFor(Path.of(jar)));
        arguments.addAll(sources);
        code = new K2JVMCompiler().exec(messages, arguments.toArray(String[]::new));
        if (code == ExitCode.OK)
            CompileJava.writeMain(classes, main, sources);
        return code.getCode();
    }

    /* The compiler looks for its library where the file is that its own jar is a link to, and leaves out the coroutines. */
    private static List<String> argumentsFor(Path jar) {
        return switch (jar.getFileName().toString()) {
            case "kotlin-compiler.jar" -> List.of("-kotlin-home", jar.getParent().getParent().toString());
            case "kotlinx-coroutines-core-jvm.jar" -> Files.exists(jar) ? List.of("-cp", jar.toString()) : List.of();
            default -> List.of();
        };
    }
}
