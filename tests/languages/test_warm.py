"""An interpreter that was forked into the box is one that was started there, as far as a program can tell.

Each program runs in both, on servers with and without warm interpreters; what it prints and how it ends must be the same bytes.
"""
import base64
import collections
import concurrent.futures
import io
import pathlib
import re
import shutil
import subprocess
import time
import zipfile

import pytest

from glimpse_server import Server

# Of one file, __main__.py.
ARCHIVE_BYTES = io.BytesIO()
with zipfile.ZipFile(ARCHIVE_BYTES, "w") as archive:
    archive.writestr("__main__.py", "print('archive')")
ARCHIVE = base64.b64encode(ARCHIVE_BYTES.getvalue()).decode()

PYTHON = {
    "hello": "print('Hello, world!')",
    "arguments": {"code": "import sys\nprint(sys.argv, sys.orig_argv, sys.path[0], sys.executable)", "args": ["a", "", "-x", "\u00e9 b"]},
    "environment": {"code": "import os, subprocess\nprint(sorted(os.environ.items()))\nprint(subprocess.check_output('env|sort', shell=True, text=True))\n"
                            "os.environ['NEW'] = '1'\nprint(os.getenv('NEW'), os.environb[b'A'])", "env": {"A": "1", "B": "\u00e9 = x"}},
    "stdin": {"code": "import sys\nprint(input('? '))\nprint(sys.stdin.readline(), end='')\nprint([l for l in sys.stdin])", "stdin": "a\r\nb\nc\n\nd"},
    "no stdin": "try: input()\nexcept EOFError as e: print(repr(e))",
    "binary": {"code": "import sys\nd = sys.stdin.buffer.read()\nsys.stdout.buffer.write(d[::-1])\nsys.stderr.buffer.write(b'\\xff')", "stdin": "\u00e9\0x"},
    "surrogates": {"code": "import sys\nprint(ascii(sys.stdin.readline()), '\\udcff')", "stdin": "x"},
    "streams": "import sys\nfor s in (sys.stdin, sys.stdout, sys.stderr):\n"
               "    print(s, s.name, s.mode, s.encoding, s.errors, s.line_buffering, s.write_through, s.newlines, s.isatty(), s.fileno())\n"
               "    print(s.buffer, s.buffer.raw, s.buffer.raw.closefd, s.buffer.mode if hasattr(s.buffer, 'mode') else '', s.readable(), s.seekable())\n"
               "print(sys.stdin is sys.__stdin__, sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__)",
    "main module": "import sys, __main__\nprint(sorted((k, str(v)) for k, v in globals().items() if k != 'sys'))\n"
                   "print(__main__.__dict__ is globals(), __name__, __file__, __spec__, __loader__.name, __loader__.path, __package__)",
    "settings": "import sys, os, gc, signal, threading, locale\nprint(sys.flags, sys.path, sys.prefix, sys.version, sys.getrecursionlimit())\n"
                "print(sys.getfilesystemencoding(), sys.getdefaultencoding(), locale.getpreferredencoding(), os.getcwd(), oct(os.umask(0o22)))\n"
                "print(gc.isenabled(), gc.get_threshold(), threading.active_count(), threading.current_thread().name, sys.warnoptions)\n"
                "print([(s, signal.getsignal(s)) for s in signal.Signals if s not in (9, 19)][:30], sys.getswitchinterval(), sys.dont_write_bytecode)\n"
                "print(os.getppid(), os.getuid(), os.getpgid(0) == os.getpid() == os.getsid(0), signal.pthread_sigmask(0, []))\n"
                "print(__builtins__, sys.gettrace(), sys.getprofile(), sys.meta_path, sys.path_hooks, sys.excepthook, sys.displayhook)",
    "limits": "import resource\nfor name in dir(resource):\n    if name.startswith('RLIMIT'): print(name, resource.getrlimit(getattr(resource, name)))",
    "descriptors": "import os\nprint(sorted(os.listdir('/proc/self/fd')), os.listdir('.'), open('/proc/self/comm').read())\n"
                   "print(open('/proc/self/cmdline').read().split(chr(0))[:2])",
    "exception": "def f(x):\n    return 1 / x\n\ndef g():\n    f(0)\n\ng()",
    "chained exception": "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('b') from e",
    "exception group": "raise ExceptionGroup('g', [ValueError(1), TypeError('x')])",
    "syntax error": "print('never')\nx = (1,\n  y z",
    "indentation error": "if 1:\nprint(2)",
    "bad encoding": "# -*- coding: nonsense -*-\nprint(1)",
    "latin source": {"files": [{"name": "main.py", "content": "IyAtKi0gY29kaW5nOiBsYXRpbi0xIC0qLQpwcmludCgn6ScpCg==", "encoding": "base64"}]},
    "NUL in source": {"files": [{"name": "main.py", "content": "cHJpbnQoMSkKAHByaW50KDIpCg==", "encoding": "base64"}]},
    "no newline at the end": "print(1); print(2)",
    "empty": "\n",
    "exit 3": "import sys\nprint('x')\nsys.exit(3)",
    "exit text": "import sys\nsys.exit('words \u00e9')",
    "exit None": "raise SystemExit",
    "exit large": "raise SystemExit(2**70)",
    "exit negative": "raise SystemExit(-1)",
    "exit list": "raise SystemExit([1, 2])",
    "exit True": "raise SystemExit(True)",
    "quit": "quit(4)",
    "os._exit": "import os\nprint('lost')\nos._exit(5)",
    "killed": "import os, signal\nprint('kept', flush=True)\nos.kill(os.getpid(), signal.SIGTERM)",
    "aborted": "import os\nos.abort()",
    "interrupted": "import os, signal\nprint('out')\nos.kill(os.getpid(), signal.SIGINT)\nprint('never')",
    "interrupt caught": "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n    print(1)\nexcept KeyboardInterrupt:\n    print('caught')",
    "segfault": "import ctypes\nctypes.string_at(0)",
    "broken stdout": "import os\nos.close(1)\nprint('x')",
    "closed stdout": "import sys\nsys.stdout.close()",
    "stderr closed": "import sys\nsys.stderr.close()\n1/0",
    "excepthook": "import sys\nsys.excepthook = lambda *a: print('hook', a[0])\n1/0",
    "atexit": "import atexit\natexit.register(print, 'first')\n@atexit.register\ndef _():\n    print('second')\n    raise ValueError('late')\nprint('main')",
    "exit in atexit": "import atexit, sys\natexit.register(lambda: sys.exit(9))\nsys.exit(2)",
    "threads": "import threading, time\ndef f(n):\n    time.sleep(0.2 + n / 5)\n    print('thread', n)\nfor n in range(4):\n    threading.Thread(target=f, args=(n,)).start()\nprint('main ends')",
    "daemon thread": "import threading, time\nthreading.Thread(target=lambda: (time.sleep(30), print('never')), daemon=True).start()\nprint('main')",
    "thread exception": "import threading\nt = threading.Thread(target=lambda: 1/0, name='T')\nt.start(); t.join()\nprint('main')",
    "farewell": "class A:\n    def __init__(self, n): self.n = n\n    def __del__(self): print('del', self.n)\na = A(1)\nb = A(2)\nc = [A(3)]\nc.append(c)\nprint('end')",
    "farewell with names": "import os\nclass A:\n    def __del__(self): os.write(1, b'bye '); print(LOG)\nLOG = [1]\na = A()",
    "farewell of a generator": "def f():\n    try: yield 1\n    finally: print('closed')\nx = f()\nnext(x)",
    "farewell of a local": "class A:\n    def __del__(self): print('del')\ndef f():\n    a = A()\n    1/0\nf()",
    "farewell of much": "x = [[n] for n in range(100000)]\nclass A:\n    def __del__(self): print(len(x))\na = A()",
    "farewell in a module": {"files": [{"name": "main.py", "content": "import helper"}, {"name": "helper.py", "content": "import os\nclass A:\n    def __del__(self): print(os.sep)\na = A()"}]},
    "file, then an object": "import os\nf = open('x', 'w')\nf.write('t')\nclass A:\n    def __del__(self): print(os.path.getsize('x'))\na = A()",
    "never awaited": "async def f(): pass\nx = f()",
    "threads behind a shadow": {"files": [{"name": "main.py", "content": "import threading, time, queue\nthreading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()\nprint('main')"},
                                          {"name": "queue.py", "content": ""}]},
    "shadows beside another main": {"files": [{"name": "src/app.py", "content": "import queue\nprint(queue.__file__)"}, {"name": "src/queue.py", "content": ""}]},
    "interrupted at its end": "import atexit, os, threading, time\natexit.register(print, 'atexit')\n"
                              "threading.Thread(target=lambda: (time.sleep(0.2), os.kill(os.getpid(), 2), time.sleep(0.2))).start()",
    "other builtins": "import builtins, sys\nbuiltins.print = builtins.isinstance = builtins.getattr = builtins.any = lambda *a, **k: sys.stdout.write('mine')\nsys.exit('words')",
    "exit text without stderr": "import sys\nsys.stderr = None\nsys.exit('words')",
    "exit text that fails": "import sys\nclass A:\n    def __str__(self): 1/0\nsys.exit(A())",
    "age of logging": "import logging\nprint(logging.makeLogRecord({}).__class__, logging.LogRecord('', 1, '', 1, '', (), None).relativeCreated < 500)",
    "user site": {"files": [{"name": "main.py", "content": "import sys, mine\nprint(mine.__file__, sys.path)"}, {"name": ".local/lib/python3.11/site-packages/mine.py", "content": ""}]},
    "archive": {"files": [{"name": "main.py", "content": ARCHIVE, "encoding": "base64"}]},
    "farewell after an error": "class A:\n    def __del__(self): print('del')\na = A()\n1/0",
    "unwritten file": "import subprocess, os\nf = open('x', 'w')\nf.write('text')\nclass A:\n    def __del__(self, os=os): print(os.stat('x').st_size)\na = A()",
    "recursion": "import sys\ndef f(n):\n    return f(n + 1)\ntry:\n    f(0)\nexcept RecursionError as e:\n    print(e)\ndef g():\n    global n\n    n += 1\n    g()\nn = 0\ntry:\n    g()\nexcept RecursionError:\n    print(n)",
    "deep recursion": "import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nprint(f(50000))",
    "uncaught recursion": "def f(): f()\nf()",
    "frames": "import sys, inspect, traceback\nprint(len(inspect.stack()), inspect.stack()[0].function, sys._getframe().f_back)\ntraceback.print_stack()\nimport warnings\nwarnings.warn('careful')",
    "sibling": {"files": [{"name": "main.py", "content": "import helper, pkg.part\nprint(helper.x, pkg.part.y, helper.__file__, pkg.__path__)"},
                          {"name": "helper.py", "content": "x = 1"}, {"name": "pkg/__init__.py", "content": ""}, {"name": "pkg/part.py", "content": "from helper import x as y"}]},
    "sibling fails": {"files": [{"name": "main.py", "content": "import helper"}, {"name": "helper.py", "content": "def f():\n    raise OSError(2, 'x')\nf()"}]},
    "another main": {"files": [{"name": "src/app.py", "content": "import sys, other\nprint(__file__, sys.argv, sys.path[0], other.v)\n1/0"}, {"name": "src/other.py", "content": "v = 7"}]},
    "shadows a module": {"files": [{"name": "main.py", "content": "import random, json\nprint(random.mine, json.dumps([1]))"}, {"name": "random.py", "content": "mine = True"}]},
    "shadows a package": {"files": [{"name": "main.py", "content": "import json\nprint(json.mine)"}, {"name": "json/__init__.py", "content": "mine = True"}]},
    "shadows what is used by others": {"files": [{"name": "main.py", "content": "import tempfile"}, {"name": "random.py", "content": ""}]},
    "imports itself": "import main\nprint(__name__, main.__name__)",
    "missing module": "import no_such_module",
    "child": "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'import sys; print(len(sys.argv)); sys.exit(3)'], capture_output=True))",
    "fork": "import os\nif os.fork() == 0:\n    print('child')\nelse:\n    os.wait()\n    print('parent')",
    "multiprocessing": "import multiprocessing\ndef f(x): return x * x\nif __name__ == '__main__':\n    with multiprocessing.Pool(2) as p: print(p.map(f, range(5)))",
    "spawned": "import multiprocessing as m\ndef f(q): q.put(__name__)\nif __name__ == '__main__':\n    m.set_start_method('spawn')\n    q = m.Queue(); p = m.Process(target=f, args=(q,)); p.start(); print(q.get()); p.join()",
    "asyncio": "import asyncio\nasync def f(n):\n    await asyncio.sleep(n / 100)\n    return n\nasync def main():\n    print(await asyncio.gather(f(2), f(1)))\nasyncio.run(main())",
    "executor": "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as e: print(list(e.map(str, range(8))))",
    "logging": "import logging\nlogging.warning('a %s', 1)\nlogging.basicConfig(format='%(levelname)s:%(message)s')\nlogging.error('b')\nlogging.info('c')",
    "signals": "import signal, os, time\nsignal.signal(signal.SIGALRM, lambda s, f: print('alarm', s, f.f_lineno > 0))\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\ntime.sleep(0.2)",
    "pipe": "import os\nr, w = os.pipe()\nos.close(r)\ntry:\n    os.write(w, b'x')\nexcept BrokenPipeError as e:\n    print(e)",
    "tempfile": "import tempfile, os\nprint(tempfile.gettempdir())\nwith tempfile.NamedTemporaryFile() as f: print(os.path.dirname(f.name))",
    "classes": "import dataclasses, enum, abc, typing\n@dataclasses.dataclass\nclass P:\n    x: int = 1\nclass E(enum.Enum):\n    A = 1\nprint(P(), E.A, P.__module__, E.__qualname__, P(2) == P(2), typing.get_type_hints(P))",
    "pickle": "import pickle\nclass A: pass\nprint(pickle.dumps(A()), type(pickle.loads(pickle.dumps(A()))))",
    "annotations": "x: int = 1\nprint(__annotations__)\nfrom typing import *\nprint(len(globals()) > 50)",
    "future": "from __future__ import annotations\ndef f(a: b): pass\nprint(f.__annotations__)",
    "exec and eval": "exec('y = 1')\nprint(y, eval('y + 1'), sorted(k for k in dir() if not k.startswith('_')))\nprint(compile('1', 'f', 'eval'))",
    "regular expressions": "import re\nprint(re.sub(r'(\\w)(\\d)', r'\\2\\1', 'a1 b2'), re.compile('x').flags, re.purge())",
    "decimals": "import decimal, fractions\nprint(decimal.getcontext(), decimal.Decimal(1) / 3, fractions.Fraction(1, 3))",
    "warnings": "import warnings\nprint(warnings.filters)\nwarnings.warn('a')\nwarnings.warn('a')\nwarnings.warn('b', DeprecationWarning)\nx = 1 is 1",
    "interactive hook": "import sys\nprint(hasattr(sys, 'ps1'), hasattr(sys, 'last_type'), sys.exc_info())\nexit",
    "output without newline": "import sys\nsys.stdout.write('no newline')\nsys.stderr.write('neither')",
    "interleaved": {"code": "import sys\nfor n in range(3):\n    print(n)\n    print(n, file=sys.stderr)"},
    "large output": "for n in range(20000): print('line', n)",
}


