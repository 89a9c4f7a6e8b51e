"""Each limit is reached, has a status of its own, and leaves what was printed before it."""
import statistics
import time

import pytest

from glimpse_server import SLOWNESS

MIB = 1 << 20
TIGHT = {"wall_time_ms": 3000, "cpu_time_ms": 2000}


def job(language, code, limits):
    run = {name: value * SLOWNESS if name.endswith("_time_ms") else value for name, value in {**TIGHT, **limits}.items()}
    return {"language": language, "code": code, "limits": {"run": run}}


def python(code, **limits):
    return job("python", code, limits)


def c(code, **limits):
    return job("c", code, limits)


def bash(code, **limits):
    return job("bash", code, limits)


FORK_BOMB = "#include <unistd.h>\nint main(void) { write(1, \"x\", 1); for (;;) fork(); }\n"

LIMITS = {
    "sleeps": (python("print('so far', flush=True)\nimport time; time.sleep(60)", wall_time_ms=500), "wall_time_limit"),
    "stops itself": (python("print('so far', flush=True)\nimport os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
                            wall_time_ms=500), "wall_time_limit"),
    "blocks all signals": (python("import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
                                  "print('so far', flush=True)\ntime.sleep(60)", wall_time_ms=500), "wall_time_limit"),
    "burns CPU": (python("print('so far', flush=True)\nwhile True: pass", cpu_time_ms=300), "cpu_time_limit"),
    "burns CPU in two processes": (python("import os\nprint('so far', flush=True)\nos.fork()\nwhile True: pass",
                                          cpu_time_ms=400), "cpu_time_limit"),
    "burns CPU in reaped children": (python(
        "import os, time\nprint('so far', flush=True)\nwhile True:\n  if os.fork() == 0:\n"
        "    t = time.process_time()\n    while time.process_time() < t + 0.05: pass\n    os._exit(0)\n  os.wait()",
        cpu_time_ms=500), "cpu_time_limit"),
    "fills memory": (python("print('so far', flush=True)\nx = b'x' * (1 << 30)", memory_bytes=64 * MIB), "memory_limit"),
    "fills memory by many processes": (python(
        "import os, time\nprint('so far', flush=True)\npids = [os.fork() for _ in range(4)]\nx = b'x' * (20 << 20)\n"
        "time.sleep(0.3)\nok = all(os.wait()[1] == 0 for p in pids if p) if all(pids) else True\n"
        "raise SystemExit(0 if ok else 1)", memory_bytes=64 * MIB, processes=64), "memory_limit"),
    "fills memory by files": (python("print('so far', flush=True)\nopen('/tmp/x', 'wb').write(b'x' * (60 << 20))\n"
                                     "open('/dev/shm/x', 'wb').write(b'x' * (60 << 20))",
                                     memory_bytes=64 * MIB, box_bytes=512 * MIB, file_bytes=512 * MIB), "memory_limit"),
    "prints too much": (python("print('so far')\nwhile True: print('x' * 1000)", output_bytes=100000), "output_limit"),
    "prints too much on stderr": (python("import sys\nprint('so far', flush=True)\n"
                                         "while True: print('x' * 1000, file=sys.stderr)", output_bytes=100000),
                                  "output_limit"),
    "forks too much": (c(FORK_BOMB.replace("for (;;) fork();", "for (;;) if (fork() < 0) return 1;").replace(
        '"x"', '"so far"').replace(", 1)", ", 6)"), processes=20), "process_limit"),
    "starts too many threads": (python("import threading, time\nprint('so far', flush=True)\nfor i in range(100):\n"
                                       "  threading.Thread(target=time.sleep, args=(1,), daemon=True).start()",
                                       processes=20), "process_limit"),
    "writes too large a file": (python("import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
                                       "print('so far', flush=True)\n"
                                       "open('x', 'wb').write(b'x' * (2 << 20))", file_bytes=MIB), "disk_limit"),
    "fills the box": (python("print('so far', flush=True)\nf = open('x', 'wb')\nwhile True: f.write(b'x' * 65536); f.flush()",
                             box_bytes=2 * MIB), "disk_limit"),
    "makes too many files": (bash("echo so far; for i in $(seq 70000); do : > $i || exit 1; done",
                                  wall_time_ms=20000, cpu_time_ms=20000, memory_bytes=512 * MIB), "disk_limit"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limit(server, name):
    request, status = LIMITS[name]
    answer = server.run(request)
    run = answer["stages"]["run"]
    assert answer["status"] == status, answer
    assert run["status"] == status
    assert answer["message"]
    assert run["stdout"].startswith("so far"), run


def test_open_files(server):
    answer = server.run(python("n = 0\ntry:\n  while True:\n    open('/dev/null').fileno(); f = __import__('os').dup(0); n += 1\n"
                               "except OSError as e: print(e.errno, n)", open_files=32))
    errno, n = answer["stages"]["run"]["stdout"].split()
    assert (errno, answer["status"]) == ("24", "ok")
    assert int(n) < 32


def test_compile_stage_has_limits_of_its_own(server):
    bomb = {"language": "cpp", "code": "template<long N, long M> struct A { static const long v = A<N-1, 2*M>::v + A<N-1, 2*M+1>::v; };\n"
            "template<long M> struct A<0, M> { static const long v = M; };\nint main() { return A<22, 1>::v != 0; }",
            "limits": {"compile": {"cpu_time_ms": 1000, "wall_time_ms": 10000}}}
    answer = server.run(bomb)
    assert answer["status"] in ("cpu_time_limit", "memory_limit"), answer
    assert answer["stages"]["compile"]["status"] == answer["status"]
    assert answer["stages"]["run"] is None


def test_output_is_cut_exactly(server):
    answer = server.run(python("print('x' * 5000, end='')\nimport sys\nprint('y' * 5000, end='', file=sys.stderr)",
                               output_bytes=1000))
    run = answer["stages"]["run"]
    assert answer["status"] == "output_limit"
    assert run["stdout"] in ("x" * 1000, "") and run["stderr"] in ("y" * 1000, "")
    assert run["truncated"]["stdout"] == (len(run["stdout"]) == 1000)
    exact = server.run(python("print('x' * 1000, end='')", output_bytes=1000))
    assert exact["status"] == "ok" and exact["stages"]["run"]["truncated"] == {"stdout": False, "stderr": False}


def test_floods_on_both_streams_do_not_deadlock(server):
    answer = server.run(python("import os, threading\nfor fd in (1, 2):\n"
                               "  threading.Thread(target=lambda fd=fd: [os.write(fd, b'x' * 4096) for _ in range(200)]).start()"))
    run = answer["stages"]["run"]
    assert answer["status"] == "ok" and len(run["stdout"]) == len(run["stderr"]) == 200 * 4096


def test_closed_stdout_is_not_the_end(server):
    answer = server.run(python("import os, time\nos.close(1); os.close(2)\ntime.sleep(0.3)\nraise SystemExit(7)"))
    run = answer["stages"]["run"]
    assert (answer["status"], run["exit_code"]) == ("runtime_error", 7)
    assert run["wall_ms"] >= 300


def test_daemonised_grandchild_does_not_hold_the_answer(server):
    started = time.monotonic()
    answer = server.run(bash("(setsid sh -c 'sleep 20; echo late') & echo early"))
    assert answer["status"] == "ok" and answer["stages"]["run"]["stdout"] == "early\n"
    assert time.monotonic() - started < 10


def test_unread_stdin(server):
    answer = server.run({"language": "bash", "code": "echo done", "stdin": "x" * (4 * MIB)})
    assert (answer["status"], answer["stages"]["run"]["stdout"]) == ("ok", "done\n")
    answer = server.run({"language": "bash", "code": "wc -c", "stdin": "x" * (4 * MIB)})
    assert answer["stages"]["run"]["stdout"].strip() == str(4 * MIB)


def test_binary_output(server):
    code = "import os\nos.write(1, bytes(range(256)) * 3)"
    answer = server.run({**python(code), "output_encoding": "base64"})
    import base64
    assert base64.b64decode(answer["stages"]["run"]["stdout"]) == bytes(range(256)) * 3
    text = server.run(python(code))["stages"]["run"]["stdout"]
    assert text.startswith("".join(map(chr, range(128)))) and "\ufffd" in text


def test_cpu_time_counts_every_process(server):
    code = ("import os, time\n"
            "for _ in range(3):\n  if os.fork() == 0:\n    t = time.process_time()\n"
            "    while time.process_time() < t + 0.1: pass\n    os._exit(0)\n  os.wait()")
    run = server.run(python(code))["stages"]["run"]
    assert 290 <= run["cpu_ms"] <= 600 * SLOWNESS, run


def test_memory_is_the_peak(server):
    run = server.run(python("x = bytearray(50 << 20)\ndel x", memory_bytes=256 * MIB))["stages"]["run"]
    assert 50 * MIB <= run["memory_bytes"] <= 80 * MIB, run


def test_overshoot_of_the_wall_limit(server):
    """Not a timing assertion on the machine's speed: a poll every 100 ms would show as some 50 ms at the median."""
    over = []
    for _ in range(9):
        run = server.run(python("import time; time.sleep(60)", wall_time_ms=200))["stages"]["run"]
        assert run["status"] == "wall_time_limit"
        over.append(run["wall_ms"] - 200 * SLOWNESS)
    print(f"overshoot of a 200 ms wall limit: median {statistics.median(over):.2f} ms, max {max(over):.2f} ms")
    assert min(over) >= 0 and statistics.median(over) < 40


def test_exit_codes_tell_the_truth(server):
    for request, status, exit_code, signal in (
            (python("raise SystemExit(137)"), "runtime_error", 137, None),
            (python("raise SystemExit(124)"), "runtime_error", 124, None),
            (python("import os; os.kill(os.getpid(), 9)"), "signaled", None, "SIGKILL"),
            (c("int main(void) { return *(volatile int *)0; }"), "signaled", None, "SIGSEGV"),
            (c("#include <stdlib.h>\nint main(void) { abort(); }"), "signaled", None, "SIGABRT"),
            (c("int main(void) { return 256 + 9; }"), "runtime_error", 9, None)):
        run = server.run(request)["stages"]["run"]
        assert (run["status"], run["exit_code"], run["signal"]) == (status, exit_code, signal), (request, run)
