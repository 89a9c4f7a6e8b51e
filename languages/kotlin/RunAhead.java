package glimpse;

/** Waits for a program of Kotlin's; as java/RunAhead.java does. */
final class RunAhead extends Wait {
    static {
        for (int i = 0; i < 2; i++) {
            Tour.take();
            TrainKt.main(new String[] {"an argument"});
        }
        await(RunAhead.class);
    }

    private RunAhead() {
    }

    /* Without libzygote.so: in the training run of the class archive. */
    public static void main(String[] args) {
    }
}
