package glimpse;

/** Is forked to run a program. It has gone through what programs do, until that was machine code for the most part. */
final class RunAhead extends Wait {
    private static final int ROUNDS = 20;

    static {
        for (int i = 0; i < ROUNDS; i++)
            rehearse(); /* what it prints goes to /dev/null */
        await(RunAhead.class);
    }

    private RunAhead() {
    }

    static Object rehearse() {
        Tour.take();
        return null;
    }

    /* Not called where libzygote.so holds the JVM. */
    public static void main(String[] args) {
    }
}
