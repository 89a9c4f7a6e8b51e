/*
 * Node as a zygote. It has a dozen threads, epoll instances and a heap that is not to be forked: the files beside this
 * one see to those. Its script, languages/javascript/warm.js, is loaded as --require loads one, just before the
 * main program; it calls wait() below, which returns in a worker that has its job, with the words of its command. From
 * there Node's own code goes on to the main program, as it would have done.
 *
 * Node's executable exports all names that are used here (Node-API; V8's and its own by their C++ names). They are
 * weak, because this library is preloaded into others as well.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/fd.h"
#include "init/zygote.h"

#define WEAK     __attribute__((weak))
#define EXPORTED __attribute__((visibility("default")))

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env env, napi_callback_info info);

WEAK int napi_create_function(napi_env env, const char *name, size_t len, napi_callback call,
                              void *data, napi_value *ret);
WEAK int napi_set_named_property(napi_env env, napi_value object, const char *name,
                                 napi_value value);
WEAK int napi_get_cb_info(napi_env env, napi_callback_info info, size_t *argc, napi_value *argv,
                          napi_value *self, void **data);
WEAK int napi_call_function(napi_env env, napi_value self, napi_value function, size_t argc,
                            const napi_value *argv, napi_value *ret);
WEAK int napi_create_int32(napi_env env, int32_t number, napi_value *ret);
WEAK int napi_get_uv_event_loop(napi_env env, uv_loop_t **ret);
WEAK int uv_run(uv_loop_t *loop, uv_run_mode mode);
WEAK int napi_create_array(napi_env env, napi_value *ret);
WEAK int napi_set_element(napi_env env, napi_value array, uint32_t at, napi_value value);
WEAK int napi_create_string_utf8(napi_env env, const char *text, size_t len, napi_value *ret);

WEAK int napi_get_value_int32(napi_env env, napi_value value, int32_t *ret);
WEAK int napi_get_value_string_utf8(napi_env env, napi_value value, char *text, size_t size,
                                    size_t *ret);
WEAK int napi_get_named_property(napi_env env, napi_value object, const char *name,
                                 napi_value *ret);
WEAK int napi_get_prototype(napi_env env, napi_value object, napi_value *ret);
WEAK int napi_typeof(napi_env env, napi_value value, int *ret);
WEAK size_t uv_loop_size(void);
WEAK uint64_t uv_now(const uv_loop_t *loop);
WEAK uint64_t uv_hrtime(void);
WEAK void uv_walk(uv_loop_t *loop, uv_walk_cb on_handle, void *arg);
WEAK int uv_is_active(const uv_handle_t *handle);
WEAK uint64_t uv_timer_get_due_in(const uv_timer_t *timer);
WEAK int uv_timer_start(uv_timer_t *timer, uv_timer_cb on_time, uint64_t in_ms, uint64_t repeat_ms);
WEAK void uv_library_shutdown(void);

enum { NAPI_UNDEFINED = 0, NAPI_OBJECT = 6 }; /* of js_native_api_types.h */

WEAK void *v8_isolate(void) __asm__("_ZN2v87Isolate10GetCurrentEv");
WEAK void v8_collect_garbage(void *isolate) __asm__("_ZN2v87Isolate21LowMemoryNotificationEv");

/* ---- Random numbers ---- */

/* v8::base::RandomNumberGenerator. The isolate's is seeded when Node starts, and gives each context's Math.random() its
 * seed when that is first called, which nothing has done before the fork. */
struct generator {
    int64_t initial_seed;
    uint64_t state[2];
};

WEAK void v8_set_seed(struct generator *generator,
                      int64_t seed) __asm__("_ZN2v84base21RandomNumberGenerator7SetSeedEl");
WEAK int64_t
v8_next(struct generator *generator) __asm__("_ZN2v84base21RandomNumberGenerator9NextInt64Ev");

static struct generator *generators[8]; /* all that are there */
static size_t n_generators;
static uint64_t found_state[COUNT_OF(generators)];

