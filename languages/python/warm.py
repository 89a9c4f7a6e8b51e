# Read by libzygote.so (src/init/zygote_python.c) into a namespace of its own, once, in a Python that will be forked into
# boxes: what is at this level runs in the template, rehearse() in each box while it waits, and the other functions around
# the program, called by zygote_python.c. A program must not be able to tell: tests/languages/test_warm.py compares it with a fresh Python.
import sys

_bare = set(sys.modules)  # what a fresh Python has imported by now

import abc, argparse, array, ast, atexit, base64, bisect, calendar, cmath, collections, contextlib, copy, csv  # noqa: E401
import dataclasses, datetime, decimal, difflib, enum, fractions, functools, gc, glob, hashlib, heapq, html, inspect  # noqa: E401
import importlib.machinery, importlib.util, io, itertools, json, linecache, logging, math, numbers, operator, os, pathlib  # noqa: E401
import posix, pprint, queue, random, re, secrets, shutil, signal, statistics, string, struct, subprocess  # noqa: E401
import tempfile, textwrap, threading, time, timeit, traceback, types, typing, unicodedata, urllib.parse, uuid  # noqa: E401
import warnings, weakref, zlib  # noqa: E401

_main = sys.modules["__main__"]


# --- In each box, while it waits ---------------------------------------------------------------------------------------------

_TOUR = '''
import collections, dataclasses, datetime, functools, heapq, itertools, json, math, re, string
from typing import Dict, List, Optional


class Shape:
    sides = 0

    def __init__(self, name, *sizes, **more):
        self.name, self.sizes, self.more = name, sizes, more

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r}, {self.area():.2f})"

    @property
    def label(self):
        return self.name.title()

    @classmethod
    def square(cls, size):
        return cls("square", size, size)

    def area(self):
        return math.prod(self.sizes)

    def __lt__(self, other):
        return self.area() < other.area()


@dataclasses.dataclass(order=True)
class Item:
    weight: int
    name: str = ""
    tags: List[str] = dataclasses.field(default_factory=list)


@functools.lru_cache(maxsize=None)
def paths(rows, columns):
    return 1 if rows == 0 or columns == 0 else paths(rows - 1, columns) + paths(rows, columns - 1)


def walk(graph, start):
    seen, ahead = {start}, collections.deque([start])
    while ahead:
        node = ahead.popleft()
        yield node
        for other in sorted(graph.get(node, ())):
            if other not in seen:
                seen.add(other)
                ahead.append(other)


def tour():
    words = "the quick brown fox jumps over the lazy dog and the other animals of the wood".split()
    counts = collections.Counter(words)
    groups = collections.defaultdict(list)
    for word in words:
        groups[len(word)].append(word)
    table = {key: sorted(value, key=lambda w: (-len(w), w)) for key, value in groups.items()}
    text = json.dumps({"counts": counts, "table": table, "values": [1, 2.5, None, True, "\\u00e9"]}, indent=2, sort_keys=True)
    back = json.loads(text)
    shapes = sorted([Shape("a", 2, 3), Shape.square(4), Shape("c", 1)], reverse=True)
    items = sorted(Item(n % 7, chr(97 + n), [str(n)]) for n in range(20))
    heap = [(n * 37 % 101, n) for n in range(50)]
    heapq.heapify(heap)
    order = [heapq.heappop(heap) for _ in range(20)]
    grid = [[(row * column) % 10 for column in range(12)] for row in range(12)]
    turned = [list(row) for row in zip(*grid)]
    primes = [n for n in range(2, 200) if all(n % d for d in range(2, int(n ** 0.5) + 1))]
    found = re.findall(r"(?P<key>[a-z]+)=(\\d+)", "a=1, bc=22; d=x, e=5")
    swapped = re.sub(r"\\b(\\w)(\\w*)", lambda match: match.group(2) + match.group(1), " ".join(words))
    day = datetime.date(2024, 2, 28) + datetime.timedelta(days=2)
    lines = [f"{name:>10}|{value:08.3f}|{value!r:<6}|{value:e}" for name, value in zip(words, map(math.sqrt, range(1, 9)))]
    lines.append("%s %5d %-8s %x" % ("old", 42, "style", 255))
    lines.append("{0} {name} {1:,}".format(1, 1234567, name="new"))
    matrix = [[sum(a * b for a, b in zip(row, column)) for column in turned] for row in grid]
    try:
        {}["missing"]
    except KeyError as error:
        lines.append(repr(error))
    try:
        int("x")
    except (ValueError, TypeError) as error:
        lines.append(str(error))
    finally:
        lines.append(day.isoformat())
    with open("/proc/self/stat") as file:
        lines.append(file.readline()[:10])
    number = 2 ** 200 % 10 ** 9 + math.factorial(30) // 7
    bits = bytes(range(64)).hex() + str(bytearray(b"abc")) + "x".join(reversed(string.ascii_lowercase))
    pairs = list(itertools.combinations(range(6), 3)) + list(itertools.product("ab", repeat=3))
    runs = [(key, len(list(run))) for key, run in itertools.groupby("aaabbc")]
    reached = list(walk({1: [2, 3], 2: [4], 3: [4], 4: [1]}, 1))
    first, *rest = reached
    match reached:
        case [1, *_]:
            lines.append("one")
        case _:
            lines.append("other")
    print(*lines, number, bits, pairs, runs, primes, order, items, shapes, [s.label for s in shapes], sep="\\n")
    print(paths(8, 8), sum(map(sum, matrix)), swapped.upper().split(), found, back == json.loads(text), rest, first, end="")
    print(sum(x * x for x in range(300)), max(words, key=len), min(primes), any(primes), [*map(str, set(words))])


tour()
'''


