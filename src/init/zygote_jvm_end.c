/*
 * The end of a JVM. When Java's own shutdown is over, with all of its hooks, a JVM waits in steps of 10 ms for
 * compilers that are at work (VM_Exit::wait_for_threads_in_native_to_block() of HotSpot), and then takes itself down
 * piece by piece, of which nobody sees anything. A worker ends there.
 *
 * There are two ways to that point. System.exit() and Runtime.halt() call JVM_Halt(), which is ours. When the main
 * thread is done, the launcher calls DestroyJavaVM(), which waits for the other threads and goes through the hooks of
 * java.lang.Shutdown: the last of them is ours, and ends the process where that call has brought it there.
 *
 * Where the program has native code of its own, which may want to see the end (atexit(3), destructors), or something is
 * not as known here, the JVM ends by itself.
 */
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include "init/zygote.h"
#include "init/zygote_jni.h"

enum { LAST_SHUTDOWN_HOOK = 9 }; /* java.lang.Shutdown.MAX_SYSTEM_HOOKS - 1 */

static struct {
    const jni_function *functions; /* the VM's own */
    jni_function ours[VM_N_FUNCTIONS];
    pid_t destroyer; /* the thread in DestroyJavaVM(), or 0 */
    int status;
} end;

static void leave(int status)
{
    if (!zygote_program_has_code())
        zygote_end(status);
}

__attribute__((visibility("default"))) void JVM_Halt(int32_t status);
void JVM_Halt(int32_t status)
{
    void (*next)(int32_t) = (void (*)(int32_t))dlsym(RTLD_NEXT, "JVM_Halt");

    if (zygote_has_job())
        leave(status);
    if (next != NULL)
        next(status);
    _exit(status);
}

static int destroy(struct jni_face *vm)
{
    end.destroyer = gettid();
    return ((vm_function *)end.functions[VM_DESTROY_JAVA_VM])(vm);
}

/* Also called on the way to System.exit()'s JVM_Halt(), whose status is not known here. */
static void end_of_shutdown(struct jni_face *env, jobject hook)
{
    (void)env;
    (void)hook;
    if (zygote_has_job() && gettid() == end.destroyer)
        leave(end.status);
}

/* Shutdown.add(LAST_SHUTDOWN_HOOK, false, new Wait.End()): JNI does not ask whose method it is. */
static bool add_hook(struct jni_face *env)
{
    static const struct jni_native run = {"run", "()V", (void *)end_of_shutdown};
    find_class_function *find_class = JNI(find_class_function, env, ENV_FIND_CLASS);
    jobject class = find_class(env, "glimpse/Wait$End"), hook, shutdown, add;

    if (class == NULL || JNI(register_function, env, ENV_REGISTER_NATIVES)(env, class, &run, 1) != JNI_OK)
        return false;
    hook = JNI(alloc_function, env, ENV_ALLOC_OBJECT)(env, class);
    shutdown = hook == NULL ? NULL : find_class(env, "java/lang/Shutdown");
    add = shutdown == NULL ? NULL
                           : JNI(method_id_function, env, ENV_GET_STATIC_METHOD_ID)(env, shutdown, "add",
                                                                                    "(IZLjava/lang/Runnable;)V");
    if (add == NULL)
        return false;
    JNI(call_void_function, env, ENV_CALL_STATIC_VOID_METHOD)(env, shutdown, add, LAST_SHUTDOWN_HOOK, 0, hook);
    return !JNI(check_function, env, ENV_EXCEPTION_CHECK)(env);
}

void zygote_jvm_hook_end(struct jni_face *vm, struct jni_face *env)
{
    if (!add_hook(env)) {
        JNI(env_function, env, ENV_EXCEPTION_CLEAR)(env);
        return;
    }
    end.functions = vm->functions;
    memcpy(end.ours, end.functions, sizeof end.ours);
    end.ours[VM_DESTROY_JAVA_VM] = (jni_function)destroy;
    vm->functions = end.ours;
}

void zygote_jvm_will_end(int status)
{
    end.status = status;
}
