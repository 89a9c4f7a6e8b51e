"""The glimpse command and libglimpse, by themselves and against a service, local and over HTTP."""
import http.server
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

import pytest

from glimpse_server import BUILD, ROOT, Server

GLIMPSE = BUILD / "glimpse"


def glimpse(*words, stdin=b"", environment=None, timeout=120):
    return subprocess.run([str(GLIMPSE), *map(str, words)], input=stdin, capture_output=True, timeout=timeout,
                          env={**os.environ, **(environment or {})})


@pytest.fixture(params=["local", "server"])
def where(server, request):
    """The options that say who runs it."""
    return ["--data", server.data] if request.param == "local" else ["--server", server.url]


@pytest.fixture
def program(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path
    return write


# --- run: streams and statuses -----------------------------------------------------------------------------------------------


def test_streams_are_the_programs(where, program):
    path = program("a.py", "import sys; print(sys.stdin.read()); print('error', file=sys.stderr)")
    done = glimpse("run", path, *where, stdin=b"in\xc3\xa4")
    assert (done.returncode, done.stdout, done.stderr) == (0, "inä\n".encode(), b"error\n")


def test_bytes_come_through_unchanged(where, program):
    every_byte = bytes(range(256)) * 400
    path = program("cat.py", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())")
    assert glimpse("run", path, *where, stdin=every_byte).stdout == every_byte
    source = program("stdin.bin", every_byte)
    assert glimpse("run", path, *where, "--stdin", source).stdout == every_byte


@pytest.mark.parametrize("name, text, options, status, says", [
    ("a.py", "import sys; sys.exit(7)", [], 7, b""),
    ("a.sh", "kill -SEGV $$", [], 128 + signal.SIGSEGV, b"SIGSEGV"),
    ("a.c", "int main(void) { return no; }", [], 1, b"a.c:1"),
    ("a.py", "while True: pass", ["--cpu-time-ms", "100ms"], 124, b"more than 100 ms of CPU time (cpu_time_ms)"),
    ("a.sh", "sleep 60", ["--wall-time-ms", "0.1s"], 2, b"is not a time like 10s or 500ms"),
    ("a.sh", "sleep 60", ["--wall-time-ms", "100"], 124, b"longer than 100 ms (wall_time_ms)"),
    ("a.py", "x = bytearray(200 << 20)", ["--memory-bytes", "64M"], 125, b"more than 64 MiB of memory"),
    ("a.sh", "yes", ["--output-bytes", "10K"], 125, b"more than 10 KiB to one stream"),
    ("a.sh", "head -c 9M /dev/zero > f", ["--box-bytes", "4M"], 125, b"(box_bytes)"),
    ("a.sh", "exec head -c 9M /dev/zero > f", ["--file-bytes", "1M"], 125, b"(file_bytes)"),
])
def test_exit_status_says_how_it_ended(where, program, name, text, options, status, says):
    done = glimpse("run", program(name, text), *options, *where)
    assert done.returncode == status, done.stderr
    assert says in done.stderr


def test_output_up_to_the_limit_is_there(where, program):
    done = glimpse("run", program("a.sh", "yes"), "--output-bytes", "10K", *where)
    assert done.stdout == b"y\n" * 5120


def test_arguments_environment_and_files(where, program):
    main = program("main.py", "import sys, os, other; print(sys.argv[1:], os.environ['A'], other.x)")
    other = program("other.py", "x = 42")
    done = glimpse("run", main, "--file", other, "--env", "A=b=c", *where, "--", "--json", "x y", "")
    assert done.stdout.decode() == "['--json', 'x y', ''] b=c 42\n", done.stderr


def test_arguments_need_no_dashes(where, program):
    done = glimpse("run", *where, program("a.sh", 'echo "$@"'), "one", "--json", "two")
    assert done.stdout == b"one --json two\n", done.stderr


def test_json_is_the_apis(where, program):
    done = glimpse("run", program("a.c", "#include <stdio.h>\nint main(void) { puts(\"\\xff\"); return 4; }"), "--json", *where)
    result = json.loads(done.stdout)
    assert done.returncode == 4 and result["status"] == "runtime_error"
    assert result["stages"]["compile"]["status"] == "ok"
    run = result["stages"]["run"]
    assert (run["exit_code"], run["signal"], run["stdout"], run["binary"]) == (4, None, "\ufffd\n", True)
    assert run["memory_bytes"] > 0 and 0 < run["wall_ms"] < 60000


def test_unread_input_and_closed_output(server, program):
    where = ["--data", server.data]
    done = glimpse("run", program("a.sh", "echo done"), *where, stdin=bytes(8 << 20))
    assert (done.returncode, done.stdout) == (0, b"done\n")
    shell = f"'{GLIMPSE}' run {program('b.sh', 'yes')} --data {server.data} | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.stdout.decode() == f"y\n{128 + signal.SIGPIPE}\n"


def test_input_and_output_as_they_come(server, program):
    path = program("echo.py", "while True:\n    line = input()\n    print(line[::-1], flush=True)")
    process = subprocess.Popen([str(GLIMPSE), "run", str(path), "--data", str(server.data)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for word in (b"abc", b"defg"):
        process.stdin.write(word + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == word[::-1] + b"\n"
    process.stdin.close()
    process.stdout.read()
    assert process.wait(30) == 1  # EOFError


def test_a_reader_that_is_slow_slows_the_program(where, program):
    """It says how long its longest write took, and how far it was then."""
    path = program("slow.py", """
import os, sys, time
longest = before = 0
for i in range(3 << 10):
    started = time.monotonic()
    os.write(1, b'x' * 1023 + bytes([10]))
    if time.monotonic() - started > longest:
        longest, before = time.monotonic() - started, i
print(longest, before, file=sys.stderr)
""")
    process = subprocess.Popen([str(GLIMPSE), "run", str(path), "--output-bytes", "4M", "--wall-time-ms", "60s", *map(str, where)], bufsize=0,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"x" * 1023 + b"\n"
    time.sleep(3)
    out, words = process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(out) == (3 << 20) - 1024
    longest, before = map(float, words.split())
    assert longest > 1 and before < 2 << 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_ends_the_run(where, program, number):
    path = program("a.sh", "echo started; sleep 100")
    process = subprocess.Popen([str(GLIMPSE), "run", str(path), *map(str, where)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"started\n"
    process.send_signal(number)
    assert process.wait(10) == 130
    process.communicate()


# --- what it refuses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words, says", [
    ([], b"usage: glimpse COMMAND"),
    (["walk"], b"there is no command walk"),
    (["run"], b"which FILE?"),
    (["run", "--fast", "a.py"], b"there is no option --fast"),
    (["run", "--language"], b"option --language needs a value"),
    (["run", "/nonexistent.py"], b"/nonexistent.py: No such file or directory"),
    (["run", "/"], b"/: Is a directory"),
    (["run", "--processes", "0", "a.py"], b'processes: "0" is not a whole number from 1'),
    (["languages", "x"], b"takes no arguments, not x"),
    (["serve", "--listen", "a", "--listen", "b"], b"--listen is given twice"),
    (["serve", "--listen", "2358"], b"ADDR:PORT is right"),
    (["version", "x"], b"takes no arguments"),
])
def test_usage_is_explained(words, says):
    done = glimpse(*words)
    assert done.returncode == 2 and says in done.stderr and done.stdout == b""


def test_bad_requests_are_explained(where, program):
    done = glimpse("run", program("a.cobol", "x"), *where)
    assert done.returncode == 2 and b'no language has files like "a.cobol"' in done.stderr
    done = glimpse("run", program("a.py", "x"), "--language", "cobol", *where)
    assert done.returncode == 2 and b"cobol" in done.stderr
    done = glimpse("run", program("a.py", "x"), "--version", "2", *where)
    assert done.returncode == 2 and b"version" in done.stderr


def test_no_service_is_explained(program, tmp_path):
    path = program("a.py", "x")
    done = glimpse("run", path, "--data", tmp_path)
    assert done.returncode == 3 and b"start it with `glimpse serve`" in done.stderr
    done = glimpse("run", path, "--server", "http://127.0.0.1:1")
    assert done.returncode == 3 and b"http://127.0.0.1:1/v1/" in done.stderr


RESULT = json.dumps({"type": "result", "status": "ok", "message": "", "stages": {"compile": None, "run": {
    "status": "ok", "exit_code": 0, "signal": None, "stdout": "b2s=", "stderr": "", "truncated": {}, "wall_ms": 1, "cpu_ms": 1,
    "memory_bytes": 1}}})
PIECE = '{"type":"stdout","stage":"run","data":"b2s="}\n'


@pytest.mark.parametrize("kind, body, status, out, says", [
    ("application/x-ndjson", PIECE + RESULT + "\n", 0, b"ok", b""),
    ("application/x-ndjson", '{"type":"news"}\n' + PIECE + '{"type":"stdout","stage":"later","data":"x"}\n' + RESULT + "\n", 0, b"ok", b""),
    ("application/json", RESULT, 0, b"ok", b""),  # a server that has no streams
    ("application/x-ndjson", PIECE, 3, b"ok", b"not understood"),  # cut off between two lines
    ("application/x-ndjson", PIECE + RESULT, 3, b"ok", b"not understood"),  # in a line
    ("application/x-ndjson", PIECE + "{]\n" + RESULT + "\n", 3, b"ok", b"not understood"),
    ("application/x-ndjson", '{"type":"stdout","stage":"run","data":"?"}\n' + RESULT + "\n", 3, b"", b"not understood"),
    ("application/x-ndjson", "\n", 3, b"", b"not understood"),
    ("application/x-ndjson", "", 3, b"", b"not understood"),
])
def test_answers_of_other_servers(program, kind, body, status, out, says):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):  # pylint: disable=invalid-name # http.server's name for it
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for byte in body.encode():  # so that no line comes whole
                self.wfile.write(bytes([byte]))

        def log_message(self, *words):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as other:
        threading.Thread(target=other.handle_request, daemon=True).start()
        done = glimpse("run", program("a.py", "x"), "--language", "python", "--server", f"http://127.0.0.1:{other.server_port}")
    assert (done.returncode, done.stdout) == (status, out)
    assert says in done.stderr


# --- the other commands ------------------------------------------------------------------------------------------------------


def test_languages(where):
    table = glimpse("languages", *where).stdout.decode()
    listed = json.loads(glimpse("languages", "--json", *where).stdout)["languages"]
    for language in listed:
        assert language["id"] in table and ".py" in language["suffixes"] or language["id"] != "python"
    assert {"python", "c", "java"} <= {language["id"] for language in listed}
    assert next(one for one in listed if one["id"] == "python")["version"].startswith("3.")


def test_doctor_is_green_where_the_server_runs(server):
    done = glimpse("doctor", "--data", server.data)
    assert done.returncode == 0 and b"user-namespace" in done.stdout


def test_version_and_help():
    assert glimpse("version").stdout.decode().startswith("glimpse ")
    for command in ("run", "serve", "languages", "doctor"):
        assert f"usage: glimpse {command}" in glimpse(command, "--help").stdout.decode()


def test_every_option_is_documented():
    text = "".join((ROOT / "docs" / name).read_text() for name in ("cli.md", "operate.md"))
    for command in ("run", "serve"):
        for line in glimpse(command, "--help").stdout.decode().splitlines():
            if line.startswith("  "):
                assert line.split()[0] in text, line


# --- serve -------------------------------------------------------------------------------------------------------------------


def test_serve_says_why_it_does_not_start(tmp_path):
    done = glimpse("serve", "--data", tmp_path / "d", environment={"GLIMPSE_USER": "no-such-user"})
    assert done.returncode == 1 and b"useradd --system" in done.stderr
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").touch()
    done = glimpse("serve", "--data", full)
    assert done.returncode == 1 and b"has files in it and is not set up for Glimpse" in done.stderr
    assert (full.stat().st_mode & 0o7777, full.stat().st_uid) != (0o1770, 0) and (full / "thesis.txt").exists()


def test_serve_ends_when_the_port_is_taken(server, tmp_path_factory):
    folder = pathlib.Path("/tmp") / f"glimpse-test-cli-{os.getpid()}"
    try:
        done = glimpse("serve", "--data", folder, "--listen", f"{server.host}:{server.port}", timeout=60)
        assert done.returncode == 1 and b"in use" in done.stderr
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_folders_are_closed_to_others(server):
    data, run = server.data.stat(), (server.data / "run").stat()
    assert (data.st_uid, data.st_mode & 0o7777) == (0, 0o1770)  # glimpsed may add to it, but not replace what root made
    assert (run.st_uid, run.st_mode & 0o7777) == (0, 0o750)


# --- libglimpse --------------------------------------------------------------------------------------------------------------


def test_the_worked_example(server):
    example = BUILD / "examples" / "example-hello"
    # An installed library knows where the languages are; the one of a build tree is told.
    environment = {**os.environ, "GLIMPSE_DATA_DIR": str(server.data), "GLIMPSE_LANGUAGES_DIR": str(ROOT / "languages")}
    for words in ([], [server.url]):
        done = subprocess.run([str(example), *words], capture_output=True, timeout=60, env=environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(b"42\nok after ")


def test_only_its_own_names_are_exported():
    listing = subprocess.run(["nm", "-D", "--defined-only", str(BUILD / "libglimpse.so")], capture_output=True, check=True)
    names = {line.split()[-1].decode().partition("@")[0] for line in listing.stdout.splitlines()}
    assert {"glimpse_new", "glimpse_run", "glimpse_free"} <= names
    assert all(name.lower().startswith("glimpse_") for name in names), names
