"""/v1/interactive: programs that somebody talks to, over real WebSocket clients (Python's, Node's) and over sockets that
break the rules."""
import base64
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import time

import pytest
import websocket

from glimpse_server import Server

PATIENCE = 60
WINDOW = {"rows": 24, "columns": 80}


class Session:
    """A client: what it hears is gathered by type."""

    def __init__(self, server, **options):
        self.ws = websocket.create_connection(server.url.replace("http", "ws") + "/v1/interactive", timeout=PATIENCE, **options)
        self.events, self.result, self.error, self.status = [], None, None, None

    def send(self, message):
        self.ws.send(json.dumps(message))
        return self

    def start(self, request, terminal=None):
        return self.send({"type": "start", "request": request, "terminal": terminal})

    def type(self, text):
        return self.send({"type": "stdin", "data": text})

    def next(self):
        """The next event; None at the end, of which self.status is the close code."""
        opcode, data = self.ws.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            self.status = int.from_bytes(data[:2], "big") if data else 0
            return None
        event = json.loads(data)
        self.events.append(event)
        if event["type"] == "result":
            self.result = event
        elif event["type"] == "error":
            self.error = event
        return event

    def text(self, stream="stdout", stage="run"):
        return "".join(event["data"] for event in self.events if event["type"] == stream and event["stage"] == stage)

    def until(self, pattern, stream="stdout"):
        """Reads on until what has come since the last time matches; the match."""
        while True:
            found = re.compile(pattern).search(self.text(stream), self.seen if hasattr(self, "seen") else 0)
            if found:
                self.seen = found.end()
                return found
            assert self.next() is not None, f"{pattern} has not come: {self.events}"

    def end(self):
        """Reads to the end; the result."""
        while self.next() is not None:
            pass
        return self.result

    def close(self):
        with contextlib.suppress(OSError, websocket.WebSocketException):
            self.ws.close(timeout=1)


@pytest.fixture()
def connect(server):
    sessions = []

    def make(at=server, **options):
        sessions.append(Session(at, **options))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


