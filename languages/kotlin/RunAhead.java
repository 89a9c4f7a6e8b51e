package glimpse;

/** Is forked to run a program of Kotlin's; as java/RunAhead.java is. */
final class RunAhead extends Wait {
    private static final int ROUNDS = 20;

    static {
        for (int i = 0; i < ROUNDS; i++)
            rehearse();
        await(RunAhead.class);
    }

    private RunAhead() {
    }

    static Object rehearse() {
        Tour.take();
        TrainKt.main(new String[] {"an argument"});
        return null;
    }

    /* Without libzygote.so: in the training run of the class archive. */
    public static void main(String[] args) {
    }
}
