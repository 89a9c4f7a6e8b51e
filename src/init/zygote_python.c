/*
 * CPython as a zygote. The interpreter's own executable is used, so all names are those that it exports (Python/C
 * API reference), weak because this library is preloaded into others as well. What can be said in Python is said in
 * languages/python/warm.py; here is what must happen without a Python frame on the stack, as in a plain start:
 * running the main file, and leaving with its status but without the finalisation that nobody sees
 * (Py_FinalizeEx()).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/zygote.h"

#define WEAK __attribute__((weak))

typedef struct _object PyObject;
typedef ssize_t Py_ssize_t;

WEAK int PyGILState_Ensure(void);
WEAK void PyOS_AfterFork_Child(void);
WEAK PyObject *PyRun_FileExFlags(FILE *file, const char *name, int start, PyObject *globals, PyObject *locals,
                                 int close, void *flags);
WEAK PyObject *PyEval_GetBuiltins(void);
WEAK PyObject *PyImport_AddModule(const char *name);
WEAK PyObject *PyModule_GetDict(PyObject *module);
WEAK PyObject *PyDict_New(void);
WEAK PyObject *PyDict_Copy(PyObject *dict);
WEAK PyObject *PyDict_GetItemString(PyObject *dict, const char *key);
WEAK int PyDict_SetItemString(PyObject *dict, const char *key, PyObject *value);
WEAK PyObject *PyList_New(Py_ssize_t n);
WEAK int PyList_Append(PyObject *list, PyObject *item);
WEAK PyObject *PyBytes_FromString(const char *text);
WEAK long PyLong_AsLong(PyObject *number);
WEAK const char *PyUnicode_AsUTF8(PyObject *text);
WEAK int PyErr_ExceptionMatches(PyObject *type);
WEAK void PyErr_Fetch(PyObject **type, PyObject **value, PyObject **traceback);
WEAK void PyErr_NormalizeException(PyObject **type, PyObject **value, PyObject **traceback);
WEAK void PyErr_Print(void);
WEAK void PyErr_Clear(void);
WEAK void PyErr_WriteUnraisable(PyObject *where);
WEAK void PyEval_SetTrace(void *function, PyObject *arg);
WEAK void PyEval_SetProfile(void *function, PyObject *arg);
WEAK PyObject *PySys_GetObject(const char *name);
WEAK void PySys_WriteStderr(const char *format, ...);
WEAK int PyFile_WriteObject(PyObject *object, PyObject *file, int flags);
WEAK int PyObject_Print(PyObject *object, FILE *file, int flags);
WEAK int PyObject_IsInstance(PyObject *object, PyObject *type);
WEAK PyObject *PyObject_CallObject(PyObject *callable, PyObject *args);
WEAK PyObject *PyObject_CallMethod(PyObject *object, const char *name, const char *format, ...);
WEAK ssize_t PyGC_Collect(void);
WEAK int PyObject_IsTrue(PyObject *object);
WEAK PyObject *PyObject_GetAttrString(PyObject *object, const char *name);
extern WEAK PyObject _Py_NoneStruct, PyLong_Type;
extern WEAK PyObject *PyExc_SystemExit, *PyExc_KeyboardInterrupt;

/* Py_file_input of compile.h, Py_PRINT_RAW of object.h. */
enum { FILE_INPUT = 257, PRINT_RAW = 1 };

static PyObject *space; /* the names of warm.py: no module, so that programs do not meet it */

static _Noreturn void end_badly(const char *what)
{
    struct err err;

    PyErr_Print(); /* to our own stderr: boxd's, or in a worker nobody's */
    (void)err_set(&err, -EPROTO, "python: %s failed in warm.py", what);
    zygote_fail(&err);
}

/* A name of warm.py; NULL where it raised. No code is compiled for it, which a program could see (sys.settrace(),
 * sys.addaudithook()). */
static PyObject *call(const char *name)
{
    return PyObject_CallObject(PyDict_GetItemString(space, name), NULL);
}

static PyObject *run_file(FILE *file, const char *path, PyObject *names)
{
    return PyRun_FileExFlags(file, path, FILE_INPUT, names, names, 1, NULL);
}

static void python_after_fork(void)
{
    PyOS_AfterFork_Child();
}

static int set_words(const char *name, char *const *words)
{
    PyObject *list = PyList_New(0);

    for (; list != NULL && *words != NULL; words++) {
        PyObject *word = PyBytes_FromString(*words);

        if (word == NULL || PyList_Append(list, word) < 0)
            return -ENOMEM;
    }
    return list == NULL || PyDict_SetItemString(space, name, list) < 0 ? -ENOMEM : 0;
}

/* As handle_system_exit() of Python/pythonrun.c. */
static long status_of_exit(PyObject *exit)
{
    PyObject *code = PyObject_GetAttrString(exit, "code"), *errors;

    PyErr_Clear();
    if (code == NULL)
        code = exit;
    if (code == &_Py_NoneStruct)
        return 0;
    if (PyObject_IsInstance(code, &PyLong_Type) == 1)
        return PyLong_AsLong(code); /* -1 where it is too large */
    errors = PySys_GetObject("stderr");
    PyErr_Clear();
    if (errors != NULL && errors != &_Py_NoneStruct) {
        (void)PyFile_WriteObject(code, errors, PRINT_RAW);
    } else {
        (void)PyObject_Print(code, stderr, PRINT_RAW);
        (void)fflush(stderr);
    }
    PySys_WriteStderr("\n");
    PyErr_Clear();
    return 1;
}

