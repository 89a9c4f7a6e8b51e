"""POST /v1/run: what the answer says."""
import base64
import concurrent.futures
import re
import time

HELLO = {"language": "python", "code": "print('hello')"}


def test_the_whole_answer(server):
    answer = server.post("/v1/run", HELLO)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", body.pop("id"))
    assert re.fullmatch(r"3\.\d+\.\d+", body.pop("version"))
    run = body["stages"]["run"]
    assert 0 < run.pop("cpu_ms") < 5000
    assert 0 < run.pop("wall_ms") < 5000
    assert run.pop("memory_bytes") > 100000
    assert body == {
        "language": "python", "status": "ok", "message": "",
        "stages": {"compile": None, "run": {
            "status": "ok", "exit_code": 0, "signal": None, "stdout": "hello\n", "stderr": "",
            "truncated": {"stdout": False, "stderr": False}, "binary": False}},
    }


def test_a_compiled_language_has_both_stages(server):
    body = server.run({"language": "c", "code": '#include <stdio.h>\nint main(void) { puts("x"); }'})
    assert body["stages"]["compile"]["exit_code"] == 0
    assert body["stages"]["compile"]["cached"] in (True, False)
    assert body["stages"]["run"]["stdout"] == "x\n"
    assert "cached" not in body["stages"]["run"]


def test_a_compile_error_has_no_run_stage(server):
    body = server.run({"language": "c", "files": [{"name": "mine.c", "content": "int main(void) { return x; }"}]})
    assert body["status"] == "compile_error"
    assert body["stages"]["run"] is None
    assert "mine.c:1:" in body["stages"]["compile"]["stderr"]


def test_runtime_error_and_signal(server):
    body = server.run({"language": "python", "code": "raise SystemExit(3)"})
    assert (body["status"], body["stages"]["run"]["exit_code"], body["stages"]["run"]["signal"]) == ("runtime_error", 3, None)
    body = server.run({"language": "python", "code": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"})
    assert (body["status"], body["stages"]["run"]["exit_code"], body["stages"]["run"]["signal"]) == ("signaled", None, "SIGSEGV")
    assert body["message"]


def test_stdin_args_env_files(server):
    body = server.run({
        "language": "python",
        "files": [{"name": "start.py", "content": "import os, sys, lib.part\n"
                                                 "print(sys.stdin.read(), sys.argv[1:], os.environ['WHO'], lib.part.X)\n"
                                                 "print(open('data.bin', 'rb').read())"},
                  {"name": "lib/part.py", "content": "X = 'é'"},
                  {"name": "data.bin", "content": base64.b64encode(bytes(range(4))).decode(), "encoding": "base64"}],
        "stdin": "in", "args": ["a b", ""], "env": {"WHO": "me"},
    })
    assert body["stages"]["run"]["stdout"] == "in ['a b', ''] me é\nb'\\x00\\x01\\x02\\x03'\n", body


def test_null_means_not_given(server):
    body = server.run({**HELLO, "stdin": None, "args": None, "env": None, "limits": None, "version": None, "files": None})
    assert body["status"] == "ok"


def test_aliases_case_and_versions(server):
    for language in ("py", "Python3", "PYTHON"):
        assert server.run({**HELLO, "language": language})["language"] == "python"
    version = server.run(HELLO)["version"]
    for wanted in (version, version.rpartition(".")[0], "3", "*"):
        assert server.run({**HELLO, "version": wanted})["version"] == version


def test_nul_bytes_in_stdin_and_files(server):
    body = server.run({"language": "python", "code": "import sys\nprint(len(sys.stdin.buffer.read()), len('''\u0001'''))",
                       "stdin": "a\0b"})
    assert body["stages"]["run"]["stdout"] == "3 1\n"


def test_stdin_as_base64(server):
    body = server.run({"language": "python", "code": "import sys\nprint(sys.stdin.buffer.read())",
                       "stdin": {"content": "/w==", "encoding": "base64"}})
    assert body["stages"]["run"]["stdout"] == "b'\\xff'\n"


def test_output_that_is_not_utf8(server):
    write = {"language": "python", "code": "import sys\nsys.stdout.buffer.write(b'a\\xff\\xc3b\\0')"}
    run = server.run(write)["stages"]["run"]
    assert (run["stdout"], run["binary"]) == ("a\ufffd\ufffdb\0", True)
    run = server.run({**write, "output_encoding": "base64"})["stages"]["run"]
    assert base64.b64decode(run["stdout"]) == b"a\xff\xc3b\0"


def test_every_character_survives(server):
    text = "".join(chr(c) for c in range(1, 256)) + "\u2028\U0001f600\ufffd\"\\"
    run = server.run({"language": "python", "code": "import sys\nsys.stdout.write(sys.stdin.read())", "stdin": text.replace("\r", "")})
    assert run["stages"]["run"]["stdout"] == text.replace("\r", "")
    assert run["stages"]["run"]["binary"] is False


def test_limits_are_applied_and_lowered_to_the_maximum(server):
    body = server.run({"language": "python", "code": "import time\ntime.sleep(10)", "limits": {"run": {"wall_time_ms": 200}}})
    assert body["status"] == "wall_time_limit"
    assert 200 <= body["stages"]["run"]["wall_ms"] < 1000
    assert server.run({**HELLO, "limits": {"run": {"memory_bytes": 2 ** 62}}})["status"] == "ok"


def test_truncated_output_says_so(server):
    body = server.run({"language": "python", "code": "print('x' * 1000)", "limits": {"run": {"output_bytes": 10}}})
    assert body["status"] == "output_limit"
    assert body["stages"]["run"]["stdout"] == "x" * 10
    assert body["stages"]["run"]["truncated"] == {"stdout": True, "stderr": False}


def test_a_large_program_and_a_large_output(server):
    size = 6 << 20
    body = server.run({"language": "python", "code": "import sys\nsys.stdout.write(sys.stdin.read())", "stdin": "y" * size,
                       "limits": {"run": {"output_bytes": size}}})
    assert body["status"] == "ok", body["message"]
    assert body["stages"]["run"]["stdout"] == "y" * size


def test_many_at_once_do_not_mix(server):
    def one(i):
        return server.run({"language": "python", "code": "print(input())", "stdin": f"number {i}\n"})["stages"]["run"]["stdout"]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert list(pool.map(one, range(100))) == [f"number {i}\n" for i in range(100)]


def test_the_queue_is_bounded_and_says_so(server):
    """With many more requests than places, each is answered: 200, or 503 with Retry-After."""
    slow = {"language": "bash", "code": "sleep 0.2"}
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: server.post("/v1/run", slow), range(64)))
    assert time.monotonic() - started < 60
    assert {a.status_code for a in answers} <= {200, 503}
    assert all(a.headers.get("Retry-After") for a in answers if a.status_code == 503)