@pytest.fixture(scope="module")
def warm_server():
    with Server(config={"warm": 4}) as server:
        deadline = time.monotonic() + 20
        while not is_warm(server) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield server


@pytest.fixture(scope="module")
def cold_server():
    with Server(config={"warm": 0}) as server:
        yield server


def python(server, program):
    request = {"language": "python", **({"code": program} if isinstance(program, str) else program)}
    return server.run(request)


def is_warm(server):
    """argparse is nothing that a fresh Python has imported."""
    return python(server, "import sys\nprint('argparse' in sys.modules)")["stages"]["run"]["stdout"] == "True\n"


def seen(answer):
    """Without addresses, which differ from run to run."""
    stage = answer["stages"]["run"]
    texts = {key: re.sub(r"0x[0-9a-f]{6,}", "0x", stage[key]) for key in ("stdout", "stderr")}
    return {**texts, **{key: stage[key] for key in ("exit_code", "signal", "truncated", "binary")}, "status": answer["status"]}


def test_it_is_warm(warm_server, cold_server):
    assert is_warm(warm_server) and not is_warm(cold_server)


@pytest.mark.parametrize("name", PYTHON)
def test_python(warm_server, cold_server, name):
    assert seen(python(warm_server, PYTHON[name])) == seen(python(cold_server, PYTHON[name]))


