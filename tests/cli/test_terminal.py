"""The glimpse command for somebody who sits at a terminal: `repl`, and `run` with input as it is typed."""
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from glimpse_server import BUILD, Server

GLIMPSE = str(BUILD / "glimpse")
PATIENCE = 60


class Terminal:
    """A command in a terminal of 30 rows and 100 columns."""

    def __init__(self, *words, environment=None):
        start, go = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.read(start, 1)  # until the terminal has its size
            os.execve(GLIMPSE, [GLIMPSE, *map(str, words)], {**os.environ, **(environment or {})})
        self.resize(30, 100)
        self.modes = termios.tcgetattr(self.fd)
        os.write(go, b"x")
        os.close(start)
        os.close(go)
        self.text, self.seen = "", 0

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())
        return self

    def _read(self):
        data = b""
        with contextlib.suppress(OSError):  # its end
            data = os.read(self.fd, 65536)
        self.text += data.decode(errors="replace")
        return bool(data)

    def until(self, pattern):
        deadline = time.monotonic() + PATIENCE
        while True:
            found = re.compile(pattern).search(self.text, self.seen)
            if found:
                self.seen = found.end()
                return found
            assert time.monotonic() < deadline, f"{pattern} has not come: {self.text}"
            if select.select([self.fd], [], [], 0.1)[0]:
                assert self._read(), f"{pattern} has not come: {self.text}"

    def end(self):
        """Its exit status, or minus the signal's number."""
        while self._read():
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pid = None
        return status

    def is_as_before(self):
        return termios.tcgetattr(self.fd) == self.modes

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture(params=["local", "server"])
def where(server, request):
    return ["--data", server.data, "--interactive"] if request.param == "local" else ["--server", server.url]


@pytest.fixture()
def terminal():
    made = []

    def make(*words, **options):
        made.append(Terminal(*words, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def program(tmp_path):
    def write(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name
    return write


def test_a_prompt(terminal, where):
    shell = terminal("repl", "python", *where)
    shell.until(">>> ")
    shell.type("6 * 7\r").until("\n42\r\n>>> ")
    shell.type("import os, time\r").until("time\r\n>>> ")
    shell.type("print('at it'); time.sleep(100)\r").until("\r\nat it\r\n")  # Python may lose what comes between a line's end and its start
    shell.type("\x03").until("KeyboardInterrupt\r\n>>> ")
    shell.type("os.get_terminal_size()\r").until("columns=100, lines=30\\)\r\n>>> ")
    shell.resize(41, 111)
    time.sleep(0.5)
    shell.type("os.get_terminal_size()\r").until("columns=111, lines=41\\)\r\n>>> ")
    shell.type("\x04")
    assert shell.end() in (0, 130)  # 130: Python's own, where Ctrl-C came before


def test_the_terminal_is_as_before(terminal, where, program):
    """However it ends."""
    shell = terminal("run", program("a.sh", "stty -echo raw; printf ready; sleep 100"), *where)
    shell.until("ready")
    assert not shell.is_as_before()
    os.kill(shell.pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(shell.pid, 0)[1]) == 130
    shell.pid = None
    assert shell.is_as_before()


def test_a_program_that_asks(terminal, where, program):
    shell = terminal("run", program("a.sh", "read -p 'name? ' name; echo \"hi $name\"; exit 7"), *where)
    shell.until("name\\? ")
    assert shell.type("h\u00e4x\x7f\x7fi\r").end() == 7
    assert shell.text.endswith("hi hi\r\n"), shell.text


def test_compilers_begin_their_lines(terminal, where, program):
    shell = terminal("run", program("a.c", "int main(void) { return x; }\n"), *where)
    assert shell.end() == 1
    assert "a.c:1" in shell.text and not re.search("[^\r]\n", shell.text), shell.text


def test_a_message_comes_after_the_terminal_is_back(terminal, where, program):
    shell = terminal("run", program("a.sh", "sleep 100"), "--wall-time-ms", "300ms", *where)
    assert shell.end() == 124
    assert shell.text.endswith("longer than 300 ms (wall_time_ms)\r\n"), shell.text


def test_ctrl_c_of_a_program_that_does_not_care(terminal, where, program):
    shell = terminal("run", program("a.sh", "echo ready; sleep 100"), *where)
    shell.until("ready\r\n")
    assert shell.type("\x03").end() == 128 + signal.SIGINT


def run(*words, stdin=b""):
    return subprocess.run([GLIMPSE, *map(str, words)], input=stdin, capture_output=True, timeout=PATIENCE)


def test_a_prompt_without_a_terminal(where):
    done = run("repl", "python", *where, stdin=b"print(6 * 7)\n")
    assert (done.returncode, done.stdout) == (0, b"42\n") and b">>> " in done.stderr


def test_input_goes_as_it_comes(where, program):
    """Not only when it has ended."""
    with subprocess.Popen([GLIMPSE, "run", str(program("a.sh", "while read -r line; do echo \"<$line>\"; done")), *map(str, where), "--interactive"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as command:
        for word in (b"one", b"two"):
            command.stdin.write(word + b"\n")
            command.stdin.flush()
            assert command.stdout.readline() == b"<" + word + b">\n"
        command.stdin.close()
        assert command.wait(PATIENCE) == 0


def test_much_goes_both_ways(where, program):
    text = os.urandom(3 << 20).hex().encode()
    done = run("run", program("a.sh", "cat"), *where, "--interactive", "--output-bytes", "16M", stdin=text)
    assert done.stdout == text and done.returncode == 0, done.stderr


@pytest.mark.parametrize("words, status, says", [
    (["repl", "c"], 2, b"no prompt"),
    (["repl", "cobol"], 2, b"no language"),
    (["repl"], 2, b"which LANGUAGE?"),
    (["repl", "python", "--nonsense"], 2, b"glimpse repl: there is no option --nonsense"),
    (["repl", "python", "--server", "http://127.0.0.1:1"], 3, b"connect"),
    (["repl", "python", "--server", "http:// "], 3, b""),
])
def test_what_can_not_be(server, words, status, says):
    words = words if "--server" in words else [*words, "--server", server.url]
    done = run(*words)
    assert done.returncode == status and says in done.stderr, done


def test_a_server_that_is_none(tmp_path):
    """What answers is no Glimpse."""
    (tmp_path / "index.html").write_text("hello")
    with subprocess.Popen(["/usr/bin/python3", "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path)],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as other:
        port = re.search(r"port (\d+)", other.stdout.readline()).group(1)
        done = run("repl", "python", "--server", f"http://127.0.0.1:{port}/")
        other.terminate()
    assert done.returncode == 3 and b"HTTP status 404" in done.stderr, done


def test_too_many():
    with Server({"interactive_max": 0}) as server:
        done = run("repl", "python", "--server", server.url)
        assert done.returncode == 3 and b"no more are allowed" in done.stderr, done


def test_a_server_that_dies(terminal):
    server = Server().start()
    shell = terminal("repl", "python", "--server", server.url)
    shell.until(">>> ")
    os.kill(server.pid_of("glimpsed"), signal.SIGKILL)
    assert shell.end() == 3 and "the connection has ended" in shell.text
    server.stop()
