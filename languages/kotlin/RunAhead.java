package glimpse;

/** Is forked to run a program of Kotlin's; as java/RunAhead.java is. */
final class RunAhead extends Wait {
    private static final int ROUNDS = 20, FRESH_ROUNDS = 5;
    private static final String[] ARGUMENTS = {"an argument"};

    static {
        for (int i = 0; i < ROUNDS; i++) {
            Tour.take();
            TrainKt.main(ARGUMENTS);
        }
        await(RunAhead.class);
    }

    private RunAhead() {
    }

    static Object rehearse() {
        Fresh fresh = new Fresh();

        for (int i = 0; i < FRESH_ROUNDS; i++) {
            fresh.call("glimpse.Tour", "take");
            fresh.call("glimpse.TrainKt", "main", (Object) ARGUMENTS);
        }
        return null;
    }

    /* Without libzygote.so: in the training run of the class archive. */
    public static void main(String[] args) {
    }
}