def test_as_a_terminal_shows_it(warm_server, cold_server):
    code = "import sys, os\nprint(sys.stdout.isatty(), sys.stdout.line_buffering, os.get_terminal_size())\nprint('e', file=sys.stderr)\nprint('o')"
    outputs = [server.post("/execute", {"code": code}).json()["output"] for server in (warm_server, cold_server)]
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("limit, code", [
    ("wall_time_ms", "print('a', flush=True)\nimport time; time.sleep(60)"),
    ("cpu_time_ms", "print('a', flush=True)\nwhile True: pass"),
    ("memory_bytes", "print('a', flush=True)\nx = []\nwhile True: x.append(bytearray(1 << 20))"),
    ("processes", "import os, time\nprint('a', flush=True)\nwhile True:\n    if os.fork() == 0: time.sleep(60)"),
    ("output_bytes", "while True: print('a' * 1000)"),
    ("open_files", "import os\nfiles = []\ntry:\n    while True: files.append(os.open('/dev/null', 0))\nexcept OSError as e: print(len(files), e)"),
    ("box_bytes", "with open('x', 'wb') as f:\n    while True: f.write(bytes(1 << 20))"),
    ("file_bytes", "with open('x', 'wb') as f:\n    while True: f.write(bytes(1 << 20))"),
])
def test_limits_are_the_same(warm_server, cold_server, limit, code):
    value = {"wall_time_ms": 300, "cpu_time_ms": 200, "memory_bytes": 64 << 20, "processes": 8, "output_bytes": 5000, "open_files": 40,
             "box_bytes": 4 << 20, "file_bytes": 3 << 20}[limit]
    request = {"code": code, "limits": {"run": {limit: value}}}
    warm, cold = seen(python(warm_server, request)), seen(python(cold_server, request))
    assert warm["status"] == cold["status"] and warm["stdout"][:5000] == cold["stdout"][:5000], (warm, cold)


