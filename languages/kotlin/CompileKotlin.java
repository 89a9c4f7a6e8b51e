package glimpse;

import java.io.IOException;
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
        List<String> arguments = new ArrayList<>(List.of("-d", CLASSES.toString()));
        String path = System.getProperty("java.class.path");
        ExitCode code;

        Files.createDirectories(CLASSES);
        /* The compiler finds the standard library by itself, but not the coroutines that come with it. */
        for (String jar : path.split(":"))
            if (jar.endsWith("/kotlinx-coroutines-core-jvm.jar"))
                arguments.addAll(List.of("-cp", jar));
        arguments.addAll(List.of(sources));
        code = new K2JVMCompiler().exec(System.err, arguments.toArray(String[]::new));
        if (code == ExitCode.OK)
            CompileJava.writeMain(CLASSES, MAIN, List.of(sources));
        System.exit(code.getCode());
    }
}
