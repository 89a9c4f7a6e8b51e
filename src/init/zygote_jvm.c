/*
 * A JVM as a zygote: booted once by the `java` launcher, on a class of our own (languages/java/Wait.java) that goes
 * through what programs do until the JVM has compiled it, and forked into boxes with its threads (zygote_threads.c).
 *
 * What it does before the user's main method runs has to be done without a Java frame on the stack, which every trace
 * would show, and by the launcher's own code, which has words of its own for all that can be wrong with a class. So it
 * serves in the very call with which the launcher would have started our class:
 *
 *   launcher: loads our class ─▶ GetStaticMethodID(main) ─▶ CallStaticVoidMethod(main)  ─▶ exit status, shutdown
 *                                 │ its initialiser             │ through our table of JNI functions:
 *                                 │ rehearses, and opens        │ serve, and in a worker wait, load the user's class as
 *                                 ▼ the awaited file            ▼ the launcher does, and call its main method instead
 *                              opened()                      call_main()
 *
 * The calling thread is the one that forks: in a worker it is the process's first, and the one that the launcher began
 * with, which waits for this one's end, is one of the others.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/zygote.h"
#include "init/zygote_jni.h"

static struct {
    struct jni_face *vm;
    char *const *argv;             /* that it was started with: the last word is our class */
    const jni_function *functions; /* the VM's own */
    jni_function ours[ENV_N_FUNCTIONS];
} jvm;

/* Like the launcher's CHECK_EXCEPTION_NULL_LEAVE(): what was thrown is shown, and the status is 1. */
static _Noreturn void leave(struct jni_face *env)
{
    JNI(env_function, env, ENV_EXCEPTION_DESCRIBE)(env);
    zygote_jvm_will_end(1);
    (void)JNI(vm_function, jvm.vm, VM_DETACH_CURRENT_THREAD)(jvm.vm);
    (void)JNI(vm_function, jvm.vm, VM_DESTROY_JAVA_VM)(jvm.vm);
    exit(1);
}

static jobject call(struct jni_face *env, jobject class, const char *name, const char *type, jobject argument)
{
    jobject method = JNI(method_id_function, env, ENV_GET_STATIC_METHOD_ID)(env, class, name, type);

    return method == NULL ? NULL
                          : JNI(call_object_function, env, ENV_CALL_STATIC_OBJECT_METHOD)(env, class, method, argument);
}

/* byte[][], as the kernel has them: what they are in characters is said in Java. */
static jobject words_of(struct jni_face *env, char *const *words)
{
    int32_t n = 0;
    jobject array;

    while (words[n] != NULL)
        n++;
    array = JNI(new_array_function, env, ENV_NEW_OBJECT_ARRAY)(
        env, n, JNI(find_class_function, env, ENV_FIND_CLASS)(env, "[B"), NULL);
    for (int32_t i = 0; array != NULL && i < n; i++) {
        int32_t len = (int32_t)strlen(words[i]);
        jobject bytes = JNI(new_byte_array_function, env, ENV_NEW_BYTE_ARRAY)(env, len);

        if (bytes == NULL)
            return NULL;
        JNI(set_bytes_function, env, ENV_SET_BYTE_ARRAY_REGION)(env, bytes, 0, len, words[i]);
        JNI(set_element_function, env, ENV_SET_OBJECT_ARRAY_ELEMENT)(env, array, i, bytes);
    }
    return array;
}

/* The job's words from the one that names the class, or NULL where the others are not those of this JVM. */
static char *const *rest_of_words(const struct zygote_job *job)
{
    size_t i = 0;

    for (; jvm.argv[i + 1] != NULL; i++)
        if (i >= job->argc || strcmp(jvm.argv[i], job->argv[i]) != 0)
            return NULL;
    return i < job->argc ? job->argv + i : NULL;
}

/* As LoadMainClass() of the launcher: what is wrong is said there, and the JVM ends. */
static jobject find_loader(struct jni_face *env, jobject *helper)
{
    *helper = JNI(find_class_function, env, ENV_FIND_CLASS)(env, "sun/launcher/LauncherHelper");
    return *helper == NULL ? NULL
                           : JNI(method_id_function, env, ENV_GET_STATIC_METHOD_ID)(
                                 env, *helper, "checkAndLoadMain", "(ZILjava/lang/String;)Ljava/lang/Class;");
}