def test_what_it_executes_has_all_the_memory(warm_server):
    """Of the interpreter nothing is left then, though another process shared its memory (src/init/zygote_keeper.c)."""
    code = """if True:
        import os, sys, time
        fill = lambda n: bytearray(os.urandom(1 << 20)) * n
        if len(sys.argv) == 1:
            kept = os.path.exists(f"/proc/{os.getpid() + 1}")
            left = fill(40)
            os.execv(sys.executable, [sys.executable, __file__, str(kept)])
        deadline = time.monotonic() + 10
        while len([name for name in os.listdir("/proc") if name.isdigit()]) > 1 and time.monotonic() < deadline:
            time.sleep(0.001)
        print(sys.argv[1], len(fill(150)) >> 20)
    """
    deadline = time.monotonic() + 60
    said = "False 150\n"  # a box that was made in a hurry has no such process
    while said == "False 150\n" and time.monotonic() < deadline:
        time.sleep(0.3)
        answer = python(warm_server, {"code": code, "limits": {"run": {"memory_bytes": 176 << 20, "wall_time_ms": 20000, "cpu_time_ms": 20000}}})
        said = answer["stages"]["run"]["stdout"]
        assert answer["status"] == "ok", answer
    assert said == "True 150\n"


def test_what_is_random_differs(warm_server):
    """More runs than one zygote's first boxes: none may repeat what another had."""
    code = "import random, uuid, secrets, tempfile, os\nprint(random.random(), uuid.uuid4(), uuid.uuid1(), secrets.token_hex(8), os.urandom(4).hex(),\n" \
           "      random.SystemRandom().random(), next(tempfile._get_candidate_names()), random.Random().random(), sep='\\n')"
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        lines = list(pool.map(lambda _: python(warm_server, code)["stages"]["run"]["stdout"].splitlines(), range(20)))
    for values in zip(*lines, strict=True):
        assert len(set(values)) == len(values), values


