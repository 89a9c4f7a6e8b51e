package glimpse;

/** Is forked to run a program. It has gone through what programs do, until that was machine code for the most part. */
final class RunAhead extends Wait {
    private static final int ROUNDS = 20, FRESH_ROUNDS = 5;

    static {
        for (int i = 0; i < ROUNDS; i++)
            Tour.take(); /* what it prints goes to /dev/null */
        await(RunAhead.class);
    }

    private RunAhead() {
    }

    /** As a program would: the library is machine code by now, and its own classes are new. */
    static Object rehearse() {
        Fresh fresh = new Fresh();

        for (int i = 0; i < FRESH_ROUNDS; i++)
            fresh.call("glimpse.Tour", "take");
        return null;
    }

    /* Not called where libzygote.so holds the JVM. */
    public static void main(String[] args) {
    }
}