def wait_for(condition, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it has not come"
        time.sleep(0.05)


def processes_with(word):
    """Pids of processes of this machine, in boxes too, that have this word in their command line."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word.encode() in path.read_bytes().split(b"\0"):
                found.append(path.parent.name)
    return found


def memory_of(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) << 10


# --- Without a terminal ------------------------------------------------------------------------------------------------------


def test_a_conversation(connect):
    session = connect().start({"language": "python", "code": "print('name?', flush=True)\nprint('Hello,', input())", "output_encoding": None})
    assert session.next() == {"type": "stage", "stage": "run"}
    session.until("name\\?\n")
    result = session.type("Ada\n").end()
    assert (result["status"], result["stages"]["run"]["stdout"]) == ("ok", "name?\nHello, Ada\n")
    assert session.text() == "name?\nHello, Ada\n" and session.status == 1000
    assert set(result) == {"type", "id", "language", "version", "status", "message", "stages"}


def test_what_is_sent_at_once_is_read_in_order(connect):
    session = connect().start({"language": "bash", "code": "cat; echo end >&2", "stdin": "one "})
    session.type("two ").ws.send_binary(b"thr\xc3")
    session.ws.send_binary(b"\xa4e")
    result = session.send({"type": "eof"}).end()
    assert result["stages"]["run"]["stdout"] == "one two thr\u00e4e" == session.text()
    assert session.text("stderr") == "end\n"


def test_bytes_come_through_unchanged(connect):
    every_byte = bytes(range(256)) * 400
    session = connect().start({"language": "python", "code": "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())",
                               "output_encoding": "base64"})
    session.ws.send_binary(every_byte)
    result = session.send({"type": "eof"}).end()
    pieces = [base64.b64decode(event["data"]) for event in session.events if event["type"] == "stdout"]
    assert b"".join(pieces) == every_byte == base64.b64decode(result["stages"]["run"]["stdout"])


def test_compilers_are_heard(connect):
    session = connect().start({"language": "c", "code": '#include <stdio.h>\nint main(void) { int c = getchar(); printf("%c\\n", c); return y; }'})
    assert session.end()["status"] == "compile_error"
    assert "y" in session.text("stderr", "compile") and session.status == 1000
    session = connect().start({"language": "c", "code": '#include <stdio.h>\nint main(void) { int c = getchar(); printf("%c\\n", c); }', "cache": False})
    session.until("")
    assert session.type("x").end()["stages"]["run"]["stdout"] == "x\n"
    assert [event["stage"] for event in session.events if event["type"] == "stage"] == ["compile", "run"]


SIGNALS = ["SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGTSTP", "SIGCONT"]


def test_signals_reach_the_program(connect):
    code = f"""
import os, signal
names = {SIGNALS!r}
for name in names:
    signal.signal(getattr(signal, name), lambda number, frame: os.write(1, signal.Signals(number).name.encode() + b"\\n"))
print("ready", flush=True)
while True:
    signal.pause()
"""
    session = connect().start({"language": "python", "code": code})
    session.until("ready\n")
    for name in SIGNALS:
        session.send({"type": "signal", "signal": name}).until(name + "\n")
    result = session.send({"type": "signal", "signal": "SIGKILL"}).end()
    assert (result["status"], result["stages"]["run"]["signal"]) == ("signaled", "SIGKILL")


def test_signals_reach_what_it_has_started(connect):
    session = connect().start({"language": "bash", "code": "sleep 100 & echo ready; wait $!; echo never"})
    session.until("ready\n")
    assert session.send({"type": "signal", "signal": "SIGTERM"}).end()["stages"]["run"]["signal"] == "SIGTERM"


# --- In a terminal -----------------------------------------------------------------------------------------------------------


def test_it_is_a_terminal(connect):
    code = """
import fcntl, os, struct, sys, termios
print([os.isatty(fd) for fd in range(3)], os.environ["TERM"], os.get_terminal_size())
print(os.getsid(0) == os.getpid() == os.tcgetpgrp(0) == os.tcgetpgrp(os.open("/dev/tty", os.O_RDWR)))
print("error", file=sys.stderr)
print("you said", input("? "))
"""
    session = connect().start({"language": "python", "code": code}, {"rows": 33, "columns": 99})
    session.until("\\? ")
    result = session.type("h\u00e4x\x7f\x7fi\r").end()
    lines = session.text().split("\r\n")
    assert lines[:3] == ["[True, True, True] xterm-256color os.terminal_size(columns=99, lines=33)", "True", "error"]
    assert lines[-2] == "you said hi", "what is erased of a line are characters"
    assert result["status"] == "ok" and result["stages"]["run"]["stderr"] == ""


def test_its_size_follows(connect):
    session = connect().start({"language": "bash", "code": "trap 'stty size' WINCH; stty size; while :; do read -r -t 1 line && exit; done"}, WINDOW)
    session.until("24 80")
    session.send({"type": "resize", "rows": 50, "columns": 132}).until("50 132")
    session.type("\n").end()
    # Before there is a terminal, too.
    session = connect().start({"language": "bash", "code": "stty size"}, WINDOW).send({"type": "resize", "rows": 1, "columns": 1000})
    assert session.end()["stages"]["run"]["stdout"] == "1 1000\r\n"


def test_ctrl_c_and_ctrl_d(connect):
    session = connect().start({"language": "python", "code": """
import time
try:
    print("sleeping", flush=True)
    time.sleep(100)
except KeyboardInterrupt:
    print("interrupted", flush=True)
try:
    input()
except EOFError:
    print("ended", flush=True)
print(input())
"""}, WINDOW)
    session.until("sleeping")
    session.type("\x03").until("interrupted")
    session.send({"type": "eof"}).until("ended")
    assert session.type("more\n").end()["status"] == "ok"


def test_a_prompt(connect):
    session = connect().start({"language": "python", "repl": True, "files": [{"name": "mine.py", "content": "x = 20"}]}, WINDOW)
    session.until(">>> ")
    session.type("import mine, time; mine.x + 22\r").until("\n42\r\n>>> ")
    session.type("time.sleep(100)\r").until("sleep\\(100\\)\r\n")
    session.type("\x03").until("KeyboardInterrupt\r\n>>> ")
    session.type("raise SystemExit(3)\r")
    assert session.end()["stages"]["run"]["exit_code"] == 3


@pytest.mark.parametrize("language, line, answer", [
    ("bash", "echo $((6 * 7))", "42"), ("lua", "=6*7", "42"), ("php", "echo 6 * 7;", "42"), ("javascript", "6 * 7", "42"), ("r", "6 * 7", "42"),
])
def test_prompts_of_other_languages(connect, language, line, answer):
    session = connect().start({"language": language, "repl": True}, WINDOW)
    session.until("[>$] ?(\x1b\\[\\d+G)?$")
    session.type(line + "\r").until(f"\n.*{answer}")
    session.send({"type": "signal", "signal": "SIGKILL"}).end()


def test_job_control(connect):
    session = connect().start({"language": "bash", "repl": True}, WINDOW)
    session.until("\\$ $")
    session.type("sleep 100\r").until("sleep 100\r\n")
    time.sleep(0.5)
    session.type("\x1a").until("Stopped")
    session.type("jobs; fg\r").until("Stopped.*sleep 100\r\nsleep 100\r\n")
    time.sleep(0.5)
    # Not the key: the message goes to who is in the foreground, the shell lives on.
    session.send({"type": "signal", "signal": "SIGINT"}).until("\\$ $")
    session.type("echo alive$?\r").until("alive130")
    session.type("exit 4\r")
    assert session.end()["stages"]["run"]["exit_code"] == 4


ISOLATION = """
import array, ctypes, fcntl, os, pathlib, termios
print("fds", [os.readlink(f"/proc/self/fd/{fd}") for fd in range(3)])
print("more", [fd for fd in os.listdir("/proc/self/fd") if int(fd) > 2 and os.path.exists(f"/proc/self/fd/{fd}")])
print("pts", sorted(os.listdir("/dev/pts")))
for name, number in (("TIOCSTI", termios.TIOCSTI), ("TIOCLINUX", 0x541C), ("TIOCSETD", 0x5423), ("TIOCCONS", 0x541D)):
    for fd in (0, os.open("/dev/tty", os.O_RDWR)):
        try:
            fcntl.ioctl(fd, number, b"x\\0\\0\\0")
            print("HOLE", name)
        except OSError as error:
            print(name, error.errno)
print("vhangup", ctypes.CDLL(None, use_errno=True).vhangup(), ctypes.get_errno())
print("end")
"""


def test_the_terminal_is_the_boxs_own(connect):
    session = connect().start({"language": "python", "code": ISOLATION}, WINDOW)
    status, text = session.end()["status"], session.text()
    assert status == "ok", text
    assert "HOLE" not in text and text.endswith("end\r\n"), text
    assert "fds ['/dev/pts/0', '/dev/pts/0', '/dev/pts/0']" in text and "more []" in text, text
    assert "pts ['0', 'ptmx']" in text, text


def test_it_has_no_terminal_of_its_own_without(connect):
    session = connect().start({"language": "bash", "code": "echo x > /dev/tty; echo $?"})
    assert session.end()["stages"]["run"]["stdout"] == "1\n"


# --- The end -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("terminal", [None, WINDOW])
@pytest.mark.parametrize("how", ["close", "hang up", "reset"])
def test_closing_kills(connect, terminal, how):
    word = f"{time.time_ns() % 10**9}"
    session = connect().start({"language": "bash", "code": f"trap '' HUP INT TERM; setsid sleep {word} & sleep {word}"}, terminal)
    wait_for(lambda: len(processes_with(word)) >= 2)
    if how == "close":
        session.ws.send_close()
    elif how == "hang up":
        session.ws.sock.shutdown(socket.SHUT_RDWR)
    else:
        session.ws.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        session.ws.sock.close()
    wait_for(lambda: not processes_with(word))


def test_closing_kills_who_is_not_read(connect):
    """Its output waits, its input waits: that the client has left is seen all the same."""
    word = f"{time.time_ns() % 10**9}"
    session = connect().start({"language": "bash", "code": f"yes & sleep {word}",
                               "limits": {"run": {"output_bytes": 16 << 20}}})
    session.ws.send_binary(bytes(1 << 20))
    wait_for(lambda: processes_with(word))
    time.sleep(1)
    assert processes_with(word)
    session.ws.sock.shutdown(socket.SHUT_RDWR)
    wait_for(lambda: not processes_with(word))


def test_limits_hold(connect):
    session = connect().start({"language": "bash", "code": "echo so far; sleep 100", "limits": {"run": {"wall_time_ms": 500}}}, WINDOW)
    assert session.end()["status"] == "wall_time_limit" and session.text() == "so far\r\n"
    session = connect().start({"language": "bash", "code": "yes", "limits": {"run": {"output_bytes": 5000}}}, WINDOW)
    assert session.end()["status"] == "output_limit" and len(session.text()) == 5000


# --- Back-pressure -----------------------------------------------------------------------------------------------------------


def test_a_slow_reader_gets_everything(server, connect):
    pid, n_bytes = server.pid_of("glimpsed"), 12 << 20
    session = connect(sockopt=((socket.SOL_SOCKET, socket.SO_RCVBUF, 65536),))
    session.start({"language": "python", "code": f"import sys\nfor i in range({n_bytes >> 16}): sys.stdout.write('x' * 65536)",
                   "limits": {"run": {"output_bytes": n_bytes}}})
    session.until("x")
    time.sleep(1)
    before = memory_of(pid)
    time.sleep(2)
    assert memory_of(pid) < before + (2 << 20), "it reads on"
    assert session.end()["status"] == "ok"
    assert len(session.text()) == n_bytes == len(session.result["stages"]["run"]["stdout"])


def test_who_does_not_read_stops_who_types(server, connect):
    pid = server.pid_of("glimpsed")
    session = connect().start({"language": "bash", "code": "echo ready; sleep 4; head -c 20M | wc -c"})
    session.until("ready\n")
    before, sent = memory_of(pid), 0
    session.ws.settimeout(1)
    with pytest.raises(websocket.WebSocketTimeoutException):
        while sent < 64 << 20:
            session.ws.send_binary(bytes(1 << 19))
            sent += 1 << 19
    assert sent < 32 << 20 and memory_of(pid) < before + (8 << 20)


def test_all_that_is_typed_arrives(connect):
    session = connect().start({"language": "bash", "code": "sleep 1; wc -c"})
    for _ in range(30):
        session.ws.send_binary(bytes(1 << 19))
    assert session.send({"type": "eof"}).end()["stages"]["run"]["stdout"].strip() == str(30 << 19)


def test_a_flood_of_signals_harms_nobody(server, connect):
    session = connect().start({"language": "bash", "code": "trap '' USR1; echo ready; read -r x; echo $x"})
    session.until("ready\n")
    for _ in range(5000):
        session.send({"type": "signal", "signal": "SIGUSR1"})
    assert session.type("done\n").end()["status"] == "ok"
    assert server.run({"language": "python", "code": ""})["status"] == "ok"


# --- What is refused ---------------------------------------------------------------------------------------------------------

GOOD = {"language": "bash", "code": "cat"}


@pytest.mark.parametrize("message, field, says", [
    ("no json", None, "not valid JSON"),
    ("[]", None, "must be a JSON object"),
    ({}, "type", "must be {\"type\": \"start\""),
    ({"type": "stdin", "data": "x"}, "type", "first message"),
    ({"type": "start"}, "request", "missing"),
    ({"type": "start", "request": 1}, "request", "an object"),
    ({"type": "start", "request": {"language": "bash"}}, "request.code", "missing"),
    ({"type": "start", "request": {**GOOD, "nonsense": 1}}, "request.nonsense", "not a field"),
    ({"type": "start", "request": {**GOOD, "limits": {"run": {"wall_time_ms": 0}}}}, "request.limits.run.wall_time_ms", "at least"),
    ({"type": "start", "request": {**GOOD, "language": "cobol"}}, "request.language", "there is no language"),
    ({"type": "start", "request": {**GOOD, "repl": 1}}, "request.repl", "true or false"),
    ({"type": "start", "request": {**GOOD, "repl": True}}, "request.code", "exclude"),
    ({"type": "start", "request": {"language": "c", "repl": True}}, "request.language", "no prompt"),
    ({"type": "start", "request": GOOD, "terminal": True}, "terminal", "an object"),
    ({"type": "start", "request": GOOD, "terminal": {"rows": 24}}, "terminal.columns", "from 1 to 1000"),
    ({"type": "start", "request": GOOD, "terminal": {"rows": 0, "columns": 80}}, "terminal.rows", "from 1 to 1000"),
    ({"type": "start", "request": GOOD, "terminal": {"rows": 24, "columns": 1001}}, "terminal.columns", "from 1 to 1000"),
    ({"type": "start", "request": GOOD, "terminal": {"rows": 24.5, "columns": 80}}, "terminal.rows", "whole number"),
    ({"type": "start", "request": GOOD, "terminal": {**WINDOW, "more": 1}}, "terminal.more", "not a field"),
    ({"type": "start", "request": GOOD, "more": 1}, "more", "not a field"),
])
def test_a_wrong_start(connect, message, field, says):
    session = connect()
    session.ws.send(message if isinstance(message, str) else json.dumps(message))
    session.end()
    assert session.error["status"] in (400, 422) and session.error.get("field") == field and says in session.error["detail"], session.error
    assert session.status == 1008 and len(session.events) == 1


@pytest.mark.parametrize("message, field, says", [
    ({"type": "start", "request": GOOD}, "type", "type must be"),
    ({"type": 1}, "type", "type must be"),
    ({"type": "stdin"}, "data", "must be a string"),
    ({"type": "stdin", "data": 1}, "data", "must be a string"),
    ({"type": "stdin", "data": "x", "more": 1}, "more", "not a field"),
    ({"type": "signal", "signal": "SIGSTOP"}, "signal", "must be one of SIGINT, "),
    ({"type": "signal", "signal": 9}, "signal", "must be one of"),
    ({"type": "resize", "rows": 1, "columns": 1}, "type", "no terminal"),
    ({"type": "eof", "data": ""}, "data", "not a field"),
])
def test_a_wrong_message_ends_the_run(connect, message, field, says):
    session = connect().start(GOOD)
    session.next()
    session.send(message).end()
    assert session.error["status"] == 422 and session.error["field"] == field and says in session.error["detail"], session.error
    assert session.status == 1008 and session.result is None


def test_nothing_follows_the_end_of_input(connect):
    session = connect().start({"language": "bash", "code": "cat; sleep 100"}).send({"type": "eof"}).type("x")
    session.end()
    assert session.error["field"] == "type" and "ended" in session.error["detail"]


def test_messages_have_a_bound(connect):
    session = connect().start({"language": "bash", "code": "sleep 100"})
    session.next()
    with contextlib.suppress(OSError):
        session.ws.send_binary(bytes((1 << 20) + 1))
    session.end()
    assert session.status == 1009


@pytest.mark.parametrize("origin, status", [
    ("same", 101), ("https://same", 101), ("http://evil.example", 403), ("null", 403), ("file://", 403), ("same.evil.example", 403),
])
def test_pages_of_others_may_not(server, connect, origin, status):
    own = f"{server.host}:{server.port}"
    origin = f"http://{own}" if origin == "same" else origin.replace("same", own)
    if status == 101:
        assert connect(origin=origin).start({"language": "bash", "code": "echo hi"}).end()["status"] == "ok"
        return
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        connect(origin=origin)
    assert refused.value.status_code == status


def test_other_clients_are_told(server, problem):
    answer = server.get("/v1/interactive")
    assert "WebSocket" in problem(answer, 426)
    assert answer.headers["Upgrade"] == "websocket" and answer.headers["Sec-WebSocket-Version"] == "13"
    assert server.post("/v1/interactive", {}).status_code == 405


HANDSHAKE = b"GET /v1/interactive HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" \
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"


@pytest.mark.parametrize("frames, status", [
    (b"\x81\x05hello", 1002),                                    # not masked
    (b"\x81\x82\0\0\0\0\xff\xfe", 1007),                         # not UTF-8
    (b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x", 1009),  # as large as can be
    (os.urandom(4096) + b"\xff" * 64, None),
    (b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 20000, 1008),   # fragments without end: it has 20 s
], ids=["unmasked", "not-utf8", "too-large", "noise", "endless"])
def test_hostile_frames(server, raw, frames, status):
    client = raw().send(HANDSHAKE)
    client.sock.settimeout(PATIENCE)
    assert client.answer().status == 101
    with contextlib.suppress(OSError):
        client.send(frames)
    while client._more():
        pass
    client.buffer = client.buffer.removeprefix(b"\x89\0")  # a ping
    if status:
        assert client.buffer[0] == 0x88 and int.from_bytes(client.buffer[2:4], "big") == status, client.buffer
    assert server.get("/readyz").status_code == 200


# --- The operator's say ------------------------------------------------------------------------------------------------------


def test_people_leave_room_for_programs():
    with Server({"interactive_max": 1, "interactive_time": "2s"}) as server:
        first, second = Session(server).start({"language": "python", "repl": True}, WINDOW), Session(server)
        first.until(">>> ")
        second.start({"language": "bash", "code": "echo hi"}).end()
        assert second.error["status"] == 503 and second.status == 1011
        assert server.run({"language": "python", "code": "print(1)"})["status"] == "ok"
        assert first.end()["status"] == "wall_time_limit" and first.result["stages"]["run"]["wall_ms"] >= 2000
        third = Session(server).start({"language": "bash", "code": "sleep 100", "limits": {"run": {"wall_time_ms": 3600000}}})
        assert third.end()["status"] == "wall_time_limit" and 2000 <= third.result["stages"]["run"]["wall_ms"] < 20000


def test_there_may_be_none():
    with Server({"interactive_max": 0}) as server:
        session = Session(server).start(GOOD)
        session.end()
        assert session.error["status"] == 503 and session.status == 1011


def test_a_server_that_stops_says_so():
    server = Server().start()
    session = Session(server).start({"language": "bash", "code": "echo ready; read -r x; echo $x"})
    session.until("ready\n")
    server.process.terminate()
    wait_for(lambda: "stopping" in server.log_text())
    assert session.type("done\n").end()["status"] == "ok"  # it may end
    assert server.stop() == 0


# --- Other clients -----------------------------------------------------------------------------------------------------------

NODE = """
const ws = new WebSocket(process.argv[1]);
ws.onopen = () => ws.send(JSON.stringify({type: "start", request: {language: "python", code: "print(input('? '))"}, terminal: {rows: 24, columns: 80}}));
ws.onmessage = message => {
  const event = JSON.parse(message.data);
  if (event.type === "stdout" && event.data.includes("? ")) ws.send(JSON.stringify({type: "stdin", data: "from Node\\r"}));
  if (event.type === "result") console.log(JSON.stringify(event.stages.run.stdout));
};
ws.onclose = event => console.log(event.code, event.wasClean);
"""


def test_node(server):
    node = "/opt/glimpse/toolchains/bin/node"
    if not os.path.exists(node):
        pytest.skip("Node with a WebSocket of its own comes from script/toolchains")
    done = subprocess.run([node, "-e", NODE, server.url.replace("http", "ws") + "/v1/interactive"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout.splitlines() == ['"? from Node\\r\\nfrom Node\\r\\n"', "1000 true"], done.stdout + done.stderr
