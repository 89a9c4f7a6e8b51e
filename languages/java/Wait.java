package glimpse;

import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.Charset;

/**
 * A JVM that is forked into boxes, in Java; what happens around it is in src/init/zygote_jvm.c. A class that extends this one is
 * what `java` is told to start. Its initialiser rehearses and calls await(), and the launcher's next call, of its main
 * method, returns in forks only, when there is a job. rehearse() is called in a fork that looks where it writes to memory.
 *
 * The program must not be able to tell: tests/languages/test_warm_languages.py and test_warm_compilers.py compare.
 */
abstract class Wait {
    private static String[] arguments;

    /** Once the JVM has rehearsed: done what a program does, so that classes are loaded and code is compiled. */
    static void await(Class<?> waiting) {
        System.gc(); /* what that has left is no work for the program's own collections */
        try {
            new FileInputStream("/box/".concat(waiting.getName())).close();
        } catch (FileNotFoundException e) {
            return; /* libzygote.so saw it opened, and takes it from here */
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The last of the hooks that a JVM goes through when it shuts down: src/init/zygote_jvm_end.c. */
    static final class End implements Runnable {
        @Override
        public native void run();
    }

    /* ---- Called by zygote_jvm.c, with the job ---- */

    /**
     * The name of the class to start, from the words of the command from there on: "Main", or "@file" that holds it. null
     * where that file is more than a name: such a job gets a fresh JVM, whose launcher reads it.
     */
    static String begin(byte[][] words) throws IOException {
        Charset charset = Charset.forName(System.getProperty("sun.jnu.encoding"));
        String first = new String(words[0], charset), name = first.startsWith("@") ? read(first.substring(1), charset) : first;
        StringBuilder command = new StringBuilder(name);

        arguments = new String[words.length - 1];
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = new String(words[i + 1], charset);
            command.append(' ').append(arguments[i]);
        }
        System.setProperty("sun.java.command", command.toString());
        return isName(name) ? name : null;
    }

    static String[] arguments() {
        return arguments;
    }

    /** The class where it has the main method that every launcher starts; null for those that only a newer one does. */
    static Class<?> startable(Class<?> main) {
        try {
            Method method = main.getMethod("main", String[].class);

            return Modifier.isStatic(method.getModifiers()) ? main : null;
        } catch (NoSuchMethodException | LinkageError e) {
            return null;
        }
    }

    /* What a JVM from 17 to 18 has of a terminal from its start. */
    static Object seeTerminal() {
        if (System.getProperty("stdout.encoding") == null)
            for (String name : new String[] {"sun.stdout.encoding", "sun.stderr.encoding"})
                System.setProperty(name, System.getProperty("sun.jnu.encoding"));
        return null;
    }

    private static String read(String file, Charset charset) throws IOException {
        try (FileInputStream in = new FileInputStream(file)) {
            return new String(in.readAllBytes(), charset).trim();
        }
    }

    private static boolean isName(String name) {
        for (int i = 0; i < name.length(); i++)
            if (name.charAt(i) != '.' && !Character.isJavaIdentifierPart(name.charAt(i)))
                return false;
        return !name.isEmpty();
    }
}