static jobject load_class(struct jni_face *env, jobject name)
{
    jobject helper, method = find_loader(env, &helper);

    return JNI(call_object_function, env, ENV_CALL_STATIC_OBJECT_METHOD)(env, helper, method, JNI_TRUE, LM_CLASS, name);
}

/* The program, from where the launcher would have been with it. Returns to the launcher, which sees to the rest. */
static void run(struct jni_face *env, jobject waiting_class, const struct zygote_job *job)
{
    char *const *words = rest_of_words(job);
    jobject name, class, method, arguments;

    name = words == NULL ? NULL
                         : call(env, waiting_class, "begin", "([[B)Ljava/lang/String;", words_of(env, words));
    if (name == NULL) /* an unusual job, or a failure: nothing of it has run */
        zygote_start_afresh(job);
    arguments = call(env, waiting_class, "arguments", "()[Ljava/lang/String;", NULL);
    if (arguments == NULL)
        zygote_start_afresh(job);
    if (isatty(STDOUT_FILENO) == 1)
        (void)call(env, waiting_class, "seeTerminal", "()Ljava/lang/Object;", NULL);
    class = load_class(env, name);
    if (class == NULL)
        leave(env);
    if (call(env, waiting_class, "startable", "(Ljava/lang/Class;)Ljava/lang/Class;", class) == NULL)
        zygote_start_afresh(job);
    method = JNI(method_id_function, env, ENV_GET_STATIC_METHOD_ID)(env, class, "main", "([Ljava/lang/String;)V");
    if (method == NULL)
        leave(env);
    JNI(call_void_function, env, ENV_CALL_STATIC_VOID_METHOD)(env, class, method, arguments);
    zygote_jvm_will_end(JNI(check_function, env, ENV_EXCEPTION_CHECK)(env) ? 1 : 0); /* as the launcher has it */
}

/* ---- A JVM as a zygote ---- */

/* Java's random numbers that are no system call's begin with these, which are there once for all forks. */
static const struct {
    const char *class, *field, *type, *setter; /* a static field, and its method that takes a number */
} seeds[] = {
    {"java/util/concurrent/ThreadLocalRandom", "seeder", "Ljava/util/concurrent/atomic/AtomicLong;", "set"},
    {"java/util/SplittableRandom", "defaultGen", "Ljava/util/concurrent/atomic/AtomicLong;", "set"},
    {"java/util/Random", "seedUniquifier", "Ljava/util/concurrent/atomic/AtomicLong;", "set"},
    {"java/lang/Math$RandomNumberGeneratorHolder", "randomNumberGenerator", "Ljava/util/Random;", "setSeed"},
    {"java/lang/StrictMath$RandomNumberGeneratorHolder", "randomNumberGenerator", "Ljava/util/Random;", "setSeed"},
};

/* Collections.shuffle() makes its generator when it is first called, and a thread its own: neither has been. */
static bool set_seed(struct jni_face *env, size_t i, int64_t seed)
{
    method_id_function *find_field = JNI(method_id_function, env, ENV_GET_STATIC_FIELD_ID);
    method_id_function *find_method = JNI(method_id_function, env, ENV_GET_METHOD_ID);
    jobject class = JNI(find_class_function, env, ENV_FIND_CLASS)(env, seeds[i].class), field, object, method;

    field = class == NULL ? NULL : find_field(env, class, seeds[i].field, seeds[i].type);
    object = field == NULL ? NULL : JNI(get_object_function, env, ENV_GET_STATIC_OBJECT_FIELD)(env, class, field);
    class = object == NULL ? NULL : JNI(get_class_function, env, ENV_GET_OBJECT_CLASS)(env, object);
    method = class == NULL ? NULL : find_method(env, class, seeds[i].setter, "(J)V");
    if (method == NULL) {
        JNI(env_function, env, ENV_EXCEPTION_CLEAR)(env);
        return false;
    }
    JNI(call_void_function, env, ENV_CALL_VOID_METHOD)(env, object, method, seed);
    return true;
}