def rehearse():
    # What a program goes through, so that the page faults and the first looks at caches are behind it. Nothing is left of it.
    streams = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = io.StringIO("1 2\n3\n"), io.StringIO(), io.StringIO()
    try:
        for _ in range(2):
            space = {"__name__": "rehearsal", "__builtins__": __builtins__}
            sys.modules["rehearsal"] = types.ModuleType("rehearsal")
            exec(compile(_TOUR, "/box/main.py", "exec"), space)
            [line.split() for line in sys.stdin]
        try:
            space["tour"](1)
        except TypeError:
            sys.__excepthook__(*sys.exc_info())
        _open_streams()
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        sys.modules.pop("rehearsal", None)
    del space
    re.purge()
    linecache.clearcache()
    gc.collect()
    gc.freeze()  # the little that is left is none of the program's


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


def _set_environment(environment):
    for names in (posix.environ, os.environ._data):
        names.clear()
        names.update(pair.split(b"=", 1) for pair in environment)


def _is_unusual(path):
    # What a start would have treated in another way than what is imported already does.
    names = {name.partition(".")[0] for name in os.listdir(os.path.dirname(path))}
    if any(name in names and name not in _bare for name in sys.modules):
        return True  # the program's own file hides a module
    if os.path.lexists("/box/.local"):
        return True  # read by site.py
    with open(path, "rb") as file:
        content = file.read()
    return content[:2] == importlib.util.MAGIC_NUMBER[:2] or b"PK\5\6" in content  # compiled, or with an archive behind it


def begin(argv, environment):
    global _blocks, _standard
    # None: the program needs a fresh interpreter, nothing has been changed yet.
    argv = [os.fsdecode(word) for word in argv]
    path = os.path.join("/box", argv[1])
    if _is_unusual(path):
        return None
    sys.orig_argv = argv
    sys.argv = argv[1:]
    sys.path[0] = os.path.dirname(path)
    for name in [name for name in sys.path_importer_cache if name.startswith("/box")]:
        del sys.path_importer_cache[name]
    _set_environment(environment)
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__ = _open_streams()
    _standard = [thing for text in (sys.stdin, sys.stdout, sys.stderr) for thing in (text, text.buffer, text.buffer.raw)]
    _main.__file__ = path
    _main.__cached__ = None
    _main.__loader__ = importlib.machinery.SourceFileLoader("__main__", path)
    logging._startTime = time.time() if isinstance(logging._startTime, float) else time.time_ns()
    _blocks = sys.getallocatedblocks()
    return path


def _clear(names):
    # As _PyModule_ClearDict() of CPython's Objects/moduleobject.c does: objects say farewell, files are written out.
    for name in [name for name in names if name[:1] == "_" and name[1:2] != "_"]:
        names[name] = None
    for name in [name for name in names if name != "__builtins__"]:
        names[name] = None


run_exit_functions = atexit._run_exitfuncs


def has_last_words():
    # Files that may be unwritten, generators, objects with a __del__. What was there before the program is frozen and not listed.
    if sys.getallocatedblocks() - _blocks > 100_000:
        return True  # to look at so many takes longer than to end them
    return any("__del__" in vars(kind) and not any(thing is stream for stream in _standard)
               for thing in gc.get_objects() for kind in type(thing).__mro__)


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


gc.collect()
gc.freeze()