/* The exception that is set, as the interpreter's own main function ends with it. */
static long status_of_exception(bool *interrupted)
{
    PyObject *type, *value, *traceback;

    *interrupted = PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0;
    if (PyErr_ExceptionMatches(PyExc_SystemExit) == 0) {
        PyErr_Print();
        return 1;
    }
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    return status_of_exit(value);
}

static bool is_open(PyObject *stream)
{
    PyObject *closed;

    if (stream == NULL || stream == &_Py_NoneStruct)
        return false;
    closed = PyObject_GetAttrString(stream, "closed");
    if (closed == NULL)
        PyErr_Clear();
    return closed == NULL || PyObject_IsTrue(closed) == 0;
}

/* As flush_std_files() of Python/pylifecycle.c. False where output was lost. */
static bool flush_streams(void)
{
    PyObject *out = PySys_GetObject("stdout"), *errors = PySys_GetObject("stderr");
    bool fine = true;

    if (is_open(out) && PyObject_CallMethod(out, "flush", NULL) == NULL) {
        PyErr_WriteUnraisable(out);
        fine = false;
    }
    if (is_open(errors) && PyObject_CallMethod(errors, "flush", NULL) == NULL) {
        PyErr_Clear();
        fine = false;
    }
    return fine;
}

/* As wait_for_thread_shutdown(): the module is the one that the program has by that name. */
static void end_threads(void)
{
    PyObject *modules = PySys_GetObject("modules");
    PyObject *threading = modules == NULL ? NULL : PyDict_GetItemString(modules, "threading");

    if (threading != NULL && PyObject_CallMethod(threading, "_shutdown", NULL) == NULL)
        PyErr_WriteUnraisable(threading);
}

static PyObject *run_last(const char *name)
{
    PyObject *result = call(name);

    if (result == NULL)
        PyErr_Print();
    return result;
}

/* Objects say farewell. What was there before the program is collected with the rest only where there are such: that
 * takes longer than most programs. */
static void end_objects(void)
{
    PyObject *some = run_last("has_last_words");

    if (some == NULL || PyObject_IsTrue(some) == 0)
        return;
    (void)PyGC_Collect();
    (void)run_last("take_apart");
    (void)PyGC_Collect();
    (void)run_last("clear_what_is_left");
}

/* What Py_FinalizeEx() owes the program and its user, in its order; the rest of it only gives back memory. */
static bool finish(void)
{
    bool fine;

    end_threads();
    (void)run_last("run_exit_functions");
    fine = flush_streams();
    PyEval_SetTrace(NULL, NULL);
    PyEval_SetProfile(NULL, NULL);
    end_objects();
    if (fine)
        fine = flush_streams();
    (void)fflush(NULL);
    return fine;
}

static void take_tour(void)
{
    PyObject *names = call("begin_tour");
    const char *path = PyUnicode_AsUTF8(PyDict_GetItemString(space, "tour"));
    FILE *file = names == NULL || path == NULL ? NULL : fopen(path, "re");

    if (file == NULL || run_file(file, path, names) == NULL || !flush_streams() || call("end_tour") == NULL)
        end_badly("the tour");
}

static void python_settle(void)
{
    if (call("settle") == NULL)
        end_badly("settle()");
}

static void python_rehearse(void)
{
    take_tour();
    python_settle();
}

static void python_warm(const char *script)
{
    FILE *file = script == NULL ? NULL : fopen(script, "re");

    (void)PyGILState_Ensure(); /* it is given up while a script is opened; from here on it is kept */
    space = PyDict_New();
    /* A copy: a program may put others in place of the builtins, and it is not our code that shall call them. */
    if (file == NULL || space == NULL ||
        PyDict_SetItemString(space, "__builtins__", PyDict_Copy(PyEval_GetBuiltins())) < 0 ||
        run_file(file, script, space) == NULL)
        end_badly("the preparation");
    take_tour();
    if (call("freeze") == NULL)
        end_badly("freeze()");
}

static void python_run(const struct zygote_job *job)
{
    PyObject *main = PyModule_GetDict(PyImport_AddModule("__main__")), *text;
    bool interrupted = false;
    const char *path;
    long status = 0;
    FILE *file;

    if (set_words("argv", job->argv) < 0 || set_words("environment", job->envp) < 0)
        end_badly("the job");
    text = call("begin");
    path = text == NULL || text == &_Py_NoneStruct ? NULL : PyUnicode_AsUTF8(text);
    file = path == NULL ? NULL : fopen(path, "re");
    if (file == NULL)
        zygote_start_afresh(job); /* an unusual program; and what is wrong with a file is the interpreter's to say */
    if (run_file(file, path, main) == NULL)
        status = status_of_exception(&interrupted);
    if (!finish())
        status = 120;  /* as Py_RunMain() says it */
    if (interrupted) { /* who sent SIGINT shall see a program that died of it */
        (void)signal(SIGINT, SIG_DFL);
        (void)kill(getpid(), SIGINT);
    }
    _exit((int)status & 0xff);
}

const struct zygote_face *zygote_python(void)
{
    static const struct zygote_face face = {.warm = python_warm,
                                            .rehearse = python_rehearse,
                                            .after_fork = python_after_fork,
                                            .settle = python_settle,
                                            .run = python_run};

    return PyRun_FileExFlags == NULL ? NULL : &face;
}