/* In the zygote, too: what can't be found stops it. */
static int set_seeds(struct jni_face *env, struct err *err)
{
    int64_t fresh[COUNT_OF(seeds)];

    if (getrandom(fresh, sizeof fresh, 0) != (ssize_t)sizeof fresh) /* so few bytes come at once: random(7) */
        return err_errno(err, -errno, "java: random numbers");
    for (size_t i = 0; i < COUNT_OF(seeds); i++)
        if (!set_seed(env, i, fresh[i]))
            return err_set(err, -ENOENT, "java: %s.%s can't be found", seeds[i].class, seeds[i].field);
    return 0;
}

/* Nothing of the JVM runs in this process after this. */
static void freeze(struct jni_face *env)
{
    struct err err = {0};
    int r = set_seeds(env, &err);

    zygote_jvm_hook_end(jvm.vm, env);
    if (r == 0) {
        zygote_await_rest(); /* its compilers still have work of the rehearsals' to do */
        r = zygote_note_descriptors(&err);
    }
    if (r == 0)
        r = zygote_stop_threads(&err);
    if (r == 0)
        zygote_give_back_heap(jvm.argv);
    if (r == 0)
        r = zygote_fork_all_memory(&err);
    if (r < 0)
        zygote_give_up(&err);
}

/* In a fork. */
static void thaw(struct jni_face *env)
{
    struct err err = {0};
    int r = zygote_open_descriptors(&err);

    if (r == 0)
        r = zygote_start_threads(&err);
    if (r == 0)
        r = set_seeds(env, &err);
    if (r < 0)
        zygote_fail(&err);
}

/* Returns in workers only: true where a job waits for it. */
static bool serve(struct jni_face *env, jobject class)
{
    sigset_t mask; /* a box is entered with none blocked; a JVM blocks SIGQUIT, which one thread of its waits for */
    bool hurry;

    zygote_booted();
    (void)sigprocmask(SIG_SETMASK, NULL, &mask);
    freeze(env);
    if (zygote_send_scout()) {
        thaw(env);
        (void)call(env, class, "rehearse", "()Ljava/lang/Object;", NULL);
        zygote_report_pages();
    }
    zygote_serve(&hurry);
    if (!hurry)
        zygote_touch_pages();
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    thaw(env);
    return hurry;
}

/* In place of CallStaticVoidMethod(), called once: by the launcher, for our class. */
static void call_main(struct jni_face *env, jobject class, jobject method, ...)
{
    struct zygote_job job;

    (void)method;
    env->functions = jvm.functions;
    zygote_wait(&job, serve(env, class));
    run(env, class, &job);
}

static get_vms_function *get_vms(void)
{
    return (get_vms_function *)dlsym(RTLD_DEFAULT, "JNI_GetCreatedJavaVMs");
}

/* On the thread "main", from the initialiser of our class. */
static void opened(char *const *argv)
{
    struct jni_face *vm, *env;
    struct err err = {0};
    int32_t n = 0;

    if (get_vms()(&vm, 1, &n) != JNI_OK || n != 1 ||
        JNI(get_env_function, vm, VM_GET_ENV)(vm, &env, JNI_VERSION_1_6) != JNI_OK ||
        find_loader(env, &(jobject){NULL}) == NULL) {
        (void)err_set(&err, -ENOSYS, "java: this is no JVM of a known kind");
        zygote_give_up(&err);
    }
    jvm.vm = vm;
    jvm.argv = argv;
    jvm.functions = env->functions;
    memcpy(jvm.ours, jvm.functions, ENV_N_FUNCTIONS * sizeof jvm.ours[0]);
    jvm.ours[ENV_CALL_STATIC_VOID_METHOD] = (jni_function)call_main;
    env->functions = jvm.ours;
}

/* Asked before main(): the launcher is there, the JVM is not yet. */
const struct zygote_face *zygote_jvm(void)
{
    static const struct zygote_face face = {.opened = opened};

    return dlsym(RTLD_DEFAULT, "JLI_Launch") == NULL ? NULL : &face;
}