def test_variables_that_python_reads_at_its_start(warm_server, cold_server):
    for env in ({"PYTHONHASHSEED": "1"}, {"PYTHONUNBUFFERED": "1"}, {"PYTHONIOENCODING": "latin-1"}, {"PYTHONPATH": "/tmp"}, {"LC_ALL": "C"},
                {"TZ": "Asia/Tokyo"}, {"PYTHONOPTIMIZE": "1"}, {"HOME": "/tmp"}):
        request = {"code": "import sys, time\nprint(hash('a') if 'PYTHONHASHSEED' in __import__('os').environ else 0, sys.flags, sys.path, time.tzname)\n"
                           "import site\nprint(sys.stdout.encoding, __debug__, site.USER_SITE)", "env": env}
        assert seen(python(warm_server, request)) == seen(python(cold_server, request)), env


def test_a_box_that_waited_is_like_a_new_one(warm_server):
    time.sleep(3)
    code = "import time, signal\nt = time.monotonic()\nsignal.alarm(1)\ntry:\n    time.sleep(5)\nfinally:\n    pass"
    answer = python(warm_server, code)
    assert (answer["status"], answer["stages"]["run"]["signal"]) == ("signaled", "SIGALRM")
    assert answer["stages"]["run"]["wall_ms"] < 2500


