package glimpse;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Finds the class to start among compiled classes, by reading the class files: exact where a search in the
 * source would be a guess, and the same for every language that compiles to them.
 *
 * Best is a main method in the main file, in the class named after the file, then the first in the file; then the
 * same in the other files, in their order. Without any, the launcher gets the class that was most likely meant, and
 * says in its own words what is wrong with it.
 */
final class MainClass {
    private static final int ACC_PUBLIC = 0x0001, ACC_STATIC = 0x0008;
    /* From this release on `java` starts a main method that is not public, not static or has no parameter (JEP 512). */
    private static final boolean ANY_MAIN = Runtime.version().feature() >= 25;

    private String name;              /* as the launcher wants it: a.b.Main */
    private String sourceFile = "";   /* base name */
    private int method = NO_MAIN;     /* the better, the smaller */
    private int line = Integer.MAX_VALUE; /* of its main method */

    private static final int CLASSIC = 0, MODERN = 1, NO_MAIN = 2;

    private String[] constants;   /* UTF-8 constants by index */
    private int[] classNameIndex; /* Class constants by index */

    private MainClass() {
    }

    /** The name of the class to start, or null where there are no classes. sources: the main file first. */
    static String find(Path classes, List<String> sources) throws IOException {
        List<MainClass> all = new ArrayList<>();
        List<Path> files;

        try (Stream<Path> walk = Files.walk(classes)) {
            files = walk.filter(path -> path.toString().endsWith(".class")).toList();
        }
        for (Path file : files) {
            MainClass one = new MainClass();

            one.read(new DataInputStream(new ByteArrayInputStream(Files.readAllBytes(file))));
            all.add(one);
        }
        return all.stream()
                .min(Comparator.comparingInt((MainClass c) -> c.method == NO_MAIN ? 1 : 0)
                        .thenComparingInt(c -> c.sourceIndex(sources))
                        .thenComparingInt(c -> c.method)
                        .thenComparingInt(c -> c.isNamedAfterFile() ? 0 : 1)
                        .thenComparingInt(c -> c.line)
                        .thenComparing(c -> c.name))
                .map(c -> c.name)
                .orElse(null);
    }

    private int sourceIndex(List<String> sources) {
        for (int i = 0; i < sources.size(); i++)
            if (Path.of(sources.get(i)).getFileName().toString().equals(sourceFile))
                return i;
        return sources.size();
    }

    /* Main in Main.java; MainKt in main.kt. */
    private boolean isNamedAfterFile() {
        String simple = name.substring(name.lastIndexOf('.') + 1);
        int dot = sourceFile.lastIndexOf('.');
        String stem = dot < 0 ? sourceFile : sourceFile.substring(0, dot);

        return simple.equals(stem) || simple.equalsIgnoreCase(stem + "Kt");
    }

    /* The class file format: JVM specification, chapter 4. */
    private void read(DataInputStream in) throws IOException {
        in.readInt(); /* magic */
        in.readInt(); /* version */
        readConstants(in);
        in.readUnsignedShort(); /* access */
        name = constants[classNameIndex[in.readUnsignedShort()]].replace('/', '.');
        in.readUnsignedShort(); /* super class */
        in.skipBytes(2 * in.readUnsignedShort()); /* interfaces */
        readMembers(in, false);
        readMembers(in, true);
        for (int n = in.readUnsignedShort(); n > 0; n--) {
            String attribute = constants[in.readUnsignedShort()];
            byte[] bytes = in.readNBytes(in.readInt());

            if (attribute.equals("SourceFile"))
                sourceFile = constants[new DataInputStream(new ByteArrayInputStream(bytes)).readUnsignedShort()];
        }
    }

    private void readConstants(DataInputStream in) throws IOException {
        int n = in.readUnsignedShort();

        constants = new String[n];
        classNameIndex = new int[n];
        for (int i = 1; i < n; i++) {
            int tag = in.readUnsignedByte();

            switch (tag) {
                case 1 -> constants[i] = new String(in.readNBytes(in.readUnsignedShort()), StandardCharsets.UTF_8);
                case 7 -> classNameIndex[i] = in.readUnsignedShort();
                case 8, 16, 19, 20 -> in.skipBytes(2);
                case 15 -> in.skipBytes(3);
                case 3, 4, 9, 10, 11, 12, 17, 18 -> in.skipBytes(4);
                case 5, 6 -> { /* long and double take two places */
                    in.skipBytes(8);
                    i++;
                }
                default -> throw new IOException("unknown constant " + tag + " in a class file");
            }
        }
    }

    private void readMembers(DataInputStream in, boolean methods) throws IOException {
        for (int n = in.readUnsignedShort(); n > 0; n--) {
            int access = in.readUnsignedShort();
            String member = constants[in.readUnsignedShort()], type = constants[in.readUnsignedShort()];
            int kind = methods && member.equals("main") ? kindOfMain(access, type) : NO_MAIN;
            int firstLine = readFirstLine(in);

            if (kind < method) {
                method = kind;
                line = firstLine;
            }
        }
    }

    private static int kindOfMain(int access, String type) {
        boolean classic = type.equals("([Ljava/lang/String;)V");

        if (classic && (access & ACC_PUBLIC) != 0 && (access & ACC_STATIC) != 0)
            return CLASSIC;
        return ANY_MAIN && (classic || type.equals("()V")) ? MODERN : NO_MAIN;
    }

    /* Skips a member's attributes; the smallest line that its code has, where it has any. */
    private int readFirstLine(DataInputStream in) throws IOException {
        int first = Integer.MAX_VALUE;

        for (int n = in.readUnsignedShort(); n > 0; n--) {
            String attribute = constants[in.readUnsignedShort()];
            byte[] bytes = in.readNBytes(in.readInt());
            DataInputStream inner = new DataInputStream(new ByteArrayInputStream(bytes));

            if (attribute.equals("LineNumberTable")) {
                for (int lines = inner.readUnsignedShort(); lines > 0; lines--) {
                    inner.readUnsignedShort();
                    first = Math.min(first, inner.readUnsignedShort());
                }
            } else if (attribute.equals("Code")) {
                inner.skipBytes(4);
                inner.skipBytes(inner.readInt());
                inner.skipBytes(8 * inner.readUnsignedShort()); /* exception table */
                first = Math.min(first, readFirstLine(inner));
            }
        }
        return first;
    }
}
