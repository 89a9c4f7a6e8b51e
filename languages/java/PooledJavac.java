package glimpse;

import com.sun.tools.javac.api.JavacTaskPool;
import java.io.StringWriter;
import java.util.List;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * javac that keeps what it has read of the library from one compilation to the next, as jshell has it: most of a small
 * program's compilation is reading String and System and what these name. In a JVM that is forked for one job (CompileAhead),
 * it keeps that from the rehearsals; nothing of one job ever meets another.
 */
final class PooledJavac implements CompileJava.Quick {
    private final JavacTaskPool pool = new JavacTaskPool(1);
    /* What a pool keeps belongs to one file manager, which is never closed, and has words of its own for what is no text. */
    private final StandardJavaFileManager files =
            ToolProvider.getSystemJavaCompiler().getStandardFileManager(diagnostic -> hasSpoken = true, null, null);
    private boolean hasSpoken;

    /** Only what javac has no word to say about is done: in a pool it might choose others than alone. */
    @Override
    public boolean compile(List<String> options, List<String> sources) {
        StringWriter messages = new StringWriter();

        hasSpoken = false;
        try {
            return pool.getTask(messages, files, null, options, null, files.getJavaFileObjectsFromStrings(sources), task -> task.call())
                    && messages.getBuffer().length() == 0 && !hasSpoken;
        } catch (RuntimeException | Error e) {
            return false; /* out of memory, or of stack: javac has words for it */
        }
    }
}