def test_more_at_once_than_are_ready(warm_server):
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda n: python(warm_server, f"import time\ntime.sleep(0.05)\nprint({n})"), range(48)))
    assert [answer["stages"]["run"]["stdout"] for answer in answers] == [f"{n}\n" for n in range(48)]


def idle_interpreters(server):
    """How many boxes have which one waiting in them."""
    counts = collections.Counter()
    for init in server.children(server.pid_of("glimpse-boxd")):
        counts.update({pathlib.Path(f"/proc/{pid}/comm").read_text().strip() for pid in server.children(init)})
    return counts


def test_idle_memory_is_bounded():
    with Server(config={"warm": 3, "warm_memory": "1M"}) as server:
        deadline = time.monotonic() + 20
        while idle_interpreters(server)["python3"] < 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        for _ in range(5):
            assert python(server, "print(1)")["status"] == "ok"
            time.sleep(0.5)
            assert idle_interpreters(server)["python3"] <= 1
    with Server(config={"warm": 3}) as server:
        deadline = time.monotonic() + 20
        while idle_interpreters(server)["python3"] < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert idle_interpreters(server)["python3"] == 3


@pytest.mark.parametrize("n_at_once, pause_s", [(1, 0.2), (3, 0)], ids=["now and then", "without a pause"])
def test_interpreters_are_renewed(n_at_once, pause_s):
    """After so many boxes another process is booted, with other addresses and another hash seed, and nobody waits for it."""
    seeds = set()
    deadline = time.monotonic() + 60

    def ask(server):
        while len(seeds) < 2 and time.monotonic() < deadline:
            answer = python(server, "import sys\nprint('argparse' in sys.modules, hash('x'))")
            assert answer["status"] == "ok"
            warm, seed = answer["stages"]["run"]["stdout"].split()
            if warm == "True":  # while another is booted, fresh ones run
                seeds.add(seed)
            time.sleep(pause_s)

    with Server(config={"warm_renew": 5}) as server, concurrent.futures.ThreadPoolExecutor(n_at_once) as pool:
        for asked in [pool.submit(ask, server) for _ in range(n_at_once)]:
            asked.result()
    assert len(seeds) > 1


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace holds the zygote up")
def test_a_zygote_that_gets_no_cpu_costs_the_program_none(warm_server):
    """What it forked through is dead, and in the box: init must not wait for the zygote to see that."""
    boxd = warm_server.pid_of("glimpse-boxd")
    zygote = warm_server.pid_of("python3", boxd)
    held_up = subprocess.Popen(["strace", "-p", str(zygote), "-e", "trace=wait4", "-e", "inject=wait4:delay_enter=1500000"], stderr=subprocess.PIPE)
    try:
        assert b"attached" in held_up.stderr.readline()
        request = {"code": "print(1)", "limits": {"run": {"cpu_time_ms": 500}}}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: python(warm_server, request), range(16)))
    finally:
        held_up.terminate()
        held_up.communicate()
    assert {answer["status"] for answer in answers} == {"ok"}
    assert max(answer["stages"]["run"]["cpu_ms"] for answer in answers) < 300