/* The seed that it remembers leads to the state that it has, in no more than some steps: nothing else does. It makes
 * eleven for what a start needs, and some forty more for each context of node:vm. */
static bool is_generator(const struct generator *at)
{
    struct generator other;

    v8_set_seed(&other, at->initial_seed);
    for (int i = 0; i < 256; i++) {
        if (memcmp(other.state, at->state, sizeof other.state) == 0)
            return true;
        (void)v8_next(&other);
    }
    return false;
}

/* The script has drawn from the isolate's since: is it one of them? */
static int check_generators(struct err *err)
{
    for (size_t i = 0; i < n_generators; i++)
        if (generators[i]->state[0] != found_state[i])
            return 0;
    return err_set(err, -ENOENT, "node: its random numbers can't be found");
}

static void seed_generators(void)
{
    int64_t seeds[COUNT_OF(generators)];

    if (getrandom(seeds, sizeof seeds, 0) !=
        (ssize_t)sizeof seeds) /* so few bytes come at once: random(7) */
        _exit(126);
    for (size_t i = 0; i < n_generators; i++)
        v8_set_seed(generators[i], seeds[i]);
}

/* ---- The clock ---- */

WEAK extern uint64_t node_start_time __asm__("_ZN4node11per_process15node_start_timeE");
WEAK extern uint64_t process_start __asm__("_ZN4node11performance25performance_process_startE");
WEAK extern double
    process_start_timestamp __asm__("_ZN4node11performance35performance_process_start_timestampE");

/* node::performance::PerformanceState::milestones: the time of day, in us, and on the monotonic clock, in ns, when the
 * process started; then six more of the latter, where they have passed: -1 where not. */
struct milestones {
    double timestamp, origin, others[6];
};

static struct milestones *milestones;

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The process begins now, and what was done before took a thousandth of its time. */
static void start_clock(void)
{
    uint64_t now = now_ns(CLOCK_MONOTONIC);
    double origin = milestones->origin;

    process_start = node_start_time = now;
    process_start_timestamp = (double)(now_ns(CLOCK_REALTIME) / 1000);
    milestones->timestamp = process_start_timestamp;
    milestones->origin = (double)now;
    for (size_t i = 0; i < COUNT_OF(milestones->others); i++)
        if (milestones->others[i] > 0)
            milestones->others[i] = (double)now + (milestones->others[i] - origin) / 1000;
}

/* node::PerIsolatePlatformData::RunForegroundTask(): what V8 wants to be done later. */
WEAK void run_v8_task(uv_timer_t *timer) __asm__("_ZN4node22PerIsolatePlatformData17RunForegroundTaskEP10uv_timer_s");

static void put_off(uv_handle_t *handle, void *arg)
{
    const uint64_t *passed_ms = arg;
    uv_timer_t *timer = (uv_timer_t *)handle;

    if (handle->type == UV_TIMER && timer->timer_cb == run_v8_task && uv_is_active(handle))
        (void)uv_timer_start(timer, run_v8_task, uv_timer_get_due_in(timer) + *passed_ms, 0);
}

/* Eight seconds after a collection of garbage V8 starts another, which costs a small program more than all else: for
 * that, too, no time has passed since the fork. Of JavaScript's own timers none is pending. */
static void put_off_v8(uv_loop_t *loop)
{
    uint64_t passed_ms = uv_hrtime() / 1000000 - uv_now(loop);

    uv_walk(loop, put_off, &passed_ms);
}

/* ---- Before the forks ---- */

/* Both are in the heap that malloc(3) has of brk(2), on boundaries of words, and told by values that nothing else
 * has. */
