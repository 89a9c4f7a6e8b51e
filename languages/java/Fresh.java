package glimpse;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;

/** Loads classes of ours anew: to the JVM they are a program's, which it has yet to load, to link and to compile. */
final class Fresh extends ClassLoader {
    private static final String OURS = "glimpse.";

    Fresh() {
        super(Fresh.class.getClassLoader());
    }

    /** Calls a static method, which need not be public. */
    void call(String type, String name, Object... arguments) {
        Class<?>[] types = new Class<?>[arguments.length];

        for (int i = 0; i < types.length; i++)
            types[i] = arguments[i].getClass();
        try {
            Method method = loadClass(type).getDeclaredMethod(name, types);

            method.setAccessible(true);
            method.invoke(null, arguments);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        Class<?> loaded = name.startsWith(OURS) ? findLoadedClass(name) : super.loadClass(name, resolve);

        return loaded != null ? loaded : findClass(name);
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        try (InputStream file = getResourceAsStream(name.replace('.', '/').concat(".class"))) {
            byte[] bytes = file.readAllBytes();

            return defineClass(name, bytes, 0, bytes.length);
        } catch (IOException e) {
            throw new ClassNotFoundException(name, e);
        }
    }
}
