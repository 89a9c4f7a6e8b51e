# Read by libzygote.so (src/init/zygote_python.c) into a namespace of its own, once, in a Python that will be forked into
# boxes: what is at this level runs in the template, settle() in each box while it waits, and the other functions around the
# program, called by zygote_python.c. A program must not be able to tell: tests/languages/test_warm.py compares it with a fresh Python.
import sys

_bare = set(sys.modules)  # what a fresh Python has imported by now

import abc, argparse, array, ast, atexit, base64, bisect, calendar, cmath, collections, contextlib, copy, csv  # noqa: E401
import dataclasses, datetime, decimal, difflib, enum, fractions, functools, gc, glob, hashlib, heapq, html, inspect  # noqa: E401
import importlib.machinery, importlib.util, io, itertools, json, linecache, logging, math, numbers, operator, os, pathlib  # noqa: E401
import posix, pprint, queue, random, re, secrets, shutil, signal, stat, statistics, string, struct, subprocess  # noqa: E401
import tempfile, textwrap, threading, time, timeit, traceback, types, typing, unicodedata, urllib.parse, uuid  # noqa: E401
import warnings, weakref, zlib  # noqa: E401

_main = sys.modules["__main__"]


# --- Ahead of the program ---------------------------------------------------------------------------------------------



# What a program goes through: zygote_python.c runs tour.py between these two, as it runs programs, in the template, so that
# what the library makes at its first use is there, and once in a fork of it, which finds out what pages programs write to
# (zygote_pages.c). Nothing is left of it.
tour = os.path.join(os.path.dirname((lambda: None).__code__.co_filename), "tour.py")


def begin_tour():
    _dress([sys.executable, "main.py"], "/box/main.py", [b"LANG=C.UTF-8"])
    sys.stderr = sys.stdout  # /dev/null: the template's stderr is boxd's log
    module = sys.modules["tour"] = types.ModuleType("tour")
    return vars(module)


def end_tour():
    del sys.modules["tour"]
    re.purge()
    linecache.clearcache()


# Streams are made for pipes, which stand in for the job's until these take their places. The rest is what begin() and the
# program's end will do, so that it is not done for the first time then.
def settle():
    global _streams, _shadowable
    ends = os.pipe()
    for fd in range(3):
        os.dup2(ends[min(fd, 1)], fd)
    os.close(ends[0])
    os.close(ends[1])
    _streams = _open_streams()
    _shadowable = _find_shadowable()
    gc.collect()
    gc.freeze()  # the little that is there by now is none of the program's
    _is_unusual(logging.__file__)
    _dress([sys.executable, "main.py"], "/box/main.py", [b"LANG=C.UTF-8"])
    logging.shutdown([weakref.ref(logging.StreamHandler())])
    has_last_words()


# --- Around the program ------------------------------------------------------------------------------------------------------

_encodings = {name: (getattr(sys, name).encoding, getattr(sys, name).errors) for name in ("stdin", "stdout", "stderr")}


def _open_stream(name, fd):
    # As create_stdio() of CPython's Python/pylifecycle.c does.
    writes = fd > 0
    raw = io.open(fd, "wb" if writes else "rb", -1, closefd=False)
    binary = raw.raw
    binary.name = f"<{name}>"
    encoding, errors = _encodings[name]
    text = io.TextIOWrapper(raw, encoding, errors, newline="\n", line_buffering=fd == 2 or raw.isatty())
    text.mode = "w" if writes else "r"
    return text


def _open_streams():
    return [_open_stream(name, fd) for fd, name in enumerate(("stdin", "stdout", "stderr"))]


def _are_pipes():
    return all(stat.S_ISFIFO(os.fstat(fd).st_mode) for fd in range(3))


def _set_environment(environment):
    for names in (posix.environ, os.environ._data):
        names.clear()
        names.update(pair.split(b"=", 1) for pair in environment)


def _find_shadowable():
    return {name for name in sys.modules if name not in _bare}


def _is_unusual(path):
    # What a start would have treated in another way than what is imported already does.
    if not _shadowable.isdisjoint([name.partition(".")[0] for name in os.listdir(os.path.dirname(path))]):
        return True  # the program's own file hides a module
    if os.path.lexists("/box/.local"):
        return True  # read by site.py
    with io.FileIO(path) as file:
        content = file.readall()
    return content[:2] == importlib.util.MAGIC_NUMBER[:2] or b"PK\5\6" in content  # compiled, or with an archive behind it


def _use(streams):
    global _standard
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__ = streams
    _standard = {id(thing) for text in streams for thing in (text, text.buffer, text.buffer.raw)}


def _dress(argv, path, environment):
    sys.orig_argv = argv
    sys.argv = argv[1:]
    sys.path[0] = os.path.dirname(path)
    for name in [name for name in sys.path_importer_cache if name.startswith("/box")]:
        del sys.path_importer_cache[name]
    _set_environment(environment)
    _use(_streams if _streams and _are_pipes() else _open_streams())
    _main.__file__ = path
    _main.__cached__ = None
    _main.__loader__ = importlib.machinery.SourceFileLoader("__main__", path)
    logging._startTime = time.time() if isinstance(logging._startTime, float) else time.time_ns()


def begin():
    # None: the program needs a fresh interpreter, nothing has been changed yet.
    words = [os.fsdecode(word) for word in argv]
    path = os.path.join("/box", words[1])
    if _is_unusual(path):
        return None
    _dress(words, path, environment)
    return path


def _clear(names):
    # As _PyModule_ClearDict() of CPython's Objects/moduleobject.c does: objects say farewell, files are written out.
    for name in [name for name in names if name[:1] == "_" and name[1:2] != "_"]:
        names[name] = None
    for name in [name for name in names if name != "__builtins__"]:
        names[name] = None


run_exit_functions = atexit._run_exitfuncs


_names_of, _bases_of = type.__dict__["__dict__"].__get__, type.__dict__["__mro__"].__get__


def has_last_words():
    # Files that may be unwritten, generators, objects with a __del__. What was there before the program is frozen and not listed.
    things = gc.get_objects()
    if len(things) > 100_000:
        return True  # to look at so many takes longer than to end them
    kinds = {id(kind): kind for kind in map(type, things)}  # by id: a kind may have a __hash__ of the program's
    speaking = {number for number, kind in kinds.items() if any("__del__" in _names_of(base) for base in _bases_of(kind))}
    return bool(speaking) and any(id(type(thing)) in speaking and id(thing) not in _standard for thing in things)


# As finalize_modules() of CPython's Python/pylifecycle.c does: first without the modules, so that what nobody else holds ends while
# its names are still there; then name by name. zygote_python.c collects garbage in between: there is no Python frame then.
def take_apart():
    global _main, _left
    _main = sys.last_type = sys.last_value = sys.last_traceback = None
    _left = []
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith("/box/"):
            _left.append(weakref.ref(module))
            sys.modules[name] = None
    sys.modules["warnings"] = None  # what is said now is said by the interpreter's own, shorter, words
    gc.unfreeze()
    gc.enable()


def clear_what_is_left():
    for module in [reference() for reference in _left]:
        if module is not None:
            _clear(vars(module))


argv, environment = [], []  # of the job: set by zygote_python.c
_streams = None  # made ahead
_standard = set()
_shadowable = _find_shadowable()


def freeze():
    gc.collect()
    gc.freeze()