static int find_state(struct err *err)
{
    char *from = NULL, *to = sbrk(0);
    const struct milestones wanted = {.timestamp = process_start_timestamp,
                                      .origin = (double)process_start};
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");

    while (maps != NULL && from == NULL && fgets(line, sizeof line, maps) != NULL)
        if (strstr(line, "[heap]") != NULL)
            from = (char *)strtoul(line, NULL, 16);
    if (maps != NULL)
        (void)fclose(maps);
    if (from == NULL)
        return err_set(err, -ENOENT, "node: the heap can't be found");
    for (; from + sizeof *milestones <= to; from += sizeof(uint64_t)) {
        if (memcmp(from, &wanted, 2 * sizeof(double)) == 0)
            milestones = (struct milestones *)from;
        else if (n_generators < COUNT_OF(generators) &&
                 is_generator((const struct generator *)from)) {
            generators[n_generators] = (struct generator *)from;
            found_state[n_generators] = generators[n_generators]->state[0];
            n_generators++;
        }
    }
    return milestones == NULL ? err_set(err, -ENOENT, "node: its clock can't be found") : 0;
}

/* libuv keeps a descriptor of /dev/null from its first stream on, for when there are no more (uv_loop_t's emfile_fd:
 * the one word there that has its number). Programs that have no stream yet do not have it. */
static int forget_spare(int *loop, struct err *err)
{
    struct stat null, st;

    if (stat("/dev/null", &null) < 0)
        return err_errno(err, -errno, "node: /dev/null");
    for (int fd = 3; fd < ZYGOTE_FD_CONTROL; fd++) {
        int *found = NULL;

        if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != null.st_rdev)
            continue;
        for (size_t i = 0; i < uv_loop_size() / sizeof *loop; i++) {
            if (loop[i] == fd && found != NULL)
                return err_set(err, -ENOENT, "node: its spare descriptor can't be told");
            if (loop[i] == fd)
                found = &loop[i];
        }
        if (found == NULL)
            return err_set(err, -ENOENT, "node: its spare descriptor can't be found");
        *found = -1;
        (void)close(fd);
    }
    return 0;
}

/* Nothing of Node runs in this process after this. */
static void freeze(uv_loop_t *loop)
{
    struct err err = {0};
    int r = check_generators(&err);

    if (r == 0)
        r = forget_spare((int *)loop, &err);
    if (r == 0)
        r = zygote_note_descriptors(&err);
    if (r == 0)
        r = zygote_stop_threads(&err);
    if (r == 0)
        r = zygote_fork_all_memory(&err);
    if (r < 0)
        zygote_give_up(&err);
}

/* ---- In a worker ---- */

static struct zygote_job job;

static void thaw(void)
{
    struct err err = {0};
    int r = zygote_open_descriptors(&err);

    if (r == 0)
        r = zygote_start_threads(&err);
    if (r < 0)
        zygote_fail(&err);
    seed_generators();
}

static napi_value words_of(napi_env env, char *const *words)
{
    napi_value array = NULL, word;
    int r = napi_create_array(env, &array);

    for (uint32_t i = 0; r == 0 && words[i] != NULL; i++) {
        r = napi_create_string_utf8(env, words[i], (size_t)-1, &word);
        if (r == 0)
            r = napi_set_element(env, array, i, word);
    }
    return r == 0 ? array : NULL;
}

/* wait(rehearse): the words of the job's command, in a worker. rehearse is called in the zygote and its scout. */
static napi_value call_wait(napi_env env, napi_callback_info info)
{
    napi_value rehearse, self, ignored;
    uv_loop_t *loop;
    size_t n = 1;
    bool hurry;

    if (napi_get_cb_info(env, info, &n, &rehearse, &self, NULL) != 0 ||
        napi_get_uv_event_loop(env, &loop) != 0)
        _exit(126);
    zygote_booted();
    /* With the garbage go functions that have been compiled: it is rehearsed once more after that. */
    v8_collect_garbage(v8_isolate());
    for (int i = 0; i < 3; i++)
        if (napi_call_function(env, self, rehearse, 0, NULL, &ignored) != 0)
            return NULL;
    freeze(loop);
    if (zygote_send_scout()) {
        thaw();
        if (napi_call_function(env, self, rehearse, 0, NULL, &ignored) != 0)
            _exit(126); /* and nothing has been learned */
        zygote_report_pages();
    }
    zygote_serve(&hurry);
    if (!hurry)
        zygote_touch_pages();
    thaw();
    zygote_wait(&job, hurry);
    for (int fd = 0; fd <= 2; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC); /* uv_disable_stdio_inheritance(), of a start */
    start_clock();
    put_off_v8(loop);
    return words_of(env, job.argv);
}

