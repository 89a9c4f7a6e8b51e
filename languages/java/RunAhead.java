package glimpse;

/** Waits for a program. */
final class RunAhead extends Wait {
    static {
        for (int i = 0; i < 2; i++)
            Tour.take(); /* what it prints goes to /dev/null */
        await(RunAhead.class);
    }

    private RunAhead() {
    }

    /* Where libzygote.so does not hold the JVM: it ends, and boxd hears of that. */
    public static void main(String[] args) {
    }
}