/* pipe(): [reading end, writing end], as stdin and stdout are such in a box. */
static napi_value call_pipe(napi_env env, napi_callback_info info)
{
    napi_value array = NULL, number;
    int ends[2];

    (void)info;
    if (pipe2(ends, O_CLOEXEC) < 0 || napi_create_array(env, &array) != 0)
        return NULL;
    for (uint32_t i = 0; i < 2; i++)
        if (napi_create_int32(env, ends[i], &number) != 0 ||
            napi_set_element(env, array, i, number) != 0)
            return NULL;
    return array;
}

/* turn(): what is due in the event loop, which does not run yet. */
static napi_value call_turn(napi_env env, napi_callback_info info)
{
    uv_loop_t *loop;

    (void)info;
    if (napi_get_uv_event_loop(env, &loop) == 0)
        (void)uv_run(loop, UV_RUN_NOWAIT);
    return NULL;
}

/* ---- The end ---- */

/*
 * When the program has ended, and its exit handlers have run, Node takes itself down piece by piece, which nobody sees.
 * A program ends by process.exit(), which calls process.reallyExit(), or when nothing is left to do: then Node calls
 * process.emit('exit') from no JavaScript function. Both are native functions in a fresh Node's eyes too, which
 * stack traces do not show. Where anything else is the case, the end is Node's own.
 */
WEAK void *v8_stack_trace(void *isolate, int max, int options) __asm__(
    "_ZN2v810StackTrace17CurrentStackTraceEPNS_7IsolateEiNS0_17StackTraceOptionsE");
WEAK void *v8_context(void *isolate) __asm__("_ZN2v87Isolate17GetCurrentContextEv");
WEAK napi_value v8_call(napi_value function, void *isolate, void *context, napi_value self,
                        int argc,
                        napi_value *argv) __asm__("_ZN2v88Function4CallEPNS_7IsolateENS_5LocalINS_"
                                                  "7ContextEEENS3_INS_5ValueEEEiPS7_");
WEAK int v8_n_frames(void *trace) __asm__("_ZNK2v810StackTrace13GetFrameCountEv");

enum { STACK_TRACE_OVERVIEW = 0x0f }; /* v8::StackTrace::kOverview */

static bool is_called_by_node(void)
{
    void *trace = v8_stack_trace(v8_isolate(), 1, STACK_TRACE_OVERVIEW);

    return trace != NULL && v8_n_frames(trace) == 0;
}

/* What was queued for libuv's threads is done before the end. */
static _Noreturn void end(int32_t status)
{
    uv_library_shutdown();
    _exit(status & 0xff);
}

/* reallyExit(status) */
static napi_value call_really_exit(napi_env env, napi_callback_info info)
{
    napi_value status;
    int32_t number = 0;
    size_t n = 1;

    if (napi_get_cb_info(env, info, &n, &status, NULL, NULL) == 0 && n > 0)
        (void)napi_get_value_int32(env, status, &number);
    end(number);
}

static bool is_text(napi_env env, napi_value value, const char *wanted)
{
    char text[16];
    size_t len;

    return napi_get_value_string_utf8(env, value, text, sizeof text, &len) == 0 &&
           strcmp(text, wanted) == 0;
}

/* Ends the process where this was process.emit('exit', status) of a CommonJS program with nothing left to do. For a
 * module, Node has still to look whether its top-level await has come to an end. */
static void end_if_over(napi_env env, napi_value process, napi_value status)
{
    napi_value main, code;
    int32_t number;
    int type;

    if (napi_get_named_property(env, process, "mainModule", &main) != 0 ||
        napi_typeof(env, main, &type) != 0 || type != NAPI_OBJECT ||
        napi_get_named_property(env, process, "exitCode", &code) != 0 ||
        napi_typeof(env, code, &type) != 0)
        return;
    if (napi_get_value_int32(env, type == NAPI_UNDEFINED ? status : code, &number) == 0)
        end(number);
}

/* Not by napi_call_function(), which catches what is thrown and throws it again: whoever reports it would name another
 * line. */
static napi_value call_plainly(napi_value function, napi_value self, size_t argc, napi_value *argv)
{
    void *isolate = v8_isolate();

    return v8_call(function, isolate, v8_context(isolate), self, (int)argc, argv);
}

/* emit(event, ...), in place of the one that process inherits from EventEmitter.prototype. Before the end come, as
 * after every call of Node's, process.nextTick() and promises. */
static napi_value call_emit(napi_env env, napi_callback_info info)
{
    napi_value few[8], *words = few, process, prototype, emit, ticks, result = NULL;
    size_t n = COUNT_OF(few), room = COUNT_OF(few);

    if (napi_get_cb_info(env, info, &n, words, &process, NULL) != 0)
        return NULL;
    if (n > room) {
        words = calloc(n, sizeof *words); /* lost where something is thrown */
        room = n;
        if (words == NULL || napi_get_cb_info(env, info, &room, words, NULL, NULL) != 0)
            _exit(126);
    }
    if (napi_get_prototype(env, process, &prototype) == 0 &&
        napi_get_prototype(env, prototype, &prototype) == 0 &&
        napi_get_named_property(env, prototype, "emit", &emit) == 0)
        result = call_plainly(emit, process, n, words);
    if (result != NULL && n == 2 && is_text(env, words[0], "exit") && is_called_by_node() &&
        napi_get_named_property(env, process, "_tickCallback", &ticks) == 0) {
        result = call_plainly(ticks, process, 0, NULL) == NULL ? NULL : result;
        if (result != NULL)
            end_if_over(env, process, words[1]);
    }
    if (words != few)
        free(words);
    return result;
}

/* ---- What Node sees of this library ---- */

EXPORTED napi_value napi_register_module_v1(napi_env env, napi_value exports);
EXPORTED napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
    static const struct {
        const char *name;
        napi_callback call;
    } functions[] = {{"wait", call_wait},
                     {"pipe", call_pipe},
                     {"turn", call_turn},
                     {"reallyExit", call_really_exit},
                     {"emit", call_emit}};
    struct err err = {0};
    napi_value function;

    if (find_state(&err) < 0)
        zygote_give_up(&err);
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        if (napi_create_function(env, functions[i].name, (size_t)-1, functions[i].call, NULL,
                                 &function) != 0 ||
            napi_set_named_property(env, exports, functions[i].name, function) != 0)
            return NULL;
    return exports;
}

/* Before its main() looks. Not --require itself, which process.execArgv would show. */
void zygote_node_begin(const char *preparation)
{
    char text[512];

    if (napi_create_function == NULL || preparation == NULL)
        return;
    (void)snprintf(text, sizeof text, "--require=%s", preparation);
    (void)setenv("NODE_OPTIONS", text, 1);
    if (chdir("/") <
        0) /* Node looks for package.json in the current folder, and remembers that there is none */
        _exit(126);
}

/* libuv gives each loop an io_uring where it can, and in a box it can't. */
EXPORTED long syscall(long number, ...)
{
    static long (*next)(long, ...);
    long a[6];
    va_list list;

    va_start(list, number);
    for (size_t i = 0; i < COUNT_OF(a); i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_io_uring_setup) {
        errno = EPERM;
        return -1;
    }
    if (next == NULL)
        next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
